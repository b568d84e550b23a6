"""PyTorch, in float64."""

from collections.abc import Callable
from typing import Any

import torch

from nn_from_scratch.verify.engines import Engine
from nn_from_scratch.verify.expressions import Arithmetic
from nn_from_scratch.verify.operations import CATALOGUE


def _assign(leaf: torch.Tensor, value: float) -> None:
    with torch.no_grad():
        leaf.fill_(value)


def _of_tensors(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *xs: function(*[torch.as_tensor(x, dtype=torch.float64) for x in xs])


_SHARED = [name for name, operation in CATALOGUE.items() if not operation.symbol and hasattr(torch, name)]
_OPERATIONS: Arithmetic = {
    **{name: _of_tensors(getattr(torch, name)) for name in _SHARED},
    # By default it returns x above 20, which is right to ten digits only.
    "softplus": lambda x: torch.nn.functional.softplus(x, threshold=40.0),
    "where": _of_tensors(lambda c, x, y: torch.where(c > 0, x, y)),
    "clip": torch.clip,
}

engine = Engine.from_tape(
    name="PyTorch",
    variable=lambda x: torch.tensor(x, dtype=torch.float64, requires_grad=True),
    backward=lambda output: output.backward(retain_graph=True),
    value=lambda node: node.item(),
    gradient=lambda leaf: leaf.grad,
    assign=_assign,
    operations=_OPERATIONS,
)
