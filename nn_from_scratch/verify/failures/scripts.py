"""What the scripts that show failures have in common: how an engine is found again, and whether they fail."""

from __future__ import annotations

import ast
import contextlib
import io
import sys
import sysconfig
import warnings
from collections.abc import Collection, Iterator
from pathlib import Path
from textwrap import indent
from types import ModuleType

from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.engines.loading import absolute, module_of
from nn_from_scratch.verify.failures.again import OBJECTS, TIMES


def fails(script: str) -> bool:
    """Run a script here, and tell whether it raises: one that does not is no use to anybody."""
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(compile(script, "reproducer.py", "exec"), {"__name__": "__main__"})  # noqa: S102
    except Exception:  # noqa: BLE001  that is what it is for
        return True
    return False


def loading(engine: Engine) -> tuple[list[str], str]:
    """Return the lines before the imports of a script, and the line that makes the engine.

    They work from any folder, whatever the engine was found by.
    """
    if not engine.spec:
        return [], "# here goes what makes the `engine`"
    return folders(_names_in(module_of(engine.spec))), f"engine = load({absolute(engine.spec)!r})"


def repeated(code: str) -> str:
    """Write code that is run again and again, so that what fails now and then does."""
    return f"""\
kept = []
for attempt in range({TIMES}):  # with other objects in memory each time: not every answer is wrong
    {OBJECTS}
{indent(code, "    ")}"""


def imported_by(imports: str) -> set[str]:
    """Return the names of the packages that lines of imports need."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(imports)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return {name.partition(".")[0] for name in names}


def folders(packages: Collection[str]) -> list[str]:
    """Write the lines after which packages are found that are not installed, such as those that lie here."""
    installed = {Path(path).resolve() for path in sysconfig.get_paths().values()}
    others = set(packages) - sys.stdlib_module_names - {__name__.partition(".")[0]}
    found = {root for name in others if (root := _folder_of(sys.modules.get(name)))}
    lines = [f"sys.path.append({str(root)!r})" for root in sorted(found - installed)]
    return ["import sys", "", *lines, ""] if lines else []


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
