"""What a campaign asks: pinned when its store is made, so that all that is added up belongs together."""

from __future__ import annotations

import hashlib
import math
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

from nn_from_scratch.distribution import version
from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.engines.specs import parts

CHUNK = 200
"""Graphs that are asked and committed together: a fraction of a second of most engines."""


class PlanError(Exception):
    """A store belongs to another campaign."""


@dataclass(frozen=True)
class Plan:
    """What the graphs of a store are, and who is asked.

    Attributes
    ----------
    engine
        Its spec, as ``--engine`` takes it; files by their whole path.
    name
        What it calls itself.
    dtype
        The format in which it computes.
    file
        The SHA-256 of the adapter's file, in hexadecimal; nothing for an engine that is no file.
    seed
        Which graphs.
    chunk
        How many of them are asked and committed together.
    in_process
        Whether the engine is asked in the process that judges it.
    suite
        The version of this suite, whose generator draws the graphs.
    flint
        The version of python-flint, which encloses the truth.

    """

    engine: str
    name: str
    dtype: str
    file: str
    seed: int
    chunk: int
    in_process: bool
    suite: str
    flint: str

    @classmethod
    def of(cls, engine: Engine, spec: str, seed: int, *, in_process: bool, chunk: int = CHUNK) -> Plan:
        """Return the plan for an engine that has been found by a spec."""
        return cls(
            spec,
            engine.name,
            str(engine.dtype),
            digest(spec),
            seed,
            chunk,
            in_process,
            version() or "not installed",
            metadata.version("python-flint"),
        )

    def require(self, other: Plan) -> None:
        """Raise if another plan than this one's is to be carried out.

        Raises
        ------
        PlanError
            Naming what differs.

        """
        now = asdict(other)
        for name, before in asdict(self).items():
            if before != now[name]:
                changed = f"{name} was {before!r}, and is {now[name]!r} now"
                if name == "file":
                    changed = "the engine's file has changed"
                raise PlanError(f"{changed}: what is added up belongs together; begin another store")

    def whole(self, graphs: int) -> int:
        """Return a number of graphs, rounded up to whole chunks."""
        return math.ceil(graphs / self.chunk) * self.chunk


def digest(spec: str) -> str:
    """Return the SHA-256 of the file that a spec names, or nothing if it names none."""
    path = Path(parts(spec)[0])
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
