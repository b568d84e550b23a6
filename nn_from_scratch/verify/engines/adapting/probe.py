"""The process that probes a module: ``python -m nn_from_scratch.verify.engines.adapting.probe``.

Whatever the module does, exiting and hanging too, ends this process only, which then has said nothing.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from nn_from_scratch.verify.engines.adapting.guesses import (
    find_arrays,
    find_reverse_pass,
    numbers_of,
)
from nn_from_scratch.verify.engines.adapting.words import find_matrix_products, find_names, find_words
from nn_from_scratch.verify.engines.adapting.written import adapter, guesses
from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.engines.errors import EngineError
from nn_from_scratch.verify.engines.importing import imported, place
from nn_from_scratch.verify.engines.legible import told
from nn_from_scratch.verify.engines.loading import find
from nn_from_scratch.verify.engines.mistakes import refuse_mistakes
from nn_from_scratch.verify.engines.specs import importable, parts

_write, _exit = os.write, os._exit  # before a module patches them


def probe(spec: str, folder: Path, output: str) -> dict[str, Any]:
    """Return the text of an adapter, what was guessed, and the operations that it has.

    Parameters
    ----------
    spec
        A file or a module, and the class in it where there are several.
    folder
        Where both are looked for.
    output
        Where the adapter will lie; empty for nowhere.

    Raises
    ------
    EngineError
        If there is nothing in it that could be adapted.

    """
    location, name = parts(spec)
    try:
        module = imported(location, folder)
    except Exception as error:
        where = place(error)
        end = f" ({where})" if where else ""
        raise EngineError(f"{location} cannot be imported: {told(error)}{end}") from error
    own = importable(module.__name__)
    if not all(part.isidentifier() for part in own.split(".")):
        raise EngineError(f"{location} has a name that no `import` can have: rename it, as my_engine.py")
    if own != module.__name__:
        sys.modules[own] = module  # as the adapter will import it
    found = numbers_of(module, name)
    if not found:
        what = name or "nothing"
        raise EngineError(
            f"{what} in {location} looks like a number: a class that is made of a float, has it in an "
            "attribute, and can be multiplied; name one as FILE.py:CLASS, or write the adapter by hand "
            "(Engine.from_tape, or Engine.from_transform for functions)"
        )
    if len(found) > 1:
        several = " or ".join(f"{location}:{guess.kind.__name__}" for guess in found)
        raise EngineError(f"several classes look like numbers; give {several}")
    (guess,) = found
    find_reverse_pass(guess, module)
    find_arrays(guess)
    find_names(guess, module)
    find_words(guess)
    engine = _loaded(adapter(guess, module, output))
    refuse_mistakes(engine)
    if guess.arrays:
        find_matrix_products(guess, engine)
    names = dict.fromkeys(name for name, _ in (*engine.forms, *engine.array_forms))
    return {
        "text": adapter(guess, module, output),
        "guesses": guesses(guess, module),
        "operations": list(names),
    }


def _loaded(text: str) -> Engine:
    """Return the engine of an adapter's text, loaded as it will be."""
    path = Path.cwd() / "written_adapter.py"
    path.write_text(text, encoding="utf-8")
    return find(path, Path.cwd())


def main(arguments: list[str]) -> None:
    """Probe a module, and write one line of JSON."""
    spec, folder, output, requests, answers = arguments
    os.read(int(requests), 1)
    try:
        answer: dict[str, Any] = probe(spec, Path(folder), output)
    except BaseException as error:  # noqa: BLE001  a module may raise whatever it likes
        answer = {"refused": str(error) if isinstance(error, EngineError) else told(error)}
    _write(int(answers), json.dumps(answer).encode() + b"\n")
    _exit(0)  # without the module's own hooks


if __name__ == "__main__":
    main(sys.argv[1:])
