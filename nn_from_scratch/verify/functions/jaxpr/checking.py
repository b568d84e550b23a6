"""The check of the derivatives of a function of JAX's arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from nn_from_scratch.verify.functions.jaxpr.by_forward import numbers_by_forward
from nn_from_scratch.verify.functions.jaxpr.computed import computed, number_rows, seeds_of
from nn_from_scratch.verify.functions.jaxpr.elsewhere import numbers_row, shapes_row, values_row
from nn_from_scratch.verify.functions.jaxpr.formulas import Trace, trace
from nn_from_scratch.verify.functions.jaxpr.interpreter import NotTracedError
from nn_from_scratch.verify.functions.jaxpr.judging import formula_row, value_row
from nn_from_scratch.verify.functions.jaxpr.measured import NUMBERS_ONLY, conventions, measured_row, settled
from nn_from_scratch.verify.functions.jaxpr.plain import STOP, primitives
from nn_from_scratch.verify.functions.jaxpr.question import MODES, Question, drawn, numbers
from nn_from_scratch.verify.functions.jaxpr.reference import Plain, plain_version, reference_rows
from nn_from_scratch.verify.functions.jaxpr.sizes import alike
from nn_from_scratch.verify.functions.jaxpr.triangles import OneTriangle, one_triangle
from nn_from_scratch.verify.functions.jaxpr.values import out_of_range_row
from nn_from_scratch.verify.functions.meeting import MEET
from nn_from_scratch.verify.functions.rows import Row, first_line
from nn_from_scratch.verify.functions.symmetric import by_convention
from nn_from_scratch.verify.functions.tracing.approximations import FOR_THE_OTHER
from nn_from_scratch.verify.functions.tracing.repetition import TO_ITS_END
from nn_from_scratch.verify.judging.checking import GradientError, UndecidedError
from nn_from_scratch.verify.judging.verdicts import Verdict

WORDS = {"fwd": "forward mode", "rev": "reverse mode", "lin": "linearize"}
"""What the modes are called in rows."""

NOT_TRACED = "not traced: "
"""How it begins what is said of code that is not traced."""

UNSUPPORTED = (
    "can't apply forward-mode autodiff (jvp) to a custom_vjp function",
    "can't apply forward-mode differentiation (jvp) to a custom_vjp function",
    "Reverse-mode differentiation does not work for lax.while_loop",
    "an operation that does not support reverse-mode autodiff",
)
"""What JAX says where a function does not claim to have a derivative of one mode."""


@dataclass(frozen=True)
class Options:
    """What else is known of a function.

    Attributes
    ----------
    expected
        Takes the same arguments; its derivative is the one that is meant.
    reference
        Takes the same arguments, and can be traced: it says what is right of a function that cannot.
    compute
        The format that the function computes in, where that is not the widest dtype of its inputs.
    shapes
        Whether drawn inputs of other shapes are asked as well.
    seed
        Which cotangents, directions and shapes are drawn.

    """

    expected: Callable[..., Any] | None = None
    reference: Callable[..., Any] | None = None
    compute: str | None = None
    shapes: bool = True
    seed: int = 0


def examine(
    function: Callable[..., Any],
    arguments: Sequence[Any],
    order: int,
    modes: Sequence[str],
    options: Options = Options(),
) -> list[Row]:
    """Return a row for everything that a function promises, up to an order of derivatives."""
    question = Question.of(function, arguments, options.expected)
    plain = None
    if options.reference is not None:
        plain = plain_version(Question.of(options.reference, arguments), options.compute)
    elif options.compute is not None:
        raise ValueError("compute says in which format a function computes that has a reference")
    lost = out_of_range_row(question) if plain is None else None
    rows = [*([lost] if lost else []), *_rows(question, plain, order, modes, options, before="")]
    right = {row.name: row for row in rows if row.verdict is Verdict.RIGHT}
    mode = next((mode for mode in modes if WORDS[mode] in right), None)
    if options.shapes and plain is None and mode is not None:
        ask, name = partial(Question.of, function, expected=options.expected), WORDS[mode]
        others = values_row if right[name].said.startswith(NUMBERS_ONLY) else numbers_row
        for where, ask_there in (("other shapes", shapes_row), ("other numbers", others)):
            row = ask_there(f"{name} at {where}", ask, arguments, mode, options.seed)
            rows += [] if row is None else [row]
    return rows


def require_right(
    f: Callable[..., Any],
    args: Sequence[Any],
    order: int,
    modes: Sequence[str] = ("fwd", "rev"),
    options: Options = Options(),
) -> None:
    """Check what `nn_from_scratch.verify.jax.check_grads` says."""
    modes = (modes,) if isinstance(modes, str) else tuple(modes)
    unknown = [mode for mode in modes if mode not in MODES]
    if unknown or not modes:
        raise ValueError(f"modes must be of {', '.join(MODES)}, at least one: {modes!r}")
    if order < 1:
        raise ValueError(f"order must be 1 or more: {order!r}")
    rows = examine(f, args, order, modes, options)
    said = "\n".join(map(str, rows))
    if any(row.accuses for row in rows):
        raise GradientError(f"a derivative of {_name(f)} is not right\n{said}")
    if any(row.verdict is Verdict.UNDECIDED for row in rows):
        raise UndecidedError(f"not every derivative of {_name(f)} could be judged\n{said}")
    if all(row.verdict is None for row in rows):
        raise TypeError(f"{_name(f)} has no derivative of a mode that was asked for\n{said}")


def _rows(
    question: Question,
    plain: Plain | None,
    order: int,
    modes: Sequence[str],
    options: Options,
    *,
    before: str,
) -> Iterator[Row]:
    for mode in modes:
        name = f"{WORDS[mode]}{before}"
        found = list(_derivative(question, plain, mode, name, options))
        yield from found
        if order > 1 and not any(row.verdict is None and row.name == name for row in found):
            following = None if plain is None else replace(plain, question=_next(plain.question, mode))
            after = f" of the {name}"
            then = replace(options, seed=options.seed + 1)
            yield from _rows(_next(question, mode), following, order - 1, modes, then, before=after)


def _next(question: Question, mode: str) -> Question:
    """Return the derivative as a function of its own, of inputs and of cotangents or directions."""
    outputs = question.outputs(wide=False)
    if mode == "rev":
        names = [f"cotangent {k}" for k in range(len(outputs))]
    else:
        names = [f"direction of {name}" for name in question.names]
    given = seeds_of(question, mode, drawn(outputs, 3), drawn(question.point, 4))

    return Question(
        _derivatives(question, mode),
        [*question.point, *given],
        [*question.names, *names],
        _derivatives(question.without_rules(), mode),
    )


def _derivatives(question: Question, mode: str) -> Callable[..., Any]:
    """Return the function of inputs and of cotangents or directions that gives the derivatives alone."""
    function, outputs = MODES[mode](question), len(question.outputs(wide=False))

    def derivatives(*arrays: Any) -> Any:
        return function(*arrays)[outputs:]

    return derivatives


def _derivative(
    question: Question, plain: Plain | None, mode: str, name: str, options: Options
) -> Iterator[Row]:
    """Yield the rows about one way to differentiate."""
    seed = options.seed
    outputs = drawn(question.outputs(wide=False), 2 * seed)
    inputs = drawn(question.point, 2 * seed + 1)
    seeds = seeds_of(question, mode, outputs, inputs)
    refused = _refused(question, mode, seeds)
    if refused is not None:
        yield replace(refused, name=name)
        return
    if not _same_twice(question):
        said = "the function is not deterministic: asked twice, it returns different values"
        yield Row(name, Verdict.UNDECIDED, said)
        return
    if plain is not None:
        yield from reference_rows(name, question, plain, mode, outputs=outputs, inputs=inputs)
        own, right = None, False
    else:
        drawings: dict[str, Any] = {"outputs": outputs, "inputs": inputs, "seed": seed}
        traces, formula = _judged_or_measured(question, name, mode, **drawings)
        triangle = None if formula.verdict is Verdict.RIGHT else one_triangle(question)
        if triangle is not None:
            question, traces, formula = _of_one_triangle(triangle, name, mode, **drawings)
        yield formula
        own = next((traced for traced, wide in traces if not wide), None)
        right = formula.verdict is Verdict.RIGHT and not (traces and traces[0][0].refuted)
        alone = next((traced.alone for traced, _ in traces if traced.alone), None)
        if right and alone and options.shapes:
            yield Row(f"{name} at other numbers", Verdict.UNDECIDED, alone)
    for row in number_rows(question, mode, own, seeds, right=right):
        yield replace(row, name=f"{name} {row.name}")


def _judged_or_measured(
    question: Question, name: str, mode: str, *, outputs: Sequence[Any], inputs: Sequence[Any], seed: int
) -> tuple[list[tuple[Trace, bool]], Row]:
    """Judge by formulas; what they leave open, by differences."""
    traces, formula = _formula(question, name, mode, outputs, inputs)
    undefined = [why for traced, _ in traces for why in traced.undefined]
    if undefined:
        formula = Row(name, Verdict.UNDECIDED, undefined[0])
        if not any(traced.ambiguous for traced, _ in traces):
            row = measured_row(name, question, mode, outputs, seed)
            formula = replace(row, said=f"{row.said} ({undefined[0]})") if row.accuses else formula
    elif formula.verdict is Verdict.UNDECIDED:
        row = measured_row(name, question, mode, outputs, seed)
        if row.accuses and any(traced.near_a_limit for traced, _ in traces):
            row = Row(name, Verdict.UNDECIDED, TO_ITS_END)
        elif row.accuses and _is_a_choice(question, mode, traces, seeds_of(question, mode, outputs, inputs)):
            row = Row(name, Verdict.UNDECIDED, MEET)
        elif row.accuses and FOR_THE_OTHER in formula.said:
            row = Row(name, Verdict.UNDECIDED, "the gradient is the derivative of the other formula")
        elif row.verdict is not Verdict.RIGHT and mode == "rev" and formula.said.startswith(NOT_TRACED):
            row = _by_numbers(question, traces, outputs, seed, row)
        formula = replace(row, said=f"{row.said} (the formula was not judged: {formula.said})")
    return traces, formula


def _is_a_choice(
    question: Question, mode: str, traces: Sequence[tuple[Trace, bool]], seeds: Sequence[Any]
) -> bool:
    """Whether a derivative at a kink is one that somebody may choose.

    It is if one choice at all ties makes the formulas equal, or if JAX has it, to half of its digits, without
    the function's rules: for each operation it chooses one.
    """
    if not any(traced.kinks for traced, _ in traces):
        return False
    if any(traced.by_choice for traced, _ in traces):
        return True
    plain = computed(question.without_rules(), mode, seeds)
    pairs = zip(computed(question, mode, seeds)(question.point), plain(question.point), strict=True)
    half = float(jnp.finfo(question.narrowest).eps) ** 0.5
    return all(
        np.allclose(x, y, rtol=0, atol=half * float(np.abs(y).max(initial=0)), equal_nan=True)
        for x, y in pairs
    )


def _by_numbers(
    question: Question, traces: Sequence[tuple[Trace, bool]], outputs: Sequence[Any], seed: int, row: Row
) -> Row:
    """Ask the function's own formula, where the gradient alone may not be traced and differences do not do.

    It is exact at the point, and holds where it says right and differences accuse. It is asked in float64: of
    a narrow function a gradient may keep what it computes with in its own format.
    """
    wide = next((traced for traced, is_wide in traces if is_wide), None)
    if wide is None or question.narrowest not in {"float64", "float32"} or conventions(question):
        return row
    found = numbers_by_forward(wide, outputs, seed)
    if found.verdict is Verdict.RIGHT:
        return settled(row.name, question, outputs, found.said)
    return Row(row.name, Verdict.WRONG, found.said) if found.verdict and not row.accuses else row


def _of_one_triangle(
    triangle: OneTriangle, name: str, mode: str, *, outputs: Sequence[Any], inputs: Sequence[Any], seed: int
) -> tuple[Question, list[tuple[Trace, bool]], Row]:
    """Judge a function that reads one triangle of a matrix, along symmetric ones.

    One that is wrong along them is wrong. One that is right along them is right, if what it has beside that
    stands for nothing else, or is what half of the derivative in each triangle makes of it.
    """
    for question in (triangle.along, triangle.symmetrised if triangle.fits else None):
        if question is None:
            continue
        traces, row = _judged_or_measured(question, name, mode, outputs=outputs, inputs=inputs, seed=seed)
        along = question is triangle.along
        right = row.verdict is Verdict.RIGHT and triangle.fits and (triangle.alone or not along)
        if right or (along and row.accuses):
            return question, traces, replace(row, said=f"{row.said}; {triangle.said}")
    return triangle.symmetrised, [], Row(name, Verdict.UNDECIDED, by_convention(triangle.said))


def _refused(question: Question, mode: str, seeds: Sequence[Any]) -> Row | None:
    """Say why there is no derivative: the function does not claim it, or its rule raises."""
    question.function(*question.point)  # what this raises is no derivative's
    try:
        MODES[mode](question)(*question.point, *seeds)
    except NotImplementedError as error:
        return Row("", None, first_line(error))
    except (TypeError, ValueError) as error:
        if any(said in str(error) for said in UNSUPPORTED):
            return Row("", None, first_line(error))
        return Row("", Verdict.ERROR, f"the derivative raises {type(error).__name__}: {first_line(error)}")
    return None


def _formula(
    question: Question, name: str, mode: str, outputs: Sequence[Any], inputs: Sequence[Any]
) -> tuple[list[tuple[Trace, bool]], Row]:
    """Trace, and judge the formulas.

    Where JAX's own derivative of a derivative says nothing, as at a loop or where a rule avoids what is not
    finite, the derivative of the rule itself is what there is, unless it stops gradients.
    """
    traces: list[tuple[Trace, bool]] = []
    try:
        traces = list(_traces(question, mode))
        row = _judged(question, name, mode, traces, outputs=outputs, inputs=inputs)
    except (TypeError, ValueError, NotImplementedError) as error:
        row = Row(name, Verdict.UNDECIDED, f"{NOT_TRACED}{first_line(error)}")
    if row.verdict is Verdict.UNDECIDED and question.plainly is not None and not question.meant:
        itself = replace(question, plainly=None)
        if not _stops(itself):
            traces = list(_traces(itself, mode))
            row = _judged(itself, name, mode, traces, outputs=outputs, inputs=inputs)
    return traces, row


def _stops(question: Question) -> bool:
    """Whether the function stops a gradient somewhere: its differences see through that."""
    return STOP in primitives(jax.make_jaxpr(question.function)(*question.point))


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


def _judged(
    question: Question,
    name: str,
    mode: str,
    traces: Sequence[tuple[Trace, bool]],
    *,
    outputs: Sequence[Any],
    inputs: Sequence[Any],
) -> Row:
    """Judge the formulas: the first is what is said, the others may accuse."""
    rows: list[Row] = []
    for traced, _ in traces:
        if rows and alike(traced.primal, traces[0][0].primal) and alike(traced.derived, traces[0][0].derived):
            continue  # one formula, in two dtypes
        try:
            row = formula_row(name, mode, traced, outputs, inputs)
            if row.verdict is Verdict.RIGHT and not question.meant:
                beside = value_row(name, mode, traced, outputs, inputs)
                if beside.verdict is not Verdict.RIGHT:
                    row = Row(name, beside.verdict, f"the value that the rule computes: {beside.said}")
        except NotTracedError as error:
            row = Row(name, Verdict.UNDECIDED, f"{NOT_TRACED}{error}")
        if row.verdict is Verdict.WRONG or (rows and traced.differs):
            return row
        rows.append(row)
    return rows[0]


def _name(function: Callable[..., Any]) -> str:
    return str(getattr(function, "__name__", None) or type(function).__name__)
