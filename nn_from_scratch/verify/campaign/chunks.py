"""Random graphs in chunks, checked here or by worker processes."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain

from nn_from_scratch.verify.campaign.ahead import foreseen
from nn_from_scratch.verify.campaign.statistics import Statistics
from nn_from_scratch.verify.campaign.workers import pool
from nn_from_scratch.verify.engines.deaths import NotAskedError
from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.engines.loading import load
from nn_from_scratch.verify.engines.observed import Observed
from nn_from_scratch.verify.engines.wire.isolated import isolated
from nn_from_scratch.verify.engines.wire.remote import Remote
from nn_from_scratch.verify.judging.examine import WITNESSES, Examination, examine
from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.generate import Choose, seeded
from nn_from_scratch.verify.questions.graphs import SORTS, drafts, is_by_turns, is_of_second_order
from nn_from_scratch.verify.questions.second_order import with_tangent

SAMPLE = 32
"""Of so many graphs one is asked of the witnesses too, as is every graph that accuses."""
_CHUNK = 50  # graphs between two signs of progress
_WORTH_A_WORKER = 4000  # graphs: a worker takes seconds to start


def _endless() -> float:
    return math.inf


def checked_chunks(
    engine: Engine, graphs: int, seed: int, jobs: int | None, seconds_left: Callable[[], float] = _endless
) -> Iterator[Statistics]:
    """Yield the statistics of chunks of graphs, in their order: results do not depend on the processes.

    A chunk for which the engine takes more seconds than there are left is cut short.
    """
    if graphs and (not engine.forms or engine.silence):
        return
    chunks = [range(first, min(first + _CHUNK, graphs)) for first in range(0, graphs, _CHUNK)]
    jobs = jobs or min(os.cpu_count() or 1, max(1, graphs // _WORTH_A_WORKER))
    if jobs == 1 or not engine.spec:
        for chunk in chunks:
            yield checked(engine, seed, chunk, seconds_left())
        return
    finding = isolated if isinstance(engine.driver, Remote) else load
    with pool(jobs, _find_engine, finding, engine.spec) as executor:
        seconds = seconds_left()
        for future in [executor.submit(_check_in_worker, seed, chunk, seconds) for chunk in chunks]:
            yield future.result()


def checked(engine: Engine, seed: int, indices: range, seconds: float = math.inf) -> Statistics:
    """Examine graphs, and then the second derivatives of some, until the engine has taken that long.

    The first graph is asked in any case.
    """
    found = Statistics()
    engine = Observed.of(engine)
    drawn = (Draft.of(engine, seed, index) for index in indices)
    second: list[Case] = []
    try:
        for draft in foreseen(engine, drawn, lambda draft: draft.first):
            if found.total and engine.meter.seconds > seconds:
                found.stopped_by_time = True
                break
            seen = _examined(engine, draft)
            found.add(seen)
            again = engine.asks_second_order and is_of_second_order(draft.index)
            if again and seen.case.point and not seen.verdict.accuses:
                second.append(with_tangent(seen.case, draft.choose))
        for case in foreseen(engine, second, lambda case: case):
            if engine.meter.seconds > seconds:
                found.stopped_by_time = True
                break
            found.add(examine(engine, case))
    except NotAskedError as given_up:
        found.given_up = str(given_up)
    found.engine_seconds, found.computing = engine.meter.seconds, engine.meter.computing
    return found


@dataclass(frozen=True)
class Draft:
    """What may be asked as the graph of an index.

    Attributes
    ----------
    index
        Which graph of a campaign.
    choose
        Its source of choices.
    first
        The first graph that asks nothing of which it is known that the engine lacks it.
    others
        Those in its place, if it turns out to lack that one; the last is of scalars.

    """

    index: int
    choose: Choose
    first: Case
    others: Iterator[Case]

    @classmethod
    def of(cls, engine: Engine, seed: int, index: int) -> Draft:
        """Draw what may be asked of an engine."""
        choose = seeded(seed, index)
        graphs = drafts(choose, seed, index, engine.forms, engine.array_forms)
        first = next(graph for graph in graphs if not engine.lacking(graph))
        return cls(index, choose, first, graphs)


def _examined(engine: Engine, draft: Draft) -> Examination:
    """Examine the first graph that asks nothing the engine lacks, or else the last, which is of scalars."""
    witnesses = WITNESSES if draft.index // SORTS % SAMPLE == 0 else ()
    for drawn in chain([draft.first], draft.others):
        if engine.lacking(drawn):
            continue
        seen = examine(engine, drawn, witnesses=witnesses, if_accused=WITNESSES)
        if not seen.error:
            break
        # What is asked by turns is what is asked directly, and engines may lack the same of it.
        lacks = (
            seen.is_lacking
            or engine.lacking(drawn, raised=True)
            or (is_by_turns(draft.index) and engine.lack(drawn))
        )
        if not lacks:
            break
    return seen


def _find_engine(find: Callable[[str], Engine], spec: str) -> None:
    global _engine  # noqa: PLW0603  a worker process has one engine
    _engine = find(spec)


def _check_in_worker(seed: int, indices: range, seconds: float) -> Statistics:
    before = len(_engine.driver.deaths)
    found = checked(_engine, seed, indices, seconds)
    found.deaths = _engine.driver.deaths[before:]
    return found


_engine: Engine
