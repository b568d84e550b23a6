"""All that is found about the gradient of one function of PyTorch's tensors."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from nn_from_scratch.verify.functions.black_box import MANY
from nn_from_scratch.verify.functions.pytorch.by_forward import numbers_by_forward
from nn_from_scratch.verify.functions.pytorch.contract import CONTRACT, gradient_and_changes
from nn_from_scratch.verify.functions.pytorch.conventions import convention
from nn_from_scratch.verify.functions.pytorch.differences import difference
from nn_from_scratch.verify.functions.pytorch.earlier import is_repeated
from nn_from_scratch.verify.functions.pytorch.elsewhere import (
    NUMBERS,
    numbers_row,
    shapes_row,
    smaller_row,
    values_row,
)
from nn_from_scratch.verify.functions.pytorch.formula import Formula, NotCompared, detaches, trace
from nn_from_scratch.verify.functions.pytorch.measured import NAME, measure, widened
from nn_from_scratch.verify.functions.pytorch.question import (
    NotAskedError,
    Pass,
    Question,
    Tensors,
    copied,
    cotangents,
)
from nn_from_scratch.verify.functions.pytorch.reference import by_reference, format_of
from nn_from_scratch.verify.functions.pytorch.traced import numbers_of_formula, rules, value_row
from nn_from_scratch.verify.functions.pytorch.tracing.size import TOO_LARGE
from nn_from_scratch.verify.functions.pytorch.tracing.tracer import Progress
from nn_from_scratch.verify.functions.pytorch.transforms import TRANSFORMS
from nn_from_scratch.verify.functions.pytorch.triangles import OneTriangle, one_triangle
from nn_from_scratch.verify.functions.pytorch.ways import Allowed, Asked
from nn_from_scratch.verify.functions.rows import Row, first_line
from nn_from_scratch.verify.functions.tracing.approximations import FOR_THE_OTHER
from nn_from_scratch.verify.functions.tracing.repetition import ITERATES, TO_ITS_END
from nn_from_scratch.verify.functions.tracing.rules import Rule
from nn_from_scratch.verify.judging.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class Report:
    """The rows: the numbers first, then the contract of a backward, then the transformations asked for."""

    rows: tuple[Row, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of all rows; of none, UNDECIDED."""
        verdicts = [row.verdict for row in self.rows if row.verdict is not None]
        return max(verdicts, key=lambda x: x.severity, default=Verdict.UNDECIDED)

    def __str__(self) -> str:
        return "\n".join(map(str, self.rows))

    def __bool__(self) -> bool:
        return self.verdict is Verdict.RIGHT


def examine(
    function: Callable[..., Any],
    inputs: Any,
    *,
    transforms: Sequence[str] = tuple(TRANSFORMS),
    backward: bool = True,
    nondeterminism: float = 0.0,
    undefined: bool = True,
    dtypes: bool = False,
    expected: Callable[..., Any] | None = None,
    reference: Callable[..., Any] | None = None,
    compute: str | None = None,
    shapes: bool = True,
    progress: Progress | None = None,
    seed: int = 0,
) -> Report:
    """Examine a function's gradient: its numbers, its contract, and the transformations it may claim.

    Parameters
    ----------
    function, inputs
        As `torch.autograd.gradcheck` takes them; a `torch.nn.Module` is asked for its parameters too, and
        tensors may stand in tuples, lists and dicts. Every floating dtype is checked.
    transforms
        Which of `TRANSFORMS` to ask for. A function that does not claim one has a row "not supported".
    backward
        Whether to ask for the backward at all.
    nondeterminism
        By how much two backward passes may differ, absolutely.
    undefined
        Whether to leave cotangents out.
    dtypes
        Whether a backward that returns another dtype than its input's is wrong.
    expected
        A function of the same inputs whose derivative the gradient is meant to be in place of the function's
        own: ``lambda x: x`` for a straight-through rounding, ``lambda x: -x`` for a reversed gradient.
    reference
        A plain version of a function that cannot be traced, as of a kernel: values and gradients are judged
        by the exact ones of this, within the rounding of its operations.
    compute
        The format that such a function computes in: "float64", "float32", "float16" or "bfloat16". By default
        the widest dtype of its inputs.
    shapes
        Whether drawn inputs of other shapes are asked as well, where the function takes them, and other
        numbers where an input is 0, 1 or -1 throughout, which hides a factor or a term.
    progress
        Called as progress(numbers, line) where a trace is long: how many numbers were traced, and for which
        line of the function.
    seed
        Which cotangents and directions are drawn.

    Returns
    -------
    Report
        True if nothing is wrong or undecided; a row for each thing that was asked.

    Raises
    ------
    ValueError
        If no input requires a gradient, what is expected returns outputs of other shapes, or `compute` is no
        format.

    """
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        try:
            question = Question(function, inputs, expected, elsewhere=seed)
            plain = None
            if reference is not None:
                plain = Question(reference, inputs), format_of(question, compute)
            allowed = Allowed(nondeterminism, undefined, dtypes)
            promises = {**(CONTRACT if backward else {}), **{name: TRANSFORMS[name] for name in transforms}}
            ask = _Ask(backward, plain, shapes, progress)
            return Report(tuple(_rows(question, promises, ask, allowed, seed)))
        except NotAskedError as reason:
            return Report((Row(NAME, Verdict.UNDECIDED, str(reason)),))


@dataclass(frozen=True, slots=True)
class _Ask:
    """What is asked beside promises: the gradient itself, by a plain version and its format, elsewhere."""

    backward: bool
    plain: tuple[Question, str] | None
    shapes: bool
    progress: Progress | None


def _rows(
    question: Question,
    promises: dict[str, Callable[[str, Asked], Row]],
    ask: _Ask,
    allowed: Allowed,
    seed: int,
) -> Iterator[Row]:
    before = list(map(copied, question.tensors)) if question.inside else question.tensors
    found = question.run()
    outputs = found.outputs or found.plain
    if not outputs:
        yield Row(NAME, Verdict.UNDECIDED, "no output is a tensor of floating point: nothing was checked")
        return
    demand_numbers(question.tensors, outputs)
    moving = _not_deterministic(question, found)
    if moving:
        meant = convention(question)
        yield Row(NAME, Verdict.UNDECIDED, f"{moving} ({meant})" if meant else moving)
        return
    given = cotangents(outputs, seed)
    try:
        gradient, changed = gradient_and_changes(question, found, before, list(map(copied, given)))
    except Exception as error:  # noqa: BLE001  whatever a backward raises
        yield raised(NAME, error)
        return
    repeated = is_repeated(question.elsewhere, gradient)
    question.elsewhere = None  # it has as many numbers as the inputs
    asked = Asked(question, found, given, gradient, seed, allowed, changed, repeated)
    triangle = one_triangle(question)
    if ask.backward and ask.plain is not None:
        yield from by_reference(asked, *ask.plain)
    elif ask.backward and triangle is not None:
        yield from _of_one_triangle(asked, ask, triangle)
    elif ask.backward:
        yield from _rules_and_numbers(asked, ask)
    for name, promise in promises.items():
        if triangle is None or name not in TRANSFORMS:
            yield _settled(name, promise, asked)
        elif triangle.along is not None and triangle.fits:
            yield _settled(name, promise, _instead(asked, triangle.along))
        else:
            row = _settled(name, promise, asked)
            yield Row(name, Verdict.UNDECIDED, _MAKE.format(triangle.said)) if row.accuses else row


_MAKE = "it is the derivative along {}, by convention: make the matrix that within the function"


def _instead(asked: Asked, question: Question) -> Asked:
    """Return what is asked of another function of the same inputs."""
    found = question.run()
    return replace(asked, question=question, found=found, gradient=found.gradient(asked.cotangents))


def _of_one_triangle(asked: Asked, ask: _Ask, triangle: OneTriangle) -> Iterator[Row]:
    """Judge a function that reads one triangle of a matrix: as it is, or along such matrices.

    A gradient that is wrong along them is wrong. One that is right along them is right, if what it has beside
    that stands for nothing else, or is what half of the derivative in each triangle makes of it.
    """
    said, ask_here = _MAKE.format(triangle.said), replace(ask, shapes=False)
    plainly = _rules_and_numbers(asked, ask)
    if triangle.symmetrised is None:
        yield from (Row(row.name, Verdict.UNDECIDED, said) if row.accuses else row for row in plainly)
        return
    first = next(plainly)
    if first.verdict is Verdict.RIGHT:
        yield first
        yield from plainly
        return
    for question in (triangle.along, triangle.symmetrised if triangle.fits else None):
        if question is None:
            continue
        try:
            rows = _rules_and_numbers(_instead(asked, question), ask_here)
            told = [next(rows)]
            if told[0].verdict is None:
                told += rows
        except Exception as error:  # noqa: BLE001  it is not defined there
            said = f"{said} (there it raises {type(error).__name__}: {first_line(error)})"
            continue
        along = question is triangle.along
        settled = _right(told) and triangle.fits and (triangle.alone or not along)
        if settled or (along and any(row.accuses for row in told)):
            yield from (replace(row, said=f"{row.said}; along {triangle.said}") for row in (*told, *rows))
            return
    yield Row(NAME, Verdict.UNDECIDED, said)


def _right(rows: Sequence[Row]) -> bool:
    verdicts = {row.verdict for row in rows} - {None}
    return verdicts == {Verdict.RIGHT}


def _rules_and_numbers(asked: Asked, ask: _Ask) -> Iterator[Row]:
    """Trace; where that says nothing, or says wrong, ask differences as well."""
    question, given, gradient, seed = asked.question, asked.cotangents, asked.gradient, asked.seed
    found = trace(question, given, seed, ask.progress)
    row = rules(found, question, asked.allowed.nondeterminism)
    meant = convention(question) if row.accuses else None
    if meant:
        row = Row(row.name, Verdict.UNDECIDED, meant)
    yield row
    value = value_row(found, question, asked.found.outputs or asked.found.plain)
    if value is not None:
        yield value
    elif isinstance(found, Formula) and row.verdict is Verdict.RIGHT:
        yield numbers_of_formula(NAME, found, question, gradient)
        if ask.shapes and found.rules.rule not in {Rule.DIFFERENT, Rule.LEFT_OUT}:
            alone = Row(NUMBERS, Verdict.UNDECIDED, found.here_alone) if found.here_alone else None
            elsewhere = shapes_row(question, seed), alone or numbers_row(question, seed)
            yield from (row for row in elsewhere if row is not None)
    else:
        yield from _by_differences(asked, ask, found, row, meant)


def _by_differences(
    asked: Asked, ask: _Ask, found: Formula | NotCompared, row: Row, meant: str | None
) -> Iterator[Row]:
    """Ask differences where the formula, of which `row` tells, says nothing or wrong.

    `meant` says what convention may make it right.
    """
    question, given, gradient, seed = asked.question, asked.cotangents, asked.gradient, asked.seed
    reason, by_code = (found.reason, found.by_code) if isinstance(found, NotCompared) else ("", False)
    smaller = smaller_row(question, seed) if reason == TOO_LARGE else None
    if smaller is not None:
        yield smaller
    wide = widened(question)
    measured = measure(question, wide, given, gradient, seed)
    if row.verdict is None and measured.verdict is not Verdict.RIGHT:
        meant = convention(question)
    if measured.verdict is not Verdict.RIGHT and meant:
        measured = Row(NAME, Verdict.UNDECIDED, meant)
    if measured.verdict is not Verdict.RIGHT and ITERATES in reason:
        measured = Row(NAME, Verdict.UNDECIDED, f"{reason}: {TO_ITS_END}")
    if measured.accuses and FOR_THE_OTHER in reason:
        measured = Row(
            NAME, Verdict.UNDECIDED, f"{reason}: the gradient is the derivative of the other formula"
        )
    if measured.accuses and detaches(question):
        said = "the function detaches or computes without gradients, and differences see through that"
        measured = Row(NAME, None if row.verdict else Verdict.UNDECIDED, said)
    if measured.verdict is not Verdict.RIGHT and not meant and by_code:
        measured = _by_numbers(asked, wide, ask.progress, measured)
    yield measured
    if ask.shapes and measured.verdict is Verdict.RIGHT:
        yield from _beyond_the_numbers(question, seed, unknown=isinstance(found, Formula) and not row.verdict)


def _beyond_the_numbers(question: Question, seed: int, *, unknown: bool) -> Iterator[Row]:
    """Ask elsewhere what right numbers may hide here; `unknown` says that the formula is not known here."""
    found = shapes_row(question, seed, unknown=True) if unknown else None
    if found is None and sum(x.numel() for x in question.tensors) <= MANY:
        found = values_row(question, seed)
    if found is not None:
        yield found


def _by_numbers(asked: Asked, wide: Question | str, progress: Progress | None, measured: Row) -> Row:
    """Ask the function's own formula, where the backward alone may not be traced and differences do not do.

    It is exact at the point, and holds where it says right and differences accuse. A function that takes
    float64 is asked there as well: it is right if it is so in both, and wrong if it is in float64 and not
    right in its own dtypes, in which it may keep what it computes with.
    """
    first = numbers_by_forward(asked.question, asked.cotangents, asked.seed, progress)
    found = [first]
    if isinstance(wide, Question) and wide is not asked.question:
        given = [x.double() for x in asked.cotangents]
        found.append(numbers_by_forward(wide, given, asked.seed, progress))
    if all(x.verdict is Verdict.RIGHT for x in found):
        return Row(NAME, Verdict.RIGHT, first.said)
    last = found[-1]
    if last.verdict is Verdict.WRONG and first.verdict is not Verdict.RIGHT and not measured.accuses:
        return Row(NAME, Verdict.WRONG, last.said)
    return measured


def _in_float64(asked: Asked) -> Asked | None:
    """Return the same in float64, unless it is that already, or cannot be asked there."""
    wide = widened(asked.question)
    if isinstance(wide, str) or all(x.dtype == torch.float64 for x in asked.question.tensors):
        return None
    found = wide.run()
    given = [x.double() for x in asked.cotangents]
    return replace(asked, question=wide, found=found, cotangents=given, gradient=found.gradient(given))


def demand_numbers(inputs: Tensors, outputs: Tensors) -> None:
    """Ask nothing of a function of which no number could be compared."""
    for kind, tensors in (("input that requires a gradient", inputs), ("output", outputs)):
        if not any(x.numel() for x in tensors):
            raise NotAskedError(f"every {kind} is empty: nothing was compared")


def raised(name: str, error: Exception) -> Row:
    """Return what a backward's exception says: that there is no derivative, or that the backward fails."""
    said = f"the backward raises {type(error).__name__}: {error}"
    return Row(
        name, None if isinstance(error, NotImplementedError) or _NO_DERIVATIVE(said) else Verdict.ERROR, said
    )


_NO_DERIVATIVE = re.compile(
    "derivative for .* is not implemented|no autograd formula was registered|"
    "use_reentrant=True, .* is incompatible with .grad"
).search
"""What PyTorch says of what it does not differentiate, or not for inputs of one's choice."""


def _settled(name: str, promise: Callable[[str, Asked], Row], asked: Asked) -> Row:
    """Ask for a promise; what the digits of a narrow dtype leave open, in float64."""
    row = promise(name, asked)
    asked_wide = _in_float64(asked) if row.verdict is Verdict.UNDECIDED else None
    if asked_wide is None:
        return row
    wide = promise(name, asked_wide)
    return wide if wide.accuses else row


def _not_deterministic(question: Question, found: Pass) -> str | None:
    ours = found.outputs or found.plain
    if question.values is not None and _gap(question.values, ours) == 0.0:
        return None
    again = question.run()  # the first call was watched, and what is compiled may run otherwise then
    gap = _gap(again.outputs or again.plain, ours)
    if gap is None:
        return "not deterministic: two calls return outputs of unlike number or shape"
    if not gap:
        question.values = list(map(copied, ours))
        return None
    return (
        f"not deterministic: two calls with the same inputs return values that differ by {gap:.2g} of the "
        "largest; give the function the random numbers that it draws, or seed it within"
    )


def _gap(ours: Tensors, theirs: Tensors) -> float | None:
    """Return by how much outputs differ, relative to the largest; None if they do in number or shape."""
    if [x.shape for x in ours] != [x.shape for x in theirs]:
        return None
    return max(difference(x, y) for x, y in zip(ours, theirs, strict=True))
