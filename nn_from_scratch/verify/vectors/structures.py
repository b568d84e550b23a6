"""Graphs of a shape in which reverse modes go wrong: long, shared, wide, or with parts that lead nowhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.operations import VECTOR_FORMS
from nn_from_scratch.verify.questions.sketches import Node, Sketch

_POINTS = (0.75, -0.625, 1.5)
_FOUR = ((0.75, 1.5, -0.625, 1.25), (2.5, 0.875, 1.125, 0.5))
_SHORT, _LONG, _WIDE = 4, 100, 20
_UNARY = tuple(name for name, kinds in VECTOR_FORMS if kinds == "x")
_BINARY = tuple(name for name, kinds in VECTOR_FORMS if kinds == "xx")

Build = Callable[[Sketch], Node]


def structures() -> Iterator[tuple[str, str, Case]]:
    """Yield graphs, each with the operation that it is of ("" for several) and what its structure is."""
    for name in _UNARY:
        for x in _POINTS:
            for length in range(2, _SHORT + 1):
                yield name, f"a chain of {length}", _built(partial(_chain, name, x, length))
            yield name, "two branches from one node", _built(partial(_diamond, name, x))
            yield name, f"a node used {_WIDE} times", _built(partial(_fan_out, name, x))
        yield name, f"a chain of {_LONG}", _built(partial(_chain, name, _POINTS[0], _LONG))
    for name in _BINARY:
        for numbers in _FOUR:
            for text, fold in _FOLDS.items():
                yield name, text, _built(partial(_folded, name, numbers, fold))
            yield name, "all pairs of three nodes", _built(partial(_pairs, name, numbers[:3]))
            yield name, "a node with its own result", _built(partial(_with_its_result, name, numbers))
    for name in ("add", "mul", "sub", "maximum"):
        yield name, f"{_WIDE} nodes", _built(partial(_fan_in, name))
    yield "add", "a node doubled 20 times: 2 to the power of 20 ways", _built(partial(_doubled, "add", 20))
    yield "mul", "a node squared 5 times: 2 to the power of 5 ways", _built(partial(_doubled, "mul", 5))
    for depth in (2, 5, 10):
        yield "", f"{depth} diamonds one after the other", _built(partial(_ladder, depth))
        yield "", f"{depth} branches that lead nowhere", _built(partial(_dead_ends, depth))
        yield "", f"{depth} skips over what is between", _built(partial(_skips, depth))
    for name, build in _KINKS.items():
        yield "", name, _built(build)
    yield "", "an input that nothing depends on", _built(_idle_input)
    yield "", "the output is an inner node of a longer graph", _built(_inner_output)
    yield "", "the output is an input", _built(lambda sketch: sketch.input(0.75))


def _built(build: Build) -> Case:
    sketch = Sketch()
    return sketch.case(build(sketch))


def _chain(name: str, x: float, length: int, sketch: Sketch) -> Node:
    node = sketch.input(x)
    for _ in range(length):
        node = sketch.step(name, node)
    return node


def _diamond(name: str, x: float, sketch: Sketch) -> Node:
    leaf = sketch.input(x)
    node = sketch.step("mul", leaf, sketch.constant(1.25))
    first, second = sketch.step(name, node), sketch.step("mul", node, sketch.constant(-1.75))
    return sketch.step("mul", first, second)


def _fan_out(name: str, x: float, sketch: Sketch) -> Node:
    node = sketch.step(name, sketch.input(x))
    total = node
    for k in range(1, _WIDE):
        total = sketch.step("add", total, sketch.step("mul", node, sketch.constant((-1) ** k * k / 8)))
    return total


def _left(apply: Callable[[Node, Node], Node], nodes: list[Node]) -> Node:
    total = nodes[0]
    for node in nodes[1:]:
        total = apply(total, node)
    return total


def _right(apply: Callable[[Node, Node], Node], nodes: list[Node]) -> Node:
    total = nodes[-1]
    for node in reversed(nodes[:-1]):
        total = apply(node, total)
    return total


def _tree(apply: Callable[[Node, Node], Node], nodes: list[Node]) -> Node:
    if len(nodes) == 1:
        return nodes[0]
    middle = len(nodes) // 2
    return apply(_tree(apply, nodes[:middle]), _tree(apply, nodes[middle:]))


_FOLDS: dict[str, Callable[[Callable[[Node, Node], Node], list[Node]], Node]] = {
    "four nodes, from the left": _left,
    "four nodes, from the right": _right,
    "four nodes, as a tree": _tree,
}


def _folded(
    name: str,
    numbers: tuple[float, ...],
    fold: Callable[[Callable[[Node, Node], Node], list[Node]], Node],
    sketch: Sketch,
) -> Node:
    return fold(partial(sketch.step, name), [sketch.input(x) for x in numbers])


def _pairs(name: str, numbers: tuple[float, ...], sketch: Sketch) -> Node:
    nodes = [sketch.input(x) for x in numbers]
    results = [sketch.step(name, first, second) for first in nodes for second in nodes if first != second]
    return _left(partial(sketch.step, "add"), results)


def _with_its_result(name: str, numbers: tuple[float, ...], sketch: Sketch) -> Node:
    first, second = (sketch.input(x) for x in numbers[:2])
    result = sketch.step(name, first, second)
    return sketch.step(name, first, sketch.step(name, result, second))


def _fan_in(name: str, sketch: Sketch) -> Node:
    return _left(partial(sketch.step, name), [sketch.input((-1) ** k * (8 + k) / 16) for k in range(_WIDE)])


def _doubled(name: str, times: int, sketch: Sketch) -> Node:
    node = sketch.input(1.125)
    for _ in range(times):
        node = sketch.step(name, node, node)
    return node


def _ladder(depth: int, sketch: Sketch) -> Node:
    node = sketch.input(0.75)
    for _ in range(depth):
        left = sketch.step("mul", node, sketch.constant(0.75))
        node = sketch.step("add", sketch.step("mul", left, node), left)
    return node


def _dead_ends(depth: int, sketch: Sketch) -> Node:
    node = sketch.input(0.75)
    for k in range(depth):
        sketch.step("mul", node, sketch.constant(3.0 + k))
        node = sketch.step("tanh", node)
        sketch.step("exp", node)
    return node


def _skips(depth: int, sketch: Sketch) -> Node:
    leaf = node = sketch.input(0.75)
    for _ in range(depth):
        node = sketch.step("add", sketch.step("sin", node), leaf)
    return node


def _relu_less_relu(sketch: Sketch) -> Node:
    leaf = sketch.input(0.0)
    return sketch.step("sub", sketch.step("relu", leaf), sketch.step("relu", sketch.step("neg", leaf)))


def _maximum_less_maximum(sketch: Sketch) -> Node:
    first, second = sketch.input(1.5), sketch.input(1.5)
    larger = sketch.step("maximum", first, second)
    return sketch.step(
        "sub", larger, sketch.step("maximum", sketch.step("neg", first), sketch.step("neg", second))
    )


def _maximum_and_minimum(sketch: Sketch) -> Node:
    first, second = sketch.input(-0.75), sketch.input(-0.75)
    return sketch.step("add", sketch.step("maximum", first, second), sketch.step("minimum", first, second))


def _abs_of_abs(sketch: Sketch) -> Node:
    return sketch.step("abs", sketch.step("abs", sketch.input(0.0)))


def _tie_of_three(name: str, sketch: Sketch) -> Node:
    return _left(partial(sketch.step, name), [sketch.input(2.5) for _ in range(3)])


def _kink_weighed_by_zero(sketch: Sketch) -> Node:
    leaf = sketch.input(0.0)
    return sketch.step("mul", leaf, sketch.step("relu", leaf))


def _two_ties(sketch: Sketch) -> Node:
    first, second = sketch.input(0.5), sketch.input(0.5)
    larger = sketch.step("maximum", first, second)
    return sketch.step("mul", larger, sketch.step("relu", sketch.step("sub", first, second)))


_KINKS: dict[str, Build] = {
    "kinks that cancel: relu(x) - relu(-x)": _relu_less_relu,
    "kinks that cancel: maximum(x, y) - maximum(-x, -y)": _maximum_less_maximum,
    "kinks that cancel: maximum(x, y) + minimum(x, y)": _maximum_and_minimum,
    "a kink of a kink": _abs_of_abs,
    "a tie of three, the largest": partial(_tie_of_three, "maximum"),
    "a tie of three, the smallest": partial(_tie_of_three, "minimum"),
    "a kink weighed by 0": _kink_weighed_by_zero,
    "a tie and a kink": _two_ties,
}


def _idle_input(sketch: Sketch) -> Node:
    first = sketch.input(0.75)
    sketch.input(-1.5)
    return sketch.step("mul", first, sketch.input(2.5))


def _inner_output(sketch: Sketch) -> Node:
    output = sketch.step("mul", sketch.input(0.75), sketch.input(-1.5))
    sketch.step("exp", sketch.step("add", output, sketch.constant(0.5)))
    return output
