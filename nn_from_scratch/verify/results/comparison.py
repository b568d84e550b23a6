"""A comparison of engines as tables for a terminal: short, the same for all is said in a line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

Results = Mapping[str, Any]

_STYLES = {
    "right": "green",
    "convention": "cyan",
    "inaccurate": "bold yellow",
    "wrong": "bold red",
    "error": "bold red",
    "not settled": "bold yellow",
    "undecided": "yellow",
}
_SHORT = {"not supported": "lacks", "does not apply": "–"}
_UNKNOWN = {"not asked", "not supported"}
_FINE = {"right", "not supported", "does not apply", "not asked"}


def show_comparison(console: Console, results: Results) -> None:
    """Print what differs between the engines, and what there is to say of each."""
    engines = results["engines"]
    _show_matrix(console, "operation", results["operations"], engines)
    _show_alike(console, results["operations"], engines)
    _show_matrix(console, "state or limits", results["state"], engines)
    table = _table("engine", "version", "verdict", "right", "wrong", "lacks", "depth", "s a graph")
    for engine in engines:
        table.add_row(*_summary(engine))
    console.print(table)
    for engine in engines:
        for text in _told(engine):
            console.print(text, highlight=False)
    stopped = " (interrupted)" if results["interrupted"] else ""
    console.print(
        f"\nthe direct questions and {results['graphs']} graphs, seed {results['seed']}{stopped} "
        f"({results['seconds']:.1f} s); --html PATH has each counterexample with its script",
        highlight=False,
    )


def _show_matrix(console: Console, what: str, rows: Sequence[Results], engines: Sequence[Results]) -> None:
    """Print the rows of a matrix in which something is neither right nor lacking.

    Of an engine that was not asked all, nothing is settled that is not wrong: that is said once, below.
    """
    table = _table(what, *(escape(engine["label"]) for engine in engines))
    for row in rows:
        if _told_words(row, engines) - _FINE:
            table.add_row(row["name"], *(_styled(cell["word"]) for cell in row["cells"]))
    if table.row_count:
        console.print(table)


def _told_words(row: Results, engines: Sequence[Results]) -> set[str]:
    """Return the words of a row, but for what is open because an engine was not asked all."""
    return {
        cell["word"]
        for cell, engine in zip(row["cells"], engines, strict=True)
        if engine["complete"] or cell["word"] not in ("not settled", "not asked")
    }


def _show_alike(console: Console, rows: Sequence[Results], engines: Sequence[Results]) -> None:
    """Name the operations that are right wherever they are, and those of which there is nothing to say."""
    words = {row["name"]: _told_words(row, engines) for row in rows}
    right = [name for name, found in words.items() if found - {"not supported"} == {"right"}]
    every = {row["name"]: {cell["word"] for cell in row["cells"]} for row in rows}
    lacking = [name for name, found in every.items() if found == {"not supported"}]
    unasked = [name for name, found in every.items() if "not asked" in found and found <= _UNKNOWN]
    left_open = [name for name, found in words.items() if found <= _UNKNOWN and "not settled" in every[name]]
    all_asked = all(engine["complete"] for engine in engines)
    for names, text in (
        (right, "right in every engine that has it" + ("" if all_asked else " and was asked all")),
        (lacking, "in no engine"),
        (unasked, "not asked"),
        (left_open, "not settled"),
    ):
        if names:
            console.print(f"[dim]{text}: {', '.join(names)}[/]", highlight=False)


def _summary(engine: Results) -> list[str]:
    counts = engine["counts"]
    versions = ", ".join(engine["versions"].values()) or "unknown"
    if engine["results"] is None:
        return [escape(engine["label"]), escape(versions), _styled(engine["outcome"]), *[""] * 5]
    wrong = sum(counts.get(word, 0) for word in ("wrong", "error", "inaccurate"))
    seconds = engine["seconds_per_graph"]
    return [
        escape(engine["label"]),
        escape(versions),
        _styled(engine["verdict"]),
        str(counts.get("right", 0) + counts.get("convention", 0)),
        str(wrong),
        str(counts.get("not supported", 0)),
        _depth(engine["depth"]),
        "" if seconds is None else f"{seconds:.2g}",
    ]


def _depth(depth: Results) -> str:
    """Say how long a chain of operations an engine gets through; of one that was not asked, just that."""
    if depth["reached"] is None and depth["outcome"] not in ("wrong", "error"):
        return _SHORT.get(depth["outcome"], str(depth["outcome"]))
    if depth["reached"] is None:
        return f"below {depth['next']:,}"
    return f"{depth['reached']:,}"


def _told(engine: Results) -> list[str]:
    """Return why an engine was not asked, and what of it no row of the matrix shows."""
    label, found = escape(engine["label"]), []
    if engine["results"] and not engine["complete"]:
        found.append(f"[yellow]{label}: not asked all:[/] no operation of it is called right")
    if engine["message"]:
        found.append(f"[yellow]{label}: {engine['outcome']}:[/] {escape(engine['message'])}")
    failures = engine["results"]["failures"] if engine["results"] else []
    told = [escape(failures[k]["message"]) for k in engine["elsewhere"]]
    return found + [f"[bold red]{label}:[/] {message}" for message in told]


def _styled(word: str) -> str:
    return f"[{_STYLES.get(word, 'dim')}]{_SHORT.get(word, word)}[/]"


def _table(*columns: str) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column)
    return table
