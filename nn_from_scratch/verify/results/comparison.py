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
_FINE = {"right", "not supported"}
_NOT_MADE = {"right", "not supported", "does not apply"}


def show_comparison(console: Console, results: Results) -> None:
    """Print what differs between the engines, and what there is to say of each."""
    engines = results["engines"]
    labels = [engine["label"] for engine in engines]
    _show_matrix(console, "operation", results["operations"], labels, _FINE)
    _show_alike(console, results["operations"])
    _show_matrix(console, "check of state or limits", results["state"], labels, _NOT_MADE)
    table = _table("engine", "version", "verdict", "right", "wrong", "lacks", "deepest chain", "s a graph", "")
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


def _show_matrix(
    console: Console, what: str, rows: Sequence[Results], labels: Sequence[str], fine: set[str]
) -> None:
    """Print the rows of a matrix in which something is neither right nor lacking."""
    table = _table(what, *map(escape, labels))
    for row in rows:
        words = [cell["word"] for cell in row["cells"]]
        if set(words) - fine - {"not asked"}:
            table.add_row(row["name"], *map(_styled, words))
    if table.row_count:
        console.print(table)


def _show_alike(console: Console, rows: Sequence[Results]) -> None:
    """Name the operations that are right wherever they are, and those of which there is nothing to say."""
    words = {row["name"]: {cell["word"] for cell in row["cells"]} for row in rows}
    right = [name for name, found in words.items() if found - {"not supported"} == {"right"}]
    lacking = [name for name, found in words.items() if found == {"not supported"}]
    unasked = [name for name, found in words.items() if found - {"not supported"} == {"not asked"}]
    for names, text in (
        (right, "right in every engine that has it"),
        (lacking, "in no engine"),
        (unasked, "not asked"),
    ):
        if names:
            console.print(f"[dim]{text}: {', '.join(names)}[/]", highlight=False)


def _summary(engine: Results) -> list[str]:
    counts = engine["counts"]
    versions = ", ".join(engine["versions"].values()) or "unknown"
    if engine["results"] is None:
        return [escape(engine["label"]), escape(versions), _styled(engine["outcome"]), *[""] * 6]
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
        "" if engine["complete"] else "not asked all",
    ]


def _depth(depth: Results) -> str:
    reached = f"{depth['reached']:,}" if depth["reached"] else "none"
    return reached if depth["next"] is None else f"{reached}; {depth['next']:,}: {depth['outcome']}"


def _told(engine: Results) -> list[str]:
    """Return why an engine was not asked, and what of it no row of the matrix shows."""
    found = []
    if engine["message"]:
        found.append(f"[yellow]{escape(engine['label'])}: {engine['outcome']}:[/] {escape(engine['message'])}")
    failures = engine["results"]["failures"] if engine["results"] else []
    found += [
        f"[bold red]{escape(engine['label'])}:[/] {escape(failures[k]['message'])}" for k in engine["elsewhere"]
    ]
    return found


def _styled(word: str) -> str:
    return f"[{_STYLES.get(word, 'dim')}]{word}[/]"


def _table(*columns: str) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column)
    return table
