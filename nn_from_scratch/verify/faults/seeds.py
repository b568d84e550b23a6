"""With how many of several seeds a planted fault is caught: directly, and by random graphs alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from nn_from_scratch.verify import state
from nn_from_scratch.verify.campaign.direct import surroundings
from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.faults.hunt import campaign_graphs
from nn_from_scratch.verify.faults.planting import Fault
from nn_from_scratch.verify.judging.examine import examine
from nn_from_scratch.verify.questions.direct import direct_questions

DEFAULT_GRAPHS = 2000
"""As many as `verify` checks by default."""


@dataclass(frozen=True, slots=True)
class Caught:
    """How a fault is caught.

    Parameters
    ----------
    directly
        Whether a direct question accuses: with any seed, for they are the same with all.
    by_checks
        Whether a check of state or limits does, which are the same with all seeds too.
    by_graphs
        By seed, at how manyth random graph the first accuses; None where none does.

    """

    directly: bool
    by_checks: bool
    by_graphs: dict[int, int | None]

    def seeds(self, *, direct_questions: bool) -> int:
        """Return in how many seeds `verify` catches it, with direct questions or without."""
        always = self.by_checks or (direct_questions and self.directly)
        return sum(always or graph is not None for graph in self.by_graphs.values())


def caught(fault: Fault, seeds: Iterable[int], graphs: int = DEFAULT_GRAPHS) -> Caught:
    """Look for a fault as `verify` does, with each of several seeds."""
    engine = fault.engine()
    directly = _directly(engine)
    by_graphs = {seed: _first(engine, seed, graphs) for seed in seeds}
    if fault.blamed in state.CHECKS:
        named: tuple[str, ...] = (fault.blamed,)
    else:  # the checks that take no time, where nothing else is sure to catch it
        named = () if directly or all(by_graphs.values()) else tuple(state.CHECKS.keys() - state.LONG)
    checks = state.run(engine, named) if named else ()
    return Caught(directly, any(check.outcome in ("wrong", "error") for check in checks), by_graphs)


def _directly(engine: Engine) -> bool:
    questions = direct_questions(engine.forms, engine.array_forms, surroundings(engine))
    return any(examine(engine, question.case).verdict.accuses for question in questions)


def _first(engine: Engine, seed: int, graphs: int) -> int | None:
    """Return the number of the first random graph of a campaign that accuses."""
    for number, drawn in enumerate(campaign_graphs(engine, graphs, seed), 1):
        if examine(engine, drawn).verdict.accuses:
            return number
    return None
