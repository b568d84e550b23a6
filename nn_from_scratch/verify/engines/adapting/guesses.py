"""What a class of numbers looks like from outside: found by trying, with known answers to a few questions."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from operator import getitem, methodcaller, mul
from types import ModuleType
from typing import Any

import numpy as np

from nn_from_scratch.verify.engines.answers import asking
from nn_from_scratch.verify.engines.errors import EngineError

_VALUES = ("data", "value", "val", "v", "item", "x")
_GRADIENTS = ("grad", "gradient", "derivative", "adjoint", "g", "d")
_POINTS = (3.0, 0.5)
MATRIX = np.array([[1.0, 2.0, 4.0], [8.0, 3.0, 5.0]])
_QUESTIONS: tuple[tuple[Callable[[Any], Any], Callable[[float], float]], ...] = (
    (lambda a: a * a + a, lambda x: 2 * x + 1),
    (lambda a: a + a + a, lambda _: 3.0),
    (lambda a: a * 3.0, lambda _: 3.0),
    (lambda a: a * a, lambda x: 2 * x),
)
"""What is computed of a leaf, and its derivative: one that is right shows where gradients are, for an engine
that is probed may have faults."""
_COTANGENT = np.array([[1.0, -2.0, 3.0], [0.5, 4.0, -1.0]])


@dataclass
class Guess:
    """What was found of a class.

    `value` is the name of an attribute; so is `gradient`, which may have two parts, as ``grad.data``, or be
    empty where gradients are in a table or asked for. `backward` is a method's name, or that of a function of
    the module if `is_function`. `spelling` has the fields of a `Spelling` that differ from its defaults.
    """

    kind: type[Any]
    value: str
    leaves: str = "given"
    backward: str = ""
    is_function: bool = False
    gradient: str = ""
    adds_up: bool | None = None
    arrays: bool = False
    spelling: dict[str, Any] = field(default_factory=dict)


def tried(what: Callable[[], Any]) -> Any:
    """Return what comes of trying something, or None where it raises."""
    try:
        with asking(), np.errstate(all="ignore"):
            return what()
    except Exception:  # noqa: BLE001  whatever it raises, it is not how the engine is called
        return None


def number(x: Any) -> Any:
    """Return a real number, or an array of them; None if it is neither."""
    if x is None or callable(x) or isinstance(x, (str, bytes, bool, Mapping, set)):
        return None
    found = tried(lambda: np.asarray(x, dtype=np.float64))
    return found if found is not None and np.asarray(x).dtype.kind in "fiuO" else None


def equals(x: Any, expected: Any) -> bool:
    """Whether something is the expected number, or array, but for rounding in a low precision."""
    found = number(x)
    if found is None:
        return False
    if np.shape(expected) == () and found.shape == (1,):
        found = found[0]
    return bool(np.shape(found) == np.shape(expected) and np.allclose(found, expected, 1e-2, 1e-3))


def made(kind: type[Any], x: Any, leaves: str) -> Any:
    """Make a leaf."""
    return kind(x if leaves == "given" else np.asarray(x) if leaves == "array" else np.asarray(x).tolist())


def number_in(kind: type[Any]) -> Guess | None:
    """Return what is found of a class of numbers, its value at first; None if it is none."""
    for leaves in ("given", "array"):
        leaf = tried(partial(made, kind, _POINTS[0], leaves))
        if leaf is None or tried(partial(mul, leaf, leaf)) is None:
            continue
        for name in _names(leaf, _VALUES):
            if all(_holds(kind, leaves, name, x) for x in _POINTS):
                return Guess(kind, name, leaves, spelling={} if leaves == "given" else {"leaves": leaves})
    return None


def _holds(kind: type[Any], leaves: str, name: str, x: float) -> bool:
    """Whether a leaf made of a number has it in an attribute."""
    return equals(tried(lambda: getattr(made(kind, x, leaves), name)), x)


def numbers_of(module: ModuleType, name: str) -> list[Guess]:
    """Return the classes of numbers in a module: those that it defines, or else that it has; or one by name.

    Raises
    ------
    EngineError
        If there is no such name.

    """
    if name:
        found = getattr(module, name, None)
        if not isinstance(found, type):
            raise EngineError(f"{name} of {module.__name__} is no class: {found!r:.80}")
        return [guess for guess in (number_in(found),) if guess]
    kinds = [kind for kind in vars(module).values() if isinstance(kind, type)]
    own = [kind for kind in kinds if kind.__module__ == module.__name__]
    for some in (own, kinds):
        guesses = [guess for kind in dict.fromkeys(some) if (guess := number_in(kind)) is not None]
        guesses = [one for one in guesses if one.kind not in (float, int, complex, np.float64, np.ndarray)]
        if guesses:
            return guesses
    return []


def find_reverse_pass(guess: Guess, module: ModuleType) -> None:
    """Find what runs the reverse pass, and where the gradients are then.

    Raises
    ------
    EngineError
        If nothing does.

    """
    leaf = made(guess.kind, _POINTS[0], guess.leaves)
    methods = [name for name in dir(leaf) if _is_backward(name) and callable(getattr(leaf, name, None))]
    methods.sort(key=lambda name: name != "backward")
    for name in methods:
        where = _gradient_after(guess, methodcaller(name))
        if where is not None:
            guess.backward = name
            _place(guess, where)
            return
    for name, function in vars(module).items():
        if _is_backward(name) and callable(function) and not isinstance(function, type):
            where = _gradient_after(guess, function) or _asked_for(guess, function)
            if where is not None:
                guess.backward, guess.is_function = name, True
                _place(guess, where)
                return
    shown = guess.kind.__name__
    raise EngineError(
        f"{shown} is a number, whose value is its `{guess.value}`, but no method or function that has "
        '"back", "grad" or "diff" in its name gives the derivative of a * a + a or of a + a + a, in an '
        "attribute of a or in a table that it returns: write "
        f'`Engine.from_tape(variable={shown}, value="{guess.value}", gradient=..., backward=...)` by hand'
    )


def _is_backward(name: str) -> bool:
    return not name.startswith("__") and any(part in name.lower() for part in ("back", "grad", "diff"))


def _gradient_after(guess: Guess, backward: Callable[[Any], Any]) -> str | None:
    """Return where the gradient of a leaf is after a reverse pass: an attribute, "by node", or "by id"."""
    for question, derivative in _QUESTIONS:
        found = [_where_it_is(guess, backward, question, x, derivative(x)) for x in _POINTS]
        both = [*_ordered(set.intersection(*found), _GRADIENTS)]
        if both:
            _see_whether_it_adds_up(guess, backward, both[0])
            return both[0]
    return None


def _asked_for(guess: Guess, gradients: Callable[..., Any]) -> str | None:
    """Return "asked" if a function returns the gradients of an output by the leaves that it is given."""
    for question, derivative in _QUESTIONS:
        leaves = [made(guess.kind, x, guess.leaves) for x in _POINTS]
        found = [tried(partial(gradients, question(leaf), [leaf])) for leaf in leaves]
        expected = [[derivative(x)] for x in _POINTS]
        if all(_are_listed(guess, one, numbers) for one, numbers in zip(found, expected, strict=True)):
            guess.adds_up = False
            return "asked"
    return None


def _are_listed(guess: Guess, found: Any, expected: Sequence[Any]) -> bool:
    """Whether what was returned for some leaves is a list of their gradients."""
    if not isinstance(found, (list, tuple)) or len(found) != len(expected):
        return False
    plain = [getattr(x, guess.value) if isinstance(x, guess.kind) else x for x in found]
    return all(map(equals, plain, expected))


def _where_it_is(
    guess: Guess, backward: Callable[[Any], Any], question: Callable[[Any], Any], x: float, expected: float
) -> set[str]:
    leaf = tried(lambda: made(guess.kind, x, guess.leaves))
    output = tried(lambda: question(leaf))
    if output is None:
        return set()
    before = set(_holding(guess, leaf, None, expected))
    table = tried(lambda: backward(output))
    return set(_holding(guess, leaf, table, expected)) - before


def _holding(guess: Guess, leaf: Any, table: Any, expected: Any) -> Iterator[str]:
    for name in _names(leaf, _GRADIENTS):
        held = tried(partial(getattr, leaf, name))
        if isinstance(held, guess.kind):
            if equals(tried(partial(getattr, held, guess.value)), expected):
                yield f"{name}.{guess.value}"
        elif equals(held, expected):
            yield name
    if isinstance(table, Mapping):
        for how, key in (("by node", leaf), ("by id", id(leaf))):
            held = tried(partial(getitem, table, key))
            held = getattr(held, guess.value, held) if isinstance(held, guess.kind) else held
            if equals(held, expected):
                yield how


def _see_whether_it_adds_up(guess: Guess, backward: Callable[[Any], Any], where: str) -> None:
    """See whether a second reverse pass, of another graph, adds to a leaf's gradient."""
    leaf = made(guess.kind, _POINTS[0], guess.leaves)
    table = None
    for _ in range(2):
        table = tried(lambda: backward(leaf + leaf + leaf))
    twice = set(_holding(guess, leaf, table, 6.0))
    once = set(_holding(guess, leaf, table, 3.0))
    guess.adds_up = True if where in twice else False if where in once else None


def _place(guess: Guess, where: str) -> None:
    if where in ("by node", "by id", "asked"):
        guess.spelling["gradients"] = where
    else:
        guess.gradient = where


def find_arrays(guess: Guess) -> None:
    """See whether the numbers may be arrays, and how their backward takes a cotangent."""
    leaves = ("given", "list") if guess.leaves == "given" else (guess.leaves,)
    holding = next((how for how in leaves if _holds_arrays(guess, how)), None)
    if holding is None:
        return
    guess.arrays = True
    if holding != guess.leaves:
        guess.leaves = guess.spelling["leaves"] = holding
    if np.shape(getattr(made(guess.kind, 3.0, guess.leaves), guess.value)) == (1,):
        guess.spelling["scalars"] = "(1,)"
    taken = next((how for how in ("array", "node") if _takes_cotangent(guess, how)), None)
    if taken != "array":
        guess.spelling["cotangent"] = taken


def _holds_arrays(guess: Guess, leaves: str) -> bool:
    leaf = tried(lambda: made(guess.kind, MATRIX, leaves))
    return equals(tried(lambda: getattr(leaf * leaf, guess.value)), MATRIX * MATRIX)


def _takes_cotangent(guess: Guess, how: str) -> bool:
    leaf = made(guess.kind, MATRIX, guess.leaves)
    output = leaf * leaf
    cotangent = _COTANGENT if how == "array" else made(guess.kind, _COTANGENT, guess.leaves)
    backward = function_of(guess) if guess.is_function else getattr(output, guess.backward)
    arguments = (output, cotangent) if guess.is_function else (cotangent,)
    where = guess.gradient or guess.spelling["gradients"]
    if where == "asked":
        found = tried(lambda: backward(output, [leaf], cotangent))
        return _are_listed(guess, found, [2 * MATRIX * _COTANGENT])
    table = tried(lambda: backward(*arguments))
    return where in set(_holding(guess, leaf, table, 2 * MATRIX * _COTANGENT))


def function_of(guess: Guess) -> Callable[..., Any]:
    """Return the module's function that runs the reverse pass."""
    found: Callable[..., Any] = getattr(sys.modules[guess.kind.__module__], guess.backward)
    return found


def _names(x: Any, first: Iterable[str]) -> list[str]:
    """Return the public attributes of an object, those that are mostly called so first."""
    return list(_ordered((name for name in dir(x) if not name.startswith("_")), first))


def _ordered(names: Iterable[str], first: Iterable[str]) -> Iterator[str]:
    order = [*first]
    yield from sorted(names, key=lambda name: (order.index(name) if name in order else len(order), name))
