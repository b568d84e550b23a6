"""PyTorch, in float64."""

import torch

from nn_from_scratch.verify.engines import Engine
from nn_from_scratch.verify.expressions import Arithmetic


def _assign(leaf: torch.Tensor, value: float) -> None:
    with torch.no_grad():
        leaf.fill_(value)


_NAMES = ("exp", "log", "sqrt", "sin", "cos", "tanh", "sigmoid", "relu", "abs")
_OPERATIONS: Arithmetic = {
    **{name: getattr(torch, name) for name in _NAMES},
    "maximum": lambda x, y: torch.maximum(_tensor(x), _tensor(y)),
    "minimum": lambda x, y: torch.minimum(_tensor(x), _tensor(y)),
}


def _tensor(x: torch.Tensor | float) -> torch.Tensor:
    return torch.as_tensor(x, dtype=torch.float64)


engine = Engine.from_tape(
    name="PyTorch",
    variable=lambda x: torch.tensor(x, dtype=torch.float64, requires_grad=True),
    backward=lambda output: output.backward(retain_graph=True),
    value=lambda node: node.item(),
    gradient=lambda leaf: leaf.grad,
    assign=_assign,
    operations=_OPERATIONS,
)
