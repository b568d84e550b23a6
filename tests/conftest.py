"""What every test leaves as it found it, and which files are not imported for nothing."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out files of tests that are asked once, where these are not asked: their import takes seconds."""
    if config.option.markexpr != "not once" or collection_path.suffix != ".py":
        return None
    return True if "\npytestmark = pytest.mark.once\n" in collection_path.read_text() else None


@pytest.fixture(autouse=True)
def recursion_limit_kept() -> Iterator[None]:
    """Put back the recursion limit, which tinygrad raises when it is imported: chains are to be too deep."""
    before = sys.getrecursionlimit()
    yield
    sys.setrecursionlimit(before)
