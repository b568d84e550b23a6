"""Who asks an engine's process, and finds out of what it died: the first question that it did not answer.

That is asked again, alone in a fresh process. If it is answered there, bisection of what was asked before
says how many programs it takes. What was killed from outside is asked again some times; what took too long is
given more time once, and again only if more time helped.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

from nn_from_scratch.verify.engines.deaths import (
    Death,
    DeathError,
    KilledError,
    NotAskedError,
    OutOfMemoryError,
    TimedOutError,
)
from nn_from_scratch.verify.engines.wire.connection import Connection, Words
from nn_from_scratch.verify.engines.wire.limits import Budget, Limits
from nn_from_scratch.verify.engines.wire.protocol import Reply
from nn_from_scratch.verify.questions.programs import Program

IN_FLIGHT = 50
"""Programs that are sent ahead at most."""
_AHEAD = 2.0  # seconds that a slow engine is to compute ahead: it is waited for, though nothing more is asked
_KILLED_TIMES = 3  # that what was killed from outside is asked again
_BISECTING = 20.0  # seconds
_LONG = 10_000  # steps of a chain
_NO_FAULT_OF_THE_QUESTION = (KilledError, TimedOutError, OutOfMemoryError)
"""Ends that a right engine may come to by reasons of the machine, or by what it keeps of all questions. Where
the question is answered alone that answer counts, though a run with such an end is never exit 0."""


class Asker:
    """Asks programs, and keeps count of deaths.

    Parameters
    ----------
    connection
        To the engine.
    limits
        How long it is waited for, and when it is given up.

    """

    def __init__(self, connection: Connection, limits: Limits) -> None:
        self.deaths: list[Death] = []
        self.given_up = ""
        """Why the engine is asked no more; nothing while it is."""
        self._connection, self.limits = connection, limits
        self._budget = Budget()
        self._patience, self._more_helps = limits.program, True
        self._current: object = None  # the session whose nodes the process has
        self._bisected = self._has_answered = False
        self._each = 0.0  # seconds that the last answer took
        self._in_flight: deque[Program] = deque()
        """What was sent ahead and is not answered yet."""
        self._outcomes: deque[tuple[Program, Reply | DeathError]] = deque()
        """What came of those that were sent ahead, until they are asked."""

    def foresee(self, program: Program) -> None:
        """Send ahead a program that will be asked soon: the engine computes while others are judged."""
        in_flight = len(self._in_flight)
        if self.given_up or in_flight >= IN_FLIGHT or in_flight * self._each > _AHEAD:
            return
        with suppress(DeathError, NotAskedError):  # then it is sent when it is asked
            self._connection.send(program)
            self._in_flight.append(program)

    def ask(self, program: Program, session: object = None, before: Program | None = None) -> Reply:
        """Ask a program, or what a session goes on with after what it asked `before`.

        Raises
        ------
        DeathError
            If the process dies of it.
        NotAskedError
            If the engine is asked no more.

        """
        if session is None and (program in self._in_flight or self._has_come(program)):
            return self._take(program)
        self._collect()
        self._refuse_if_given_up()
        earlier = before or []
        goes_on = session is not None and session is self._current and self._connection.is_open
        skipped = [] if goes_on else earlier
        self._current = None  # until there is an answer
        try:
            reply = self._connection.request([*skipped, *program], self._seconds(program), goes_on=goes_on)
        except DeathError as death:
            skipped = earlier
            reply = self._ask_alone([*earlier, *program], death)
        self._current = session
        return self._answered(reply).after(skipped)

    def tell(self, words: Words) -> object:
        """Ask a worker of Python what is no program; return its answer."""
        self._collect()
        self._refuse_if_given_up()
        self._current = None
        return self._connection.exchange(words, self.limits.grown)

    def begin_phase(self) -> None:
        """Forget what the deaths of the phase before have cost: what was given up in it is asked again.

        One that has never answered is not; and one that has died of all that it was asked last is given up
        as soon as it dies once more.
        """
        if self.given_up == _CLOSED or not self._has_answered:
            return
        dying = self._budget.in_a_row >= self.limits.in_a_row
        self._budget = Budget(in_a_row=self.limits.in_a_row - 1 if dying else 0)
        self.given_up = ""

    def close(self) -> None:
        """End the process; the engine is asked no more."""
        self.given_up = _CLOSED
        self._connection.close()

    def stop(self) -> None:
        """Have nothing more asked: from another thread than the one that waits for an answer."""
        self.given_up = _CLOSED
        self._connection.kill()

    def _has_come(self, program: Program) -> bool:
        return any(one == program for one, _ in self._outcomes)

    def _take(self, program: Program) -> Reply:
        """Return what came of a program that was sent ahead; what was before it is not asked any more.

        Raises
        ------
        DeathError
            If the process died of it.

        """
        self._current = None
        if not self._has_come(program):
            self._collect(program)
        while True:
            one, outcome = self._outcomes.popleft()
            if one == program:
                break
        if isinstance(outcome, DeathError):
            raise outcome
        return outcome

    def _collect(self, last: Program | None = None) -> None:
        """Wait for what came of the programs that were sent ahead: of all, or up to one."""
        while self._in_flight:
            program = self._in_flight.popleft()
            self._outcomes.append((program, self._outcome(program)))
            if program == last:
                break

    def _outcome(self, program: Program) -> Reply | DeathError:
        """Return what came of the first program in flight; if that was a death, send the others again."""
        try:
            return self._answered(self._connection.receive(program, self._seconds(program)))
        except DeathError as death:
            lost, self._in_flight = self._in_flight, deque()
            try:
                return self._answered(self._ask_alone(program, death))
            except DeathError as counted:
                return counted
            finally:
                for one in lost:
                    self.foresee(one)
        except BaseException:  # this process was interrupted
            self._in_flight.clear()
            raise

    def _answered(self, reply: Reply) -> Reply:
        self._has_answered, self._budget.in_a_row, self._each = True, 0, reply.seconds
        return reply

    def _seconds(self, program: Program) -> float:
        """Return how long a program may take: a long chain takes its time."""
        is_long = any(move[0] == "repeat" and move[1] > _LONG for move in program)
        return self.limits.grown if is_long else self._patience

    def _refuse_if_given_up(self) -> None:
        if self.given_up:
            raise NotAskedError(self.given_up)

    def _ask_alone(self, program: Program, death: DeathError) -> Reply:
        """Ask once more, alone in a fresh process, what the process died of.

        Raises
        ------
        DeathError
            If it dies of it again, or did of what it was asked before.

        """
        started, asked_before = time.monotonic(), list(self._connection.asked)
        if isinstance(death, TimedOutError) and not self._more_helps:
            raise self._count(death, started, again=False)
        for _ in range(_KILLED_TIMES if isinstance(death, KilledError) else 1):
            self._refuse_if_given_up()  # as it is where another thread has stopped it
            try:
                self._connection.begin()
                asked_at = time.monotonic()
                reply = self._connection.request(program, self.limits.grown)
            except KilledError as killed:
                death = killed
                continue
            except DeathError as again:
                self._more_helps &= not isinstance(again, TimedOutError)
                raise self._count(again, started, again=True) from death
            if isinstance(death, TimedOutError) and time.monotonic() - asked_at >= self._patience:
                self._patience = self.limits.grown  # it is slow, and no more
            elif isinstance(death, _NO_FAULT_OF_THE_QUESTION):  # nothing is lost
                self._count(death, started, again=False)
            else:
                words = f"{death}; not when asked again alone, {self._needed_before(asked_before, program)}"
                raise self._count(type(death)(words), started, again=False)
            return reply
        raise self._count(death, started, again=True)

    def _count(self, death: DeathError, since: float, *, again: bool) -> DeathError:
        """Keep a death, and give up the engine if that was one too many; return it."""
        self.deaths.append(Death.of(death, again=again))
        self._budget.spend(time.monotonic() - since)
        self.given_up = self._budget.exhausted(self.limits)
        return death

    def _needed_before(self, asked: Sequence[Words], program: Program) -> str:
        """Say how many of the programs that were asked before it takes to die of one: found once."""
        if self._bisected:
            return "as before"
        self._bisected = True
        end = time.monotonic() + _BISECTING
        too_few, enough = 0, len(asked)
        if not self._dies_after(asked, program):
            return f"nor after the last {len(asked):,} programs that were asked before it"
        while enough - too_few > 1 and time.monotonic() < end:
            middle = (enough + too_few) // 2
            if self._dies_after(asked[-middle:], program):
                enough = middle
            else:
                too_few = middle
        return f"but after {enough:,} programs that were asked before it"

    def _dies_after(self, asked: Sequence[Words], program: Program) -> bool:
        """Whether a fresh process dies of some requests and then a program."""
        self._connection.end()
        try:
            for words in asked:
                self._connection.exchange(words, self._patience)
            self._connection.request(program, self._patience)  # its answer must be valid, too
        except DeathError:
            return True
        return False


_CLOSED = "it was closed"
