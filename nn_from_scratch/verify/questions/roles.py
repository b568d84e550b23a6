"""The roles in which an operation is asked: what stands around it in a graph.

An operation that is right on its own may be wrong inside of a graph: it may forget the cotangent, overwrite
what its operand has from elsewhere, or be thrown by a branch that leads nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.operations import Form
from nn_from_scratch.verify.questions.sketches import TANGENT, Node, Sketch, cycled

ALONE = "alone"
INNER = "something after it"
LAST = "something before it"
USED_BEFORE = "its operand used before as well"
USED_AFTER = "its operand used after as well"
TWICE = "one node as two operands"
RESULT_TWICE = "its result used twice"
DEAD = "a dead branch beside it"
SHARED = (USED_BEFORE, USED_AFTER, TWICE, RESULT_TWICE)
"""Roles in which a node is used more than once, so that the reverse pass adds up what it gets."""
SECOND = "differentiated twice"
CAPTURED = "differentiated inside of another derivative, whose variable it uses"
STRIDED = "arrays whose rows are not contiguous"
NINE_USES = "a node used nine times"
TEN_LEAVES = "ten leaves"

SCALES: tuple[Form, ...] = (("mul", "xc"), ("mul", "cx"), ("div", "xc"), ("sub", "cx"), ("neg", "x"))
"""What may stand before and after an operation, the best first: a slope that is not 1."""
JOINS: tuple[Form, ...] = (("add", "xx"), ("sub", "xx"), ("mul", "xx"))
"""What may join two branches, the best first."""
BENDS: tuple[Form, ...] = (("square", "x"), ("mul", "xx"), ("pow", "xc"), ("sin", "x"), ("tanh", "x"))
"""What may make of a result something whose slope depends on it, the best first."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What stands around the operations that are asked; None where the engine has nothing that may."""

    scale: Form | None
    join: Form | None
    reduces: bool = False
    """Whether arrays may be summed, to join branches of different shapes."""
    bend: Form | None = None
    """What stands after an operation that is differentiated twice; None for nothing."""

    @classmethod
    def of(cls, forms: Collection[Form]) -> Surroundings:
        """Return the best that these forms allow."""
        scale = next((form for form in SCALES if form in forms), None)
        join = next((form for form in JOINS if form in forms), None)
        return cls(scale, join, ("sum", "x") in forms)


@dataclass(frozen=True, slots=True)
class Asked:
    """One operation on operands of some values: a question about it in each role.

    `kinds` are those of `Expression.operand_kinds`; `values` are floats and arrays.
    """

    operation: str
    kinds: str
    values: Sequence[Any]
    parameters: Mapping[str, Any]
    arrays: bool

    def nodes(self) -> list[int]:
        """Return which operands are nodes."""
        return [side for side, kind in enumerate(self.kinds) if kind == "x"]


@dataclass(frozen=True, slots=True)
class DirectQuestion:
    """A case that asks one operation in one role.

    Parameters
    ----------
    case
        What is asked.
    operation, kinds
        The operation, and which of its operands are constants (`Expression.operand_kinds`).
    role
        What stands around it.
    operand
        Which operand the role concerns; None for all of them.
    node
        The index of its step in the case.
    rare
        Whether it asks what neither graphs nor vectors ask, and what an engine may refuse: it lacks that, if
        its forward pass raises anything.

    """

    case: Case
    operation: str
    kinds: str
    role: str
    operand: int | None
    node: int
    rare: bool = False

    @property
    def form(self) -> Form:
        """The operation, and which of its operands are constants."""
        return self.operation, self.kinds


def alone(asked: Asked, role: str = ALONE) -> DirectQuestion:
    """Ask the operation on its own."""
    sketch = Sketch()
    step = _applied(sketch, asked, _leaves(sketch, asked))
    return _question(sketch, step, step, asked, role, None)


def in_roles(asked: Asked, around: Surroundings) -> Iterator[DirectQuestion]:
    """Ask the operation in every role that its surroundings allow."""
    for _, ask in roles(asked, around):
        question = ask()
        if question is not None:
            yield question


def roles(asked: Asked, around: Surroundings) -> list[tuple[str, Callable[[], DirectQuestion | None]]]:
    """Return every role that its surroundings may allow, each with what asks the operation in it."""
    if around.scale is None:
        return []
    found: list[tuple[str, Callable[[], DirectQuestion | None]]] = [(INNER, partial(_inner, asked, around))]
    found += [(LAST, partial(_last, asked, around, side)) for side in asked.nodes()]
    found.append((DEAD, partial(_dead, asked, around)))
    if around.join is None:
        return found
    found.append((RESULT_TWICE, partial(_result_twice, asked, around)))
    for side in asked.nodes():
        found.append((USED_BEFORE, partial(_used_again, asked, around, side, before=True)))
        found.append((USED_AFTER, partial(_used_again, asked, around, side, before=False)))
    return found


def twice(asked: Asked) -> DirectQuestion | None:
    """Ask an operation of one node that stands for all its operands that are nodes, with the first value."""
    sides = asked.nodes()
    if len(sides) < 2 or np.shape(asked.values[sides[0]]) != np.shape(asked.values[sides[1]]):
        return None
    sketch = Sketch()
    leaf = sketch.input(asked.values[sides[0]])
    operands = [
        leaf if kind == "x" else sketch.constant(value)
        for kind, value in zip(asked.kinds, asked.values, strict=True)
    ]
    step = _applied(sketch, asked, operands)
    return _question(sketch, step, step, asked, TWICE, None)


def second_order(question: DirectQuestion) -> Iterator[DirectQuestion]:
    """Ask a question to second order; then along each of several inputs only, which captures the others."""
    tangent = cycled(TANGENT, len(question.case.point))
    yield replace(question, case=replace(question.case, tangent=tangent), role=SECOND)
    sizes = [int(np.size(x)) for x in question.case.inputs()]
    if len(sizes) > 1:
        for moved in range(len(sizes)):
            parts = [np.ones(n) * (k == moved) for k, n in enumerate(sizes)]
            numbers = tuple(np.concatenate(parts) * tangent + 0.0)
            case = replace(question.case, tangent=tuple(map(float, numbers)))
            yield replace(question, case=case, role=CAPTURED, operand=moved)


def bent(asked: Asked, around: Surroundings) -> DirectQuestion:
    """Ask the operation with something after it that is not linear; on its own where there is nothing such.

    A linear operation's second derivatives are 0, whether its first ones are differentiated or taken for
    constants. After it something has to make its cotangent depend on the inputs.
    """
    if around.bend is None:
        return alone(asked)
    name, kinds = around.bend
    sketch = Sketch()
    step = _applied(sketch, asked, _leaves(sketch, asked))
    operands = {"x": [step], "xx": [step, step], "xc": [step, sketch.constant(2.0)]}[kinds]
    return _question(sketch, sketch.step(name, *operands), step, asked, ALONE, None)


def many_uses(around: Surroundings) -> Iterator[DirectQuestion]:
    """Ask what joins two branches of one node that is used nine times; then of ten leaves."""
    if around.scale is None or around.join is None:
        return
    asked = Asked(*around.join, (0.7, 0.7), {}, arrays=False)
    sketch = Sketch()
    used = _scaled(sketch, around, sketch.input(0.7))
    yield _chained(sketch, around, [used] * 9, asked, NINE_USES)
    sketch = Sketch()
    leaves = [sketch.input((7 + k) / 10) for k in range(10)]
    yield _chained(sketch, around, leaves, asked, TEN_LEAVES)


def _chained(
    sketch: Sketch, around: Surroundings, nodes: Sequence[Node], asked: Asked, role: str
) -> DirectQuestion:
    joined = nodes[0]
    for node in nodes[1:]:
        joined = _joined(sketch, around, joined, node)
    return _question(sketch, joined, joined, asked, role, None)


def strided(question: DirectQuestion) -> DirectQuestion:
    """Ask a question of arrays whose columns, not rows, are contiguous in memory."""
    return replace(question, case=replace(question.case, order="F"), role=STRIDED)


def _leaves(sketch: Sketch, asked: Asked) -> list[Node]:
    return [
        sketch.input(value) if kind == "x" else sketch.constant(value)
        for kind, value in zip(asked.kinds, asked.values, strict=True)
    ]


def _applied(sketch: Sketch, asked: Asked, operands: Sequence[Node]) -> Node:
    return sketch.step(asked.operation, *operands, **asked.parameters)


def _question(  # noqa: PLR0917  what is asked, of what, in which role
    sketch: Sketch, output: Node, step: Node, asked: Asked, role: str, operand: int | None
) -> DirectQuestion:
    case = sketch.case(output, arrays=asked.arrays)
    return DirectQuestion(case, asked.operation, asked.kinds, role, operand, sketch.index(step))


def _inner(asked: Asked, around: Surroundings) -> DirectQuestion:
    sketch = Sketch()
    step = _applied(sketch, asked, _leaves(sketch, asked))
    return _question(sketch, _scaled(sketch, around, step), step, asked, INNER, None)


def _last(asked: Asked, around: Surroundings, side: int) -> DirectQuestion:
    sketch = Sketch()
    leaves = _leaves(sketch, asked)
    leaves[side] = _made(sketch, around, leaves[side])
    step = _applied(sketch, asked, leaves)
    return _question(sketch, step, step, asked, LAST, side)


def _dead(asked: Asked, around: Surroundings) -> DirectQuestion:
    sketch = Sketch()
    leaves = _leaves(sketch, asked)
    _scaled(sketch, around, leaves[asked.nodes()[0]])
    step = _applied(sketch, asked, leaves)
    _scaled(sketch, around, step)
    return _question(sketch, step, step, asked, DEAD, None)


def _result_twice(asked: Asked, around: Surroundings) -> DirectQuestion:
    sketch = Sketch()
    step = _applied(sketch, asked, _leaves(sketch, asked))
    output = _joined(sketch, around, _scaled(sketch, around, step), step)
    return _question(sketch, output, step, asked, RESULT_TWICE, None)


def _used_again(asked: Asked, around: Surroundings, side: int, *, before: bool) -> DirectQuestion | None:
    """Use an operand, which is an inner node, elsewhere too: before the operation, or after and less deep."""
    sketch = Sketch()
    leaves = _leaves(sketch, asked)
    leaves[side] = _made(sketch, around, leaves[side])
    if before:
        other = _scaled(sketch, around, leaves[side])
        step = _applied(sketch, asked, leaves)
        branches = [other, step]
    else:
        step = _applied(sketch, asked, leaves)
        branches = [_scaled(sketch, around, step), leaves[side]]
    if branches[0].shape != branches[1].shape:
        if not around.reduces:
            return None
        branches = [sketch.step("sum", branch, axis=None, keepdims=False) for branch in branches]
    output = _joined(sketch, around, *branches)
    return _question(sketch, output, step, asked, USED_BEFORE if before else USED_AFTER, side)


def _joined(sketch: Sketch, around: Surroundings, left: Node, right: Node) -> Node:
    name, _ = around.join or JOINS[0]
    return sketch.step(name, left, right)


def _scaled(sketch: Sketch, around: Surroundings, node: Node, factor: float = -0.75) -> Node:
    name, kinds = around.scale or SCALES[0]
    if kinds == "x":
        return sketch.step(name, node)
    constant = sketch.constant(1 / factor if name == "div" else factor)
    return sketch.step(name, *((node, constant) if kinds == "xc" else (constant, node)))


def _made(sketch: Sketch, around: Surroundings, leaf: Node) -> Node:
    """Change an input so that the node that is made of it has the input's value."""
    name, _ = around.scale or SCALES[0]
    value = sketch.inputs[leaf.number]
    sketch.inputs[leaf.number] = {"neg": lambda: -value, "sub": lambda: 0.5 - value}.get(
        name, lambda: 2.0 * value
    )()
    return _scaled(sketch, around, leaf, 0.5)
