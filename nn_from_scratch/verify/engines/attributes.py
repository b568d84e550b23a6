"""An engine whose nodes are described by names: of the attributes of value and gradient, of a method."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from nn_from_scratch.verify.engines.answers import asking

Read = Callable[[Any], Any]


def reading(how: str | Read) -> Read:
    """Return what reads something of a node: an attribute by its name, or what is given."""
    return attrgetter(how) if isinstance(how, str) else how


def calling(how: str | Callable[..., object]) -> Callable[..., object]:
    """Return what runs the reverse pass: a method of the output by its name, or what is given."""
    if not isinstance(how, str):
        return how
    method = attrgetter(how)

    def backward(output: Any, *cotangent: Any) -> object:
        return method(output)(*cotangent)

    return backward


@dataclass(frozen=True, slots=True)
class Setting:
    """How an attribute of a leaf is set.

    Parameters
    ----------
    move
        Sets it.
    text
        The statement that does the same, for `str.format`.

    """

    move: Callable[..., object]
    text: str


def assigning(variable: Callable[..., Any], name: str, made: str) -> Setting | None:
    """Return how the value of a leaf is replaced through its attribute; nothing where it cannot be.

    Parameters
    ----------
    variable
        Makes a leaf.
    name
        The attribute's.
    made
        The code that makes a leaf of ``{}``.

    """

    def plainly(leaf: Any, value: Any) -> None:
        setattr(leaf, name, value)

    def as_of_a_leaf(leaf: Any, value: Any) -> None:
        setattr(leaf, name, getattr(variable(value), name))

    def holds(move: Callable[..., object]) -> bool:
        leaf = variable(0.5)
        move(leaf, 0.25)
        return bool(getattr(leaf, name) == 0.25)

    fresh = _tried(lambda: getattr(variable(0.5), name))
    if type(fresh) in (float, int):
        return Setting(plainly, f"{{leaf}}.{name} = {{value}}") if _tried(lambda: holds(plainly)) else None
    again = made.format("{value}")
    return (
        Setting(as_of_a_leaf, f"{{leaf}}.{name} = {again}.{name}")
        if _tried(lambda: holds(as_of_a_leaf))
        else None
    )


def resetting(variable: Callable[..., Any], value: str, name: str, made: str) -> Setting | None:
    """Return how the gradient of a leaf is made what that of a fresh one is; nothing where it cannot be.

    Parameters
    ----------
    variable
        Makes a leaf.
    value, name
        The attributes of value and gradient.
    made
        The code that makes a leaf of ``{}``.

    """
    fresh = _tried(lambda: (getattr(variable(0.5), name),))
    if fresh is None:  # only a reverse pass makes it
        return None
    (before,) = fresh
    is_plain = before is None or type(before) in (float, int)

    def reset(leaf: Any) -> None:
        setattr(leaf, name, before if is_plain else getattr(variable(getattr(leaf, value)), name))

    def works() -> bool:
        leaf = variable(0.5)
        setattr(leaf, name, copy.copy(before))
        reset(leaf)
        return True

    again = repr(before) if is_plain else f"{made.format('{leaf}.' + value)}.{name}"
    return Setting(reset, f"{{leaf}}.{name} = {again}") if _tried(works) else None


def starts_with_nothing(variable: Callable[..., Any], gradient: str) -> bool:
    """Whether the gradient of a fresh leaf is None."""
    return bool(_tried(lambda: getattr(variable(0.5), gradient) is None))


def _tried(what: Callable[[], Any]) -> Any:
    """Return what comes of asking an engine, or None where it raises: it may lack what is asked."""
    try:
        with asking():
            return what()
    except Exception:  # noqa: BLE001  whatever it is, it is not there
        return None
