"""Named checks beside single graphs: what an engine's state does to gradients, and where its limits are.

The numbers are small integers, so that every expected value is exact in every format.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np

from nn_from_scratch.verify import isolated
from nn_from_scratch.verify.engines import Engine, Tape

Outcome = Literal["right", "wrong", "not supported", "error"]
Finding = tuple[str, Any, tuple[Any, ...]]
"""What was looked at, what was got, and the values that are right."""


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of one named check."""

    name: str
    grade: Literal["state", "limits"]
    outcome: Outcome
    message: str = ""


class NotSupportedError(Exception):
    """The engine lacks what the check needs."""


@dataclass(frozen=True, slots=True)
class _Moves:
    """The engine's single moves, and the two operations that the checks are made of."""

    engine: Engine
    tape: Tape
    processes: isolated.Processes | None

    def leaf(self, value: Any) -> Any:
        return self.tape.variable(value)

    def add(self, x: Any, y: Any) -> Any:
        return self._apply("add", x, y)

    def mul(self, x: Any, y: Any) -> Any:
        return self._apply("mul", x, y)

    def _apply(self, name: str, x: Any, y: Any) -> Any:
        if (name, "xc" if isinstance(y, float) else "xx") in self.engine.lacks:
            raise NotSupportedError(f"the engine has no {name}")
        return self.engine.operations[name](x, y)

    def backward(self, output: Any) -> None:
        self.tape.backward(output)

    def gradient(self, leaf: Any) -> float:
        found = self.tape.gradient(leaf)
        return 0.0 if found is None else float(found)

    def assign(self, leaf: Any, value: float) -> None:
        if self.tape.assign is None:
            raise NotSupportedError("its adapter has no `assign`")
        self.tape.assign(leaf, value)

    def reset(self, leaf: Any) -> None:
        if self.tape.reset is None:
            raise NotSupportedError("its adapter has no `reset`")
        self.tape.reset(leaf)


def run(engine: Engine, names: Sequence[str] = ()) -> list[Result]:
    """Run all checks, or the named ones.

    Raises
    ------
    ValueError
        If a name is none of a check.

    """
    with started(engine, names) as results:
        return list(results)


@contextmanager
def started(engine: Engine, names: Sequence[str] = ()) -> Iterator[Iterator[Result]]:
    """Start the processes that checks need, and yield the results of all checks, or of the named ones.

    Each result is computed, or waited for, when it is asked for; on leaving, the processes are ended.

    Raises
    ------
    ValueError
        If a name is none of a check.

    """
    unknown = set(names) - set(CHECKS)
    if unknown:
        raise ValueError(f"no such check: {', '.join(unknown)}; known are: {'; '.join(CHECKS)}")
    names = names or tuple(CHECKS)
    if not (engine.tape and engine.spec):
        yield (outcome(engine, name) for name in names)
        return
    dangerous = [name for name in names if name in _DANGEROUS]
    with isolated.Processes(engine, dangerous, hash_seeds=_HASH_SEEDS in names) as processes:
        yield (
            _of_a_process(processes, name) if name in _DANGEROUS else outcome(engine, name, processes)
            for name in names
        )


def _of_a_process(processes: isolated.Processes, name: str) -> Result:
    found, message = processes.check(name)
    return Result(name, CHECKS[name][0], cast(Outcome, found), message)


def outcome(engine: Engine, name: str, processes: isolated.Processes | None = None) -> Result:
    """Run one check in this process."""
    grade, check = CHECKS[name]
    if engine.tape is None:
        return Result(name, grade, "not supported", "the engine has no tape: it has no state to check")
    try:
        findings = list(check(_Moves(engine, engine.tape, processes)))
    except NotSupportedError as error:
        return Result(name, grade, "not supported", str(error))
    except Exception as error:  # noqa: BLE001  whatever an engine raises is an outcome
        return Result(name, grade, "error", f"{type(error).__name__}: {error}"[:500])
    wrong = [
        f"{what} is {got!r}, expected {' or '.join(map(repr, expected))}"
        for what, got, expected in findings
        if got not in expected
    ]
    return Result(name, grade, "wrong" if wrong else "right", "\n".join(wrong))


def _second_backward(moves: _Moves) -> Iterator[Finding]:
    a, b = moves.leaf(2.0), moves.leaf(3.0)
    u = moves.mul(a, b)
    output = moves.mul(u, u)
    for times in (1, 2, 3):
        moves.backward(output)
        # An engine may add to what is there, or begin anew.
        yield f"the derivative for a after {times} backward", moves.gradient(a), (36.0 * times, 36.0)
        yield f"the derivative for b after {times} backward", moves.gradient(b), (24.0 * times, 24.0)


def _two_outputs(moves: _Moves) -> Iterator[Finding]:
    a, b = moves.leaf(2.0), moves.leaf(3.0)
    u = moves.mul(a, b)
    first, second = moves.mul(u, a), moves.mul(u, 5.0)
    moves.backward(first)
    moves.backward(second)
    yield "the derivative for a", moves.gradient(a), (12.0 + 15.0, 15.0)
    yield "the derivative for b", moves.gradient(b), (4.0 + 10.0, 10.0)


def _leaf_in_two_graphs(moves: _Moves) -> Iterator[Finding]:
    a = moves.leaf(2.0)
    first, second = moves.mul(a, 3.0), moves.mul(a, a)
    moves.backward(second)
    moves.backward(first)
    yield "the derivative for a", moves.gradient(a), (4.0 + 3.0, 3.0)


def _assigned_values(moves: _Moves) -> Iterator[Finding]:
    a, b = moves.leaf(2.0), moves.leaf(3.0)
    output = moves.mul(moves.mul(a, b), b)
    moves.assign(a, 7.0)
    moves.assign(b, 11.0)
    try:
        moves.backward(output)
    except RuntimeError as error:
        raise NotSupportedError(f"the engine refuses: {error}") from error
    yield "the derivative for a", moves.gradient(a), (9.0,)
    yield "the derivative for b", moves.gradient(b), (12.0,)


def _zeroed_between(moves: _Moves) -> Iterator[Finding]:
    a, b = moves.leaf(2.0), moves.leaf(3.0)
    for factor in (5.0, 7.0):
        moves.backward(moves.mul(moves.mul(a, b), factor))
        yield f"the derivative of {factor} * a * b for a", moves.gradient(a), (3.0 * factor,)
        yield f"the derivative of {factor} * a * b for b", moves.gradient(b), (2.0 * factor,)
        moves.reset(a)
        moves.reset(b)
        yield "the gradient of a once it is zeroed", moves.gradient(a), (0.0,)


def _freed_graph(moves: _Moves) -> Iterator[Finding]:
    a, b = moves.leaf(2.0), moves.leaf(3.0)
    output = moves.mul(moves.mul(a, b), b)
    moves.backward(output)
    moves.reset(a)
    moves.reset(b)
    try:
        moves.backward(output)
    except Exception:  # noqa: BLE001  it is refused, which is right
        return
    empty = not moves.gradient(a) and not moves.gradient(b)
    yield "that a second backward finds nothing, and says nothing", empty, (False,)


def _arrays_apart(moves: _Moves) -> Iterator[Finding]:
    if not moves.engine.arrays:
        raise NotSupportedError("the engine has no arrays")
    given = np.array([1.0, 2.0, 3.0])
    cotangent = np.array([1.0, -1.0, 2.0])
    a, b = moves.leaf(given), moves.leaf(given)
    output = moves.add(moves.add(a, b), a)
    moves.tape.backward(output, cotangent)
    first, second = (np.asarray(moves.tape.gradient(leaf)) for leaf in (a, b))
    yield "the derivative of (a + b) + a for a", first.tolist(), ([2.0, -2.0, 4.0],)
    yield "the derivative of (a + b) + a for b", second.tolist(), ([1.0, -1.0, 2.0],)
    c, d = moves.leaf(given), moves.leaf(given)
    moves.tape.backward(moves.add(c, d), cotangent)
    values = {
        "the value": [np.asarray(moves.tape.value(leaf)) for leaf in (c, d)],
        "the cotangent": [cotangent],
    }
    gradients = [np.asarray(moves.tape.gradient(leaf)) for leaf in (c, d)]
    yield "that two gradients share memory", np.shares_memory(gradients[0], gradients[1]), (False,)
    for name, arrays in values.items():
        shared = any(np.shares_memory(g, x) for g in gradients for x in arrays)
        yield f"that a gradient shares memory with {name}", shared, (False,)


def _hash_seeds(moves: _Moves) -> Iterator[Finding]:
    if moves.processes is None:
        raise NotSupportedError("another process cannot load the engine: it was not loaded by its name")
    try:
        first, *others = moves.processes.answers()
    except isolated.NoAnswerError as error:
        raise NotSupportedError(str(error)) from error
    if not first:
        raise NotSupportedError("the engine has no operations")
    for seed, other in zip(isolated.HASH_SEEDS[1:], others, strict=True):
        yield f"that gradients under PYTHONHASHSEED={seed} are those under 0", other == first, (True,)


def _dead_branch(moves: _Moves) -> Iterator[Finding]:
    a, b = moves.leaf(2.0), moves.leaf(3.0)
    u = moves.mul(a, b)
    moves.add(moves.mul(u, 5.0), u)
    moves.backward(moves.mul(u, 4.0))
    yield "the derivative for a", moves.gradient(a), (12.0,)
    yield "the derivative for b", moves.gradient(b), (8.0,)


def _unused_input(moves: _Moves) -> Iterator[Finding]:
    a, b = moves.leaf(2.0), moves.leaf(3.0)
    moves.backward(moves.mul(a, a))
    yield "the derivative for the unused input", moves.gradient(b), (0.0,)


def _leaf_as_output(moves: _Moves) -> Iterator[Finding]:
    a = moves.leaf(2.0)
    moves.backward(a)
    yield "the derivative of a leaf for itself", moves.gradient(a), (1.0,)


def _equal_leaves(moves: _Moves) -> Iterator[Finding]:
    a, b = moves.leaf(2.0), moves.leaf(2.0)
    moves.backward(moves.add(moves.mul(a, 3.0), moves.mul(b, 5.0)))
    yield "the derivative for a", moves.gradient(a), (3.0,)
    yield "the derivative for b", moves.gradient(b), (5.0,)


def _order_of_creation(moves: _Moves) -> Iterator[Finding]:
    for swapped in (False, True):
        a = moves.leaf(3.0)
        u = moves.add(a, 1.0)
        square = moves.mul(u, u)
        cube = moves.mul(square, u)
        moves.backward(moves.add(u, cube) if swapped else moves.add(cube, u))
        yield "the derivative of u * u * u + u, where u = a + 1", moves.gradient(a), (49.0,)


def _chain(length: int) -> Callable[[_Moves], Iterator[Finding]]:
    def check(moves: _Moves) -> Iterator[Finding]:
        a = node = moves.leaf(2.0)
        for _ in range(length):
            node = moves.add(node, 1.0)
        moves.backward(node)
        yield f"the derivative through {length:,} operations", moves.gradient(a), (1.0,)

    return check


def _longest_chain(moves: _Moves) -> Iterator[Finding]:
    if not moves.engine.spec:
        raise NotSupportedError("not without a process of its own: the engine was not loaded by its name")
    for length in (10_000, 1_000_000):  # fails early
        yield from _chain(length)(moves)


def _sharing(moves: _Moves) -> Iterator[Finding]:
    a = node = moves.leaf(1.0)
    for _ in range(20):
        node = moves.add(node, node)
    moves.backward(node)
    yield "the derivative over 2**20 paths", moves.gradient(a), (2.0**20,)


def _saturation(name: str, at: float, expected: float) -> Callable[[_Moves], Iterator[Finding]]:
    def check(moves: _Moves) -> Iterator[Finding]:
        if (name, "x") not in moves.engine.forms:
            raise NotSupportedError(f"the engine has no {name}")
        a = moves.leaf(at)
        output = moves.engine.operations[name](a)
        moves.backward(output)
        yield f"{name}({at})", float(moves.tape.value(output)), (expected,)
        slope = moves.gradient(a)
        # The true slope is below the smallest number of any format.
        yield f"the derivative of {name} at {at}", 0.0 if math.fabs(slope) < 1e-170 else slope, (0.0,)

    return check


CHECKS: dict[str, tuple[Literal["state", "limits"], Callable[[_Moves], Iterator[Finding]]]] = {
    "a second backward does not count inner nodes again": ("state", _second_backward),
    "two outputs may share a node": ("state", _two_outputs),
    "a leaf may be in two graphs": ("state", _leaf_in_two_graphs),
    "values assigned after the forward pass change nothing": ("state", _assigned_values),
    "gradients zeroed between two passes begin anew": ("state", _zeroed_between),
    "a freed graph is refused, and not empty": ("state", _freed_graph),
    "gradients share no memory": ("state", _arrays_apart),
    "a dead branch changes nothing": ("state", _dead_branch),
    "an unused input has derivative 0": ("state", _unused_input),
    "a leaf may be the output": ("state", _leaf_as_output),
    "leaves of equal value stay apart": ("state", _equal_leaves),
    "the order of operands does not matter": ("state", _order_of_creation),
    "a chain of 3,000 operations": ("limits", _chain(3_000)),
    "a node shared 2**20 paths deep": ("limits", _sharing),
    "tanh at 400": ("limits", _saturation("tanh", 400.0, 1.0)),
    "tanh at -400": ("limits", _saturation("tanh", -400.0, -1.0)),
    "sigmoid at 800": ("limits", _saturation("sigmoid", 800.0, 1.0)),
    "sigmoid at -800": ("limits", _saturation("sigmoid", -800.0, 0.0)),
    "results do not depend on the hash seed": ("state", _hash_seeds),
    "a chain of 100,000 operations": ("limits", _chain(100_000)),
    "a chain of 1,000,000 operations": ("limits", _longest_chain),
}
_DANGEROUS = ("a chain of 100,000 operations", "a chain of 1,000,000 operations")
_HASH_SEEDS = "results do not depend on the hash seed"
LONG = (_HASH_SEEDS, *_DANGEROUS)
"""Checks that take seconds, each in a process of its own where another process can load the engine."""
