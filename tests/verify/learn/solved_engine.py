"""All steps solved, as somebody who learns might write them."""

from typing import Any

import numpy as np


class Value:
    """A number or an array, how it was computed, and the gradient of an output by it."""

    __array_ufunc__ = None

    def __init__(self, data: Any, operands: Any = (), pull: Any = None) -> None:
        self.data = np.asarray(data, dtype=float)
        self.grad = np.zeros(self.data.shape)
        self.operands = operands
        self.pull = pull

    def __add__(self, other: Any) -> "Value":
        y = value_of(other)
        return Value(self.data + y.data, (self, y), lambda g: (fitted(g, self), fitted(g, y)))

    def __mul__(self, other: Any) -> "Value":
        y, a, b = value_of(other), self.data, value_of(other).data
        return Value(a * b, (self, y), lambda g: (fitted(g * b, self), fitted(g * a, y)))

    def tanh(self) -> "Value":
        z = np.tanh(self.data)
        return Value(z, (self,), lambda g: (g * (1 - z * z),))

    def __matmul__(self, other: Any) -> "Value":
        y, a, b = value_of(other), self.data, value_of(other).data

        def pull(g: Any) -> Any:
            left, right = (a[None, :] if a.ndim == 1 else a), (b[:, None] if b.ndim == 1 else b)
            g = g[..., None] if b.ndim == 1 else g
            g = g[..., None, :] if a.ndim == 1 else g
            gx, gy = g @ np.swapaxes(right, -1, -2), np.swapaxes(left, -1, -2) @ g
            return (
                fitted(gx[..., 0, :] if a.ndim == 1 else gx, self),
                fitted(gy[..., 0] if b.ndim == 1 else gy, y),
            )

        return Value(a @ b, (self, y), pull)

    def __radd__(self, other: Any) -> "Value":
        return Value(other) + self

    def __rmul__(self, other: Any) -> "Value":
        return Value(other) * self

    def __rmatmul__(self, other: Any) -> "Value":
        return Value(other) @ self

    def backward(self, cotangent: Any = 1.0) -> None:
        """Pull a cotangent back through all that this value was computed from."""
        order = self.sorted()
        for value in order:
            if value.pull is not None:
                value.grad = np.zeros(value.data.shape)
        self.grad = self.grad + cotangent
        for value in order:
            if value.pull is not None:
                for operand, part in zip(value.operands, value.pull(value.grad), strict=True):
                    operand.grad = operand.grad + part

    def sorted(self) -> "list[Value]":
        """Return all that this value was computed from, each before its operands."""
        order, seen, stack = [], set(), [(self, False)]
        while stack:
            value, done = stack.pop()
            if done:
                order.append(value)
            elif value not in seen:
                seen.add(value)
                stack.append((value, True))
                stack += [(operand, False) for operand in value.operands]
        return order[::-1]


def value_of(x: Any) -> Value:
    """Return a value: a number becomes one."""
    return x if isinstance(x, Value) else Value(x)


def fitted(g: Any, operand: Value) -> Any:
    """Sum a cotangent over the axes along which its operand was stretched."""
    g = np.sum(g, axis=tuple(range(np.ndim(g) - operand.data.ndim)))
    stretched = tuple(k for k, n in enumerate(operand.data.shape) if n == 1 != g.shape[k])
    return np.sum(g, axis=stretched, keepdims=True)
