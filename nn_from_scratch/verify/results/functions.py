"""The results of functions on a terminal."""

from __future__ import annotations

import math
from typing import Any

from rich.console import Console
from rich.markup import escape

_STYLES = {
    "right": "green",
    "convention": "green",
    "undecided": "bold yellow",
    "nothing checked": "bold yellow",
    "not supported": "dim",
    "inaccurate": "bold red",
    "wrong": "bold red",
    "error": "bold red",
}
_TOLD = ("undecided", "inaccurate", "wrong", "error")
"""Verdicts of rows that are told in full."""


def show_functions(console: Console, results: dict[str, Any]) -> None:
    """Print a table of each function's rows, what is wrong, and the verdict."""
    for k, function in enumerate(results["functions"]):
        if k:
            console.print()
        _show(console, function)
    _say_verdict(console, results)


def _show(console: Console, function: dict[str, Any]) -> None:
    inputs = ", ".join(_input(x) for x in function["inputs"])
    console.print(
        f"[bold]{escape(function['name'])}[/] [dim]{escape(inputs)}[/]", highlight=False, soft_wrap=True
    )
    rows = function["rows"]
    told = [row for row in rows if row["verdict"] in _TOLD or _says_how(row)]
    if all(row["verdict"] == "not supported" for row in rows):
        told = rows  # why nothing was checked
    wide = max((len(row["name"]) for row in told), default=0)
    for row in told:
        _show_row(console, row, wide)
    for verdict in ("right", "not supported"):
        names = [row["name"] for row in rows if row["verdict"] == verdict and row not in told]
        if names:
            text = f"  [dim]{'also ' * (verdict == 'right')}{verdict}: {escape(', '.join(names))}[/]"
            console.print(text, highlight=False, soft_wrap=True)


def _show_row(console: Console, row: dict[str, Any], wide: int) -> None:
    style, faint = _STYLES[row["verdict"]], "default" if row["verdict"] in _TOLD else "dim"
    first, *more = row["said"].splitlines() or [""]
    name = f"  {escape(row['name']):{wide}}  [{style}]{row['verdict']}[/]"
    console.print(f"{name}  [{faint}]{escape(first)}[/]", highlight=False, soft_wrap=True)
    for line in more if row["verdict"] in _TOLD else ():
        console.print(f"    {escape(line)}", highlight=False, soft_wrap=True)


def _says_how(row: dict[str, Any]) -> bool:
    """Whether a row that is right says by what."""
    return row["verdict"] in ("right", "convention") and (
        row["name"] in ("numbers", "values") or "formula" in row["said"]
    )


def _input(x: dict[str, Any]) -> str:
    sizes = "×".join(map(str, x["shape"]))
    numbers = math.prod(x["shape"])
    of = f"{sizes} {x['dtype']}" if x["shape"] else x["dtype"]
    return f"{x['name']}: {of}" + (f" ({numbers:,} numbers)" if len(x["shape"]) > 1 else "")


def _say_verdict(console: Console, results: dict[str, Any]) -> None:
    verdict = results["verdict"]
    counts = [
        f"{sum(one['verdict'] == word for one in results['functions'])} {word}"
        for word in ("right", "convention", "undecided", "inaccurate", "wrong", "error")
        if any(one["verdict"] == word for one in results["functions"])
    ]
    several = f": {', '.join(counts)}" if len(results["functions"]) > 1 else ""
    interrupted = " (interrupted)" if results["interrupted"] else ""
    style = _STYLES[verdict].replace("bold ", "")
    console.print(
        f"\n[bold {style}]{verdict.upper()}[/]{interrupted} {escape(results['spec'])}{several} "
        f"({results['seconds']:.1f} s)",
        highlight=False,
        soft_wrap=True,
    )
