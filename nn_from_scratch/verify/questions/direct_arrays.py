"""Of which shapes, axes and indices an operation of arrays is asked directly."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from nn_from_scratch.verify.questions.direct_further import ROWS, SPECIAL, Row
from nn_from_scratch.verify.questions.direct_scalars import OWN_ORDINARY, ordinary
from nn_from_scratch.verify.questions.operations import ELEMENTWISE, OF_NUMPY
from nn_from_scratch.verify.questions.roles import Asked

Shape = tuple[int, ...]
Floats = npt.NDArray[np.float64]

_NUMBERS = (0.7, -1.3, 2.1, -0.4, 1.6, -2.2, 0.9, -0.6, 1.2, -1.7, 0.5, 2.6, -0.8, 1.1, -1.9, 0.3)
_BROADCAST: tuple[tuple[Shape, Shape], ...] = (
    ((3,), (2, 3)),
    ((2, 1), (2, 3)),
    ((), (2, 3)),
    ((2, 3), (3,)),
    ((2, 3), (1, 3)),
    ((2, 3), (2, 1)),
    ((2, 1), (3,)),
    ((2, 2, 3), (2, 1, 3)),
    ((1,), (3,)),
)
_REDUCED: tuple[tuple[Shape, Any, bool], ...] = (
    ((2, 3), None, False),
    ((2, 3), None, True),
    ((2, 3), 0, False),
    ((2, 3), 1, True),
    ((2, 3), -1, False),
    ((2, 3), (0, 1), False),
    ((3, 3), 0, False),
    ((3, 3), 1, False),
    ((3,), 0, False),
    ((2, 3, 2), 1, False),
    ((2, 3, 2), 1, True),
    ((2, 3, 2), -2, False),
    ((2, 3, 2), (0, 2), False),
    ((2, 3, 2), (2, 0), False),
    ((2, 3, 2), (-1, 0), True),
    ((2, 2, 2), 1, False),
)
REDUCTIONS = ("sum", "mean", "prod", "max", "min", "logsumexp")
_NORMALIZED: tuple[tuple[Shape, int], ...] = (
    *(((2, 3), axis) for axis in (0, 1, -1, -2)),
    *(((3,), 0), ((3, 3), 0), ((2, 3, 2), 1), ((2, 2, 2), -2)),
)
_RANKS: dict[int, tuple[Shape, Shape]] = {  # of the left and the right operand of a matmul
    1: ((3,), (3,)),
    2: ((2, 3), (3, 2)),
    3: ((2, 2, 3), (2, 3, 2)),
    4: ((2, 2, 1, 3), (2, 2, 3, 1)),
}
_PRODUCTS: tuple[tuple[Shape, Shape], ...] = (
    *((left, right) for left, _ in _RANKS.values() for _, right in _RANKS.values()),
    ((3, 3), (3, 3)),
    ((2, 1, 2, 2), (1, 3, 2, 2)),
    ((1, 2, 3), (2, 3, 2)),
    ((1, 3), (3, 1)),
)
_ALONG: dict[str, tuple[tuple[Shape, int | None], ...]] = {
    "cumsum": (
        *(((2, 3), axis) for axis in (0, 1, -1, -2, None)),
        *(((4,), 0), ((3, 3), 0), ((3, 3), 1), ((2, 3, 2), 1), ((2, 3, 2), -2), ((2, 2, 2), 0)),
        *(((1, 3), 0), ((2, 3, 2), None)),
    ),
    "sort": (
        *(((2, 3), axis) for axis in (-1, 1, 0, -2, None)),
        *(((4,), 0), ((5,), -1), ((3, 3), 0), ((3, 3), 1), ((2, 3, 2), 1), ((2, 3, 2), -2), ((1, 3), 0)),
    ),
}
_EINSTEIN: tuple[tuple[str, tuple[Shape, ...]], ...] = (
    ("ij,jk->ik", ((2, 3), (3, 2))),
    *(("ij->ji", (shape,)) for shape in ((2, 3), (3, 3))),
    *((subscripts, ((2, 3),)) for subscripts in ("ij->", "ij->i", "ij->j", "...j->...", "ji")),
    *((subscripts, ((3, 3),)) for subscripts in ("ii->i", "ii->")),
    *((subscripts, ((2, 3, 2),)) for subscripts in ("ijk->kij", "iji->j", "iji->ij", "ijk->j")),
    *((subscripts, ((3, 3), (3, 3))) for subscripts in ("ij,jk->ik", "ij,kj->ki", "ij,ji->", "ii,jj->ij")),
    *((subscripts, ((2, 3), (2, 3))) for subscripts in ("ij,ij->", "ij,ij->ij", "ij,ij->j", "ij,kj->ik")),
    *((subscripts, ((2, 3), (3,))) for subscripts in ("ij,j->i", "ij,j->ij", "ij,j->", "ij,k->jk")),
    *((subscripts, ((3,), (2,))) for subscripts in ("i,j->ij", "i,j->ji", "i,j->j", "i,j->")),
    *((subscripts, ((3,), (3,))) for subscripts in ("i,i->", "i,i->i")),
    ("ii,i->i", ((3, 3), (3,))),
    ("ij,->ij", ((2, 3), ())),
    ("...ij,...jk->...ik", ((2, 2, 3), (3, 2))),
    ("...ij,...jk->...ik", ((2, 1, 2, 2), (1, 2, 2, 2))),
    ("...i,...i->...", ((2, 3), (3,))),
    ("ij,jk,kl->il", ((2, 3), (3, 2), (2, 3))),
    ("bi,ij,bj->b", ((2, 3), (3, 2), (2, 2))),
)
_slice = ("slice", None, None, None)
_MOVED: dict[str, tuple[Row, ...]] = {
    "reshape": tuple(
        ((shape,), {"shape": new})
        for shape, new in (
            *(((2, 3), (3, 2)), ((2, 3), (-1,)), ((2, 3), (1, 2, 3)), ((2, 3), (6, 1))),
            *(((2, 2, 3), (3, 4)), ((6,), (2, 3)), ((3, 3), (9,))),
        )
    ),
    "transpose": tuple(
        ((shape,), {"axes": axes})
        for shape, axes in (
            *(((2, 3), (1, 0)), ((3, 3), (1, 0)), ((2, 3, 2), (1, 2, 0)), ((2, 3, 2), (2, 0, 1))),
            *(
                ((2, 2, 2), (1, 2, 0)),
                ((2, 3, 4), (0, 2, 1)),
                ((2, 3, 2), (-1, 0, 1)),
                ((1, 2, 1, 3), (3, 0, 1, 2)),
            ),
        )
    ),
    "broadcast_to": tuple(
        ((shape,), {"shape": new})
        for shape, new in (
            *(((3,), (2, 3)), ((2, 1), (2, 3)), ((1, 3), (2, 3)), ((1,), (2, 3)), ((), (2,))),
            *(((3,), (2, 2, 3)), ((2, 1, 3), (2, 2, 3)), ((2, 3), (2, 3)), ((3, 1), (2, 3, 3))),
        )
    ),
    "squeeze": tuple(
        ((shape,), {"axis": axis})
        for shape, axis in (
            ((2, 1, 3), 1),
            ((2, 1, 3), -2),
            ((1, 3, 1), (0, 2)),
            ((1, 3, 1), (2, 0)),
            ((1, 3), 0),
        )
    ),
    "expand_dims": tuple((((2, 3),), {"axis": axis}) for axis in (0, 1, -1, -2, (0, 2), (3, 0))),
    "index": tuple(
        ((shape,), {"index": index})
        for shape, index in (
            *(((3, 2), (0,)), ((3, 2), (-1,)), ((3, 2), (_slice, 1)), ((3, 2), (-2, _slice))),
            ((3, 2), (("slice", 1, None, None),)),
            ((3, 2), (("slice", None, None, 2),)),
            ((3, 2), (("slice", None, None, -1),)),
            ((3, 2), ((0, 0, 2),)),
            ((3, 2), ((2, 0, 0, 0), (1, 1, 0, 1))),
            ((3, 2), ((True, False, True),)),
            ((2, 3, 2), (_slice, (1, 1))),
            ((4,), ((3, 3, 0),)),
        )
    ),
    "concatenate": (
        (((2, 3), (1, 3)), {"axis": 0}),
        (((2, 3), (2, 1)), {"axis": 1}),
        (((2, 1), (2, 3)), {"axis": -1}),
        (((2, 1), (2, 3), (2, 2)), {"axis": 1}),
        (((2, 1, 2), (2, 3, 2)), {"axis": 1}),
        (((2, 3), (2, 3)), {"axis": 0}),
    ),
    "stack": (
        (((2, 3), (2, 3)), {"axis": 0}),
        (((2, 3), (2, 3)), {"axis": 1}),
        (((2, 3), (2, 3)), {"axis": -1}),
        (((3,), (3,), (3,)), {"axis": 1}),
        (((2, 2), (2, 2)), {"axis": 1}),
    ),
    **ROWS,
}
_MATRICES: tuple[list[list[float]], ...] = (
    [[0.0, 1.0], [1.0, 0.0]],
    *([[2.0, 0.0], [1.0, 3.0]], [[1.0, 1.0], [1.0, 1.000001]]),
    [[1e-6, 1.0], [1.0, 1.0]],
    [[0.0, 2.0, 1.0], [1.0, 0.0, 3.0], [2.0, 1.0, 0.0]],
    [[-1e-8]],
)
_SINGULAR: tuple[list[list[float]], ...] = (
    [[1.0, 2.0], [2.0, 4.0]],
    [[0.0, 0.0], [0.0, 2.0]],
    [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]],
)
_SPECIAL: dict[str, tuple[tuple[list[Any], dict[str, Any]], ...]] = {
    "softmax": (
        ([[-1000.0, -1000.5], [0.0, 0.5]], {"axis": 1}),
        ([[0.3, 30.0], [-20.0, 0.5]], {"axis": 1}),
    ),
    "log_softmax": (
        ([[-1000.0, -1000.5], [0.0, 0.5]], {"axis": 1}),
        ([[0.3, 30.0], [-20.0, 0.5]], {"axis": 1}),
    ),
    "logsumexp": (
        ([[-1000.0, -1000.5], [0.0, 0.5]], {"axis": 1, "keepdims": False}),
        ([[1000.0, 999.5], [0.0, 0.5]], {"axis": 1, "keepdims": True}),
    ),
    "prod": (
        ([[0.0, 1.5], [2.0, -0.5]], {"axis": 1, "keepdims": False}),
        ([[0.0, 0.0], [2.0, -0.5]], {"axis": 1, "keepdims": False}),
        ([0.0, 1.5, -2.0], {"axis": None, "keepdims": False}),
    ),
    "inv": tuple((matrix, {}) for matrix in _MATRICES),
    "det": tuple((matrix, {}) for matrix in (*_MATRICES, *_SINGULAR)),
    "cholesky": tuple(
        (matrix, {})
        for matrix in (
            [[2.0, 0.3], [0.7, 1.0]],
            [[1.0, 1.0], [1.0, 1.000001]],
            [[1e4, 2.0], [2.0, 1e-2]],
            [[2.0, -1.0, 0.0], [-1.0, 2.0, -1.0], [0.0, -1.0, 2.0]],
            [[1e-8]],
        )
    ),
    "sort": (
        ([1.5, 1.5], {"axis": 0}),
        ([[2.0, 1.0, 2.0], [0.5, 0.5, 0.5]], {"axis": 1}),
        ([[0.5, 2.0], [2.0, 0.5]], {"axis": None}),
        ([3.0, 1.0, 2.0, 0.0], {"axis": 0}),
        ([1.5, 1.5 + 2.0**-40, -1.5, 1.5 - 2.0**-50], {"axis": -1}),
        ([0.0, -0.0, 1.0], {"axis": 0}),
    ),
    **SPECIAL,
    "cumsum": (
        ([1e8, 1.0, -1e8, 0.5], {"axis": 0}),
        ([[0.0, 0.0], [2.0, -2.0]], {"axis": 1}),
    ),
    **dict.fromkeys(
        ("max", "min"),
        (
            ([1.5, 1.5], {"axis": 0, "keepdims": False}),
            ([[1.5, 1.5, 1.5], [0.5, 2.0, 0.5]], {"axis": 1, "keepdims": False}),
            ([[0.5, 2.0], [2.0, 0.5]], {"axis": None, "keepdims": False}),
        ),
    ),
}
"""Entries at which public engines have gone wrong."""


def entries(shape: Shape, side: int = 0, name: str = "") -> Floats:
    """Return an array of ordinary numbers, no two the same, inside the domain of an operation's operand."""
    count = math.prod(shape)
    # A little is added each time round, so that no two are equal.
    found = [
        _NUMBERS[(k + 5 * side) % 16] + 0.01 * ((k + 5 * side) // 16) + 0.001 * side for k in range(count)
    ]
    array = np.array([_fitted(name, side, x) for x in found], dtype=np.float64).reshape(shape)
    return array + 4.0 * np.eye(shape[-1]) if name == "cholesky" else array


def _fitted(name: str, side: int, x: float) -> float:
    operation = ELEMENTWISE.get(name)
    if operation is None:
        return x
    if name == "pow":
        return abs(x) if side == 0 else x
    beside, *_ = OWN_ORDINARY.get(name, ((1.0,) * (operation.arity or 1),))
    candidates = (x, abs(x), x / 4, abs(x) / 4, abs(x) + 1, float(round(abs(x))))
    return next(one for one in candidates if operation.inside(*beside[:side], one, *beside[side + 1 :]))


def elementwise(name: str, kinds: str) -> Iterator[tuple[str, Asked]]:
    """Yield questions about an operation that works element by element, each with what is asked of it.

    A constant of `kinds` is a number; constant arrays are asked in the same places.
    """
    shape = (2, 3)

    def asked(kinds: str, *shapes: Shape) -> Asked:
        values: list[Any] = [
            _number(name, kinds, side) if kind == "c" else entries(shapes[side], side, name)
            for side, kind in enumerate(kinds)
        ]
        return Asked(name, kinds, values, {}, arrays=True)

    yield "arrays", asked(kinds, *(shape,) * len(kinds))
    if len(kinds) == 1:
        return
    if set(kinds) == {"x"}:
        for left, right in _BROADCAST:
            others = (shape,) if len(kinds) == 3 else ()
            yield f"broadcast {left} with {right}", asked(kinds, *others, left, right)
    elif name != "clip":
        constants = kinds.replace("c", "a")
        for of_node, of_constant in (((2, 3), (2, 3)), ((3,), (2, 3)), ((2, 3), (3,)), ((2, 1), (3,))):
            shapes = [of_constant if kind == "a" else of_node for kind in constants]
            yield f"{of_node} with a constant {of_constant}", asked(constants, *shapes)


def _number(name: str, kinds: str, side: int) -> float:
    values = ordinary(name, kinds)
    return float(values[0][side])


def whole(name: str) -> Iterator[tuple[str, Asked]]:
    """Yield questions about an operation of whole arrays, the first of them for questions in roles."""
    if name in REDUCTIONS:
        for shape, axis, keepdims in _REDUCED:
            parameters = {"axis": axis, "keepdims": keepdims}
            yield f"of {shape}, axis={axis}", of_nodes(name, parameters, entries(shape))
    elif name in ("softmax", "log_softmax"):
        for shape, axis in _NORMALIZED:
            yield f"of {shape}, axis={axis}", of_nodes(name, {"axis": axis}, entries(shape))
    elif name in _ALONG:
        for shape, axis in _ALONG[name]:
            yield f"of {shape}, axis={axis}", of_nodes(name, {"axis": axis}, entries(shape))
    elif name == "einsum":
        yield from _sums_by_labels()
    elif name == "matmul":
        yield from _products()
    else:
        yield from _movements(name)
    for values, parameters in _SPECIAL.get(name, ()):
        yield f"of {values}", of_nodes(name, parameters, np.array(values))


def of_nodes(name: str, parameters: dict[str, Any], *values: Floats) -> Asked:
    """Return what is asked of an operation of nodes that have these values."""
    return Asked(name, "x" * len(values), values, parameters, arrays=True)


def _products() -> Iterator[tuple[str, Asked]]:
    square = ((2, 3), (3, 2))
    for left, right in (square, *_PRODUCTS):
        yield f"{left} @ {right}", of_nodes("matmul", {}, entries(left), entries(right, 1))
    for left, right in (
        square,
        ((3,), (3, 2)),
        ((2, 3), (3,)),
        ((2, 2, 3), (3, 2)),
        ((3,), (2, 3, 2)),
        ((3,), (3,)),
    ):
        for kinds in ("xa", "ax"):
            values = (entries(left), entries(right, 1))
            yield f"{left} @ {right}, {kinds}", Asked("matmul", kinds, values, {}, arrays=True)


def _sums_by_labels() -> Iterator[tuple[str, Asked]]:
    for subscripts, shapes in _EINSTEIN:
        parameters = {"subscripts": subscripts}
        values = [entries(shape, side) for side, shape in enumerate(shapes)]
        told = f"{subscripts} of {', '.join(map(str, shapes))}"
        yield told, of_nodes("einsum", parameters, *values)
        if len(shapes) == 2:
            for kinds in ("xa", "ax"):
                if () not in shapes:
                    yield f"{told}, {kinds}", Asked("einsum", kinds, values, parameters, arrays=True)


def _movements(name: str) -> Iterator[tuple[str, Asked]]:
    for row, (shapes, parameters) in enumerate(_MOVED[name]):
        values = [entries(shape, side, name) for side, shape in enumerate(shapes)]
        told = ", ".join(map(str, shapes)) + "".join(f", {key}={value}" for key, value in parameters.items())
        yield f"of {told}", of_nodes(name, parameters, *values)
        if len(shapes) == 2 and (row == 0 or name not in OF_NUMPY):
            for kinds in ("xa", "ax"):
                yield f"of {told}, {kinds}", Asked(name, kinds, values, parameters, arrays=True)
