"""The methods of numpy's arrays that a node has too, each as numpy's function of its name."""

from typing import Any

import numpy as np

from nn_from_scratch.methods import Methods
from nn_from_scratch.refusals import NO_ITEMS
from nn_from_scratch.rule import value_of

_np: Any = np  # whose hints know nothing of nodes


class ArrayMethods(Methods):
    """What an array can be asked as a method; what is constant between jumps gives plain values."""

    __slots__ = ()

    # Products

    def dot(self, other: Any) -> Any:
        """Return the product with another, as np.dot has it."""
        return _np.dot(self, other)

    # Statistics, and running sums

    def var(self, axis: Any = None, ddof: float = 0, keepdims: bool = False) -> Any:
        """Return the variance: the mean square of the distance from the mean."""
        return _np.var(self, axis=axis, ddof=ddof, keepdims=keepdims)

    def std(self, axis: Any = None, ddof: float = 0, keepdims: bool = False) -> Any:
        """Return the standard deviation; where it is 0 its derivative is 0."""
        return _np.std(self, axis=axis, ddof=ddof, keepdims=keepdims)

    def cumsum(self, axis: int | None = None) -> Any:
        """Return the running sums along an axis, or of all elements."""
        return _np.cumsum(self, axis)

    def cumprod(self, axis: int | None = None) -> Any:
        """Return the running products along an axis, or of all elements."""
        return _np.cumprod(self, axis)

    def trace(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
        """Return the sum of a diagonal."""
        return _np.trace(self, offset, axis1, axis2)

    # Elements moved

    def ravel(self, order: str = "C") -> Any:
        """Return the elements along one axis."""
        return _np.ravel(self, order)

    def flatten(self, order: str = "C") -> Any:
        """Return the elements along one axis."""
        return _np.ravel(self, order)

    def swapaxes(self, axis1: int, axis2: int) -> Any:
        """Return the elements with two axes exchanged."""
        return _np.swapaxes(self, axis1, axis2)

    def repeat(self, repeats: Any, axis: int | None = None) -> Any:
        """Return each element several times."""
        return _np.repeat(self, repeats, axis)

    def take(self, indices: Any, axis: int | None = None) -> Any:
        """Return the elements at places along an axis."""
        return _np.take(self, indices, axis)

    def compress(self, condition: Any, axis: int | None = None) -> Any:
        """Return the elements where a condition holds, along an axis."""
        return _np.compress(condition, self, axis)

    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
        """Return a diagonal."""
        return _np.diagonal(self, offset, axis1, axis2)

    def copy(self, order: str = "C") -> Any:  # noqa: ARG002 - numpy's
        """Return a node of the same values."""
        return _np.positive(self)

    def conj(self) -> Any:
        """Return the elements, which are real."""
        return _np.positive(self)

    def conjugate(self) -> Any:
        """Return the elements, which are real."""
        return _np.positive(self)

    # Constant between jumps: plain values

    def argmax(self, axis: int | None = None) -> Any:
        """Return the places of the largest elements."""
        return _np.argmax(self, axis)

    def argmin(self, axis: int | None = None) -> Any:
        """Return the places of the smallest elements."""
        return _np.argmin(self, axis)

    def argsort(self, axis: int | None = -1, kind: Any = None) -> Any:
        """Return the places in the order of the elements."""
        return _np.argsort(self, axis, kind)

    def any(self, axis: Any = None) -> Any:
        """Return whether an element is not 0."""
        return _np.any(self, axis)

    def all(self, axis: Any = None) -> Any:
        """Return whether no element is 0."""
        return _np.all(self, axis)

    def nonzero(self) -> Any:
        """Return the places of the elements that are not 0."""
        return _np.nonzero(self)

    def searchsorted(self, v: Any, side: str = "left") -> Any:
        """Return where values belong among the sorted elements."""
        return _np.searchsorted(self, v, side)

    def round(self, decimals: int = 0) -> Any:
        """Return the elements rounded."""
        return _np.round(self, decimals)

    def item(self) -> float:
        """Return the only element as a plain number, without its graph."""
        found: float = np.asarray(value_of(self)).item()
        return found

    def tolist(self) -> Any:
        """Return the elements as plain numbers in nested lists, without their graph."""
        return np.asarray(value_of(self)).tolist()

    # The other shapes of a node

    @property
    def mT(self) -> Any:  # noqa: N802 - numpy's name
        """The last two axes exchanged."""
        return _np.matrix_transpose(self)

    @property
    def real(self) -> Any:
        """The elements, which are real."""
        return self

    # In place: refused

    def fill(self, value: Any) -> None:  # noqa: ARG002
        """Refuse to change the elements."""
        raise TypeError(NO_ITEMS)

    def sort(self, axis: int = -1) -> None:  # noqa: ARG002
        """Refuse to change the elements: np.sort gives them sorted."""
        raise TypeError("a Node is not sorted in place: write np.sort(node)")
