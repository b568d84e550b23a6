"""The engines in other languages that are examples for their authors, and the commands that run them."""

import functools
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

_FOLDER = Path(__file__).parent / "verify" / "engines" / "wire"
JAVASCRIPT, C = _FOLDER / "engine.js", _FOLDER / "engine.c"


def command_of(source: Path, *arguments: str) -> list[str]:
    """Return the command that runs an example; the test is skipped where there is nothing to run it with."""
    if source == JAVASCRIPT:
        return [_found("node", "Node.js"), str(source), *arguments]
    return [_compiled(source, _found("cc", "a C compiler")), *arguments]


def spec_of(source: Path, *arguments: str) -> str:
    """Return the spec of an example."""
    return f"command:{shlex.join(command_of(source, *arguments))}"


def _found(program: str, name: str) -> str:
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"there is no {name} here: no `{program}`")
    return path


@functools.cache
def _compiled(source: Path, compiler: str) -> str:
    """Compile a program strictly; its folder is cleared up when the interpreter ends."""
    target = Path(_temporary().name) / source.stem
    flags = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-O2"]
    subprocess.run([compiler, *flags, str(source), "-o", str(target), "-lm"], check=True)
    return str(target)


@functools.cache
def _temporary() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="nn-from-scratch-c-", ignore_cleanup_errors=True)
