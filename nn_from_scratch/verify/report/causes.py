"""Failures by their cause, as far as results tell it: one entry with its examples."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from nn_from_scratch.verify.report.headline import Results

_OF_GRAPHS = ("rules", "accuracy")
_NUMBERS = re.compile(r"[-−]?\d[\d,.]*")


@dataclass(frozen=True)
class Example:
    """A failure with its number among all, from 1, by which it is linked to."""

    number: int
    failure: Results


def causes(failures: Iterable[Results]) -> list[list[Example]]:
    """Group failures, in their order, by what is behind them.

    That is the operation to blame, for graphs; the kind of fault, for checks of state and limits, or where
    none is told the check, whatever number is in its name.
    """
    groups: dict[tuple[str, str], list[Example]] = {}
    for number, failure in enumerate(failures, 1):
        groups.setdefault(_cause(failure), []).append(Example(number, failure))
    return list(groups.values())


def _cause(failure: Results) -> tuple[str, str]:
    grade, operation, kind = (str(failure.get(key) or "") for key in ("grade", "operation", "kind"))
    if grade in _OF_GRAPHS:
        return grade, operation
    return grade, kind or _NUMBERS.sub("", operation)
