"""What can be done with a node: operators, functions as methods, and numpy's functions."""

import math
import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nn_from_scratch.rules import CAST, NO_OPTIONS, RULES
from nn_from_scratch.values import FLOAT64

Method = Callable[..., Any]


def _method(name: str, **defaults: Any) -> Method:
    """Return a method that applies one row, to the node and other operands or with options."""
    rule = RULES[name]

    def method(self: Any, *arguments: Any, **options: Any) -> Any:
        if not defaults:
            return self.apply(rule, (self, *arguments), options)
        given = {**defaults, **dict(zip(defaults, arguments, strict=False)), **options}
        if len(given) > len(defaults) or len(arguments) > len(defaults):
            raise TypeError(f"{name} takes {', '.join(defaults)}; got {arguments} {options}")
        return self.apply(rule, (self,), given)

    method.__name__ = name
    method.__doc__ = (
        f"Apply `{name}`; options: {defaults}." if defaults else f"Apply `{name}` to each element."
    )
    return method


def _methods(*names: str, **defaults: Any) -> Iterator[Method]:
    return (_method(name, **defaults) for name in names)


def _reflected(name: str) -> Method:
    return lambda self, other: self.apply(RULES[name], (other, self), NO_OPTIONS)


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

    __matmul__, __neg__, __abs__ = _methods("matmul", "neg", "abs")
    __rsub__, __rtruediv__, __rpow__, __rmatmul__ = map(_reflected, ("sub", "div", "pow", "matmul"))
    __lt__, __le__, __gt__ = map(_comparison, (operator.lt, operator.le, operator.gt))
    __ge__, __eq__, __ne__ = map(_comparison, (operator.ge, operator.eq, operator.ne))
    __hash__ = object.__hash__

    abs, square, sqrt, reciprocal = _methods("abs", "square", "sqrt", "reciprocal")
    exp, expm1, log, log1p, logaddexp = _methods("exp", "expm1", "log", "log1p", "logaddexp")
    sin, cos, tan, hypot = _methods("sin", "cos", "tan", "hypot")
    arcsin, arccos, arctan, arctan2 = _methods("arcsin", "arccos", "arctan", "arctan2")
    sinh, cosh, tanh, sigmoid, softplus = _methods("sinh", "cosh", "tanh", "sigmoid", "softplus")
    maximum, minimum = _methods("maximum", "minimum")
    sum, mean, prod = _methods("sum", "mean", "prod", axis=None, keepdims=False)
    max, min, logsumexp = _methods("max", "min", "logsumexp", axis=None, keepdims=False)
    softmax, log_softmax = _methods("softmax", "log_softmax", axis=-1)
    squeeze, expand_dims = _method("squeeze", axis=None), _method("expand_dims", axis=0)
    broadcast_to = _method("broadcast_to", shape=())

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

    def astype(self, dtype: Any) -> Any:
        """Return the elements in another floating-point precision."""
        return self.apply(CAST, (self,), {"dtype": dtype})

    def __getitem__(self, key: Any) -> Any:
        return self.apply(RULES["index"], (self,), {"key": _own_key(key)})

    shape = property(lambda self: () if type(self._value) is float else self._value.shape)
    dtype = property(lambda self: FLOAT64 if type(self._value) is float else self._value.dtype)
    ndim = property(lambda self: len(self.shape))
    size = property(lambda self: math.prod(self.shape))
    T = property(lambda self: self.transpose())

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
                return self.apply(_UFUNCS[ufunc], operands, NO_OPTIONS)
            if ufunc in _FLAT:
                return ufunc(*map(_value_of, operands))
        how = "".join(f", {word}" for word in (method.strip("_"), *options))
        raise TypeError(f"np.{ufunc.__name__} has no rule for Nodes ({how[2:]})")

    def __array_function__(self, function: Any, _types: Any, arguments: Any, options: Any) -> Any:
        if function not in _FUNCTIONS:
            raise TypeError(f"{function.__module__}.{function.__name__} has no rule for Nodes")
        return _FUNCTIONS[function](*arguments, **options)


def _clip(x: Any, low: Any = None, high: Any = None) -> Any:
    return RULES["clip"](x, -np.inf if low is None else low, np.inf if high is None else high)


def _where(condition: Any, x: Any, y: Any) -> Any:
    return RULES["where"](x, y, condition=np.array(_value_of(condition), dtype=bool))


def _dot(x: Any, y: Any) -> Any:
    if 0 < np.ndim(y) <= 2 and np.ndim(x):
        return x @ y
    raise TypeError("np.dot has a rule for Nodes only where it is np.matmul")


# numpy's functions: those that are a row, those that are constant between jumps, and the others

_UFUNCS = {rule.compute: rule for rule in RULES.values() if isinstance(rule.compute, np.ufunc)}

_FLAT = {np.sign, np.isfinite, np.isinf, np.isnan, np.less, np.less_equal, np.greater, np.greater_equal}
_FLAT |= {np.equal, np.not_equal}

_SAME = ("sum", "mean", "prod", "max", "min", "reshape", "swapaxes", "broadcast_to", "squeeze", "expand_dims")
_FUNCTIONS: dict[Method, Method] = {getattr(np, name): getattr(Methods, name) for name in _SAME} | {
    np.amax: Methods.max,
    np.amin: Methods.min,
    np.clip: _clip,
    np.where: _where,
    np.dot: _dot,
    np.ravel: lambda x: x.reshape(-1),
    np.transpose: lambda x, axes=None: x.transpose(axes),
    np.concatenate: lambda arrays, axis=0: RULES["concatenate"](*arrays, axis=axis),
    np.stack: lambda arrays, axis=0: RULES["stack"](*arrays, axis=axis),
    np.shape: lambda x: x.shape,
    np.ndim: lambda x: x.ndim,
    np.size: lambda x: x.size,
}
