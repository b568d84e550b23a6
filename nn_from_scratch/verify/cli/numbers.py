"""Numbers as arguments of commands."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from decimal import Decimal, InvalidOperation


def at_least(least: int, most: int | None = None, hint: str = "") -> Callable[[str], int]:
    """Return what reads an integer that is not below the least one, nor above the most; a hint says why."""

    def integer(text: str) -> int:
        number = int(text)
        if number < least:
            raise argparse.ArgumentTypeError(f"must be at least {least}, got {number}")
        if most is not None and number > most:
            raise argparse.ArgumentTypeError(f"must be at most {most:,}, got {number}: {hint}")
        return number

    return integer


_MOST = 10**18
"""Of what is counted: a database holds integers of 64 bits."""


def count(text: str) -> int:
    """Read a number of things, above 0: 1000, 1_000 or 1e3."""
    try:
        number = Decimal(text.replace(",", ""))
        if number > _MOST:
            raise argparse.ArgumentTypeError(f"must be at most {_MOST:.0e}, got {text}")
        if number >= 1 and number == int(number):
            return int(number)
    except (InvalidOperation, ValueError, OverflowError):
        pass
    raise argparse.ArgumentTypeError(f"must be a whole number above 0, such as 1000 or 1e6, got {text}")


def seconds(text: str) -> float:
    """Read a time, which is above 0."""
    try:
        time = float(text)
    except ValueError:
        time = 0.0
    if not time > 0:
        raise argparse.ArgumentTypeError(f"must be a number above 0, got {text}")
    return time
