"""In which format the constants of a program were rounded."""

from __future__ import annotations

import numpy as np

from nn_from_scratch.verify.functions.tracing.constants import recognise


def format_of(number: float) -> str:
    """Return the format that a constant was rounded in: one double in 2^29 is a float32 by chance."""
    with np.errstate(over="ignore"):
        return "float32" if float(np.float32(number)) == number else "float64"


def is_one_over_a_float32(number: float) -> bool:
    """Whether a constant that is no simple number is one over a number of float32."""
    if recognise(number) is not None:
        return False
    return format_of(number) == "float64" and format_of(1 / number) == "float32"
