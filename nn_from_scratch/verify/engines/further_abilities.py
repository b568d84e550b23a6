"""What an engine may have or lack of the operations on arrays that it need not have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from nn_from_scratch.verify.engines.ability import (
    Ability,
    Needs,
    Parameters,
    Shape,
    always,
    case_of,
    rank,
)
from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.direct_further import ROWS, Row
from nn_from_scratch.verify.questions.operations import OF_NUMPY, Form


def sums_by_labels() -> Iterator[Ability]:
    """Einsum, by what its subscripts say."""

    def repeats(terms: str) -> bool:
        return any(len({*term}) < len(term) for term in terms.replace("...", "").split(","))

    def terms(p: Parameters) -> str:
        return str(p["subscripts"]).partition("->")[0]

    rows: tuple[tuple[str, str, tuple[Shape, ...], Needs], ...] = (
        ("one operand", "ij->ji", ((2, 3),), lambda shapes, _: len(shapes) == 1),
        ("two operands", "ij,jk->ik", ((2, 3), (3, 2)), lambda shapes, _: len(shapes) == 2),
        ("more operands", "i,i,i->i", ((2,), (2,), (2,)), lambda shapes, _: len(shapes) > 2),
        ("a label twice in one operand", "ii->i", ((2, 2),), lambda _, p: repeats(terms(p))),
        ("an ellipsis", "...i->...", ((2, 3),), lambda _, p: "..." in p["subscripts"]),
        ("no arrow", "ij,jk", ((2, 3), (3, 2)), lambda _, p: "->" not in p["subscripts"]),
    )
    for what, subscripts, shapes, needs in rows:
        case = case_of(("einsum", "x" * len(shapes)), shapes, {"subscripts": subscripts})
        yield Ability(("einsum", "xx"), what, case, needs)


def along_indices() -> Iterator[Ability]:
    """Entries taken along an axis, and added to."""
    kinds: tuple[tuple[str, Shape, Parameters, Needs], ...] = (
        ("an axis", (2, 3), {"indices": ((0, 1), (1, 1)), "axis": 1}, always),
        ("the first axis", (3, 2), {"indices": ((0, 1), (1, 1)), "axis": 0}, lambda _, p: p["axis"] == 0),
        ("a negative axis", (2, 3), {"indices": ((0, 1), (1, 1)), "axis": -1}, lambda _, p: p["axis"] < 0),
        ("arrays of 1 axis", (3,), {"indices": (0, 1), "axis": 0}, lambda shapes, _: rank(shapes) == 1),
        (
            "arrays of 3 axes or more",
            (1, 3, 1),
            {"indices": (((0,), (1,)),), "axis": 1},
            lambda shapes, _: rank(shapes) > 2,
        ),
    )
    for what, shape, parameters, needs in kinds:
        source = np.shape(parameters["indices"])
        for form, shapes in ((("take_along_axis", "x"), [shape]), (("scatter_add", "xx"), [shape, source])):
            yield Ability(form, what, case_of(form, shapes, parameters), needs)
    form = ("take_along_axis", "x")

    def broadcasts(shapes: Sequence[Shape], p: Parameters) -> bool:
        found = list(np.shape(p["indices"]))
        found[p["axis"]] = shapes[0][p["axis"]]
        return tuple(found) != shapes[0]

    yield Ability(
        form, "indices that broadcast", case_of(form, [(2, 3)], {"indices": ((0, 1),), "axis": 1}), broadcasts
    )


def of_matrices() -> Iterator[Ability]:
    """Matrices and stacks of them, and what stands on the right side of a system."""

    def is_stack(shapes: Sequence[Shape], _: Parameters) -> bool:
        return rank(shapes) > 2

    for name in ("inv", "det", "cholesky"):
        yield Ability((name, "x"), "a matrix", _matrices((name, "x"), [(2, 2)]), always)
        yield Ability((name, "x"), "stacks of matrices", _matrices((name, "x"), [(2, 2, 2)]), is_stack)
    kinds: tuple[tuple[str, Shape, Shape, Needs], ...] = (
        ("a vector", (2, 2), (2,), lambda shapes, _: len(shapes[1]) == 1),
        ("a matrix", (2, 2), (2, 3), lambda shapes, _: len(shapes[1]) == 2),
        ("stacks of matrices", (2, 2, 2), (2, 2, 1), is_stack),
    )
    for what, matrix, right, needs in kinds:
        yield Ability(("solve", "xx"), what, _matrices(("solve", "xx"), [matrix, right]), needs)


def _matrices(form: Form, shapes: Sequence[Shape]) -> Case:
    """Return the case of an operation whose first operand is a matrix, which is not singular."""
    case = case_of(form, shapes, {})
    matrix = np.broadcast_to(np.eye(2) + 0.5, shapes[0]).ravel()
    return replace(case, point=(*map(float, matrix), *case.point[matrix.size :]))


def convolutions() -> Iterator[Ability]:
    """Along one axis or two."""
    plain = {"stride": 1, "padding": 0}
    rows: tuple[tuple[str, tuple[Shape, Shape], Parameters, Needs], ...] = (
        ("one axis", ((1, 1, 3), (1, 1, 2)), plain, lambda shapes, _: rank(shapes) == 3),
        ("two axes", ((1, 1, 2, 2), (1, 1, 2, 2)), plain, lambda shapes, _: rank(shapes) == 4),
        ("a stride", ((1, 1, 4), (1, 1, 2)), {**plain, "stride": 2}, lambda _, p: p["stride"] > 1),
        ("padding", ((1, 1, 3), (1, 1, 2)), {**plain, "padding": 1}, lambda _, p: p["padding"] > 0),
    )
    for what, shapes, parameters, needs in rows:
        yield Ability(("conv", "xx"), what, case_of(("conv", "xx"), shapes, parameters), needs)


def of_numpy() -> Iterator[Ability]:
    """Operations that are asked of certain shapes, with certain keywords, and of no others."""
    for name, operation in OF_NUMPY.items():
        form = (name, operation.operand_kinds[0])
        for shapes, parameters in ROWS[name]:
            told = ", ".join([*map(str, shapes), *(f"{key}={value}" for key, value in parameters.items())])
            case = case_of(form, shapes, parameters)
            point = tuple(0.5 + 0.37 * k * k % 1 for k in range(len(case.point)))

            def needs(found: Sequence[Shape], p: Parameters, row: Row = (shapes, parameters)) -> bool:
                return (tuple(found), dict(p)) == row

            yield Ability(form, told, replace(case, point=point), needs)
