"""Rarer shapes, axes, indices and numbers, of which operations are asked directly, and nowhere else.

Neither random graphs nor vectors ask them. Each stands here because a rule may be right about all that is
usual and wrong about it: a slice that stops early, the first of three axes, an exponent of 4, 268 entries.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from nn_from_scratch.verify.questions.direct_arrays import (
    REDUCTIONS,
    Shape,
    entries,
    of_nodes,
)
from nn_from_scratch.verify.questions.direct_further import Row
from nn_from_scratch.verify.questions.operations import CATALOGUE
from nn_from_scratch.verify.questions.roles import Asked

_LARGE = (5, 14)
"""More entries than small engines' tests have, and than fit into one block of anything."""

_MANY = 268
"""More entries than a block of numpy's sums has, 128, and than 8 bits count, 256. Only what engines do fast
is asked of so many: a product, or a cumulative sum, takes seconds where a graph is made of single entries."""

_NUMBERS: dict[tuple[str, str], tuple[tuple[float, ...], ...]] = {
    ("pow", "xc"): (
        *((0.7, 4.0), (-1.3, 4.0), (-1.3, 5.0), (1.7, -4.0)),
        *((1.7, 1 / 3), (1.7, 0.25), (0.7, 2 / 3), (1.7, 2.5)),
    ),
    ("exp", "x"): ((110.0,), (700.0,)),
    **{("mul", kinds): ((1.7, 3e5), (-3e5, 0.6)) for kinds in ("xx", "xc", "cx")},
}
_BROADCAST: tuple[tuple[Shape, Shape], ...] = (
    *(((1,), ()), ((), (1,))),
    *(((3, 1), (1, 4)), ((2, 3), (1,)), ((1,), (2, 3))),
)
_WITH_A_CONSTANT: tuple[tuple[Shape, Shape], ...] = (((2, 3), (1,)), ((1,), (2, 3)), ((), (3,)))
"""The shapes of the nodes, and of the constant array."""

_MASKED: tuple[tuple[str, tuple[Shape, ...]], ...] = (
    *(("axx", shapes) for shapes in (((2, 3),) * 3, ((3,), (2, 3), (2, 3)), ((2, 3), (3,), (2, 1)))),
    *((kinds, ((2, 3),) * 3) for kinds in ("axc", "acx", "axa", "aax")),
)
"""Which operands of ``where`` are constants, the condition among them, and the shapes of all."""

_DEEP = (2, 3, 4)
_REDUCED: tuple[tuple[Shape, Any, bool], ...] = (
    *((_DEEP, axis, keepdims) for axis in (0, 2) for keepdims in (False, True)),
    *((_DEEP, -1, False), (_DEEP, (0, 2), True), ((2, 2, 2, 2), (1, 3), False)),
    *((_LARGE, None, False), (_LARGE, 1, False)),
)
_NORMALIZED: tuple[tuple[Shape, int], ...] = (*((_DEEP, axis) for axis in (0, 1, 2, -3)), (_LARGE, 1))
_ALONG: tuple[tuple[Shape, int], ...] = tuple((_DEEP, axis) for axis in (0, 1, 2))
_BEYOND_8_BITS: dict[tuple[str, str], tuple[Shape, Shape]] = {
    ("mul", "xx"): ((_MANY,), (1,)),
    ("add", "xx"): ((1,), (_MANY,)),
}


def _slice(start: int | None, stop: int | None, step: int | None = None) -> tuple[Any, ...]:
    return ("slice", start, stop, step)


_INDICES: tuple[tuple[Shape, tuple[Any, ...]], ...] = (
    *(((4, 3), (_slice(*ends),)) for ends in ((None, -1), (0, 2), (-2, None), (1, 9))),
    *(((5,), (_slice(*ends),)) for ends in ((None, None, -2), (1, None, 2), (3, 0, -1))),
    *(((5,), ((-1, 0, -2),)), ((4, 3), ((-4, 2, 2), _slice(None, None)))),
    *(((3, 4), (_slice(None, None), part)) for part in (_slice(1, 3), _slice(None, None, -1))),
    *(((2, 3), index) for index in ((None,), (_slice(None, None), None), (0, None), ("...", None))),
    *(((2, 3, 2), index) for index in (("...", 0), (1, "..."), (0, "...", 1), ("...", _slice(1, None)))),
    *(((4,), (index,)) for index in (((0, 1), (1, 3)), ((2, 2, 0),))),
    ((2, 3), (((True, False, True), (False, True, True)),)),
    ((3, 2), (((0, 2), (2, 0)), ((1, 1), (0, 1)))),
    *(((_MANY,), (part,)) for part in ((259, 0, 257, 1, 257), _slice(257, None), 258)),
)
_WHOLE = {"axis": 0, "keepdims": False}
_ROWS: dict[str, tuple[Row, ...]] = {
    **dict.fromkeys(("sum", "mean", "max"), ((((_MANY,),), _WHOLE),)),
    "matmul": tuple(
        (shapes, {})
        for shapes in (
            *(((3, 1), (1, 2)), ((2, 2, 3), (1, 3, 2)), ((2, 1, 2, 3), (3, 3, 2))),
            *(((5, 9), (9, 3)), ((1, _MANY), (_MANY, 1))),
        )
    ),
    "reshape": tuple(
        ((shape,), {"shape": new}) for shape, new in (((1, 1), ()), ((1,), ()), ((), (1,)), ((), (1, 1)))
    ),
    "transpose": (
        (((2, 3, 2, 2),), {"axes": (0, 2, 1, 3)}),
        *(((shape,), {"axes": None}) for shape in ((2, 3), (2, 3, 4), (3,))),
    ),
    "squeeze": tuple(((shape,), {"axis": None}) for shape in ((1, 3, 1), (1, 1), (2, 3))),
    "broadcast_to": tuple(
        ((shape,), {"shape": new})
        for shape, new in (((1,), (0,)), ((2, 1), (2, 0)), ((), ()), ((), (2, 3)), ((1,), (_MANY,)))
    ),
    "index": tuple(((shape,), {"index": index}) for shape, index in _INDICES),
    "concatenate": (
        (((2, 1), (2, 2), (2, 1), (2, 3), (2, 1)), {"axis": 1}),
        *((shapes, {"axis": axis}) for shapes, axis in ((((2, 0), (2, 3)), 1), (((2, 3), (0, 3)), 0))),
        (((1, 140), (1, _MANY - 140)), {"axis": 1}),
    ),
    "stack": (
        *((((3,),) * 5, {"axis": axis}) for axis in (0, 1)),
        (((), (), ()), {"axis": 0}),
    ),
}


def numbers(name: str, kinds: str) -> tuple[tuple[float, ...], ...]:
    """Return operand values of scalars: exponents, and numbers that are large."""
    return _NUMBERS.get((name, kinds), ())


def elementwise(name: str, kinds: str) -> Iterator[tuple[str, Asked]]:
    """Yield questions about an operation that works element by element, each with what is asked of it."""
    if "c" not in kinds and name in CATALOGUE:
        yield f"{_LARGE} entries", _of_elements(name, kinds, (_LARGE,) * len(kinds))
    if (name, kinds) == ("where", "xxx"):
        for constant, shapes in _MASKED:
            yield f"a constant {shapes[0]} for condition", _of_elements(name, constant, shapes)
    if (name, kinds) in _BEYOND_8_BITS:
        left, right = _BEYOND_8_BITS[name, kinds]
        yield f"broadcast {left} with {right}", _of_elements(name, kinds, (left, right))
    if len(kinds) > 1 and "c" not in kinds:
        for left, right in _BROADCAST:
            condition = (np.broadcast_shapes(left, right),) if len(kinds) == 3 else ()
            yield f"broadcast {left} with {right}", _of_elements(name, kinds, (*condition, left, right))
    elif len(kinds) > 1 and name != "clip":
        constants = kinds.replace("c", "a")
        for of_node, of_constant in _WITH_A_CONSTANT:
            shapes = tuple(of_constant if kind == "a" else of_node for kind in constants)
            yield f"{of_node} with a constant {of_constant}", _of_elements(name, constants, shapes)


def whole(name: str) -> Iterator[tuple[str, Asked]]:
    """Yield questions about an operation of whole arrays, each with what is asked of it."""
    if name in REDUCTIONS:
        for shape, axis, keepdims in _REDUCED:
            parameters = {"axis": axis, "keepdims": keepdims}
            yield f"of {shape}, axis={axis}", of_nodes(name, parameters, entries(shape))
    elif name in ("softmax", "log_softmax", "cumsum", "sort"):
        for shape, axis in _NORMALIZED if "softmax" in name else _ALONG:
            yield f"of {shape}, axis={axis}", of_nodes(name, {"axis": axis}, entries(shape))
    for shapes, parameters in _ROWS.get(name, ()):
        values = [entries(shape, side) for side, shape in enumerate(shapes)]
        told = [", ".join(map(str, shapes)), *(f"{key}={value}" for key, value in parameters.items())]
        yield f"of {', '.join(told)}", of_nodes(name, parameters, *values)


def _of_elements(name: str, kinds: str, shapes: tuple[Shape, ...]) -> Asked:
    values = [entries(shape, side, name) for side, shape in enumerate(shapes)]
    return Asked(name, kinds, values, {}, arrays=True)
