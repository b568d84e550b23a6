"""What importing the engine costs."""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import nn_from_scratch
from nn_from_scratch.verify.benchmark.measuring import Pairs, take_pairs

_SCRIPT = """\
from time import perf_counter
start = perf_counter()
import numpy
middle = perf_counter()
from nn_from_scratch import MLP, Node
print(perf_counter() - middle, middle - start)
"""


def import_pairs(*, seconds: float) -> Pairs:
    """Measure what the engine adds to the import of numpy, beside that import, in fresh interpreters.

    Both are imported from bytecode, as any package is from its second import on.
    """
    with TemporaryDirectory() as bytecode:
        import_seconds(bytecode)  # compiles
        return take_pairs(lambda _index: import_seconds(bytecode), seconds)


def import_seconds(bytecode: str) -> tuple[float, float]:
    """Return the seconds a fresh interpreter takes to import the engine, having numpy already, and numpy.

    Parameters
    ----------
    bytecode
        The directory where it keeps, and looks for, what it compiled.

    Raises
    ------
    ImportError
        If the import fails there.
    """
    home = str(Path(nn_from_scratch.__file__).parents[1])
    settings = {
        "PYTHONPATH": os.pathsep.join(filter(None, [home, os.environ.get("PYTHONPATH")])),
        "PYTHONPYCACHEPREFIX": bytecode,
        "PYTHONDONTWRITEBYTECODE": "",
    }
    done = subprocess.run(  # noqa: S603 (this interpreter, a constant script)
        [sys.executable, "-P", "-c", _SCRIPT],
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ImportError(f"a fresh {sys.executable} cannot import numpy and nn_from_scratch:\n{done.stderr}")
    engine, numpy = map(float, done.stdout.split())
    return engine, numpy
