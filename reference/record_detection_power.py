"""Record who catches which planted fault: python reference/record_detection_power.py [faults] [curve].

It takes a quarter of an hour on one core, and needs torch, jax and numdifftools. The suite draws the graphs
that `nn-from-scratch verify` draws, 4,000 at most and up to the first accusation; every other tool gets the
one function that is wrong, if there is one, at random normal points of a few shapes. What was measured is
written after every part.
"""

from __future__ import annotations

import json
import platform
import sys
import time
from collections import Counter
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

from nn_from_scratch import distribution
from nn_from_scratch.verify.faults import EQUIVALENTS, FAULTS
from nn_from_scratch.verify.power import curve
from nn_from_scratch.verify.power.comparison import POINTED, SUITE, Score, compare
from nn_from_scratch.verify.power.peers import PEERS

PATH = Path(__file__).parent / "detection_power.json"
PATIENCE = 15  # seconds for a number of inputs: who needs more is not asked a larger one
INPUTS = [1, 10, 100, 1_000, 10_000, 100_000]
PROVENANCE = {
    "about": "What the suite and other tools catch of the same planted faults, at their defaults.",
    "provenance": {
        "script": "reference/record_detection_power.py",
        "python": platform.python_version(),
        "platform": platform.platform(),
        **{
            package: metadata.version(package)
            for package in ("numpy", "torch", "jax", "numdifftools", "python-flint")
        },
    },
}


def main(parts: list[str]) -> None:
    """Write detection_power.json, or some of its parts."""
    measure: dict[str, Callable[[], dict[str, Any]]] = {"faults": outcomes, "curve": smallest_errors}
    for part in parts or measure:
        measured = measure[part]()
        record = json.loads(PATH.read_text(encoding="utf-8")) if PATH.is_file() else {}
        write({**record, **PROVENANCE, **measured})


def outcomes() -> dict[str, Any]:
    """Return what each tool made of each fault, and of the engine without one."""
    scores = compare(progress=lambda words: print(words, flush=True))
    return {
        "tools": [{"name": name, "package": package(name), **score.row()} for name, score in scores.items()],
        "kinds": kinds(scores),
        "faults": [
            {
                "name": fault.name,
                "description": fault.description,
                "kind": fault.kind,
                "blamed": fault.blamed,
                "outcomes": {name: score.outcomes[k] for name, score in scores.items()},
            }
            for k, fault in enumerate(FAULTS)
        ],
        "equivalents": [{"name": change.name, "reason": reason} for change, reason in EQUIVALENTS],
    }


def smallest_errors() -> dict[str, Any]:
    """Return, by tool, the smallest detected error for each number of inputs; None once it takes too long."""
    found: dict[str, list[float | None]] = {}
    tools = {SUITE: curve.by_suite, **{peer.name: curve.by_peer(peer) for peer in PEERS}}
    for name, detects in tools.items():
        found[name] = [None] * len(INPUTS)
        for k, inputs in enumerate(INPUTS):
            start = time.perf_counter()
            found[name][k] = curve.smallest(detects, inputs)
            print(f"{name}: {found[name][k]} of one derivative among {inputs}", flush=True)
            if time.perf_counter() - start > PATIENCE:
                break
    return {"curve": {"inputs": INPUTS, "smallest": found}}


def kinds(scores: dict[str, Score]) -> list[dict[str, Any]]:
    """Return, by kind of fault, what each tool caught of what it could see."""
    return [
        {
            "kind": kind,
            "faults": count,
            "tools": {
                name: {
                    outcome: sum(
                        fault.kind == kind and got == outcome
                        for fault, got in zip(FAULTS, score.outcomes, strict=True)
                    )
                    for outcome in ("caught", "missed", "not applicable")
                }
                for name, score in scores.items()
            },
        }
        for kind, count in Counter(fault.kind for fault in FAULTS).most_common()
    ]


def package(name: str) -> str:
    """Return the package that a tool comes from."""
    return (
        distribution.NAME if name in (SUITE, POINTED) else {peer.name: peer.package for peer in PEERS}[name]
    )


def write(record: dict[str, Any]) -> None:
    """Write what there is so far, a fault a line."""
    text = json.dumps(record, allow_nan=False).replace("}, {", "},\n{").replace('], "', '],\n"')
    PATH.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
