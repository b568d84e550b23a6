"""How the process of an engine may end: each an outcome of its own."""

from __future__ import annotations

from dataclasses import dataclass


class DeathError(Exception):
    """A process ended, or had to be ended, before it answered.

    Its subclasses are named as reports name them; the message says how it was, and `printed` what it printed.
    """

    printed = ""


class CrashedError(DeathError):
    """It died of a signal."""


class ExitedError(DeathError):
    """It exited."""


class KilledError(DeathError):
    """It was killed, and not by the suite."""


class TimedOutError(DeathError):
    """It took too long."""


class OutOfMemoryError(DeathError):
    """It took too much memory."""


class InvalidAnswerError(DeathError):
    """It answered what is no answer."""


class NotAskedError(BaseException):
    """The engine is asked no more: it died too often, or the run was interrupted.

    No `Exception`, for it is nothing that the engine raises: what takes that for an answer lets this through.
    """


@dataclass(frozen=True, slots=True)
class Death:
    """One death: how the process ended, whether it did again when asked alone, and what it had printed."""

    kind: str
    words: str
    again: bool
    printed: str

    @classmethod
    def of(cls, death: DeathError, *, again: bool) -> Death:
        """Write down an exception."""
        return cls(type(death).__name__.removesuffix("Error"), str(death), again, death.printed)
