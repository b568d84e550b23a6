"""``nn-from-scratch learn``: write an engine to be completed, with its tests."""

from __future__ import annotations

import argparse
import os
import shlex
from pathlib import Path

from nn_from_scratch.verify.cli.arguments import path
from nn_from_scratch.verify.cli.outputs import Outputs, UsageError
from nn_from_scratch.verify.learn import STEPS, texts

TEXT = "Learn reverse mode by mending: write a small engine with its operations left blank, and its tests."


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    command.add_argument(
        "folder",
        type=path,
        nargs="?",
        default=Path("my_engine"),
        metavar="FOLDER",
        help="where to write them (default: my_engine)",
    )


def paths(options: argparse.Namespace) -> dict[str, Path]:
    """Return where each file is to be.

    Raises
    ------
    UsageError
        If there is one of them already: nobody's work is overwritten.

    """
    found = {name: options.folder / name for name in texts()}
    for file in found.values():
        if os.path.lexists(file):
            raise UsageError(f"{file} is there already: choose another folder, or move it away")
    return found


def write(options: argparse.Namespace, outputs: Outputs) -> None:
    """Write the files, and say what comes next."""
    written = [outputs.write(name, text.encode) for name, text in texts().items()]
    lines = [f"wrote {file}" for file in written if file]
    if all(written):
        # In their order, whatever plugins there are: the first that fails is what to write next.
        command = f"cd {shlex.quote(str(options.folder))} && python -m pytest -x -p no:randomly"
        lines.append(f"{len(STEPS)} steps: {', '.join(map(str, STEPS))}")
        lines.append(f"Next: {command}; the first test that fails says what is missing.")
    outputs.show(lambda _: print(*lines, sep="\n"))
