"""A kernel that cannot be traced, judged by the trace of its plain version."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb

from nn_from_scratch.verify.functions.traced import NotTraced, trace_subject
from nn_from_scratch.verify.functions.tracing.arrays.ended import TraceEndedError
from nn_from_scratch.verify.functions.tracing.arrays.runs import Pass, Subject
from nn_from_scratch.verify.functions.tracing.constants import UNIT, Reading
from nn_from_scratch.verify.functions.tracing.local import TINY
from nn_from_scratch.verify.functions.tracing.shadows import Numbers, Shadow, exactly_computing, value
from nn_from_scratch.verify.judging.verdicts import Verdict
from nn_from_scratch.verify.oracles.taylor import working
from nn_from_scratch.verify.questions.formats import FORMATS

SPARE = 2
"""Bits fewer that the tolerance is computed with: each operation is charged four roundings."""

TELLS = 16
"""How much smaller than the largest entry a tolerance is that still tells something."""

Layer = tuple[Callable[..., tuple[Any, Any]], Callable[..., Any]]


@dataclass(frozen=True, slots=True)
class Judged:
    """What was found of a kernel: the worst verdict of any entry, and the error there over the tolerance."""

    verdict: Verdict
    message: str
    ratio: float

    def __bool__(self) -> bool:
        """Whether it is right."""
        return self.verdict is Verdict.RIGHT


def check_kernel(
    forward: Callable[..., tuple[Any, Any]],
    backward: Callable[..., Any],
    inputs: Sequence[Any],
    *,
    reference: Layer,
    compute: str | None = None,
    stored: str | None = None,
    seed: int = 0,
) -> Judged | NotTraced:
    """Judge a kernel's values and gradients by the exact ones of its plain version, within its own rounding.

    Parameters
    ----------
    forward, backward
        The kernel, compiled or not: as for `trace_backward`.
    inputs
        Arrays; those of floating point are differentiated.
    reference
        A plain forward and backward in numpy, of the same signatures. It is traced, and must itself be right.
    compute
        The format that the kernel computes in: by default that of its results. Say ``"float32"`` if it stores
        less than it computes with.
    stored
        The format of its results, where that is not their dtype: numpy has no bfloat16.
    seed
        Which random cotangents.

    Returns
    -------
    Judged or NotTraced
        RIGHT within the rounding of the plain version's operations, in any order of summation; INACCURATE if
        at least half of the digits hold; WRONG beyond; UNDECIDED where rounding may change almost all digits.
        NotTraced if the plain version cannot be traced, is not right, or answers something else.

    """
    kernel = Subject(forward, backward, tuple(inputs))
    plain = Subject(*reference, tuple(inputs))
    try:
        rng = np.random.default_rng(seed)
        outputs = kernel.plainly().outputs
        kernel.cotangents = [rng.choice([-1.0, 1.0], y.shape).astype(y.dtype) for y in outputs]
    except TraceEndedError as error:
        return NotTraced(str(error))
    return judge_by_plain(kernel, plain, compute, stored, seed)


def judge_by_plain(
    kernel: Subject,
    plain: Subject,
    compute: str | None,
    stored: str | None,
    seed: int,
    *,
    scalar: bool = False,
) -> Judged | NotTraced:
    """Judge a kernel that has its cotangents by its plain forward and backward, which must be right."""
    found = trace_subject(plain.at(plain.inputs), seed=seed, shapes=False, scalar=scalar)
    if isinstance(found, NotTraced):
        return NotTraced(f"the reference: {found.reason}")
    if found.verdict is not Verdict.RIGHT:
        return NotTraced(f"the reference itself is {found.verdict}: {found.message}")
    plain.cotangents = kernel.cotangents
    return judge_within_rounding(kernel, plain.balls, compute, stored)


def judge_within_rounding(
    kernel: Subject,
    computed: Callable[[Reading], Pass],
    compute: str | None,
    stored: str | None,
    spare: int = SPARE,
) -> Judged | NotTraced:
    """Judge a kernel by what its plain version gives exactly, and by what it gives in a few bits.

    `computed` runs the plain version in FLINT's present precision; `spare` is how many bits fewer than the
    kernel's it is given for the tolerance.
    """
    try:
        own = kernel.plainly()
        formats = [stored or str(y.dtype) for y in (*own.outputs, *own.gradients)]
        if unknown := {compute or formats[0], *formats} - set(FORMATS):
            return NotTraced(f"the rounding of {min(unknown)} is not known")
        with exactly_computing():
            exact = computed(Reading.RECOGNISED)
        if len(own.outputs) != len(exact.output_shadows):
            counts = f"{len(own.outputs)} outputs, its reference {len(exact.output_shadows)}"
            return NotTraced(f"the kernel has {counts}")
        with working(FORMATS[compute or formats[0]].precision - spare, 2):
            rounded = computed(Reading.LITERAL)
    except TraceEndedError as error:
        return NotTraced(str(error))
    with exactly_computing():
        return _worst(kernel, own, exact, rounded, formats)


def _worst(kernel: Subject, own: Pass, exact: Pass, rounded: Pass, formats: list[str]) -> Judged:
    """Judge every array, and return the worst of them."""
    names = [f"y{k}" for k in range(len(own.outputs))] + [
        f"the gradient of {kernel.names[k] if kernel.names else f'x{k}'}" for k in range(len(own.gradients))
    ]
    rows = zip(
        names,
        [*own.outputs, *own.gradients],
        [*exact.output_shadows, *exact.gradient_shadows],
        [*rounded.output_shadows, *rounded.gradient_shadows],
        formats,
        strict=True,
    )
    judged = [judge_array(*row) for row in rows]
    return max(judged, key=lambda found: (found.verdict.severity, found.ratio))


def judge_array(name: str, numbers: Numbers, exact: Shadow, rounded: Shadow, stored: str) -> Judged:
    """Judge one array: every entry within what rounding explains, and told apart from the largest."""
    if numbers.shape != exact.shape:
        return Judged(
            Verdict.WRONG, f"{name} has shape {numbers.shape}, expected {exact.shape}", float("inf")
        )
    unit = UNIT[stored]
    worst = Judged(Verdict.RIGHT, f"{name} is right", 0.0)
    largest = max((float(abs(value(x)).mid()) for x in exact.flat), default=0.0)
    for place, number in np.ndenumerate(numbers):
        true = value(exact[place])
        spread = abs(value(rounded[place]) - true).abs_upper()
        tolerance = float(spread) + 1.01 * unit * float(abs(true).abs_upper()) + 4 * TINY[stored]
        what = f"{name}{list(place) if place else ''}"
        if not np.isfinite(number) and not abs(true) < 2.0 ** (FORMATS[stored].largest_exponent - 1):
            said = f"{what} is {number}, and its reference beyond the range of {stored}"
            found = Judged(Verdict.UNDECIDED, said, 0.0)
        else:
            found = _entry(what, float(number), true, tolerance, largest)
        if (found.verdict.severity, found.ratio) > (worst.verdict.severity, worst.ratio):
            worst = found
    return worst


def _entry(name: str, got: float, true: arb, tolerance: float, largest: float) -> Judged:
    if not true.is_finite():
        return Judged(Verdict.UNDECIDED, f"{name}: the reference is not finite", 0.0)
    shown = f"{name} is {got!r}, expected {float(true.mid())!r}"
    if not np.isfinite(got):
        return Judged(Verdict.WRONG, shown, float("inf"))
    error = float(abs(true - arb(got)).abs_upper())
    if not tolerance * TELLS < max(largest, TELLS * tolerance / 2):
        return Judged(Verdict.UNDECIDED, f"{shown}: rounding may change almost all digits", 0.0)
    ratio = error / tolerance if tolerance else (float("inf") if error else 0.0)
    message = f"{shown}, within {tolerance:.2g}: the error is {ratio:.2g} of what rounding explains"
    if ratio <= 1:
        return Judged(Verdict.RIGHT, message, ratio)
    half = error <= (tolerance * largest) ** 0.5
    return Judged(Verdict.INACCURATE if half else Verdict.WRONG, message, ratio)
