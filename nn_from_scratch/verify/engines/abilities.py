"""What an engine may have or lack of an operation on arrays: kinds of shapes, and of numpy's keywords.

An engine that has no `axis=(0, 2)` lacks that, and nothing else: that is not asked, and is "not supported".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

from nn_from_scratch.verify.engines.ability import (
    Ability,
    Needs,
    Parameters,
    Shape,
    always,
    case_of,
    rank,
    shapes_of,
)
from nn_from_scratch.verify.engines.further_abilities import (
    along_indices,
    convolutions,
    of_matrices,
    of_numpy,
    sums_by_labels,
)
from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.expressions import Expression, Step
from nn_from_scratch.verify.questions.operations import ALL_FORMS, FURTHER_FORMS, OF_ARRAYS, Form


def needed(case: Case) -> list[Ability]:
    """Return the abilities that a case needs."""
    if not case.shapes:
        return []
    expression = case.expression
    shapes = shapes_of(case)
    return [
        ability
        for step in expression.steps
        for ability in _by_form().get(_plain((step.operation, expression.operand_kinds(step))), ())
        if ability.needs([shapes[k] for k in step.operands], dict(step.parameters))
    ]


def together(cases: Sequence[Case]) -> Case:
    """Return the one case that asks all of them: the sum of their outputs' entries."""
    inputs = sum(case.expression.inputs for case in cases)
    constants = [x for case in cases for x in case.expression.constants]
    arrays = any(case.shapes for case in cases)
    steps: list[Step] = []
    outputs: list[int] = []
    used_inputs, used_constants = 0, inputs
    for case in cases:
        graph = case.expression
        numbers = [*range(used_inputs, used_inputs + graph.inputs)]
        numbers += range(used_constants, used_constants + len(graph.constants))
        used_inputs += graph.inputs
        used_constants += len(graph.constants)
        for step in graph.steps:
            operands = tuple(numbers[k] for k in step.operands)
            numbers.append(inputs + len(constants) + len(steps))
            steps.append(Step(step.operation, operands, step.parameters))
        outputs.append(numbers[graph.output])
        if arrays:
            steps.append(Step("sum", (outputs[-1],), (("axis", None), ("keepdims", False))))
            outputs[-1] = inputs + len(constants) + len(steps) - 1
    total = outputs[0]
    for output in outputs[1:]:
        steps.append(Step("add", (total, output)))
        total = inputs + len(constants) + len(steps) - 1
    return Case(
        Expression(inputs, tuple(constants), tuple(steps), total),
        tuple(x for case in cases for x in case.point),
        tuple(shape for case in cases for shape in case.shapes),
        (1.0,) if arrays else (),
    )


def _plain(form: Form) -> Form:
    """Return the form of an operation that takes any number of operands as its abilities have it."""
    return (form[0], "xx") if OF_ARRAYS.get(form[0]) and OF_ARRAYS[form[0]].arity is None else form


def _elementwise() -> Iterator[Ability]:
    """Every operation of the catalogue on arrays, and with operands that are broadcast."""
    for form in (*ALL_FORMS, *FURTHER_FORMS):
        count = form[1].count("x")
        yield Ability(form, "arrays", case_of(form, [(2, 3)] * count, {}), always)
        if count > 1:
            yield Ability(
                form,
                "operands of different shapes",
                case_of(form, [(2, 3), *[(3,)] * (count - 1)], {}),
                lambda shapes, _: len(set(shapes)) > 1,
            )


def _shaped() -> Iterator[Ability]:
    """Arrays of few and of many axes, and empty ones, as operands of every operation of the catalogue."""
    kinds: tuple[tuple[str, Shape, Needs], ...] = (
        ("arrays without axes", (), lambda shapes, _: () in shapes),
        ("arrays of 3 axes", (2, 1, 2), lambda shapes, _: rank(shapes) == 3),
        ("arrays of 4 axes", (2, 1, 2, 1), lambda shapes, _: rank(shapes) > 3),
        ("empty arrays", (0, 2), lambda shapes, _: any(0 in shape for shape in shapes)),
    )
    for what, shape, needs in kinds:
        for form in (*ALL_FORMS, *FURTHER_FORMS):
            yield Ability(form, what, case_of(form, [shape] * form[1].count("x"), {}), needs)


def _along_axes() -> Iterator[Ability]:
    """Reductions, and what is normalized along an axis."""
    kinds: tuple[tuple[str, Shape, Parameters, Needs], ...] = (
        ("axis=None", (2, 3), {"axis": None}, lambda _, p: p["axis"] is None),
        ("an axis", (2, 3), {"axis": 0}, lambda _, p: isinstance(p["axis"], int)),
        ("a negative axis", (2, 3), {"axis": -1}, lambda _, p: isinstance(p["axis"], int) and p["axis"] < 0),
        ("several axes", (2, 3), {"axis": (0, 1)}, lambda _, p: isinstance(p["axis"], tuple)),
        ("keepdims=True", (2, 3), {"axis": 0, "keepdims": True}, lambda _, p: p.get("keepdims", False)),
        ("arrays of 1 axis", (3,), {"axis": 0}, lambda shapes, _: rank(shapes) == 1),
        ("arrays of 3 axes or more", (2, 3, 2), {"axis": 1}, lambda shapes, _: rank(shapes) > 2),
    )
    for name in ("sum", "mean", "prod", "max", "min", "logsumexp"):
        for what, shape, parameters, needs in kinds:
            yield Ability(
                (name, "x"), what, case_of((name, "x"), [shape], {"keepdims": False, **parameters}), needs
            )
    for what, shape, parameters, needs in kinds:
        if "keepdims" not in parameters and not isinstance(parameters["axis"], tuple):
            for name in ("cumsum", "sort"):
                yield Ability((name, "x"), what, case_of((name, "x"), [shape], parameters), needs)
    for name in ("softmax", "log_softmax"):
        for what, shape, parameters, needs in kinds:
            if isinstance(parameters["axis"], int) and "keepdims" not in parameters:
                yield Ability((name, "x"), what, case_of((name, "x"), [shape], parameters), needs)


def _products() -> Iterator[Ability]:
    ranks: tuple[tuple[str, Shape, Shape, Needs], ...] = (
        ("1-D @ 1-D", (3,), (3,), lambda shapes, _: [*map(len, shapes)] == [1, 1]),
        ("1-D @ 2-D", (3,), (3, 2), lambda shapes, _: [*map(len, shapes)] == [1, 2]),
        ("2-D @ 1-D", (2, 3), (3,), lambda shapes, _: [*map(len, shapes)] == [2, 1]),
        ("2-D @ 2-D", (2, 3), (3, 2), lambda shapes, _: [*map(len, shapes)] == [2, 2]),
        ("stacks of matrices", (2, 2, 3), (2, 3, 2), lambda shapes, _: min(map(len, shapes)) > 2),
        ("a stack @ 2-D", (2, 2, 3), (3, 2), lambda shapes, _: len(shapes[0]) > 2 == len(shapes[1])),
        ("2-D @ a stack", (2, 3), (2, 3, 2), lambda shapes, _: len(shapes[0]) == 2 < len(shapes[1])),
        (
            "1-D and a stack",
            (3,),
            (2, 3, 2),
            lambda shapes, _: min(map(len, shapes)) == 1 and rank(shapes) > 2,
        ),
    )
    for what, first, second, needs in ranks:
        yield Ability(("matmul", "xx"), what, case_of(("matmul", "xx"), [first, second], {}), needs)


def _movements() -> Iterator[Ability]:
    """Operations that only move entries about."""

    def grows(shapes: Sequence[Shape], p: Parameters) -> bool:
        return len(p["shape"]) == len(shapes[0])

    rows: tuple[tuple[str, str, Shape, Parameters, Needs], ...] = (
        ("reshape", "sizes", (2, 3), {"shape": (3, 2)}, lambda _, p: -1 not in p["shape"]),
        ("reshape", "-1 for a size", (2, 3), {"shape": (-1,)}, lambda _, p: -1 in p["shape"]),
        ("transpose", "2 axes", (2, 3), {"axes": (1, 0)}, lambda shapes, _: rank(shapes) <= 2),
        ("transpose", "more axes", (2, 3, 2), {"axes": (2, 0, 1)}, lambda shapes, _: rank(shapes) > 2),
        ("broadcast_to", "a size of 1 that grows", (2, 1), {"shape": (2, 3)}, grows),
        ("broadcast_to", "another axis", (3,), {"shape": (2, 3)}, lambda s, p: not grows(s, p)),
        *(
            row
            for name, shape, several in (("squeeze", (1, 3, 1), (0, 2)), ("expand_dims", (3,), (0, 2)))
            for row in (
                (name, "an axis", shape, {"axis": 0}, lambda _, p: isinstance(p["axis"], int)),
                (name, "several axes", shape, {"axis": several}, lambda _, p: isinstance(p["axis"], tuple)),
            )
        ),
    )
    for name, what, shape, parameters, needs in rows:
        yield Ability((name, "x"), what, case_of((name, "x"), [shape], parameters), needs)


def _joined() -> Iterator[Ability]:
    axes: tuple[tuple[str, int, Needs], ...] = (
        ("the first axis", 0, lambda _, p: p["axis"] == 0),
        ("another axis", 1, lambda _, p: p["axis"] > 0),
        ("a negative axis", -1, lambda _, p: p["axis"] < 0),
    )
    for name in ("concatenate", "stack"):
        for what, axis, needs in axes:
            case = case_of((name, "xx"), [(2, 3), (2, 3)], {"axis": axis})
            yield Ability((name, "xx"), what, case, needs)


def _indices() -> Iterator[Ability]:
    def has(kind: Callable[[Any], bool]) -> Needs:
        return lambda _, p: any(map(kind, p["index"]))

    def is_slice(item: Any) -> bool:
        return isinstance(item, tuple) and item[:1] == ("slice",)

    def is_backwards(item: Any) -> bool:
        return is_slice(item) and (item[3] or 1) < 0

    def is_array(item: Any, of: type) -> bool:
        return isinstance(item, tuple) and not is_slice(item) and all(type(x) is of for x in item)

    rows: tuple[tuple[str, tuple[Any, ...], Needs], ...] = (
        ("an integer", (0,), has(lambda item: isinstance(item, int))),
        ("a slice", (("slice", 1, None, None),), has(is_slice)),
        ("a slice with a step", (("slice", None, None, 2),), has(lambda item: is_slice(item) and item[3])),
        ("a list of integers", ((0, 0),), has(lambda item: is_array(item, int))),
        ("a mask", ((True, False),), has(lambda item: is_array(item, bool))),
        ("several axes", (0, 1), lambda _, p: len(p["index"]) > 1),
    )
    for what, index, needs in rows:
        yield Ability(("index", "x"), what, case_of(("index", "x"), [(2, 3)], {"index": index}), needs)
    # PyTorch's tensors, for one, refuse it by a ValueError.
    backwards = case_of(("index", "x"), [(2, 3)], {"index": (("slice", None, None, -1),)})
    yield Ability(("index", "x"), "a slice with a negative step", backwards, has(is_backwards), True)


@cache
def abilities() -> tuple[Ability, ...]:
    """Return what an engine with arrays is asked before it is asked anything else."""
    parts = (
        _elementwise,
        _along_axes,
        _products,
        sums_by_labels,
        _movements,
        along_indices,
        of_matrices,
        convolutions,
        of_numpy,
        _joined,
        _indices,
        _shaped,
    )
    return tuple(ability for part in parts for ability in part())


@cache
def _by_form() -> dict[Form, list[Ability]]:
    found: dict[Form, list[Ability]] = {}
    for ability in abilities():
        found.setdefault(ability.form, []).append(ability)
    return found
