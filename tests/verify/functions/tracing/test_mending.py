"""The operation of a backward, or the missing term, that a difference comes from, with its line."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from nn_from_scratch.verify import GradientError, Traced, Verdict, check_gradient, trace_gradient
from nn_from_scratch.verify.functions.tracing.mending import MISTAKEN, mistaken
from nn_from_scratch.verify.functions.tracing.operations import supports

RNG = np.random.default_rng(0)
X, SQUARE, ROWS, WEIGHTS = (RNG.normal(size=shape) for shape in ((5,), (3, 3), (4, 6), (4, 6)))


def normalised(x: Any) -> tuple[Any, Any]:
    mean = x.mean(axis=1, keepdims=True)
    inverse = 1 / np.sqrt(((x - mean) ** 2).mean(axis=1, keepdims=True) + 1e-5)
    return (x - mean) * inverse, inverse


def layer_norm(x: Any) -> Any:
    return np.sum(normalised(x)[0] * WEIGHTS)


def layer_norm_gradient(x: Any, end: Callable[[Any, Any, Any], Any]) -> Any:
    n, inverse = normalised(x)
    mean = WEIGHTS.mean(axis=1, keepdims=True)
    third = n * (WEIGHTS * n).mean(axis=1, keepdims=True)
    return end(WEIGHTS - mean, third, inverse)


ENDS: dict[str, tuple[Callable[[Any, Any, Any], Any], str]] = {
    "right": (lambda first, third, i: i * (first - third), ""),
    "a factor": (lambda first, third, i: i * (first - 2 * third), "with 1/2 times the result of multiply"),
    "a sign": (lambda first, third, i: i * (first + third), "with subtract in place of add"),
    "one factor too many": (
        lambda first, third, i: i * (first - third) * i,
        "with its first operand alone in place of multiply",
    ),
    "a term that is missing": (
        lambda first, third, i: i * first + 0 * third,
        "in the gradient of x a term is missing: -1 times the result of ",
    ),
}


@pytest.mark.once
@pytest.mark.parametrize("name", ENDS)
def test_the_operation_of_a_backward_is_named(name: str) -> None:
    end, cause = ENDS[name]
    found = trace_gradient(layer_norm, lambda x: layer_norm_gradient(x, end), [ROWS], shapes=False)
    assert isinstance(found, Traced)
    if name == "right":
        assert found.verdict is Verdict.RIGHT
        assert not found.causes
    else:
        assert found.verdict is Verdict.WRONG
        assert any(cause in x and "test_mending.py" in x for x in found.causes), found


@pytest.mark.once
def test_another_operation_axis_or_transposition_is_named() -> None:
    def causes(function: Any, gradient: Any, point: Any) -> str:
        with pytest.raises(GradientError) as raised:
            check_gradient(function, gradient, point)
        return str(raised.value)

    said = causes(lambda x: np.sum(np.sin(x)), lambda x: np.sin(x) + 0 * x, X)
    assert "with cos in place of sin it is right (test_mending.py:" in said
    said = causes(
        lambda x: np.sum(np.sum(x, axis=1) ** 2),
        lambda x: 2 * np.sum(x, axis=0)[:, None] * np.ones_like(x),
        SQUARE,
    )
    assert "with sum over axis 1 in place of sum it is right (test_mending.py:" in said
    said = causes(lambda x: np.sum((x @ x) ** 2) / 2, lambda x: (x @ x) @ x + x.T @ (x @ x), SQUARE)
    assert "transposed in place of matmul it is right (test_mending.py:" in said
    said = causes(lambda x: np.sum(np.cos(x) + np.exp(x)), lambda x: -np.sin(x), X)
    assert "in the gradient of x a term is missing: the result of exp (test_mending.py:" in said
    said = causes(lambda x, y: np.sum(np.cos(x)) + np.sum(y**3), lambda x, y: (-np.sin(x), 0 * y), (X, X + 1))
    assert "in the gradient of x1 a term is missing: 3 times x1 times x1" in said


def test_what_no_single_change_explains_is_not_explained() -> None:
    found = trace_gradient(
        lambda x: np.sum(np.sin(x) * np.exp(x)), lambda x: np.arctan(x) ** 3, [X], shapes=False
    )
    assert isinstance(found, Traced)
    assert found.verdict is Verdict.WRONG
    assert not found.causes


def test_what_is_taken_for_another_operation_is_known() -> None:
    assert all(supports(name) for names in MISTAKEN for name in names)
    assert mistaken("sin") == ("cos",)
    assert mistaken("matmul") == ()
