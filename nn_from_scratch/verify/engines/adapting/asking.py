"""Asking for an adapter: the module is probed in a process of its own."""

from __future__ import annotations

import json
import os
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from nn_from_scratch.verify.engines.deaths import DeathError
from nn_from_scratch.verify.engines.errors import EngineError
from nn_from_scratch.verify.engines.legible import legible
from nn_from_scratch.verify.engines.specs import absolute
from nn_from_scratch.verify.engines.wire.isolated import python_path
from nn_from_scratch.verify.engines.wire.process import ANSWERS, REQUESTS, Process

_SECONDS, _MEMORY = 120.0, 4 << 30


@dataclass(frozen=True, slots=True)
class Written:
    """An adapter's text, what was guessed, in words, and the operations that the engine has."""

    text: str
    guesses: tuple[str, ...]
    operations: tuple[str, ...]


def written_adapter(spec: str, output: Path | None) -> Written:
    """Probe a module or a class, and return its adapter.

    Parameters
    ----------
    spec
        ``FILE.py``, ``FILE.py:CLASS``, ``module`` or ``module:CLASS``.
    output
        Where the adapter will lie, or None.

    Raises
    ------
    EngineError
        If there is nothing to adapt, or the module ends its process, whatever status it exits with.

    """
    module = "nn_from_scratch.verify.engines.adapting.probe"
    given = [absolute(spec), str(Path.cwd()), str(output.resolve()) if output else ""]
    command = [sys.executable, "-P", "-m", module, *given, REQUESTS, ANSWERS]
    try:
        started = Process(command, {**os.environ, **python_path()}, _MEMORY)
    except OSError as error:
        raise EngineError(f"cannot start what probes {spec}: {error}") from error
    with closing(started) as process:
        try:
            process.write(b"\n")
            told = json.loads(process.next_line(_SECONDS))
        except DeathError as death:
            end = f"; it printed: {death.printed}" if death.printed else ""
            raise EngineError(f"{spec} was not probed to the end: {death}{end}") from death
        except ValueError as error:
            raise EngineError(f"{spec} wrote into the channel of what probes it") from error
    if not isinstance(told, dict) or "refused" in told:
        raise EngineError(legible(str(told.get("refused", told) if isinstance(told, dict) else told)))
    return Written(told["text"], tuple(told["guesses"]), tuple(told["operations"]))
