"""``nn-from-scratch adapter``: a module is probed and its adapter written; what was guessed is said."""

from __future__ import annotations

import argparse
import os
import shlex
from pathlib import Path

from nn_from_scratch.verify.cli.arguments import Once, file_path
from nn_from_scratch.verify.cli.outputs import Outputs, UsageError
from nn_from_scratch.verify.cli.terminal import say
from nn_from_scratch.verify.engines.adapting.asking import written_adapter
from nn_from_scratch.verify.engines.specs import parts

TEXT = "Probe a class of numbers, and write the adapter by which `verify` asks it."


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    command.add_argument(
        "module", metavar="MODULE", help="FILE.py or a module, and :CLASS where there are several"
    )
    command.add_argument(
        "--output",
        type=file_path,
        action=Once,
        metavar="PATH",
        help="where to write it, - for standard output (default: NAME_adapter.py in the current folder)",
    )
    command.add_argument("--force", action="store_true", help="overwrite what is there")


def paths(options: argparse.Namespace) -> dict[str, Path]:
    """Return where the adapter is to be, if it is not printed.

    Raises
    ------
    UsageError
        If a file is there that may not be overwritten.

    """
    if options.output == Path("-"):
        return {}
    location, _ = parts(options.module)
    name = Path(location).stem if location.endswith(".py") else location.rpartition(".")[2]
    place = options.output or Path(f"{name}_adapter.py")
    if os.path.lexists(place) and not options.force:
        raise UsageError(f"{place} is there already: --force overwrites it, --output PATH writes another")
    return {"--output": place}


def write(options: argparse.Namespace, outputs: Outputs) -> None:
    """Write an adapter, and say what was guessed.

    Raises
    ------
    EngineError
        If there is nothing to adapt.

    """
    place = paths(options).get("--output")
    found = written_adapter(options.module, place)
    guessed = [f"guessed: {line}" for line in found.guesses]
    guessed.append(f"operations: {', '.join(found.operations) or 'none of the catalogue'}")
    if place is None:
        say("\n".join(guessed))
        outputs.show(lambda _: print(found.text, end=""))
        return
    if outputs.write("--output", lambda: found.text):
        guessed.append(
            f"wrote {place}; what is guessed wrong is mended there. "
            f"Next: nn-from-scratch verify --engine {shlex.quote(str(place))}"
        )
    outputs.show(lambda _: print(*guessed, sep="\n"))
