"""Loading an engine by name: a built-in one, or an adapter in a module or a file."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import Any

from nn_from_scratch.verify.engines.answers import asking
from nn_from_scratch.verify.engines.engine import Engine, EngineError
from nn_from_scratch.verify.engines.specs import BUILT_IN, name_of, parts


def load(spec: str) -> Engine:
    """Find an engine: a built-in name, ``module:attribute`` or ``path.py:attribute``.

    The attribute defaults to ``engine``.

    Raises
    ------
    EngineError
        If there is no such module or file, it fails to import, or the attribute is no Engine.

    """
    location, attribute = parts(spec)
    try:
        with asking():
            module = (
                _import_file(Path(location))
                if location.endswith(".py")
                else importlib.import_module(location)
            )
    except Exception as error:
        known = f"known names are {', '.join(BUILT_IN)}; else give module:attribute or path.py:attribute"
        raise EngineError(
            f"cannot load engine {spec!r}: {type(error).__name__}: {error} ({known})"
        ) from error
    engine = getattr(module, attribute or "engine", None)
    if not isinstance(engine, Engine):
        raise EngineError(
            f"cannot load engine {spec!r}: {attribute or 'engine'} of {location} is {engine!r}, no Engine"
        )
    object.__setattr__(engine, "spec", spec)
    return engine


def _import_file(path: Path) -> Any:
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    spec = importlib.util.spec_from_file_location(name_of(path), path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
