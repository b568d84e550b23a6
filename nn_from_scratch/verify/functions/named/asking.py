"""Asking a function that was found, whosever arrays it takes: rows, single entries, and what fails."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import partial

from nn_from_scratch.verify.functions.named import in_numpy
from nn_from_scratch.verify.functions.named.answer import Answer
from nn_from_scratch.verify.functions.named.code import code_of_functions
from nn_from_scratch.verify.functions.named.entries import Entry, measured_entries
from nn_from_scratch.verify.functions.named.importing import TargetError
from nn_from_scratch.verify.functions.named.numeric import Numeric, numeric
from nn_from_scratch.verify.functions.named.raised import row_of
from nn_from_scratch.verify.functions.named.scripts import Script, script_of
from nn_from_scratch.verify.functions.named.target import Door, Target
from nn_from_scratch.verify.functions.rows import Row
from nn_from_scratch.verify.judging.checking import GradientError, UndecidedError
from nn_from_scratch.verify.judging.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class Failure:
    """A row that accuses, and a script that fails by itself because of it; empty where none is known."""

    row: Row
    script: str


@dataclass(frozen=True, slots=True)
class Found:
    """All that was found about a function."""

    target: Target
    answer: Answer
    numeric: Numeric | None = None
    entries: tuple[Entry, ...] = ()
    failures: tuple[Failure, ...] = ()
    seconds: float = 0.0

    @property
    def rows(self) -> tuple[Row, ...]:
        """What was asked, and what was seen."""
        return self.answer.rows

    @property
    def verdict(self) -> Verdict:
        """What follows from it."""
        return self.answer.verdict

    @property
    def script(self) -> str:
        """A script that fails by itself because of the first failure; empty if there is none."""
        return next((failure.script for failure in self.failures if failure.script), "")

    def __bool__(self) -> bool:
        return self.verdict is Verdict.RIGHT


def ask(target: Target, *, seed: int = 0, again: str = "") -> Found:
    """Ask everything about one function.

    Parameters
    ----------
    target
        The function.
    seed
        Which directions and cotangents are drawn.
    again
        The arguments of the command that asks this again, for scripts that can do no more.

    Raises
    ------
    TargetError
        If the function cannot be asked, or not be called with its inputs.

    """
    if target.missing:
        raise TargetError(target.missing)
    start = time.perf_counter()
    if target.order > 1 and target.door is Door.NUMPY:
        raise TargetError(
            "--order 2 is for functions of PyTorch and JAX: a gradient of numpy has none itself"
        )
    if target.code is None:
        target = replace(target, code=code_of_functions(target.function, target.gradient))
    answer = _answer(target, seed)
    accused = answer.verdict.accuses
    asked = _asked(target, seed)
    entries: list[Entry] = []
    if asked is not None:
        entries, box = measured_entries(asked, seed, accused=accused)
        if box is not None:
            answer.measured.setdefault("noise", box.roughness)
    script = Script(target, asked, tuple(entries), seed, again)
    failures = tuple(Failure(row, script_of(script, row)) for row in _accusing(answer))
    return Found(target, answer, asked, tuple(entries), failures, time.perf_counter() - start)


def not_asked(target: Target, reason: str) -> Found:
    """Return that a function could not be asked, and why: nothing is known of its gradient."""
    return Found(target, Answer.of([Row("numbers", Verdict.UNDECIDED, f"not asked: {reason}")]))


def _accusing(answer: Answer) -> list[Row]:
    """Return the rows that accuse, or all of it as one where none does by itself."""
    if not answer.verdict.accuses:
        return []
    rows = [row for row in answer.rows if row.accuses]
    return rows or [Row("gradient", answer.verdict, answer.said)]


def _answer(target: Target, seed: int) -> Answer:
    match target.door:
        case Door.NUMPY:
            return in_numpy.answer_of(target, seed)
        case Door.PYTORCH:
            from nn_from_scratch.verify.functions.named import in_pytorch  # noqa: PLC0415  slow to import

            ask_the_door = partial(in_pytorch.rows_of, target, seed)
        case Door.JAX:
            from nn_from_scratch.verify.functions.named import in_jax  # noqa: PLC0415  likewise

            ask_the_door = partial(in_jax.rows_of, target, seed)
    try:
        return Answer.of(ask_the_door())
    except TargetError:
        raise
    except UndecidedError as error:
        return Answer.of([Row("numbers", Verdict.UNDECIDED, str(error))])
    except GradientError as error:
        return Answer.of([Row("numbers", Verdict.WRONG, str(error))])
    except Exception as error:  # noqa: BLE001  whatever the function raises
        return Answer.of([row_of(error, "numbers")])


def _asked(target: Target, seed: int) -> Numeric | None:
    """Return the function as numbers; None where it cannot be asked so, which rows have told by then."""
    try:
        return numeric(target, seed)
    except Exception:  # noqa: BLE001  whatever a function or a backward raises
        return None
