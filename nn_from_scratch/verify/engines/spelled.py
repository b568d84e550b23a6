"""An engine's operations and moves as its `Spelling` has them."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from nn_from_scratch.verify.engines.calling import OPERATORS, SAID_BY_ADAPTERS
from nn_from_scratch.verify.engines.errors import NotSpelledError
from nn_from_scratch.verify.engines.spelling import Spelling
from nn_from_scratch.verify.engines.tape import Tape
from nn_from_scratch.verify.questions.expressions import Arithmetic
from nn_from_scratch.verify.questions.operations import ELEMENTWISE, OPERATIONS

Shape = tuple[int, ...]
_WRITTEN: dict[str, Callable[[Iterable[Any]], Any]] = {"tuple": tuple, "list": list, "array": np.array}
_REDUCING = ("sum", "mean", "prod", "max", "min", "logsumexp")
_ALONG = ("softmax", "log_softmax", "cumsum", "squeeze", "expand_dims")
_WHOLE = (*_REDUCING, "cumsum")
_OPERATORS = {**OPERATORS, "matmul": operator.matmul}
_ONE = (1,)


def spelled_operations(spelling: Spelling, names: Iterable[str], value: Callable[[Any], Any]) -> Arithmetic:
    """Return the operations of these names, as a table has them called.

    Parameters
    ----------
    spelling
        The table.
    names
        The operations that are looked for: of those that only an adapter can say, none is found.
    value
        Reads the value of a node.

    """
    known = [name for name in (*names, *_OPERATORS) if name not in SAID_BY_ADAPTERS]
    return {name: Spelled(name, spelling, value) for name in known if name not in spelling.lacks}


class Spelled:
    """One operation, which is called as numpy's is, and calls the engine's in its own words.

    Parameters
    ----------
    name
        The operation's.
    spelling
        The engine's table.
    value
        Reads the value of a node.

    """

    def __init__(self, name: str, spelling: Spelling, value: Callable[[Any], Any]) -> None:
        self._name, self._value = name, value
        self._table = spelling.of(name)
        self._arguments = _ARGUMENTS.get(name, _no_arguments)

    def __call__(self, *operands: Any, **keywords: Any) -> Any:
        """Compute it.

        Raises
        ------
        NotSpelledError
            For what the table says to be lacking.

        """
        self._check_operands(operands)
        if self._name == "index":
            result = operands[0][_index(self._table, keywords["index"])]
        else:
            arguments, named = self._arguments(self._name, self._table, keywords)
            result = self._call(operands, arguments, named)
        if self._table.ranks or not self._table.empty:
            check_shape(self._table, self._shape(result))
        return result

    def _call(self, operands: Sequence[Any], arguments: Sequence[Any], named: dict[str, Any]) -> Any:
        table, called = self._table, self._table.names.get(self._name, self._name)
        if self._name in _OPERATORS and self._name not in table.names:
            return _OPERATORS[self._name](*operands)
        function = getattr(table.functions, called, None)
        is_joined = OPERATIONS[self._name].of_a_list
        if is_joined and table.parts != "apart":
            function = getattr(type(operands[0]), called) if function is None else function
            return function(_WRITTEN[table.parts](operands), *arguments, **named)
        if function is not None:
            return function(*operands, *arguments, **named)
        first, *others = operands
        if is_constant(first):
            raise NotSpelledError(f"{self._name}: a constant has no method {called}")
        method = getattr(first, called)
        if self._name == "transpose" and table.transpose == "reversed" and not callable(method):  # x.T
            return method
        return method(*others, *arguments, **named)

    def _check_operands(self, operands: Sequence[Any]) -> None:
        """Raise for operands that the table says are not taken."""
        table, name = self._table, self._name
        held = [] if name == "clip" else [x for x in operands if is_constant(x)]  # whose bounds are arguments
        for x in held:
            kind = "arrays" if isinstance(x, np.ndarray) else "numbers"
            if table.constants not in ("both", kind):
                raise NotSpelledError(f"{name}: no constant {kind}")
        if name in ELEMENTWISE and not table.broadcasts and len(operands) > 1:
            shapes = {self._shape(x) for x in operands if not is_constant(x) or isinstance(x, np.ndarray)}
            if len(shapes) > 1:
                raise NotSpelledError(f"{name}: no operands of different shapes")
        if name == "matmul" and table.matmul_ranks:
            ranks = {len(self._shape(x)) for x in operands}
            if ranks - {*table.matmul_ranks}:
                raise NotSpelledError(f"matmul: no operands of {_axes_in_words(ranks)}")
        is_moved = table.scalars == "(1,)" and name in ("squeeze", "expand_dims", "stack")
        if is_moved and any(self._shape(x) in (_ONE, ()) for x in operands):
            raise NotSpelledError(f"{name}: no arrays without axes, which have the shape (1,)")

    def _shape(self, x: Any) -> Shape:
        return np.shape(x if is_constant(x) else self._value(x))


def is_constant(x: Any) -> bool:
    """Whether an operand is a number, an array of numpy's, or None, and no node."""
    return x is None or type(x) in (float, int, np.float64, np.int64, np.ndarray)


def check_shape(table: Spelling, shape: Shape) -> None:
    """Raise for a node's shape that the table says to be lacking."""
    is_number = shape == () or (shape == _ONE and table.scalars == "(1,)")
    if table.ranks and not is_number and len(shape) not in table.ranks:
        raise NotSpelledError(f"no arrays of {_axes_in_words([len(shape)])}")
    if not table.empty and 0 in shape:
        raise NotSpelledError("no empty arrays")


def _axes_in_words(ranks: Iterable[int]) -> str:
    counts = sorted(ranks)
    return f"{' and '.join(map(str, counts))} {'axis' if counts[-1] == 1 else 'axes'}"


Arguments = tuple[list[Any], dict[str, Any]]


def _no_arguments(_: str, __: Spelling, keywords: dict[str, Any]) -> Arguments:
    return [], keywords


def _along_axis(name: str, table: Spelling, keywords: dict[str, Any]) -> Arguments:
    """Return the arguments of a reduction, or of another operation along an axis."""
    axis, keeps = keywords["axis"], bool(keywords.get("keepdims"))
    if axis is None:
        if not table.whole and name in _WHOLE:
            raise NotSpelledError(f"{name}: no axis=None")
        arguments, named = list[Any](), dict[str, Any]()
        if keeps and (not table.whole_keepdims or table.keepdims == ""):
            raise NotSpelledError(f"{name}: no keepdims=True without an axis")
    else:
        arguments, named = _axis(name, table, axis)
    if keeps:
        if table.keepdims is None:
            raise NotSpelledError(f"{name}: no keepdims=True")
        if table.keepdims:
            named[table.keepdims] = True
        else:
            arguments.append(True)
    return arguments, named


def _axis(name: str, table: Spelling, axis: Any, *_: Any) -> Arguments:
    """Return how an axis is given, or several."""
    numbers = axis if isinstance(axis, tuple) else (axis,)
    if table.axis is None:
        raise NotSpelledError(f"{name}: no axis")
    if min(numbers, default=0) < 0 and not table.negative_axes:
        raise NotSpelledError(f"{name}: no negative axis")
    if isinstance(axis, tuple):
        if table.axes is None:
            raise NotSpelledError(f"{name}: one axis only")
        if table.axes == "apart":
            return [*axis], {}
        axis = _WRITTEN[table.axes](axis)
    return ([], {table.axis: axis}) if table.axis else ([axis], {})


def _joining(name: str, table: Spelling, keywords: dict[str, Any]) -> Arguments:
    return _axis(name, table, keywords["axis"])


def _sizes(table: Spelling, sizes: Sequence[int]) -> Arguments:
    return ([*sizes] if table.sizes == "apart" else [_WRITTEN[table.sizes](sizes)]), {}


def _new_shape(name: str, table: Spelling, keywords: dict[str, Any]) -> Arguments:
    shape = keywords["shape"]
    if -1 in shape and not table.inferred_size:
        raise NotSpelledError(f"{name}: no size of -1")
    if table.scalars == "(1,)" and not shape:
        raise NotSpelledError(f"{name}: no arrays without axes")
    return _sizes(table, shape)


def _permutation(name: str, table: Spelling, keywords: dict[str, Any]) -> Arguments:
    axes = keywords["axes"]
    rank = len(axes)
    if min(axes, default=0) < 0 and not table.negative_axes:
        raise NotSpelledError(f"{name}: no negative axis")
    if table.transpose == "two":
        moved = [k for k, axis in enumerate(axes) if axis % rank != k]
        if len(moved) != 2:
            raise NotSpelledError(f"{name}: two axes are swapped, no more and no fewer")
        return moved, {}
    if table.transpose == "reversed":
        if tuple(axis % rank for axis in axes) != tuple(reversed(range(rank))):
            raise NotSpelledError(f"{name}: all axes are reversed, nothing else")
        return [], {}
    return _sizes(table, axes)


_ARGUMENTS: dict[str, Callable[[str, Spelling, dict[str, Any]], Arguments]] = {
    **dict.fromkeys((*_REDUCING, *_ALONG), _along_axis),
    **dict.fromkeys(("concatenate", "stack"), _joining),
    **dict.fromkeys(("reshape", "broadcast_to"), _new_shape),
    "transpose": _permutation,
}


def _index(table: Spelling, items: Sequence[Any]) -> Any:
    """Return an index in the engine's own words."""
    found = [_index_item(table, item) for item in items]
    needed = {kind for kind, _ in found} | ({"several"} if len(items) != 1 else set())
    lacking = needed - {*table.index}
    if lacking:
        raise NotSpelledError(f"index: no {', '.join(sorted(lacking))}")
    made = tuple(item for _, item in found)
    return made[0] if len(made) == 1 and not isinstance(made[0], tuple) else made


def _index_item(table: Spelling, item: Any) -> tuple[str, Any]:
    """Return which of `INDEX_ITEMS` an item is, and the item in the engine's own words."""
    if item is None:
        return "newaxis", None
    if item == "...":
        return "ellipsis", ...
    if not isinstance(item, tuple):
        return "integer", item
    if item[:1] == ("slice",):
        return "slice" if item[3] is None else "step", slice(*item[1:])
    return "mask" if np.asarray(item).dtype == bool else "array", _WRITTEN[table.index_arrays](item)


class SpelledMoves:
    """The moves of a tape, as a table has them.

    Parameters
    ----------
    spelling
        The table.
    tape
        The moves as the adapter gives them.
    operations
        The engine's operations, of which the weighed sum of an output is made.

    """

    def __init__(self, spelling: Spelling, tape: Tape, operations: Arithmetic) -> None:
        self._table, self._tape, self._operations = spelling, tape, operations
        self._ask: Callable[..., Any] = tape.backward
        self._found: Any = {}  # the gradients of the last reverse pass
        self._asked: tuple[Any, ...] = ()  # the output that gradients are asked of, and the cotangent

    def tape(self) -> Tape:
        """Return the moves."""
        return replace(
            self._tape,
            variable=self.variable,
            backward=self.backward,
            value=self.value,
            gradient=self.gradient,
        )

    def variable(self, x: Any) -> Any:
        """Make a leaf of a float or an array."""
        table = self._table
        if table.scalars == "(1,)":
            if np.shape(x) == _ONE:  # its gradient could not be told from that of a number
                raise NotSpelledError("no arrays of the shape (1,), which is that of a number")
            x = x if np.ndim(x) or table.leaves == "given" else np.reshape(x, _ONE)
        check_shape(table, np.shape(x))
        return self._leaf(x)

    def _leaf(self, x: Any) -> Any:
        held: Any = np.asarray(x)
        match self._table.leaves:
            case "array":
                return self._tape.variable(held)
            case "list":
                return self._tape.variable(held.tolist())
        return self._tape.variable(x)

    def value(self, node: Any) -> Any:
        """Read a node's value, of a number without axes."""
        return self._without_axis(self._tape.value(node))

    def backward(self, output: Any, *cotangent: Any) -> None:
        """Run the reverse pass."""
        table = self._table
        if cotangent and table.scalars == "(1,)" and not np.ndim(cotangent[0]):
            cotangent = (np.reshape(cotangent[0], _ONE),)
        if cotangent and table.cotangent is None:
            output, cotangent = self._weighed(output, cotangent[0]), ()
        elif cotangent and table.cotangent == "node":
            cotangent = (self._leaf(cotangent[0]),)
        if table.gradients == "asked":
            self._asked = output, cotangent
        else:
            self._found = self._tape.backward(output, *cotangent)

    def gradient(self, leaf: Any) -> Any:
        """Read a leaf's gradient."""
        match self._table.gradients:
            case "nodes":
                found = self._tape.gradient(leaf)
            case "asked":
                output, cotangent = self._asked
                found = self._ask(output, [leaf], *cotangent)[0]
            case how:
                key = leaf if how == "by node" else id(leaf)
                found = self._found.get(key)
        if isinstance(found, type(leaf)):
            found = self._tape.value(found)
        return found if found is None else self._without_axis(found)

    def _weighed(self, output: Any, cotangent: Any) -> Any:
        """Return the sum of an output's entries, each times the cotangent's."""
        axes = np.ndim(cotangent)
        if self._tape.constant is not None:
            weights = self._tape.constant(cotangent)
        elif self._table.of("mul").constants in ("both", "arrays"):
            weights = cotangent
        else:
            weights = self._leaf(cotangent)
        weighed = self._operations["mul"](output, weights)
        if self._table.of("sum").whole:
            return self._operations["sum"](weighed, axis=None, keepdims=False)
        for _ in range(axes):
            weighed = self._operations["sum"](weighed, axis=0, keepdims=False)
        return weighed

    def _without_axis(self, x: Any) -> Any:
        if self._table.scalars == "(1,)" and np.shape(x) == _ONE:
            return np.reshape(x, ())
        return x
