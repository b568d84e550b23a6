"""``nn-from-scratch learn``: write an engine to be completed, with its tests."""

from __future__ import annotations

import argparse
from pathlib import Path

from nn_from_scratch.verify.learn import STEPS, write

TEXT = "Learn reverse mode by mending: write a small engine with its operations left blank, and its tests."


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    command.add_argument(
        "folder",
        type=Path,
        nargs="?",
        default=Path("my_engine"),
        metavar="FOLDER",
        help="where to write them (default: my_engine)",
    )


def write_and_tell(folder: Path) -> None:
    """Write the files, and say what comes next.

    Raises
    ------
    OSError
        If they cannot be written, or are there already.

    """
    for path in write(folder):
        print(f"wrote {path}")
    print(f"{len(STEPS)} steps: {', '.join(map(str, STEPS))}")
    # In their order, whatever plugins there are: the first that fails is what to write next.
    command = "python -m pytest -x -p no:randomly"
    print(f"Next: cd {folder} && {command}; the first test that fails says what is missing.")
