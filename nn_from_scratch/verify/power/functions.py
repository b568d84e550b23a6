"""One rule of an engine as a function with a hand-written derivative, as other tools want it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from nn_from_scratch.verify.faults.victim import Victim
from nn_from_scratch.verify.questions.operations import ARRAYS, CATALOGUE

Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass
class Function:
    """A function of arrays, how it pulls a cotangent back, and how often it was asked.

    `compute` maps arrays to an array; `transpose` maps a cotangent of its result, then the arrays, to what
    each array gets.
    """

    compute: Callable[..., Any]
    transpose: Callable[..., tuple[Any, ...]]
    evaluations: int = 0

    def value(self, *arrays: Any) -> Array:
        """Compute the function."""
        self.evaluations += 1
        with np.errstate(all="ignore"):
            return np.array(self.compute(*map(np.asarray, arrays)), dtype=np.float64)

    def pull(self, cotangent: Any, *arrays: Any) -> tuple[Array, ...]:
        """Pull a cotangent back."""
        self.evaluations += 1
        with np.errstate(all="ignore"):
            parts = self.transpose(np.asarray(cotangent), *map(np.asarray, arrays))
        return tuple(np.array(part, dtype=np.float64) for part in parts)


@dataclass(frozen=True)
class Trial:
    """What a tool is given: a function and the arrays at which to check it."""

    function: Function
    arrays: tuple[Array, ...]


def trials(victim: Victim, rule: str, source: np.random.Generator) -> Iterator[Trial]:
    """Yield what a careful person would check of one rule: random normal arrays of a few shapes.

    Where the domain is smaller, the numbers are moved into it. Operations on whole arrays are asked with
    and without axes, those on two operands with and without broadcasting.
    """
    operation = CATALOGUE.get(rule) or CATALOGUE.get(rule[1:])
    if rule in ARRAYS:
        for shapes, parameters in _WHOLE[rule]:
            yield _trial(victim, rule, [source.normal(size=shape) for shape in shapes], (), parameters)
    elif operation is None:
        raise ValueError(f"no rule {rule!r}")
    elif rule == "clip":
        yield _trial(victim, rule, [source.normal(size=(2, 3))], (-0.5, 0.5), {})
    else:
        for shapes in _ELEMENTWISE[operation.arity or 1]:
            arrays = [source.normal(size=shape) for shape in shapes]
            arrays = [_inside(operation.name, side, array) for side, array in enumerate(arrays)]
            if rule == operation.name:
                yield _trial(victim, rule, arrays, (), {})
            else:  # the reflected operator, with a constant before it
                yield _trial(victim, rule, arrays[1:], (), {}, before=(2.0,))


def _trial(
    victim: Victim,
    rule: str,
    arrays: list[Array],
    after: tuple[float, ...],
    parameters: dict[str, Any],
    *,
    before: tuple[float, ...] = (),
) -> Trial:
    mine = slice(len(before), len(before) + len(arrays))

    def compute(*xs: Any) -> Any:
        return victim.value(rule, *before, *xs, *after, **parameters)

    def transpose(g: Any, *xs: Any) -> tuple[Any, ...]:
        return victim.pull(rule, g, compute(*xs), *before, *xs, *after, **parameters)[mine]

    return Trial(Function(compute, transpose), tuple(arrays))


def _inside(name: str, side: int, x: Array) -> Array:
    """Move numbers into an operand's domain, a little away from its edges."""
    move = _DOMAINS.get((name, side))
    return move(x) if move else x


_POSITIVE: Callable[[Array], Array] = lambda x: np.abs(x) + 0.1  # noqa: E731  three tables share it
_DOMAINS: dict[tuple[str, int], Callable[[Array], Array]] = {
    **dict.fromkeys((("log", 0), ("sqrt", 0), ("log1p", 0), ("pow", 0)), _POSITIVE),
    **dict.fromkeys((("div", 1), ("reciprocal", 0)), lambda x: x + np.copysign(0.1, x)),
    **dict.fromkeys((("arcsin", 0), ("arccos", 0)), lambda x: 0.9 * np.tanh(x)),
    ("tan", 0): lambda x: x / 2,
}
_ELEMENTWISE: dict[int, list[list[tuple[int, ...]]]] = {
    1: [[(2, 3)]],
    2: [[(2, 3), (2, 3)], [(2, 3), (3,)], [(2, 1), (2, 3)]],
    3: [[(2, 3), (2, 3), (2, 3)], [(2, 3), (3,), (2, 1)]],
}
_REDUCTION: list[tuple[list[tuple[int, ...]], dict[str, Any]]] = [
    ([(3, 4)], {"axis": axis, "keepdims": keepdims})
    for axis, keepdims in ((None, False), (0, False), (1, False), (1, True))
]
_ALONG: list[tuple[list[tuple[int, ...]], dict[str, Any]]] = [
    ([(3, 4)], {"axis": 0}),
    ([(3, 4)], {"axis": 1}),
]
_WHOLE: dict[str, list[tuple[list[tuple[int, ...]], dict[str, Any]]]] = {
    **dict.fromkeys(("sum", "mean", "prod", "max", "min", "logsumexp"), _REDUCTION),
    **dict.fromkeys(("softmax", "log_softmax"), _ALONG),
    "matmul": [
        ([left, right], {})
        for left, right in (((3, 4), (4, 2)), ((3, 3), (3, 3)), ((4,), (4,)), ((2, 3, 4), (4, 2)))
    ],
    "reshape": [([(3, 4)], {"shape": (4, 3)})],
    "transpose": [([(3, 4)], {"axes": (1, 0)}), ([(2, 3, 4)], {"axes": (1, 2, 0)})],
    "broadcast_to": [([(3,)], {"shape": (2, 3)}), ([(2, 1)], {"shape": (2, 3)})],
    "squeeze": [([(3, 1, 2)], {"axis": 1})],
    "expand_dims": [([(3, 2)], {"axis": 0})],
    "index": [
        ([(3, 4)], {"index": index})
        for index in (((0, 0, 1),), (("slice", None, None, -1),), (1, ("slice", 1, None, None)))
    ],
    "concatenate": [([(2, 3), (4, 3)], {"axis": 0}), ([(2, 3), (2, 2)], {"axis": 1})],
    "stack": [([(2, 3), (2, 3)], {"axis": 0}), ([(2, 3), (2, 3)], {"axis": 1})],
}
