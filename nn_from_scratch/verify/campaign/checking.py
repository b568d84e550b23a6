"""The whole check of an engine that raises, for tests."""

from __future__ import annotations

from typing import Any

from nn_from_scratch.verify.campaign.results import Results
from nn_from_scratch.verify.campaign.verify import verify
from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.judging.checking import GradientError


def check_engine(engine: Engine, **options: Any) -> Results:
    """Check an engine as `verify` does, and return the results if the verdict is "right".

    Parameters
    ----------
    engine
        The system under test.
    options
        Those of `verify`: `graphs`, `seed`, `jobs`, `grades`, `progress`.

    Raises
    ------
    GradientError
        If the verdict is another one, or the check was interrupted; its message has the first failures.
    ValueError
        If a grade is unknown, or a number is out of range.

    """
    results = verify(engine, **options)
    if not results:
        raise GradientError(results.summary())
    return results
