"""Random cases as Hypothesis strategies: those of an engine, or of any forms (`questions.strategies`)."""

from __future__ import annotations

from hypothesis import strategies as st

from nn_from_scratch.verify.engines.engine import Engine, EngineError
from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.strategies import array_cases, cases

__all__ = ["array_cases", "cases", "cases_of"]

_DRAWN = 10  # cases of arrays, until one needs nothing that the engine lacks


@st.composite
def cases_of(draw: st.DrawFn, engine: Engine, *, most_steps: int = 8) -> Case:
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

    Raises
    ------
    EngineError
        If it has no operation of the catalogue.

    """
    engine.driver.begin_phase()  # of a process that dies of one case, the next is asked nevertheless
    if not engine.forms:
        raise EngineError(f"{engine.name} has no operation of the catalogue")
    second_order = engine.asks_second_order and draw(st.booleans())
    arrays = array_cases(engine.array_forms, most_steps=most_steps, second_order=second_order)
    of_arrays = bool(engine.array_forms) and draw(st.booleans())
    for _ in range(_DRAWN if of_arrays else 0):
        drawn = draw(arrays)
        if not engine.lacking(drawn, raised=True):
            return drawn
    return draw(cases(engine.forms, most_steps=most_steps, second_order=second_order))
