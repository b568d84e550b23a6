"""What can be done with a node: operators, functions as methods, and numpy's functions."""

import math
import operator
from typing import Any

import numpy as np

from nn_from_scratch.rules import CAST, FLOAT64, NO_OPTIONS, RULES, Function


def _method(name: str, **defaults: Any) -> Function:
    """Return a method that applies one row, to the node and other operands or with options."""
    rule = RULES[name]

    def method(self: Any, *arguments: Any, **options: Any) -> Any:
        if not defaults or not (arguments or options):
            return self.apply(rule, (self, *arguments), options or defaults)
        given = {**defaults, **dict(zip(defaults, arguments, strict=False)), **options}
        if len(given) > len(defaults) or len(arguments) > len(defaults):
            raise TypeError(f"{name} takes {', '.join(defaults)}; got {arguments} {options}")
        return self.apply(rule, (self,), given)

    method.__name__, method.__doc__ = name, f"Apply the row `{name}`; options: {defaults or None}."
    return method


# An index with arrays of its own, which nobody changes before the reverse pass
_own_part: Function = lambda key: np.array(key) if isinstance(key, list | np.ndarray) else key
_own_key: Function = lambda key: tuple(map(_own_part, key)) if isinstance(key, tuple) else _own_part(key)
raw: Function = lambda x: x._value if isinstance(x, Methods) else x
_reflected: Function = lambda name: lambda self, other: self.apply(RULES[name], (other, self), NO_OPTIONS)
_compared: Function = lambda compare: lambda self, other: compare(self._value, raw(other))


class Methods:
    """Operators and functions of a node; each applies one row of the table."""

    __slots__ = ("__weakref__", "_value")
    apply: Function
    _value: Any

    __matmul__, __neg__, __abs__ = map(_method, ("matmul", "neg", "abs"))
    __rtruediv__, __rpow__, __rmatmul__ = map(_reflected, ("div", "pow", "matmul"))
    __lt__, __le__, __gt__ = map(_compared, (operator.lt, operator.le, operator.gt))
    __ge__, __eq__, __ne__ = map(_compared, (operator.ge, operator.eq, operator.ne))
    __hash__ = object.__hash__

    abs, square, sqrt, reciprocal = map(_method, ("abs", "square", "sqrt", "reciprocal"))
    exp, expm1, log, log1p, logaddexp = map(_method, ("exp", "expm1", "log", "log1p", "logaddexp"))
    sin, cos, tan, hypot = map(_method, ("sin", "cos", "tan", "hypot"))
    arcsin, arccos, arctan, arctan2 = map(_method, ("arcsin", "arccos", "arctan", "arctan2"))
    sinh, cosh, tanh, sigmoid, softplus = map(_method, ("sinh", "cosh", "tanh", "sigmoid", "softplus"))
    maximum, minimum = map(_method, ("maximum", "minimum"))
    sum, mean, prod = (_method(name, axis=None, keepdims=False) for name in ("sum", "mean", "prod"))
    max, min, logsumexp = (_method(name, axis=None, keepdims=False) for name in ("max", "min", "logsumexp"))
    softmax, log_softmax = (_method(name, axis=-1) for name in ("softmax", "log_softmax"))
    squeeze, expand_dims = _method("squeeze", axis=None), _method("expand_dims", axis=0)
    broadcast_to = _method("broadcast_to", shape=())
    shape = property(lambda self: () if type(self._value) is float else self._value.shape)
    dtype = property(lambda self: FLOAT64 if type(self._value) is float else self._value.dtype)
    ndim = property(lambda self: len(self.shape))
    size = property(lambda self: math.prod(self.shape))
    T = property(lambda self: self.transpose())
    __len__ = lambda self: len(self._value)
    __iter__ = lambda self: (self[row] for row in range(len(self)))
    __float__ = lambda self: float(self._value)
    __bool__ = lambda self: bool(self._value)
    astype: Function = lambda self, dtype: self.apply(CAST, (self,), {"dtype": dtype})
    __getitem__ = lambda self, key: self.apply(RULES["index"], (self,), {"key": _own_key(key)})

    def clip(self, low: Any = None, high: Any = None) -> Any:
        """Return each element, or the bound that it is beyond."""
        return RULES["clip"](self, -np.inf if low is None else low, np.inf if high is None else high)

    def reshape(self, *n: Any, shape: Any = ()) -> Any:
        """Return the elements in another shape, one tuple or several integers."""
        return self.apply(RULES["reshape"], (self,), {"shape": n[0] if len(n) == 1 else n or shape})

    def transpose(self, *axes: Any) -> Any:
        """Return the axes in another order, one tuple or several integers; reversed by default."""
        order = axes[0] if axes and np.ndim(axes[0]) else axes
        order = tuple(int(axis) % self.ndim for axis in order if axis is not None) or None
        return self.apply(RULES["transpose"], (self,), {"axes": order})

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._value!r})"

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError("a Node is no array: take its .value, or join a list of Nodes by np.stack")

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *operands: Any, **options: Any) -> Any:
        if method == "__call__" and not options:
            if type(self._value) is float and ufunc in _SHORT and isinstance(operands[0], _REALS):
                return _SHORT[ufunc](float(operands[0]), self)
            if ufunc in _UFUNCS:
                return self.apply(_UFUNCS[ufunc], operands, NO_OPTIONS)
            if ufunc in _FLAT:
                return ufunc(*map(raw, operands))
        raise TypeError(f"np.{ufunc.__name__} has no rule for Nodes ({method.strip('_')}{options or ''})")

    def __array_function__(self, function: Any, _types: Any, arguments: Any, options: Any) -> Any:
        if function not in _FUNCTIONS:
            raise TypeError(f"{function.__module__}.{function.__name__} has no rule for Nodes")
        return _FUNCTIONS[function](*arguments, **options)


# numpy's functions: those that are a row, those that are constant between jumps, and the others

_REALS = (float, np.integer)
_SHORT = {np.add: operator.add, np.subtract: operator.sub, np.multiply: operator.mul}
_UFUNCS = {rule.compute: rule for rule in RULES.values() if isinstance(rule.compute, np.ufunc)}

_FLAT = {np.sign, np.isfinite, np.isinf, np.isnan, np.less, np.less_equal, np.greater, np.greater_equal}
_FLAT |= {np.equal, np.not_equal}

_SAME = ["sum", "mean", "prod", "max", "min", "clip", "reshape", "broadcast_to", "squeeze", "expand_dims"]
_FUNCTIONS: dict[Any, Function] = {getattr(np, name): getattr(Methods, name) for name in _SAME}
_FUNCTIONS |= {
    np.amax: Methods.max,
    np.amin: Methods.min,
    np.where: lambda c, x, y: RULES["where"](x, y, condition=np.array(raw(c), dtype=bool)),
    np.ravel: lambda x: x.reshape(-1),
    np.transpose: lambda x, axes=None: x.transpose(axes),
    np.matrix_transpose: lambda x: x.transpose(*range(x.ndim - 2), -1, -2),
    np.concatenate: lambda arrays, axis=0: RULES["concatenate"](*arrays, axis=axis),
    np.stack: lambda arrays, axis=0: RULES["stack"](*arrays, axis=axis),
    np.shape: lambda x: x.shape,
    np.ndim: lambda x: x.ndim,
    np.size: lambda x: x.size,
}
