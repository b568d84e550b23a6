"""The engine with its operations left blank, and its tests."""

from __future__ import annotations

from importlib.resources import files

BLANK = files("nn_from_scratch.verify.learn") / "blank"
NAMES = ("engine.py", "test_engine.py")
"""The files that are to be written."""


def texts() -> dict[str, str]:
    """Return the text of each file, by its name."""
    return {name: (BLANK / f"{name}.txt").read_text(encoding="utf-8") for name in NAMES}
