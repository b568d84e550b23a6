"""Whether operations are remembered: in this thread, or task."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_here: ContextVar[bool] = ContextVar("recording", default=True)
open_choices = 0
"""How many `no_grad` are open in any thread: while there is none, no operation need ask `is_on`."""


def is_on() -> bool:
    """Return whether operations are remembered here."""
    return _here.get()


@contextmanager
def no_grad(*, recording: bool = False) -> Iterator[None]:
    """Compute, in this context or decorated function of this thread, without remembering how.

    With `recording` operations are remembered, though a `no_grad` around this one says otherwise.
    """
    global open_choices  # noqa: PLW0603 - read at every operation
    token = _here.set(recording)
    open_choices += 1
    try:
        yield
    finally:
        open_choices -= 1
        _here.reset(token)
