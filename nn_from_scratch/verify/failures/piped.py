"""A script that shows a failure of an engine that speaks the protocol: a program, piped into its command."""

from __future__ import annotations

import json
import math
import shlex
from dataclasses import dataclass

from nn_from_scratch.verify.engines.deaths import DeathError
from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.engines.session import MoveError
from nn_from_scratch.verify.engines.wire.isolated import command
from nn_from_scratch.verify.failures.expectations import expectations
from nn_from_scratch.verify.judging.examine import Examination, names
from nn_from_scratch.verify.questions import programs


@dataclass(frozen=True, slots=True)
class _Row:
    """What is right of a number that is said."""

    what: str
    expected: float
    tolerance: float


def piped(engine: Engine, found: Examination) -> str:
    """Return a script in plain Python that fails while the engine does; nothing where it would not."""
    case = found.case
    if case.shapes or case.tangent:
        return ""  # what is right there is no number for each that is said
    leaves = range(case.expression.inputs)
    program = programs.of_case(case, tape=engine.has_tape, leaves=leaves)
    value, *slopes = expectations(engine.format, case)
    what, derivative = names(case)
    whats = [what, *(f"{derivative} for x{k}" for k in leaves)]
    rows = [
        # At a kink the truth is an interval.
        _Row(what, one.expected, one.tolerance + float(one.truth.rad()))
        if one.truth.is_finite() and math.isfinite(one.tolerance)
        else None
        for what, one in zip(whats, [value, *slopes], strict=False)
    ]
    return _written(engine, found.message, program, rows) if _fails(engine, program, rows) else ""


def _fails(engine: Engine, program: programs.Program, rows: list[_Row | None]) -> bool:
    """Whether the engine, asked the program, says something else than what is right."""
    try:
        said = engine.session().run(program)
        return not all(
            row is None or abs(float(0.0 if x is None else x) - row.expected) <= row.tolerance
            for x, row in zip(said, rows, strict=True)
        )
    except (MoveError, DeathError, TypeError, ValueError):
        return True


def _written(engine: Engine, message: str, program: programs.Program, rows: list[_Row | None]) -> str:
    words = command(engine.spec)
    request = json.dumps({"id": 1, "program": program}, separators=(",", ":"))
    lines = [
        *(f"# {line}" for line in f"{engine.name}: {message}".splitlines()),
        "#",
        f"# printf '%s\\n' {shlex.quote(request)} | {shlex.join(words)}",
        "",
        "import json",
        "import subprocess",
        "",
        f"command = {words!r}",
        f"request = {request!r}",
        'run = subprocess.run(command, input=request + "\\n", stdout=-1, text=True, timeout=60)',
        "hello, *answers = run.stdout.splitlines()",
        'assert answers, f"no answer: the process ended with status {run.returncode}"',
        "answer = json.loads(answers[0])",
        'assert not answer.get("failed"), answer["failed"]',
        'said = [float.fromhex(x or "0x0p+0") for x in answer["said"]]  # null stands for 0',
    ]
    for position, row in enumerate(rows):
        if row:
            lines += [
                f"got, expected, tolerance = said[{position}], {row.expected!r}, {row.tolerance!r}",
                f'assert abs(got - expected) <= tolerance, f"{row.what} is {{got}}, expected {{expected}}"',
            ]
    return "\n".join([*lines, ""])
