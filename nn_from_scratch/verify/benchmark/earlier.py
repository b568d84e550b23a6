"""A benchmark beside an earlier one: each figure improved, regressed, unchanged, or lost in noise.

What is compared does not depend on how fast the machine is today: ratios, subject beside baseline, as each
run measured both in turns; with what power of its size a graph's time and memory grow; memory an operation;
and what a catch costs others beside the subject. Each change has an interval, from those of the two figures:
the change that both allow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nn_from_scratch.verify.benchmark.workloads import SUBJECT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

SCHEMA = 1
SMALL = 1.05
"""A change whose interval is within a factor of this of 1 is none."""

_KEYS = ("name", "subject", "baseline")


class EarlierError(Exception):
    """A file cannot be compared with."""


def comparable(found: Any, path: Path, here: Mapping[str, Any]) -> dict[str, Any]:
    """Return the results of an earlier benchmark, if they can be compared with.

    Parameters
    ----------
    found
        What ``nn-from-scratch benchmark --json`` wrote; or ``report --json``, of which the benchmark is
        taken.
    path
        The file that holds it.
    here
        This machine, as `machine` tells it.

    Raises
    ------
    EarlierError
        If it is no result of a benchmark, has another schema, or is from another machine.
    """
    if isinstance(found, dict) and "kind" not in found and isinstance(found.get("benchmark"), dict):
        found = found["benchmark"]
    if not isinstance(found, dict) or found.get("kind") != "benchmark":
        raise EarlierError(
            f"{path} is no result of a benchmark: nn-from-scratch benchmark --json PATH writes one"
        )
    if found.get("schema") != SCHEMA:
        raise EarlierError(
            f"{path} has schema {found.get('schema')!r}, and this version reads schema {SCHEMA}: measure anew"
        )
    there = found.get("machine")
    if there != here:
        raise EarlierError(
            f"{path} was measured on another machine ({_words(there)}) than this one ({_words(here)}): "
            "figures of one machine alone are compared"
        )
    rows = found.get("rows")
    if not isinstance(rows, list) or not all(map(_is_row, rows)):
        raise EarlierError(f"{path} has a row without name, subject, baseline and an interval of ratios")
    try:
        figures(found)
    except (KeyError, TypeError, IndexError, AttributeError, ZeroDivisionError) as error:
        raise EarlierError(f"{path} has growth or catches that no benchmark writes: {error!r}") from error
    return found


def _words(there: Any) -> str:
    if not isinstance(there, dict):
        return "which it does not name"
    return f"{there.get('processor')}, {there.get('cores')} cores"


def _is_row(row: Any) -> bool:
    return (
        isinstance(row, dict)
        and all(isinstance(row.get(key), str) for key in _KEYS)
        and all(_is_positive(row.get(key)) for key in ("low", "ratio", "high"))
        and row["low"] <= row["ratio"] <= row["high"]
    )


def _is_positive(number: Any) -> bool:
    return (
        isinstance(number, int | float)
        and not isinstance(number, bool)
        and number > 0
        and math.isfinite(number)
    )


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured: a number above 0 and its interval; and whether less of it is better."""

    value: float
    low: float
    high: float
    less: bool = False

    def change_to(self, later: Figure) -> tuple[float, float, float]:
        """Return by what factor a later one is better, and the interval that both allow."""
        old, new = (later, self) if self.less else (self, later)
        return new.value / old.value, new.low / old.high, new.high / old.low


def figures(results: Mapping[str, Any]) -> dict[tuple[str, ...], Figure]:
    """Return what of a benchmark can be compared, by name, subject and baseline (empty where there is none).

    Raises
    ------
    KeyError, TypeError
        Of results that are not whole.
    """
    found = {
        tuple(row[key] for key in _KEYS): Figure(row["ratio"], row["low"], row["high"])
        for row in results["rows"]
    }
    tools = results.get("catching") or []
    for row in tools:
        if all(_is_positive(row.get(key)) for key in ("low", "ratio", "high")):
            found["Catching a fault", tools[0]["tool"], row["tool"]] = Figure(
                row["ratio"], row["low"], row["high"]
            )
    for curve in results.get("growth") or []:
        if curve["peer"] != SUBJECT:
            continue
        what = {"seconds": "time", "bytes": "memory"}[curve["unit"]]
        most = f"{curve['sizes'][-1]:,} operations"
        if all(_is_positive(curve.get(key)) for key in ("low", "exponent", "high")):
            exponents = Figure(curve["exponent"], curve["low"], curve["high"], less=True)
            found[f"Growth in {what} up to {most}, exponent", SUBJECT, ""] = exponents
        if curve["unit"] == "bytes":
            each = curve["medians"][-1] / curve["sizes"][-1]
            found[f"Bytes an operation, of {most}", SUBJECT, ""] = Figure(each, each, each, less=True)
    for row in results.get("resident") or []:
        if row["peer"] == SUBJECT:
            each = Figure(row["bytes"], row["least"], row["most"], less=True)
            found[f"Resident bytes an operation, of {row['operations']:,} operations", SUBJECT, ""] = each
    return found


def comparison(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Say of each figure what became of it since an earlier run.

    Returns
    -------
    dict
        ``rows``: of each figure that both have ``name``, ``subject``, ``baseline``, ``old`` and ``new``,
        ``change`` (by what factor it is better; above 1, the subject gained), its interval ``low`` and
        ``high``, and ``word``, as `word` says. ``missing`` and ``added`` name the figures that only the
        earlier run, and only this one, has. ``versions`` tells of each package whose version differs, and of
        each tool that catches another number of faults.
    """
    before, after = figures(old), figures(new)
    rows = []
    for key in (key for key in after if key in before):
        change, low, high = before[key].change_to(after[key])
        rows.append(
            dict(zip(_KEYS, key, strict=True))
            | {"old": before[key].value, "new": after[key].value, "change": change}
            | {"low": low, "high": high, "word": word(low, high)}
        )
    return {
        "rows": rows,
        "missing": [_title(key) for key in before if key not in after],
        "added": [_title(key) for key in after if key not in before],
        "versions": [
            *_versions(old.get("environment") or {}, new.get("environment") or {}),
            *_powers(old.get("catching") or [], new.get("catching") or []),
        ],
    }


def word(low: float, high: float) -> str:
    """Say what the interval of a change (new / old) tells.

    "no change" if all of it is within a factor of `SMALL` of 1; else "improved" or "regressed" if it is on
    one side of 1; else "within noise".
    """
    if low >= 1 / SMALL and high <= SMALL:
        return "no change"
    return "improved" if low > 1 else "regressed" if high < 1 else "within noise"


def _title(key: tuple[str, ...]) -> str:
    name, subject, baseline = key
    return f"{name}: {subject} and {baseline}" if baseline else f"{name}: {subject}"


def _versions(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Tell of the versions that differ: a ratio changes with the baseline, too."""
    return [
        f"{name} was {old.get(name) or 'not there'} and is {new.get(name) or 'not there'}"
        for name in {**old, **new}
        if old.get(name) != new.get(name)
    ]


def _powers(old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]) -> list[str]:
    """Tell who catches another number of faults: what a catch costs is compared at the same power."""
    before = {row["tool"]: f"{row.get('faults_caught')} of {row.get('faults')} faults" for row in old}
    after = {row["tool"]: f"{row.get('faults_caught')} of {row.get('faults')} faults" for row in new}
    return [
        f"{tool} caught {before[tool]} and catches {after[tool]}"
        for tool in after
        if tool in before and before[tool] != after[tool]
    ]
