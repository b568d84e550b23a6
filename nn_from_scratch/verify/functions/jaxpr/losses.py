"""Where a derivative loses its digits: the first operation whose rounding leaves few of what it was given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nn_from_scratch.verify.functions.jaxpr.formulas import Trace
from nn_from_scratch.verify.functions.jaxpr.interpreter import Call, NotTracedError, is_shadow
from nn_from_scratch.verify.functions.jaxpr.rounding import radii, rounded
from nn_from_scratch.verify.functions.tracing.shadows import Shadow, nearest


class _Watch:
    """Rounds as `rounded` does, and notes the first call that loses more digits than its operands lost."""

    def __init__(self, most: float) -> None:
        self.most = most
        self.found: Call | None = None

    def __call__(self, call: Call, results: list[Any]) -> list[Any]:
        given = rounded(call, results)
        if self.found is None and self._loses(given) and not self._loses(call.operands):
            self.found = call
        return given

    def _loses(self, shadows: Sequence[Any]) -> bool:
        return any(_relative(x) > self.most for x in shadows if is_shadow(x) and x.size)


def _relative(shadow: Shadow) -> float:
    """Return the largest radius relative to the largest number; none of what is 0."""
    largest = float(np.abs(nearest(shadow)).max())
    return float(radii(shadow).max()) / largest if largest else 0.0


def first_loss(traced: Trace, seeds: Sequence[Any], most: float) -> str | None:
    """Name the operation, with the user's line, after which rounding may be more than `most` of a result."""
    watch = _Watch(most)
    try:
        traced.rounded_values(seeds, watch)
    except NotTracedError:
        return None
    return None if watch.found is None else watch.found.place
