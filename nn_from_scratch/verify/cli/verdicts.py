"""The exit status of results, of commands that were run now and of those whose results are read."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from nn_from_scratch.statuses import INTERRUPTED, NOTHING_CHECKED, RIGHT, WRONG


def status_of_run(results: Mapping[str, Any], asked: Collection[str] = ()) -> int:
    """Return that of `verify`, `moons` or `benchmark`; grades that are asked for have to be checked."""
    verdict = results.get("verdict")
    if verdict == "wrong":
        return WRONG
    if results.get("interrupted"):
        return INTERRUPTED
    if verdict == "not settled":
        return WRONG
    unchecked = any(results["grades"][grade] == "not checked" for grade in asked)
    return NOTHING_CHECKED if verdict not in {"right", "measured"} or unchecked else RIGHT


def status_of_check(results: Mapping[str, Any]) -> int:
    """Return that of `check`."""
    if results.get("verdict") == "wrong":
        return WRONG
    if results.get("interrupted"):
        return INTERRUPTED
    return RIGHT if results.get("verdict") == "right" else NOTHING_CHECKED
