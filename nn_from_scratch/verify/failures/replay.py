"""Whether an answer about a graph is what the engine's answers about its single steps make.

If it is, nothing but the single steps is at fault. If it is not, something between them is: a sum of
contributions, the order of the pass, a cotangent.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.failures.rebuild import rebuilt, values
from nn_from_scratch.verify.questions.cases import Case

_CLOSE = 1e-9  # relative: what differs by a fault differs by far more, or by rounding


def accounted_for(engine: Engine, case: Case) -> bool:
    """Return whether the engine's gradient of a first-order case is made of those of its single steps."""
    try:
        with np.errstate(all="ignore"):
            got = np.array(engine.answer(case).gradient)
            made = _made(engine, case)
    except Exception:  # noqa: BLE001  what an engine raises accounts for nothing
        return False
    scale = max(np.max(np.abs(made), initial=0.0), np.max(np.abs(got), initial=0.0))
    if not math.isfinite(scale):
        return bool(np.array_equal(np.isfinite(made), np.isfinite(got)))
    return bool(np.all(np.abs(got - made) <= _CLOSE * scale))


def _made(engine: Engine, case: Case) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Run a reverse pass whose rules are the engine's answers about single steps at the true values."""
    expression, known = case.expression, values(case)
    adjoints = [np.zeros(np.shape(x)) for x in known]
    cotangent = case.cotangent if case.shapes else (1.0,)
    adjoints[expression.output] = np.reshape(cotangent, np.shape(known[expression.output]))
    reachable = expression.reachable()
    for index in range(len(expression) - 1, expression.first_step - 1, -1):
        if index not in reachable:
            continue
        step = expression.steps[index - expression.first_step]
        nodes = sorted({k for k in step.operands if not expression.is_constant(k)})
        alone = rebuilt(case, output=index, cut={k: known[k] for k in nodes})
        if case.shapes:
            alone = replace(alone, cotangent=tuple(np.ravel(adjoints[index]).tolist()))
        gradient = np.array(engine.answer(alone).gradient)
        if not case.shapes:
            gradient = gradient * adjoints[index]
        ends = np.cumsum([np.size(known[k]) for k in nodes])[:-1]
        for node, part in zip(nodes, np.split(gradient, ends), strict=True):
            adjoints[node] = adjoints[node] + np.reshape(part, np.shape(known[node]))
    return np.concatenate([np.ravel(adjoints[k]) for k in range(expression.inputs)])
