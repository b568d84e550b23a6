"""Importing the file or module that a function lies in, as Python itself would when it runs the file."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType


class TargetError(Exception):
    """What was named cannot be asked: there is no such thing, or something that it needs is missing."""


def imported(location: str) -> ModuleType:
    """Import a module by its name, or a file by its path; the folder of either is importable.

    Raises
    ------
    TargetError
        If there is none, or importing it raises.

    """
    if Path(location).is_dir() and not (Path(location) / "__init__.py").is_file():
        raise TargetError(f"{location or 'the empty name'} is a folder: give FILE.py:NAME")
    is_file = location.endswith(".py")
    if is_file and not Path(location).is_file():
        raise TargetError(f"there is no file {location}")
    try:
        if is_file:
            return _file(Path(location).resolve())
        _lead(Path.cwd())
        return importlib.import_module(location)
    except ModuleNotFoundError as error:
        if not is_file and (location == error.name or location.startswith(f"{error.name}.")):
            raise TargetError(
                f"there is no module {location}: give FILE.py:NAME, or a module that can be imported here"
            ) from error
        raise TargetError(f"{location} cannot be imported: {error}") from error
    except (Exception, SystemExit) as error:
        said = f"{type(error).__name__}: {error}"
        raise TargetError(f"{location} cannot be imported: it raises {said}") from error


def _file(path: Path) -> ModuleType:
    """Import a file: as a module of its package, if it lies in one, and else by its own name."""
    root, parts = path.parent, [path.stem]
    while (root / "__init__.py").is_file():
        parts.insert(0, root.name)
        root = root.parent
    _lead(root)
    if len(parts) > 1:
        return importlib.import_module(".".join(parts))
    name = path.stem if path.stem not in sys.modules else f"_checked_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _lead(folder: Path) -> None:
    """Let a folder be the first in which modules are looked for, as that of a script is."""
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
