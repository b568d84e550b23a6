"""The work of one chunk, wherever it is done: a function of a request that can be sent to another machine."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from nn_from_scratch.verify.campaign.chunks import checked
from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.engines.loading import load
from nn_from_scratch.verify.engines.wire.isolated import CAN_ISOLATE, isolated
from nn_from_scratch.verify.failures.settling import Settling
from nn_from_scratch.verify.store.tally import Tally, tally_of

MOST = 3
"""Failing graphs of a chunk that are made minimal; all are counted."""
QUESTIONS = 2_000
"""Questions that may take: no limit of time, on which no total may hang."""


@dataclass(frozen=True)
class Request:
    """A chunk of graphs that is to be asked: the first one's index, and how many they are."""

    engine: str
    in_process: bool
    seed: int
    first: int
    count: int


@dataclass(frozen=True)
class Found:
    """What came of a chunk."""

    first: int
    tally: Tally
    failures: list[dict[str, Any]] = field(default_factory=list)
    """Minimal ones, as in the results JSON of `verify`."""


def ask(request: Request) -> Found:
    """Ask an engine a chunk of graphs; the engine is found once in a process."""
    engine = _found(request.engine, in_process=request.in_process)
    before = len(engine.driver.deaths)
    found = checked(engine, request.seed, range(request.first, request.first + request.count))
    failures: list[dict[str, Any]] = []
    if found.accused:
        settling = Settling(engine, QUESTIONS, math.inf)
        settling.graphs(found.accused[:MOST])
        failures = settling.failures()
    found.deaths = engine.driver.deaths[before:]
    if found.deaths:  # the next chunk is to find it as this one did: not given up, whatever was asked before
        engine.driver.close()
        _engines.clear()
    return Found(request.first, tally_of(found), failures)


def find(spec: str, *, in_process: bool) -> Engine:
    """Find an engine, in a process of its own unless that is not wanted or not possible."""
    return load(spec) if in_process or not CAN_ISOLATE else isolated(spec)


def _found(spec: str, *, in_process: bool) -> Engine:
    if spec not in _engines:
        _engines[spec] = find(spec, in_process=in_process)
    return _engines[spec]


_engines: dict[str, Engine] = {}
"""The engine of this process, by its spec."""
