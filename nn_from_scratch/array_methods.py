"""The methods of numpy's arrays that a node has too, each as numpy's function of its name."""

from typing import Any

import numpy as np

from nn_from_scratch.methods import Methods
from nn_from_scratch.reducing import REDUCING
from nn_from_scratch.refusals import NO_ITEMS
from nn_from_scratch.rule import Function, value_of

_np: Any = np  # whose hints know nothing of nodes


def _method(function: Any, meaning: str) -> Function:
    """Return the method that hands all it is given, in numpy's order or by numpy's names, to a function."""

    def method(self: Any, *arguments: Any, **keywords: Any) -> Any:
        return function(self, *arguments, **keywords)

    method.__name__ = function.__name__
    method.__doc__ = meaning
    method.__wrapped__ = function  # type: ignore[attr-defined] # whose signature `help` shows
    return method


class ArrayMethods(Methods):
    """What an array can be asked as a method; what is constant between jumps gives plain values."""

    __slots__ = ()

    # Reductions over one axis, several, or all (None); with `keepdims` these stay, with length 1

    sum = REDUCING[np.sum]
    mean = REDUCING[np.mean]
    prod = REDUCING[np.prod]
    max = REDUCING[np.max]
    min = REDUCING[np.min]
    var = _method(np.var, "Return the variance: the mean square of the distance from the mean.")
    std = _method(np.std, "Return the standard deviation; where it is 0 its derivative is 0.")

    # Products, and running sums

    dot = _method(np.dot, "Return the product with another, as np.dot has it.")
    cumsum = _method(np.cumsum, "Return the running sums along an axis, or of all elements.")
    cumprod = _method(np.cumprod, "Return the running products along an axis, or of all elements.")
    trace = _method(np.trace, "Return the sum of a diagonal.")

    # Elements moved

    ravel = _method(np.ravel, "Return the elements along one axis.")
    swapaxes = _method(np.swapaxes, "Return the elements with two axes exchanged.")
    repeat = _method(np.repeat, "Return each element several times.")
    take = _method(np.take, "Return the elements at places along an axis.")
    diagonal = _method(np.diagonal, "Return a diagonal.")

    def flatten(self, order: str = "C") -> Any:
        """Return the elements along one axis."""
        return _np.ravel(self, order)

    def compress(self, condition: Any, axis: int | None = None, out: Any = None) -> Any:
        """Return the elements where a condition holds, along an axis."""
        return _np.compress(condition, self, axis, out)

    def copy(self, order: str = "C") -> Any:
        """Return a node of the same values."""
        return _np.copy(self, order)

    def conj(self) -> Any:
        """Return the elements, which are real."""
        return _np.positive(self)

    def conjugate(self) -> Any:
        """Return the elements, which are real."""
        return _np.positive(self)

    # Constant between jumps: plain values

    argmax = _method(np.argmax, "Return the places of the largest elements.")
    argmin = _method(np.argmin, "Return the places of the smallest elements.")
    argsort = _method(np.argsort, "Return the places in the order of the elements.")
    any = _method(np.any, "Return whether an element is not 0.")
    all = _method(np.all, "Return whether no element is 0.")
    nonzero = _method(np.nonzero, "Return the places of the elements that are not 0.")
    searchsorted = _method(np.searchsorted, "Return where values belong among the sorted elements.")
    round = _method(np.round, "Return the elements rounded.")

    def item(self, *place: Any) -> float:
        """Return one element, by default the only one, as a plain number, without its graph."""
        found: float = np.asarray(value_of(self)).item(*place)
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
