"""What can be done with a node: operators, functions as methods, and numpy's functions."""

import math
import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nn_from_scratch.rules import CAST, RULES, Axis

Method = Callable[..., Any]
_FLOAT64 = np.dtype(np.float64)


def _method(name: str) -> Method:
    rule = RULES[name]

    def method(self: Any, *others: Any) -> Any:
        return self.apply(rule, (self, *others), {})

    method.__name__, method.__doc__ = name, f"Return `{name}` of each element."
    return method


def _reflected(name: str) -> Method:
    rule = RULES[name]
    return lambda self, other: self.apply(rule, (other, self), {})


def _reduction(name: str) -> Method:
    rule = RULES[name]

    def method(self: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
        return self.apply(rule, (self,), {"axis": axis, "keepdims": keepdims})

    method.__name__, method.__doc__ = name, f"Return `{name}` over one, several or all axes."
    return method


def _comparison(compare: Method) -> Method:
    return lambda self, other: compare(self._value, _value_of(other))


def _value_of(operand: Any) -> Any:
    return operand._value if isinstance(operand, Methods) else operand


def _own_key(key: Any) -> Any:
    """Return the index with arrays of its own, so that nobody changes them before the reverse pass."""
    if isinstance(key, tuple):
        return tuple(map(_own_key, key))
    return np.array(key) if isinstance(key, list | np.ndarray) else key


class Methods:
    """Operators and functions of a node; each applies one row of the table."""

    __slots__ = ()
    apply: Method
    _value: Any

    __matmul__, __neg__, __abs__ = map(_method, ("matmul", "neg", "abs"))
    __rsub__, __rtruediv__, __rpow__, __rmatmul__ = map(_reflected, ("sub", "div", "pow", "matmul"))
    __lt__, __le__, __gt__ = map(_comparison, (operator.lt, operator.le, operator.gt))
    __ge__, __eq__, __ne__ = map(_comparison, (operator.ge, operator.eq, operator.ne))
    __hash__ = object.__hash__

    abs, square, sqrt, reciprocal = map(_method, ("abs", "square", "sqrt", "reciprocal"))
    exp, expm1, log, log1p, logaddexp = map(_method, ("exp", "expm1", "log", "log1p", "logaddexp"))
    sin, cos, tan, hypot = map(_method, ("sin", "cos", "tan", "hypot"))
    arcsin, arccos, arctan, arctan2 = map(_method, ("arcsin", "arccos", "arctan", "arctan2"))
    sinh, cosh, tanh, sigmoid, softplus = map(_method, ("sinh", "cosh", "tanh", "sigmoid", "softplus"))
    maximum, minimum = map(_method, ("maximum", "minimum"))
    sum, mean, prod = map(_reduction, ("sum", "mean", "prod"))
    max, min, logsumexp = map(_reduction, ("max", "min", "logsumexp"))

    def softmax(self, axis: Axis = -1) -> Any:
        """Return the exponentials divided by their sum along the axis."""
        return self.apply(RULES["softmax"], (self,), {"axis": axis})

    def log_softmax(self, axis: Axis = -1) -> Any:
        """Return the logarithm of `softmax`."""
        return self.apply(RULES["log_softmax"], (self,), {"axis": axis})

    def clip(self, low: Any = None, high: Any = None) -> Any:
        """Return each element, or the bound that it is beyond."""
        return _clip(self, low, high)

    def reshape(self, *shape: Any) -> Any:
        """Return the elements in another shape, one tuple or several integers."""
        return self.apply(RULES["reshape"], (self,), {"shape": shape[0] if len(shape) == 1 else shape})

    def transpose(self, *axes: Any) -> Any:
        """Return the axes in another order, one tuple or several integers; reversed by default."""
        order = axes[0] if axes and not isinstance(axes[0], int) else axes or None
        return self.apply(RULES["transpose"], (self,), {"axes": order})

    def swapaxes(self, first: int, second: int) -> Any:
        """Return the array with two axes exchanged."""
        axes = list(range(self.ndim))
        axes[first], axes[second] = axes[second], axes[first]
        return self.transpose(tuple(axes))

    def broadcast_to(self, shape: int | tuple[int, ...]) -> Any:
        """Return the array repeated to a shape."""
        return self.apply(RULES["broadcast_to"], (self,), {"shape": shape})

    def squeeze(self, axis: Axis = None) -> Any:
        """Return the array without all axes of length 1, or without these."""
        return self.apply(RULES["squeeze"], (self,), {"axis": axis})

    def expand_dims(self, axis: Axis) -> Any:
        """Return the array with axes of length 1 put in."""
        return self.apply(RULES["expand_dims"], (self,), {"axis": axis})

    def astype(self, dtype: Any) -> Any:
        """Return the elements in another floating-point precision."""
        return self.apply(CAST, (self,), {"dtype": dtype})

    def __getitem__(self, key: Any) -> Any:
        return self.apply(RULES["index"], (self,), {"key": _own_key(key)})

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the value."""
        return () if type(self._value) is float else self._value.shape

    @property
    def dtype(self) -> Any:
        """Type of the elements, as numpy's."""
        return _FLOAT64 if type(self._value) is float else self._value.dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def T(self) -> Any:  # noqa: N802 - numpy's name
        """The array with its axes reversed."""
        return self.transpose()

    def __len__(self) -> int:
        return len(self._value)

    def __iter__(self) -> Iterator[Any]:
        return (self[row] for row in range(len(self)))

    def __float__(self) -> float:
        return float(self._value)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._value!r})"

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError("a Node is no array: take its .value, or join a list of Nodes by np.stack")

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *operands: Any, **options: Any) -> Any:
        if method == "__call__" and not options:
            if ufunc in _UFUNCS:
                return self.apply(_UFUNCS[ufunc], operands, {})
            if ufunc in _FLAT:
                return ufunc(*map(_value_of, operands))
        how = ("" if method == "__call__" else f".{method}") + (
            f" with {', '.join(options)}" if options else ""
        )
        raise TypeError(f"np.{ufunc.__name__}{how} has no rule for Nodes")

    def __array_function__(self, function: Any, _types: Any, arguments: Any, options: Any) -> Any:
        if function not in _FUNCTIONS:
            raise TypeError(f"{function.__module__}.{function.__name__} has no rule for Nodes")
        return _FUNCTIONS[function](*arguments, **options)


def _clip(x: Any, low: Any = None, high: Any = None) -> Any:
    return RULES["clip"](x, -np.inf if low is None else low, np.inf if high is None else high)


def _where(condition: Any, x: Any, y: Any) -> Any:
    return RULES["where"](x, y, condition=np.array(_value_of(condition), dtype=bool))


# numpy's functions: those that are a row, those that are constant between jumps, and the others

_UFUNCS = {rule.compute: rule for rule in RULES.values() if isinstance(rule.compute, np.ufunc)}

_FLAT = {np.sign, np.isfinite, np.isinf, np.isnan, np.less, np.less_equal, np.greater, np.greater_equal}
_FLAT |= {np.equal, np.not_equal}

_FUNCTIONS: dict[Method, Method] = {
    np.sum: Methods.sum,
    np.mean: Methods.mean,
    np.prod: Methods.prod,
    np.max: Methods.max,
    np.amax: Methods.max,
    np.min: Methods.min,
    np.amin: Methods.min,
    np.clip: _clip,
    np.where: _where,
    np.reshape: Methods.reshape,
    np.ravel: lambda x: x.reshape(-1),
    np.transpose: lambda x, axes=None: x.transpose(axes),
    np.swapaxes: Methods.swapaxes,
    np.broadcast_to: Methods.broadcast_to,
    np.squeeze: Methods.squeeze,
    np.expand_dims: Methods.expand_dims,
    np.concatenate: lambda arrays, axis=0: RULES["concatenate"](*arrays, axis=axis),
    np.stack: lambda arrays, axis=0: RULES["stack"](*arrays, axis=axis),
    np.shape: lambda x: x.shape,
    np.ndim: lambda x: x.ndim,
    np.size: lambda x: x.size,
}
