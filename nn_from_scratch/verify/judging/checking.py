"""The check of one case that raises, for tests and for scripts that reproduce a failure."""

from __future__ import annotations

from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.judging.examine import Examination, examine
from nn_from_scratch.verify.judging.verdicts import Verdict
from nn_from_scratch.verify.questions.cases import Case


class GradientError(AssertionError):
    """An engine's or a function's value, gradient, state or limit is not right.

    `result` is all that was found, where a function or one case of an engine was checked; `engine` is the one
    that was asked.
    """

    def __init__(self, message: str = "", result: object = None, engine: Engine | None = None) -> None:
        super().__init__(message)
        self.result, self.engine = result, engine


class UndecidedError(GradientError):
    """Nothing can be said of a gradient: the oracle's own error is too large."""


def check(engine: Engine, case: Case) -> Examination:
    """Check one case, and return what was found if the engine is not to blame.

    Raises
    ------
    GradientError
        If the value or a derivative is wrong or inaccurate, or the engine raised.

    """
    __tracebackhide__ = True  # pytest shows the line of the test
    found = examine(engine, case)
    if found.verdict.accuses:
        oracle = "expected by FLINT power series in balls, the tolerance derived from rounding"
        said = "has no answer to" if found.verdict is Verdict.ERROR else f"is {found.verdict} about"
        words = f"{engine.name} {said}\n{case}:\n{found.message}\n({oracle})"
        raise GradientError(words, found, engine)
    return found
