"""Importing somebody's module as Python would if it were run: what lies beside it is found."""

from __future__ import annotations

import importlib
import importlib.util
import linecache
import sys
import sysconfig
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from nn_from_scratch.verify.engines.answers import asking
from nn_from_scratch.verify.engines.specs import name_of

_SUITE = Path(__file__).parents[2]
_LONGEST = 120  # characters of a line of code that are shown


def imported(location: str, folder: Path) -> ModuleType:
    """Import a file, or a module by its name.

    Parameters
    ----------
    location
        A path that ends in ``.py``, or the name of a module.
    folder
        Where both are looked for; a file's own folder is searched for what it imports before that.

    Raises
    ------
    Exception
        Whatever it raises; an `ExitError` if it exits.

    """
    if not location.strip("."):  # no module is called so
        raise IsADirectoryError(f"{location or 'the empty name'} is a folder: give a file in it")
    if not location.endswith(".py"):
        with _as_if_run(location, [folder]), asking():
            return importlib.import_module(location)
    path = folder / location
    if not path.is_file():
        package = (folder / location.removesuffix(".py")).resolve()
        if package.is_dir():
            raise IsADirectoryError(
                f"{package.name} is a folder: give a file in it, or of a package, from the folder that it is "
                f"in, its name: {package.name}"
            )
        raise FileNotFoundError(f"there is no file {location}")
    with _as_if_run(str(path), [path.resolve().parent, folder]), asking():
        return _import_file(path)


def place(error: BaseException) -> str:
    """Say where an error was raised, in the code of whoever wrote what was imported; nothing if nowhere."""
    if isinstance(error, SyntaxError) and error.filename:
        return _line(error.filename, error.lineno or 0)
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename[:1] != "<"]
    ours = {_SUITE, Path(importlib.__file__).parent}
    theirs = [frame for frame in frames if not ours & {*Path(frame.filename).parents}]
    own = [frame for frame in theirs if not _is_installed(Path(frame.filename))]
    frame = next(reversed(own or theirs), None)
    return _line(frame.filename, frame.lineno or 0) if frame else ""


def _line(file: str, number: int) -> str:
    code = linecache.getline(file, number).strip()[:_LONGEST]
    return f"{file}, line {number}" + (f": {code}" if code else "")


def _is_installed(file: Path) -> bool:
    """Whether a file is Python's, or of an installed package."""
    kinds = ("stdlib", "platstdlib", "purelib", "platlib")
    folders = {Path(sysconfig.get_path(kind)).resolve() for kind in kinds}
    return bool(folders & {*file.resolve().parents})


@contextmanager
def _as_if_run(program: str, folders: list[Path]) -> Iterator[None]:
    """Search folders first, and give the program no arguments, as it may read them when it is imported.

    Afterwards the folders are searched last, for what the program imports when it is called.
    """
    paths = [str(folder) for folder in dict.fromkeys(folders)]
    known, arguments = [path for path in paths if path in sys.path], sys.argv
    sys.path[:0] = paths
    sys.argv = [program]
    try:
        yield
    finally:
        sys.argv = arguments
        for path in paths:
            if path in sys.path:
                sys.path.remove(path)
        sys.path += [path for path in paths if path not in known and path not in sys.path]


def _import_file(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name_of(path), path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
