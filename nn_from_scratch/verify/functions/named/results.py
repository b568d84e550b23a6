"""What was found about functions, as JSON.

Schema 1, strict JSON; a number that is not finite is "nan", "inf" or "-inf"::

    {"schema": 1, "kind": "functions", "spec": "layers.py:softmax", "command": ["check", ...], "seed": 0,
     "seconds": 0.4,
     "verdict": "right" | "wrong" | "undecided" | "nothing checked", "interrupted": false,
     "environment": {"python": ..., ...}, "functions": [FUNCTION, ...]}

    FUNCTION = {"name": "softmax", "door": "numpy" | "pytorch" | "jax", "verdict": VERDICT, "said": "...",
     "seconds": 0.4, "inputs": [{"name": "x", "shape": [3], "dtype": "float32"}, ...], "numbers": 3,
     "rows": [{"name": "rules", "verdict": VERDICT | "not supported", "said": "..."}, ...],
     "entries": [{"name": "x[1]", "input": 0, "place": 1, "got": 2.0, "expected": 1.0, "error": 1.0,
                  "tolerance": 3e-12, "digits": 0, "verdict": VERDICT}, ...],
     "causes": ["..."], "measured": {"noise": 1e-16, "evaluations": 50, ...},
     "failures": [{"row": "rules", "verdict": VERDICT, "message": "...", "script": "..."}, ...]}

VERDICT is "right", "convention", "undecided", "inaccurate", "wrong" or "error". Entries are those that were
asked about one by one, all or a sample: a derivative as the gradient has it, beside that of differences.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nn_from_scratch.verify.functions.named.asking import Found
from nn_from_scratch.verify.functions.named.entries import Entry
from nn_from_scratch.verify.functions.rows import Row
from nn_from_scratch.verify.judging.verdicts import Verdict

SCHEMA = 1

_CAUSE = "likely cause: "


def results_of(
    found: Sequence[Found],
    *,
    spec: str,
    command: Sequence[str],
    seed: int,
    environment: Mapping[str, str | None],
    interrupted: bool,
) -> dict[str, Any]:
    """Return the results of some functions, ready for JSON."""
    return {
        "schema": SCHEMA,
        "kind": "functions",
        "spec": spec,
        "command": list(command),
        "verdict": _overall(found, interrupted=interrupted),
        "seed": seed,
        "seconds": round(sum(one.seconds for one in found), 3),
        "interrupted": interrupted,
        "environment": dict(environment),
        "functions": [_function(one) for one in found],
    }


def _overall(found: Sequence[Found], *, interrupted: bool) -> str:
    if any(one.verdict.accuses for one in found):
        return "wrong"
    if not any(row.verdict is not None for one in found for row in one.rows):
        return "nothing checked"
    return "right" if all(found) and not interrupted else "undecided"


def _function(found: Found) -> dict[str, Any]:
    told = [row.said for row in found.rows] + [found.answer.said]
    inputs = found.numeric.inputs if found.numeric is not None else ()
    return {
        "name": found.target.name,
        "door": found.target.door.value,
        "verdict": found.verdict.value,
        "said": found.answer.said,
        "seconds": round(found.seconds, 3),
        "inputs": [{"name": x.name, "shape": list(x.shape), "dtype": x.dtype} for x in inputs],
        "numbers": found.numeric.size if found.numeric is not None else None,
        "rows": [_row(row) for row in found.rows],
        "entries": [_entry(entry) for entry in found.entries],
        "causes": list(dict.fromkeys(cause for said in told for cause in _causes(said))),
        "measured": {name: _number(x) for name, x in found.answer.measured.items()},
        "failures": [
            {
                "row": failure.row.name,
                "verdict": _row(failure.row)["verdict"],
                "message": failure.row.said,
                "script": failure.script,
            }
            for failure in found.failures
        ],
    }


def _row(row: Row) -> dict[str, str]:
    verdict = "not supported" if row.verdict is None else Verdict(row.verdict).value
    return {"name": row.name, "verdict": verdict, "said": row.said}


def _entry(found: Entry) -> dict[str, Any]:
    return {
        "name": found.name,
        "input": found.input,
        "place": found.place,
        "got": _number(found.got),
        "expected": _number(found.expected),
        "error": _number(found.error),
        "tolerance": _number(found.tolerance),
        "digits": found.digits,
        "verdict": found.verdict.value,
    }


def _causes(said: str) -> Iterator[str]:
    """Yield what is said to be the likely cause."""
    yield from (line.removeprefix(_CAUSE) for line in said.splitlines() if line.startswith(_CAUSE))


def _number(x: Any) -> Any:
    return str(float(x)) if isinstance(x, float) and not math.isfinite(x) else x
