"""The check of the derivatives of a function of JAX's arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from nn_from_scratch.verify.functions.jaxpr.computed import number_rows, seeds_of
from nn_from_scratch.verify.functions.jaxpr.formulas import Trace, trace
from nn_from_scratch.verify.functions.jaxpr.interpreter import NotTracedError
from nn_from_scratch.verify.functions.jaxpr.judging import formula_row, value_row
from nn_from_scratch.verify.functions.jaxpr.measured import measured_row
from nn_from_scratch.verify.functions.jaxpr.question import MODES, Question, drawn, numbers
from nn_from_scratch.verify.functions.rows import Row, first_line
from nn_from_scratch.verify.judging.checking import GradientError, UndecidedError
from nn_from_scratch.verify.judging.verdicts import Verdict

WORDS = {"fwd": "forward mode", "rev": "reverse mode", "lin": "linearize"}
"""What the modes are called in rows."""

UNSUPPORTED = (
    "can't apply forward-mode autodiff (jvp) to a custom_vjp function",
    "can't apply forward-mode differentiation (jvp) to a custom_vjp function",
    "Reverse-mode differentiation does not work for lax.while_loop",
)
"""What JAX says where a function does not claim to have a derivative of one mode."""


def examine(
    function: Callable[..., Any], arguments: Sequence[Any], order: int, modes: Sequence[str], *, seed: int = 0
) -> list[Row]:
    """Return a row for everything that a function promises, up to an order of derivatives."""
    return list(_rows(Question.of(function, arguments), order, modes, seed, ""))


def require_right(
    f: Callable[..., Any], args: Sequence[Any], order: int, modes: Sequence[str] = ("fwd", "rev")
) -> None:
    """Check what `nn_from_scratch.verify.jax.check_grads` says."""
    modes = (modes,) if isinstance(modes, str) else tuple(modes)
    unknown = [mode for mode in modes if mode not in MODES]
    if unknown or not modes:
        raise ValueError(f"modes must be of {', '.join(MODES)}, at least one: {modes!r}")
    if order < 1:
        raise ValueError(f"order must be 1 or more: {order!r}")
    rows = examine(f, args, order, modes)
    said = "\n".join(map(str, rows))
    if any(row.accuses for row in rows):
        raise GradientError(f"a derivative of {_name(f)} is not right\n{said}")
    if any(row.verdict is Verdict.UNDECIDED for row in rows):
        raise UndecidedError(f"not every derivative of {_name(f)} could be judged\n{said}")
    if all(row.verdict is None for row in rows):
        raise TypeError(f"{_name(f)} has no derivative of a mode that was asked for\n{said}")


def _rows(question: Question, order: int, modes: Sequence[str], seed: int, before: str) -> Iterator[Row]:
    for mode in modes:
        name = f"{WORDS[mode]}{before}"
        found = list(_derivative(question, mode, name, seed))
        yield from found
        if order > 1 and not any(row.verdict is None and row.name == name for row in found):
            yield from _rows(_next(question, mode), order - 1, modes, seed + 1, f" of the {name}")


def _next(question: Question, mode: str) -> Question:
    """Return the derivative as a function of its own, of inputs and of cotangents or directions."""
    function, outputs = MODES[mode](question), question.outputs(wide=False)
    if mode == "rev":
        names = [f"cotangent {k}" for k in range(len(outputs))]
    else:
        names = [f"direction of {name}" for name in question.names]
    given = seeds_of(question, mode, drawn(outputs, 3), drawn(question.point, 4))

    def derivative(*arrays: Any) -> Any:
        return function(*arrays)[len(outputs) :]

    return Question(derivative, [*question.point, *given], [*question.names, *names])


def _derivative(question: Question, mode: str, name: str, seed: int) -> Iterator[Row]:
    """Yield the rows about one way to differentiate."""
    outputs = drawn(question.outputs(wide=False), 2 * seed)
    inputs = drawn(question.point, 2 * seed + 1)
    seeds = seeds_of(question, mode, outputs, inputs)
    try:
        MODES[mode](question)(*question.point, *seeds)
    except (TypeError, ValueError) as error:
        if any(said in str(error) for said in UNSUPPORTED):
            yield Row(name, None, first_line(error))
            return
        raise
    if not _same_twice(question):
        said = "the function is not deterministic: asked twice, it returns different values"
        yield Row(name, Verdict.UNDECIDED, said)
        return
    traces = list(_traces(question, mode))
    formula = _formula(name, mode, traces, outputs, inputs)
    if formula.verdict is Verdict.UNDECIDED:
        row = measured_row(name, question, mode, outputs, seed)
        said = f"{row.said} (the formula was not judged: {formula.said})"
        formula = Row(name, row.verdict, said)
    yield formula
    own = next((traced for traced, wide in traces if not wide), None)
    right = formula.verdict is Verdict.RIGHT and not traces[0][0].refuted
    for row in number_rows(question, mode, own, seeds, right=right):
        yield Row(f"{name} {row.name}", row.verdict, row.said)


def _same_twice(question: Question) -> bool:
    first, second = (question.function(*question.point) for _ in range(2))
    return all(
        np.array_equal(numbers(a), numbers(b), equal_nan=True) for a, b in zip(first, second, strict=True)
    )


def _traces(question: Question, mode: str) -> Iterator[tuple[Trace, bool]]:
    """Yield the traces of a function in float64, if it takes that, and in its own dtypes."""
    for wide in (True, False):
        try:
            yield trace(question, MODES[mode](question), wide=wide, by_outputs=mode == "rev"), wide
        except (TypeError, ValueError, NotImplementedError):
            if not wide:
                raise


def _formula(
    name: str, mode: str, traces: Sequence[tuple[Trace, bool]], outputs: Sequence[Any], inputs: Sequence[Any]
) -> Row:
    """Judge the formulas: the first is what is said, the others may accuse."""
    rows = []
    for traced, _ in traces:
        try:
            row = formula_row(name, mode, traced, outputs, inputs)
            if row.verdict is Verdict.RIGHT:
                beside = value_row(name, mode, traced, outputs, inputs)
                if beside.verdict is not Verdict.RIGHT:
                    row = Row(name, beside.verdict, f"the value that the rule computes: {beside.said}")
        except NotTracedError as error:
            row = Row(name, Verdict.UNDECIDED, f"not traced: {error}")
        if row.verdict is Verdict.WRONG:
            return row
        rows.append(row)
    return rows[0]


def _name(function: Callable[..., Any]) -> str:
    return str(getattr(function, "__name__", None) or type(function).__name__)
