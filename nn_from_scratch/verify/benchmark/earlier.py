"""A benchmark beside an earlier one: each figure improved, regressed, unchanged, or lost in noise.

What is compared are ratios, subject beside baseline, as each run measured both in turns; so a machine that is
slower today slows both. Each change has an interval, from those of the two ratios: the change that both
allow.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

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


def comparison(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Say of each ratio what became of it since an earlier run.

    Returns
    -------
    dict
        ``rows``: of each figure that both have ``name``, ``subject``, ``baseline``, ``old`` and ``new`` (the
        ratios), ``change`` (new / old; above 1, the subject gained on the baseline), its interval ``low`` and
        ``high``, and ``word``, as `word` says. ``missing`` and ``added`` name the figures that only the
        earlier run, and only this one, has. ``versions`` tells of each package whose version differs.
    """
    before, after = (_by_name(results["rows"]) for results in (old, new))
    rows = []
    for key in (key for key in after if key in before):
        was, is_now = before[key], after[key]
        low, high = is_now["low"] / was["high"], is_now["high"] / was["low"]
        rows.append(
            dict(zip(_KEYS, key, strict=True))
            | {"old": was["ratio"], "new": is_now["ratio"], "change": is_now["ratio"] / was["ratio"]}
            | {"low": low, "high": high, "word": word(low, high)}
        )
    return {
        "rows": rows,
        "missing": [_title(key) for key in before if key not in after],
        "added": [_title(key) for key in after if key not in before],
        "versions": _versions(old.get("environment") or {}, new.get("environment") or {}),
    }


def word(low: float, high: float) -> str:
    """Say what the interval of a change (new / old) tells.

    "no change" if all of it is within a factor of `SMALL` of 1; else "improved" or "regressed" if it is on
    one side of 1; else "within noise".
    """
    if low >= 1 / SMALL and high <= SMALL:
        return "no change"
    return "improved" if low > 1 else "regressed" if high < 1 else "within noise"


def _by_name(rows: Sequence[Mapping[str, Any]]) -> dict[tuple[str, ...], Mapping[str, Any]]:
    return {tuple(row[key] for key in _KEYS): row for row in rows}


def _title(key: tuple[str, ...]) -> str:
    name, subject, baseline = key
    return f"{name}: {subject} and {baseline}"


def _versions(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Tell of the versions that differ: a ratio changes with the baseline, too."""
    return [
        f"{name} was {old.get(name) or 'not there'} and is {new.get(name) or 'not there'}"
        for name in {**old, **new}
        if old.get(name) != new.get(name)
    ]
