"""The suite: proves that an autodiff engine's gradients are right. It needs the extra ``verify``."""

from nn_from_scratch.verify.campaign import verify
from nn_from_scratch.verify.checking import GradientError, check, check_state
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
    "Verdict",
    "check",
    "check_state",
    "load",
    "verify",
]
