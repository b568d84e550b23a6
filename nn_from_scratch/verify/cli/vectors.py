"""``nn-from-scratch vectors``: programs with their true answers, for engines in any language."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from nn_from_scratch.verify.cli.arguments import Once, path
from nn_from_scratch.verify.questions.operations import OPERATIONS

TEXT = "Write test vectors: programs with true values and gradients, which a test in any language can read."


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    command.add_argument(
        "--output",
        type=path,
        action=Once,
        default=Path("vectors"),
        metavar="PATH",
        help="a folder, or one file that ends in .jsonl or .jsonl.gz (default: the folder vectors)",
    )
    command.add_argument(
        "--select",
        action="append",
        default=[],
        choices=sorted(OPERATIONS),
        metavar="OPERATION",
        help="only vectors that have this operation; may be repeated (default: all)",
    )


def show(console: Console, header: dict[str, Any], written: list[Path]) -> None:
    """Print what was written."""
    table = Table(box=None, pad_edge=False)
    table.add_column("what")
    for name in ("vectors", "undecided"):
        table.add_column(name, justify="right")
    for one in header["files"].values():
        table.add_row(one["about"], str(one["vectors"]), str(one["undecided"]))
    console.print(table)
    for file in written:
        print(f"written: {file}")
