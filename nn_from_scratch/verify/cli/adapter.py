"""``nn-from-scratch adapter``: a module is probed and its adapter written; what was guessed is said."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from nn_from_scratch.verify.engines.adapting.asking import written_adapter
from nn_from_scratch.verify.engines.errors import EngineError
from nn_from_scratch.verify.engines.specs import parts

TEXT = "Probe a class of numbers, and write the adapter by which `verify` asks it."


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    command.add_argument(
        "module", metavar="MODULE", help="FILE.py or a module, and :CLASS where there are several"
    )
    command.add_argument(
        "--output",
        metavar="PATH",
        help="where to write it, - for standard output (default: NAME_adapter.py in the current folder)",
    )
    command.add_argument("--force", action="store_true", help="overwrite what is there")


def write(options: argparse.Namespace) -> None:
    """Write an adapter, and say what was guessed.

    Raises
    ------
    EngineError
        If there is nothing to adapt, or a file of that name is there.

    """
    location, _ = parts(options.module)
    name = Path(location).stem if location.endswith(".py") else location.rpartition(".")[2]
    is_printed = options.output == "-"
    path = None if is_printed else Path(options.output or f"{name}_adapter.py")
    if path is not None and path.exists() and not options.force:
        raise EngineError(f"{path} is there already: --force overwrites it, --output PATH writes another")
    found = written_adapter(options.module, path)
    said = sys.stderr if is_printed else sys.stdout
    for line in found.guesses:
        print(f"guessed: {line}", file=said)
    print(f"operations: {', '.join(found.operations) or 'none of the catalogue'}", file=said)
    if path is None:
        print(found.text, end="")
        return
    try:
        path.write_text(found.text, encoding="utf-8")
    except OSError as error:
        raise EngineError(f"cannot write {path}: {error.strerror}") from error
    print(
        f"wrote {path}; what is guessed wrong is mended there. Next: nn-from-scratch verify --engine {path}"
    )
