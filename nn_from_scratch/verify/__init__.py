"""The suite: proves that an autodiff engine's gradients are right. It needs the extra ``verify``."""

import warnings

from nn_from_scratch.distribution import stranger_warning
from nn_from_scratch.verify.campaign.checking import check_engine
from nn_from_scratch.verify.campaign.results import Results
from nn_from_scratch.verify.campaign.verify import verify
from nn_from_scratch.verify.engines.engine import Engine, EngineError
from nn_from_scratch.verify.engines.loading import load
from nn_from_scratch.verify.engines.source import TapeSource, TransformSource
from nn_from_scratch.verify.functions.checking import check_gradient
from nn_from_scratch.verify.functions.kernels import check_kernel
from nn_from_scratch.verify.functions.result import FunctionResult
from nn_from_scratch.verify.functions.traced import NotTraced, Traced, trace_backward, trace_gradient
from nn_from_scratch.verify.judging.checking import GradientError, UndecidedError, check
from nn_from_scratch.verify.judging.verdicts import Verdict
from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.expressions import Expression, Step
from nn_from_scratch.verify.state.checking import check_state

__all__ = [
    "Case",
    "Engine",
    "EngineError",
    "Expression",
    "FunctionResult",
    "GradientError",
    "NotTraced",
    "Results",
    "Step",
    "TapeSource",
    "Traced",
    "TransformSource",
    "UndecidedError",
    "Verdict",
    "check",
    "check_engine",
    "check_gradient",
    "check_kernel",
    "check_state",
    "load",
    "trace_backward",
    "trace_gradient",
    "verify",
]

if _stranger := stranger_warning():
    warnings.warn(_stranger, stacklevel=2)
