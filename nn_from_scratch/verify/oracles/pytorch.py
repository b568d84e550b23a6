"""PyTorch in float64, as a second witness."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from nn_from_scratch.verify.expressions import Arithmetic, Expression
from nn_from_scratch.verify.operations import CATALOGUE


@cache
def version() -> str | None:
    """Return PyTorch's version, or None where it is not installed."""
    try:
        import torch  # noqa: PLC0415  an optional package, and slow to import
    except ImportError:
        return None
    return str(torch.__version__)


def gradient(expression: Expression, point: Sequence[float]) -> list[float]:
    """Return PyTorch's gradient, one float an input."""
    import torch  # noqa: PLC0415

    inputs = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in point]
    expression.evaluate(_arithmetic(), inputs)[expression.output].backward()
    return [0.0 if x.grad is None else float(x.grad) for x in inputs]


@cache
def _arithmetic() -> Arithmetic:
    import torch  # noqa: PLC0415

    def with_tensors(function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *xs: function(*[torch.as_tensor(x, dtype=torch.float64) for x in xs])

    shared = [operation for operation in CATALOGUE.values() if hasattr(torch, operation.name)]
    return {
        **{operation.name: with_tensors(getattr(torch, operation.name)) for operation in shared},
        "add": operator.add,
        "sub": operator.sub,
        "mul": operator.mul,
        "div": operator.truediv,
        "pow": operator.pow,
        # torch's own softplus returns x above 20, which is right to ten digits only.
        "softplus": lambda x: torch.logaddexp(x, torch.zeros_like(x)),
        "where": with_tensors(lambda c, x, y: torch.where(c > 0, x, y)),
        "clip": torch.clip,
    }
