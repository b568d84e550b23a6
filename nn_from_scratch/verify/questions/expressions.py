"""Expressions: immutable graphs of named operations, and the one loop that evaluates them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from nn_from_scratch.verify.questions import constants as written
from nn_from_scratch.verify.questions.constants import Constant
from nn_from_scratch.verify.questions.operations import OPERATIONS, WRITTEN, bare

_KNOWN = OPERATIONS | WRITTEN
Arithmetic = Mapping[str, Callable[..., Any]]
"""What the operations mean over some kind of number: a callable for each name. Constants reach it as
Python floats or numpy arrays, so that an arithmetic sees (as an engine does) which side of an operator is
constant."""


@dataclass(frozen=True, slots=True)
class Step:
    """One operation applied to earlier nodes, which are named by their index."""

    operation: str
    operands: tuple[int, ...]
    parameters: tuple[tuple[str, Any], ...] = ()
    """What is no number, such as an axis, as pairs of keyword and value; sequences are tuples."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A directed acyclic graph of operations over inputs, which may be scalars or arrays.

    Its nodes are numbered: first the inputs ``x0, x1, ...``, then the constants, then the steps, each of
    which uses earlier nodes only. Nodes that the output does not depend on are allowed.

    Parameters
    ----------
    inputs
        How many inputs there are: at least one.
    constants
        Finite floats, or arrays of them (`ConstantArray`); None for a bound that ``clip`` is not given.
    steps
        The operations, in an order in which they can be computed.
    output
        The index of the node that is the result.

    Raises
    ------
    ValueError
        If there are no inputs, a constant is not finite, a step names an unknown operation or a node that
        does not come before it, or has the wrong number of operands or none but constants, or takes None
        where it is no bound, or for both, or if `output` is no node.

    """

    inputs: int
    constants: tuple[Constant, ...]
    steps: tuple[Step, ...]
    output: int

    def __post_init__(self) -> None:
        if self.inputs < 1:
            raise ValueError(f"an expression has at least one input, got {self.inputs}")
        for number in written.numbers_of(self.constants):
            if not math.isfinite(number):
                raise ValueError(f"constants must be finite, got {number}")
        first = self.first_step
        for index, step in enumerate(self.steps, first):
            if step.operation not in _KNOWN:
                raise ValueError(f"unknown operation {step.operation!r}; known are {', '.join(OPERATIONS)}")
            arity = _KNOWN[step.operation].arity
            if len(step.operands) != arity and (arity or not step.operands):
                raise ValueError(f"{step.operation} takes {arity} operands, got {len(step.operands)}")
            if not all(map(range(index).__contains__, step.operands)):
                raise ValueError(
                    f"node {index} ({step.operation}) has operands {step.operands}, not all before it"
                )
            if min(step.operands) >= self.inputs and max(step.operands) < first:
                raise ValueError(f"node {index} ({step.operation}) has constants only: fold it into one")
        if self.output not in range(len(self)):
            raise ValueError(f"the output is node {self.output}, but there are {len(self)} nodes")
        self._check_absent()

    def _check_absent(self) -> None:
        """Raise for None that is no bound."""
        for index, step in self._numbered() if None in self.constants else ():
            absent = [side for side, k in enumerate(step.operands) if self._is_absent(k)]
            if absent and (step.operation != "clip" or absent not in ([1], [2])):
                raise ValueError(f"node {index} ({step.operation}) takes None, which is one of clip's bounds")

    def __len__(self) -> int:
        return self.inputs + len(self.constants) + len(self.steps)

    @property
    def first_step(self) -> int:
        """The index of the first node that is a step."""
        return self.inputs + len(self.constants)

    def is_constant(self, node: int) -> bool:
        """Whether `node` is one of the constants."""
        return self.inputs <= node < self.first_step

    def operand_kinds(self, step: Step) -> str:
        """Which operands of `step` are constants: "x" is a node, "c" a number, "a" an array, as in "cx"."""
        return "".join(map(self._kind, step.operands))

    def _kind(self, operand: int) -> str:
        if not self.is_constant(operand):
            return "x"
        return "a" if isinstance(self.constants[operand - self.inputs], written.ConstantArray) else "c"

    def _is_absent(self, operand: int) -> bool:
        return self.is_constant(operand) and self.constants[operand - self.inputs] is None

    def evaluate(
        self, arithmetic: Arithmetic, inputs: Sequence[Any], constants: Sequence[Any] | None = None
    ) -> list[Any]:
        """Compute every node over any kind of number; the result is entry `output`.

        Parameters
        ----------
        arithmetic
            What the operations mean.
        inputs
            A number, or an array, for each input.
        constants
            What stands for the constants; by default Python's floats and numpy's arrays.

        """
        values = [*inputs, *(self.given_constants() if constants is None else constants)]
        for step in self.steps:
            operation, operands = arithmetic[step.operation], [values[operand] for operand in step.operands]
            # An operation without parameters, as nearly all are, is called in half the time.
            values.append(
                operation(*operands, **dict(step.parameters)) if step.parameters else operation(*operands)
            )
        return values

    def function(
        self, arithmetic: Arithmetic, needed: Collection[int] = ()
    ) -> Callable[[Sequence[Any]], Any]:
        """Return the output as a function of the inputs, which computes only what it depends on.

        Parameters
        ----------
        arithmetic
            What the operations mean.
        needed
            The nodes that the output depends on, where they are known already.

        """
        needed = needed or self.reachable()
        program = [
            (index, arithmetic[step.operation], step.operands, dict(step.parameters))
            for index, step in self._numbered()
            if index in needed
        ]

        def compute(inputs: Sequence[Any]) -> Any:
            values = [*inputs, *self.given_constants(), *self.steps]
            for index, operation, operands, parameters in program:
                values[index] = operation(*[values[operand] for operand in operands], **parameters)
            return values[self.output]

        return compute

    def given_constants(self) -> Sequence[Any]:
        """Return the constants as an arithmetic is given them."""
        if all(isinstance(constant, float) for constant in self.constants):
            return self.constants
        return list(map(written.as_given, self.constants))

    def reachable(self) -> set[int]:
        """Return the nodes that the output depends on, itself included."""
        needed, first = {self.output}, self.first_step
        for index in range(len(self) - 1, first - 1, -1):
            if index in needed:
                needed.update(self.steps[index - first].operands)
        return needed

    def closed(self) -> Expression:
        """Return the same function, nodes numbered alike, with an extremum for each ``clip`` of one bound."""
        if None not in self.constants:
            return self
        return replace(self, steps=tuple(map(self._closed, self.steps)))

    def _closed(self, step: Step) -> Step:
        bounds = [k for k in step.operands if not self._is_absent(k)]
        if len(bounds) == len(step.operands):
            return step
        return Step("minimum" if bounds[1] == step.operands[2] else "maximum", tuple(bounds))

    def live_steps(self) -> list[Step]:
        """Return the steps that the output depends on."""
        reachable = self.reachable()
        return [step for index, step in self._numbered() if index in reachable]

    def lines(
        self,
        write: Callable[[Step, list[str]], str] | None = None,
        constants: Sequence[str] | None = None,
    ) -> list[str]:
        """Write the expression, the output last: what is used more than once, or never, has its own line.

        Parameters
        ----------
        write
            Given a step and the text of its operands, returns its text; like Python by default.
        constants
            The text of each constant; by default that of a float64.

        """
        write = write or _like_python
        uses = Counter(operand for step in self.steps for operand in step.operands)
        text = [f"x{i}" for i in range(self.inputs)]
        text += map(repr, self.constants) if constants is None else constants
        lines: list[str] = []
        for index, step in self._numbered():
            text.append(write(step, [text[operand] for operand in step.operands]))
            if uses[index] > 1 or (not uses[index] and index != self.output):
                lines.append(f"u{len(lines)} = {bare(text[-1])}")
                text[-1] = f"u{len(lines) - 1}"
        return [*lines, bare(text[self.output])]

    def __str__(self) -> str:
        """Return Python-like text."""
        return "\n".join(self.lines())

    def _numbered(self) -> enumerate[Step]:
        return enumerate(self.steps, self.first_step)

    def to_json(self) -> dict[str, Any]:
        """Return the expression as JSON values; floats keep every digit."""
        return {
            "inputs": self.inputs,
            "constants": list(map(written.to_json, self.constants)),
            "steps": [
                [step.operation, *step.operands, *([dict(step.parameters)] if step.parameters else [])]
                for step in self.steps
            ],
            "output": self.output,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Expression:
        """Rebuild an expression from what `to_json` returned.

        Raises
        ------
        ValueError
            If `data` is something else.

        """
        try:
            constants = tuple(map(written.from_json, data["constants"]))
            steps = tuple(map(_step_from_json, data["steps"]))
            return cls(data["inputs"], constants, steps, data["output"])
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"not an expression: {data!r} ({error})") from error


def _like_python(step: Step, operands: list[str]) -> str:
    return _KNOWN[step.operation].text(*operands, **dict(step.parameters))


def _step_from_json(data: Sequence[Any]) -> Step:
    name, *operands = data
    parameters = operands.pop() if operands and isinstance(operands[-1], dict) else {}
    return Step(name, tuple(operands), tuple((key, _hashable(value)) for key, value in parameters.items()))


def _hashable(value: Any) -> Any:
    return tuple(map(_hashable, value)) if isinstance(value, (list, tuple)) else value
