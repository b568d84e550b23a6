"""What was counted of graphs, as JSON: tallies of chunks add up to the same in any order."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from nn_from_scratch.verify.campaign.statistics import Statistics

Tally = dict[str, Any]
"""Counts by name, at any depth; under "largest", the largest of what was found."""

LARGEST = "largest"


def tally_of(found: Statistics) -> Tally:
    """Return what is kept of the statistics of a chunk: no times, which hang on the machine."""
    return {
        "graphs": _named(found.verdicts),
        "second order": _named(found.second_order),
        "checked": dict(found.checked),
        "undecided": dict(found.undecided),
        "accusing": dict(found.accusing),
        "oracles": {name: dict(counts) for name, counts in found.oracles.items()},
        "contradicted": dict(found.contradicted),
        "deaths": dict(Counter(death.kind for death in found.deaths)),
        "given up": {found.given_up: 1} if found.given_up else {},
        LARGEST: dict(found.largest),
    }


def _named(verdicts: Counter[Any]) -> dict[str, int]:
    return {verdict.value: count for verdict, count in verdicts.items()}


def added(one: Tally, other: Tally) -> Tally:
    """Return two tallies as one: counts are added, of the largest the larger is kept."""
    total = dict(one)
    for name, value in other.items():
        if name not in total:
            total[name] = value
        elif isinstance(value, dict):
            total[name] = _larger(total[name], value) if name == LARGEST else added(total[name], value)
        else:
            total[name] += value
    return total


def _larger(one: Mapping[str, float], other: Mapping[str, float]) -> dict[str, float]:
    return {name: max(one.get(name, 0.0), other.get(name, 0.0)) for name in {**one, **other}}


def key_of(failure: Mapping[str, Any]) -> str:
    """Return what two failures share that are the same: the minimal program, and what is blamed for it."""
    same = [failure[name] for name in ("operation", "kind", "expression", "shapes")]
    return hashlib.sha256(json.dumps(same, sort_keys=True).encode()).hexdigest()
