"""PyTorch in float64, as a second witness."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from nn_from_scratch.verify.questions.cases import Case


@cache
def version() -> str | None:
    """Return PyTorch's version, or None where it is not installed."""
    try:
        import torch  # noqa: PLC0415  an optional package, and slow to import
    except ImportError:
        return None
    return str(torch.__version__)


def gradient(case: Case) -> npt.NDArray[np.float64]:
    """Return PyTorch's gradient: a float64 array with a derivative for each number of the point."""
    import torch  # noqa: PLC0415

    from nn_from_scratch.verify.oracles.pytorch_operations import OPERATIONS  # noqa: PLC0415

    inputs = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in case.inputs()]
    output = case.expression.function(OPERATIONS)(inputs)
    cotangent = (
        torch.tensor(case.cotangent, dtype=torch.float64).reshape(output.shape) if case.shapes else None
    )
    gradient = torch.autograd.grad(output, inputs, cotangent, allow_unused=True)
    parts = zip(inputs, gradient, strict=True)
    return np.concatenate(
        [np.zeros(x.numel()) if part is None else part.numpy().ravel() for x, part in parts]
    )
