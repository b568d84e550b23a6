"""Functions of numpy that are constant between jumps: their derivative is 0, and they give plain values."""

from typing import Any

import numpy as np

from nn_from_scratch.rule import value_of

CONSTANT_UFUNCS = {
    *(np.isfinite, np.isinf, np.isnan, np.signbit),
    *(np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal),
    *(np.logical_and, np.logical_or, np.logical_xor, np.logical_not),
    *(np.floor, np.ceil, np.rint, np.trunc, np.floor_divide, np.spacing),
}
CONSTANT_FUNCTIONS = {
    *(np.argmax, np.argmin, np.nanargmax, np.nanargmin, np.argsort, np.argpartition, np.lexsort),
    *(np.any, np.all, np.isclose, np.allclose, np.array_equal, np.array_equiv, np.count_nonzero),
    *(np.nonzero, np.flatnonzero, np.argwhere, np.searchsorted, np.digitize),
    *(np.angle, np.round, np.around, np.fix, np.isposinf, np.isneginf, np.isreal, np.iscomplex, np.imag),
    *(np.zeros_like, np.ones_like, np.empty_like, np.iscomplexobj, np.isrealobj),
    *(np.result_type, np.can_cast, np.min_scalar_type, np.common_type),
    *(np.array_repr, np.array_str, np.array2string),
    *(np.linalg.matrix_rank,),
}


def plain(argument: Any) -> Any:
    """Return an argument with values in place of nodes, in lists and tuples as well."""
    if isinstance(argument, list | tuple):
        return type(argument)(plain(part) for part in argument)
    return value_of(argument)


def constant(function: Any, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Compute on plain values."""
    return function(*plain(arguments), **{name: plain(option) for name, option in options.items()})
