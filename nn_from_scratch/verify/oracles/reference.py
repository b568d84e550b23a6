"""Where recorded truth is found: inside the installed package, or at the top of a checkout."""

from __future__ import annotations

import json
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any


def folder() -> Traversable:
    """Return the folder of recorded truth."""
    installed = files("nn_from_scratch") / "reference"
    return installed if installed.is_dir() else Path(__file__).resolve().parents[3] / "reference"


def read(path: str) -> Any:
    """Read a JSON file of the reference folder.

    Raises
    ------
    FileNotFoundError
        If it is not there.

    """
    file = folder().joinpath(*path.split("/"))
    if not file.is_file():
        raise FileNotFoundError(f"no recorded {path} in {folder()}: reinstall nn_from_scratch, or record it")
    return json.loads(file.read_text(encoding="utf-8"))
