"""The checks of state that look at single nodes: leaves of every kind, values, and what `+=` leaves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import numpy as np

from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.expressions import Expression, Step
from nn_from_scratch.verify.state import asking
from nn_from_scratch.verify.state.checks import Finding
from nn_from_scratch.verify.state.moves import DoesNotApplyError, Moves, NotSupportedError, RefusedError

_CURVED = ("tanh", "exp", "sigmoid", "sqrt", "reciprocal", "square", "sin", "relu")
"""Operations whose derivative is often computed in place, of the operand or of the value."""


def unused_input(moves: Moves) -> Iterator[Finding]:
    if moves.engine.has_tape:
        a, b = moves.leaf(2.0), moves.leaf(3.0)
        moves.backward(moves.mul(a, a))
        found = moves.gradient(b)
    else:
        graph = Expression(2, (), (Step("mul", (0, 0)),), 2)
        *_, derivative = asking.run(moves.engine, Case(graph, (2.0, 3.0)))
        found = 0.0 if derivative is None else float(derivative)
    yield "the derivative for the unused input", found, (0.0,)


def leaf_as_output(moves: Moves) -> Iterator[Finding]:
    a = moves.leaf(2.0)
    moves.backward(a)
    yield "the derivative of a leaf for itself", moves.gradient(a), (1.0,)


def array_as_output(moves: Moves) -> Iterator[Finding]:
    if not moves.engine.arrays:
        raise DoesNotApplyError("the engine has no arrays")
    a, cotangent = moves.leaf(np.array([1.0, 2.0, 3.0])), np.array([1.0, -1.0, 2.0])
    moves.backward(a, cotangent)
    found = np.asarray(moves.gradient(a)).tolist()
    yield "the derivative of a leaf for itself", found, (cotangent.tolist(),)


def equal_leaves(moves: Moves) -> Iterator[Finding]:
    a, b = moves.leaf(2.0), moves.leaf(2.0)
    moves.backward(moves.add(moves.mul(a, 3.0), moves.mul(b, 5.0)))
    yield "the derivative for a", moves.gradient(a), (3.0,)
    yield "the derivative for b", moves.gradient(b), (5.0,)


def integer_leaves(moves: Moves) -> Iterator[Finding]:
    if not moves.engine.integers:
        raise DoesNotApplyError("the engine cannot be given integers")
    cotangent = np.array([1.0, -1.0, 2.0])
    asked: list[tuple[Any, list[Any], Any]] = [(2, [], 0.25)]
    if moves.engine.arrays:
        asked.append((np.array([1, 2, 3]), [cotangent], (0.25 * cotangent).tolist()))
    refused = ""
    for value, given, expected in asked:
        a = moves.leaf(value)
        moves.backward(moves.mul(a, 0.25), *given)
        try:
            found = moves.unless_refused(moves.gradient, a)
        except RefusedError as error:  # which is right
            refused = str(error)
            continue
        found = np.asarray(found).tolist() if np.ndim(value) else found
        yield f"the derivative of a * 0.25, where a is made of {value}", found, (expected,)
    if refused:
        raise DoesNotApplyError(f"the engine refuses integers: {refused}")


def values_kept(moves: Moves) -> Iterator[Finding]:
    known = [name for name in _CURVED if (name, "x") in moves.engine.forms]
    findings = [finding for name in known for finding in _values_kept(moves, name, 0.5)]
    if moves.engine.arrays:
        x, cotangent = np.array([0.5, 0.25, 2.0]), np.array([1.0, -1.0, 2.0])
        with suppress(NotSupportedError):  # it has arrays of other shapes only
            findings += [finding for name in known for finding in _values_kept(moves, name, x, cotangent)]
    if not findings:
        raise DoesNotApplyError(f"nothing was answered about {', '.join(known or _CURVED)}")
    yield from findings


def _values_kept(moves: Moves, name: str, x: Any, *cotangent: Any) -> Iterator[Finding]:
    a = moves.leaf(x)
    u = moves.apply(name, a)
    output = moves.mul(u, 3.0)
    nodes = {"x": a, f"{name}(x)": u, f"{name}(x) * 3": output}
    try:
        before = {what: moves.unless_refused(moves.value, node) for what, node in nodes.items()}
        before = {what: np.asarray(value).tolist() for what, value in before.items()}
        moves.backward(output, *cotangent)
        moves.unless_refused(moves.gradient, a)
        for what, node in nodes.items():
            found = np.asarray(moves.unless_refused(moves.value, node)).tolist()
            right = found if repr(found) == repr(before[what]) else before[what]  # a nan is no other nan
            yield f"the value of {what} at x = {x}, after the reverse pass", found, (right,)
    except RefusedError:  # what it raises about an operation is told by others, and a graph may be freed
        return


def augmented(moves: Moves) -> Iterator[Finding]:
    if moves.engine.has_tape and "augment" not in moves.engine.driver.moves:
        raise DoesNotApplyError("the engine is not in Python")
    a, b = moves.leaf(2.0), moves.leaf(3.0)
    u = moves.augment(moves.mul(a, b), a)
    moves.backward(moves.mul(u, b))
    try:
        found = moves.unless_refused(moves.gradient, a)
    except RefusedError as error:
        raise DoesNotApplyError(f"its nodes have no +=: {error}") from error
    yield "the derivative of u * b for a, where u = a * b; u += a", found, (12.0,)
    yield "the derivative of u * b for b, where u = a * b; u += a", moves.gradient(b), (14.0,)
    c, d = moves.leaf(2.0), moves.leaf(3.0)
    u = moves.mul(c, d)
    before = moves.mul(u, u)
    moves.augment(u, c)
    moves.backward(before)
    try:
        found = moves.unless_refused(moves.gradient, c)
    except RefusedError:  # which is right
        return
    yield "the derivative of u * u for c, where u = c * d, and u += c comes after", found, (36.0,)
