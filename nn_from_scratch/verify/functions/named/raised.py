"""Who is to blame for what was raised: a function is accused only of what came out of its own code."""

from __future__ import annotations

import traceback
from pathlib import Path

from nn_from_scratch.verify.functions.rows import Row, first_line
from nn_from_scratch.verify.functions.tracing.arrays.trace import is_users
from nn_from_scratch.verify.judging.verdicts import Verdict

_SUITE = str(Path(__file__).parents[2])


def row_of(error: Exception, name: str) -> Row:
    """Return a row about what a function or its gradient raised.

    Raises
    ------
    Exception
        The error itself, if it came out of this suite: that is nobody else's.

    """
    paths = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    said = f"raises {type(error).__name__}: {first_line(error)}"
    if not paths or paths[-1].startswith(_SUITE):
        raise error
    if any(map(is_users, paths)):
        return Row(name, Verdict.ERROR, said)
    return Row(name, Verdict.UNDECIDED, f"could not be asked: it {said}")
