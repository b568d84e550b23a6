"""Results in brief, of which is made what CI systems are told: a verdict, and what fell, with its place."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_FAILING = ("inaccurate", "wrong", "error", "undecided")
"""Verdicts of a function's rows that are no pass."""
VERDICT = "verdict"
"""The rule of the finding that a verdict is where nothing else explains it."""


@dataclass(frozen=True)
class Place:
    """A line of a file; its path is relative to the working directory where it lies in it."""

    file: str
    line: int


@dataclass(frozen=True)
class Finding:
    """Something that fell.

    Parameters
    ----------
    rule
        The grade, or of a function the row, that it falls under.
    name
        The operation, the check of state or limits, or the function.
    message, script
        What is said of it, and a program that shows it, or "".
    place
        Of the adapter or function; None where no file of it is found.
    is_gated
        Whether the verdict depends on it.

    """

    rule: str
    name: str
    message: str
    script: str
    place: Place | None
    is_gated: bool = True


@dataclass(frozen=True)
class Summary:
    """A verdict, what it is of, and what fell."""

    spec: str
    verdict: str
    parts: dict[str, str]
    """The verdict of each grade that was asked for, or of each function."""
    findings: tuple[Finding, ...]
    seconds: float

    @property
    def gated(self) -> tuple[Finding, ...]:
        """What the verdict depends on."""
        return tuple(one for one in self.findings if one.is_gated)


def summary_of_engine(results: dict[str, Any]) -> Summary:
    """Return the summary of what `verify` gave. What nobody asked for fails no verdict."""
    gated = set(results["gated"])
    place = place_of(results["spec"])
    findings = [
        Finding(
            failure["grade"],
            failure["operation"],
            failure["message"],
            failure["reproducer"],
            place,
            failure["grade"] in gated,
        )
        for failure in results["failures"]
    ]
    if gated & {"rules", "accuracy"}:
        told = {one.name for one in findings if one.is_gated}
        findings += [
            Finding("not settled", name, "not settled: nobody examined its failures", "", place)
            for name, row in results["operations"].items()
            if row["status"] == "not settled" and name not in told
        ]
    grades = {grade: outcome for grade, outcome in results["grades"].items() if grade in gated}
    return _with_verdict(results, results["engine"], grades, findings, place)


def summary_of_functions(results: dict[str, Any]) -> Summary:
    """Return the summary of what `check` gave."""
    location = _file_of(results["spec"])
    findings = []
    for function in results["functions"]:
        is_right = function["verdict"] in ("right", "convention")
        scripts = {failure["row"]: failure["script"] for failure in function["failures"]}
        place = _place(location, function["name"])
        findings += [
            Finding(
                row["name"],
                function["name"],
                f"{row['verdict']}: {row['said']}",
                scripts.get(row["name"], ""),
                place,
            )
            for row in function["rows"]
            if row["verdict"] in _FAILING and not (is_right and row["verdict"] == "undecided")
        ]
    parts = {function["name"]: function["verdict"] for function in results["functions"]}
    return _with_verdict(results, results["spec"], parts, findings, place_of(results["spec"]))


def _with_verdict(
    results: dict[str, Any], spec: str, parts: dict[str, str], findings: list[Finding], place: Place | None
) -> Summary:
    """Return a summary; a verdict that is not right, and that nothing explains, is a finding itself."""
    verdict = results["verdict"] + (", interrupted" if results["interrupted"] else "")
    if verdict != "right" and not any(one.is_gated for one in findings):
        said = ", ".join(f"{name} {outcome}" for name, outcome in parts.items())
        findings = [*findings, Finding(VERDICT, VERDICT, f"{verdict}: {said}", "", place)]
    return Summary(spec, verdict, parts, tuple(findings), results["seconds"])


def place_of(spec: str | None) -> Place | None:
    """Return where the adapter or function that a spec names is written; None if that is no file."""
    if spec is None:  # an engine that was given as an object
        return None
    _, colon, name = spec.rpartition(":")
    return _place(_file_of(spec), name if colon else "engine")


def _file_of(spec: str) -> Path | None:
    location = spec.rpartition(":")[0] if ":" in spec else spec
    candidates = [Path(location), Path(f"{location}.py"), Path(f"{location.replace('.', '/')}.py")]
    return next((path for path in candidates if path.suffix == ".py" and path.is_file()), None)


def _place(file: Path | None, name: str) -> Place | None:
    """Return the first line on which a file gives something a name; its first line if none does."""
    if file is None:
        return None
    try:
        tree = ast.parse(file.read_bytes())
        lines = [
            node.lineno for node in ast.walk(tree) if isinstance(node, ast.stmt) and name in _named(node)
        ]
    except (OSError, SyntaxError, ValueError, RecursionError):
        lines = []
    path, folder = file.resolve(), Path.cwd()
    shown = path.relative_to(folder) if path.is_relative_to(folder) else path
    return Place(shown.as_posix(), min(lines, default=1))


def _named(node: ast.stmt) -> list[str]:
    """Return the names that a statement gives."""
    match node:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Assign(targets=targets):
            return [target.id for target in targets if isinstance(target, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
        case _:
            return []
