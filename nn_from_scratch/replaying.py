"""`replay`: a function recorded once, and straight-line Python for its value and gradient at new inputs.

An optimiser asks the same function a thousand times. Every time the engine builds its graph anew, though
nothing in it changes but numbers. Here the function is called once with what writes its operations down
(`recorded`); the reverse pass, by the same rules, writes down what it does as well; and both become one
Python function (`generated`), which has no graph.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import update_wrapper
from typing import Any

import numpy as np

from nn_from_scratch.derivatives import value_and_gradient
from nn_from_scratch.generated import Writer, is_element
from nn_from_scratch.recorded import Jump, Recorded, ReplayError, ValueAskedError, refuse
from nn_from_scratch.recording import no_grad
from nn_from_scratch.rule import NO_OPTIONS, Elementwise, Operand, Rule, Traced, Value, fitted
from nn_from_scratch.values import FLOAT64, own_value, without_axes

__all__ = ["Replay", "ReplayError", "replay"]


def replay(function: Callable[..., Any]) -> "Replay":
    """Return a function that gives the value of a scalar function, and its gradient, fast.

    It is recorded where inputs of these shapes are given for the first time.

    Parameters
    ----------
    function
        Takes numbers and arrays, float64, and gives a scalar. It is to do the same operations whatever the
        numbers are: a branch on a value, or a value taken out, is a `ReplayError`. What else it uses (the
        numbers of a closure, random ones) is as it was when it was recorded.

    Returns
    -------
    Replay
        Called with inputs, it returns the value, a float, and the gradient: by the input, or the list of
        those by all inputs if there are several. Its `source` is the Python text.

    """
    return Replay(function)


class Replay:
    """A function that is recorded, and replayed: see `replay`."""

    def __init__(self, function: Callable[..., Any]) -> None:
        update_wrapper(self, function)
        self._function = function
        self._programs: dict[tuple[tuple[int, ...], ...], _Program] = {}

    def __call__(self, *inputs: Any) -> tuple[float, Any]:
        """Return the value, and the gradient."""
        values = [value if type(value) is float else _own(value) for value in inputs]
        shapes = _shapes(values)
        program = self._programs.get(shapes)
        if program is None:
            program = self.record(*values)
        # Where Python's floats raise, or a number is infinite or NaN, numpy warns, and what does not count
        # may have to be left out of a sum: there the function is computed by the engine.
        try:
            value, gradient = program.run(*values)
        except (ArithmeticError, ValueError):
            return value_and_gradient(self._function)(*inputs)
        if not math.isfinite(value) or not all(map(_is_finite, gradient)):
            return value_and_gradient(self._function)(*inputs)
        found = [part if type(part) is float else without_axes(np.array(part)) for part in gradient]
        return float(value), found if len(found) > 1 else found[0]

    def record(self, *examples: Any) -> "_Program":
        """Record the function for inputs of the shapes of these, whatever their values are."""
        values = [_own(value) for value in examples]
        program = self._programs[_shapes(values)] = _recorded(self._function, values)
        return program

    @property
    def source(self) -> str:
        """The Python text, for inputs of each of the shapes that were given; empty before the first call."""
        return "\n".join(program.source for program in self._programs.values())


@dataclass(frozen=True, slots=True)
class _Program:
    run: Callable[..., tuple[float, tuple[Any, ...]]]
    source: str


def _shapes(values: Sequence[Value]) -> tuple[tuple[int, ...], ...]:
    return tuple([value.shape if type(value) is np.ndarray else () for value in values])


def _own(value: Any) -> Value:
    if isinstance(value, Traced):
        raise ReplayError("replay: takes numbers and arrays; got a node")
    value = own_value(value, "replay")
    if type(value) is not float and value.dtype != FLOAT64:
        raise ReplayError(f"replay: computes in float64; got {value.dtype}")
    return value


def _is_finite(part: Value) -> bool:
    return math.isfinite(part if type(part) is float else np.vdot(part, part))


def _recorded(function: Callable[..., Any], examples: Sequence[Value]) -> _Program:
    """Record a function at examples of its inputs, and write it as Python."""
    tape: list[Recorded] = []
    inputs = [Recorded(tape, example) for example in examples]
    if not examples:
        raise ValueError("replay: the function must be given a number or an array")
    with np.errstate(all="ignore"), no_grad(recording=True):
        try:
            output = function(*inputs)
        except ValueAskedError:
            refuse("a value (as a Node does that is no input: give its .value)")
        if isinstance(output, Traced) and not isinstance(output, Recorded):
            raise ReplayError("replay: the function gives a node that is none of its own")
        if not isinstance(output, Recorded):
            output = _own(output)
        if np.shape(output):
            raise ValueError(f"replay: the function must give a scalar, got shape {np.shape(output)}")
        forward = [*tape]
        gradient = _gradient(output, inputs, forward)
    writer = Writer(inputs, [output, *gradient])
    writer.write(forward)
    if any(node.shape for node in tape if node.rule not in {None, _ARRAY}):
        writer.without_warnings()  # as the reverse pass of the engine: the forward pass has warned
    writer.write(tape[len(forward) :])
    source = writer.returning(output, gradient)
    exec(compile(source, f"<replay of {getattr(function, '__name__', 'a function')}>", "exec"), writer.names)  # noqa: S102 - our own text
    return _Program(writer.names["replayed"], source)


def _gradient(output: Operand, inputs: Sequence[Recorded], forward: Sequence[Recorded]) -> list[Operand]:
    """Record the reverse pass: the cotangent of each operation is that of the output by it."""
    cotangents: dict[Recorded, Operand] = {output: 1.0} if isinstance(output, Recorded) else {}
    elements: dict[Recorded, dict[int, Operand]] = {}
    for node in reversed(forward):
        g = cotangents.get(node)
        if g is None or node.rule is None or node.is_constant or isinstance(node.rule, Jump):
            continue
        if is_element(node):  # all of them together, not one array of zeros for each
            found = elements.setdefault(node.operands[0], {})
            key = node.options["key"] % len(node.operands[0])
            found[key] = _plus(found.get(key), g)
            continue
        try:
            for operand, part in _parts(node, node.rule, g):
                cotangents[operand] = _plus(cotangents.get(operand), part)
        except ValueAskedError:
            refuse(f"values in the derivative of {node.rule.name}")
    return [_of_input(node, cotangents.get(node), elements.get(node, {})) for node in inputs]


def _parts(node: Recorded, rule: Rule, g: Operand) -> Iterator[tuple[Recorded, Operand]]:
    """Yield what an operation hands on to each operand: as the rule's `pullback`, but for any numbers."""
    shared: Operand = None
    for position, operand in enumerate(node.operands):
        if not isinstance(operand, Recorded) or operand.dtype != FLOAT64:
            continue
        if isinstance(rule, Elementwise):
            yield operand, _of_elements(node, rule, position, g)
            continue
        if shared is None:
            start = np.float64(g) if type(g) is float else g
            shared = rule.shared_pullback(start, node, node.operands, node.options)
        yield operand, _plain(rule.pullback(position, shared, node, node.operands, node.options))


def _of_elements(node: Recorded, rule: Elementwise, position: int, g: Operand) -> Operand:
    part: Operand
    if rule.name == "relu":  # a choice, which is faster than a product
        part = np.where(node > 0.0, g, 0.0)
    else:
        part = _times(g, rule.derivatives[position](node, *node.operands))
    return _plain(fitted(part if isinstance(part, Recorded) else np.float64(part), node.operands[position]))


def _plain(part: Operand) -> Operand:
    return float(part) if isinstance(part, np.float64) else part


def _times(g: Operand, partial: Operand) -> Operand:
    if type(partial) is float and abs(partial) == 1.0:
        return g if partial > 0 else -g
    return partial if type(g) is float and g == 1.0 else g * partial


def _plus(total: Operand | None, part: Operand) -> Operand:
    """Return a sum; of what is negated a difference, which is one operation."""
    if total is None:
        return part
    for one, other in ((total, part), (part, total)):
        if isinstance(other, Recorded) and other.rule is not None and other.rule.name == "neg":
            return one - other.operands[0]
    return total + part


def _of_input(node: Recorded, g: Operand | None, elements: dict[int, Operand]) -> Operand:
    """Return the gradient by an input, of its shape."""
    if elements:
        parts = [elements.get(k, 0.0) for k in range(len(node))]
        together = (
            Recorded.apply(_ARRAY, parts, NO_OPTIONS) if any(map(_is_recorded, parts)) else np.array(parts)
        )
        g = _plus(g, together)
    if g is None:
        return np.zeros(node.shape) if node.shape else 0.0
    return g


def _is_recorded(x: Operand) -> bool:
    return isinstance(x, Recorded)


def _array(*elements: Value) -> Value:
    return np.array(elements)


_ARRAY = Rule("array", _array, ())
