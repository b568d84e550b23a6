"""Gradient checks for PyTorch: a drop-in for `torch.autograd.gradcheck`. Importing this imports PyTorch.

Change one import::

    from nn_from_scratch.verify.torch import gradcheck, gradgradcheck
"""

from torch.autograd.gradcheck import GradcheckError

from nn_from_scratch.verify.functions.pytorch.examine import Report, examine
from nn_from_scratch.verify.functions.pytorch.gradcheck import (
    UndecidedError,
    WrongGradientError,
    gradcheck,
    gradgradcheck,
)
from nn_from_scratch.verify.functions.rows import Row

__all__ = [
    "GradcheckError",
    "Report",
    "Row",
    "UndecidedError",
    "WrongGradientError",
    "examine",
    "gradcheck",
    "gradgradcheck",
]
