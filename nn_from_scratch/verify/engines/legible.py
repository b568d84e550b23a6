"""What an engine says, as text that JSON, XML and terminals can carry, whatever it says."""

from __future__ import annotations

LONGEST = 500
"""Characters that are kept."""


def legible(text: str) -> str:
    """Return a text on one line that is not too long, and that JSON, XML and terminals can carry."""
    words = " ".join(text[: 4 * LONGEST].split())
    return "".join(x if x.isprintable() else x.encode("unicode_escape").decode() for x in words)[:LONGEST]


def words_of(error: BaseException) -> str:
    """Return what an exception says, whatever it does when it is asked for it."""
    try:
        return legible(str(error))
    except BaseException as raised:  # noqa: BLE001  an engine's own `__str__`
        return f"(its text raises {type(raised).__name__})"


def seen(x: object, longest: int = 100) -> str:
    """Return what there is to see of what an engine gave, whatever it does when it is asked for it."""
    try:
        return legible(repr(x))[:longest]
    except BaseException as raised:  # noqa: BLE001  an engine's own `__repr__`
        return f"(a {legible(type(x).__name__)} whose text raises {type(raised).__name__})"


def told(error: BaseException) -> str:
    """Return an exception's name and what it says."""
    return f"{legible(type(error).__name__)}: {words_of(error)}"
