"""Primitives that run along an axis, each entry of the result a step from the one before it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nn_from_scratch.verify.functions.jaxpr.interpreter import Call, Meaning
from nn_from_scratch.verify.functions.tracing.shadows import Shadow


def running(step: Callable[[Call, Shadow, Shadow], Shadow]) -> Meaning:
    """Return a meaning, given the step from what was found so far and the next entries."""

    def meaning(call: Call) -> Any:
        axis, order = call.parameters["axis"], slice(None, None, -1 if call.parameters["reverse"] else 1)
        found = np.moveaxis(call.operands[0], axis, 0)[order].copy()
        for k in range(1, len(found)):
            found[k : k + 1] = step(call, found[k - 1 : k], found[k : k + 1])
        return np.moveaxis(found[order], 0, axis).copy()

    return meaning
