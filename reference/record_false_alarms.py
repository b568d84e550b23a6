"""Record how often right engines are accused: python reference/record_false_alarms.py [MINUTES].

It checks random graphs, scalar ones and those of arrays in turns, on engines that are held to be right, and
writes as it goes, and goes on where the last run ended. Every fiftieth graph also tells whether the
true derivative lies in the interval that finite differences state.
"""

from __future__ import annotations

import itertools
import json
import platform
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from nn_from_scratch.verify import Case, Engine, load
from nn_from_scratch.verify.examine import examine
from nn_from_scratch.verify.faults import Victim
from nn_from_scratch.verify.generate import case, seeded
from nn_from_scratch.verify.generate_arrays import array_case
from nn_from_scratch.verify.oracles import finite_differences, taylor

PATH = Path(__file__).parent / "false_alarms.json"
SEED = 7
CHUNK = 50
ENGINES = {name: load(name) for name in ("nn_from_scratch", "pytorch", "autograd")}
ENGINES["plain tape"] = Victim().engine("plain tape")
PACKAGES = ("numpy", "torch", "autograd", "python-flint")


def main(minutes: float) -> None:
    """Write false_alarms.json."""
    record: dict[str, Any] = (
        json.loads(PATH.read_text(encoding="utf-8"))
        if PATH.is_file()
        else {
            "about": "Random graphs checked on engines held to be right, and every accusation.",
            "provenance": {"script": "reference/record_false_alarms.py", "seed": SEED},
            "next": 0,
            "seconds": 0.0,
            "engines": {name: {"scalar": 0, "arrays": 0, "undecided": 0, "accused": 0} for name in ENGINES},
            "accusations": [],
            "finite differences": {"derivatives": 0, "no answer": 0, "in the interval": 0, "outside": []},
        }
    )
    record["provenance"] |= {
        "python": platform.python_version(),
        "platform": platform.platform(),
        **{package: metadata.version(package) for package in PACKAGES},
    }
    start = time.perf_counter()
    before = record["seconds"]
    for first in itertools.count(record["next"], CHUNK):
        for name, engine in ENGINES.items():
            for index in range(first, first + CHUNK):
                count(record, name, engine, index)
        for index in range(first, first + CHUNK, 50):
            cover(record["finite differences"], case(seeded(SEED, index)))
        record["next"] = first + CHUNK
        record["seconds"] = round(before + time.perf_counter() - start, 1)
        PATH.write_text(json.dumps(record, indent=1, allow_nan=False) + "\n", encoding="utf-8")
        if time.perf_counter() - start > 60 * minutes:
            break


def count(record: dict[str, Any], name: str, engine: Engine, index: int) -> None:
    """Check one graph on one engine."""
    arrays = engine.arrays and index % 2 == 1
    below = seeded(SEED, index)
    found = examine(engine, array_case(below, engine.array_forms) if arrays else case(below, engine.forms))
    row = record["engines"][name]
    row["arrays" if arrays else "scalar"] += 1
    row["undecided"] += found.verdict == "undecided"
    if found.verdict.accuses:
        row["accused"] += 1
        record["accusations"].append(
            {
                "engine": name,
                "index": index,
                "verdict": found.verdict,
                "case": str(found.case),
                "message": found.message,
            }
        )


def cover(row: dict[str, Any], one: Case) -> None:
    """See whether the intervals that finite differences state contain the true derivatives."""
    estimates, errors = finite_differences.gradient(one.expression, one.point)
    _, truth = taylor.enclose(one.expression, one.point)
    for k, (estimate, error, ball) in enumerate(zip(estimates, errors, truth, strict=True)):
        if not (np.isfinite(error) and ball.is_finite()):
            row["no answer"] += 1
            continue
        row["derivatives"] += 1
        inside = abs(ball - float(estimate)).abs_lower() <= float(error)
        row["in the interval"] += bool(inside)
        if not inside:
            row["outside"].append(
                {"case": str(one), "input": k, "estimate": float(estimate), "error": float(error)}
            )


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 60.0)
