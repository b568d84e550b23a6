"""The graphs of a campaign: scalars and arrays alternate, and so do random graphs and those by turns."""

from __future__ import annotations

from collections.abc import Iterator

from nn_from_scratch.verify.questions.by_turns import case_by_turns
from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.generate import Choose, case
from nn_from_scratch.verify.questions.generate_arrays import array_case
from nn_from_scratch.verify.questions.operations import Form

SORTS = 8
"""Of so many neighbours each is of another sort: four random graphs, then four by turns."""
_BY_TURNS = range(4, SORTS)
_SECOND_ORDER = (2, 3)  # of every four graphs, those asked to second order as well: one scalar, one of arrays
_DRAWN = 50  # random graphs of arrays, until one needs nothing that the engine lacks


def is_by_turns(index: int) -> bool:
    """Whether graph `index` of a campaign asks one operation, by turns."""
    return index % SORTS in _BY_TURNS


def is_of_second_order(index: int) -> bool:
    """Whether graph `index` of a campaign is asked to second order as well."""
    return index % 4 in _SECOND_ORDER


def drafts(
    choose: Choose, seed: int, index: int, forms: tuple[Form, ...], array_forms: tuple[Form, ...]
) -> Iterator[Case]:
    """Yield the graph of an index; then others in its place, for an engine that lacks what it needs.

    Parameters
    ----------
    choose
        The source of choices of this graph: `generate.seeded`.
    seed, index
        Which campaign, and which of its graphs.
    forms, array_forms
        The operations, and sides of constants, that are asked of scalars and of arrays.

    """
    arrays = index % 2 == 1 and bool(array_forms)
    if is_by_turns(index):
        turn = index // SORTS * len(_BY_TURNS) + index % SORTS - _BY_TURNS.start
        if array_forms:  # every other turn is one of arrays
            turn //= 2
        yield case_by_turns(choose, seed, turn, array_forms if arrays else forms, arrays=arrays)
    for _ in range(_DRAWN if arrays else 0):
        yield array_case(choose, array_forms)
    yield case(choose, forms)
