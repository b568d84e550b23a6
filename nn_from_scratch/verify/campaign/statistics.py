"""What a campaign has counted so far, mergeable between processes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from nn_from_scratch.verify.campaign.convention_examples import MOST_EXAMPLES, example
from nn_from_scratch.verify.engines.deaths import Death
from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.engines.probing import NOT_ASKED
from nn_from_scratch.verify.judging.avoidable import Loss, avoidable_loss
from nn_from_scratch.verify.judging.examine import Examination
from nn_from_scratch.verify.judging.verdicts import Verdict
from nn_from_scratch.verify.oracles import pytorch
from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.formats import Format

_COLUMNS = ("steps", "gradient", "error", "tolerance", "verdict", "margin")
_NOTES = {
    "taylor": "FLINT power series over balls, 256 bits: the truth",
    "pytorch": "float64; asked about a sample, and about every graph that accuses",
    "finite differences": "extrapolated central differences in numpy, with their own error estimate; asked "
    "about the same",
}

_MISJUDGED = 1e-3  # of the gradients: as often the error of finite differences may be larger than they state


@dataclass
class Statistics:
    """Counts of verdicts, by graph and by operation, and what every graph's worst gradient entry was."""

    verdicts: Counter[Verdict] = field(default_factory=Counter)
    second_order: Counter[Verdict] = field(default_factory=Counter)
    checked: Counter[str] = field(default_factory=Counter)
    undecided: Counter[str] = field(default_factory=Counter)
    accusing: Counter[str] = field(default_factory=Counter)
    largest: dict[str, float] = field(default_factory=dict)
    losses: dict[str, Loss] = field(default_factory=dict)
    oracles: dict[str, Counter[str]] = field(default_factory=dict)
    contradicted: Counter[str] = field(default_factory=Counter)
    checks: dict[str, list[Any]] = field(default_factory=lambda: {column: [] for column in _COLUMNS})
    accused: list[Case] = field(default_factory=list)
    inaccurate: list[Case] = field(default_factory=list)
    conventions: list[dict[str, Any]] = field(default_factory=list)
    """Some answers that only choices at kinks explain: `convention_examples`."""
    engine_seconds: float = 0.0
    """How long the engine was waited for."""
    computing: float = 0.0
    """How many seconds of processor time its answers took."""
    deaths: list[Death] = field(default_factory=list)
    """How the processes ended that other processes than this one have asked."""
    given_up: str = ""
    """Why the engine was asked no more; nothing while it is."""
    stopped_by_time: bool = False
    """Whether something was not asked because time was up."""

    @property
    def total(self) -> int:
        """How many graphs were examined, to first order."""
        return sum(self.verdicts.values())

    def add(self, seen: Examination) -> None:
        """Count one examination."""
        reachable = seen.case.expression.live_steps()
        operations = sorted({step.operation for step in reachable})  # the same order in every process
        if seen.verdict.accuses:
            self.accusing.update(operations)
            self.accused.append(seen.case)
            self.inaccurate += [seen.case] * (seen.verdict is Verdict.INACCURATE)
        if seen.verdict is Verdict.CONVENTION and len(self.conventions) < MOST_EXAMPLES:
            self.conventions.append(example(seen))
        if seen.case.tangent:
            self.second_order[seen.verdict] += 1
            return
        self.verdicts[seen.verdict] += 1
        worst = max(seen.gradient, key=lambda one: one.in_tolerances, default=None)
        self.checked.update(operations)
        if seen.verdict is Verdict.UNDECIDED:
            self.undecided.update(operations)
        elif worst is not None and seen.verdict is not Verdict.CONVENTION:  # whose error is no rounding
            for operation in operations:
                self.largest[operation] = max(self.largest.get(operation, 0.0), worst.in_tolerances)
        for oracle, testimony in seen.oracles.items():
            self.oracles.setdefault(oracle, Counter())[testimony] += 1
        self.contradicted.update(_contradicted(seen))
        if worst is not None:
            row = (x if math.isfinite(x) else None for x in (worst.expected, worst.error, worst.tolerance))
            columns = (len(reachable), *row, seen.verdict.value, seen.margin)
            for column, entry in zip(_COLUMNS, columns, strict=True):
                self.checks[column].append(entry)

    def measure(self, seen: Examination, working_format: Format) -> None:
        """Keep what an operation that was asked alone loses of the digits that it could keep."""
        (step,) = seen.case.expression.steps
        before = self.losses.get(step.operation, Loss())
        self.losses[step.operation] = before.larger(avoidable_loss(seen, working_format))

    def merge(self, other: Statistics) -> None:
        """Add what another process has counted."""
        for mine, theirs in (
            (self.verdicts, other.verdicts),
            (self.second_order, other.second_order),
            (self.checked, other.checked),
            (self.undecided, other.undecided),
            (self.accusing, other.accusing),
            (self.contradicted, other.contradicted),
        ):
            mine.update(theirs)  # type: ignore[arg-type]
        for operation, loss in other.losses.items():
            self.losses[operation] = self.losses.get(operation, Loss()).larger(loss)
        for operation, error in other.largest.items():
            self.largest[operation] = max(self.largest.get(operation, 0.0), error)
        for oracle, counts in other.oracles.items():
            self.oracles.setdefault(oracle, Counter()).update(counts)
        for column, entries in other.checks.items():
            self.checks[column] += entries
        self.accused += other.accused
        self.inaccurate += other.inaccurate
        self.conventions = [*self.conventions, *other.conventions][:MOST_EXAMPLES]
        self.engine_seconds += other.engine_seconds
        self.computing += other.computing
        self.deaths += other.deaths
        self.given_up = self.given_up or other.given_up
        self.stopped_by_time |= other.stopped_by_time

    def witnesses(self) -> dict[str, dict[str, Any]]:
        """Return the table by oracle."""
        table = {}
        for name, note in _NOTES.items():
            counts = self.oracles.get(name, Counter[str]())
            available = name != "pytorch" or pytorch.is_installed()
            table[name] = {
                "available": available,
                "note": note if available else "not asked: torch is not installed",
                "asked": sum(counts.values()),
                **{testimony: counts[testimony] for testimony in ("agrees", "differs", "no answer")},
            }
        return table

    def alarms(self, engine: Engine, directly: Collection[str] = ()) -> list[str]:
        """Say what was not checked although it may look so, given the operations that were asked directly."""
        found = [
            f"operation {name} is supported but was asked nothing"
            for name in dict.fromkeys(name for name, _ in (*engine.forms, *engine.array_forms))
            if not self.checked[name] and name not in directly and not engine.note(name)
        ]
        found += [
            f"operation {name}: every graph with it was undecided"
            for name, count in self.checked.items()
            if count == self.undecided[name]
        ]
        found += [
            f"the oracle {name} answered nothing"
            for name, counts in self.oracles.items()
            if not counts["agrees"] and not counts["differs"]
        ]
        found += contradictions(self.contradicted, self.oracles)
        if 10 * self.verdicts[Verdict.UNDECIDED] > self.total:
            found.append(f"{self.verdicts[Verdict.UNDECIDED]} of {self.total} graphs were undecided")
        if not engine.forms:
            unasked = next((said for said in engine.lacks.values() if said.startswith(NOT_ASKED)), "")
            found.append(
                f"what the engine has was not found out: {unasked}"
                if unasked
                else "the engine supports no operation of the catalogue"
            )
        if engine.silence:
            found.append(f"the engine answered no question, and was asked no more: {engine.silence}")
        found += [
            f"the operation {name} that the adapter gives cannot be called: {reason}"
            for name, reason in engine.broken.items()
        ]
        return found


def contradictions(contradicted: Mapping[str, int], oracles: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Say which oracles are alone about more gradients than their own errors explain.

    Parameters
    ----------
    contradicted
        About how many gradients each was alone.
    oracles
        What each said, with how often.

    """
    return [
        f"the oracle {name} contradicts all others about {count} gradients"
        for name, count in contradicted.items()
        if count > _may_contradict(name, sum(oracles[name].values()))
    ]


def _may_contradict(oracle: str, asked: int) -> float:
    """Return how many gradients an oracle may be alone about; exact ones and PyTorch about none."""
    return max(1.0, _MISJUDGED * asked) if oracle == "finite differences" else 0.0


def _contradicted(seen: Examination) -> list[str]:
    """Return the oracles that are alone with what they say of a gradient, whatever the value is."""
    witnesses = {name: said for name, said in seen.oracles.items() if name != "taylor"}
    gradient = max((one.verdict for one in seen.gradient), key=lambda one: one.severity, default=None)
    if gradient is Verdict.RIGHT:
        return [name for name, said in witnesses.items() if said == "differs"]
    believed = {said for said in witnesses.values() if said != "no answer"} == {"agrees"}
    return ["taylor"] if gradient is Verdict.WRONG and believed else []
