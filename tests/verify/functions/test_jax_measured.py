"""A function of JAX as a black box: its values are asked a thousand times, so that they must be quick."""

from typing import Any

import numpy as np
import pytest

jax = pytest.importorskip("jax")
jnp = jax.numpy

from nn_from_scratch.verify.functions.jaxpr import local, measured  # noqa: E402
from nn_from_scratch.verify.functions.jaxpr.checking import examine  # noqa: E402
from nn_from_scratch.verify.functions.jaxpr.measured import Measured  # noqa: E402
from nn_from_scratch.verify.functions.jaxpr.question import Question, precision  # noqa: E402
from nn_from_scratch.verify.judging.verdicts import Verdict  # noqa: E402

POINT = np.array([0.3, -0.5])


def steps(count: int) -> Any:
    """Return a function that computes step by step, each written for itself."""

    def function(x: Any) -> Any:
        h = x
        for _ in range(count):
            h = jnp.tanh(h + 0.1 * x)
        return h

    own = jax.custom_vjp(function)
    own.defvjp(lambda x: (function(x), x), lambda x, g: (g * x,))
    return own


def box_of(count: int) -> Measured:
    return Measured(Question.of(steps(count), [jnp.array(POINT)]), "rev", [np.array([1.0, 2.0])])


def is_compiled(box: Measured) -> bool:
    return hasattr(box._primal, "lower")


def value(count: int) -> float:
    with precision(wide=True):
        return float(np.array([1.0, 2.0]) @ np.array(steps(count)(jnp.array(POINT, jnp.float64))))


@pytest.mark.parametrize(("count", "compiled"), [(5, False), (60, True)])
def test_many_operations_are_compiled(count: int, compiled: bool) -> None:
    box = box_of(count)
    found = box.value(POINT)
    assert is_compiled(box) is compiled
    assert found == pytest.approx(value(count), rel=1e-14)


def test_what_is_another_when_it_is_compiled_is_run_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measured, "_LIKE", -1.0)
    box = box_of(60)
    assert box.value(POINT) == value(60)
    assert not is_compiled(box)


@pytest.mark.parametrize(
    ("own", "found", "gap"),
    [
        ([4.0, np.nan], [4.0, np.nan], 0.0),
        ([4.0, 1.0], [4.0, 1.5], 0.125),
        ([4.0, np.inf], [4.0, -np.inf], np.inf),
        ([4.0, 1.0], [4.0, np.nan], np.inf),
    ],
    ids=str,
)
def test_by_how_much_outputs_differ(own: list[float], found: list[float], gap: float) -> None:
    assert measured._differ_by([np.array(own)], [np.array(found)]) == gap


@pytest.mark.parametrize(
    ("function", "counts"),
    [
        (jax.scipy.special.logsumexp, False),
        (lambda x: jnp.sum(x * jax.lax.stop_gradient(x)), True),
        (lambda x: jax.lax.scan(lambda h, _: (jax.lax.stop_gradient(x) * h, None), x, None, 2)[0], True),
    ],
    ids=["of a logarithm", "of a factor", "within a loop"],
)
def test_a_gradient_that_is_stopped_is_an_excuse_where_it_counts(function: Any, counts: bool) -> None:
    said = measured.conventions(Question.of(function, [jnp.array(POINT)]))
    assert said == (["the function stops gradients"] if counts else [])


def test_a_loop_that_goes_on_operation_by_operation_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that iterates to a limit may come to rest where operations are fused, and take turns one by one.

    Which do depends on the processor, so that this one, which ends everywhere, is given less than it takes.
    """
    monkeypatch.setattr(local, "_LONGER", 0.5)

    def squared_thrice(x: Any) -> Any:
        return jax.lax.while_loop(
            lambda state: state[1] < 3, lambda state: (state[0] ** 2, state[1] + 1), (x, 0)
        )[0]

    own = jax.custom_vjp(squared_thrice)
    own.defvjp(lambda x: (squared_thrice(x), x), lambda x, g: (8 * g * squared_thrice(x) / x,))
    found = {row.name: row for row in examine(own, (jnp.array([0.7, -0.3]),), 1, ("rev",))}
    assert found["reverse mode"].verdict is Verdict.RIGHT
    assert found["reverse mode by operation"].verdict is None
    assert found["reverse mode by operation"].said.startswith("a loop goes on where each operation is")
