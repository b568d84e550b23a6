"""The checks of state: what each does, what it looks at, and what is right.

The numbers are small integers, so that every expected value is exact in every format.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import numpy as np

from nn_from_scratch.verify.engines.deaths import DeathError
from nn_from_scratch.verify.state import asking, isolated
from nn_from_scratch.verify.state.growth import AFFORDABLE
from nn_from_scratch.verify.state.moves import DoesNotApplyError, Moves, NotSupportedError, RefusedError

Finding = tuple[str, Any, tuple[Any, ...]]
"""What was looked at, what was got, and the values that are right."""
Check = Callable[[Moves], Iterator[Finding]]
_RAISING = (
    ("add", np.array([1.0, 2.0]), np.array([1.0, 2.0, 3.0])),
    *(("div", 1.0, 0.0), ("log", -1.0), ("sqrt", -1.0), ("exp", 1e4)),
)
"""What an engine may raise at, the first of one that has arrays."""


def second_backward(moves: Moves) -> Iterator[Finding]:
    a, b = moves.leaf(2.0), moves.leaf(3.0)
    u = moves.mul(a, b)
    output = moves.mul(u, u)
    moves.backward(output)
    for times in (1, 2, 3):
        if times > 1:
            try:
                moves.backward_again(output)
            except RefusedError:  # which is right
                return
        # An engine may add to what is there, or begin anew.
        yield f"the derivative for a after {times} backward", moves.gradient(a), (36.0 * times, 36.0)
        yield f"the derivative for b after {times} backward", moves.gradient(b), (24.0 * times, 24.0)


def second_cotangent(moves: Moves) -> Iterator[Finding]:
    if not moves.engine.arrays:
        raise DoesNotApplyError("the engine has no arrays")
    given, first, second = (np.array(x) for x in ([1.0, 2.0, 3.0], [1.0, -1.0, 2.0], [5.0, 3.0, -4.0]))
    a = moves.leaf(given)
    output = moves.mul(a, a)
    moves.backward(output, first)
    yield "the derivative for a", np.asarray(moves.gradient(a)).tolist(), ([2.0, -4.0, 12.0],)
    with suppress(NotSupportedError):
        moves.reset(a)
    before = np.asarray(moves.gradient(a))
    try:
        moves.backward_again(output, second)
    except RefusedError:  # which is right
        return
    found = np.asarray(moves.gradient(a))
    # An empty graph, and an output that adds to its own gradient, are told by other checks.
    if any(np.array_equal(found, x) for x in (before, before + 2 * given * (first + second))):
        return
    expected = 2 * given * second
    right = ((before + expected).tolist(), expected.tolist())
    yield "the derivative for a with another cotangent", found.tolist(), right[not before.any() :]


def inner_output(moves: Moves) -> Iterator[Finding]:
    a, b = moves.leaf(2.0), moves.leaf(3.0)
    u = moves.mul(a, b)
    # As a is used beside u, what is left in u is not taken for what is left in a.
    moves.backward(moves.mul(moves.mul(u, u), a))
    yield "the derivative of u * u * a for a, where u = a * b", moves.gradient(a), (108.0,)
    try:
        moves.backward_again(u)
    except RefusedError:  # which is right
        return
    found = moves.gradient(a)
    if found == 108.0:  # an empty graph, which another check tells
        return
    yield "the derivative for a after a backward of u, too", found, (108.0 + 3.0, 3.0)
    yield "the derivative for b after a backward of u, too", moves.gradient(b), (48.0 + 2.0, 2.0)


def two_outputs(moves: Moves) -> Iterator[Finding]:
    a, b = moves.leaf(2.0), moves.leaf(3.0)
    u = moves.mul(a, b)
    first, second = moves.mul(u, a), moves.mul(u, 5.0)
    moves.backward(first)
    yield "the derivative for a after the first", moves.gradient(a), (12.0,)
    try:
        moves.backward_again(second)
    except RefusedError:  # which is right
        return
    yield "the derivative for a", moves.gradient(a), (12.0 + 15.0, 15.0)
    yield "the derivative for b", moves.gradient(b), (4.0 + 10.0, 10.0)


def leaf_in_two_graphs(moves: Moves) -> Iterator[Finding]:
    a = moves.leaf(2.0)
    first, second = moves.mul(a, 3.0), moves.mul(a, a)
    moves.backward(second)
    moves.backward(first)
    yield "the derivative for a", moves.gradient(a), (4.0 + 3.0, 3.0)


def assigned_values(moves: Moves) -> Iterator[Finding]:
    a, b = moves.leaf(2.0), moves.leaf(3.0)
    output = moves.mul(moves.mul(a, b), b)
    # To read it is the forward pass of an engine that computes a value when it is read.
    yield "the value of a * b * b", moves.value(output), (18.0,)
    moves.assign(a, 7.0)
    moves.assign(b, 11.0)
    try:
        moves.backward_again(output)
    except RefusedError:  # to differentiate what is not there any more, which is right
        return
    # One that computes its values anew, as a spreadsheet does, says so, and differentiates there.
    at_a, at_b = (121.0, 154.0) if moves.value(output) == 7.0 * 11.0 * 11.0 else (9.0, 12.0)
    yield "the derivative for a", moves.gradient(a), (at_a,)
    yield "the derivative for b", moves.gradient(b), (at_b,)


def built_again(moves: Moves) -> Iterator[Finding]:
    a, b = moves.leaf(2.0), moves.leaf(3.0)
    output = moves.mul(moves.mul(a, b), b)
    yield "the value of a * b * b", moves.value(output), (18.0,)
    moves.backward(output)
    yield "the derivative for a", moves.gradient(a), (9.0,)
    yield "the derivative for b", moves.gradient(b), (12.0,)
    moves.assign(a, 7.0)
    moves.assign(b, 5.0)
    output = moves.mul(moves.mul(a, b), b)
    yield "the value of a * b * b, built again where a = 7 and b = 5", moves.value(output), (175.0,)
    moves.backward(output)
    # An engine may add to what is there, or begin anew.
    yield "the derivative for a there", moves.gradient(a), (9.0 + 25.0, 25.0)
    yield "the derivative for b there", moves.gradient(b), (12.0 + 70.0, 70.0)


def after_error(moves: Moves) -> Iterator[Finding]:
    engine = moves.engine
    known = [(name, *x) for name, *x in _RAISING if (name, "x" * len(x)) not in engine.lacks]
    # What is not in Python may end its process for shapes that do not fit, and be right nevertheless.
    arrays = engine.arrays and "shared" in engine.driver.moves
    tried = [one for one in known if arrays or not np.ndim(one[1])]
    if not any(_raises(moves, *one) for one in tried):
        raise DoesNotApplyError("it raised at nothing that was tried")
    x, y = moves.leaf(2.0), moves.leaf(3.0)
    moves.backward(moves.mul(moves.mul(x, y), y))
    yield "the derivative of x * y * y for x, once another graph raised", moves.gradient(x), (9.0,)
    yield "the derivative of x * y * y for y, once another graph raised", moves.gradient(y), (12.0,)


def _raises(moves: Moves, name: str, *values: Any) -> bool:
    """Whether an operation raises; if the process dies of it, what was asked is told."""
    try:
        return moves.raises(name, *values)
    except DeathError as death:
        of = " and ".join(f"an array of shape {np.shape(x)}" if np.ndim(x) else str(x) for x in values)
        raise type(death)(f"{death}, of {name} of {of}: an exception would do") from death


def zeroed_between(moves: Moves) -> Iterator[Finding]:
    a, b = moves.leaf(2.0), moves.leaf(3.0)
    for factor in (5.0, 7.0):
        moves.backward(moves.mul(moves.mul(a, b), factor))
        yield f"the derivative of {factor} * a * b for a", moves.gradient(a), (3.0 * factor,)
        yield f"the derivative of {factor} * a * b for b", moves.gradient(b), (2.0 * factor,)
        moves.reset(a)
        moves.reset(b)
        yield "the gradient of a once it is zeroed", moves.gradient(a), (0.0,)


def freed_graph(moves: Moves) -> Iterator[Finding]:
    a, b = moves.leaf(2.0), moves.leaf(3.0)
    output = moves.mul(moves.mul(a, b), b)
    moves.backward(output)
    moves.reset(a)
    moves.reset(b)
    try:
        moves.backward_again(output)
    except RefusedError:  # which is right
        return
    empty = not moves.gradient(a) and not moves.gradient(b)
    yield "that a second backward finds nothing, and says nothing", empty, (False,)


def arrays_apart(moves: Moves) -> Iterator[Finding]:
    if not moves.engine.arrays:
        raise DoesNotApplyError("the engine has no arrays")
    given, cotangent = np.array([1.0, 2.0, 3.0]), np.array([1.0, -1.0, 2.0])
    a, b = moves.leaf(given), moves.leaf(given)
    moves.backward(moves.add(moves.add(a, b), a), cotangent)
    first, second = (np.asarray(moves.gradient(leaf)) for leaf in (a, b))
    yield "the derivative of (a + b) + a for a", first.tolist(), ([2.0, -2.0, 4.0],)
    yield "the derivative of (a + b) + a for b", second.tolist(), ([1.0, -1.0, 2.0],)
    c, d = moves.leaf(given), moves.leaf(given)
    output = moves.add(c, d)
    moves.backward(output, cotangent)
    shared = moves.share_memory(("gradient", c), ("gradient", d))
    yield "that two gradients share memory", shared, (False,)
    others = {
        "the value": [("value", c), ("value", d)],
        "the array that the leaf was made of": [("variable", c), ("variable", d)],
        "the cotangent": [("cotangent", output)],
    }
    for name, arrays in others.items():
        shared = any(moves.share_memory(("gradient", leaf), x) for leaf in (c, d) for x in arrays)
        yield f"that a gradient shares memory with {name}", shared, (False,)


def hash_seeds(moves: Moves) -> Iterator[Finding]:
    if moves.processes is None:
        raise NotSupportedError("another process cannot load the engine: it was not loaded by its name")
    try:
        first, *others = moves.processes.answers()
    except isolated.NoAnswerError as error:
        raise NotSupportedError(str(error)) from error
    if not first:
        raise NotSupportedError("the engine has no operations")
    for seed, other in zip(isolated.HASH_SEEDS[1:], others, strict=True):
        pairs = zip(asking.cases(moves.engine), first, other, strict=True)
        same = not any(asking.contradict(moves.engine, *each) for each in pairs)
        yield f"that gradients under PYTHONHASHSEED={seed} are those under 0", same, (True,)


def asked_again(moves: Moves) -> Iterator[Finding]:
    engine = moves.engine
    if not engine.forms:
        raise NotSupportedError("the engine has no operations")
    end = time.monotonic() + AFFORDABLE  # a slow engine is asked about fewer
    for case in asking.cases(engine):
        first, second = asking.said(engine, case), asking.said(engine, case)
        if asking.contradict(engine, case, first, second):
            yield f"what is answered about {case}\nafter {first}", second, (first,)
            return
        if time.monotonic() > end:
            break
    yield "that the same question has the same answer", True, (True,)


def arrays_given(moves: Moves) -> Iterator[Finding]:
    if not moves.engine.arrays:
        raise DoesNotApplyError("the engine has no arrays")
    changed, asked = asking.changed_arrays(moves.engine)
    if not asked:
        raise NotSupportedError("the engine answered nothing about arrays")
    for what in ("an input", "the cotangent"):
        case = changed.get(what)
        about = f" of {case}" if case else ""
        yield f"that the engine wrote into {what}{about}", case is not None, (False,)


def dead_branch(moves: Moves) -> Iterator[Finding]:
    a, b = moves.leaf(2.0), moves.leaf(3.0)
    u = moves.mul(a, b)
    moves.add(moves.mul(u, 5.0), u)
    moves.backward(moves.mul(u, 4.0))
    yield "the derivative for a", moves.gradient(a), (12.0,)
    yield "the derivative for b", moves.gradient(b), (8.0,)


def order_of_operands(moves: Moves) -> Iterator[Finding]:
    for swapped in (False, True):
        a = moves.leaf(3.0)
        u = moves.add(a, 1.0)
        square = moves.mul(u, u)
        cube = moves.mul(square, u)
        moves.backward(moves.add(u, cube) if swapped else moves.add(cube, u))
        yield "the derivative of u * u * u + u, where u = a + 1", moves.gradient(a), (49.0,)


def order_of_making(moves: Moves) -> Iterator[Finding]:
    make: dict[str, Callable[[], Any]] = {
        "a": lambda: moves.leaf(2.0),
        "b": lambda: moves.leaf(3.0),
        "u": lambda: moves.mul(made["a"], made["a"]),
        "v": lambda: moves.mul(made["b"], 5.0),
    }
    for order in ("abuv", "bavu", "aubv", "bvau"):
        made: dict[str, Any] = {}
        for name in order:
            made[name] = make[name]()
        moves.backward(moves.mul(moves.mul(made["u"], made["v"]), made["u"]))
        for name, slope in (("a", 480.0), ("b", 80.0)):
            what = (
                f"the derivative of u * v * u for {name}, where u = a * a and v = b * 5 are made as {order}"
            )
            yield what, moves.gradient(made[name]), (slope,)
