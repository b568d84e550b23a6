"""The code by which a script finds a function again, from any folder."""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from nn_from_scratch.verify.functions.named.target import Code


def code_of(value: Any, module: ModuleType, name: str) -> Code:
    """Return how a script comes by what a module holds under a name.

    An autograd function of PyTorch is its `apply`, and a class is made without arguments.
    """
    expression = name
    if isinstance(value, type):
        expression = (
            f"{name}.apply" if hasattr(value, "apply") and hasattr(value, "setup_context") else f"{name}()"
        )
    return Code(imports_of(module, [name]), expression)


def imports_of(module: ModuleType, names: list[str]) -> tuple[str, ...]:
    """Return the lines that import names of a module, wherever its file lies."""
    wanted = ", ".join(dict.fromkeys(name.partition(".")[0] for name in names))
    file = getattr(module, "__file__", None)
    if file is None:
        return (f"from {module.__name__} import {wanted}",)
    path = Path(file).resolve()
    dotted = module.__name__
    if dotted == "__main__" or dotted.startswith("_checked_"):
        dotted = path.stem
    root = path.parents[dotted.count(".") + (path.stem == "__init__")]
    named_so = dotted.split(".")[-1] in (path.stem, path.parent.name)
    if not named_so or not all(part.isidentifier() for part in dotted.split(".")) or _is_pythons(dotted):
        picked = [f"{name} = names[{name!r}]" for name in wanted.split(", ")]
        return (
            "import runpy",
            "import sys",
            "",
            _lead(path.parent),
            f"names = runpy.run_path({str(path)!r})",
            *picked,
        )
    line = f"from {dotted} import {wanted}"
    if root in {Path(folder).resolve() for folder in sysconfig.get_paths().values()}:
        return (line,)
    return ("import sys", "", _lead(root), line)


def code_of_functions(function: Callable[..., Any], gradient: Callable[..., Any] | None) -> Code | None:
    """Return how a script comes by functions, None where they are of no module: lambdas, inner functions."""
    found = _place(function)
    if found is None:
        return None
    module, name = found
    if gradient is None:
        return Code(imports_of(module, [name]), name)
    beside = _place(gradient)
    if beside is None:
        return None
    if beside[0] is module:
        return Code(imports_of(module, [name, beside[1]]), name, beside[1])
    imports = (*imports_of(module, [name]), *imports_of(beside[0], [beside[1]]))
    return Code(imports, name, beside[1])


def _place(function: Any) -> tuple[ModuleType, str] | None:
    """Return the module and the name under which a function is found in it."""
    module = sys.modules.get(getattr(function, "__module__", None) or "")
    name = getattr(function, "__qualname__", None) or getattr(function, "__name__", "")
    owner = getattr(function, "__self__", None)
    if isinstance(owner, type):  # a method of a class, such as an autograd function's `apply`
        module, name = sys.modules.get(owner.__module__), f"{owner.__qualname__}.{function.__name__}"
    found: Any = module
    for part in name.split(".") if name else ():
        found = getattr(found, part, None)
    if module is None or not name or not (found is function or (owner is not None and found == function)):
        return None
    return module, name


def _lead(folder: Path) -> str:
    return f"sys.path.insert(0, {str(folder)!r})"


def _is_pythons(dotted: str) -> bool:
    return dotted.partition(".")[0] in sys.stdlib_module_names
