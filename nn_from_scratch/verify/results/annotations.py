"""What fell as workflow commands of GitHub, which mark a line of a file."""

from __future__ import annotations

from nn_from_scratch.verify.results.summary import Finding, Summary

_MOST = 10
"""GitHub shows so many errors of a step."""


def workflow_commands(summary: Summary) -> str:
    """Return a line for each thing that the verdict depends on, at most 10."""
    return "".join(f"{_command(one)}\n" for one in summary.gated[:_MOST])


def _command(one: Finding) -> str:
    place = f"file={_property(one.place.file)},line={one.place.line}," if one.place else ""
    return f"::error {place}title={_property(f'{one.rule}: {one.name}')}::{_data(one.message)}"


def _data(text: str) -> str:
    """Escape a message as the toolkit of GitHub does: what is left has one line and no command."""
    escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return "".join(letter if letter.isprintable() else " " for letter in escaped)


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
