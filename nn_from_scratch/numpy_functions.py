"""numpy's functions on nodes: ``np.tanh(node)`` gives a node.

numpy hands a call with a node among its arguments over to the node, by the protocols of NEP 13 (ufuncs) and
NEP 18 (all other functions). It gives a node where there is a row for it, and raises TypeError, with the
function's name, where there is none: no value leaves the graph unseen.
"""

import inspect
import operator
from typing import Any

import numpy as np

from nn_from_scratch.methods import Methods
from nn_from_scratch.refusals import NO_ARRAY
from nn_from_scratch.rule import NO_OPTIONS, Function, Operand, value_of
from nn_from_scratch.rules import RULES


class NumpyFunctions(Methods):
    """What numpy asks a node to do."""

    __slots__ = ()

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError(NO_ARRAY)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *operands: Operand, **options: Any) -> Any:
        if method == "__call__" and not options:
            if type(self._value) is float and ufunc in _OPERATORS and isinstance(operands[0], _REALS):
                return _OPERATORS[ufunc](float(operands[0]), self)
            if ufunc in _UFUNCS:
                return self.apply(_UFUNCS[ufunc], operands, NO_OPTIONS)
            if ufunc in _PIECEWISE_CONSTANT:
                return ufunc(*(value_of(operand) for operand in operands))
        raise TypeError(f"np.{ufunc.__name__} has no rule for Nodes ({method.strip('_')}{options or ''})")

    def __array_function__(
        self, function: Any, _types: Any, arguments: tuple[Any, ...], options: dict[str, Any]
    ) -> Any:
        if function not in _FUNCTIONS:
            raise TypeError(
                f"{function.__module__}.{function.__name__} has no rule for Nodes: take it of node.value,"
                " where no gradient is needed, or write it by functions that have one (the README lists them)"
            )
        known = _PARAMETERS[function]
        if not all(name in known for name in options):
            raise TypeError(f"{function.__name__} takes {', '.join(known)}; got {options}")
        return _FUNCTIONS[function](*arguments, **options)


# numpy's ufuncs: those that are a row, and those that are constant between jumps, whose values are enough. A
# number of numpy's on the left of a scalar node asks numpy first: it goes on as a Python number to the
# operator, which has the short way (`number - node` of the README's loss takes little more than half of the
# time).

_UFUNCS = {rule.compute: rule for rule in RULES.values() if isinstance(rule.compute, np.ufunc)}
_REALS = (float, np.integer)
_OPERATORS: dict[np.ufunc, Function] = {
    np.add: operator.add,
    np.subtract: operator.sub,
    np.multiply: operator.mul,
}
_PIECEWISE_CONSTANT = {
    np.isfinite,
    np.isinf,
    np.isnan,
    np.less,
    np.less_equal,
    np.greater,
    np.greater_equal,
    np.equal,
    np.not_equal,
}

# numpy's other functions. A parameter that the row has not is refused, with the function's name.


def _where(condition: Any, x: Operand, y: Operand) -> Any:
    return RULES["where"](x, y, condition=np.array(value_of(condition), dtype=bool))


def _ravel(x: Methods) -> Methods:
    return x.reshape(-1)


def _transpose(x: Methods, axes: Any = None) -> Methods:
    return x.transpose(axes)


def _matrix_transpose(x: Methods) -> Methods:
    return x.transpose(*range(x.ndim - 2), -1, -2)


def _concatenate(arrays: Any, axis: int = 0) -> Any:
    return RULES["concatenate"](*arrays, axis=axis)


def _stack(arrays: Any, axis: int = 0) -> Any:
    return RULES["stack"](*arrays, axis=axis)


_FUNCTIONS: dict[Any, Function] = {
    np.sum: Methods.sum,
    np.mean: Methods.mean,
    np.prod: Methods.prod,
    np.max: Methods.max,
    np.min: Methods.min,
    np.amax: Methods.max,
    np.amin: Methods.min,
    np.clip: Methods.clip,
    np.where: _where,
    np.reshape: Methods.reshape,
    np.ravel: _ravel,
    np.broadcast_to: Methods.broadcast_to,
    np.squeeze: Methods.squeeze,
    np.expand_dims: Methods.expand_dims,
    np.transpose: _transpose,
    np.matrix_transpose: _matrix_transpose,
    np.concatenate: _concatenate,
    np.stack: _stack,
    np.shape: lambda x: x.shape,
    np.ndim: lambda x: x.ndim,
    np.size: lambda x: x.size,
}
_PARAMETERS = {function: [*inspect.signature(ours).parameters][1:] for function, ours in _FUNCTIONS.items()}
"""The names of what they take beside the node."""
