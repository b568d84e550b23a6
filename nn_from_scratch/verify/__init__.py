"""The suite: proves that an autodiff engine's gradients are right. It needs the extra ``verify``.

Each name is imported when it is used first: a process that answers for an engine needs few of them.
"""

import importlib
import warnings
from typing import TYPE_CHECKING, Any

from nn_from_scratch.distribution import stranger_may_be_there, stranger_warning

if TYPE_CHECKING:
    from nn_from_scratch.verify.campaign.checking import check_engine
    from nn_from_scratch.verify.campaign.results import Results
    from nn_from_scratch.verify.campaign.verify import verify
    from nn_from_scratch.verify.engines.engine import Engine, EngineError
    from nn_from_scratch.verify.engines.loading import load
    from nn_from_scratch.verify.engines.source import TapeSource, TransformSource
    from nn_from_scratch.verify.engines.spelling import Spelling
    from nn_from_scratch.verify.engines.wire.isolated import isolated
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
    "Spelling",
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
    "isolated",
    "load",
    "trace_backward",
    "trace_gradient",
    "verify",
]

_FOUND_IN = {
    "check_engine": "nn_from_scratch.verify.campaign.checking",
    "Results": "nn_from_scratch.verify.campaign.results",
    "verify": "nn_from_scratch.verify.campaign.verify",
    "EngineError": "nn_from_scratch.verify.engines.engine",
    "Engine": "nn_from_scratch.verify.engines.engine",
    "Spelling": "nn_from_scratch.verify.engines.spelling",
    "isolated": "nn_from_scratch.verify.engines.wire.isolated",
    "load": "nn_from_scratch.verify.engines.loading",
    "TransformSource": "nn_from_scratch.verify.engines.source",
    "TapeSource": "nn_from_scratch.verify.engines.source",
    "check_gradient": "nn_from_scratch.verify.functions.checking",
    "check_kernel": "nn_from_scratch.verify.functions.kernels",
    "FunctionResult": "nn_from_scratch.verify.functions.result",
    "Traced": "nn_from_scratch.verify.functions.traced",
    "trace_backward": "nn_from_scratch.verify.functions.traced",
    "trace_gradient": "nn_from_scratch.verify.functions.traced",
    "NotTraced": "nn_from_scratch.verify.functions.traced",
    "UndecidedError": "nn_from_scratch.verify.judging.checking",
    "check": "nn_from_scratch.verify.judging.checking",
    "GradientError": "nn_from_scratch.verify.judging.checking",
    "Verdict": "nn_from_scratch.verify.judging.verdicts",
    "Case": "nn_from_scratch.verify.questions.cases",
    "Step": "nn_from_scratch.verify.questions.expressions",
    "Expression": "nn_from_scratch.verify.questions.expressions",
    "check_state": "nn_from_scratch.verify.state.checking",
}

if stranger_may_be_there() and (_stranger := stranger_warning()):
    warnings.warn(_stranger, stacklevel=2)


def __getattr__(name: str) -> Any:
    """Import a public name (PEP 562)."""
    if name not in _FOUND_IN:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(_FOUND_IN[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """Return the public names, imported or not."""
    return sorted({*globals(), *__all__})
