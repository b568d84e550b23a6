"""What every test leaves as it found it."""

import sys
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def recursion_limit_kept() -> Iterator[None]:
    """Put back the recursion limit, which tinygrad raises when it is imported: chains are to be too deep."""
    before = sys.getrecursionlimit()
    yield
    sys.setrecursionlimit(before)
