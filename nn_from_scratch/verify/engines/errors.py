"""What is raised about an engine before it is asked anything that is judged."""

from __future__ import annotations


class EngineError(Exception):
    """An engine cannot be loaded, or its adapter has a mistake."""


class NotSpelledError(NotImplementedError):
    """What is asked is lacking by the engine's own table (`Spelling`): it is not supported, and no fault."""


def is_lacking(error: BaseException) -> bool:
    """Whether an engine's own table says that it lacks what was asked: here, or in another process.

    An engine may have an exception of the same name, which is a fault as any other.
    """
    return isinstance(error, NotSpelledError)
