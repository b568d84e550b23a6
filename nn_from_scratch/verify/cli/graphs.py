"""What commands take that ask an engine random graphs."""

from __future__ import annotations

import argparse

from nn_from_scratch.verify.campaign.grades import GRADES
from nn_from_scratch.verify.cli import watch
from nn_from_scratch.verify.cli.arguments import Once, one_of
from nn_from_scratch.verify.cli.numbers import at_least, seconds
from nn_from_scratch.verify.engines.specs import known

GRAPHS = 2000
"""Of `verify` and `report`, unless another number is given."""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add which engine is asked, what, and what its verdict depends on."""
    command.add_argument(
        "--engine",
        action=Once,
        default="nn_from_scratch",
        metavar="SPEC",
        help=f"{', '.join(known()).replace('%', '%%')}, module:attribute, path.py:attribute, or "
        "'command:PROGRAM', which speaks the protocol (default: nn_from_scratch)",
    )
    command.add_argument(
        "--in-process",
        action="store_true",
        help="ask the engine in the process that judges it, where it can end the run: somewhat faster",
    )
    command.add_argument(
        "--graphs",
        type=at_least(0, 10**8, "nn-from-scratch campaign asks more, and loses none of it"),
        metavar="N",
        help=f"how many random graphs (default: {GRAPHS:,}, and {watch.GRAPHS} where files are watched)",
    )
    command.add_argument("--seed", type=int, default=0, metavar="S", help="which graphs (default: 0)")
    command.add_argument(
        "--jobs",
        type=at_least(1),
        metavar="N",
        help="how many processes check random graphs (default: as many as pay)",
    )
    command.add_argument(
        "--seconds",
        type=seconds,
        default=60.0,
        metavar="T",
        help="how long the engine may take to answer questions and graphs, a last resort (default: 60); "
        "state and limits have as long again, 90 at least",
    )
    command.add_argument(
        "--grade",
        action="append",
        type=one_of(GRADES),
        metavar=f"{{{','.join(GRADES)}}}",
        help="what the verdict depends on; may be repeated (default: all). State and limits that are not "
        "asked for get their quick checks only, no long chains and other processes",
    )
