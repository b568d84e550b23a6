"""The training formula over its arithmetics: floats, floats with their rounding, balls."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import flint
import numpy as np
import pytest
from numpy.typing import NDArray

from nn_from_scratch.verify.training.balls import BallArithmetic, Balls, enclose
from nn_from_scratch.verify.training.formula import Floats, descend, flatten, forward, step, unflatten
from nn_from_scratch.verify.training.recorded import MARGIN, Configuration
from nn_from_scratch.verify.training.rounding import Rounding

SIZES = [3, 5, 4, 1]
NETWORKS = [("tanh",) * 3, ("sigmoid",) * 3, ("relu", "relu", "tanh")]


def configuration(activations: Sequence[str], seed: int = 0, samples: int = 30) -> Configuration:
    generator = np.random.default_rng(seed)
    weights = sum((inputs + 1) * neurons for inputs, neurons in pairwise(SIZES))
    # what float32 holds exactly, so that all arithmetics begin at the same numbers
    start, x = (
        generator.uniform(-1, 1, shape).astype(np.float32).astype(np.float64)
        for shape in ((weights,), (samples, SIZES[0]))
    )
    y = generator.integers(0, 2, samples).astype(np.float64)
    return Configuration(SIZES, activations, 2.0**-7, None, 1, x, y, start)


def one_step(arithmetic: Floats, asked: Configuration) -> NDArray[np.float64]:
    """Return the new weights and the loss."""
    loss, layers = next(descend(asked, arithmetic))
    return np.append(flatten(layers), loss)


@pytest.mark.parametrize("activations", NETWORKS)
def test_a_step_is_pytorchs(activations: Sequence[str]) -> None:
    torch = pytest.importorskip("torch")
    asked = configuration(activations)
    layers = [torch.tensor(layer, requires_grad=True) for layer in unflatten(asked.start, SIZES)]
    out = torch.tensor(asked.x)
    for layer, name in zip(layers, activations, strict=True):
        out = getattr(torch, name)(out @ layer[:, :-1].T + layer[:, -1])
    loss = ((out[:, 0] - torch.tensor(asked.y)) ** 2).sum()
    loss.backward()
    expected = [(layer - asked.learning_rate * layer.grad).detach().numpy() for layer in layers]
    np.testing.assert_allclose(
        one_step(Floats(), asked), np.append(flatten(expected), loss.item()), rtol=1e-12, atol=1e-15
    )


@pytest.mark.parametrize("activations", NETWORKS)
def test_balls_hold_the_step_and_are_narrow(activations: Sequence[str]) -> None:
    asked = configuration(activations)
    loss, layers = next(enclose(asked, 128))
    balls = [ball for layer in layers for ball in layer.matrix.entries()] + [loss]
    floats = one_step(Floats(), asked)
    for ball, near in zip(balls, floats, strict=True):
        assert abs(float(ball) - near) <= 1e-13
        assert float(ball.rad()) < 1e-30
    finer, _ = next(enclose(asked, 512))
    assert loss.contains(finer)


def test_enclosing_leaves_the_precision_as_it_was() -> None:
    before = flint.ctx.prec
    next(enclose(configuration(("tanh",) * 3), 300))
    assert flint.ctx.prec == before


def test_balls_refuse_the_kink_of_relu() -> None:
    with pytest.raises(ArithmeticError, match="relu contains 0"):
        BallArithmetic().activate("relu", Balls(flint.arb_mat([[flint.arb(0, 1e-9)]])))


@pytest.mark.parametrize("activations", NETWORKS)
@pytest.mark.parametrize("seed", range(10))
def test_the_derived_spread_covers_what_float32_rounds_off(activations: Sequence[str], seed: int) -> None:
    asked = configuration(activations, seed)
    rounding = Rounding(2.0**-24)
    x, y = map(rounding.exact, asked.samples(0))
    loss, layers = step(
        rounding, [rounding.exact(layer) for layer in unflatten(asked.start, SIZES)], x, y, **asked.descent
    )
    spread = np.append(flatten([layer.error for layer in layers]), loss.error)
    single = {key: getattr(asked, key).astype(np.float32) for key in ("start", "x", "y")}
    errors = abs(one_step(Floats(), replace(asked, **single)) - one_step(Floats(), asked))
    assert np.all(errors <= MARGIN * spread)
    assert np.max(errors / spread) > 0.05  # and not by being idle


def test_the_spread_of_relu_covers_its_kink() -> None:
    rounding = Rounding()
    near = rounding.exact([[1e-20, 1.0]])
    near.error[:] = 1e-15
    _, slope = rounding.activate("relu", near)
    assert slope.error.tolist() == [[1.0, 0.0]]


def test_many_starts_train_at_once() -> None:
    asked = configuration(("tanh",) * 3)
    starts = np.stack([asked.start, -asked.start])
    together = replace(asked, start=starts, iterations=3)
    alone = replace(asked, start=starts[1], iterations=3)
    for (losses, _), (loss, _) in zip(descend(together), descend(alone), strict=True):
        assert losses.shape == (2,)
        assert losses[1] == pytest.approx(loss, rel=1e-13)


def test_batches_are_taken_in_order_and_cyclically() -> None:
    asked = replace(configuration(("tanh",) * 3), batch=10)
    seen = [asked.samples(k)[0] for k in range(4)]
    np.testing.assert_array_equal(np.concatenate(seen[:3]), asked.x)
    np.testing.assert_array_equal(seen[3], seen[0])


def test_forward_ends_where_a_step_begins() -> None:
    asked = configuration(("tanh",) * 3)
    output = forward(Floats(), unflatten(asked.start, SIZES), asked.x, asked.activations)
    loss, _ = next(descend(asked))
    assert ((output[:, 0] - asked.y) ** 2).sum() == pytest.approx(loss, rel=1e-14)


def test_flat_weights_are_neuron_by_neuron_bias_last() -> None:
    layers = unflatten(np.arange(13.0), [2, 3, 1])
    assert [layer.tolist() for layer in layers] == [[[0, 1, 2], [3, 4, 5], [6, 7, 8]], [[9, 10, 11, 12]]]
    np.testing.assert_array_equal(flatten(layers), np.arange(13.0))
