"""``nn-from-scratch benchmark``: speed, memory and growth beside others', and beside an earlier run."""

from __future__ import annotations

import argparse
from typing import Any

from nn_from_scratch.verify.cli.arguments import Once, path
from nn_from_scratch.verify.cli.outputs import UsageError
from nn_from_scratch.verify.cli.reading import json_in
from nn_from_scratch.verify.cli.terminal import progress_bar

TEXT = "Measure speed, memory and growth beside other libraries, as ratios with intervals."


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add what the command takes beside --json and --html."""
    command.add_argument(
        "--whole",
        action="store_true",
        help="measure everything, each for longer: many minutes, where the default takes one or two; "
        "Ctrl-C keeps what there is",
    )
    command.add_argument(
        "--compare",
        type=path,
        action=Once,
        metavar="OLD.json",
        help="tell of each figure whether it improved or regressed since an earlier run on this machine, did "
        "not change, or is within noise; a regression is told, and is no failure",
    )


def asked(options: argparse.Namespace) -> dict[str, Any]:
    """Measure, and compare with an earlier run if one is named, which is read before the work.

    Raises
    ------
    UsageError
        If the earlier run cannot be compared with.
    """
    from nn_from_scratch.verify.benchmark import benchmark, earlier  # noqa: PLC0415  slow to import
    from nn_from_scratch.verify.benchmark.machine import machine  # noqa: PLC0415

    named, old = getattr(options, "compare", None), None
    if named is not None:
        try:
            old = earlier.comparable(json_in(named), named, machine())
        except earlier.EarlierError as error:
            raise UsageError(f"--compare: {error}") from error
    with progress_bar() as progress:
        results = benchmark(progress=progress, whole=getattr(options, "whole", False))
    if old is not None:
        results["comparison"] = earlier.comparison(old, results)
    return results
