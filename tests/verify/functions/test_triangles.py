"""numpy's functions that read one triangle of a matrix: judged along symmetric matrices."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from nn_from_scratch.verify import GradientError, UndecidedError, check_gradient

pytestmark = pytest.mark.once

POINT = np.array([[4.0, 1.0], [1.0, 3.0]])
WEIGHTS = np.array([[1.0, 2.0], [0.5, -0.25]])


def log_determinant(a: Any) -> Any:
    return 2 * np.log(np.diag(np.linalg.cholesky(a * 1.0))).sum()


def used_beside(a: Any) -> Any:
    return log_determinant(a) + (WEIGHTS * a).sum()


def eigenvalues(a: Any) -> Any:
    return np.linalg.eigvalsh(a)


def of_eigenvalues(a: Any, g: Any) -> Any:
    _, v = np.linalg.eigh(a)
    return v @ np.diag(g) @ v.T


def of_factor(a: Any, g: Any, half: float = 0.5) -> Any:
    """Return Murray's "Differentiation of the Cholesky decomposition", with nothing made symmetric."""
    factor = np.linalg.cholesky(a)
    inner = np.tril(factor.T @ g)
    inner = inner - half * np.diag(np.diag(inner))
    inverse = np.linalg.inv(factor)
    return inverse.T @ inner @ inverse


def symmetric(x: Any) -> Any:
    return (x + x.T) / 2


RIGHT: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "log det": (log_determinant, np.linalg.inv),
    "log det, used beside": (used_beside, lambda a: np.linalg.inv(a) + WEIGHTS),
    "eigenvalues": (eigenvalues, of_eigenvalues),
    "factor": (np.linalg.cholesky, lambda a, g: symmetric(of_factor(a, g))),
    "factor, as it comes": (np.linalg.cholesky, of_factor),
}
WRONG: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "log det": (log_determinant, lambda a: 1.001 * np.linalg.inv(a)),
    "one triangle, not doubled": (log_determinant, lambda a: np.tril(np.linalg.inv(a))),
    "eigenvalues": (eigenvalues, lambda a, g: of_eigenvalues(a, 1.001 * g)),
    "factor, not halved": (np.linalg.cholesky, lambda a, g: symmetric(of_factor(a, g, 0.0))),
}


@pytest.mark.parametrize("name", RIGHT)
def test_right_gradient_along_symmetric_matrices_is_right(name: str) -> None:
    assert "along symmetric matrices" in str(check_gradient(*RIGHT[name], POINT))


@pytest.mark.parametrize("name", WRONG)
def test_gradient_that_is_wrong_along_symmetric_matrices_is_wrong(name: str) -> None:
    with pytest.raises(GradientError, match="along symmetric matrices"):
        check_gradient(*WRONG[name], POINT)


def test_what_is_not_symmetric_is_judged_where_the_matrix_is_used_beside() -> None:
    with pytest.raises(UndecidedError, match="make the matrix symmetric within the function"):
        check_gradient(used_beside, lambda a: np.linalg.inv(a) + WEIGHTS.T, POINT)


def test_matrix_that_is_not_symmetric_has_no_gradient_that_is_agreed_on() -> None:
    tilted = POINT + np.array([[0.0, 0.125], [0.0, 0.0]])
    with pytest.raises(UndecidedError, match="along symmetric matrices"):
        check_gradient(log_determinant, lambda a: np.linalg.inv(symmetric(a)), tilted)


def test_gradient_with_other_arguments_and_a_matrix_by_name() -> None:
    def value(m: Any, s: Any) -> Any:
        factor = np.linalg.cholesky(s)
        z = np.linalg.solve(factor, m)
        return 0.5 * z @ z + np.log(np.diag(factor)).sum()

    def slopes(m: Any, s: Any, scale: float = 1.0) -> Any:
        z = np.linalg.solve(s, m)
        return z, 0.5 * (scale * np.linalg.inv(s) - np.outer(z, z))

    inputs = {"m": np.array([1.0, -2.0]), "s": POINT}
    assert check_gradient(value, slopes, inputs)
    with pytest.raises(GradientError, match="along symmetric matrices"):
        check_gradient(value, lambda m, s: slopes(m, s, 1.001), inputs)


FOR_SYMMETRIC: dict[str, Any] = {
    "log determinant": (lambda s: np.linalg.slogdet(s)[1], np.linalg.inv),
    "trace of a power": (lambda s: np.trace(s @ s @ s), lambda s: 3 * s @ s),
}
"""Functions of all of a matrix, whose gradients are written as they are for symmetric ones."""


@pytest.mark.parametrize("name", FOR_SYMMETRIC)
@pytest.mark.parametrize("point", [POINT, np.eye(3), np.diag([2.0, 3.0, 5.0]) + 1])
def test_other_shapes_of_a_symmetric_matrix_are_symmetric(name: str, point: Any) -> None:
    forward, gradient = FOR_SYMMETRIC[name]
    assert check_gradient(forward, gradient, point)
    with pytest.raises(GradientError):
        check_gradient(forward, lambda s: gradient(s) + 1e-6 * s, point)
    with pytest.raises(GradientError):
        check_gradient(forward, gradient, point + np.tri(len(point)))
