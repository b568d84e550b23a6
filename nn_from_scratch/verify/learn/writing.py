"""Write the engine with its operations left blank, and its tests."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

BLANK = files("nn_from_scratch.verify.learn") / "blank"
NAMES = ("engine.py", "test_engine.py")
"""The files that are written."""


def write(folder: Path) -> list[Path]:
    """Write the files into a folder, which is made if there is none; return their paths.

    Raises
    ------
    FileExistsError
        If there is one of them already: nobody's work is overwritten.

    """
    paths = [folder / name for name in NAMES]
    for path in paths:
        if path.exists():
            raise FileExistsError(f"{path} is there already: choose another folder, or move it away")
    folder.mkdir(parents=True, exist_ok=True)
    for path in paths:
        path.write_text((BLANK / f"{path.name}.txt").read_text(encoding="utf-8"), encoding="utf-8")
    return paths
