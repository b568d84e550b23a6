"""Results as tables for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from nn_from_scratch.verify.results.raised import by_what_is_raised, the_others

if TYPE_CHECKING:
    from collections.abc import Sequence

_STYLES = {
    "right": "bold green",
    "wrong": "bold red",
    "not settled": "bold yellow",
    "nothing checked": "bold yellow",
}
_LONGEST_NOTE = 160  # characters of what is said of one operation
_VERDICTS = ("right", "convention", "undecided", "inaccurate", "wrong", "error")
_NUMERIC = {"asked directly", "graphs", "asked", "agrees", "differs", "no answer", "undecided", "ratio"}


def show_verify(console: Console, results: dict[str, Any]) -> None:
    """Print the tables by operation and oracle, the checks that failed, and the verdict."""
    _show_operations(console, results["operations"])
    table = _table("oracle", "asked", "agrees", "differs", "no answer", "")
    for name, row in results["oracles"].items():
        counts = (str(row[column]) for column in ("asked", "agrees", "differs", "no answer"))
        table.add_row(name, *counts, escape(row["note"]))
    console.print(table)
    second = results["second_order"]
    if second["checked"]:
        told = ", ".join(f"{second[name]} {name}" for name in _VERDICTS if second[name])
        console.print(f"second derivatives of {second['checked']} graphs: {told}", highlight=False)
    _show_state(console, results["state"])
    _show_conventions(console, results["conventions"])
    _show_choices(console, results)
    for first, *others in by_what_is_raised(results["failures"]):
        console.print(f"\n[bold red]{first['grade']}[/] {escape(first['message'])}", highlight=False)
        if others:
            said = f"the same is raised in {len(others)} more failures (--json and --html tell each)"
            console.print(f"{said}: {escape(the_others(others))}", highlight=False)
    for alarm in results["alarms"]:
        console.print(f"[yellow]note:[/] {escape(alarm)}", highlight=False)
    grades = ", ".join(f"{name} {outcome}" for name, outcome in results["grades"].items())
    counts = results["graphs"]
    _say_verdict(
        console,
        results,
        f"{escape(results['engine'])}, {counts['checked']} of {counts['requested']} graphs: {grades}",
    )


def _show_operations(console: Console, operations: dict[str, dict[str, Any]]) -> None:
    """Print a row for each operation that the engine has, and name the others in a line."""
    table = _table(
        "operation",
        "asked directly",
        "graphs",
        "undecided",
        "largest error / tolerance",
        "avoidable digits lost",
        "",
    )
    lacking = [name for name, row in operations.items() if row["status"] == "not supported"]
    notes = []
    for name, row in operations.items():
        if name in lacking:
            continue
        asked = [str(row["direct"]), str(row["checked"])]
        rest = [str(row["undecided"]), _largest_error(row)] if row["checked"] else ["", ""]
        digits = f"{row['avoidable_digits_lost']:.1f}" if row["avoidable_digits_lost"] else ""
        table.add_row(name, *asked, *rest, digits, _told(row))
        if row["avoidable_digits_lost"]:
            notes.append(f"{name} loses digits: {row['avoidable_example']}")
        if row["note"]:
            notes.append(f"{name} is not supported for {row['note']}")
    if table.row_count:
        console.print(table)
    for note in notes:
        console.print(f"[dim]{escape(_shortened(note, _LONGEST_NOTE))}[/]", highlight=False)
    if lacking:
        console.print(
            f"[dim]{len(lacking)} operations are not supported (--json and --html say why): "
            f"{', '.join(lacking)}[/]",
            highlight=False,
        )


def _largest_error(row: dict[str, Any]) -> str:
    """Return the largest error of an operation in tolerances; nothing if it is another's fault."""
    size = row["largest_error_in_tolerances"]
    return "" if row["status"] == "right" and size > 1 else f"{size:.3g}"


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _told(row: dict[str, Any]) -> str:
    """Return the status of an operation; of one that is wrong, in how many graphs."""
    if row["status"] == "wrong" and row["wrong"]:
        return f"[bold red]wrong in {row['wrong']} graphs[/]"
    style = {"right": "green", "wrong": "bold red", "not settled": "bold yellow"}.get(row["status"], "dim")
    return f"[{style}]{row['status']}[/]"


def _show_state(console: Console, rows: list[dict[str, str]]) -> None:
    table = _table("check of state or limits", "outcome")
    not_made = ("not supported", "does not apply")
    lacking: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if row["outcome"] in not_made:
            lacking.setdefault((row["outcome"], row["message"]), []).append(row["name"])
        else:
            style = _STYLES.get(row["outcome"], "bold red")
            table.add_row(row["name"], f"[{style}]{row['outcome']}[/]")
    if table.row_count:
        console.print(table)
    for (outcome, reason), names in lacking.items():
        told = names[0] if len(names) == 1 else f"{len(names)} checks"
        console.print(f"[dim]{told}: {outcome}: {escape(reason[:160])}[/]", highlight=False)


def _show_conventions(console: Console, rows: list[dict[str, Any]]) -> None:
    asked = [row for row in rows if row["engine"] is not None]
    if asked:
        like = {name: sum(row["engine"] == row[name] for row in asked) for name in ("pytorch", "jax")}
        console.print(
            f"[dim]at {len(asked)} kinks its derivative is PyTorch's in {like['pytorch']}, "
            f"JAX's in {like['jax']}: see the report[/]",
            highlight=False,
        )


def _show_choices(console: Console, results: dict[str, Any]) -> None:
    """Say how many answers are no derivatives, but what choices at kinks give, with an example."""
    count = results["graphs"]["convention"] + results["second_order"]["convention"]
    if count:
        shortest = min(results["convention_examples"], key=lambda one: len(one["text"]))
        choices = "; ".join(choice["text"] for choice in shortest["choices"])
        console.print(
            f"[dim]at kinks of {count} graphs it gives no derivative, but what one choice at each gives: "
            f"{escape(shortest['text'][:200])} ({escape(choices[:200])})[/]",
            highlight=False,
        )


def show_moons(console: Console, results: dict[str, Any]) -> None:
    """Print the log as the README does, and the verdict."""
    for line in results["log"]:
        console.print(line, highlight=False)
    first = results.get("first_difference")
    where = (
        "agrees with the recorded curve at every iteration"
        if first is None
        else f"leaves the curve at iteration {first}"
    )
    _say_verdict(console, results, where)


def show_benchmark(console: Console, results: dict[str, Any]) -> None:
    """Print the ratios with their intervals."""
    table = _table("what", "subject", "baseline", "ratio", "95 % interval")
    for row in results["rows"]:
        interval = f"{row['low']:.2f} to {row['high']:.2f}"
        if row.get("speed") == "within noise":
            interval += ", within noise"
        baseline, compiling = row["baseline"], row.get("baseline_compile_seconds")
        if compiling is not None:
            baseline += f", compiled in {compiling:.2g} s"
        table.add_row(row["name"], row["subject"], baseline, f"{row['ratio']:.2f}", interval)
    console.print(table)
    if results.get("growth"):
        _show_growth(console, results["growth"])
    if results.get("resident"):
        _show_resident(console, results["resident"])
    if results.get("catching"):
        _show_catching(console, results["catching"])
    for note in results.get("notes", []):
        console.print(f"[yellow]note:[/] {escape(note)}", highlight=False)
    console.print(f"a ratio above 1: the subject is faster ({results['seconds']:.1f} s)", highlight=False)
    if "comparison" in results:
        _show_changes(console, results["comparison"])


def _show_catching(console: Console, rows: Sequence[dict[str, Any]]) -> None:
    """Print what it costs each tool to catch a planted fault, on the same graphs."""
    table = _table(
        "tool", "faults caught", "graphs accused", "false alarms", "time a catch", "ratio", "95 % interval"
    )
    for row in rows:
        each = row["seconds_per_catch"]
        ratio, low, high = (row.get(key) for key in ("ratio", "low", "high"))
        table.add_row(
            row["tool"],
            f"{row['faults_caught']} of {row['faults']}",
            f"{row['caught']} of {row['checks']}",
            str(row["false_alarms"]),
            "" if each is None else f"{each * 1e3:.2f} ms",
            "" if ratio is None else f"{ratio:.2f}",
            "" if low is None or high is None else f"{low:.2f} to {high:.2f}",
        )
    console.print(table)


def _show_growth(console: Console, curves: Sequence[dict[str, Any]]) -> None:
    """Print with what power of its size a graph's time and memory grow, and what an operation takes."""
    table = _table(
        "growth of a chain", "engine", "exponent", "95 % interval", "most operations", "an operation"
    )
    units = {"seconds": ("time", 1e9, "ns"), "bytes": ("memory", 1, "bytes")}
    for curve in curves:
        what, scale, unit = units[curve["unit"]]
        each = f"{curve['medians'][-1] / curve['sizes'][-1] * scale:,.0f} {unit}"
        fitted = ("", "")
        if "exponent" in curve:
            fitted = (f"{curve['exponent']:.2f}", f"{curve['low']:.2f} to {curve['high']:.2f}")
        table.add_row(what, curve["peer"], *fitted, f"{curve['sizes'][-1]:,}", each)
    console.print(table)


def _show_resident(console: Console, rows: Sequence[dict[str, Any]]) -> None:
    """Print what an operation takes of memory in a fresh process."""
    table = _table("resident memory", "operations", "an operation", "of fresh processes")
    for row in rows:
        spread = f"{row['least']:,.0f} to {row['most']:,.0f} bytes"
        table.add_row(row["peer"], f"{row['operations']:,}", f"{row['bytes']:,.0f} bytes", spread)
    console.print(table)


def _show_changes(console: Console, comparison: dict[str, Any]) -> None:
    """Print what became of each ratio since an earlier run."""
    table = _table("what", "baseline", "old", "new", "change", "95 % interval", "")
    for row in comparison["rows"]:
        interval = f"{row['low']:.2f} to {row['high']:.2f}"
        ratios = (f"{row[key]:.2f}" for key in ("old", "new", "change"))
        style = {"improved": "green", "regressed": "red"}.get(row["word"], "dim")
        table.add_row(row["name"], row["baseline"], *ratios, interval, f"[{style}]{row['word']}[/]")
    console.print("\nsince the earlier run; a change above 1: the subject gained", highlight=False)
    console.print(table)
    for what in ("missing", "added"):
        where = "in the earlier run alone" if what == "missing" else "in this run alone"
        for title in comparison[what]:
            console.print(f"[yellow]{where}:[/] {escape(title)}", highlight=False)
    for line in comparison["versions"]:
        console.print(f"[yellow]note:[/] {escape(line)}", highlight=False)


def _table(*columns: str) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        numeric = column in _NUMERIC
        table.add_column(column, justify="right" if numeric else "left")
    return table


def _say_verdict(console: Console, results: dict[str, Any], text: str) -> None:
    style = _STYLES[results["verdict"]]
    interrupted = " (interrupted)" if results["interrupted"] else ""
    console.print(
        f"\n[{style}]{results['verdict'].upper()}[/]{interrupted} {text} ({results['seconds']:.1f} s)",
        highlight=False,
    )
