"""Random graphs in chunks, checked here or by worker processes."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from nn_from_scratch.verify.campaign.statistics import Statistics
from nn_from_scratch.verify.engines.deaths import NotAskedError
from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.engines.loading import load
from nn_from_scratch.verify.engines.observed import Observed
from nn_from_scratch.verify.engines.wire.isolated import isolated
from nn_from_scratch.verify.engines.wire.remote import Remote
from nn_from_scratch.verify.judging.examine import WITNESSES, Examination, examine
from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.generate import Choose, case, seeded
from nn_from_scratch.verify.questions.generate_arrays import array_case
from nn_from_scratch.verify.questions.second_order import with_tangent

_SECOND_ORDER = (2, 3)  # of every four graphs, those asked to second order as well: one scalar, one of arrays
SAMPLE = 4
"""Of so many graphs one is asked of the witnesses too, as is every graph that accuses."""
_DRAWN = 50  # array graphs, until one needs nothing that the engine lacks
_CHUNK = 50  # graphs between two signs of progress
_WORTH_A_WORKER = 4000  # graphs: a worker takes seconds to start


def checked_chunks(engine: Engine, graphs: int, seed: int, jobs: int | None) -> Iterator[Statistics]:
    """Yield the statistics of chunks of graphs, in their order: results do not depend on the processes."""
    if graphs and (not engine.forms or engine.silence):
        return
    chunks = [range(first, min(first + _CHUNK, graphs)) for first in range(0, graphs, _CHUNK)]
    jobs = jobs or min(os.cpu_count() or 1, max(1, graphs // _WORTH_A_WORKER))
    if jobs == 1 or not engine.spec:
        for chunk in chunks:
            yield _check(engine, seed, chunk)
        return
    finding = isolated if isinstance(engine.driver, Remote) else load
    with ProcessPoolExecutor(jobs, get_context("spawn"), _start_worker, (finding, engine.spec)) as pool:
        try:
            for future in [pool.submit(_check_in_worker, seed, chunk) for chunk in chunks]:
                yield future.result()
        except (KeyboardInterrupt, GeneratorExit):
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _check(engine: Engine, seed: int, indices: range) -> Statistics:
    found = Statistics()
    engine = Observed.of(engine)
    try:
        for index in indices:
            _add(found, engine, seed, index)
    except NotAskedError as given_up:
        found.given_up = str(given_up)
    found.engine_seconds = engine.meter.seconds
    return found


def _add(found: Statistics, engine: Engine, seed: int, index: int) -> None:
    """Examine one graph, some to second order as well, and count what is found."""
    choose = seeded(seed, index)
    witnesses = WITNESSES if index // 4 % SAMPLE == 0 else ()  # four neighbours are of all sorts
    drawn, seen = _drawn_and_examined(engine, choose, witnesses, arrays=index % 2 == 1)
    found.add(seen)
    if engine.second_order and index % 4 in _SECOND_ORDER and drawn.point and not seen.verdict.accuses:
        found.add(examine(engine, with_tangent(drawn, choose)))


def _drawn_and_examined(
    engine: Engine, choose: Choose, witnesses: Collection[str], *, arrays: bool
) -> tuple[Case, Examination]:
    """Draw a graph and examine it: one over arrays if it is wanted, of what the engine has."""
    for _ in range(_DRAWN if arrays and engine.array_forms else 0):
        drawn = array_case(choose, engine.array_forms)
        if not engine.lacking(drawn):
            seen = examine(engine, drawn, witnesses=witnesses, if_accused=WITNESSES)
            if not (seen.error and engine.lacking(drawn, raised=True)):
                return drawn, seen
    drawn = case(choose, engine.forms)
    return drawn, examine(engine, drawn, witnesses=witnesses, if_accused=WITNESSES)


def _start_worker(find: Callable[[str], Engine], spec: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is interrupted, and stops its workers
    global _engine  # noqa: PLW0603  a worker process has one engine
    _engine = find(spec)


def _check_in_worker(seed: int, indices: range) -> Statistics:
    before = len(_engine.driver.deaths)
    found = _check(_engine, seed, indices)
    found.deaths = _engine.driver.deaths[before:]
    return found


_engine: Engine
