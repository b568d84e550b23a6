"""``nn-from-scratch compare``: several engines beside each other."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from nn_from_scratch.statuses import BAD_USAGE, INTERRUPTED, NOTHING_CHECKED, RIGHT, WRONG
from nn_from_scratch.verify.campaign.compare import compare
from nn_from_scratch.verify.cli import numbers
from nn_from_scratch.verify.engines.engine import EngineError
from nn_from_scratch.verify.engines.installed import installed
from nn_from_scratch.verify.engines.specs import known
from nn_from_scratch.verify.engines.wire.isolated import isolated_if_possible

TEXT = "Ask engines the same questions, and tell side by side what each gets right."

_STATUSES = (
    "exit status, of all engines together: 0 all were asked all, and none is wrong; 1 an engine is wrong or "
    "not settled, or ended its process; 2 interrupted: those that were asked are told; 3 internal error; 4 "
    "bad usage, or an engine that cannot be loaded; 5 of an engine nothing could be checked"
)

Progress = Callable[[int, int, str], None]


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add what the command takes beside --json and --html."""
    command.epilog = textwrap.fill(_STATUSES, 79)
    command.formatter_class = argparse.RawDescriptionHelpFormatter
    command.add_argument(
        "engines",
        nargs="*",
        metavar="ENGINE",
        help=f"{', '.join(known()).replace('%', '%%')}, module:attribute, path.py:attribute, or "
        "'command:PROGRAM' (default: all that are installed)",
    )
    command.add_argument(
        "--graphs",
        type=numbers.at_least(1),
        default=300,
        metavar="N",
        help="how many random graphs each is asked, after all direct questions (default: 300)",
    )
    command.add_argument("--seed", type=int, default=0, metavar="S", help="which graphs (default: 0)")
    command.add_argument(
        "--seconds",
        type=numbers.seconds,
        default=1800.0,
        metavar="T",
        help="how long each engine may take to answer, a last resort (default: 1800)",
    )


def found(options: argparse.Namespace) -> tuple[str, ...]:
    """Return the engines that are to be asked; those that are named are loaded once, to see that they can be.

    Raises
    ------
    EngineError
        If one is named twice, or cannot be loaded.

    """
    for spec in options.engines:
        if options.engines.count(spec) > 1:
            raise EngineError(f"{spec} is named {options.engines.count(spec)} times: once is enough")
        isolated_if_possible(spec).driver.close()
    return tuple(options.engines) or installed()


def asked(options: argparse.Namespace, specs: Sequence[str], progress: Progress) -> Iterator[dict[str, Any]]:
    """Ask the engines one after the other; yield the comparison so far after each."""
    return compare(
        specs,
        isolated_if_possible,
        graphs=options.graphs,
        seed=options.seed,
        seconds=options.seconds,
        progress=progress,
    )


def status(results: dict[str, Any]) -> int:
    """Return the exit status of a comparison: that of its gravest engine."""
    engines = results["engines"]
    verdicts = {engine["verdict"] for engine in engines if engine["results"]}
    if "wrong" in verdicts:
        return WRONG
    if results["interrupted"]:
        return INTERRUPTED
    if "not settled" in verdicts:
        return WRONG
    if any(engine["outcome"] == "cannot be asked" for engine in engines):
        return BAD_USAGE
    return RIGHT if verdicts == {"right"} else NOTHING_CHECKED
