"""The asking of an engine: direct questions, random graphs, state and limits, and what failed settled."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from nn_from_scratch.verify import state
from nn_from_scratch.verify.campaign.beside import Chunks, begun
from nn_from_scratch.verify.campaign.direct import Direct, ask_directly
from nn_from_scratch.verify.campaign.phases import Phases, within
from nn_from_scratch.verify.campaign.statistics import Statistics
from nn_from_scratch.verify.engines.deaths import Death, NotAskedError
from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.engines.observed import Observed
from nn_from_scratch.verify.failures import failing_accuracy, failing_checks
from nn_from_scratch.verify.failures.settling import Settling
from nn_from_scratch.verify.judging.conventions import conventions
from nn_from_scratch.verify.judging.examine import examine
from nn_from_scratch.verify.judging.verdicts import Verdict
from nn_from_scratch.verify.questions.telling_points import telling_cases

Progress = Callable[[int, int, str], None]
"""Told what is done, of how many, and in words."""
_INTERRUPTED = "the run was interrupted"
_STATE_AND_LIMITS = 90.0  # seconds at least that the checks of both have: tinygrad's take 57


@dataclass(frozen=True, slots=True)
class Plan:
    """What an engine is asked: see `verify`."""

    graphs: int
    seed: int
    jobs: int | None
    seconds: float
    directly: bool
    grades: Collection[str]
    progress: Progress


class Inquiry:
    """What was asked of an engine so far, and what came of it.

    Parameters
    ----------
    engine
        The system under test.
    plan
        What it is asked.
    interrupted
        Whether there was an interruption before: then nothing is asked.

    """

    def __init__(self, engine: Engine, plan: Plan, *, interrupted: bool = False) -> None:
        engine = engine.asked_no_more(_INTERRUPTED) if interrupted else engine
        self.engine, self.plan = engine, plan
        self.found, self.direct = Statistics(), Direct()
        self.checks: list[state.Result] = []
        self.failures: list[dict[str, Any]] = []
        self.at_kinks: list[dict[str, Any]] = []
        self.interrupted = interrupted
        self.phases = Phases(engine)
        self.settling = Settling(engine)
        self._observed = Observed.of(engine)
        self._chunks: Chunks | None = None
        self._stopped_by_time = False

    def ask(self) -> None:
        """Ask all that is planned; Ctrl-C ends it, and what was found is kept."""
        named = [
            name
            for name, one in state.CHECKS.items()
            if one.grade in self.plan.grades or name not in state.LONG
        ]
        try:
            with state.started(self.engine, named) as results, self._begun() as chunks:
                self._chunks = chunks
                self._ask_directly()
                if chunks.are_elsewhere:  # then others go on with graphs beside the checks
                    self._check_state(named, results)
                    self._ask_graphs(chunks)
                else:
                    self._ask_graphs(chunks)
                    self._check_state(named, results)
            self._report("settling failures")
            self._settle()
            with self.phases.phase("conventions at kinks"):
                self.at_kinks = conventions(self.engine)
            with self.phases.phase("scripts of failed checks"):
                self.failures += failing_checks(self.engine, self.checks)
        except KeyboardInterrupt:
            self.interrupted = True
            self._count_what_is_there()
            self.engine = self.engine.asked_no_more(_INTERRUPTED)

    @property
    def direct_seconds(self) -> float:
        """How many seconds of processor time the engine took to answer direct questions."""
        return self._observed.meter.computing

    @property
    def deaths(self) -> list[Death]:
        """How often the engine's process ended, and of what."""
        return [*self.engine.driver.deaths, *self.found.deaths]

    @property
    def stopped_by_time(self) -> bool:
        """Whether something was not asked because time was up."""
        return self._stopped_by_time or self.phases.stopped_by_time or self.settling.stopped_by_time

    @property
    def unsettled(self) -> set[str]:
        """The operations that have failures which were not examined."""
        unsettled = self.settling.unsettled
        if self.interrupted or self.phases.not_asked:  # whatever failed may not have been settled
            unsettled |= {question.operation for question, _ in self.direct.failing}
            unsettled |= self.found.accusing.keys()
        return unsettled

    @property
    def settled(self) -> bool:
        """Whether all was asked and answered, and what failed was examined."""
        nothing_there = not self.engine.forms or bool(self.engine.silence)
        complete = self.found.total == self.plan.graphs or nothing_there
        left = self.stopped_by_time or self.unsettled or self.deaths or self.phases.not_asked
        return complete and not left

    def _ask_directly(self) -> None:
        """Ask every operation directly, as long as there is time."""
        if self.plan.graphs and self.plan.directly and not self.engine.silence:
            self._report("asking every operation directly", 0)
            with self.phases.phase("direct questions"):
                asked_all = ask_directly(self._observed, self.direct, self._time_is_left)
                self._stopped_by_time = not asked_all

    def _check_state(self, names: Sequence[str], results: Iterator[state.Result]) -> None:
        """Take the results of the named checks, as long as there is time."""
        self._report("checking state and limits", self.found.total)
        with self.phases.phase("state and limits"):
            seconds = max(_STATE_AND_LIMITS, self.plan.seconds)
            for _, result in zip(within(seconds, names), results, strict=True):
                self.checks.append(result)

    def _ask_graphs(self, chunks: Chunks) -> None:
        """Ask random graphs, as long as there is time."""
        engine = self.engine
        if not self.plan.graphs:
            return
        with self.phases.phase("random graphs"):
            self._count_graphs(chunks)
        if self._stopped_by_time:
            return
        with self.phases.phase("digits that are lost"):
            for case in telling_cases(engine.forms):
                self.found.measure(examine(engine, case), engine.format)

    def _begun(self) -> AbstractContextManager[Chunks]:
        plan = self.plan
        self.engine.driver.begin_phase()  # whatever it died of when it was asked what it has
        return begun(self.engine, plan.graphs, plan.seed, plan.jobs, self._seconds_left)

    def _count_graphs(self, chunks: Chunks) -> None:
        """Count what is found in random graphs, as long as there is time.

        Raises
        ------
        NotAskedError
            If the engine is asked no more.

        """
        for part in chunks:
            self.found.merge(part)
            self._report("checking graphs", self.found.total)
            if part.given_up:
                raise NotAskedError(part.given_up)
            more = self.found.total < self.plan.graphs and not chunks.next_is_there
            if part.stopped_by_time or (more and not self._time_is_left()):
                self._stopped_by_time = True
                break

    def _count_what_is_there(self) -> None:
        """Count what others have found in random graphs, which nobody waits for any more."""
        if self._chunks and self._chunks.next_is_there:
            for part in self._chunks:
                self.found.merge(part)
                if not self._chunks.next_is_there:
                    break

    def _settle(self) -> None:
        """Examine what failed, and tell each fault."""
        with self.phases.phase("failures"):
            self.settling.direct(self.direct.failing)
            self.settling.graphs(self.found.accused)
        with self.phases.phase("scripts of failures"):
            self.failures.extend(self.settling.failures())
            direct = [seen.case for _, seen in self.direct.failing if seen.verdict is Verdict.INACCURATE]
            inaccurate = [*direct, *self.found.inaccurate]
            self.failures.extend(failing_accuracy(self.engine, inaccurate, self.failures))

    def _time_is_left(self) -> bool:
        return self._seconds_left() > 0

    def _seconds_left(self) -> float:
        beside = self._chunks.unread_seconds if self._chunks else 0.0
        return self.plan.seconds - self._observed.meter.seconds - self.found.engine_seconds - beside

    def _report(self, words: str, done: int | None = None) -> None:
        graphs = self.plan.graphs
        self.plan.progress(graphs if done is None else done, graphs, words)
