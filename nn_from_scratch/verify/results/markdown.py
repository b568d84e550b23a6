"""A summary as GitHub's Markdown, in which nothing that an engine says has a meaning."""

from __future__ import annotations

import re
import textwrap

from nn_from_scratch.verify.results.summary import Finding, Summary

_ROWS, _LONGEST, _LONGEST_SCRIPT = 50, 300, 20_000
"""So many rows and characters at most: GitHub drops a summary of over a mebibyte."""


def markdown(summary: Summary) -> str:
    """Return a verdict, the grades or functions, a table of what fell, and the first script."""
    parts = ", ".join(f"{literal(name)} {literal(outcome)}" for name, outcome in summary.parts.items())
    lines = [
        f"### Gradients of {literal(summary.spec)}: {literal(summary.verdict)}",
        "",
        f"{parts or 'nothing was checked'} ({summary.seconds:.1f} s)",
        "",
    ]
    if summary.gated:
        lines += ["| | what fell | where | |", "| --- | --- | --- | --- |"]
        lines += [_row(one) for one in summary.gated[:_ROWS]]
        more = len(summary.gated) - _ROWS
        lines += ["", f"{more} more are in the results."] * (more > 0) + [""]
    script = next((one.script for one in summary.gated if one.script), "")
    if script:
        lines += ["The first of them by itself:", "", *_fenced(script.encode(errors="replace").decode()), ""]
    others = sorted({one.rule for one in summary.findings if not one.is_gated})
    if others:
        lines += [f"Not asked for, but it fails as well: {', '.join(map(literal, others))}.", ""]
    return "\n".join(lines)


def literal(text: str) -> str:
    """Return a text on one line, in which no character is markup: each that might be is a reference to it."""
    line = textwrap.shorten(" ".join(text.split()), _LONGEST, placeholder=" …")
    printable = "".join(letter if letter.isprintable() else "\ufffd" for letter in line)
    return re.sub(
        r"[!-/:-@\[-`{-~]",
        # Names after an @ are notified, unless something invisible stands between.
        lambda mark: f"&#{ord(mark[0])};" + "&#8203;" * (mark[0] == "@"),
        printable,
    )


def _row(one: Finding) -> str:
    where = f"{one.place.file}:{one.place.line}" if one.place else ""
    return f"| {literal(one.rule)} | {literal(one.name)} | {literal(where)} | {literal(one.message)} |"


def _fenced(script: str) -> list[str]:
    """Return a script in a fence that is longer than any in it."""
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", script)), 0)
    shown = script if len(script) <= _LONGEST_SCRIPT else "# it is too long to be shown: see the results"
    return [f"{fence}python", *shown.replace("\0", "\ufffd").splitlines(), fence]
