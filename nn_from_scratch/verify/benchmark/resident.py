"""What an operation takes of memory as the operating system counts it, beside peers that allocate in C.

`growth` counts what Python allocates: of the graphs of PyTorch and CasADi that is next to nothing. So each
peer works in a fresh process, where nothing that was freed before hides what is taken now: it builds and
differentiates a small graph first, so that everything is loaded, then a large one. The most that the process
had resident meanwhile, beyond what it had before, is what the large graph took.
"""

from __future__ import annotations

import gc
import json
import os
import statistics
import subprocess
import sys
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil

import nn_from_scratch
from nn_from_scratch.verify.benchmark import programs
from nn_from_scratch.verify.benchmark.measuring import (
    Contender,
    DifferentResultsError,
    like_conditions,
    require_same_results,
)
from nn_from_scratch.verify.benchmark.peers import NOT_MEASURED, CannotError, why_not
from nn_from_scratch.verify.benchmark.workloads import SUBJECT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

USES, SAMPLES, SECONDS = 50_000, 3, 60
"""One number in so many products, added up two by two: a graph that recursion can follow."""
ASKED = (SUBJECT, "closures", "micrograd", "autograd", "MyGrad", "PyTorch", "CasADi")
"""All but JAX and tinygrad, which need minutes for as many operations, or compile them."""

_RESET, _STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")


def is_measurable() -> bool:
    """Whether this system tells the most that a process had resident since some moment: Linux does."""
    return os.access(_RESET, os.W_OK) and "VmHWM" in _STATUS.read_text()


def peak_resident_bytes(work: Callable[[], Any]) -> tuple[int, Any]:
    """Return the most that this process had resident during work, beyond before it; and what it returns."""
    gc.collect()
    before = psutil.Process().memory_info().rss
    _RESET.write_text("5")  # the peak counts from here on
    found = work()
    lines = dict(line.split(":", 1) for line in _STATUS.read_text().splitlines() if ":" in line)
    return int(lines["VmHWM"].split()[0]) * 1024 - before, found


@dataclass
class Resident:
    """What each peer who is installed takes for an operation; kept as it is measured.

    Attributes
    ----------
    rows
        Of each peer ``peer``, ``operations``, and the ``bytes`` of one: the median of fresh processes, with
        the ``least`` and the ``most`` of them.
    notes
        Who was not measured, and why.
    differ
        Whether anybody's results differed from ours.

    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    differ: bool = False

    def measure(self, *, uses: int = USES) -> None:
        """Measure everybody at one number in so many products."""
        if not is_measurable():
            self.notes.append("Resident memory is measured on Linux alone")
            return
        ours: Sequence[float] = ()
        for peer in ASKED:
            try:
                told = [_in_a_process(peer, uses) for _ in range(SAMPLES)]
                ours = ours or told[0]["result"]
                require_same_results(_with(told[0]["result"]), _with(ours), repeats=1)
            except CannotError as error:
                self.notes.append(str(error))
            except DifferentResultsError as error:
                self.notes.append(why_not(error, f"Resident memory: {peer}", peer))
                self.differ = True
            else:
                operations = 2 * uses - 1
                each = [one["bytes"] / operations for one in told]
                self.rows.append(
                    {"peer": peer, "operations": operations, "bytes": statistics.median(each)}
                    | {"least": min(each), "most": max(each)}
                )


def _with(result: Sequence[float]) -> Contender:
    return Contender(lambda: None, lambda _: result)


def _in_a_process(peer: str, uses: int) -> dict[str, Any]:
    """Return the ``bytes`` and the ``result`` of one peer in a fresh process.

    Raises
    ------
    CannotError
        If it was not measured: why not.

    """
    title = f"Resident memory: {peer}"
    home = str(Path(nn_from_scratch.__file__).parents[1])
    path = os.pathsep.join(filter(None, [home, os.environ.get("PYTHONPATH")]))
    try:
        done = subprocess.run(  # noqa: S603 (this interpreter, this module)
            [sys.executable, "-P", "-m", __name__, peer, str(uses)],
            env=os.environ | {"PYTHONPATH": path},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise CannotError(f"{title}: not measured, it takes longer than {SECONDS} s") from error
    if done.returncode:
        raise CannotError(f"{title}: not measured, its process ended with {done.returncode}")
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    if "why" in told:
        raise CannotError(told["why"])
    return told


def _told(peer: str, uses: int) -> dict[str, Any]:
    """Measure one peer in this process."""

    def work(uses: int) -> list[float]:
        side = programs.fanned_out(uses).contenders()[
            peer
        ]()  # which builds the graph of a peer that compiles
        return [float(np.asarray(x)) for x in side.result(side.run())]

    try:
        with like_conditions():
            work(100)
            taken, found = peak_resident_bytes(partial(work, uses))
    except NOT_MEASURED as error:
        return {"why": why_not(error, f"Resident memory: {peer}", peer)}
    return {"bytes": taken, "result": found}


if __name__ == "__main__":
    print(json.dumps(_told(sys.argv[1], int(sys.argv[2]))))  # noqa: T201
