"""Loading an engine by name: a built-in one, or an adapter in a module or a file."""

from __future__ import annotations

import inspect
import os
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Any

from nn_from_scratch.verify.engines.answers import ExitError, asking
from nn_from_scratch.verify.engines.engine import Engine, EngineError
from nn_from_scratch.verify.engines.importing import imported, place
from nn_from_scratch.verify.engines.legible import seen, told
from nn_from_scratch.verify.engines.specs import known, parts, ships


def load(spec: str | Path) -> Engine:
    """Find an engine: a built-in name, ``module:attribute`` or ``path.py:attribute``.

    The attribute defaults to ``engine``. It is an `Engine`, or a function of nothing that returns one.
    Modules are looked for in the current folder first; what a file imports, beside the file.

    Raises
    ------
    EngineError
        If there is no such module or file, it fails to import, or the attribute is no Engine.

    """
    try:
        return find(spec, Path.cwd())
    except EngineError as error:
        raise EngineError(f"cannot load engine {as_text(spec)!r}: {error}") from error.__cause__


def find(spec: str | Path, folder: Path) -> Engine:
    """Find an engine as `load` does, where `folder` stands for the current one.

    Raises
    ------
    EngineError
        As `load` does, without the spec in its message.

    """
    spec = as_text(spec)
    location, attribute = parts(spec)
    try:
        module = imported(location, folder)
    except Exception as error:
        others = f"known names are {', '.join(known())}; else give module:attribute or path.py:attribute"
        missing = error.name if isinstance(error, ModuleNotFoundError) and ships(location) else None
        raised = error.__cause__ if isinstance(error, ExitError) and error.__cause__ else error
        where = f"pip install {missing}" if missing else place(raised) or others
        words = str(error) if isinstance(error, EngineError) else told(error)
        raise EngineError(f"{words} ({where})") from error
    engine = _made(_named(module, location, attribute or "engine"), location, attribute or "engine")
    object.__setattr__(engine, "spec", spec)
    return engine


def as_text(spec: object) -> str:
    """Return a spec as a text.

    Raises
    ------
    EngineError
        If it is neither a text nor a path.

    """
    if isinstance(spec, Engine):
        raise EngineError("this is an Engine already: it needs no loading")
    if isinstance(spec, (str, os.PathLike)):
        text = os.fspath(spec)
        if isinstance(text, str):
            return text
    raise EngineError(f"a spec is a text or a path, got {seen(spec)}")


def _named(module: ModuleType, location: str, attribute: str) -> Any:
    """Return what a module has by a name.

    Raises
    ------
    EngineError
        If it has nothing, with the names of what may be meant.

    """
    found = vars(module)
    if attribute in found or hasattr(module, attribute):
        return getattr(module, attribute)
    engines = [name for name, value in found.items() if isinstance(value, Engine)]
    others = [name for name, value in found.items() if not name.startswith("_") and value is not Engine]
    meant = engines or get_close_matches(attribute, others)
    end = f"; perhaps you mean {' or '.join(f'{location}:{name}' for name in meant)}" if meant else ""
    raise EngineError(f"there is no {attribute!r} in {location}{end or _HOW.format(variable='Value')}")


_HOW = "; an adapter has a line `engine = Engine.from_tape(variable={variable}, ...)`"


def _made(found: Any, location: str, attribute: str) -> Engine:
    """Return an engine, or the one that a function of nothing returns.

    Raises
    ------
    EngineError
        If there is none, saying what would do.

    """
    what = f"{attribute} of {location} is"
    if isinstance(found, Engine):
        return found
    if isinstance(found, type):
        how = _HOW.format(variable=found.__name__)
        raise EngineError(f"{what} a class, no Engine{how}")
    if not callable(found):
        raise EngineError(f"{what} {seen(found)}, no Engine{_HOW.format(variable='Value')}")
    if _parameters(found):
        needed = ", ".join(_parameters(found))
        raise EngineError(
            f"{what} {seen(found)}, no Engine; a function that returns one may stand here, but it needs "
            f"{needed}: call it in the adapter"
        )
    try:
        with asking():
            made = found()
    except Exception as error:
        raise EngineError(f"{attribute}() of {location} raises {told(error)} ({place(error)})") from error
    if not isinstance(made, Engine):
        raise EngineError(f"{what} a function that returns {seen(made)}, no Engine")
    return made


def _parameters(function: Any) -> list[str]:
    """Return the names of the parameters that a function needs."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # one that does not tell, such as many that are written in C
        return ["arguments"]
    optional = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [one.name for one in parameters if one.default is one.empty and one.kind not in optional]
