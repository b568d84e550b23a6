"""The picture of a graph: `to_dot` for Graphviz, and an SVG that notebooks show of a node."""

from html import escape
from typing import Any

import numpy as np

from nn_from_scratch.graph import Step, walk
from nn_from_scratch.node import Node
from nn_from_scratch.rule import value_of

MOST_DRAWN = 200
"""How many nodes a picture has room for."""
_WIDTH, _HEIGHT, _GAP = 110, 36, 30


def to_dot(output: Node) -> str:
    """Return the graph behind a node in the language of Graphviz, from leaves to the output."""
    steps = _drawn(output)
    names = {id(step.node): f"n{k}" for k, step in enumerate(steps)}
    lines = ["digraph {", "  rankdir=LR;", "  node [shape=box];"]
    for step in steps:
        label = "\\n".join(_label(step)).replace('"', "'")
        lines.append(f'  {names[id(step.node)]} [label="{label}"];')
    for step in steps:
        lines += [f"  {names[id(x)]} -> {names[id(step.node)]};" for x in step.operands if id(x) in names]
    return "\n".join([*lines, "}"])


def svg(output: Node) -> str:
    """Return a drawing of the graph behind a node, each node to the right of what it was computed from."""
    steps = _drawn(output)
    columns = _columns(steps)
    rows: dict[int, int] = {}
    places: dict[int, tuple[int, int]] = {}
    for step in steps:
        column = columns[id(step.node)]
        row = rows[column] = rows.get(column, -1) + 1
        places[id(step.node)] = (column * (_WIDTH + _GAP) + 5, row * (_HEIGHT + _GAP) + 5)
    width = (max(rows) + 1) * (_WIDTH + _GAP)
    height = (max(rows.values()) + 1) * (_HEIGHT + _GAP)
    drawn = []
    for step in steps:
        x, y = places[id(step.node)]
        for operand in step.operands:
            if id(operand) in places:
                left, top = places[id(operand)]
                ends = f'x1="{left + _WIDTH}" y1="{top + _HEIGHT // 2}" x2="{x}" y2="{y + _HEIGHT // 2}"'
                drawn.append(f'<line {ends} stroke="#888"/>')
        fill = "#eef" if step.is_leaf else "#fff"
        drawn.append(
            f'<rect x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" fill="{fill}" stroke="#444"/>'
        )
        for line, text in enumerate(_label(step)):
            at = f'x="{x + _WIDTH // 2}" y="{y + 14 + 15 * line}"'
            drawn.append(f'<text {at} text-anchor="middle" font-size="11">{escape(text)}</text>')
    size = f'width="{width}" height="{height}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif">{"".join(drawn)}</svg>'


def _drawn(output: Node) -> list[Step]:
    """Return the nodes that a picture shows, nearest to the output first."""
    steps: list[Step] = []
    for step in walk(output):
        if len(steps) == MOST_DRAWN:
            break
        steps.append(step)
    return steps


def _columns(steps: list[Step]) -> dict[int, int]:
    """Return the length of the longest path from a leaf to each node."""
    consumers: dict[int, int] = {}
    known = {id(step.node): step for step in steps}
    for step in steps:
        for operand in step.operands:
            consumers[id(operand)] = consumers.get(id(operand), 0) + 1
    ready, order = [steps[0]], []
    for step in ready:  # grows on the way: a node after all that were computed from it
        order.append(step)
        for operand in step.operands:
            consumers[id(operand)] -= 1
            if not consumers[id(operand)] and id(operand) in known:
                ready.append(known[id(operand)])
    found: dict[int, int] = {}
    for step in reversed(order):
        found[id(step.node)] = 1 + max((found.get(id(x), -1) for x in step.operands), default=-1)
    return {id(step.node): found.get(id(step.node), 0) for step in steps}


def _label(step: Step) -> tuple[str, str]:
    """Return what computed a node, and its value or shape."""
    value: Any = value_of(step.node)
    if np.ndim(value):
        return step.operation or "leaf", "x".join(map(str, np.shape(value)))
    return step.operation or "leaf", f"{value:.4g}"
