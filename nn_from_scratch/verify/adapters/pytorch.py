"""PyTorch, in float64."""

from typing import Any

import numpy as np
import torch

from nn_from_scratch.verify.engines import Engine
from nn_from_scratch.verify.pytorch_operations import OPERATIONS


def _assign(leaf: torch.Tensor, value: float) -> None:
    with torch.no_grad():
        leaf.fill_(value)


def _backward(output: torch.Tensor, cotangent: Any = None) -> None:
    output.backward(None if cotangent is None else torch.as_tensor(cotangent), retain_graph=True)


engine = Engine.from_tape(
    name="PyTorch",
    variable=lambda x: torch.tensor(x, dtype=torch.float64, requires_grad=True),
    backward=_backward,
    value=lambda node: np.asarray(node.detach()),
    gradient=lambda leaf: leaf.grad,
    assign=_assign,
    operations=OPERATIONS,
    arrays=True,
)
