"""What a tracer sees on the way, beside the shadows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from nn_from_scratch.verify.functions.pytorch.tracing.formats import in_own_format
from nn_from_scratch.verify.functions.tracing.constants import UNIT
from nn_from_scratch.verify.functions.tracing.repetition import Repetitions
from nn_from_scratch.verify.functions.tracing.shadows import Numbers


@dataclass(frozen=True, slots=True)
class Step:
    """One operation on numbers: which of all, its name, and the user's line."""

    number: int
    name: str
    line: str


@dataclass
class Trace:
    """What was seen on the way, beside the shadows.

    `outside` has every number that came from outside of the trace, with its line: tables, masks, Python's
    numbers. A trace counts only if they are the same at another point.
    """

    outside: list[tuple[str, Any, str]] = field(default_factory=list)
    ties: list[str] = field(default_factory=list)
    ones: dict[int, tuple[str, Any]] = field(default_factory=dict)
    """Where the forward asks for one number alone and finds it: by the number of the operation its name and
    line, and which entries are equal."""
    decisions: list[str] = field(default_factory=list)
    """The lines on which a computed truth value decides what is run, or, of what has a derivative, is counted
    with."""
    selections: list[str] = field(default_factory=list)
    """The lines of the forward that select between formulas."""
    switches: list[str] = field(default_factory=list)
    """The lines of the forward that select between formulas that are nearly alike."""
    jumps: list[str] = field(default_factory=list)
    """The lines of the forward with a function that is constant between jumps."""
    cut: list[str] = field(default_factory=list)
    """The lines of the forward that make a constant of what has a derivative."""
    written: dict[float, str] = field(default_factory=dict)
    """The numbers that operations are given as such, with the line of the first use."""
    random: list[str] = field(default_factory=list)
    fused: dict[str, str] = field(default_factory=dict)
    uncertain: dict[tuple[float, str], None] = field(default_factory=dict)
    """Constants that may stand for other numbers, by number and format."""
    long_tables: int = 0
    """How many tables are too long to be read number by number."""
    constants: dict[tuple[float, str], str] = field(default_factory=dict)
    """All constants, by number and format, with the line of the first use."""
    steps: list[Step] = field(default_factory=list)
    """The operations of the backward that have a rule."""
    in_backward: bool = False
    outside_of_forward: int = 0
    """How many numbers of `outside` came before the backward."""
    operations: int = 0
    numbers: int = 0

    repeated: Repetitions = field(default_factory=Repetitions)
    """What the lines of the forward gave, time after time."""
    narrowed: dict[tuple[bool, str], str] = field(default_factory=dict)
    """Whether in the backward, and to which format, numbers of a wider one are converted: the first line."""

    def note_table(self, found: Numbers, dtype: torch.dtype, line: str) -> None:
        """Note a tensor that came from outside of the trace."""
        self.outside.append(("table", in_own_format(found, dtype), line))

    def begin_backward(self) -> None:
        """Note that the forward is at its end."""
        self.in_backward = True
        self.outside_of_forward = len(self.outside)

    def gave(self, name: str, line: str, results: Iterable[Numbers]) -> None:
        """Note what an operation of the forward gave."""
        for k, x in enumerate(results if not self.in_backward else ()):
            self.repeated.note(line, f"{name} {k}", x)

    def narrows(self, given: Iterable[str], found: Iterable[str], line: str) -> None:
        """Note that an operation takes numbers of some formats, and returns some that are narrower."""
        widest = min((UNIT[x] for x in given if x in UNIT), default=1.0)
        for dtype in found:
            if UNIT.get(dtype, 0.0) > widest:
                self.narrowed.setdefault((self.in_backward, dtype), line)

    def narrower_backward(self, coarsest: float) -> str | None:
        """Return the format, with the line, that is narrower than a unit and in the backward alone."""
        narrower = {key: line for key, line in self.narrowed.items() if UNIT[key[1]] > coarsest}
        if not narrower or not all(in_backward for in_backward, _ in narrower):
            return None
        (_, dtype), line = next(iter(narrower.items()))
        return f"{dtype} inside, at {line}"

    def alone(self, nearby: Trace) -> list[str]:
        """Return where numbers are equal that are not at a point nearby: what follows holds for this alone.

        Elsewhere masks and labels are compared, or what is equal all around.
        """
        found = []
        for number, (said, equal) in self.ones.items():
            _, there = nearby.ones.get(number, ("", np.zeros_like(equal)))
            if bool((equal & ~there).any()):
                found.append(said)
        return found
