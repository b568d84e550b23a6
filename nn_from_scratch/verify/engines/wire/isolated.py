"""Finding an engine in a process of its own: one in Python by its spec, or any by a command."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from nn_from_scratch.verify.engines.engine import Engine, EngineError
from nn_from_scratch.verify.engines.loading import as_text, load
from nn_from_scratch.verify.engines.source import Source, TapeSource, TransformSource
from nn_from_scratch.verify.engines.specs import resolved
from nn_from_scratch.verify.engines.wire.asker import Asker
from nn_from_scratch.verify.engines.wire.connection import Connection
from nn_from_scratch.verify.engines.wire.limits import Limits
from nn_from_scratch.verify.engines.wire.process import ANSWERS, REQUESTS
from nn_from_scratch.verify.engines.wire.protocol import Hello
from nn_from_scratch.verify.engines.wire.remote import Remote
from nn_from_scratch.verify.questions.operations import OPERATIONS

CAN_ISOLATE = hasattr(os, "waitid")
"""Whether this system has what it takes: processes of POSIX."""
COMMAND = "command:"
"""Before the command of an engine that speaks the protocol itself, as a spec."""


def isolated(
    spec: str | Path, *, environment: Mapping[str, str] | None = None, limits: Limits | None = None
) -> Engine:
    """Find an engine as `load` does, in a process of its own, which may crash, hang or exit alone.

    Parameters
    ----------
    spec
        As `load` takes it, or "command:" and the command of a program that speaks the protocol itself.
    environment
        Environment variables for its process, beside those of this one.
    limits
        How long it is waited for, how much memory it may take, and when it is given up.

    Raises
    ------
    EngineError
        If it cannot be loaded.

    """
    spec, limits, given = as_text(spec), limits or Limits(), environment or {}
    # Sets are gone through in the same order each time, but for what a check of state asks about others.
    variables = {**os.environ, **python_path(), "PYTHONHASHSEED": "0", **given}
    try:
        connection = Connection(command(spec), variables, limits)
        hello = connection.hello
        try:
            _refuse_without_gradients(hello)
        except EngineError:
            connection.close()
            raise
    except EngineError as error:
        raise EngineError(f"cannot load engine {spec!r}: {error}") from error
    return Engine(
        hello.name,
        dict.fromkeys(set(hello.operations) & OPERATIONS.keys(), _elsewhere),
        Remote(Asker(connection, limits), hello, given),
        arrays=hello.arrays,
        complete=hello.complete,
        dtype=hello.dtype,
        second_order=hello.second_order,
        source=_source(hello.python.get("source")),
        explicit=hello.explicit & OPERATIONS.keys(),
        spec=spec,
    )


def again(engine: Engine, environment: Mapping[str, str] | None = None) -> Callable[[], Engine]:
    """Return what finds an engine once more, from whichever process: in one of its own if it is in one.

    Parameters
    ----------
    engine
        One that has a spec.
    environment
        Environment variables for a process of its own, beside those that it was given, or in their place.

    """
    driver = engine.driver
    if not isinstance(driver, Remote):
        return partial(load, engine.spec)
    variables = {**driver.environment, **(environment or {})}
    return partial(isolated, engine.spec, environment=variables, limits=driver.asker.limits)


def isolated_if_possible(spec: str | Path, *, in_process: bool = False) -> Engine:
    """Find an engine in a process of its own, or in this one if that is wanted or the system has no such.

    Raises
    ------
    EngineError
        If it cannot be loaded.

    """
    return load(spec) if in_process or not CAN_ISOLATE else isolated(spec)


def _refuse_without_gradients(hello: Hello) -> None:
    """Raise for an engine whose moves give no derivatives of the order that it claims.

    Raises
    ------
    EngineError
        If they do not.

    """
    lacks = "its hello has no `differentiate` among its `moves`"
    if "differentiate" in hello.moves:
        return
    if hello.second_order:
        raise EngineError(f"{lacks}, and says `second_order`")
    if not {"backward", "gradient"} <= hello.moves:
        raise EngineError(f"{lacks}, nor both `backward` and `gradient`: it gives no gradients")


def _elsewhere(*_: Any, **__: Any) -> Any:
    raise TypeError("the operation is computed in another process")


def command(spec: str) -> list[str]:
    """Return the command that is run for an engine; files are found from any folder.

    Raises
    ------
    EngineError
        If it is no command.

    """
    if spec.startswith(COMMAND):
        try:
            words = shlex.split(spec.removeprefix(COMMAND))
        except ValueError as error:
            raise EngineError(f"{error}: it is read as a shell reads it") from error
        if not words:
            raise EngineError(f"no program follows {COMMAND!r}")
        return [str(Path(word).resolve()) if Path(word).is_file() else word for word in words]
    start = "nn_from_scratch.verify.engines.wire.apart"
    return [sys.executable, "-P", "-m", start, resolved(spec), str(Path.cwd()), REQUESTS, ANSWERS]


def python_path() -> dict[str, str]:
    """Return the environment variable by which a worker finds what this process does."""
    return {"PYTHONPATH": os.pathsep.join(str(Path(path).resolve()) for path in sys.path if path)}


def _source(told: Any) -> Source | None:
    """Rebuild how an engine's code is written; nothing where that was not told."""
    kinds: dict[Any, type[Source]] = {"tape": TapeSource, "transform": TransformSource}
    try:
        fields = dict(told)
        return kinds[fields.pop("kind")](**fields)
    except (TypeError, KeyError, ValueError):
        return None
