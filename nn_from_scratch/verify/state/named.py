"""The checks by their names, and how they are run: here, or in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, NamedTuple, cast

from nn_from_scratch.verify.engines.answers import asking
from nn_from_scratch.verify.engines.deaths import TimedOutError
from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.engines.legible import told
from nn_from_scratch.verify.engines.wire.remote import Remote
from nn_from_scratch.verify.state import checks, isolated, limits, nodes
from nn_from_scratch.verify.state.growth import affordable
from nn_from_scratch.verify.state.moves import DoesNotApplyError, Driven, NoTapeError, NotSupportedError

Grade = Literal["state", "limits"]
Outcome = Literal["right", "wrong", "not supported", "does not apply", "error"]
"""Of a check that is "not supported" nothing is known, so that its grade is "not checked"; of one that "does
not apply" there is nothing to know, as of arrays for an engine that has none."""


class NamedCheck(NamedTuple):
    """A check, what its outcome is counted under, and what has happened where it is wrong.

    Its name says what is asked, never how it ends.
    """

    grade: Grade
    check: checks.Check
    happened: str


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
    if not engine.spec:
        yield (outcome(engine, name) for name in names)
        return
    if isinstance(engine.driver, Remote):  # its own process is all that it can kill
        with isolated.OtherSeeds(engine) as seeds:
            yield _with_other_seeds(engine, names, seeds)
        return
    dangerous = [name for name in names if name in _DANGEROUS]
    with isolated.Processes(engine, dangerous, hash_seeds=_HASH_SEEDS in names) as processes:
        yield (
            _of_a_process(processes, name) if name in _DANGEROUS else outcome(engine, name, processes)
            for name in names
        )


def _with_other_seeds(engine: Engine, names: Sequence[str], seeds: isolated.OtherSeeds) -> Iterator[Result]:
    if _HASH_SEEDS in names:
        seeds.begin()
    for name in names:
        yield outcome(engine, name, seeds)


def _of_a_process(processes: isolated.Processes, name: str) -> Result:
    found, message = processes.check(name)
    return Result(name, CHECKS[name].grade, cast(Outcome, found), message)


def outcome(engine: Engine, name: str, processes: isolated.Answers | None = None) -> Result:
    """Run one check in this process."""
    grade, check, happened = CHECKS[name]
    try:
        with asking():
            moves = Driven(engine, processes)
            if name in _LENGTHS and (engine.spec or _LENGTHS[name] < limits.LONGEST):
                affordable(moves, _LENGTHS[name])
            findings = list(check(moves))
    except NotSupportedError as error:
        no_state = isinstance(error, NoTapeError) and grade == "state"
        applies = not (no_state or isinstance(error, DoesNotApplyError))
        return Result(name, grade, "not supported" if applies else "does not apply", str(error))
    except TimedOutError as error:  # slowness is no fault
        return Result(name, grade, "not supported", str(error))
    except Exception as error:  # noqa: BLE001  whatever an engine raises is an outcome
        return Result(name, grade, "error", told(error))
    wrong = [
        f"{what} is {got!r}, expected {' or '.join(map(repr, expected))}"
        for what, got, expected in findings
        if got not in expected
    ]
    return Result(name, grade, "wrong" if wrong else "right", "\n".join([happened, *wrong] if wrong else []))


def _state(check: checks.Check, happened: str) -> NamedCheck:
    return NamedCheck("state", check, happened)


def _limits(check: checks.Check, happened: str) -> NamedCheck:
    return NamedCheck("limits", check, happened)


def _chain(check: checks.Check) -> NamedCheck:
    return _limits(check, "the derivative changed on the way")


def _saturation(name: str, at: float, expected: float) -> NamedCheck:
    return _limits(limits.saturation(name, at, expected), "value or slope is not the limit")


CHECKS: dict[str, NamedCheck] = {
    "a second backward of one output": _state(
        checks.second_backward, "a second backward counted something again, or something less"
    ),
    "a second backward with another cotangent": _state(
        checks.second_cotangent, "the second backward did not start from the cotangent that it was given"
    ),
    "an inner node as the next output": _state(
        checks.inner_output, "the inner node's backward started from what its consumer's had left there"
    ),
    "two outputs that share a node": _state(
        checks.two_outputs, "the second output's backward counted something of the first again, or lost some"
    ),
    "a leaf in two graphs": _state(
        checks.leaf_in_two_graphs, "what the leaf has is neither the last gradient nor the sum of both"
    ),
    "values assigned after the forward pass": _state(
        checks.assigned_values, "the reverse pass used values that were assigned after the forward pass"
    ),
    "a graph built again, once values are assigned": _state(
        checks.built_again, "a result from before values were assigned was used for the graph built after"
    ),
    "a gradient after an exception": _state(
        checks.after_error, "an exception in one graph changed the gradient of another"
    ),
    "gradients zeroed between two passes": _state(
        checks.zeroed_between, "a pass did not begin anew after gradients were zeroed"
    ),
    "a graph walked again, once gradients are zeroed": _state(
        checks.freed_graph, "the second pass found an empty graph, and said nothing"
    ),
    "the memory of gradients": _state(checks.arrays_apart, "a gradient shares memory with another array"),
    "arrays that the engine is given": _state(
        checks.arrays_given, "the engine wrote into an array that it was given"
    ),
    "the same question asked again": _state(
        checks.asked_again, "answers are not determined by the question: the engine is not deterministic"
    ),
    "a dead branch beside the output": _state(
        checks.dead_branch, "a node that the output does not depend on changed the gradient"
    ),
    "the gradient of an unused input": _state(nodes.unused_input, "an input that is not used has a gradient"),
    "a leaf as the output": _state(nodes.leaf_as_output, "the derivative of a leaf for itself is not 1"),
    "a leaf array as the output": _state(
        nodes.array_as_output, "the derivative of a leaf for itself is not the cotangent"
    ),
    "values after the reverse pass": _state(nodes.values_kept, "the reverse pass changed a node's value"),
    "leaves made of integers": _state(
        nodes.integer_leaves, "a leaf that is made of integers has another gradient"
    ),
    "a node added to in place": _state(
        nodes.augmented, "`+=` lost a part of the gradient, or changed another"
    ),
    "leaves of equal value": _state(nodes.equal_leaves, "leaves of equal value were taken for one"),
    "operands in either order": _state(
        checks.order_of_operands, "the gradient depends on the order of operands"
    ),
    "operands made in any order": _state(
        checks.order_of_making, "the gradient depends on the order in which operands were made"
    ),
    "a chain of 3,000 operations": _chain(limits.chain(3_000)),
    "a node shared 2**20 paths deep": _limits(limits.sharing, "not every path was counted, or some twice"),
    "time over shared paths": _limits(
        limits.time_over_paths, "the reverse pass walks every path: time is exponential in shared nodes"
    ),
    "memory after many backward passes": _limits(limits.nothing_left, "graphs left memory behind"),
    "tanh at 400": _saturation("tanh", 400.0, 1.0),
    "tanh at -400": _saturation("tanh", -400.0, -1.0),
    "tanh at 800": _saturation("tanh", 800.0, 1.0),
    "tanh at -800": _saturation("tanh", -800.0, -1.0),
    "sigmoid at 800": _saturation("sigmoid", 800.0, 1.0),
    "sigmoid at -800": _saturation("sigmoid", -800.0, 0.0),
    "an entry of -inf beside others": _limits(
        limits.masked_entry, "an entry that counts for nothing spoils the others"
    ),
    "65,536 equal entries": _limits(
        limits.many_equal_entries, "a part of the cotangent is lost: float16 cannot count so many"
    ),
    "time over operations": _limits(
        limits.time_over_operations, "time grows faster than the number of operations"
    ),
    "a chain of 100,000 operations": _chain(limits.chain(100_000)),
    "a chain of 1,000,000 operations": _chain(limits.longest_chain),
    "answers under other hash seeds": _state(
        checks.hash_seeds, "answers depend on the hash seed, as on the order of a set"
    ),
}
CHAINS = {
    3_000: "a chain of 3,000 operations",
    100_000: "a chain of 100,000 operations",
    1_000_000: "a chain of 1,000,000 operations",
}
"""The checks of depth, by length."""
_LENGTHS = {CHAINS[length]: length for length in (100_000, limits.LONGEST)}
"""Chains that are asked only if they are estimated to take a reasonable time."""
_DANGEROUS = ("time over operations", *_LENGTHS)
_HASH_SEEDS = "answers under other hash seeds"
LONG = (_HASH_SEEDS, *_DANGEROUS)
"""Checks that take seconds, in processes of their own where another process can load the engine."""
