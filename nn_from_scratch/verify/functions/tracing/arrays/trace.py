"""What one run of a user's function under the tracer knows: how to read constants, and what was seen."""

from __future__ import annotations

import linecache
import os
import sys
import sysconfig
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
from flint import arb

from nn_from_scratch.verify.functions.tracing.approximations import (
    alike,
    approximation,
    is_fitted,
    is_grid,
    stopped,
)
from nn_from_scratch.verify.functions.tracing.arrays.ended import NearALimitError, TraceEndedError
from nn_from_scratch.verify.functions.tracing.arrays.masks import Mask
from nn_from_scratch.verify.functions.tracing.arrays.watch import Watch
from nn_from_scratch.verify.functions.tracing.constants import (
    UNIT,
    Reading,
    all_recognised,
    format_name,
    is_certain,
    moved_entries,
    read,
    rounded_entries,
    unit_roundoff,
)
from nn_from_scratch.verify.functions.tracing.local import LocalCheck
from nn_from_scratch.verify.functions.tracing.mending import Mend, Step
from nn_from_scratch.verify.functions.tracing.moving import of_input
from nn_from_scratch.verify.functions.tracing.repetition import Repetitions
from nn_from_scratch.verify.functions.tracing.shadows import (
    Numbers,
    Shadow,
    either_moves,
    exact,
    nearest,
    of_entries,
    same_entries,
    same_slopes,
    slopes,
)

_SUITE = str(Path(__file__).parents[4]) + os.sep
_LIBRARIES = (
    _SUITE,
    str(Path(np.__file__).parent) + os.sep,
    sysconfig.get_paths()["stdlib"] + os.sep,
    sysconfig.get_paths()["purelib"] + os.sep,
    sysconfig.get_paths()["platlib"] + os.sep,
)
"""Where code is not the user's."""

NEAR = 2.0**10
"""Two numbers that differ by so many roundings or fewer are near a tie: another formula may turn them."""

MOVED = 16
"""By so many roundings of the inputs a point may be beside a tie that a formula is at."""

MOST_OPERATIONS = 1_000_000
"""Scalar operations of one run, at most."""

KINK = "at or near a kink"
"""What is said where numbers decide between formulas and are equal, or nearly."""

Others = Mapping[str, Callable[[], Shadow]]
"""What an operation may have been taken for, by name, on the same operands."""

Constant = tuple[str, str, bytes]
"""Where a constant was met, its dtype, and its bytes."""


@cache
def is_users(path: str) -> bool:
    """Whether a source file is the user's own, not the suite's, a library's or Python's."""
    inside = any(part in path for part in ("site-packages", "dist-packages", "<frozen", "<__array"))
    return not (inside or path.startswith(_LIBRARIES))


def blank(shape: tuple[int, ...]) -> Shadow:
    """Return a shadow of nothing, for a rehearsal."""
    return np.empty(shape, dtype=object)


def users_line() -> str:
    """Return the innermost line of the user's own code that is running."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001
    while frame is not None:
        path = frame.f_code.co_filename
        if is_users(path):
            source = linecache.getline(path, frame.f_lineno).strip()
            return _line(path, frame.f_lineno, source)
        frame = frame.f_back
    return "an unknown line"


@cache
def _line(path: str, number: int, source: str) -> str:
    return f"{Path(path).name}:{number}" + (f": {source}" if source else "")


@dataclass
class Trace:
    """One run under the tracer.

    `reading` says how constants are read, `replaced` which are taken for another number. `ties` are
    comparisons of numbers that are nearly equal, `kinks` those of them that may bend the function along the
    direction, `jumps` those at which it may jump. `otherwise` is whether an extreme of two equal numbers is
    the second, and an absolute value of 0 has the derivative 0, as many backwards have it. `ended` is why the
    trace does not count, even where the user's code caught the exception;
    `forward` whether kinks are noted, `backward` whether the backward is running, of which `mend` changes an
    operation. `lower_in_...` is where numbers were first made shorter, `coarsest` the unit roundoff of the
    shortest, and `lost`, if digits are watched, where half of them were first lost.
    `size` is that of the largest number of the inputs that are moved.
    In a `rehearsal` nothing is computed exactly: operations are counted, and what is not traced is met.
    """

    reading: Reading = Reading.RECOGNISED
    local: LocalCheck | None = None
    forward: bool = True
    backward: bool = False
    rehearsal: bool = False
    otherwise: bool = False
    watching_digits: bool = False
    recording: bool = False
    mend: Mend | None = None
    watch: Watch | None = None
    replaced: Mapping[Constant, arb] = field(default_factory=dict)
    ended: str | None = None
    scalars: int = 0
    limit: int = MOST_OPERATIONS
    size: float = 0.0
    constants: list[Constant] = field(default_factory=list)
    numbers_of: dict[Constant, float] = field(default_factory=dict)
    written: set[float] = field(default_factory=set)
    ties: list[str] = field(default_factory=list)
    kinks: list[str] = field(default_factory=list)
    jumps: list[str] = field(default_factory=list)
    decisions: list[str] = field(default_factory=list)
    switches: list[str] = field(default_factory=list)
    selections: list[str] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)
    lookups: list[str] = field(default_factory=list)
    repeated: Repetitions = field(default_factory=Repetitions)
    lower_in_forward: str | None = None
    lower_in_backward: str | None = None
    coarsest: float = 0.0
    lost: str | None = None
    recorded: list[Step] = field(default_factory=list)
    operations_of_backward: int = 0

    @property
    def changing(self) -> bool:
        """Whether it matters what an operation may have been taken for."""
        return self.recording or self.mend is not None

    def end(self, why: str) -> TraceEndedError:
        """Note that the trace does not count, and return the exception to raise."""
        reason = f"{why} ({users_line()})"
        self.ended = self.ended or reason
        return TraceEndedError(self.ended)

    def near_a_limit(self, relative: float) -> NearALimitError:
        """Return the exception to raise where an iteration may explain by how much the formulas differ."""
        reason = f"forward and backward differ by {relative:.2g}, but {self.repeated.limit}"
        return NearALimitError(reason, relative)

    def shadow(self, numbers: Any) -> Shadow:
        """Return the shadow of numbers that are taken as they are."""
        return blank(np.shape(numbers)) if self.rehearsal else exact(numbers)

    def input(self, numbers: Any) -> Shadow:
        """Return the shadow of an input."""
        return blank(np.shape(numbers)) if self.rehearsal else of_input(numbers)

    def constant(self, numbers: Any) -> Shadow:
        """Return the shadow of a number or array that is neither an input nor computed from one."""
        if isinstance(numbers, Mask):
            numbers.decides()
        array = np.asarray(numbers)
        if self.rehearsal and array.dtype.kind in "iubf":
            return blank(array.shape)
        if array.ndim == 0 and array.dtype.kind in "iuf":
            self.written.add(float(array))
        if array.dtype.kind in "iub":
            return exact(array)
        if array.dtype.kind != "f":
            raise self.end(f"a constant of dtype {array.dtype}")
        line, dtype = users_line(), format_name(array.dtype)
        key: Constant = (line, dtype, array.tobytes())
        self.constants.append(key)
        if array.ndim == 0:
            self.numbers_of[key] = float(array)
            replaced = self.replaced.get(key)
            number = read(float(array), self.reading, dtype) if replaced is None else replaced
            return of_entries([number], ())
        if self.forward and is_grid(array):
            self.tables.append(line)
        return self._table(array, dtype)

    def _table(self, array: Numbers, dtype: str) -> Shadow:
        """Return the shadow of an array that is a constant."""
        entries = array.ravel().tolist()
        if self.reading is Reading.ROUNDED:
            return of_entries(rounded_entries(entries, dtype), array.shape)
        if self.reading is Reading.MOVED:
            return of_entries(moved_entries(entries, dtype), array.shape)
        if self.reading is Reading.LITERAL or not all_recognised(entries, dtype):
            return exact(array)
        return of_entries((read(x, self.reading, dtype) for x in entries), array.shape)

    @property
    def uncertain(self) -> dict[Constant, arb]:
        """The scalar constants that may stand for other numbers, as the numbers they are."""
        return {key: arb(number) for key, number in self.numbers_of.items() if not is_certain(number, key[1])}

    def count(self, size: int) -> None:
        """Count an operation, and end the trace when there are too many."""
        self.scalars += size
        if self.watch is not None:
            self.watch.add(size)
        if self.scalars > self.limit:
            raise self.end(f"more than {self.limit} scalar operations")

    def observe(
        self, name: str, numbers: Numbers, expected: Callable[[], Shadow], scale: Callable[[], Any] | None
    ) -> None:
        """Check an operation locally, and note what repeats."""
        self.count(max(numbers.size, 1))
        if self.rehearsal:
            return
        if self.local is None:
            if self.forward:
                self.repeated.note(users_line(), name, numbers)
            return
        line = users_line()
        with np.errstate(all="ignore"):
            self.local.observe(
                name,
                line,
                numbers,
                expected(),
                dtype=format_name(numbers.dtype),
                scale=None if scale is None else scale(),
            )

    def note_lower(self, numbers: Numbers) -> None:
        """Note that numbers become shorter."""
        where = f"{numbers.dtype} at {users_line()}"
        self.coarsest = max(self.coarsest, unit_roundoff(str(numbers.dtype)))
        if self.backward:
            self.lower_in_backward = self.lower_in_backward or where
        else:
            self.lower_in_forward = self.lower_in_forward or where

    def note_digits(self, name: str, numbers: Numbers, shadow: Shadow) -> None:
        """Note the first operation after which less than half of the digits hold."""
        if self.lost is not None or not numbers.size:
            return
        true = nearest(shadow)
        with np.errstate(all="ignore"):
            error = float(np.max(np.abs(numbers - true)))
        if error > unit_roundoff(str(numbers.dtype)) ** 0.5 * float(np.max(np.abs(true))):
            self.lost = f"{name}, {users_line()}"

    def changed(self, name: str, shadow: Shadow, others: Callable[[], Others]) -> Shadow:
        """Return what an operation gives: as it is, unless it is the one to be changed."""
        self.operations_of_backward += self.backward
        place = self.operations_of_backward if self.backward else 0
        if self.recording:
            self.recorded.append(Step(place, name, users_line(), shadow, tuple(others())))
        if self.mend is not None and self.mend.place == place:
            return self.mend.applied(shadow, list(others().values()))
        return shadow

    def note_order(
        self, left: Any, right: Any, shadows: tuple[Shadow, Shadow], *, chosen: bool = False
    ) -> None:
        """Note a comparison of the forward that is near a tie, or that exact numbers decide otherwise.

        Where one of the two is `chosen`, its derivative is known nevertheless if both have the same. What is
        compared with itself, as the numbers of a row with one of them, is at no tie, nor are two constants.
        """
        if not self.forward or self.rehearsal:
            return
        a, b = np.broadcast_arrays(np.asarray(left), np.asarray(right))
        unit = max(UNIT.get(str(x.dtype), 0.0) for x in (a, b)) or UNIT["float64"]
        x, y = np.broadcast_arrays(nearest(shadows[0]), nearest(shadows[1]))
        with np.errstate(all="ignore"):
            near = np.abs(a - b) <= NEAR * unit * np.maximum(np.abs(a), np.abs(b))
            # What cancelled is small itself: the point is near a tie if rounding the inputs moves it there.
            moved = np.abs(nearest(slopes(shadows[0])) - nearest(slopes(shadows[1])))
            near |= np.abs(a - b) <= MOVED * unit * self.size * moved
            turned = (a > b) != (x > y)
        tied = (near | turned) & ~same_entries(*shadows) & either_moves(*shadows)
        if np.any(tied):
            self.ties.append(users_line())
            if not chosen:
                self.jumps.append(users_line())
            if not (chosen and same_slopes(*shadows, tied)):
                self.kinks.append(users_line())

    def note_tie(self, why: str, *, jumps: bool = False) -> None:
        """Note that several choices are equal, between which the function has a kink, or jumps."""
        self.ties.append(why)
        if jumps:
            self.jumps.append(why)
        self.kinks.append(why)

    def note_decision(self) -> None:
        """Note that a comparison of computed numbers decides what is run, or which formula."""
        if self.forward:
            self.decisions.append(users_line())

    def note_switch(self, x: Any, y: Any) -> None:
        """Note a selection between two formulas, and whether one may approximate the other: if alike."""
        if self.forward:
            self.selections.append(users_line())
            if alike(x, y):
                self.switches.append(users_line())

    def note_step(self) -> None:
        """Note a function that is constant between jumps, and stands for one that is not."""
        if self.forward:
            self.steps.append(users_line())

    def note_lookup(self) -> None:
        """Note straight lines between the numbers of a table, which stand for a function that has none."""
        if self.forward:
            self.lookups.append(users_line())

    @property
    def stops(self) -> str | None:
        """Why the forward may be stopped before it has what it computes, however far from it, or None."""
        looked_up = (
            f"straight lines between the numbers of a table ({self.lookups[0]})" if self.lookups else None
        )
        return stopped(self.repeated, self.decisions) or looked_up

    @property
    def approximates(self) -> str | None:
        """Why the forward may be an approximation, whose own derivative nobody means, or None."""
        fitted = [key[0] for key, number in self.numbers_of.items() if is_fitted(number, key[1])]
        return self.stops or approximation(self.switches, fitted, self.tables)
