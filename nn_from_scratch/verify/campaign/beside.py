"""Random graphs in chunks, checked by this process in their turn, or by others beside what this one asks."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from contextlib import contextmanager
from typing import Protocol

from nn_from_scratch.verify.campaign.chunks import checked
from nn_from_scratch.verify.campaign.statistics import Statistics
from nn_from_scratch.verify.campaign.workers import pool
from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.engines.wire.isolated import again
from nn_from_scratch.verify.engines.wire.remote import Remote
from nn_from_scratch.verify.oracles import pytorch

_CHUNK = 50  # graphs between two signs of progress
_WORTH_A_WORKER = 1000  # graphs: a worker takes seconds to start
_WORTH_ANOTHER = 4000  # graphs for each, where there are several
_QUICK = 0.02  # seconds an answer: then a chunk takes a second or two of what an engine may take in all

Check = Callable[[range], Statistics]
"""Checks a chunk in this process."""


class Chunks(Protocol):
    """Chunks of graphs, in their order: what is found does not depend on the processes."""

    unread_seconds: float
    """How long the engine was waited for in chunks that are checked, and that nobody was given yet."""
    are_elsewhere: bool
    """Whether other processes check them, whatever this one does."""

    @property
    def next_is_there(self) -> bool:
        """Whether the next chunk is checked already."""

    def __iter__(self) -> Iterator[Statistics]:
        """Yield what is found in each chunk."""


@contextmanager
def begun(
    engine: Engine, graphs: int, seed: int, jobs: int | None, seconds_left: Callable[[], float]
) -> Iterator[Chunks]:
    """Give the chunks of so many graphs; where other processes check them, they begin now.

    A chunk for which the engine takes more seconds than there are left is cut short.
    """
    asked = 0 if not engine.forms or engine.silence else graphs
    chunks = [range(first, min(first + _CHUNK, asked)) for first in range(0, asked, _CHUNK)]
    workers = _workers(engine, asked, jobs)

    def check_here(chunk: range) -> Statistics:
        return checked(engine, seed, chunk, seconds_left())

    if not workers:
        yield _InTheirTurn(check_here, chunks)
        return
    with pool(workers, _find_engine, again(engine)) as executor:
        yield _Elsewhere(executor, seed, chunks, seconds_left, None if jobs else check_here)


def _workers(engine: Engine, graphs: int, jobs: int | None) -> int:
    """Return how many other processes check graphs."""
    if not graphs or not engine.spec or jobs == 1:
        return 0
    if jobs:
        return jobs
    several = min(os.cpu_count() or 1, graphs // _WORTH_ANOTHER)
    if several > 1:
        return several
    return int(graphs >= _WORTH_A_WORKER and (os.cpu_count() or 1) > 1 and _is_asked_as_well_beside(engine))


def _is_asked_as_well_beside(engine: Engine) -> bool:
    """Whether another process finds in graphs what this one does, and within the same time.

    What an engine lacks must be known before direct questions, as it is of one with a tape; and one that is
    in this process may have been changed here. One of scalars is asked all before another process is there.
    """
    driver = engine.driver
    if not isinstance(driver, Remote) or driver.deaths or driver.pace > _QUICK:
        return False
    return engine.arrays and (engine.complete or engine.has_tape)


class _InTheirTurn:
    """Chunks that this process checks, each when it is wanted."""

    def __init__(self, check: Check, chunks: list[range]) -> None:
        self._check, self._chunks = check, chunks
        self.unread_seconds, self.next_is_there, self.are_elsewhere = 0.0, False, False

    def __iter__(self) -> Iterator[Statistics]:
        yield from map(self._check, self._chunks)


class _Elsewhere:
    """Chunks that other processes check, from now on, as long as there is time.

    Parameters
    ----------
    executor
        Where.
    seed, chunks
        Which graphs.
    seconds_left
        Says how long the engine may still take: for a chunk no longer than there is left now.
    otherwise
        Checks what is left if such a process dies; if there is none, the first that is missing raises.

    """

    def __init__(
        self,
        executor: Executor,
        seed: int,
        chunks: list[range],
        seconds_left: Callable[[], float],
        otherwise: Check | None,
    ) -> None:
        self.unread_seconds, self.are_elsewhere = 0.0, True
        self._seconds_left, self._otherwise = seconds_left, otherwise
        seconds = seconds_left()
        self._awaited = deque(
            (chunk, executor.submit(_check_in_worker, seed, chunk, seconds)) for chunk in chunks
        )
        for _, future in self._awaited:
            future.add_done_callback(self._count)
        executor.submit(_close_engine)  # beside what follows, for it takes a second

    @property
    def next_is_there(self) -> bool:
        if not self._awaited:
            return False
        _, first = self._awaited[0]
        return first.done() and not first.cancelled() and first.exception() is None

    def __iter__(self) -> Iterator[Statistics]:
        try:
            while self._awaited:
                yield self._found(*self._awaited.popleft())
        except CancelledError:  # the time is up
            return
        finally:
            self._check_no_more()

    def _found(self, chunk: range, future: Future[Statistics]) -> Statistics:
        try:
            found = future.result()
        except BrokenExecutor:
            if self._otherwise is None:
                raise
            return self._otherwise(chunk)
        self.unread_seconds -= found.engine_seconds
        return found

    def _count(self, future: Future[Statistics]) -> None:
        if not future.cancelled() and future.exception() is None:
            self.unread_seconds += future.result().engine_seconds
            if self._seconds_left() <= 0:
                self._check_no_more()

    def _check_no_more(self) -> None:
        for _, future in tuple(self._awaited):  # another thread may take one
            future.cancel()


def _find_engine(find: Callable[[], Engine]) -> None:
    global _engine  # noqa: PLW0603  a worker process has one engine
    pytorch.import_beside()  # which is asked about some graphs, and takes as long to import as an engine
    _engine = find()


def _check_in_worker(seed: int, indices: range, seconds: float) -> Statistics:
    before = len(_engine.driver.deaths)
    found = checked(_engine, seed, indices, seconds)
    found.deaths = _engine.driver.deaths[before:]
    return found


def _close_engine() -> None:
    _engine.driver.close()


_engine: Engine
