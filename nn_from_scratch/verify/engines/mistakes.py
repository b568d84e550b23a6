"""A mistake in an adapter, told apart from a wrong gradient by a few questions before anything is judged.

It is told only where every one of them fails in the same way, so that nothing of the engine could be seen:
what is wrong now and then, or of some operations, is the engine's fault, and is judged.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nn_from_scratch.verify.engines.answers import NoNumber, as_numbers
from nn_from_scratch.verify.engines.deaths import DeathError, NotAskedError
from nn_from_scratch.verify.engines.errors import EngineError
from nn_from_scratch.verify.engines.legible import seen, told
from nn_from_scratch.verify.engines.session import MoveError
from nn_from_scratch.verify.questions import programs
from nn_from_scratch.verify.questions.cases import single
from nn_from_scratch.verify.questions.operations import ELEMENTWISE
from nn_from_scratch.verify.questions.programs import Program

if TYPE_CHECKING:
    from nn_from_scratch.verify.engines.engine import Engine

_NUMBERS = (3.0, 0.5, 2.0)
"""Exact in every format, and what no engine's gradient starts as."""
_STEPS: tuple[tuple[Any, ...], ...] = (
    ("mul", 0, 0),
    ("add", 0, 0),
    ("mul", 0, programs.number(2.0)),
    ("add", 0, programs.number(2.0)),
    ("neg", 0),
)
"""What is computed of a leaf: its derivative is not 0 by any of them."""
_SLOPES: tuple[Callable[[float], float], ...] = (
    lambda x: 2.0 * x,
    lambda x: 2.0,
    lambda x: 2.0,
    lambda x: 1.0,
    lambda x: -1.0,
)
"""These derivatives, at a number."""
_FRESH = (1.75, 1.25, 0.75)
"""Exact in every format, and no values of leaves that were made before."""
_CALLED_WRONGLY = re.compile(
    "positional argument|required .*argument|keyword argument|not callable|no attribute|unpack|"
    "not subscriptable|not iterable|has no len"
)
"""What Python says where what is called is not what was meant."""


def check_callable(parts: Mapping[str, tuple[Any, int]]) -> None:
    """Raise for parts of an adapter that cannot be called as they will be.

    Parameters
    ----------
    parts
        By name, what will be called, and with how many arguments.

    Raises
    ------
    EngineError
        For the first that cannot be, saying what it is.

    """
    for name, (part, arguments) in parts.items():
        if not callable(part):
            raise EngineError(f"`{name}` of the adapter is {part!r:.80}, which cannot be called")
        try:
            signature = inspect.signature(part)
        except (TypeError, ValueError):  # not told, as of much that is written in C
            continue
        try:
            signature.bind(*[None] * arguments)
        except TypeError as error:
            shown = getattr(part, "__name__", type(part).__name__)
            number = "one argument" if arguments == 1 else f"{arguments} arguments"
            raise EngineError(
                f"`{name}` of the adapter is called with {number}, not as {shown}{signature}: {error}"
            ) from error


def check_operations(given: Mapping[str, Any]) -> None:
    """Raise for operations of an adapter that cannot be called with their operands.

    Raises
    ------
    EngineError
        For the first that cannot be.

    """
    for name, function in given.items():
        if not callable(function):
            raise EngineError(f"`operations[{name!r}]` of the adapter is {function!r:.80}, no function")
        arity = ELEMENTWISE[name].arity if name in ELEMENTWISE else None
        if arity is not None:
            check_callable({f"operations[{name!r}]": (function, arity)})


def refuse_mistakes(engine: Engine) -> None:
    """Ask an engine the few questions.

    Raises
    ------
    EngineError
        If its adapter has a mistake, saying which of its arguments to mend.

    """
    try:
        found = _of_a_tape(engine) if engine.has_tape else _of_a_transform(engine)
    except (DeathError, NotAskedError):
        return  # which is judged
    if found:
        raise EngineError(f"the adapter of {engine.name} has a mistake, and nothing was judged: {found}")


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a program said, and the move at which it failed, with what that raised."""

    said: list[Any]
    move: str = ""
    reason: BaseException | None = None

    @property
    def raised(self) -> str:
        """What was raised, in words."""
        return told(self.reason)[:200] if self.reason else ""

    @property
    def is_called_wrongly(self) -> bool:
        """Whether what is raised tells of what is not there, or not called so."""
        named = isinstance(self.reason, (AttributeError, TypeError, KeyError))
        return named and bool(_CALLED_WRONGLY.search(str(self.reason)))


def _of_a_tape(engine: Engine) -> str:
    found = _of_leaves(engine) or _of_the_reverse_pass(engine)
    if not found and engine.arrays:
        found = _of_arrays(engine)
    return found or (_of_gradients(engine) if "differentiate" in engine.driver.moves else "")


def _of_leaves(engine: Engine) -> str:
    """Say what is wrong with `variable` and `value`, by leaves alone."""
    made = [_ask(engine, [["variable", programs.number(x)], ["value", 0]]) for x in _NUMBERS]
    first, found = made[0], ""
    if all(one.move == "variable" for one in made):
        found = (
            f"`variable` makes no leaf of {_NUMBERS[0]}: {first.raised}; it is called with a number, and is "
            "mostly the class of the engine's numbers"
        )
    elif all(one.move == "value" for one in made):
        found = f"`value` cannot be read of a leaf: {first.raised}; {_AN_ATTRIBUTE}"
    elif not any(one.move for one in made):
        found = _of_numbers("value", [one.said[0] for one in made], engine)
        if not found and all(_differs(one.said[0], x) for one, x in zip(made, _NUMBERS, strict=True)):
            found = (
                f"`value` of a leaf that `variable` made of {_NUMBERS[0]} is {seen(first.said[0])}: it "
                "reads something else, or `variable` takes something else first"
            )
    return found


def _of_the_reverse_pass(engine: Engine) -> str:
    """Say what is wrong with `backward` and `gradient`, by what is computed of one leaf."""
    asked = _of_steps(engine, programs.number(_NUMBERS[0]), [["backward", 1], ["gradient", 0]])
    if not asked:
        return ""
    first, found = asked[0], ""
    if all(one.move == "backward" and one.is_called_wrongly for one in asked):
        found = (
            f"`backward` cannot be run from any output: {first.raised}; it is the name of a method of the "
            "output, or a function that takes the output"
        )
    elif all(one.move == "gradient" and one.is_called_wrongly for one in asked):
        found = f"`gradient` cannot be read of a leaf after `backward`: {first.raised}; {_AN_ATTRIBUTE}"
    elif not any(one.move for one in asked):
        if all(one.said[0] is None or _is_zero(one.said[0]) for one in asked):
            found = (
                f"`gradient` of a leaf is still {seen(first.said[0])} after `backward` of a * a and more: "
                "`backward` ran no reverse pass, or `gradient` reads something else"
            )
        else:
            found = _of_numbers("gradient", [one.said[0] for one in asked], engine) or _of_what_is_left(
                engine
            )
    return found


def _of_what_is_left(engine: Engine) -> str:
    """Say so where a new leaf begins with the gradient that the graph before has left.

    Leaves of another value each time: an engine that takes leaves of equal value for one is judged.
    """
    found = next(
        ((step, slope) for step, slope in zip(_STEPS, _SLOPES, strict=True) if step[0] in engine.operations),
        None,
    )
    if found is None:
        return ""
    step, slope = found
    asked = [
        _ask(engine, [["variable", programs.number(x)], ["apply", *step], ["backward", 1], ["gradient", 0]])
        for x in _FRESH
    ]
    read = [as_numbers(one.said[0]) for one in asked if one.said]
    gradients = [float(x) for x in read if isinstance(x, np.ndarray) and not x.ndim]
    if len(gradients) < len(_FRESH):
        return ""
    if any(
        new - left != slope(x) for left, new, x in zip(gradients, gradients[1:], _FRESH[1:], strict=False)
    ):
        return ""
    return (
        f"`gradient` of a new leaf grows from graph to graph, as {', '.join(f'{x:g}' for x in gradients)} "
        f"where {', '.join(f'{slope(x):g}' for x in _FRESH)} is right: the leaf begins with what the graph "
        "before has left; `variable` is to make another leaf each time, without a gradient"
    )


def _of_arrays(engine: Engine) -> str:
    """Say what is wrong with `variable` and `backward` of arrays, by what is computed of one leaf."""
    array, cotangent = np.array(_NUMBERS), [x.hex() for x in _NUMBERS]
    asked = _of_steps(engine, programs.number(array), [["backward", 1, cotangent], ["gradient", 0]])
    if not asked or not all(one.is_called_wrongly for one in asked):
        return ""
    if all(one.move == "variable" for one in asked):
        return (
            f"`variable` makes no leaf of an array: {asked[0].raised}; without arrays leave out `arrays=True`"
        )
    if all(one.move == "backward" for one in asked):
        return (
            f"`backward` cannot be run from an array: {asked[0].raised}; it is called with the output and a "
            "cotangent, an array of its shape; where it takes none, say spelling=Spelling(cotangent=None)"
        )
    return ""


def _of_gradients(engine: Engine) -> str:
    """Say what is wrong with `gradients`, by what is computed of one leaf."""
    asked = _of_steps(engine, programs.number(_NUMBERS[0]), [["differentiate", 1, [0]], ["value", 2]])
    if asked and all(one.is_called_wrongly and one.move in ("differentiate", "value") for one in asked):
        return (
            f"`gradients` gives no nodes: {asked[0].raised}; it is called with an output and a list of "
            "leaves, and returns a list with a node for each leaf"
        )
    return ""


def _of_steps(engine: Engine, leaf: Any, moves: Program) -> list[_Answer]:
    """Ask for what comes of a leaf by each of the steps that can be taken."""
    asked = [
        _ask(engine, [["variable", leaf], ["apply", *step], *moves])
        for step in _STEPS
        if step[0] in engine.operations
    ]
    return [one for one in asked if one.move != "apply"]


def _of_numbers(part: str, read: Sequence[Any], engine: Engine) -> str:
    """Say what is wrong with what was read by a part of the adapter: that it is no number."""
    if all(_is_no_number(x) for x in read):
        return f"`{part}` of a leaf is {seen(read[0])}, where a number is expected; {_AN_ATTRIBUTE}"
    if not engine.arrays and all(_has_one_entry(x) for x in read):
        return (
            f"`{part}` has the shape (1,), where a number is expected of an engine without arrays: read its "
            f"entry, as {part}=lambda node: node.ATTRIBUTE[0], with the attribute's name"
        )
    return ""


def _differs(x: Any, expected: float) -> bool:
    """Whether what was read is a number, and another one."""
    found = as_numbers(x)
    return not isinstance(found, NoNumber) and found.ndim == 0 and float(found) != expected


_AN_ATTRIBUTE = "it is the name of an attribute of a node, or a function that takes the node"


def _of_a_transform(engine: Engine) -> str:
    """Say what is wrong with `value_and_gradient`, by what is computed of one input."""
    reasons = []
    for name, kinds, point in (("mul", "xx", [3.0, 2.0]), ("add", "xx", [3.0, 2.0]), ("neg", "x", [3.0])):
        if name in engine.operations:
            try:
                engine.answer(single(name, kinds, point))
            except (AttributeError, TypeError, ValueError, KeyError) as error:
                reasons.append(error)
            except Exception:  # noqa: BLE001  which is judged
                return ""
            else:
                return ""
    if reasons and all(_CALLED_WRONGLY.search(str(reason)) for reason in reasons):
        return (
            f"`value_and_gradient` answers nothing: {told(reasons[0]):.200}; it is "
            "called with a function and a list of inputs, and returns the value, and a derivative for each"
        )
    return ""


def _ask(engine: Engine, program: Program) -> _Answer:
    """Run a program in a session of its own."""
    try:
        with np.errstate(all="ignore"):
            return _Answer(engine.session().run(program))
    except MoveError as error:
        if isinstance(error.reason, (DeathError, NotAskedError, KeyboardInterrupt)):
            raise error.reason from error
        return _Answer(error.said, program[error.position][0], error.reason)


def _is_no_number(x: Any) -> bool:
    return isinstance(as_numbers(x), NoNumber)


def _has_one_entry(x: Any) -> bool:
    found = as_numbers(x)
    return not isinstance(found, NoNumber) and found.shape == (1,)


def _is_zero(x: Any) -> bool:
    found = as_numbers(x)
    return not isinstance(found, NoNumber) and not found.any()
