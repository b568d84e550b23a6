"""A campaign at work: chunks go to whatever executor there is, and are committed as they come back."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from nn_from_scratch.verify.store.asking import Found, Request, ask
from nn_from_scratch.verify.store.plan import Plan
from nn_from_scratch.verify.store.store import Store, StoreError

Ask = Callable[[Request], Found]
Executors = Callable[[], AbstractContextManager[Executor]]
"""Gives an executor, anew where the one before has broken."""

_AHEAD = 4
"""Chunks in flight for each worker: enough that none waits, few enough that little is asked again."""
_LOOKED_UP = 10_000  # chunks of which it is looked up together whether they are done
_IN_A_ROW = 3
"""So often an executor may break with no chunk committed between: then it is no accident."""


@dataclass(frozen=True)
class Progress:
    """How far a campaign is.

    Attributes
    ----------
    done, graphs
        How many graphs are committed, and how many are to be.
    asked, seconds
        How many of them this run has asked, and for how long it has been at work.
    failures
        How many different failures there are so far.

    """

    done: int
    graphs: int
    asked: int
    seconds: float
    failures: int

    @property
    def rate(self) -> float:
        """Graphs a second, of this run."""
        return self.asked / self.seconds if self.seconds else 0.0

    @property
    def seconds_left(self) -> float:
        """How long the rest will take at this rate; infinite while nothing is known."""
        return (self.graphs - self.done) / self.rate if self.rate else math.inf


@dataclass
class Campaign:
    """The work on a store; what is added up does not hang on executors, workers, and interruptions.

    Attributes
    ----------
    store
        Where to.
    plan
        What is asked: the store's.
    graphs
        How many graphs there are to be: whole chunks.
    workers
        How many chunks an executor works on at a time.
    seconds
        After how long no chunk is begun any more.
    until_failure
        Whether none is after the first failure.
    progress
        Told at the start, and after each commit.
    ask
        Asks a chunk; it is sent to the executor.

    """

    store: Store
    plan: Plan
    graphs: int
    workers: int
    seconds: float = math.inf
    until_failure: bool = False
    progress: Callable[[Progress], None] = lambda _: None
    ask: Ask = ask
    _before: int = field(default=0, init=False)
    _asked: int = field(default=0, init=False)
    _begun: float = field(default=0.0, init=False)

    def run(self, executors: Executors) -> None:
        """Ask the chunks that the store has not yet, and commit each as it is answered.

        Raises
        ------
        StoreError
            If a chunk cannot be committed, or executors break again and again. What was committed is kept, as
            it is after a KeyboardInterrupt.

        """
        self._begun = time.monotonic()
        self._before = self.store.chunks * self.plan.chunk
        self._tell()
        broken = 0
        while broken < _IN_A_ROW:
            before = self._asked
            try:
                with executors() as executor:
                    self._work(executor)
            except BrokenExecutor:
                broken = 1 if self._asked > before else broken + 1
                continue
            return
        raise StoreError(
            f"the processes that ask have died {broken} times in a row without an answer, perhaps for want "
            "of memory: what was committed is kept, and fewer --jobs may do"
        )

    def _missing(self) -> Iterator[Request]:
        """Yield the chunks that are not done; those that are, are never all in memory."""
        plan = self.plan
        for start in range(0, self.graphs, _LOOKED_UP * plan.chunk):
            block = range(start, min(start + _LOOKED_UP * plan.chunk, self.graphs), plan.chunk)
            done = self.store.done(block)
            for first in block:
                if first not in done:
                    yield Request(plan, first)

    def _work(self, executor: Executor) -> None:
        """Keep an executor busy until there is no more to ask, or it is time to end.

        What is awaited when something ends it, whoever gave the executor cancels.
        """
        requests, awaited = self._missing(), set[Future[Found]]()
        while True:
            while len(awaited) < _AHEAD * self.workers and not self._is_over():
                request = next(requests, None)
                if request is None:
                    break
                awaited.add(executor.submit(self.ask, request))
            if not awaited:
                return
            answered, awaited = wait(awaited, return_when=FIRST_COMPLETED)
            for future in answered:
                self._commit(future.result())
            if self._is_over():
                awaited = {future for future in awaited if not future.cancel()}

    def _is_over(self) -> bool:
        failed = self.until_failure and self.store.failing_programs > 0
        return failed or time.monotonic() - self._begun > self.seconds

    def _commit(self, found: Found) -> None:
        self.store.commit(found)
        self._asked += self.plan.chunk
        self._tell()

    def _tell(self) -> None:
        done, seconds = self._before + self._asked, time.monotonic() - self._begun
        graphs = max(self.graphs, done)
        self.progress(Progress(done, graphs, self._asked, seconds, self.store.failing_programs))
