"""What importing the engine costs."""

import os
import subprocess
import sys
from pathlib import Path

import nn_from_scratch
from nn_from_scratch.verify.benchmark.measuring import Pairs, take_pairs

_SCRIPT = """\
from time import perf_counter
start = perf_counter()
import numpy
middle = perf_counter()
import nn_from_scratch
print(perf_counter() - middle, middle - start)
"""


def import_seconds() -> tuple[float, float]:
    """Return the seconds a fresh interpreter takes to import the engine, having numpy already, and numpy."""
    home = str(Path(nn_from_scratch.__file__).parents[1])
    path = os.pathsep.join(filter(None, [home, os.environ.get("PYTHONPATH")]))
    done = subprocess.run(  # noqa: S603 (this interpreter, a constant script)
        [sys.executable, "-P", "-c", _SCRIPT],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    engine, numpy = map(float, done.stdout.split())
    return engine, numpy


def import_pairs(*, seconds: float) -> Pairs:
    """Measure what the engine adds to the import of numpy, beside that import, in fresh interpreters."""
    import_seconds()  # writes the bytecode, fills the disk's cache
    return take_pairs(lambda _index: import_seconds(), seconds)
