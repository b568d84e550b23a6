"""The work of one chunk, wherever it is done: what comes of it hangs on the request alone."""

from __future__ import annotations

import json
import math
import re
import threading
from dataclasses import dataclass, field
from typing import Any

from nn_from_scratch.verify.campaign.chunks import checked
from nn_from_scratch.verify.engines.deaths import NotAskedError
from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.engines.observed import Observed
from nn_from_scratch.verify.engines.wire.isolated import isolated_if_possible
from nn_from_scratch.verify.failures.settling import Settling
from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.store.plan import Plan
from nn_from_scratch.verify.store.tally import Tally, tally_of

MOST = 3
"""Failing graphs of a chunk that are made minimal; all are counted."""
QUESTIONS = 2_000
"""Questions that may take: no limit of time, on which no total may hang."""
ATTEMPTS = 3
"""At a chunk during which the engine's process was killed from outside, which says nothing of the engine."""

_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}\b")  # of an object, in a text of the engine's
_one_at_a_time = threading.Lock()  # a worker of a cluster may have several threads, and an engine answers one


@dataclass(frozen=True)
class Request:
    """A chunk of graphs that is to be asked: the plan's from this index on."""

    plan: Plan
    first: int


@dataclass(frozen=True)
class Found:
    """What came of a chunk."""

    first: int
    tally: Tally
    failures: list[dict[str, Any]] = field(default_factory=list)
    """Minimal ones, as in the results JSON of `verify`."""


def ask(request: Request) -> Found:
    """Ask an engine a chunk of graphs; the engine is found once in a process.

    Raises
    ------
    EngineError
        If this process cannot find it.
    PlanError
        If this process finds another one, or has other versions than are planned.

    """
    with _one_at_a_time:
        for _ in range(ATTEMPTS):
            found = _asked(request)
            if "Killed" not in found.tally["deaths"]:
                break
        return found


def _asked(request: Request) -> Found:
    """Ask a chunk once."""
    engine, plan = _found(request.plan), request.plan
    before = len(engine.driver.deaths)
    engine.driver.begin_phase()
    asked = Observed.apart(engine)
    found = checked(asked, plan.seed, range(request.first, request.first + plan.chunk))
    failures: list[dict[str, Any]] = []
    try:
        failures = _minimal(asked, found.accused[:MOST])
    except NotAskedError as given_up:
        found.given_up = str(given_up)
    found.deaths = engine.driver.deaths[before:]
    if found.deaths:  # what it died of is remembered: the next chunk is to find it as this one did
        _forget()
    return Found(request.first, tally_of(found), failures)


def _minimal(engine: Engine, accused: list[Case]) -> list[dict[str, Any]]:
    """Return the failures of some graphs, without what differs between two processes."""
    if not accused:
        return []
    engine.driver.begin_phase()
    settling = Settling(engine, QUESTIONS, math.inf)
    settling.graphs(accused)
    told = json.dumps(settling.failures())
    failures: list[dict[str, Any]] = json.loads(_ADDRESS.sub("0x...", told))
    return failures


def _found(plan: Plan) -> Engine:
    if plan not in _engines:
        _forget()
        engine = isolated_if_possible(plan.engine, in_process=plan.in_process)
        try:
            plan.require(
                Plan.of(engine, plan.engine, plan.seed, in_process=plan.in_process, chunk=plan.chunk)
            )
        except BaseException:
            engine.driver.close()
            raise
        _engines[plan] = engine
    return _engines[plan]


def _forget() -> None:
    for engine in _engines.values():
        engine.driver.close()
    _engines.clear()


_engines: dict[Plan, Engine] = {}
"""The engine of this process, if it has found one."""
