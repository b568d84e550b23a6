"""What the name of an engine says: a built-in one, or where an adapter is found."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import ModuleType

from nn_from_scratch.verify.engines.offered import names, offered

BUILT_IN = ("nn_from_scratch", "autograd", "jax", "micrograd", "mygrad", "pytorch", "tinygrad")
"""Engines whose adapter ships with the suite: `load` knows them by this name."""

_PARTS = {"nn_from_scratch:replay": "replay"}
"""Parts of an engine that have an adapter of their own: asked by this name, and beside no others."""


def known() -> tuple[str, ...]:
    """Return all names of engines: those that ship, and those that packages offer."""
    return (*BUILT_IN, *names())


_ADAPTERS = f"{__package__}.adapters."  # before the name of a module that ships
_FILE = "_engine_"  # before the name of a file that is loaded, which may be that of another module


def absolute(spec: str) -> str:
    """Return the spec by which the engine is found from any folder: a path in it is made absolute."""
    location, attribute = parts(spec)
    if not location.endswith(".py"):
        return spec
    path = str(Path(location).resolve())
    return f"{path}:{attribute}" if attribute else path


def resolved(spec: str) -> str:
    """Return the spec by which another process finds the engine, without a search for what packages offer."""
    location, attribute = parts(absolute(spec))
    return f"{location}:{attribute or 'engine'}"


def ships(location: str) -> bool:
    """Whether a module is an adapter that ships with the suite."""
    return location.startswith(_ADAPTERS)


def module_of(spec: str) -> ModuleType:
    """Return the module of a loaded engine."""
    location, _ = parts(spec)
    return sys.modules[name_of(Path(location)) if location.endswith(".py") else location]


def parts(spec: str) -> tuple[str, str]:
    """Return the module or file, and the attribute, which may be empty.

    A name is that of an engine that ships, or that a package offers, or else of a module.
    What has a folder in it is a file, whose ending may be left out: ``./my_engine``.
    """
    is_shipped = spec in BUILT_IN
    found = offered(spec, is_shipped=is_shipped) if is_shipped or spec.isidentifier() or "-" in spec else None
    if found:
        return found
    if spec in _PARTS:
        return f"{_ADAPTERS}{_PARTS[spec]}", ""
    if is_shipped:
        return f"{_ADAPTERS}{'ours' if spec == 'nn_from_scratch' else spec}", ""
    location, _, attribute = spec.rpartition(":") if ":" in spec else (spec, "", "")
    is_path = any(separator in location for separator in (os.sep, os.altsep) if separator)
    return f"{location}.py" if is_path and not location.endswith(".py") else location, attribute


def name_of(path: Path) -> str:
    """Return the name under which a file is imported."""
    return f"{_FILE}{path.stem}"


def importable(module: str) -> str:
    """Return the name by which a script imports a module: a file that was loaded as an adapter by its own."""
    return module.removeprefix(_FILE)
