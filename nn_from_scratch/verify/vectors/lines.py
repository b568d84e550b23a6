"""Vectors as lines of JSON: each is what the protocol sends to an engine, followed by what is true of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.programs import Program, of_case
from nn_from_scratch.verify.vectors.asked import Reasoned, Why, array_cases, graph_cases, scalar_cases
from nn_from_scratch.verify.vectors.truths import PRECISIONS, Truth, truth_of


@dataclass(frozen=True, slots=True)
class Collected:
    """The vectors of one file.

    Parameters
    ----------
    about
        What they are, in words.
    cases
        Yields them, in the same order each time.
    first
        The number of the first; those of other files are others.

    """

    about: str
    cases: Callable[[], Iterator[Reasoned]]
    first: int

    def numbered(self, operations: Collection[str] = ()) -> list[Numbered]:
        """Return every case with its number, no program twice.

        A number belongs to a case, however few of the others are wanted.

        Parameters
        ----------
        operations
            Only cases that have one of these are returned, if any are named.

        """
        found: dict[str, Reasoned] = {}
        for why, case in self.cases():
            found.setdefault(_compact(program_of(case)), (why, case))
        return [
            (number, why, case)
            for number, (why, case) in enumerate(found.values(), self.first)
            if not operations or not _operations(case).isdisjoint(operations)
        ]


Numbered = tuple[int, Why, Case]

FILES = {
    "scalars.jsonl": Collected(
        "scalars: every operation in every form and role, at ordinary and special numbers; structures",
        scalar_cases,
        1,
    ),
    "graphs.jsonl": Collected("scalars: random graphs", graph_cases, 100_001),
    "arrays.jsonl": Collected(
        "arrays: every operation in every form and role, and random graphs", array_cases, 200_001
    ),
}


def lines(cases: Iterable[Numbered], precisions: Sequence[int] = PRECISIONS) -> Iterator[str | None]:
    """Yield the line of each case; None where no format could be judged by it.

    Parameters
    ----------
    cases
        What is asked.
    precisions
        In bits, with which the truth is computed.

    """
    for number, why, case in cases:
        truth = truth_of(case, precisions)
        yield None if truth is None else _line(number, why, case, truth)


def program_of(case: Case) -> Program:
    """Return the moves of a case: its value is asked, then its gradient by every input."""
    return of_case(case, tape=True, leaves=range(case.expression.inputs))


def _operations(case: Case) -> set[str]:
    return {step.operation for step in case.expression.steps}


def _line(number: int, why: Why, case: Case, truth: Truth) -> str:
    program = program_of(case)
    line: dict[str, Any] = {
        "id": number,
        "program": program,
        "why": {
            "operation": why.operation,
            "operands": why.operands,
            "role": why.role,
            "point": why.point,
            "words": why.words(),
        },
        "operations": sorted({move[1] for move in program if move[0] == "apply"}),
        "moves": sorted({move[0] for move in program}),
        "truth": truth.numbers,
        "tolerance": truth.tolerances,
        "left out": truth.left_out,
    }
    if truth.kinks:
        line["sides"] = truth.kinks.sides
        line["choices"] = truth.kinks.choices
    return _compact(line)


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
