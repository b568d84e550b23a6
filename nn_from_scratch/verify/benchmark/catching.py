"""What it costs to catch a planted fault: this suite and others, on the same graphs of wrong engines.

A check that is fast and sees little is not cheap. So what is compared is processor time for each check that
caught: all that a tool took, right engine or wrong, over how often it accused a wrong one.
"""

from __future__ import annotations

import math
import time
import warnings
from dataclasses import dataclass, replace
from functools import partial
from itertools import count, islice
from typing import TYPE_CHECKING, Any

import numpy as np

from nn_from_scratch.verify.benchmark.measuring import like_conditions
from nn_from_scratch.verify.faults import FAULTS, Fault, Victim
from nn_from_scratch.verify.judging.examine import WITNESSES, examine
from nn_from_scratch.verify.power.functions import Function
from nn_from_scratch.verify.power.peers import PEERS
from nn_from_scratch.verify.questions.generate import case, seeded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from nn_from_scratch.verify.engines.engine import Engine
    from nn_from_scratch.verify.questions.cases import Case

    Accuses = Callable[[Engine, Case], bool]

SUITE, WITH_WITNESSES = "nn_from_scratch", "nn_from_scratch, all witnesses"
GRAPHS, EVERY, MOST = 3, 12, 12
RESAMPLES = 1000


@dataclass(frozen=True)
class Check:
    """One graph, judged by one tool.

    Attributes
    ----------
    fault
        Which wrong engine was asked, by its place.
    caught, false_alarm
        Whether the wrong engine was accused of this graph, and whether the right one was.
    seconds
        Processor time for both.
    """

    fault: int
    caught: bool
    false_alarm: bool
    seconds: float


def sample(every: int = EVERY) -> Sequence[Fault]:
    """Return every so many of the planted faults in the rule of one operation on numbers."""
    return [fault for fault in FAULTS if fault.rule and not fault.arrays][::every]


def graphs(fault: Fault, number: int = GRAPHS) -> Sequence[Case]:
    """Return graphs that have the fault's operation, at ordinary inputs."""
    forms = tuple(form for form in fault.engine().forms if form[0] in fault.operations)

    def ordinary() -> Iterator[Case]:
        for index in islice(count(), 1000):
            one = case(seeded(0, index), forms, most_steps=MOST)
            if all(1e-2 < abs(x) < 1e2 for x in one.point):
                yield one

    return list(islice(ordinary(), number))


def as_function(engine: Engine, one: Case) -> Function:
    """Return a graph as a function whose value and gradient an engine computes, as other tools want it."""

    def at(*xs: Any) -> Any:
        return engine.answer(replace(one, point=tuple(float(x) for x in xs)))

    return Function(
        lambda *xs: np.reshape(at(*xs).value, ()),
        lambda g, *xs: tuple(np.float64(g) * part for part in at(*xs).gradient),
    )


def _by_suite(witnesses: Sequence[str], engine: Engine, one: Case) -> bool:
    return examine(engine, one, witnesses=witnesses).verdict.accuses


def _by_peer(accuses: Callable[[Function, tuple[Any, ...]], bool], engine: Engine, one: Case) -> bool:
    return accuses(as_function(engine, one), tuple(np.array(x) for x in one.point))


def tools() -> tuple[dict[str, Accuses], list[str]]:
    """Return everybody who is installed, the suite first; and notes of who is not."""
    found: dict[str, Accuses] = {
        SUITE: partial(_by_suite, ()),
        WITH_WITNESSES: partial(_by_suite, WITNESSES),
    }
    notes = []
    for peer in PEERS:
        try:
            __import__(peer.package)
        except ModuleNotFoundError:
            notes.append(f"{peer.name}: not installed: pip install {peer.package}")
        else:
            found[peer.name] = partial(_by_peer, peer.accuses)
    return found, notes


def catching(
    faults: Sequence[Fault], asked: dict[str, Accuses], *, number: int = GRAPHS
) -> list[dict[str, Any]]:
    """Let every tool judge the same graphs of wrong engines, and of the right one, in turns.

    Returns
    -------
    list
        Rows as `rows` makes them.
    """
    right = Victim().engine("right")
    checks: dict[str, list[Check]] = {name: [] for name in asked}
    with like_conditions(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what a tool warns of on its way is not what it finds
        for index, fault in enumerate(faults):
            wrong = fault.engine()
            for one in graphs(fault, number):
                for name, accuses in asked.items():
                    if index == 0:
                        accuses(right, one)  # what is done at a first call is nobody's cost
                    start = time.process_time()
                    caught, alarm = accuses(wrong, one), accuses(right, one)
                    seconds = time.process_time() - start
                    checks[name].append(Check(index, caught, alarm, seconds))
    return rows(checks)


def caught(*, whole: bool) -> tuple[list[dict[str, Any]], list[str]]:
    """Let everybody who is installed judge wrong engines: a twelfth of the faults, or all; with notes."""
    asked, notes = tools()
    return catching(sample(1 if whole else EVERY), asked), notes


def rows(checks: Mapping[str, Sequence[Check]]) -> list[dict[str, Any]]:
    """Sum up checks, of each tool the same ones; the first is the subject.

    Returns
    -------
    list
        Of each tool ``tool``; ``faults`` and ``faults_caught``; ``checks``, ``caught`` and ``false_alarms``;
        ``seconds``, and ``seconds_per_catch`` (None without a catch). Of all but the first ``ratio``, its
        seconds for a catch over the subject's, with the 95 % interval ``low`` and ``high`` by bootstrap of
        faults; None where it, or a resample, caught nothing.
    """
    subject = next(iter(checks))
    found: list[dict[str, Any]] = []
    for name, made in checks.items():
        caught, seconds = sum(one.caught for one in made), sum(one.seconds for one in made)
        row: dict[str, Any] = {
            "tool": name,
            "faults": len({one.fault for one in made}),
            "faults_caught": len({one.fault for one in made if one.caught}),
            "checks": len(made),
            "caught": caught,
            "false_alarms": sum(one.false_alarm for one in made),
            "seconds": seconds,
            "seconds_per_catch": seconds / caught if caught else None,
        }
        if name != subject:
            row |= dict(zip(("ratio", "low", "high"), _ratio(checks[subject], made), strict=True))
        found.append(row)
    return found


def _ratio(
    subject: Sequence[Check], other: Sequence[Check]
) -> tuple[float | None, float | None, float | None]:
    """Return the ratio of seconds for a catch, other over subject, and its interval."""
    faults = sorted({one.fault for one in subject})

    def sums_of(made: Sequence[Check], fault: int) -> tuple[float, int]:
        of_fault = [one for one in made if one.fault == fault]
        return sum(one.seconds for one in of_fault), sum(one.caught for one in of_fault)

    sums = np.array([[sums_of(made, fault) for fault in faults] for made in (subject, other)])
    drawn = np.random.default_rng(0).integers(len(faults), size=(RESAMPLES, len(faults)))

    def ratio(totals: Any) -> Any:
        with np.errstate(divide="ignore", invalid="ignore"):
            costs = totals[..., 0] / totals[..., 1]
            return costs[1] / costs[0]

    middle = ratio(sums.sum(axis=1))
    ratios = ratio(sums[:, drawn].sum(axis=2))
    ratios[np.isnan(ratios)] = np.inf  # neither caught anything
    low, high = np.quantile(ratios, [0.025, 0.975], method="inverted_cdf")  # infinity is not averaged
    first, second, third = (float(x) if math.isfinite(x) else None for x in (middle, low, high))
    return first, second, third
