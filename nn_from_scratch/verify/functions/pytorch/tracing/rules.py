"""What PyTorch's operations mean, by name; and how much rounding each is allowed."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

import numpy as np

from nn_from_scratch.verify.functions.pytorch.tracing.collecting import COLLECTING
from nn_from_scratch.verify.functions.pytorch.tracing.distances import DISTANCES
from nn_from_scratch.verify.functions.pytorch.tracing.entrywise import ENTRYWISE
from nn_from_scratch.verify.functions.pytorch.tracing.losses import LOSSES, PATHS, size_of_paths
from nn_from_scratch.verify.functions.pytorch.tracing.operands import Call, Operand, Rule
from nn_from_scratch.verify.functions.pytorch.tracing.pooling import POOLING
from nn_from_scratch.verify.functions.pytorch.tracing.reductions import REDUCTIONS
from nn_from_scratch.verify.functions.pytorch.tracing.resizing import RESIZING
from nn_from_scratch.verify.functions.pytorch.tracing.sampling import SAMPLING, size_of_samples
from nn_from_scratch.verify.functions.pytorch.tracing.scattering import SCATTERING
from nn_from_scratch.verify.functions.pytorch.tracing.systems import SYSTEMS, condition
from nn_from_scratch.verify.functions.tracing.shadows import Shadow, exact, nearest

RULES: dict[str, Rule] = {
    **ENTRYWISE,
    **REDUCTIONS,
    **SCATTERING,
    **COLLECTING,
    **POOLING,
    **RESIZING,
    **DISTANCES,
    **LOSSES,
    **SAMPLING,
    **SYSTEMS,
}
"""Every operation that has a rule, without the underscore of those in place."""

_TERMS = frozenset(
    """
    sum mean cumsum mm bmm mv dot vdot matmul addmm baddbmm addmv convolution convolution_backward
    index_put _index_put_impl _unsafe_index_put scatter_add index_add embedding_dense_backward
    addbmm _trilinear put scatter_reduce index_reduce _embedding_bag _embedding_bag_dense_backward
    _embedding_bag_backward _embedding_bag_per_sample_weights_backward linalg_matrix_exp
    linalg_vector_norm addcmul addcdiv multi_margin_loss_backward multilabel_margin_loss_backward
    """.split()  # noqa: SIM905  a long list reads best as words
) | frozenset(POOLING)
"""Sums of terms, of which the sizes are what the rule makes of the sizes of its operands."""

_SUMS_OF_TWO = frozenset(["add", "sub", "rsub"])
_NEAR_ZERO = frozenset(["digamma", "special_digamma", "lgamma", "polygamma", "logcumsumexp", "_logcumsumexp"])
"""Functions that lose digits beside their zeros, as sums do: they are good to 1, not 0."""


def rounding_scale(name: str, call: Call, result: int, expected: Shadow) -> Any:
    """Return by what a rounding of an operation is multiplied, for the local check; None by its own size."""
    if name in _SUMS_OF_TWO and call["alpha"] in {None, 1}:
        return None
    scale = next((scale for names, scale in _SCALES if name in names), None)
    return None if scale is None else scale(name, call, result, expected)


Scale = Callable[[str, Call, int, Shadow], Any]


def _of_a_system(name: str, call: Call, _: int, expected: Shadow) -> Any:
    return _largest(expected) * condition(name, call)


def _beside_zero(_: str, __: Call, ___: int, expected: Shadow) -> Any:
    return np.abs(nearest(expected)) + np.maximum(1, expected.shape[-1] if expected.ndim else 1)


def _of_operands(_: str, call: Call, __: int, ___: Shadow) -> Any:
    return np.abs(call.numbers("self")) + np.abs(call.numbers("other"))


def _of_distances(_: str, call: Call, __: int, expected: Shadow) -> Any:
    return _largest(expected) * max(x.numbers.shape[-1] for x in _operands(call))


def _of_weights(_: str, call: Call, __: int, ___: Shadow) -> Any:
    """Return the size of what is weighed times the number of places: these are rounded as well."""
    return max(float(np.abs(x.numbers).max(initial=0.0)) * sum(x.shape) for x in _operands(call))


def _of_squares(_: str, call: Call, __: int, ___: Shadow) -> Any:
    squares = call.numbers("self") ** 2
    return float(squares.max(initial=0.0)) * int(squares.size)


def _of_two(_: str, call: Call, __: int, ___: Shadow) -> Any:
    largest = sum(float(np.abs(x.numbers).max()) for x in _operands(call))
    return largest * (1 + abs(float(call["alpha"] or 1)))


def _of_terms(name: str, call: Call, result: int, expected: Shadow) -> Any:
    sizes = Call(call.name, {k: _size(k, x) for k, x in call.arguments.items()}, call.results, abs_constant)
    found = RULES[name](sizes)
    terms = [x for x in found if x is not None][result] if isinstance(found, tuple) else found
    count = max((x.numbers.size for x in _operands(call)), default=1)
    return np.abs(nearest(np.broadcast_to(terms, expected.shape))) * count


_SCALES: tuple[tuple[Collection[str], Scale], ...] = (
    (SYSTEMS.keys() - {"linalg_matrix_exp", "lu_unpack"}, _of_a_system),
    (_NEAR_ZERO, _beside_zero),
    (("remainder", "fmod"), _of_operands),
    (DISTANCES, _of_distances),
    (RESIZING, _of_weights),
    (PATHS, size_of_paths),
    (SAMPLING, size_of_samples),
    (("var", "var_mean"), _of_squares),
    (_SUMS_OF_TWO | {"lerp"}, _of_two),
    (_TERMS, _of_terms),
)
"""By what roundings of operations are multiplied."""


def _operands(call: Call) -> list[Operand]:
    return [x for x in call.arguments.values() if isinstance(x, Operand)]


def abs_constant(number: float) -> Any:
    """Return the size of a constant."""
    return exact(abs(number))[()]


def _size(name: str, x: Any) -> Any:
    if isinstance(x, Operand) and x.shadow is not None:
        return replace(x, shadow=exact(np.abs(x.numbers)))
    return abs(x) if name in _FACTORS else x


_FACTORS = frozenset(["alpha", "beta", "value"])


def _largest(expected: Shadow) -> float:
    found = np.abs(nearest(expected))
    return float(found.max()) if found.size else 0.0
