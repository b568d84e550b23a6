"""`MLP` and `Layer`: parameters, outputs, gradients, training, files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nn_from_scratch import MLP, Layer, Node, gradients

ACTIVATIONS: dict[str, Any] = {
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "relu": lambda x: np.maximum(x, 0),
    "softplus": lambda x: np.log1p(np.exp(x)),
    "linear": lambda x: x,
}


def _forward(x: Any, parameters: list[Any], activations: list[str], *, single: bool) -> Any:
    """Compute a network in plain numpy, or of nodes with one row for each step."""
    for weights, biases, name in zip(parameters[::2], parameters[1::2], activations, strict=True):
        x = x @ weights.T + biases
        nodes = type(x) is Node
        x = x if name == "linear" else getattr(x, name)() if nodes else ACTIVATIONS[name](x)
    return x[..., 0] if single else x


def test_parameters_are_drawn_neuron_by_neuron_weights_before_bias() -> None:
    model = MLP([2, 3, 1], seed=7)
    drawn = np.random.default_rng(7).uniform(-1, 1, 3 * 3 + 4)
    expected = []
    for inputs, outputs in ((2, 3), (3, 1)):
        rows, drawn = np.split(drawn, [outputs * (inputs + 1)])
        rows = rows.reshape(outputs, inputs + 1)
        expected += [rows[:, :-1], rows[:, -1]]
    assert len(model.parameters()) == 4
    for parameter, values in zip(model.parameters(), expected, strict=True):
        assert np.array_equal(parameter.value, values)


def test_seed_decides_the_start() -> None:
    def start(seed: Any) -> Any:
        return MLP([2, 3], seed).layers[0].weights.value

    assert np.array_equal(start(1), start(1))
    assert np.array_equal(start(1), start(np.random.default_rng(1)))
    assert not np.array_equal(start(None), start(None))
    assert np.abs(MLP([50, 50], 0).layers[0].weights.value).max() < 1


@pytest.mark.parametrize("sizes", [[2, 1], [2, 3, 1], [3, 4, 2], [1, 1, 1]])
@pytest.mark.parametrize("batch", [(), (1,), (5,)])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("linear_output", [False, True])
def test_fused_layers_agree_with_single_steps_to_second_order(
    sizes: list[int], batch: tuple[int, ...], activation: str, linear_output: bool
) -> None:
    model = MLP(sizes, 3, activation=activation, last="linear" if linear_output else "")
    generator = np.random.default_rng(4)
    samples = generator.normal(size=(*batch, sizes[0]))
    activations = [activation] * (len(sizes) - 1)
    if linear_output:
        activations[-1] = "linear"
    single = sizes[-1] == 1
    parameters = model.parameters()
    plain = _forward(samples, [p.value for p in parameters], activations, single=single)
    x = Node(samples)
    fused = model(x)
    steps = _forward(x, parameters, activations, single=single)
    assert np.shape(fused.value) == (batch if single else (*batch, sizes[-1]))
    np.testing.assert_allclose(fused.value, plain, rtol=1e-13)
    cotangent = generator.normal(size=fused.shape) if fused.shape else 0.7
    inputs = [x, *parameters]
    found = [gradients(z, inputs, cotangent, create_graph=True) for z in (fused, steps)]
    for got, expected in zip(*found, strict=True):
        np.testing.assert_allclose(got.value, expected.value, rtol=1e-12, atol=1e-14)
        assert got.shape == expected.shape
    totals: list[Any] = [sum((g * g).sum() for g in gradient) for gradient in found]
    for got, expected in zip(*(gradients(total, inputs) for total in totals), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("batch", [False, True])
def test_mlp_agrees_with_pytorch(batch: bool) -> None:
    torch = pytest.importorskip("torch")
    model = MLP([3, 5, 4, 1], seed=0)
    generator = np.random.default_rng(1)
    x = generator.normal(size=(6, 3) if batch else 3)
    tensors = [torch.tensor(p.value, requires_grad=True) for p in model.parameters()]
    t = torch.tensor(x)
    for weights, biases in zip(tensors[::2], tensors[1::2], strict=True):
        t = torch.tanh(t @ weights.T + biases)
    t = ((t[..., 0] - 0.3) ** 2).sum()
    t.backward()
    z = ((model(x) - 0.3) ** 2).sum()
    z.backprop()
    np.testing.assert_allclose(z.value, t.item(), rtol=1e-13)
    for parameter, tensor in zip(model.parameters(), tensors, strict=True):
        np.testing.assert_allclose(parameter.grad, tensor.grad.numpy(), rtol=1e-12)


def test_loop_of_the_readme_gives_the_gradient_of_the_batch() -> None:
    model = MLP([2, 4, 1], seed=0)
    generator = np.random.default_rng(1)
    x, y = generator.normal(size=(10, 2)), generator.integers(2, size=10)
    loss: Any = sum((y_a - y_p) ** 2 for y_a, y_p in zip(y, [model(sample) for sample in x], strict=True))
    loss.backprop()
    one_by_one = [p.grad.copy() for p in model.parameters()]
    for p in model.parameters():
        p.grad = 0
    batch = ((y - model(x)) ** 2).sum()
    batch.backprop()
    np.testing.assert_allclose(loss.value, batch.value, rtol=1e-14)
    for p, expected in zip(model.parameters(), one_by_one, strict=True):
        np.testing.assert_allclose(p.grad, expected, rtol=1e-12, atol=1e-14)
        p.value += -0.01 * p.grad
    assert ((y - model(x)) ** 2).sum().value < batch.value


@pytest.mark.parametrize("shapes", [[(3,)], [(3,), (3,)], [(4, 3), (2, 3)], [(3,), (4, 3), (3,)]])
@pytest.mark.parametrize("penalty_first", [True, False])
@pytest.mark.parametrize("activation", ["tanh", "linear"])
def test_parameters_used_several_times_in_a_graph_get_the_sum_of_their_gradients(
    shapes: list[tuple[int, ...]], penalty_first: bool, activation: str
) -> None:
    generator = np.random.default_rng(2)
    samples = [generator.normal(size=shape) for shape in shapes]
    weights = Node(generator.normal(size=(3, 3)))
    first, second = (
        Layer(np.zeros((3, 3)), [0.1, 0.2, 0.3], activation),
        Layer(np.eye(3), np.ones(3), activation),
    )
    first.weights = second.weights = weights * 2.0  # shared, and computed
    parameters = [weights, first.biases, second.biases]

    def loss(layers: list[Any]) -> Any:
        penalty = (weights * weights * first.weights).sum()
        outputs = sum(layers[1](layers[0](x)).square().sum() for x in samples)
        return penalty + outputs if penalty_first else outputs + penalty

    def steps(layer: Layer) -> Any:
        return lambda x: _forward(x, [layer.weights, layer.biases], [activation], single=False)

    fused, single = loss([first, second]), loss([steps(first), steps(second)])
    fused.backprop()
    np.testing.assert_allclose(fused.value, single.value, rtol=1e-13)
    for parameter, expected in zip(parameters, gradients(single, parameters), strict=True):
        np.testing.assert_allclose(parameter.grad, expected, rtol=1e-12)


def test_models_that_share_layers_add_to_the_same_gradients() -> None:
    one, other = MLP([2, 3, 2], 0), MLP([2, 3, 1], 1)
    other.layers[0] = one.layers[0]
    x = np.array([0.3, -0.8])
    outputs = [one(x).sum(), other(x)]
    expected = sum(gradients(z, one.layers[0].weights) for z in outputs)
    (outputs[0] + outputs[1]).backprop()
    np.testing.assert_allclose(one.layers[0].weights.grad, expected, rtol=1e-13)


@pytest.mark.parametrize("batch", [(), (5,)])
def test_graph_of_a_layer_keeps_its_values_when_parameters_are_edited(batch: tuple[int, ...]) -> None:
    def result(*, disturbed: bool) -> list[Any]:
        model = MLP([3, 4, 2], 0)
        handed_out = [p.value for p in model.parameters()]
        x = np.linspace(-1, 1, 3 * (batch or (1,))[0]).reshape(*batch, 3)
        outputs = [model(x), model(x)]
        if disturbed:
            x += 5
            for p, value in zip(model.parameters(), handed_out, strict=True):
                np.add(value, 5, out=value)
                p.value = value
                p.value += 7
        (outputs[0] * outputs[1]).sum().backprop()
        return [p.grad for p in model.parameters()]

    for got, expected in zip(result(disturbed=True), result(disturbed=False), strict=True):
        assert np.array_equal(got, expected)


@pytest.mark.parametrize("batch", [(), (1,), (5,)])
def test_gradients_of_layers_share_no_memory(batch: tuple[int, ...]) -> None:
    layers = [Layer(np.eye(2), np.zeros(2), "linear") for _ in range(2)]
    x = Node(np.ones((*batch, 2)))
    z = layers[0](x) + layers[1](x)
    z.backprop(np.ones(z.shape))
    parameters = [x, *(p for layer in layers for p in (layer.weights, layer.biases))]
    for position, one in enumerate(parameters):
        for other in (z, *parameters[:position]):
            assert not np.shares_memory(one.grad, other.grad)


def test_float32_stays_float32_sample_by_sample() -> None:
    model = MLP([2, 4, 1], seed=0, dtype=np.float32)
    loss: Any = sum((model(sample) - np.float32(0.5)) ** 2 for sample in np.ones((3, 2), np.float32))
    loss.backprop()
    assert {p.grad.dtype for p in model.parameters()} == {np.dtype(np.float32)}


def test_empty_batch_has_zero_gradients() -> None:
    model = MLP([2, 4, 1], seed=0)
    model(np.ones((0, 2))).sum().backprop()
    for p in model.parameters():
        assert np.array_equal(p.grad, np.zeros(p.shape))


def test_float32_stays_float32_through_training() -> None:
    model = MLP([2, 4, 1], seed=0, dtype=np.float32)
    x = np.ones((3, 2), np.float32)
    loss = (model(x) ** 2).mean()
    loss.backprop()
    assert loss.dtype == np.float32
    for p in model.parameters():
        assert p.grad.dtype == np.float32
        p.value += -0.1 * p.grad
        assert p.value.dtype == np.float32
    np.testing.assert_allclose(model(x[0]).value, MLP([2, 4, 1], seed=0)(x[0]).value, atol=0.5)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_saved_model_loads_as_it_was(tmp_path: Path, activation: str) -> None:
    model = MLP([2, 3, 1], 0, activation=activation, last="linear", dtype=np.float32)
    path = tmp_path / "model.npz"
    model.save(path)
    loaded = MLP.load(path)
    x = np.ones((4, 2), np.float32)
    assert np.array_equal(loaded(x).value, model(x).value)
    assert loaded(x[0]).shape == ()
    assert loaded.layers[0].weights.dtype == np.float32
    assert [layer.activation for layer in loaded.layers] == [activation, "linear"]


def test_load_never_unpickles(tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    np.savez(path, activations=np.array(["tanh"]), parameter_0=np.array([{}]), parameter_1=np.ones(1))
    with pytest.raises(ValueError, match="allow_pickle=False"):
        MLP.load(path)


def test_repr_shows_shapes() -> None:
    expected = (
        "MLP(\n  Layer(weights (3, 2), biases (3,), relu),\n  Layer(weights (1, 3), biases (1,), linear),\n)"
    )
    assert repr(MLP([2, 3, 1], activation="relu", last="linear")) == expected


@pytest.mark.parametrize(
    ("sizes", "error"),
    [
        ([2], ValueError),
        ([], ValueError),
        ([2, 0, 1], ValueError),
        ([2, -1], ValueError),
        (3, ValueError),
        ("ab", TypeError),
        ([2, 1.5], TypeError),
        ([2, True], TypeError),
        ([2, None], TypeError),
        (None, TypeError),
    ],
)
def test_sizes_that_are_none_are_refused(sizes: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="MLP: sizes must be"):
        MLP(sizes)


def test_wrong_input_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"layer of shapes \(3,\), \(4, 2\), \(4,\)"):
        MLP([2, 4, 1])(np.ones(3))
    with pytest.raises(ValueError, match=r"layer of shapes \(5, 3\), \(4, 2\), \(4,\)"):
        MLP([2, 4, 1])(np.ones((5, 3)))
    for x in (1.0, np.ones((2, 2, 2))):
        with pytest.raises(ValueError, match="must be that of a sample or of a batch"):
            MLP([2, 4, 1])(x)
    with pytest.raises(TypeError, match="layer: expected real numbers"):
        MLP([2, 4, 1])(["a", "b"])
    with pytest.raises(ValueError, match="activation must be one of"):
        MLP([2, 1], activation="swish")


def test_layer_is_made_of_arrays() -> None:
    layer = Layer([[1.0, 2.0]], [3.0], "linear")
    assert np.array_equal(layer([1.0, 1.0]).value, [6.0])


@pytest.mark.parametrize("biases", [1.0, np.ones(1), np.ones((1, 4)), np.ones((4, 1)), np.ones(3)])
@pytest.mark.parametrize("x", [np.ones(3), np.ones((2, 3))])
def test_biases_of_another_shape_are_refused_and_not_broadcast(biases: Any, x: Any) -> None:
    model = MLP([3, 4, 1], 0)
    model.layers[0].biases.value = biases
    with pytest.raises(ValueError, match="one bias for each row of the weights"):
        model(x)
    with pytest.raises(ValueError, match="one bias for each row of the weights"):
        Layer(np.ones((4, 3)), biases)(x)


@pytest.mark.once
@pytest.mark.parametrize("shape", [(4, 5), (2, 3)])
def test_parameter_that_does_not_fit_any_more_is_told_by_its_layer(shape: tuple[int, ...]) -> None:
    model = MLP([3, 4, 1], 0)
    x = np.ones((2, 3))
    _ = model(x)
    model.layers[0].weights.value = np.ones(shape)
    with pytest.raises(ValueError, match=r"layer of shapes \(2, 3\)"):
        model(x)
