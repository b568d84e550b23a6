"""What can be said of a hand-written backward that can be traced: its formula, and its numbers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nn_from_scratch.verify.functions.inputs import takes_one_more
from nn_from_scratch.verify.functions.tracing.arrays.examine import PLAIN_TO_SEE, Examination
from nn_from_scratch.verify.functions.tracing.arrays.runs import Subject
from nn_from_scratch.verify.functions.tracing.arrays.shapes import other_inputs
from nn_from_scratch.verify.functions.tracing.arrays.trace import TraceEndedError
from nn_from_scratch.verify.functions.tracing.rules import Rule, Rules
from nn_from_scratch.verify.functions.tracing.shadows import exactly_computing
from nn_from_scratch.verify.judging.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class NotTraced:
    """Why the formula of a function is not known, with the user's line; nothing is said of its gradient."""

    reason: str

    def __bool__(self) -> bool:
        """Return False: what was not seen is not called right."""
        return False


@dataclass(frozen=True, slots=True)
class Traced:
    """What was found of a backward.

    `verdict` is RIGHT, INACCURATE or WRONG, at the point asked; `message` says all of it. `units` is how far
    the gradient's numbers are from their own formula, in units of the last place of the largest entry of
    each input, and `local` how far any single operation is from its exact value, in roundings. `elsewhere`
    says what was found at drawn inputs of other shapes, `notes` what else is to be known.
    """

    verdict: Verdict
    rules: Rules
    message: str
    units: float
    local: float
    operations: int
    elsewhere: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())

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
        Whether drawn inputs of other shapes are asked as well; what they show is told, and changes no
        verdict.

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
    return _trace(subject, seed=seed, shapes=shapes, scalar=not takes_cotangent)


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
    return _trace(Subject(forward, backward, tuple(inputs)), seed=seed, shapes=shapes, scalar=False)


def _trace(subject: Subject, *, seed: int, shapes: bool, scalar: bool) -> Traced | NotTraced:
    subject = subject.at([np.asarray(x) if isinstance(x, float) else x for x in subject.inputs])
    with exactly_computing():
        try:
            found = _examined(subject, seed, scalar)
        except TraceEndedError as error:
            return NotTraced(str(error))
        ask = shapes and not found.verdict.accuses
        elsewhere = _elsewhere(subject, seed, scalar) if ask else []
    worst = max((verdict for verdict, _ in elsewhere), key=lambda v: v.severity, default=Verdict.RIGHT)
    return Traced(
        worst if worst.accuses and not scalar else found.verdict,
        found.rules,
        found.message,
        found.units,
        found.local_units,
        found.operations,
        tuple(message for _, message in elsewhere),
        tuple(found.notes),
    )


def _examined(subject: Subject, seed: int, scalar: bool) -> Examination:
    # Cotangents are drawn anew, in the shapes of the outputs there.
    examination = Examination(dataclasses.replace(subject, cotangents=()), seed, scalar=scalar)
    examination.run()
    return examination


def _elsewhere(subject: Subject, seed: int, scalar: bool) -> list[tuple[Verdict, str]]:
    """Ask at inputs of other shapes; where the function does not take them, nothing is said."""
    found: list[tuple[Verdict, str]] = []
    for drawn in other_inputs(subject.inputs, seed):
        sizes = ", ".join(str(x.shape) for x in drawn if isinstance(x, np.ndarray))
        try:
            there = _examined(subject.at(drawn), seed, scalar)
        except TraceEndedError:
            continue
        if there.rules.rule is Rule.DIFFERENT and there.rules.comparison.relative > PLAIN_TO_SEE:
            message = f"at drawn inputs of shape {sizes}, forward and backward differ: is a size a constant?"
            found.append((Verdict.WRONG, message))
        elif there.rules.rule is Rule.EQUAL:
            found.append((Verdict.RIGHT, f"at inputs of shape {sizes}: {there.rules}"))
    return found
