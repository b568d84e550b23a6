"""Failures in which the engine raised the same: one cause, which a terminal tells once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

_RAISES = re.compile(r"raises (\w+)")
_OF_GRAPHS = ("rules", "accuracy")
Failure = dict[str, Any]


def by_what_is_raised(failures: Iterable[Failure]) -> list[list[Failure]]:
    """Return failures in their order, those together in which one exception says the same words."""
    groups: dict[tuple[str, str], list[Failure]] = {}
    for number, failure in enumerate(failures):
        groups.setdefault(_raised(failure) or ("", str(number)), []).append(failure)
    return list(groups.values())


def the_others(failures: Sequence[Failure]) -> str:
    """Say in brief which failures there are: the operations, with how often each, and the checks."""
    counts = Counter(one["operation"] for one in failures if one["grade"] in _OF_GRAPHS)
    operations = [f"{name} ({count})" if count > 1 else name for name, count in counts.items()]
    checks = [one["operation"] for one in failures if one["grade"] not in _OF_GRAPHS]
    return "; ".join(", ".join(names) for names in (operations, checks) if names)


def _raised(failure: Failure) -> tuple[str, str] | None:
    """Return the class of the exception that a failure is, and its words; None if it is no exception."""
    name = _RAISES.match(failure["kind"])
    if failure["verdict"] != "error" or name is None:
        return None
    _, _, words = failure["message"].partition(f"{name[1]}: ")
    return (name[1], words) if words else None
