"""The suite: proves that an autodiff engine's gradients are right. It needs the extra ``verify``."""

from nn_from_scratch.verify.campaign import verify
from nn_from_scratch.verify.checking import (
    GradientError,
    UndecidedError,
    check,
    check_gradient,
    check_state,
)
from nn_from_scratch.verify.engines import Engine, EngineError, load
from nn_from_scratch.verify.expressions import Case, Expression, Step
from nn_from_scratch.verify.verdicts import Verdict

__all__ = [
    "Case",
    "Engine",
    "EngineError",
    "Expression",
    "GradientError",
    "Step",
    "UndecidedError",
    "Verdict",
    "check",
    "check_gradient",
    "check_state",
    "load",
    "verify",
]
