"""The files that an engine is written in: its adapter, and what that imports; not what is installed.

``python -m nn_from_scratch.verify.engines.written_in SPEC`` prints them as JSON, in a process of its own, so
that what it imports is as the files are now.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import sysconfig
from pathlib import Path

from nn_from_scratch.verify.engines.engine import EngineError
from nn_from_scratch.verify.engines.loading import load
from nn_from_scratch.verify.engines.specs import parts

_PACKAGE = Path(__file__).parents[2]
_SUITE = _PACKAGE / "verify"
_COMMAND = ("__init__.py", "__main__.py", "distribution.py", "statuses.py", "supervised.py")
"""Files beside this engine's that are no part of it, or are imported whatever is asked."""
_INSTALLED = [
    Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib", "purelib", "platlib")
]


def written_in(spec: str) -> list[str]:
    """Load an engine, and return the files that it is written in.

    If it cannot be loaded, these are the files that it has imported until then, and all beside its adapter.
    """
    beside: list[Path] = []
    try:
        load(spec)
    except EngineError:
        location = Path(parts(spec)[0])
        beside = [location, *location.parent.glob("*.py")] if location.suffix == ".py" else []
    files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    found = {Path(file).resolve() for file in (*files, *beside) if file}
    return sorted(str(file) for file in found if _is_mended(file))


def _is_mended(file: Path) -> bool:
    """Whether a file is one that somebody who mends an engine writes."""
    if file.is_relative_to(_SUITE):
        return False
    if file.is_relative_to(_PACKAGE):  # this engine, which may be installed to be edited
        return file.name not in _COMMAND
    return not any(file.is_relative_to(folder) for folder in _INSTALLED)


if __name__ == "__main__":
    with contextlib.redirect_stdout(io.StringIO()):  # an engine may print
        files = written_in(sys.argv[1])
    print(json.dumps(files))  # noqa: T201  the answer
