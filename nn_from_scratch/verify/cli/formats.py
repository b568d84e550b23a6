"""The forms in which `verify` and `check` tell CI systems what they found."""

from __future__ import annotations

import argparse
import contextlib
import os
import secrets
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from nn_from_scratch.verify.cli.arguments import Once, file_path
from nn_from_scratch.verify.cli.outputs import Outputs, UsageError
from nn_from_scratch.verify.results.annotations import workflow_commands
from nn_from_scratch.verify.results.badge import badge
from nn_from_scratch.verify.results.markdown import markdown
from nn_from_scratch.verify.results.sarif import sarif
from nn_from_scratch.verify.results.summary import Summary

_FORMS: dict[str, tuple[str, Callable[[Summary], str]]] = {
    "sarif": ("what fell as SARIF", sarif),
    "markdown": (
        "a summary as Markdown (appended to $GITHUB_STEP_SUMMARY as well, where that is set)",
        markdown,
    ),
    "badge": ("the verdict as a badge, an SVG", badge),
}


_STEP = "$GITHUB_STEP_SUMMARY"


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the options, and that of JUnit XML, to a command."""
    texts = {"junit": "the results as JUnit XML"} | {name: text for name, (text, _) in _FORMS.items()}
    for name, text in texts.items():
        command.add_argument(f"--{name}", type=file_path, action=Once, metavar="PATH", help=f"write {text}")
    command.add_argument(
        "--annotations",
        action="store_true",
        default=os.environ.get("GITHUB_ACTIONS") == "true",
        help="print what fell as annotations of GitHub (default: where GITHUB_ACTIONS is true)",
    )


def paths(options: argparse.Namespace) -> dict[str, Path | None]:
    """Return where each form is to be written, by its option.

    Raises
    ------
    UsageError
        If a file that is written anew is the one that GitHub's summary is appended to, or Python source:
        which files an engine is made of is not known before it is imported.

    """
    named = {f"--{name}": getattr(options, name, None) for name in ("json", "html", "junit", *_FORMS)}
    appended = _step_summary()
    for name, place in named.items():
        if place and os.path.realpath(place).endswith(".py") and os.path.isfile(place):  # noqa: PTH113  of any text
            raise UsageError(
                f"{name} {place} would write over Python source: give another name, or remove it"
            )
        if appended and place and hasattr(options, "annotations") and _is_same(place, appended):
            raise UsageError(
                f"{name} {place} would write over $GITHUB_STEP_SUMMARY, which a summary is appended to anyway"
            )
    return named


def append(options: argparse.Namespace, outputs: Outputs) -> None:
    """Have the summary of GitHub's step appended to, by a command that makes one."""
    place = _step_summary()
    if place is not None and hasattr(options, "annotations"):
        outputs.append(_STEP, place)


def write(outputs: Outputs, summarized: Callable[[], Summary]) -> None:
    """Write the forms that are asked for, and append to the summary of GitHub's step."""
    for name, (_, form) in _FORMS.items():
        outputs.write(f"--{name}", partial(_formed, form, summarized))
    outputs.write(_STEP, lambda: f"{markdown(summarized())}\n")


@contextlib.contextmanager
def annotated(options: argparse.Namespace, summarized: Callable[[], Summary]) -> Iterator[None]:
    """Print the annotations, if they are asked for, after all that is printed within.

    Lines of the engine's that look like commands may be printed within: GitHub is told not to heed them.
    """
    if not options.annotations:
        yield
        return
    token = secrets.token_hex(16)
    print(f"::stop-commands::{token}", flush=True)
    yield
    print(f"::{token}::", flush=True)
    print(workflow_commands(summarized()), end="", flush=True)


def _formed(form: Callable[[Summary], str], summarized: Callable[[], Summary]) -> str:
    return form(summarized())


def _step_summary() -> Path | None:
    name = os.environ.get("GITHUB_STEP_SUMMARY")
    return Path(name) if name else None


def _is_same(one: Path, other: Path) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)
