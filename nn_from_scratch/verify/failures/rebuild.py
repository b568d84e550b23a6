"""Cases made from a case: another output, nodes cut off to be inputs, simpler numbers, smaller arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from nn_from_scratch.verify.oracles import finite_differences, taylor
from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.expressions import Expression
from nn_from_scratch.verify.questions.generate_arrays import WHOLE

SIMPLE = (1.0, 2.0, 0.5, -1.0, 3.0, -2.0, 0.0)
"""Numbers that a person likes to see, the best first."""


def values(case: Case) -> list[Any]:
    """Return the value of every node: floats, or arrays where the case has arrays.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    """
    if not case.shapes:
        return taylor.values(case.expression, case.point)
    with np.errstate(all="ignore"):
        return case.expression.evaluate({**finite_differences.NUMPY, **WHOLE}, case.inputs())


def size(case: Case) -> tuple[int, int, int]:
    """Return what makes a case hard to grasp, the most important first."""
    numbers = (*case.point, *case.expression.constants, *case.cotangent, *case.tangent)
    hard = (SIMPLE.index(x) if x in SIMPLE else len(SIMPLE) + len(repr(x)) for x in numbers)
    return len(case.expression.steps), len(numbers), sum(hard)


def simpler(case: Case) -> Iterator[Case]:
    """Yield cases that may be simpler, the boldest first."""
    yield from _simpler_graphs(case)
    yield from _smaller_shapes(case)
    yield from _simpler_numbers(case)


def rebuilt(
    case: Case,
    *,
    output: int | None = None,
    cut: Mapping[int, Any] | None = None,
    redirect: Mapping[int, int] | None = None,
) -> Case:
    """Return the case with another output, nodes cut off to be inputs, or nodes replaced by earlier ones.

    What is not needed any more is left out. `cut` gives the values of the new inputs.
    """
    expression, cut, redirect = case.expression, cut or {}, redirect or {}
    output = expression.output if output is None else output
    output = redirect.get(output, output)
    operands = {
        index: tuple(redirect.get(k, k) for k in step.operands)
        for index, step in enumerate(expression.steps, expression.first_step)
        if index not in cut
    }
    needed = {output}
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
        return Case(graph, point, tangent=_fitting(case.tangent, len(point)) if case.tangent else ())
    point = tuple(float(x) for each in inputs for x in np.ravel(each))
    made = Case(graph, point, tuple(np.shape(each) for each in inputs))
    entries = np.size(values(made)[graph.output])
    tangent = _fitting(case.tangent, len(point)) if case.tangent else ()
    return replace(made, cotangent=_fitting(case.cotangent, entries), tangent=tangent)


def _fitting(numbers: tuple[float, ...], count: int) -> tuple[float, ...]:
    return numbers if len(numbers) == count else tuple(1.0 + k % 3 for k in range(count))


def _simpler_graphs(case: Case) -> Iterator[Case]:
    expression, known = case.expression, values(case)
    steps = range(expression.first_step, len(expression))
    for index in steps:
        yield rebuilt(case, output=index)
    for index in reversed(steps):
        if index != expression.output:
            yield rebuilt(case, cut={index: known[index]})
    for index in steps:
        for operand in expression.steps[index - expression.first_step].operands:
            if not expression.is_constant(operand) and np.shape(known[index]) == np.shape(known[operand]):
                yield rebuilt(case, redirect={index: operand})
    for second in range(expression.inputs):
        for first in range(second):
            if np.shape(known[first]) == np.shape(known[second]):
                yield rebuilt(case, redirect={second: first})


def _smaller_shapes(case: Case) -> Iterator[Case]:
    """Yield cases with an axis of an input, or all axes of one length, halved or made one shorter."""
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
    for inputs in shorter:
        try:
            yield with_inputs(replace(case, cotangent=()), case.expression, inputs)
        except (ValueError, IndexError):
            continue  # the shapes do not fit any more


def _shortened(x: Any, length: int, part: slice) -> Any:
    return x[tuple(part if n == length else slice(None) for n in np.shape(x))]


def _simpler_numbers(case: Case) -> Iterator[Case]:
    expression, constants = case.expression, case.expression.constants
    for k, number in enumerate(case.point):
        for simple in (*SIMPLE, float(f"{number:.3g}")):
            yield replace(case, point=_with(case.point, k, simple))
    for k in range(len(constants)):
        for simple in SIMPLE:
            yield replace(case, expression=replace(expression, constants=_with(constants, k, simple)))
    for k in range(len(case.cotangent)):
        for simple in SIMPLE:
            yield replace(case, cotangent=_with(case.cotangent, k, simple))
    for k in range(len(case.tangent)):
        for simple in SIMPLE:
            yield replace(case, tangent=_with(case.tangent, k, simple))


def _with(numbers: tuple[float, ...], k: int, number: float) -> tuple[float, ...]:
    return (*numbers[:k], number, *numbers[k + 1 :])
