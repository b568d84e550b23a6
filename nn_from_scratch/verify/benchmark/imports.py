"""What importing the engine costs, beside numpy and beside peers."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import nn_from_scratch
from nn_from_scratch.verify.benchmark.measuring import Pairs, take_pairs

_SCRIPT = """\
from time import perf_counter
start = perf_counter()
import numpy
middle = perf_counter()
{statement}
print(perf_counter() - middle, middle - start)
"""


_OURS = "from nn_from_scratch import MLP, Node"
MODULES = {
    "micrograd": "micrograd.engine",
    "autograd": "autograd",
    "MyGrad": "mygrad",
    "tinygrad": "tinygrad",
    "JAX": "jax",
    "PyTorch": "torch",
    "CasADi": "casadi",
}
"""What is imported of each peer."""


def peer_import_pairs(peer: str, *, seconds: float) -> Pairs:
    """Measure what the engine adds to the import of numpy, beside what a peer adds, in fresh interpreters.

    Raises
    ------
    ModuleNotFoundError
        If the peer is not installed.
    """
    package = MODULES[peer].partition(".")[0]
    if find_spec(package) is None:
        raise ModuleNotFoundError(package, name=package)
    statement = f"import {MODULES[peer]}"
    with TemporaryDirectory() as bytecode:
        for one in (_OURS, statement):
            import_seconds(bytecode, one)  # compiles
        return take_pairs(
            lambda _index: (import_seconds(bytecode)[0], import_seconds(bytecode, statement)[0]), seconds
        )


def import_pairs(*, seconds: float) -> Pairs:
    """Measure what the engine adds to the import of numpy, beside that import, in fresh interpreters.

    Both are imported from bytecode, as any package is from its second import on.
    """
    with TemporaryDirectory() as bytecode:
        import_seconds(bytecode)  # compiles
        return take_pairs(lambda _index: import_seconds(bytecode), seconds)


def import_seconds(bytecode: str, statement: str = _OURS) -> tuple[float, float]:
    """Return the seconds a fresh interpreter takes to import the engine, having numpy already, and numpy.

    Parameters
    ----------
    bytecode
        The directory where it keeps, and looks for, what it compiled.
    statement
        What is imported in the engine's place.

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
        [sys.executable, "-P", "-c", _SCRIPT.format(statement=statement)],
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ImportError(f"a fresh {sys.executable} cannot import numpy and nn_from_scratch:\n{done.stderr}")
    engine, numpy = map(float, done.stdout.split())
    return engine, numpy
