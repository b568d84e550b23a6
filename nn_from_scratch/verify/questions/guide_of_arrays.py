"""The guide of operations on whole arrays: rough values that only steer what is drawn next."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from nn_from_scratch.verify.questions import lower_eigen, lower_matrices
from nn_from_scratch.verify.questions.expressions import Arithmetic
from nn_from_scratch.verify.questions.lower import STRUCTURE, SUMS, variance

Floats = npt.NDArray[np.float64]


def _logsumexp(x: Floats, axis: Any, keepdims: bool = False) -> Any:
    return np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims))


_LEAST_PIVOT = 1e-3
"""Of the largest entry: of less an engine with few digits may find that nothing positive is left."""


def _factor(x: Floats) -> Any:
    """Return the triangular factor of a matrix; NaN where it has one, but engines may say that it has not."""
    found = lower_matrices.factor(x, math.sqrt)
    pivots = np.diagonal(found, axis1=-2, axis2=-1) ** 2
    largest = np.abs(x).max(axis=(-2, -1), initial=0.0)
    positive = np.all(pivots > _LEAST_PIVOT * np.expand_dims(largest, -1), axis=-1)
    return np.where(positive[..., None, None], found, np.nan)


_LEAST_GAP = 0.05
"""Of the largest eigenvalue: second derivatives of eigenvectors have the square of a gap below them, and lose
up to three of sixteen digits here."""
_LEAST_ENTRY = 0.1
"""Of a vector: an engine with few digits may give a smaller first entry either sign."""


def _eigenvalues(x: Floats) -> Any:
    """Return the eigenvalues of a matrix; NaN where two are so near to each other that digits are lost."""
    found = lower_eigen.eigenvalues(x)
    largest = np.abs(found).max(axis=-1, keepdims=True, initial=0.0)
    return np.where(np.all(np.diff(found) > _LEAST_GAP * largest, axis=-1, keepdims=True), found, np.nan)


def _eigenvectors(x: Floats) -> Any:
    """Return the eigenvectors of a matrix; NaN where it is so, or one of them has nearly no first entry."""
    found = lower_eigen.eigenvectors(x)
    known = np.isfinite(_eigenvalues(x)) & (found[..., 0, :] > _LEAST_ENTRY)
    return np.where(np.all(known, axis=-1)[..., None, None], found, np.nan)


_NUMPYS_OWN = (
    *("mean", "nanmean", "max", "min", "median", "quantile", "percentile", "ptp", "sort"),
    *("fabs", "fmax", "fmin"),
)
WHOLE: Arithmetic = {
    **STRUCTURE,
    **SUMS,
    **{name: getattr(np, name) for name in _NUMPYS_OWN},
    "copysign": lambda x, y: np.where(np.equal(y, 0), np.nan, np.copysign(x, y)),
    "std": lambda x, **how: np.sqrt(variance(x, **how)),
    "norm": np.linalg.norm,
    "interp": lambda x, fp, xp: np.interp(x, xp, fp),
    "slogdet": lower_matrices.log_of_size,
    "matrix_power": lower_matrices.power,
    "logsumexp": _logsumexp,
    "softmax": lambda x, axis: np.exp(x) / np.sum(np.exp(x), axis=axis, keepdims=True),
    "log_softmax": lambda x, axis: x - _logsumexp(x, axis, keepdims=True),
    "solve": lower_matrices.solution,
    "inv": lower_matrices.inverse,
    "det": lower_matrices.determinant,
    "cholesky": _factor,
    "eigvalsh": _eigenvalues,
    "eigh": _eigenvectors,
}
