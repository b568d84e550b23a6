"""The code of an engine whose adapter consists of names: scripts are written in it, without the suite."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from keyword import iskeyword
from types import ModuleType
from typing import Any

from nn_from_scratch.verify.engines.calling import OPERATORS
from nn_from_scratch.verify.engines.source import TapeSource, TransformSource
from nn_from_scratch.verify.engines.specs import importable
from nn_from_scratch.verify.engines.spelling import Spelling
from nn_from_scratch.verify.questions.operations import ELEMENTWISE, OF_ARRAYS

_TAKEN = re.compile(
    "[a-h]|[xu][0-9]+|y|np|sys|got|expected|tolerance|value|gradient|kept|attempt|f|along|ops|float|abs"
)
"""Names that scripts use."""
_OF_A_NAMESPACE = {
    "where": "ops.where({0} > 0, {1}, {2})",
    "einsum": "ops.einsum({subscripts!r}, {operands})",
    "take_along_axis": "ops.take_along_axis({0}, np.array({indices}), {axis})",
    **dict.fromkeys(("solve", "inv", "det"), "ops.linalg.{name}({operands})"),
    "cholesky": "ops.linalg.cholesky(({0} + {0}.swapaxes(-1, -2)) / 2)",
    "eigvalsh": "ops.linalg.eigvalsh(({0} + {0}.swapaxes(-1, -2)) / 2)",
    "eigh": "((v := ops.linalg.eigh(({0} + {0}.swapaxes(-1, -2)) / 2)[1]) * ops.sign(v[..., :1, :]))",
}
"""Functions of a namespace that are not called by their name and arguments alone: see `calling.functions`."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A function or class that a script can import.

    Parameters
    ----------
    imports
        The line that does.
    name
        What it is called then.

    """

    imports: str
    name: str

    @classmethod
    def to(cls, found: Any) -> Reference | None:
        """Return how something is imported; nothing where it cannot be, as what has no name of its own."""
        module, name = getattr(found, "__module__", None), getattr(found, "__qualname__", "")
        if not isinstance(module, str) or not isinstance(name, str) or not name.isidentifier():
            return None
        there = getattr(sys.modules.get(module), name, None) is found
        if not there or not _can_be_imported(module) or _TAKEN.fullmatch(name):
            return None
        return cls(f"from {importable(module)} import {name}", name)


def _can_be_imported(module: str) -> bool:
    """Whether a line of code can name a module: a file may be called my-engine.py."""
    parts = importable(module).split(".")
    return module != "__main__" and all(part.isidentifier() and not iskeyword(part) for part in parts)


def tape_source(
    *,
    variable: Any,
    backward: Any,
    value: Any,
    gradient: Any,
    constant: Any,
    operations: Mapping[str, Any],
    spelling: Spelling | None = None,
) -> TapeSource | None:
    """Return how the code of a tape engine is written, given what its adapter says; nothing if it cannot be.

    It is told by names: of attributes and methods, and of functions that can be imported.
    """
    made, is_named = Reference.to(variable), isinstance(value, str) and isinstance(gradient, str)
    walked = None if isinstance(backward, str) else Reference.to(backward)
    held = None if constant is None else Reference.to(constant)
    told = is_named and (walked or isinstance(backward, str)) and (held or constant is None)
    if not told or made is None:
        return None
    written, imports = _operations(operations)
    if spelling is not None:
        if not _moves_are_plain(spelling):
            return None
        spelled, more = _spelled(spelling)
        written, imports = {**spelled, **written}, [*more, *imports]
    lines = [one.imports for one in (made, walked, held) if one]
    return TapeSource(
        imports="\n".join(dict.fromkeys([*lines, *imports])),
        variable=f"{made.name}({{}})",
        constant=f"{held.name}({{}})" if held else "{}",
        backward=f"{walked.name}({{output}})" if walked else f"{{output}}.{backward}()",
        backward_from=(
            f"{walked.name}({{output}}, {{cotangent}})" if walked else f"{{output}}.{backward}({{cotangent}})"
        ),
        value=f"{{}}.{value}",
        gradient=f"{{}}.{gradient}",
        operations=written,
    )


def _moves_are_plain(spelling: Spelling) -> bool:
    """Whether leaves are made, and the reverse pass run, as scripts do that."""
    return (
        spelling.gradients == "nodes"
        and spelling.scalars == "()"
        and spelling.leaves == "given"
        and spelling.cotangent == "array"
    )


def _spelled(spelling: Spelling) -> tuple[dict[str, str], list[str]]:
    """Return how operations on single entries are written, and the imports that this needs.

    Those on whole arrays are not: what their arguments are depends on the shapes.
    """
    module = spelling.functions if isinstance(spelling.functions, ModuleType) else None
    is_named = module is not None and _can_be_imported(module.__name__)
    written = dict.fromkeys([name for name in OF_ARRAYS if name not in ("matmul", "index")], "")
    for name in ELEMENTWISE:
        called = spelling.of(name).names.get(name, name)
        if spelling.functions is not None and hasattr(spelling.functions, called):
            written[name] = f"ops.{called}({{arguments}})" if is_named else ""
        elif called != name:
            written[name] = f"{{0}}.{called}({{others}})"
        if name in OPERATORS and name not in spelling.names:
            written.pop(name, None)
    if "matmul" in spelling.names:
        written["matmul"] = ""
    return written, [f"import {importable(module.__name__)} as ops"] if module and is_named else []


def transform_source(
    namespace: Any, value_and_gradient: Any, constant: Any, operations: Mapping[str, Any]
) -> TransformSource | None:
    """Return how the code of an engine that transforms functions is written; nothing if that is not told.

    It is told by a namespace that is a module, and a `value_and_gradient` that can be imported.
    """
    made, held = Reference.to(value_and_gradient), None if constant is None else Reference.to(constant)
    is_module = isinstance(namespace, ModuleType) and sys.modules.get(namespace.__name__) is namespace
    is_module = is_module and _can_be_imported(namespace.__name__)
    if made is None or not is_module or (constant is not None and held is None):
        return None
    written, imports = _operations(operations)
    lines = [
        f"import {importable(namespace.__name__)} as ops",
        made.imports,
        *([held.imports] if held else []),
    ]
    return TransformSource(
        imports="\n".join(dict.fromkeys([*lines, *imports])),
        transform=f"{made.name}({{function}}, [{{inputs}}])",
        call="ops.{name}({arguments})",
        constant=f"{held.name}({{}})" if held else "{}",
        operations={**_OF_A_NAMESPACE, **written},
    )


def _operations(given: Mapping[str, Any]) -> tuple[dict[str, str], list[str]]:
    """Return how the operations that an adapter gives are written, and the imports that this needs.

    An empty text says that one cannot be.
    """
    written, imports = dict[str, str](), list[str]()
    for name, function in given.items():
        found = Reference.to(function) if name in ELEMENTWISE else None
        if function is OPERATORS.get(name):
            continue
        written[name] = f"{found.name}({{operands}})" if found else ""
        imports += [found.imports] if found else []
    return written, imports
