"""What PyTorch's operations mean, by name; and how much rounding each is allowed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from nn_from_scratch.verify.functions.pytorch.tracing.entrywise import ENTRYWISE
from nn_from_scratch.verify.functions.pytorch.tracing.operands import Call, Operand, Rule
from nn_from_scratch.verify.functions.pytorch.tracing.pooling import POOLING
from nn_from_scratch.verify.functions.pytorch.tracing.reductions import REDUCTIONS
from nn_from_scratch.verify.functions.pytorch.tracing.scattering import SCATTERING
from nn_from_scratch.verify.functions.pytorch.tracing.systems import SYSTEMS, condition
from nn_from_scratch.verify.functions.tracing.shadows import Shadow, exact, nearest

RULES: dict[str, Rule] = {**ENTRYWISE, **REDUCTIONS, **SCATTERING, **POOLING, **SYSTEMS}
"""Every operation that has a rule, without the underscore of those in place."""

_TERMS = frozenset(
    """
    sum mean cumsum mm bmm mv dot vdot matmul addmm baddbmm addmv convolution convolution_backward
    index_put _index_put_impl _unsafe_index_put scatter_add index_add embedding_dense_backward
    linalg_matrix_exp linalg_vector_norm addcmul addcdiv
    """.split()  # noqa: SIM905  a long list reads best as words
) | frozenset(POOLING)
"""Sums of terms, of which the sizes are what the rule makes of the sizes of its operands."""

_SUMS_OF_TWO = frozenset(["add", "sub", "rsub"])


def rounding_scale(name: str, call: Call, result: int, expected: Shadow) -> Any:
    """Return by what a rounding of an operation is multiplied, for the local check; None by its own size."""
    if name in SYSTEMS and name not in {"linalg_matrix_exp", "lu_unpack"}:
        return _largest(expected) * condition(name, call)
    if name in {"var", "var_mean"}:
        squares = call.numbers("self") ** 2
        return float(squares.max(initial=0.0)) * int(squares.size)
    if name in _SUMS_OF_TWO and call["alpha"] in {None, 1}:
        return None
    if name in _SUMS_OF_TWO | {"lerp"}:
        operands = [x for x in call.arguments.values() if isinstance(x, Operand)]
        return sum(float(np.abs(x.numbers).max()) for x in operands) * (1 + abs(float(call["alpha"] or 1)))
    if name in _TERMS:
        sizes = Call(
            call.name, {k: _size(k, x) for k, x in call.arguments.items()}, call.results, abs_constant
        )
        found = RULES[name](sizes)
        terms = [x for x in found if x is not None][result] if isinstance(found, tuple) else found
        count = max((x.numbers.size for x in call.arguments.values() if isinstance(x, Operand)), default=1)
        return np.abs(nearest(np.broadcast_to(terms, expected.shape))) * count
    return None


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
