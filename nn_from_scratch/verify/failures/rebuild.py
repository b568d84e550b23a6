"""Cases made from a case: another output, nodes cut off to be inputs, simpler numbers, smaller arrays."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import count
from typing import Any

import numpy as np

from nn_from_scratch.verify.oracles import finite_differences, taylor
from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.constants import numbers_of, renumbered
from nn_from_scratch.verify.questions.expressions import Expression
from nn_from_scratch.verify.questions.formats import Format
from nn_from_scratch.verify.questions.guide_of_arrays import WHOLE

SIMPLE = (2.0, 3.0, 0.5, 1.0, 5.0, 7.0, 0.25, 4.0, 6.0, 8.0, 9.0, -1.0, -2.0, -3.0, 0.0)
"""Numbers that a person likes to see, the best first: at 1 and at 0 too many formulas agree."""

Size = tuple[int, int, int, int, int, int]


def values(case: Case) -> list[Any]:
    """Return the value of every node: floats, or arrays where the case has arrays.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    """
    if not case.shapes:
        return taylor.values(case.expression.closed(), case.point)
    with np.errstate(all="ignore"):
        return case.expression.evaluate({**finite_differences.NUMPY, **WHOLE}, case.inputs())


def size(case: Case, working_format: Format) -> Size:
    """Return what makes a case hard to grasp, the most important first.

    Empty arrays come first, for they have no derivatives; numbers that coincide come before numbers that are
    long, for where they do, right and wrong results may coincide as well.
    """
    values = (*case.point, *_constant_numbers(case.expression))
    numbers = (*values, *case.cotangent, *case.tangent)
    return (
        sum(0 in shape for shape in case.shapes) + bool(case.shapes and not case.cotangent),
        len(case.expression.steps),
        len(numbers),
        sum(map(len, case.shapes)),
        sum(len(group) - len(set(map(abs, group))) for group in (values, case.cotangent, case.tangent)),
        sum(_hardness(x, working_format) for x in numbers),
    )


@lru_cache(maxsize=4096)
def _hardness(x: float, working_format: Format) -> int:
    """Return the place among simple numbers, or else how many characters it takes to say the number."""
    if x in SIMPLE:
        return SIMPLE.index(x)
    shortest = (f"{x:.{digits}g}" for digits in range(1, 18))
    texts = (text for text in shortest if math.isfinite(x) and working_format.nearest(float(text)) == x)
    return len(SIMPLE) + len(next(texts, repr(x)))


def simpler(case: Case) -> Iterator[Case]:
    """Yield cases that may be simpler, the boldest first."""
    yield from _filled(case)
    yield from _simpler_graphs(case, ())
    unused = _unused(case.expression)
    if unused:
        yield from _simpler_graphs(case, unused)
        for one in unused:
            yield rebuilt(case, keep=[k for k in unused if k != one])
    yield from _smaller_shapes(case)
    yield from _simpler_numbers(case)


def rebuilt(
    case: Case,
    *,
    output: int | None = None,
    cut: Mapping[int, Any] | None = None,
    redirect: Mapping[int, int] | None = None,
    keep: Collection[int] = (),
) -> Case:
    """Return the case with another output, nodes cut off to be inputs, or nodes replaced by earlier ones.

    What is not needed any more is left out, but for the nodes to `keep`. `cut` gives the values of the new
    inputs.
    """
    expression, cut, redirect = case.expression, cut or {}, redirect or {}
    output = expression.output if output is None else output
    output = redirect.get(output, output)
    operands = {
        index: tuple(redirect.get(k, k) for k in step.operands)
        for index, step in enumerate(expression.steps, expression.first_step)
        if index not in cut
    }
    needed = {output, *(redirect.get(k, k) for k in keep)}
    for index in range(len(expression) - 1, -1, -1):
        if index in needed:
            needed.update(operands.get(index, ()))
    kept = sorted(needed)
    inputs = [k for k in kept if k < expression.inputs or k in cut]
    constants = [k for k in kept if expression.is_constant(k)]
    steps = [k for k in kept if k in operands]
    number = {k: position for position, k in enumerate([*inputs, *constants, *steps])}
    graph = Expression(
        len(inputs),
        tuple(expression.constants[k - expression.inputs] for k in constants),
        tuple(
            replace(
                expression.steps[k - expression.first_step], operands=tuple(number[j] for j in operands[k])
            )
            for k in steps
        ),
        number[output],
    )
    given = {**dict(enumerate(case.inputs())), **cut}
    return with_inputs(case, graph, [given[k] for k in inputs])


def with_inputs(case: Case, graph: Expression, inputs: list[Any]) -> Case:
    """Return the case of another expression; a cotangent or tangent that does not fit is made anew."""
    if not case.shapes:
        point = tuple(inputs)
        tangent = _fitting(case.tangent, len(point)) if case.tangent else ()
        return replace(case, expression=graph, point=point, tangent=tangent)
    point = tuple(float(x) for each in inputs for x in np.ravel(each))
    shapes = tuple(np.shape(each) for each in inputs)
    made = replace(case, expression=graph, point=point, shapes=shapes, cotangent=(), tangent=())
    entries = np.size(values(made)[graph.output])
    tangent = _fitting(case.tangent, len(point)) if case.tangent else ()
    return replace(made, cotangent=_fitting(case.cotangent, entries), tangent=tangent)


def _fitting(numbers: tuple[float, ...], count: int) -> tuple[float, ...]:
    return numbers if len(numbers) == count else tuple(1.0 + k % 3 for k in range(count))


def _unused(expression: Expression) -> list[int]:
    """Return the steps that nothing uses, the output aside."""
    used = {operand for step in expression.steps for operand in step.operands} | {expression.output}
    return [k for k in range(expression.first_step, len(expression)) if k not in used]


def _filled(case: Case) -> Iterator[Case]:
    """Yield the case with numbers in its empty arrays, if it has some."""
    if not any(0 in shape for shape in case.shapes):
        return
    for length in (2, 1):
        shapes = [tuple(n or length for n in shape) for shape in case.shapes]
        inputs = [
            x if x.size else np.resize(SIMPLE, shape) for x, shape in zip(case.inputs(), shapes, strict=True)
        ]
        try:
            yield with_inputs(case, case.expression, inputs)
        except (ValueError, IndexError):
            continue  # the shapes do not fit


def _simpler_graphs(case: Case, keep: Collection[int]) -> Iterator[Case]:
    """Yield cases of fewer nodes; those to `keep` stay though nothing uses them."""
    expression, known = case.expression, values(case)
    steps = range(expression.first_step, len(expression))
    for index in steps:
        yield rebuilt(case, output=index, keep=keep)
    for index in reversed(steps):
        if index != expression.output:
            yield rebuilt(case, cut={index: known[index]}, keep=keep)
    for index in steps:
        for operand in expression.steps[index - expression.first_step].operands:
            if not expression.is_constant(operand) and np.shape(known[index]) == np.shape(known[operand]):
                yield rebuilt(case, redirect={index: operand}, keep=keep)
    for second in range(expression.inputs):
        for first in range(second):
            if np.shape(known[first]) == np.shape(known[second]):
                yield rebuilt(case, redirect={second: first}, keep=keep)


def _smaller_shapes(case: Case) -> Iterator[Case]:
    """Yield cases with an axis of an input, or all of one length, halved or made one shorter, or dropped."""
    arrays = case.inputs()
    lengths = sorted({n for shape in case.shapes for n in shape if n > 1}, reverse=True)
    halves = [(n, part) for n in lengths if n > 3 for part in (slice(n // 2), slice(n // 2, None))]
    parts = [*halves, *((n, slice(n - 1)) for n in lengths), *((n, slice(1, None)) for n in lengths)]
    shorter = [[_shortened(x, n, part) for x in arrays] for n, part in parts]
    shorter += [
        [*arrays[:k], _shortened(x, n, part), *arrays[k + 1 :]]
        for k, x in enumerate(arrays)
        for n, part in parts
        if n in np.shape(x)
    ]
    shorter.append([x[0] if np.shape(x)[:1] == (1,) else x for x in arrays])
    for inputs in shorter:
        try:
            yield with_inputs(replace(case, cotangent=()), case.expression, inputs)
        except (ValueError, IndexError):
            continue  # the shapes do not fit any more


def _shortened(x: Any, length: int, part: slice) -> Any:
    return x[tuple(part if n == length else slice(None) for n in np.shape(x))]


def _simpler_numbers(case: Case) -> Iterator[Case]:
    """Yield cases of simpler numbers: of different ones, then of equal ones where they were, then singly."""
    expression = case.expression
    points, constants = len(case.point), _constant_numbers(expression)
    values = (*case.point, *constants)
    if case.integers:
        yield replace(case, integers=False)
    if case.numbers != "python":
        yield replace(case, numbers="python")
    for renamed in (_different(values), _renamed_in_order(values), _renamed(values)):
        yield _with_constants(replace(case, point=renamed[:points]), renamed[points:])
    for rename in (_different, _renamed):
        yield replace(case, cotangent=rename(case.cotangent), tangent=rename(case.tangent))
    for point in _one_simpler(case.point):
        yield replace(case, point=point)
    for numbers in _one_simpler(constants):
        yield _with_constants(case, numbers)
    for cotangent in _one_simpler(case.cotangent):
        yield replace(case, cotangent=cotangent)
    for tangent in _one_simpler(case.tangent):
        yield replace(case, tangent=tangent)


def _constant_numbers(expression: Expression) -> tuple[float, ...]:
    return tuple(numbers_of(expression.constants))


def _with_constants(case: Case, numbers: tuple[float, ...]) -> Case:
    """Return the case with other constants, or with its own where those would have to be integers."""
    expression = case.expression
    if case.integers and not all(map(float.is_integer, numbers)):
        return case
    constants = renumbered(expression.constants, numbers)
    return replace(case, expression=replace(expression, constants=constants))


def _one_simpler(numbers: tuple[float, ...]) -> Iterator[tuple[float, ...]]:
    """Yield the numbers with one of them made simpler."""
    for k, number in enumerate(numbers):
        for simple in _simpler_than(number):
            yield (*numbers[:k], simple, *numbers[k + 1 :])


def _simpler_than(number: float) -> tuple[float, ...]:
    if number in SIMPLE:
        return SIMPLE[: SIMPLE.index(number)]
    return (*SIMPLE, float(f"{number:.1g}"), float(f"{number:.3g}"))


def _positive_numbers() -> Iterator[float]:
    """Yield different positive numbers, the simplest first."""
    yield from (x for x in SIMPLE if x > 0)
    yield from map(float, count(10))


def _different(numbers: Sequence[float]) -> tuple[float, ...]:
    """Return as many simple numbers, no two of them equal."""
    return tuple(simple for simple, _ in zip(_positive_numbers(), numbers, strict=False))


def _renamed(numbers: Sequence[float]) -> tuple[float, ...]:
    """Return a simple number for each different one, in the order in which they stand."""
    names = dict(zip(dict.fromkeys(numbers), _positive_numbers(), strict=False))
    return tuple(names[x] for x in numbers)


def _renamed_in_order(numbers: Sequence[float]) -> tuple[float, ...]:
    """Return a simple number for each different one, so that the larger stay the larger."""
    different = sorted(set(numbers))
    by_size = dict(zip(different, sorted(_different(different)), strict=True))
    return tuple(by_size[x] for x in numbers)
