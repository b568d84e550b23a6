"""Random cases as Hypothesis strategies: those of an engine, or of any forms (`questions.strategies`)."""

from __future__ import annotations

from collections.abc import Collection

from hypothesis import strategies as st

from nn_from_scratch.verify.engines.engine import Engine, EngineError
from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.operations import OPERATIONS
from nn_from_scratch.verify.questions.strategies import array_cases, cases

__all__ = ["array_cases", "cases", "cases_of"]

_DRAWN = 10  # cases of arrays, until one needs nothing that the engine lacks


@st.composite
def cases_of(draw: st.DrawFn, engine: Engine, *, most_steps: int = 8, without: Collection[str] = ()) -> Case:
    """Draw what an engine can be asked: of scalars, of arrays and to second order where it has these.

    With ``check`` in a test, Hypothesis shrinks what the engine is wrong about to few operations on simple
    numbers.

    Parameters
    ----------
    draw
        Given by Hypothesis.
    engine
        The system under test. It is asked what it has when the first case is drawn.
    most_steps
        The largest number of operations.
    without
        Operations that are not drawn, by name: those that are known to be wrong hide what else is.

    Raises
    ------
    EngineError
        If it has no other operation of the catalogue, or one that is left out is none of it.

    """
    engine.driver.begin_phase()  # of a process that dies of one case, the next is asked nevertheless
    unknown = set(without) - OPERATIONS.keys()
    if unknown:
        raise EngineError(f"no operation of the catalogue is called {' or '.join(sorted(unknown))}")
    forms = [form for form in engine.forms if form[0] not in without]
    array_forms = [form for form in engine.array_forms if form[0] not in without]
    if not forms:
        other = " other" if engine.forms else ""
        raise EngineError(f"{engine.name} has no{other} operation of the catalogue")
    second_order = engine.asks_second_order and draw(st.booleans())
    arrays = array_cases(array_forms, most_steps=most_steps, second_order=second_order)
    of_arrays = bool(array_forms) and draw(st.booleans())
    for _ in range(_DRAWN if of_arrays else 0):
        drawn = draw(arrays)
        if not engine.lacking(drawn, raised=True):
            return drawn
    return draw(cases(forms, most_steps=most_steps, second_order=second_order))
