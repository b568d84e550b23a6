"""Where the packages of an engine were found, so that a script elsewhere finds them again."""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from nn_from_scratch.verify.engines.specs import importable, module_of


@dataclass(frozen=True, slots=True)
class FoundIn:
    """The packages that an engine's adapter refers to, and the folders of those that are not installed."""

    names: tuple[str, ...]
    folders: dict[str, str]


def found_in(spec: str) -> FoundIn:
    """Return where a loaded engine's packages were found; without a spec its adapter refers to none."""
    names = sorted(_names_in(module_of(spec))) if spec else []
    return FoundIn(tuple(names), _folders())


def _folders() -> dict[str, str]:
    """Return by name the folders of all packages of this process that are not installed."""
    installed = {Path(path).resolve() for path in sysconfig.get_paths().values()}
    others = {name.partition(".")[0] for name in sys.modules}
    others -= sys.stdlib_module_names | {__name__.partition(".")[0]}
    found = {name: _folder_of(sys.modules.get(name)) for name in others}
    return {
        importable(name): str(folder) for name, folder in found.items() if folder and folder not in installed
    }


def _folder_of(package: ModuleType | None) -> Path | None:
    """Return the folder in which a package or module was found; None for one of no file."""
    file = getattr(package, "__file__", None)
    if file is None:
        return None
    path = Path(file).resolve()
    return path.parent.parent if hasattr(package, "__path__") else path.parent


def _names_in(module: ModuleType) -> set[str]:
    """Return the names of the packages that a module's own names come from, and its own if it has one."""
    return {name.partition(".")[0] for name in (module.__name__, *_origins(module))}


def _origins(module: ModuleType) -> Iterator[str]:
    for value in vars(module).values():
        name = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
        if isinstance(name, str):
            yield name
