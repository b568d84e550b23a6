"""Results that were written as JSON, read again: what ``nn-from-scratch report FILE...`` draws."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from nn_from_scratch.statuses import INTERRUPTED, NOTHING_CHECKED, RIGHT, WRONG
from nn_from_scratch.verify.campaign.compare import beside
from nn_from_scratch.verify.cli import campaign, compare
from nn_from_scratch.verify.cli.arguments import path
from nn_from_scratch.verify.cli.outputs import Outputs, UsageError
from nn_from_scratch.verify.cli.verdicts import status_of_check, status_of_run
from nn_from_scratch.verify.power import detection_power

Results = dict[str, Any]

_PARTS = ("verify", "moons", "benchmark")
_TOGETHER = (
    "one page holds one each of verify, moons and benchmark, or several of verify and compare, or several "
    "campaigns, or several of check"
)


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the files."""
    command.add_argument(
        "results",
        type=path,
        nargs="*",
        metavar="RESULTS.json",
        help="what commands wrote with --json, several runs, campaigns or checks of functions side by side: "
        "nothing is run",
    )


def report(options: argparse.Namespace, outputs: Outputs, pages: ModuleType) -> int:
    """Write the page of the results that there are; return the exit status of what they say.

    Raises
    ------
    UsageError
        If they cannot be read, or do not fit on one page.

    """
    if options.json:
        raise UsageError("a report of results that there are writes no --json")
    found = read(options.results)
    drawn = page_of(pages, found)
    outputs.write("--html", lambda: drawn)
    outputs.show(lambda _: print(f"The report is {options.html}"))
    return status(found)


def read(files: Sequence[Path]) -> list[tuple[str, Results]]:
    """Return the results in files, each with the name of the command that wrote them.

    Raises
    ------
    UsageError
        If a file cannot be read, or holds no results.

    """
    found = []
    for file in files:
        told = _told(json_in(file))
        if not told:
            raise UsageError(f"{file} holds no results: give what a command wrote with --json")
        found += told
    return found


def json_in(file: Path) -> Any:
    """Return what a file holds.

    Raises
    ------
    UsageError
        If it cannot be read, or is no JSON.

    """
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{file} is no JSON: {error}") from error


def _told(results: Any) -> list[tuple[str, Results]]:
    """Return what a file holds: the results of one command, or of all parts of a report."""
    if not isinstance(results, dict):
        return []
    if results and set(results) <= set(_PARTS):
        return [one for part in results.values() for one in _told(part)]
    kind = results.get("kind")
    names = {"moons": "moons", "benchmark": "benchmark", "campaign": "campaign", "comparison": "compare"}
    if isinstance(kind, str) and kind in names:
        return [(names[kind], results)]
    if "functions" in results:
        return [("check", results)]
    return [("verify", results)] if {"engine", "grades", "graphs"} <= set(results) else []


def page_of(pages: ModuleType, found: Sequence[tuple[str, Results]]) -> str:
    """Return the page of results, drawn by the module of pages.

    Raises
    ------
    UsageError
        If they do not fit on one page, or are not whole.

    """
    kinds = [kind for kind, _ in found]
    results = [one for _, one in found]
    if set(kinds) == {"campaign"}:
        return str(pages.page_of_campaigns(results))
    if kinds == ["compare"]:
        return str(pages.page_of_comparison(results[0]))
    if set(kinds) == {"check"}:
        return str(pages.page_of_functions(results))
    if set(kinds) <= {"verify", "compare"} and len(kinds) > 1:
        try:
            return str(pages.page_of_comparison(beside(results)))
        except (KeyError, TypeError, AttributeError) as error:
            raise UsageError(
                f"the results cannot be set side by side: {error!r} is missing or odd"
            ) from error
    if set(kinds) <= set(_PARTS) and len(set(kinds)) == len(kinds):
        return str(pages.page(**dict(found), power=detection_power()))
    raise UsageError(f"these do not fit on one page: {', '.join(kinds)}; {_TOGETHER}")


def status(found: Sequence[tuple[str, Results]]) -> int:
    """Return the exit status of what the results say: the gravest."""
    statuses = {_status(kind, results) for kind, results in found}
    return next((one for one in (WRONG, INTERRUPTED, NOTHING_CHECKED) if one in statuses), RIGHT)


def _status(kind: str, results: Results) -> int:
    match kind:
        case "compare":
            return compare.status(results)
        case "campaign":
            return campaign.status(results, interrupted=False)
        case "check":
            return status_of_check(results)
        case _:
            return status_of_run(results)
