"""What a function is asked with: arguments of any nesting, as one vector of the numbers that move.

Floating-point numbers and arrays are inputs; integers, booleans, texts and None are passed through unchanged.
Where nothing is a floating-point number, whole numbers are taken for such.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from nn_from_scratch.verify.engines.answers import real_numbers
from nn_from_scratch.verify.functions.signatures import takes, takes_by_name

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Leaf:
    """One array of inputs: its name, its shape, the type of its numbers and where it lies in the vector."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    is_array: bool
    order: Literal["C", "F"]
    """How it lies in memory: row by row, or column by column, as Fortran has it."""
    start: int
    stop: int

    @property
    def places(self) -> range:
        """Where its numbers lie in the vector."""
        return range(self.start, self.stop)

    def entry(self, index: int) -> str:
        """Name one number, given its place in the leaf's ravelled array."""
        if not self.shape:
            return self.name
        place = np.unravel_index(index, self.shape)
        return f"{self.name}[{', '.join(str(int(i)) for i in place)}]"


class Arguments:
    """The arguments of one call.

    Parameters
    ----------
    function
        What they are for; its signature says whether a list or a dict is one argument or several.
    inputs
        A tuple holds several arguments; so does a list of arrays, and a dict whose keys are the names of the
        function's parameters. Anything else is one argument, which may be nested itself.

    Raises
    ------
    ValueError
        If a number is complex or not finite, or there is none.

    """

    def __init__(self, function: Callable[..., Any], inputs: Any) -> None:
        self.keywords: tuple[str, ...] = ()
        if isinstance(inputs, tuple) and not hasattr(inputs, "_fields"):
            self.trees: list[Any] = list(inputs)
        elif isinstance(inputs, Mapping) and takes_by_name(function, inputs):
            self.keywords = tuple(inputs)
            self.trees = list(inputs.values())
        elif isinstance(inputs, list) and _array(inputs) is None and takes(function, *inputs):
            self.trees = list(inputs)
        else:
            self.trees = [inputs]
        self.whole = not any(_is_floating(leaf) for tree in self.trees for leaf in _leaves(tree))
        self.leaves: list[Leaf] = []
        parts: list[Floats] = []
        for name, tree in zip(self._argument_names(), self.trees, strict=True):
            for path, value in _named_leaves(name, tree):
                if self._moves(value):
                    parts.append(self._add(path, value))
        self.point = np.concatenate(parts) if parts else np.zeros(0)
        if not self.point.size or not np.isfinite(self.point).all():
            raise ValueError("the inputs must be finite numbers, at least one")

    def call(self, function: Callable[..., Any], point: Floats, *more: Any) -> Any:
        """Call a function at a point, with arrays of its own."""
        return self.apply(function, self.arguments(point), *more)

    def apply(self, function: Callable[..., Any], arguments: list[Any], *more: Any) -> Any:
        """Call a function with arguments that were made before."""
        if self.keywords:
            return function(*more, **dict(zip(self.keywords, arguments, strict=True)))
        return function(*arguments, *more)

    def arguments(self, point: Floats) -> list[Any]:
        """Make the arguments anew from a vector of numbers."""
        return self.filled(self.arrays(point))

    def arrays(self, point: Floats) -> list[npt.NDArray[Any]]:
        """Return a new array for each input from a vector of numbers."""
        return [
            np.array(point[leaf.start : leaf.stop].reshape(leaf.shape), leaf.dtype, order=leaf.order)
            for leaf in self.leaves
        ]

    def filled(self, arrays: Sequence[Any]) -> list[Any]:
        """Make the arguments of an array for each input, which may be of another shape, or be traced."""
        pairs = iter(zip(self.leaves, arrays, strict=True))

        def at_point(value: Any) -> Any:
            if not self._moves(value):
                return value.copy() if _is_passed(value) else value  # which a gradient may write into
            leaf, array = next(pairs)
            return array[()] if type(array) is np.ndarray and not leaf.is_array else array

        return [_mapped(tree, at_point) for tree in self.trees]

    def moved(self, arguments: list[Any]) -> list[Any]:
        """Return those leaves of arguments that are inputs, which a function may have put others beside."""
        pairs = zip(self.trees, arguments, strict=True)
        return [x for tree, value in pairs for leaf, x in _like_leaves(tree, value) if self._moves(leaf)]

    def written(self, arguments: list[Any]) -> list[str]:
        """Return the names of the inputs that were written into since they were made of the point."""
        triples = zip(self.leaves, self.moved(arguments), self.arrays(self.point), strict=True)
        return [
            leaf.name
            for leaf, x, before in triples
            if x is None or not np.array_equal(x, before, equal_nan=True)
        ]

    def passed(self, arguments: list[Any]) -> list[npt.NDArray[Any]]:
        """Return the other leaves that are arrays of integers or texts."""
        pairs = zip(self.trees, arguments, strict=True)
        leaves = [pair for tree, value in pairs for pair in _like_leaves(tree, value)]
        return [x for leaf, x in leaves if _is_passed(leaf) and not self._moves(leaf)]

    def rounded(self, point: Floats) -> Floats:
        """Round every number to the type of its input."""
        if all(leaf.dtype == np.float64 for leaf in self.leaves):
            return point
        found = point.copy()
        for leaf in self.leaves:
            found[leaf.start : leaf.stop] = point[leaf.start : leaf.stop].astype(leaf.dtype)
        return found

    def gradient(self, found: Any) -> tuple[Floats, list[Any]]:
        """Put what a gradient function returned into one vector.

        Returns
        -------
        slopes, parts
            A derivative for each number of the point, float64; and the arrays as they were returned.

        Raises
        ------
        ValueError
            If it is nested in another way than the inputs, or an array has another shape, or is complex.

        """
        parts = self.parts(found)
        arrays = []
        for leaf, part in zip(self.leaves, parts, strict=True):
            if part is None:
                arrays.append(np.zeros(leaf.stop - leaf.start))
                continue
            if np.iscomplexobj(dense(part)):
                raise ValueError(
                    f"the gradient for {leaf.name} is complex, and {leaf.name} is real: return the real part "
                    "(numpy.real), which is the derivative of a real function"
                )
            numbers = real_numbers(dense(part), f"the gradient for {leaf.name}")
            if numbers.shape != leaf.shape:
                shapes = [np.shape(dense(p)) if p is not None else None for p in parts]
                raise ValueError(self._other_shape(shapes))
            arrays.append(numbers.ravel())
        return np.concatenate(arrays), parts

    def name(self, index: int) -> str:
        """Name one number of the point: ``x``, ``x[1, 2]``, or ``x0[1, 2]`` if arguments are several."""
        leaf = self.leaf(index)
        return leaf.entry(index - leaf.start)

    def leaf(self, index: int) -> Leaf:
        """Return the input that holds one number of the point."""
        return next(leaf for leaf in self.leaves if leaf.start <= index < leaf.stop)

    def _argument_names(self) -> list[str]:
        if self.keywords:
            return list(self.keywords)
        return ["x"] if len(self.trees) == 1 else [f"x{k}" for k in range(len(self.trees))]

    def _moves(self, value: Any) -> bool:
        if _is_floating(value):
            return True
        if not self.whole or value is None or isinstance(value, (bool, str, bytes)):
            return False
        array = _array(value)
        return array is not None and array.dtype.kind in "iu"

    def _add(self, name: str, value: Any) -> Floats:
        array = _array(value)
        if array is None:
            raise TypeError(f"{name} is no number")
        if array.dtype.kind == "c":
            raise ValueError(
                f"{name} is complex: give the real and the imaginary part as two real inputs, "
                "and the derivative for each"
            )
        dtype = array.dtype if array.dtype.kind == "f" and array.dtype.itemsize <= 8 else np.dtype(np.float64)
        start = self.leaves[-1].stop if self.leaves else 0
        is_array = not isinstance(value, (int, float, np.generic))
        order: Literal["C", "F"] = "F" if array.flags.fnc else "C"
        self.leaves.append(Leaf(name, array.shape, dtype, is_array, order, start, start + array.size))
        return array.astype(np.float64).ravel()

    def parts(self, found: Any) -> list[Any]:
        """Return what a gradient function returned as a part for each input, None where it is 0.

        Raises
        ------
        ValueError
            If it is nested in another way than the inputs.

        """
        if len(self.trees) == 1 and not self.keywords:
            if isinstance(found, (tuple, list)) and len(found) == 1 and self._is_wrapped(found):
                found = found[0]
            return self._aligned([found])
        if len(self.leaves) == 1 and not isinstance(found, (tuple, list, Mapping)):
            return [found]
        if self.keywords and isinstance(found, Mapping):
            return self._aligned([found.get(name) for name in self.keywords])
        if isinstance(found, (tuple, list)):
            if len(found) == len(self.trees):
                return self._aligned(list(found))
            if len(found) == len(self.leaves):
                return list(found)
        what = f"{len(found)} derivatives" if isinstance(found, (tuple, list)) else type(found).__name__
        expected = ", ".join(str(leaf.shape) for leaf in self.leaves)
        raise ValueError(
            f"the gradient must be a tuple of {len(self.trees)} derivatives, of shape {expected}; "
            f"it is {what}"
        )

    def _is_wrapped(self, found: Sequence[Any]) -> bool:
        tree = self.trees[0]
        if isinstance(tree, (tuple, list)) and _array(tree) is None:
            return len(tree) != 1 or isinstance(found[0], (tuple, list))
        return not (self.leaves and (1, *np.shape(found[0])) == self.leaves[0].shape)

    def _aligned(self, found: list[Any]) -> list[Any]:
        parts: list[Any] = []
        for name, tree, answer in zip(self._argument_names(), self.trees, found, strict=True):
            self._align(name, tree, answer, parts)
        return parts

    def _align(self, name: str, tree: Any, answer: Any, parts: list[Any]) -> None:
        if _is_node(tree):
            children = list(_children(name, tree))
            if answer is None:
                answers = [None] * len(children)
            elif isinstance(tree, Mapping):
                if not isinstance(answer, Mapping) or not set(answer) <= set(tree):
                    raise ValueError(
                        f"the gradient for {name} must be a dict with the keys {', '.join(map(repr, tree))}"
                    )
                answers = [answer.get(key) for key in tree]
            else:
                if not isinstance(answer, (tuple, list)) or len(answer) != len(children):
                    raise ValueError(
                        f"the gradient for {name} must hold {len(children)} derivatives, as {name} does"
                    )
                answers = list(answer)
            for (path, child), part in zip(children, answers, strict=True):
                self._align(path, child, part, parts)
        elif self._moves(tree):
            parts.append(answer)

    def _other_shape(self, shapes: list[Any]) -> str:
        expected = ", ".join(str(leaf.shape) for leaf in self.leaves)
        message = f"the gradient has shape {', '.join(map(str, shapes))}, the input {expected}"
        for leaf, shape in zip(self.leaves, shapes, strict=True):
            if shape is None or shape == leaf.shape:
                continue
            if shape == leaf.shape[::-1]:
                return f"{message}: for {leaf.name} it is transposed"
            if _is_part(shape, leaf.shape):
                return f"{message}: for {leaf.name} it was summed over an axis too many"
            try:
                broadcast = np.broadcast_shapes(shape, leaf.shape)
            except ValueError:
                continue
            if broadcast == shape:
                return (
                    f"{message}: for {leaf.name} it was not reduced after broadcasting "
                    f"(sum over the axes that {leaf.name} lacks)"
                )
        return message


def _is_part(shape: tuple[int, ...], whole: tuple[int, ...]) -> bool:
    """Say whether a shape is another one without some of its axes."""
    axes = iter(whole)
    return len(shape) < len(whole) and all(size in axes for size in shape)


def dense(part: Any) -> Any:
    """Return an array for a sparse one, and anything else unchanged."""
    return part if isinstance(part, np.ndarray) or not hasattr(part, "toarray") else part.toarray()


def _is_floating(value: Any) -> bool:
    if isinstance(value, (bool, int, str, bytes)) or value is None:
        return False
    array = _array(value)
    return array is not None and array.dtype.kind in "fc"


def _array(value: Any) -> npt.NDArray[Any] | None:
    """Return a number, an array or a list of numbers as an array; None if it is anything else."""
    if isinstance(value, np.ndarray):
        return value if value.dtype.kind in "fciu" else None
    if isinstance(value, (int, float, complex, np.number)):
        return np.asarray(value)
    if isinstance(value, list) and not _holds_arrays(value):
        try:
            array = np.asarray(value)
        except ValueError:
            return None
        return array if array.dtype.kind in "fciu" else None
    if hasattr(value, "__array__") and hasattr(value, "shape"):
        array = np.asarray(value)
        return array if array.dtype.kind in "fciu" else None
    return None


def _holds_arrays(value: list[Any]) -> bool:
    return any(
        _holds_arrays(x) if isinstance(x, list) else not isinstance(x, (int, float, complex, np.number))
        for x in value
    )


def _is_node(tree: Any) -> bool:
    return isinstance(tree, (tuple, Mapping)) or (isinstance(tree, list) and _array(tree) is None)


def _children(name: str, tree: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(tree, Mapping):
        for key, child in tree.items():
            yield f"{name}[{key!r}]", child
    else:
        for k, child in enumerate(tree):
            yield f"{name}[{k}]", child


def _named_leaves(name: str, tree: Any) -> Iterator[tuple[str, Any]]:
    if _is_node(tree):
        for path, child in _children(name, tree):
            yield from _named_leaves(path, child)
    else:
        yield name, tree


def _is_passed(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind in "biuSU"


def _leaves(tree: Any) -> Iterator[Any]:
    for _, leaf in _named_leaves("", tree):
        yield leaf


def _like_leaves(tree: Any, value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the leaves of a tree with what a value has in their places; None where it has nothing there."""
    if not _is_node(tree):
        yield tree, value
    elif isinstance(tree, Mapping):
        for key, child in tree.items():
            yield from _like_leaves(child, value.get(key) if isinstance(value, Mapping) else None)
    else:
        found = list(value) if isinstance(value, (tuple, list)) else []
        for child, part in itertools.zip_longest(tree, found[: len(tree)]):
            yield from _like_leaves(child, part)


def _mapped(tree: Any, change: Callable[[Any], Any]) -> Any:
    if not _is_node(tree):
        return change(tree)
    if isinstance(tree, Mapping):
        return {key: _mapped(child, change) for key, child in tree.items()}
    children = [_mapped(child, change) for child in tree]
    if hasattr(tree, "_fields"):
        return type(tree)(*children)
    return children if isinstance(tree, list) else tuple(children)
