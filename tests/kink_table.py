"""Functions with kinks, and their one-sided derivatives worked out by hand."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.lower import Tracer
from nn_from_scratch.verify.questions.symbols import Symbol

Sides = tuple[float, float]
"""The one-sided derivatives: on the side below, and on that above."""


@dataclass(frozen=True)
class Kinked:
    """A function, written with the operations `o`, a point, and its one-sided derivatives by each input."""

    name: str
    write: Callable[..., Symbol]
    point: Sequence[float]
    sides: Sequence[Sides]

    @property
    def case(self) -> Case:
        return graph(self.write, *self.point)

    def __str__(self) -> str:
        return self.name


class Operations:
    """The catalogue's operations by name, on symbols."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def __getattr__(self, name: str) -> Callable[..., Symbol]:
        return lambda *operands: self._tracer.apply(name, *operands)


def graph(write: Callable[..., Symbol], *point: float) -> Case:
    """Return a function of symbols as a case."""
    tracer = Tracer()
    symbols = [tracer.symbol(k) for k in range(len(point))]
    return tracer.case(write(Operations(tracer), *symbols), tuple(map(float, point)))


def _median(o: Operations, x: Symbol, y: Symbol, z: Symbol) -> Symbol:
    return o.maximum(o.minimum(x, y), o.minimum(o.maximum(x, y), z))


FLAT, UP, BEND = (0.0, 0.0), (0.0, 1.0), (-1.0, 1.0)
E_HALF = math.exp(0.5)

TABLE = (
    Kinked("relu(x)", lambda o, x: o.relu(x), [0], [UP]),
    Kinked("relu(-x)", lambda o, x: o.relu(-x), [0], [(-1, 0)]),
    Kinked("relu(x), just above", lambda o, x: o.relu(x), [1e-300], [(1, 1)]),
    Kinked("abs(x)", lambda o, x: o.abs(x), [0], [BEND]),
    Kinked("abs(-x)", lambda o, x: o.abs(-x), [0], [BEND]),
    Kinked("max(x, 0)", lambda o, x: o.maximum(x, 0.0), [0], [UP]),
    Kinked("min(x, 0)", lambda o, x: o.minimum(x, 0.0), [0], [(1, 0)]),
    Kinked("max(0, -x)", lambda o, x: o.maximum(0.0, -x), [0], [(-1, 0)]),
    Kinked("max(x, y)", lambda o, x, y: o.maximum(x, y), [1, 1], [UP, UP]),
    Kinked("min(x, y)", lambda o, x, y: o.minimum(x, y), [1, 1], [(1, 0), (1, 0)]),
    Kinked("max(x, x)", lambda o, x: o.maximum(x, x), [2], [(1, 1)]),
    Kinked("min(x, x)", lambda o, x: o.minimum(x, x), [2], [(1, 1)]),
    Kinked("max(x, -x)", lambda o, x: o.maximum(x, -x), [0], [BEND]),
    Kinked("max(x, -y)", lambda o, x, y: o.maximum(x, -y), [0, 0], [UP, (-1, 0)]),
    Kinked("max(2 x, y)", lambda o, x, y: o.maximum(2.0 * x, y), [0, 0], [(0, 2), UP]),
    Kinked("max(x, 2 x)", lambda o, x: o.maximum(x, 2.0 * x), [0], [(1, 2)]),
    Kinked("min(x, 2 x)", lambda o, x: o.minimum(x, 2.0 * x), [0], [(2, 1)]),
    Kinked("max(max(x, y), z)", lambda o, x, y, z: o.maximum(o.maximum(x, y), z), [1, 1, 1], [UP, UP, UP]),
    Kinked("max(x, max(y, y))", lambda o, x, y: o.maximum(x, o.maximum(y, y)), [1, 1], [UP, UP]),
    Kinked(
        "max(x, min(y, z))", lambda o, x, y, z: o.maximum(x, o.minimum(y, z)), [0, 0, 0], [UP, FLAT, FLAT]
    ),
    Kinked(
        "min(x, max(y, z))", lambda o, x, y, z: o.minimum(x, o.maximum(y, z)), [0, 0, 0], [(1, 0), FLAT, FLAT]
    ),
    Kinked("median, three alike", _median, [0, 0, 0], [FLAT, FLAT, FLAT]),
    Kinked("median, the lower two alike", _median, [0, 0, 1], [UP, UP, FLAT]),
    Kinked("median, the upper two alike", _median, [0, 1, 1], [FLAT, (1, 0), (1, 0)]),
    Kinked("relu(x) - relu(-x)", lambda o, x: o.relu(x) - o.relu(-x), [0], [(1, 1)]),
    Kinked("relu(x) + relu(-x)", lambda o, x: o.relu(x) + o.relu(-x), [0], [BEND]),
    Kinked("relu(x) * relu(-x)", lambda o, x: o.relu(x) * o.relu(-x), [0], [FLAT]),
    Kinked("relu(relu(x))", lambda o, x: o.relu(o.relu(x)), [0], [UP]),
    Kinked("relu(-relu(x))", lambda o, x: o.relu(-o.relu(x)), [0], [FLAT]),
    Kinked("relu(-relu(-x))", lambda o, x: o.relu(-o.relu(-x)), [0], [FLAT]),
    Kinked("abs(abs(x))", lambda o, x: o.abs(o.abs(x)), [0], [BEND]),
    Kinked("abs(relu(x))", lambda o, x: o.abs(o.relu(x)), [0], [UP]),
    Kinked("abs(x) - abs(x)", lambda o, x: o.abs(x) - o.abs(x), [0], [FLAT]),
    Kinked("abs(x) * x", lambda o, x: o.abs(x) * x, [0], [FLAT]),
    Kinked("square of abs(x)", lambda o, x: o.square(o.abs(x)), [0], [FLAT]),
    Kinked("relu(x) * x", lambda o, x: o.relu(x) * x, [0], [FLAT]),
    Kinked("relu(x) cubed", lambda o, x: o.relu(x) * o.relu(x) * o.relu(x), [0], [FLAT]),
    Kinked("relu(x * x)", lambda o, x: o.relu(x * x), [0], [FLAT]),
    Kinked("relu(x * x * x)", lambda o, x: o.relu(x * x * x), [0], [FLAT]),
    Kinked("relu(x + y)", lambda o, x, y: o.relu(x + y), [1, -1], [UP, UP]),
    Kinked("relu(tanh(x))", lambda o, x: o.relu(o.tanh(x)), [0], [UP]),
    Kinked("tanh(relu(x))", lambda o, x: o.tanh(o.relu(x)), [0], [UP]),
    Kinked("exp(abs(x))", lambda o, x: o.exp(o.abs(x)), [0], [BEND]),
    Kinked("abs(x) * exp(x)", lambda o, x: o.abs(x) * o.exp(x), [0], [BEND]),
    Kinked("abs(x) / (1 + abs(x))", lambda o, x: o.abs(x) / (1.0 + o.abs(x)), [0], [BEND]),
    Kinked("abs(x - y)", lambda o, x, y: o.abs(x - y), [1, 1], [BEND, BEND]),
    Kinked("abs(x * x - 1)", lambda o, x: o.abs(x * x - 1.0), [1], [(-2, 2)]),
    Kinked("abs(x * y), both 0", lambda o, x, y: o.abs(x * y), [0, 0], [FLAT, FLAT]),
    Kinked("abs(x * y), one 0", lambda o, x, y: o.abs(x * y), [0, 2], [(-2, 2), FLAT]),
    Kinked("max(x, x * x) at 0", lambda o, x: o.maximum(x, x * x), [0], [UP]),
    Kinked("max(x, x * x) at 1", lambda o, x: o.maximum(x, x * x), [1], [(1, 2)]),
    Kinked("min(x, x * x) at 1", lambda o, x: o.minimum(x, x * x), [1], [(2, 1)]),
    Kinked("max(x * y, x + y)", lambda o, x, y: o.maximum(x * y, x + y), [2, 2], [(1, 2), (1, 2)]),
    Kinked(
        "max(x, y) + min(x, y)", lambda o, x, y: o.maximum(x, y) + o.minimum(x, y), [1, 1], [(1, 1), (1, 1)]
    ),
    Kinked("max(x, y) - min(x, y)", lambda o, x, y: o.maximum(x, y) - o.minimum(x, y), [1, 1], [BEND, BEND]),
    Kinked(
        "max(x, y) * min(x, y)", lambda o, x, y: o.maximum(x, y) * o.minimum(x, y), [2, 2], [(2, 2), (2, 2)]
    ),
    Kinked(
        "max(exp(x), exp(y))",
        lambda o, x, y: o.maximum(o.exp(x), o.exp(y)),
        [0.5, 0.5],
        [(0, E_HALF), (0, E_HALF)],
    ),
    Kinked(
        "max(exp(x) * y, y * exp(x))",
        lambda o, x, y: o.maximum(o.exp(x) * y, y * o.exp(x)),
        [0.5, 1],
        [(E_HALF, E_HALF), (E_HALF, E_HALF)],
    ),
    Kinked("relu(exp(x) - exp(x))", lambda o, x: o.relu(o.exp(x) - o.exp(x)), [0.5], [FLAT]),
    Kinked("clip(x, -1, 1) at 1", lambda o, x: o.clip(x, -1.0, 1.0), [1], [(1, 0)]),
    Kinked("clip(x, -1, 1) at -1", lambda o, x: o.clip(x, -1.0, 1.0), [-1], [UP]),
    Kinked("clip(x, 1, 1)", lambda o, x: o.clip(x, 1.0, 1.0), [1], [FLAT]),
    Kinked("clip(x, 0, -1), crossing, at 0", lambda o, x: o.clip(x, 0.0, -1.0), [0], [FLAT]),
    Kinked("clip(x, 1, -1), crossing, at -1", lambda o, x: o.clip(x, 1.0, -1.0), [-1], [FLAT]),
    Kinked("clip(x * x, 0, 1)", lambda o, x: o.clip(x * x, 0.0, 1.0), [0], [FLAT]),
    Kinked("where(x, x, 2 x)", lambda o, x: o.where(x, x, 2.0 * x), [0], [(2, 1)]),
    Kinked("where(-x, x, 2 x)", lambda o, x: o.where(-x, x, 2.0 * x), [0], [(1, 2)]),
    Kinked("where(x * x, x, 2 x)", lambda o, x: o.where(x * x, x, 2.0 * x), [0], [(1, 1)]),
    Kinked("where(x * x * x, x, -x)", lambda o, x: o.where(x * x * x, x, -x), [0], [BEND]),
    Kinked(
        "where(x to the 8th, x, 2 x)",
        lambda o, x: o.where(o.square(o.square(o.square(x))), x, 2.0 * x),
        [0],
        [(1, 1)],
    ),
    Kinked("where(abs(x), x, -x)", lambda o, x: o.where(o.abs(x), x, -x), [0], [(1, 1)]),
    Kinked("where(-abs(x), x, -x)", lambda o, x: o.where(-o.abs(x), x, -x), [0], [(-1, -1)]),
    Kinked("where(0 x, x, 3 x)", lambda o, x: o.where(0.0 * x, x, 3.0 * x), [0], [(3, 3)]),
    Kinked("where(x - x, x, 2 x)", lambda o, x: o.where(x - x, x, 2.0 * x), [0], [(2, 2)]),
    Kinked("where(y, x, 2 x)", lambda o, x, y: o.where(y, x, 2.0 * x), [0, 0], [(2, 2), FLAT]),
    Kinked(
        "where(x, 5 y, 7 y), a jump", lambda o, x, y: o.where(x, 5.0 * y, 7.0 * y), [0, 1], [FLAT, (7, 7)]
    ),
)
