"""The checks by their names, and how they are run: here, or in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, cast

from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.state import checks, isolated
from nn_from_scratch.verify.state.moves import Driven, NotSupportedError

Grade = Literal["state", "limits"]
Outcome = Literal["right", "wrong", "not supported", "error"]


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of one named check."""

    name: str
    grade: Grade
    outcome: Outcome
    message: str = ""


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
    try:
        findings = list(check(Driven(engine, processes)))
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


CHECKS: dict[str, tuple[Grade, checks.Check]] = {
    "a second backward does not count inner nodes again": ("state", checks.second_backward),
    "two outputs may share a node": ("state", checks.two_outputs),
    "a leaf may be in two graphs": ("state", checks.leaf_in_two_graphs),
    "values assigned after the forward pass change nothing": ("state", checks.assigned_values),
    "gradients zeroed between two passes begin anew": ("state", checks.zeroed_between),
    "a freed graph is refused, and not empty": ("state", checks.freed_graph),
    "gradients share no memory": ("state", checks.arrays_apart),
    "a dead branch changes nothing": ("state", checks.dead_branch),
    "an unused input has derivative 0": ("state", checks.unused_input),
    "a leaf may be the output": ("state", checks.leaf_as_output),
    "leaves of equal value stay apart": ("state", checks.equal_leaves),
    "the order of operands does not matter": ("state", checks.order_of_operands),
    "the order in which operands are made does not matter": ("state", checks.order_of_making),
    "a chain of 3,000 operations": ("limits", checks.chain(3_000)),
    "a node shared 2**20 paths deep": ("limits", checks.sharing),
    "backward passes leave no memory behind": ("limits", checks.nothing_left),
    "tanh at 400": ("limits", checks.saturation("tanh", 400.0, 1.0)),
    "tanh at -400": ("limits", checks.saturation("tanh", -400.0, -1.0)),
    "tanh at 800": ("limits", checks.saturation("tanh", 800.0, 1.0)),
    "tanh at -800": ("limits", checks.saturation("tanh", -800.0, -1.0)),
    "sigmoid at 800": ("limits", checks.saturation("sigmoid", 800.0, 1.0)),
    "sigmoid at -800": ("limits", checks.saturation("sigmoid", -800.0, 0.0)),
    "results do not depend on the hash seed": ("state", checks.hash_seeds),
    "a chain of 100,000 operations": ("limits", checks.chain(100_000)),
    "a chain of 1,000,000 operations": ("limits", checks.longest_chain),
}
_DANGEROUS = ("a chain of 100,000 operations", "a chain of 1,000,000 operations")
_HASH_SEEDS = "results do not depend on the hash seed"
LONG = (_HASH_SEEDS, *_DANGEROUS)
"""Checks that take seconds, in processes of their own where another process can load the engine."""
