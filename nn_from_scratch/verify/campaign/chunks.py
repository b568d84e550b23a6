"""A chunk of random graphs: each drawn from its number, examined and counted."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from nn_from_scratch.verify.campaign.ahead import foreseen
from nn_from_scratch.verify.campaign.statistics import Statistics
from nn_from_scratch.verify.engines.deaths import NotAskedError
from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.engines.observed import Observed
from nn_from_scratch.verify.judging.examine import WITNESSES, Examination, examine
from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.generate import Choose, seeded
from nn_from_scratch.verify.questions.graphs import SORTS, drafts, is_by_turns, is_of_second_order
from nn_from_scratch.verify.questions.second_order import with_tangent

SAMPLE = 32
"""Of so many graphs one is asked of the witnesses too, as is every graph that accuses."""


def checked(engine: Engine, seed: int, indices: range, seconds: float = math.inf) -> Statistics:
    """Examine graphs, and then the second derivatives of some, until the engine has taken that long.

    The first graph is asked in any case.
    """
    found = Statistics()
    engine = Observed.of(engine)
    drawn = (Draft.of(engine, seed, index) for index in indices)
    second: list[Case] = []
    try:
        for draft in foreseen(engine, drawn, lambda draft: draft.first):
            if found.total and engine.meter.seconds > seconds:
                found.stopped_by_time = True
                break
            seen = _examined(engine, draft)
            found.add(seen)
            again = engine.asks_second_order and is_of_second_order(draft.index)
            if again and seen.case.point and not seen.verdict.accuses:
                second.append(with_tangent(seen.case, draft.choose))
        for case in foreseen(engine, second, lambda case: case):
            if engine.meter.seconds > seconds:
                found.stopped_by_time = True
                break
            found.add(examine(engine, case))
    except NotAskedError as given_up:
        found.given_up = str(given_up)
    found.engine_seconds, found.computing = engine.meter.seconds, engine.meter.computing
    return found


@dataclass(frozen=True)
class Draft:
    """What may be asked as the graph of an index.

    Attributes
    ----------
    index
        Which graph of a campaign.
    choose
        Its source of choices.
    first
        The first graph that asks nothing of which it is known that the engine lacks it.
    others
        Those in its place, if it turns out to lack that one; the last is of scalars.

    """

    index: int
    choose: Choose
    first: Case
    others: Iterator[Case]

    @classmethod
    def of(cls, engine: Engine, seed: int, index: int) -> Draft:
        """Draw what may be asked of an engine."""
        choose = seeded(seed, index)
        graphs = drafts(choose, seed, index, engine.forms, engine.array_forms)
        first = next(graph for graph in graphs if not engine.lacking(graph))
        return cls(index, choose, first, graphs)


def _examined(engine: Engine, draft: Draft) -> Examination:
    """Examine the first graph that asks nothing the engine lacks, or else the last, which is of scalars."""
    witnesses = WITNESSES if draft.index // SORTS % SAMPLE == 0 else ()
    for drawn in chain([draft.first], draft.others):
        if engine.lacking(drawn):
            continue
        seen = examine(engine, drawn, witnesses=witnesses, if_accused=WITNESSES)
        if not seen.error:
            break
        # What is asked by turns is what is asked directly, and engines may lack the same of it.
        lacks = (
            seen.is_lacking
            or engine.lacking(drawn, raised=True)
            or (is_by_turns(draft.index) and engine.lack(drawn))
        )
        if not lacks:
            break
    return seen
