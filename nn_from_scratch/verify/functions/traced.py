"""What can be said of a hand-written backward that can be traced: its formula, and its numbers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nn_from_scratch.verify.functions.elsewhere import Elsewhere, examined_elsewhere
from nn_from_scratch.verify.functions.signatures import takes_one_more
from nn_from_scratch.verify.functions.tracing.arrays.by_forward import numbers_by_forward
from nn_from_scratch.verify.functions.tracing.arrays.ended import (
    AtAKinkError,
    FitsHereError,
    NearALimitError,
    OtherFormulaError,
    RoughError,
    TraceEndedError,
)
from nn_from_scratch.verify.functions.tracing.arrays.examine import Along, Examination
from nn_from_scratch.verify.functions.tracing.arrays.runs import Subject
from nn_from_scratch.verify.functions.tracing.by_forward import ByForward
from nn_from_scratch.verify.functions.tracing.rules import Rule, Rules
from nn_from_scratch.verify.functions.tracing.shadows import exactly_computing
from nn_from_scratch.verify.judging.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class NotTraced:
    """Why the formula of a gradient is not known, with the user's line; its numbers may be judged."""

    reason: str
    near_a_limit: float = 0.0
    """By how much of their size the formulas differ, if those of an iteration and of its limit may."""
    of_the_other: bool = False
    """Whether they differ by no more than two that one may take for each other on purpose."""
    rough: float = 0.0
    """Likewise, where they do because the function may be noisy."""
    numbers: ByForward | None = None
    """What the function's own formula says of the gradient's numbers, if only the backward is not traced."""
    by_choice: str | None = None
    """How the formulas compare by the choice at a kink that the numbers do not make, if equal then."""
    alone: str | None = None
    """Why a gradient whose numbers are right is so at the point asked alone, if it is."""

    def __bool__(self) -> bool:
        """Return False: what was not seen is not called right."""
        return False


@dataclass(frozen=True, slots=True)
class Traced:
    """What was found of a backward.

    `verdict` is RIGHT, INACCURATE or WRONG, at the point asked or at another shape, or UNDECIDED where other
    numbers leave it open; `message` says all of what was found at the point. `units` is how far
    the gradient's numbers are from their own formula, in units of the last place of the largest entry of
    each input, and `local` how far any single operation is from its exact value, in roundings. `elsewhere`
    says what was found at drawn inputs of other shapes, `notes` what else is to be known. `unsure` says why
    an equal formula may not be the derivative that is meant: it is at a kink, has steps, or loses its digits;
    `bends` whether that is a kink where the function is continuous, and a choice there gives the gradient.
    `causes` says what in the backward makes it wrong, where that is known; `named` whether wrong entries are.
    `along` is the derivative along a drawn direction, `here` the verdict at the point asked alone.
    `at_other_shapes` is UNDECIDED where a size may be meant as a constant, None where none was taken.
    """

    verdict: Verdict
    rules: Rules
    message: str
    units: float
    local: float
    operations: int
    elsewhere: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())
    causes: tuple[str, ...] = ()
    unsure: str | None = None
    loses_digits: bool = False
    bends: bool = False
    named: bool = False
    along: Along | None = None
    here: Verdict = Verdict.RIGHT
    at_other_shapes: Verdict | None = None

    def __bool__(self) -> bool:
        """Whether the gradient is right."""
        return self.verdict is Verdict.RIGHT

    def __str__(self) -> str:
        """Say it in words."""
        return "\n".join([self.message, *self.elsewhere, *self.notes])


def trace_gradient(
    function: Callable[..., Any],
    gradient: Callable[..., Any],
    inputs: Sequence[Any],
    *,
    seed: int = 0,
    shapes: bool = True,
) -> Traced | NotTraced:
    """Compare the formula of a hand-written gradient with the derivative of its function, exactly.

    Parameters
    ----------
    function
        Maps the inputs to one number.
    gradient
        Maps the same inputs to the gradient: an array for each input of floating point, in a tuple if there
        are several.
    inputs
        Arrays; those of floating point are differentiated, in their own dtype.
    seed
        Which random direction.
    shapes
        Whether drawn inputs of other shapes are asked as well: one where the formulas differ is WRONG there,
        unless a number of it may be one of the sizes given.

    Returns
    -------
    Traced or NotTraced
        What was found, or why the trace does not count.

    """

    def forward(*arrays: Any) -> tuple[Any, Any]:
        given = tuple(x.copy() if isinstance(x, np.ndarray) else x for x in arrays)
        return function(*arrays), given

    takes_cotangent = takes_one_more(gradient, len(inputs), needed=False)

    def backward(cotangent: Any, given: Any) -> Any:
        return gradient(*given, cotangent) if takes_cotangent else gradient(*given)

    subject = Subject(forward, backward, tuple(inputs), users=(function, gradient))
    return trace_subject(subject, seed=seed, shapes=shapes, scalar=not takes_cotangent)


def trace_backward(
    forward: Callable[..., tuple[Any, Any]],
    backward: Callable[..., Any],
    inputs: Sequence[Any],
    *,
    seed: int = 0,
    shapes: bool = True,
) -> Traced | NotTraced:
    """Compare the formula of a layer's backward with the derivative of its forward, exactly.

    Parameters
    ----------
    forward
        Maps the inputs to the output, an array or a tuple of them, and to what is saved for the backward.
    backward
        Maps a cotangent of each output, in a tuple if there are several, and what was saved, to the
        gradients.
    inputs, seed
        As for `trace_gradient`.
    shapes
        Whether drawn inputs of other shapes are asked as well: a layer that is wrong there is WRONG, for one
        of its sizes is a constant.

    Returns
    -------
    Traced or NotTraced
        What was found, or why the trace does not count.

    """
    return trace_subject(Subject(forward, backward, tuple(inputs)), seed=seed, shapes=shapes, scalar=False)


def trace_subject(subject: Subject, *, seed: int, shapes: bool, scalar: bool) -> Traced | NotTraced:
    """Trace a forward and a backward, as `trace_backward`; a `scalar` forward is given no cotangent.

    They are rehearsed first: what is not traced, or is too long, costs little more than one call.
    """
    subject = subject.at([np.asarray(x) if isinstance(x, float) else x for x in subject.inputs])
    with exactly_computing():
        try:
            found = _examined(subject, seed, scalar)
        except TraceEndedError as error:
            numbers = numbers_by_forward(subject, seed, scalar=scalar) if error.in_backward else None
            chosen = error.by_choice if isinstance(error, AtAKinkError) else None
            limit = error.relative if isinstance(error, NearALimitError) else 0.0
            rough = error.relative if isinstance(error, RoughError) else 0.0
            other = isinstance(error, OtherFormulaError)
            alone = error.alone if shapes and isinstance(error, FitsHereError) else None
            return NotTraced(str(error), limit, other, rough, numbers, chosen, alone)
        # What is left out may be all there is at another shape, as the derivative of x / (|x| + 1e-9) of one.
        ask = shapes and not found.verdict.accuses and found.rules.rule is not Rule.LEFT_OUT
        elsewhere = examined_elsewhere(subject, seed, scalar=scalar) if ask else []
        here_alone = found.right_here_alone() if ask else None
        if here_alone:
            elsewhere.append(Elsewhere(Verdict.UNDECIDED, here_alone, decides=True))
    worst = max((x.verdict for x in elsewhere), key=lambda v: v.severity, default=Verdict.RIGHT)
    decided = worst.accuses or any(x.decides for x in elsewhere)
    return Traced(
        worst if decided else found.verdict,
        found.rules,
        found.message,
        found.units,
        found.local_units,
        found.operations,
        tuple(x.said for x in elsewhere),
        tuple(found.notes),
        tuple(found.causes),
        found.unsure,
        found.loses_digits,
        found.bends,
        found.named,
        found.along,
        found.verdict,
        worst if elsewhere else None,
    )


def _examined(subject: Subject, seed: int, scalar: bool) -> Examination:
    # Cotangents are drawn anew, in the shapes of the outputs there.
    examination = Examination(dataclasses.replace(subject, cotangents=()), seed, scalar=scalar)
    examination.run()
    examination.explain()
    return examination
