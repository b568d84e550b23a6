"""What the scripts that show failures have in common: how an engine is found again."""

from __future__ import annotations

import ast
import shlex
from collections.abc import Collection
from textwrap import indent

from nn_from_scratch.verify.engines.disturbing import OBJECTS
from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.engines.specs import absolute
from nn_from_scratch.verify.engines.wire.isolated import COMMAND, command
from nn_from_scratch.verify.failures.again import TIMES


def loading(engine: Engine) -> tuple[list[str], str]:
    """Return the lines before the imports of a script, and the lines that make the engine.

    They work from any folder, whatever the engine was found by.
    """
    if not engine.spec:
        return [], "# here goes what makes the `engine`"
    apart = "from nn_from_scratch.verify import isolated\n\nengine = isolated({!r})"
    if engine.spec.startswith(COMMAND):
        return [], apart.format(f"{COMMAND}{shlex.join(command(engine.spec))}")
    if engine.driver.deaths:  # here it would end the script, with a status of its own choice
        return [], apart.format(absolute(engine.spec))
    names = engine.driver.found_in(engine.spec).names
    return folders(engine, names), f"engine = load({absolute(engine.spec)!r})"


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


def folders(engine: Engine, packages: Collection[str]) -> list[str]:
    """Write the lines after which packages are found that are not installed, such as those that lie here."""
    known = engine.driver.found_in(engine.spec).folders
    roots = {known[name] for name in packages if name in known}
    lines = [f"sys.path.append({root!r})" for root in sorted(roots)]
    return ["import sys", "", *lines, ""] if lines else []
