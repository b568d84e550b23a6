"""Of which shapes and keywords the operations are asked directly that an engine need not have."""

from __future__ import annotations

from typing import Any

Shape = tuple[int, ...]
Parameters = dict[str, Any]
Row = tuple[tuple[Shape, ...], Parameters]
"""The shapes of the operands, and numpy's keywords."""


def _rows(keywords: str, *rows: tuple[Any, ...]) -> tuple[Row, ...]:
    """Return rows that each give the shape of the only operand, and a value for each of the keywords."""
    names = keywords.split()
    return tuple(((shape,), dict(zip(names, values, strict=True))) for shape, *values in rows)


def _products(keywords: str, *rows: tuple[Any, ...]) -> tuple[Row, ...]:
    """Return the same of two operands."""
    names = keywords.split()
    return tuple((tuple(row[:2]), dict(zip(names, row[2:], strict=True))) for row in rows)


_DIAGONALS = _rows(
    "offset axis1 axis2",
    *(((3, 3), 1, 0, 1), ((2, 3), 0, 0, 1), ((3, 2), -1, 0, 1)),
    *(((2, 3, 2), 0, 0, 2), ((2, 3, 2), 1, -1, -2)),
)
_SPREADS = _rows(
    "axis ddof keepdims",
    *(((2, 3), 1, 0, False), ((2, 3), None, 1, False), ((2, 3), 0, 1, True), ((3,), -1, 0, False)),
    *(((2, 3, 2), (0, 2), 1, False), ((2, 3, 2), -2, 0, True)),
)
_TRIANGLES = _rows("k", ((3, 3), 0), ((2, 3), 1), ((3, 2), -1), ((2, 2, 2), 0))
_MIDDLES = _rows(
    "axis keepdims",
    *(((2, 3), 1, False), ((2, 3), 0, True), ((2, 3), None, False), ((4,), -1, False)),
    ((2, 3, 2), -2, True),
)
_TOTALS = _rows("axis keepdims", ((2, 3), 1, False), ((2, 3), None, False), ((2, 3, 2), (0, 2), True))
_ENTRYWISE = _rows("", ((2, 3),), ((),))
_BROADCAST = _products("", ((2, 3), (2, 3)), ((2, 3), (3,)), ((1,), (3,)))
_ALL_IN_A_ROW = _rows("", ((2, 3),), ((2, 3, 2),), ((3,),), ((),))

ROWS: dict[str, tuple[Row, ...]] = {
    "take_along_axis": tuple(
        ((shape,), {"indices": indices, "axis": axis})
        for shape, indices, axis in (
            ((2, 3), ((2, 0, 0, 1), (1, 1, 2, 0)), 1),
            ((2, 3), ((1, 0, 1),), 0),
            ((3, 3), ((2, 0, 1), (1, 1, 1), (0, 2, 2)), 0),
            ((3, 3), ((2, 0, 1), (1, 1, 1), (0, 2, 2)), 1),
            ((2, 3), ((2,), (2,)), -1),
            ((2, 3), ((0, 1, 0), (0, 0, 1)), -2),
            ((4,), (3, 3, 0), 0),
            ((2, 3, 2), (((2, 0), (0, 2)), ((1, 1), (2, 2))), 1),
            ((2, 3, 2), (((1, 1),), ((0, 1),)), -2),
            ((2, 3), ((1, 1, 2),), 1),
        )
    ),
    "scatter_add": tuple(
        ((shape, source), {"indices": indices, "axis": axis})
        for shape, source, indices, axis in (
            ((2, 3), (2, 4), ((2, 0, 0, 1), (1, 1, 2, 0)), 1),
            ((2, 3), (1, 3), ((1, 0, 1),), 0),
            ((3, 3), (3, 3), ((2, 0, 1), (1, 1, 1), (0, 2, 2)), 0),
            ((3, 3), (3, 3), ((2, 0, 1), (1, 1, 1), (0, 2, 2)), 1),
            ((2, 3), (2, 1), ((2,), (2,)), -1),
            ((3, 2), (2, 2), ((0, 2), (0, 0)), -2),
            ((4,), (3,), (3, 3, 0), 0),
            ((2, 3, 2), (2, 2, 2), (((2, 0), (0, 2)), ((1, 1), (2, 2))), 1),
        )
    ),
    "solve": tuple(
        (shapes, {})
        for shapes in (
            *(((2, 2), (2,)), ((2, 2), (2, 3)), ((2, 2), (2, 2)), ((3, 3), (3,)), ((3, 3), (3, 2))),
            *(((1, 1), (1,)), ((2, 2, 2), (2, 2, 1))),
        )
    ),
    "conv": tuple(
        (shapes, {"stride": stride, "padding": padding})
        for shapes, stride, padding in (
            (((2, 2, 5), (3, 2, 2)), 1, 0),
            (((1, 2, 5), (2, 2, 3)), 2, 1),
            (((1, 1, 4), (1, 1, 3)), 1, 1),
            (((1, 2, 4), (2, 2, 1)), 3, 0),
            (((2, 1, 6), (1, 1, 2)), 2, 2),
            (((1, 2, 3, 4), (2, 2, 2, 3)), 1, 0),
            (((1, 1, 4, 4), (2, 1, 2, 2)), 2, 1),
            (((2, 1, 3, 3), (1, 1, 3, 3)), 1, 1),
        )
    ),
    "inv": tuple(((shape,), {}) for shape in ((2, 2), (3, 3), (1, 1), (2, 2, 2))),
    "det": tuple(((shape,), {}) for shape in ((2, 2), (3, 3), (1, 1), (2, 2, 2))),
    "cholesky": tuple(((shape,), {}) for shape in ((2, 2), (3, 3), (1, 1), (2, 2, 2))),
    "take": _rows(
        "indices axis",
        *(((2, 3), (2, 0, 0), 1), ((2, 3), (1, 0, 1), 0), ((2, 3), (5, 0, 5, 1), None)),
        *(((2, 3, 2), (-1, 1, -1), -2), ((3, 3), ((2, 0), (2, 1)), 1), ((2, 3), 1, 0)),
    ),
    "compress": _rows(
        "condition axis",
        *(
            ((2, 3), (True, False, True), 1),
            ((2, 3), (False, True), 0),
            ((4,), (False, True, True, True), -1),
        ),
        *(((2, 3), (False, True, True, False, False, True), None), ((2, 3, 2), (False, True, True), -2)),
    ),
    "repeat": _rows(
        "repeats axis",
        *(((2, 3), (1, 0, 3), 1), ((2, 3), 2, 0), ((2, 3), 2, None), ((3,), (2, 1, 2), 0)),
        *(((2, 3, 2), 2, -2), ((2, 2), (2, 1, 0, 3), None)),
    ),
    "diagonal": _DIAGONALS,
    "trace": _DIAGONALS,
    "swapaxes": _rows(
        "axis1 axis2",
        *(((2, 3), 0, 1), ((3, 3), 1, 0), ((2, 3, 2), 0, 1), ((2, 3, 4), -1, 0), ((2, 2, 2), 1, -1)),
    ),
    "ravel": _ALL_IN_A_ROW,
    "flatten": _ALL_IN_A_ROW,
    "cumprod": _rows(
        "axis",
        *(((2, 3), 1), ((2, 3), 0), ((2, 3), None), ((4,), -1), ((3, 3), 1), ((2, 3, 2), -2)),
    ),
    "var": _SPREADS,
    "std": _SPREADS,
    "dot": _products(
        "",
        *(((2, 3), (3, 2)), ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((3, 3), (3, 3))),
        *(((2, 2, 3), (3,)), ((2, 3), (2, 3, 2))),
    ),
    "inner": _products("", ((2, 3), (2, 3)), ((3,), (3,)), ((2, 3), (3,)), ((3,), (2, 2, 3))),
    "outer": _products("", ((3,), (2,)), ((2, 2), (3,)), ((3,), (3,))),
    "kron": _products("", ((2, 2), (2, 3)), ((3,), (2,)), ((2,), (2, 2))),
    "cross": _products("axis", ((2, 3), (2, 3), -1), ((3,), (3,), 0), ((3, 2), (3, 2), 0)),
    "tensordot": _products(
        "axes",
        *(((2, 3), (3, 2), 1), ((2, 3), (2, 3), 2), ((2, 3), (2, 3), ((0,), (0,)))),
        *(((2, 3, 2), (2, 3), ((1, 0), (1, 0))), ((3,), (2,), 0)),
    ),
    "roll": _rows(
        "shift axis",
        *(((2, 3), 1, 1), ((2, 3), 1, None), ((4,), -1, 0), ((3, 3), (1, -1), (0, 1)), ((2, 3, 2), 5, -2)),
    ),
    "flip": _rows("axis", ((2, 3), 1), ((2, 3), None), ((3,), 0), ((2, 3, 2), (0, -1)), ((2, 3, 2), -2)),
    "moveaxis": _rows(
        "source destination",
        *(((2, 3), 0, 1), ((2, 3, 2), 0, 2), ((2, 3, 4), (0, 1), (-1, 0)), ((2, 2, 2), -1, 0)),
    ),
    "tril": _TRIANGLES,
    "triu": _TRIANGLES,
    "tile": _rows("reps", ((2, 3), (1, 2)), ((3,), 2), ((2, 2), (2, 1, 2)), ((2, 1), (2, 3))),
    "pad": _rows(
        "pad_width",
        *(((2, 3), ((1, 0), (0, 2))), ((3,), 1), ((2, 2), (1, 0)), ((1, 2, 2), ((0, 0), (1, 0), (0, 1)))),
    ),
    "diff": _rows("n axis", ((2, 3), 1, 1), ((2, 3), 1, 0), ((4,), 2, -1), ((2, 3, 2), 2, -2)),
    "trapezoid": _rows("dx axis", ((2, 3), 0.5, 1), ((4,), 2.0, -1), ((2, 3), 1.0, 0), ((2, 3, 2), 0.5, -2)),
    "average": _rows(
        "axis weights",
        *(((2, 3), 1, (0.5, 2.0, 1.0)), ((2, 3), 0, (1.0, 3.0)), ((3,), -1, (0.5, -1.0, 2.0))),
        ((2, 2), None, ((0.5, 2.0), (1.0, 0.0))),
    ),
    "norm": _rows(
        "axis keepdims",
        *(((2, 3), 1, False), ((2, 3), None, False), ((3,), 0, True), ((2, 3, 2), (0, 2), False)),
        ((2, 3, 2), -2, True),
    ),
    "slogdet": _rows("", ((2, 2),), ((3, 3),), ((2, 2, 2),)),
    "eigvalsh": _rows("", ((3, 3),), ((2, 2),), ((1, 1),), ((2, 2, 2),)),
    "eigh": _rows("", ((3, 3),), ((2, 2),), ((2, 2, 2),)),
    "matrix_power": _rows("n", ((2, 2), 3), ((3, 3), 2), ((2, 2), -1), ((2, 2, 2), 2), ((2, 2), -2)),
    **dict.fromkeys(("positive", "nan_to_num", "fabs"), _ENTRYWISE),
    **dict.fromkeys(("fmax", "fmin", "copysign"), _BROADCAST),
    **dict.fromkeys(("nansum", "nanmean"), _TOTALS),
    "diag": _rows("k", ((3,), 0), ((2,), 1), ((3, 3), 0), ((2, 3), -1)),
    "rot90": _rows("k axes", ((2, 3), 1, (0, 1)), ((2, 3, 2), 3, (2, 0)), ((2, 2), 2, (0, 1))),
    "delete": _rows("obj axis", ((2, 3), 1, 1), ((4,), -1, 0), ((2, 3), 4, None)),
    "convolve": _products("mode", ((4,), (2,), "full"), ((4,), (3,), "same"), ((4,), (2,), "valid")),
    "correlate": _products("mode", ((4,), (2,), "full"), ((4,), (3,), "same"), ((4,), (2,), "valid")),
    "interp": _products(
        "xp", ((4,), (3,), (-1.0, 0.25, 1.5)), ((2, 2), (4,), (-2.0, -0.5, 0.5, 1.75)), ((), (2,), (0.0, 1.0))
    ),
    "quantile": _rows(
        "q axis keepdims",
        *(((2, 3), 0.25, 1, False), ((2, 3), 0.75, 0, True), ((2, 2), 0.125, None, False)),
        *(((5,), 0.5, -1, False), ((2, 3, 2), (0.25, 1.0), 1, False)),
    ),
    "percentile": _rows(
        "q axis keepdims", ((2, 3), 25, 1, False), ((2, 3), 75, 0, True), ((4,), (0, 50), -1, False)
    ),
    "ptp": _MIDDLES,
    "median": _MIDDLES,
}
"""The first row of each is for questions in roles. Random graphs ask those of `operations.OF_NUMPY` by these
rows too."""

_EQUAL: tuple[tuple[list[Any], Parameters], ...] = (
    ([1.5, 1.5, 1.5], {"axis": 0, "ddof": 0, "keepdims": False}),
    ([[2.0, 2.0], [0.5, -0.5]], {"axis": 1, "ddof": 1, "keepdims": False}),
    ([1e4, 1e4 + 0.5, 1e4 - 1.0], {"axis": 0, "ddof": 1, "keepdims": True}),
    ([1.0, 1.0 + 2.0**-30], {"axis": None, "ddof": 0, "keepdims": False}),
)
_WHOLE = {"axis": None, "keepdims": False}
SPECIAL: dict[str, tuple[tuple[list[Any], Parameters], ...]] = {
    "cumprod": (
        ([0.0, 1.5, -2.0], {"axis": 0}),
        ([1.5, 0.0, 2.0, 0.0, -0.5], {"axis": 0}),
        ([[2.0, 0.0], [0.0, -0.5]], {"axis": None}),
    ),
    "var": _EQUAL,
    "std": _EQUAL,
    "slogdet": (([[0.0, 1.0], [1.0, 0.0]], {}), ([[1.0, 1.0], [1.0, 1.000001]], {})),
    "eigvalsh": (
        ([[3.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, -2.0]], {}),
        ([[-1.0, 0.0], [0.0, 2.0]], {}),
        ([[0.0, 1.0], [1.0, 0.0]], {}),
        ([[2.0, -1.0, 0.0], [-1.0, 2.0, -1.0], [0.0, -1.0, 2.0]], {}),
        ([[1.0, 1e-8, 0.0], [0.0, 2.0, 0.0], [0.0, 1e-8, 4.0]], {}),
        ([[1e4, 2.0], [3.0, 1e-4]], {}),
    ),
    "eigh": (
        ([[0.0, 1.0], [1.0, 0.0]], {}),
        ([[2.0, -1.0, 0.0], [-1.0, 2.0, -1.0], [0.0, -1.0, 2.0]], {}),
        ([[1.0, 2.0, 0.0], [2.0, 3.0, 0.5], [1.0, 0.5, -1.0]], {}),
        ([[1.0, 0.06], [0.0, 1.0]], {}),
    ),
    "norm": (([3.0, 0.0, -4.0], {"axis": 0, "keepdims": False}), ([[0.0, 0.0], [1e-8, 0.0]], _WHOLE)),
    "matrix_power": (([[1.0, 2.0], [2.0, 4.0]], {"n": 3}), ([[0.0, 1.0], [0.0, 0.0]], {"n": 2})),
    **dict.fromkeys(
        ("ptp", "median"),
        (
            ([[1.5, 1.5], [0.5, 2.0]], {"axis": 1, "keepdims": False}),
            ([0.5, 2.0, 0.5, 2.0], {"axis": 0, "keepdims": False}),
            ([1.5, 1.5 + 2.0**-40, -1.5], {"axis": -1, "keepdims": False}),
        ),
    ),
    "quantile": (([1.5, 0.5, 1.5], {"q": 0.75, "axis": 0, "keepdims": False}),),
}
"""Entries at which public engines have gone wrong."""
