"""The hunt for one fault: the checks of a campaign, until the first that accuses.

Those of state and limits come first where one of them must fail, for they take seconds; a campaign makes
them last.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from nn_from_scratch.verify import state
from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.failures import failing_graphs
from nn_from_scratch.verify.faults.planting import Fault
from nn_from_scratch.verify.judging.examine import examine
from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.generate import case, seeded
from nn_from_scratch.verify.questions.generate_arrays import array_case
from nn_from_scratch.verify.questions.graphs import drafts
from nn_from_scratch.verify.questions.operations import Form


@dataclass(frozen=True, slots=True)
class Catch:
    """How a fault was caught: what was blamed, at which graph, and what was said."""

    blamed: str
    graphs: int
    message: str


def hunt(fault: Fault, *, blind: bool = False, graphs: int = 4000, seed: int = 0) -> Catch | None:
    """Return how the suite catches a fault, or None if it does not.

    Parameters
    ----------
    fault
        What is planted.
    blind
        Whether to draw from all operations, and to run all checks of state and limits, as for an engine of
        which nothing is known; otherwise from those operations of which the fault needs some, and to run
        only the check that it must fail.
    graphs
        How many random graphs at most.
    seed
        Which ones: those of `verify` with this seed, if the hunt is blind.

    """
    engine = fault.engine()
    named = fault.blamed in state.CHECKS
    caught = _by_checks(engine, () if blind else (fault.blamed,)) if named else None
    if caught:
        return caught
    drawn_graphs = (
        campaign_graphs(engine, graphs, seed) if blind else _graphs_with(fault, engine, graphs, seed)
    )
    for index, drawn in enumerate(drawn_graphs, 1):
        if examine(engine, drawn).verdict.accuses:
            for failure in failing_graphs(engine, [drawn]):
                return Catch(failure["operation"], index, failure["message"])
    return _by_checks(engine, ()) if blind and not named else None


def _by_checks(engine: Engine, names: tuple[str, ...]) -> Catch | None:
    for check in state.run(engine, names):
        if check.outcome in ("wrong", "error"):
            return Catch(check.name, 0, check.message)
    return None


def campaign_graphs(engine: Engine, count: int, seed: int) -> Iterator[Case]:
    """Yield the graphs that `verify` draws for an engine that lacks nothing."""
    for index in range(count):
        yield next(drafts(seeded(seed, index), seed, index, engine.forms, engine.array_forms))


def _graphs_with(fault: Fault, engine: Engine, count: int, seed: int) -> Iterator[Case]:
    """Yield graphs of the operations of which the fault needs some."""
    forms, array_forms = (_of(fault.operations, each) for each in (engine.forms, engine.array_forms))
    for index in range(count):
        choose = seeded(seed, index)
        yield array_case(choose, array_forms) if fault.arrays else case(choose, forms)


def _of(operations: Collection[str], forms: tuple[Form, ...]) -> tuple[Form, ...]:
    return tuple(form for form in forms if form[0] in operations)
