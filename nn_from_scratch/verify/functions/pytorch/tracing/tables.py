"""Tables that PyTorch makes of a few numbers: what they stand for, beside the numbers that came out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nn_from_scratch.verify.functions.pytorch.tracing.operands import Call, exactly
from nn_from_scratch.verify.functions.tracing.constants import Reading
from nn_from_scratch.verify.functions.tracing.shadows import Shadow, of_entries

_COMPUTED = {"hann_window", "hamming_window", "blackman_window", "kaiser_window", "logspace"}
"""Operations whose tables are rounded numbers, that stand for others."""


def tables(base: str, call: Call, reading: Reading, replaced: Mapping[Any, Any]) -> list[Shadow]:
    """Return the shadows of what an operation makes of no tensor; none if they are to be read as constants.

    Evenly spaced numbers are just that where constants are what they stand for: two kernels round them in
    two ways, as an operation and its gradient do. Where constants are their numbers, so are these.
    """
    if base in _COMPUTED:
        return []
    meant = reading in {Reading.RECOGNISED, Reading.SHORT} and not replaced
    if base != "linspace" or call.is_complex or not meant:
        return [exactly(x) for x in call.results]
    first, last = (call.shadow(name)[()] for name in ("start", "end"))
    count = call.results[0].size
    gaps = max(count - 1, 1)
    return [of_entries((first + (last - first) * k / gaps for k in range(count)), (count,))]
