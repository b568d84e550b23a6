"""How an engine is asked: what every way has in common."""

from __future__ import annotations

import contextlib
import io
import warnings
from abc import ABC, abstractmethod

from nn_from_scratch.verify.engines.answers import Answer
from nn_from_scratch.verify.engines.deaths import Death, NotAskedError
from nn_from_scratch.verify.engines.finding import FoundIn, found_in
from nn_from_scratch.verify.engines.session import Session
from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.expressions import Arithmetic


class Driver(ABC):
    """How an engine is asked: by the moves of a tape (`Tape`), or by transforming functions (`Transform`).

    One that computes in another process (`Remote`) is either.
    """

    __slots__ = ()

    @abstractmethod
    def answer(self, operations: Arithmetic, case: Case) -> Answer:
        """Compute value and gradient of a case; the value of an array is its sum with the cotangent."""

    def foresee(self, case: Case) -> None:  # noqa: B027  only another process can begin with it
        """Prepare for a case that will be answered soon."""

    @abstractmethod
    def forward(self, operations: Arithmetic, case: Case) -> object:
        """Compute a case's expression only: by it an engine shows which operations it has."""

    @property
    def moves(self) -> frozenset[str]:
        """The moves of programs that it can be asked; with "backward" it has a tape."""
        return frozenset()

    @property
    def integers(self) -> bool:
        """Whether constants and leaves can be given as integers."""
        return True

    @property
    def in_python(self) -> bool:
        """Whether it computes in Python: then constants can be numpy's scalars, or None."""
        return True

    def session(self, operations: Arithmetic) -> Session:
        """Begin a session, in which programs are run.

        Raises
        ------
        NotImplementedError
            If it has no moves.

        """
        raise NotImplementedError(f"{type(self).__name__} has no moves")

    @property
    def deaths(self) -> list[Death]:
        """How often its process died, and of what; never of an engine in this process."""
        return []

    @property
    def seconds(self) -> float | None:
        """How many seconds of processor time answers have taken its process; None if it is this one."""
        return None

    def begin_phase(self) -> None:  # noqa: B027  only a process can be given up
        """Ask again what was given up in the phase before, because its process died too often."""

    def close(self) -> None:  # noqa: B027  only a process can be ended
        """End its process, if it has one: it is asked no more."""

    def public(self) -> list[str]:
        """Return the names of what it offers to its users: of a node's methods, or of functions."""
        return []

    def found_in(self, spec: str) -> FoundIn:
        """Return where the packages of the engine of this spec were found."""
        return found_in(spec)

    def fails(self, script: str) -> bool:
        """Run a script where the engine is, and tell whether it raises: one that does not is of no use."""
        return fails(script)

    def disturb(self, attempt: int) -> None:  # noqa: B027  in this process it is done by whoever asks
        """Let the next nodes lie elsewhere in memory, where that is not this process's."""


class AskedNoMore(Driver):
    """The driver of an engine that is asked nothing more.

    Parameters
    ----------
    driver
        By which it was asked.
    why
        What is said when it is asked nevertheless.

    """

    __slots__ = ("_driver", "_why")

    def __init__(self, driver: Driver, why: str) -> None:
        self._driver, self._why = driver, why

    def answer(self, operations: Arithmetic, case: Case) -> Answer:  # noqa: ARG002, D102
        raise NotAskedError(self._why)

    def forward(self, operations: Arithmetic, case: Case) -> object:  # noqa: ARG002, D102
        raise NotAskedError(self._why)

    def session(self, operations: Arithmetic) -> Session:  # noqa: ARG002, D102
        raise NotAskedError(self._why)

    @property
    def moves(self) -> frozenset[str]:  # noqa: D102
        return self._driver.moves

    @property
    def deaths(self) -> list[Death]:  # noqa: D102
        return self._driver.deaths

    @property
    def seconds(self) -> float | None:  # noqa: D102
        return self._driver.seconds

    def public(self) -> list[str]:  # noqa: D102
        return self._driver.public()


def fails(script: str) -> bool:
    """Run a script in this process, and tell whether it raises."""
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(compile(script, "reproducer.py", "exec"), {"__name__": "__main__"})  # noqa: S102
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001  that is what it is for
        return True
    return False
