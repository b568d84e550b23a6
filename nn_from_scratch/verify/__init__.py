"""The suite: proves that an autodiff engine's gradients are right. It needs the extra ``verify``."""

from nn_from_scratch.verify.campaign.campaign import verify
from nn_from_scratch.verify.engines.engine import Engine, EngineError, load
from nn_from_scratch.verify.judging.checking import (
    GradientError,
    UndecidedError,
    check,
    check_gradient,
    check_state,
)
from nn_from_scratch.verify.judging.verdicts import Verdict
from nn_from_scratch.verify.questions.expressions import Case, Expression, Step

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
