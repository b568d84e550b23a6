"""How much of the long runs is made: a fixed tenth or half, or all of them (`tox -e long`)."""

import os
from collections.abc import Sequence
from typing import TypeVar

WHOLE = bool(os.environ.get("NN_FROM_SCRATCH_LONG"))

Item = TypeVar("Item")


def part(items: Sequence[Item]) -> Sequence[Item]:
    """Return every tenth of them, from the sixth, or all."""
    return items if WHOLE else items[5::10]


def half(items: Sequence[Item]) -> Sequence[Item]:
    """Return every second of them, or all: where each of many that are alike takes long."""
    return items if WHOLE else items[::2]


def tenth(count: int) -> int:
    """Return a tenth of a count, or all of it."""
    return count if WHOLE else count // 10
