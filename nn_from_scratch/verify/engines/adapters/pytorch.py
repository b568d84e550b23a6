"""PyTorch, in float64."""

from collections.abc import Sequence
from typing import Any

import torch

from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.engines.source import TapeSource
from nn_from_scratch.verify.oracles.pytorch_operations import COMPOSED, OPERATIONS


def _assign(leaf: torch.Tensor, value: float) -> None:
    with torch.no_grad():
        leaf.fill_(value)


def _backward(output: torch.Tensor, cotangent: Any = None) -> None:
    output.backward(None if cotangent is None else torch.as_tensor(cotangent), retain_graph=True)


def _gradients(output: torch.Tensor, leaves: Sequence[torch.Tensor], cotangent: Any = None) -> Sequence[Any]:
    seed = None if cotangent is None else torch.as_tensor(cotangent)
    found = torch.autograd.grad(output, leaves, seed, create_graph=True, materialize_grads=True)
    return [g.requires_grad_() for g in found]  # one that no leaf moves does not yet


def _numbers(x: torch.Tensor) -> Any:
    """Return a copy: a gradient that is 0 everywhere may have no memory, and reading it ends the process."""
    return x.clone().numpy(force=True)


engine = Engine.from_tape(
    name="PyTorch",
    variable=lambda x: torch.tensor(x, dtype=torch.float64, requires_grad=True),
    backward=_backward,
    value=_numbers,
    gradient=lambda leaf: None if leaf.grad is None else _numbers(leaf.grad),
    assign=_assign,
    reset=lambda leaf: setattr(leaf, "grad", None),
    gradients=_gradients,
    operations={name: one for name, one in OPERATIONS.items() if name not in COMPOSED},
    arrays=True,
    source=TapeSource(
        imports="import numpy as np\nimport torch",
        variable="torch.tensor({}, dtype=torch.float64, requires_grad=True)",
        backward="{output}.backward(retain_graph=True)",
        backward_from="{output}.backward(torch.as_tensor({cotangent}))",
        value="{}.detach().numpy()",
        assign="with torch.no_grad():\n    {leaf}.fill_({value})",
        reset="{leaf}.grad = None",
        gradients="[g.requires_grad_() for g in torch.autograd.grad(\n"
        "    {output}, [{leaves}], create_graph=True, materialize_grads=True\n)]",
        gradients_from="[g.requires_grad_() for g in torch.autograd.grad(\n    {output}, [{leaves}],"
        " torch.as_tensor({cotangent}), create_graph=True, materialize_grads=True\n)]",
        gradient="(torch.zeros_like({0}) if {0}.grad is None else {0}.grad).clone().numpy()",
        call="torch.{name}({arguments})",
        constant="torch.tensor({}, dtype=torch.float64)",
        operations={
            "where": "torch.where({0} > 0, {1}, {2})",
            "clip": "torch.clip({0}, {1}, {2})",
            "softplus": "torch.nn.functional.softplus({0}, threshold=40.0)",
            "max": "torch.amax({arguments})",
            "min": "torch.amin({arguments})",
            "logsumexp": "torch.logsumexp({0}, () if {axis} is None else {axis}, keepdim={keepdims})",
            "einsum": "torch.einsum({subscripts!r}, {operands})",
            "take_along_axis": "torch.take_along_dim({0}, torch.tensor({indices}), {axis})",
            "scatter_add": "torch.scatter_add({0}, {axis}, torch.tensor({indices}), {1})",
            "sort": "torch.sort({0}.ravel() if {axis} is None else {0}, {axis} or 0).values",
            **dict.fromkeys(("solve", "inv", "det"), "torch.linalg.{name}({operands})"),
            "conv": "(torch.conv1d if {0}.ndim == 3 else torch.conv2d)({arguments})",
            "cholesky": "torch.linalg.cholesky(({0} + {0}.mT) / 2)",
            "eigvalsh": "torch.linalg.eigvalsh(({0} + {0}.mT) / 2)",
            "eigh": "((v := torch.linalg.eigh(({0} + {0}.mT) / 2)[1]) * torch.sign(v[..., :1, :]))",
            "cumsum": "torch.cumsum({0}.ravel() if {axis} is None else {0}, {axis} or 0)",
            "cumprod": "torch.cumprod({0}.ravel() if {axis} is None else {0}, {axis} or 0)",
            "diagonal": "torch.diagonal({0}, {offset}, {axis1}, {axis2})",
            "swapaxes": "torch.swapaxes({0}, {axis1}, {axis2})",
            "repeat": "torch.repeat_interleave({0}, torch.tensor({repeats}), {axis})",
            **dict.fromkeys(
                ("var", "std"), "torch.{name}({0}, {axis}, correction={ddof}, keepdim={keepdims})"
            ),
            **dict.fromkeys(("tril", "triu"), "torch.{name}({0}, {k})"),
            "roll": "torch.roll({0}, {shift}, {axis})",
            "moveaxis": "torch.moveaxis({0}, {source}, {destination})",
            "diff": "torch.diff({0}, {n}, {axis})",
            "trapezoid": "torch.trapezoid({0}, dx={dx}, dim={axis})",
            "outer": "torch.outer({0}.ravel(), {1}.ravel())",
            "cross": "torch.linalg.cross({0}, {1}, dim={axis})",
            "tensordot": "torch.tensordot({0}, {1}, {axes})",
            "norm": "torch.linalg.vector_norm({0}, 2, {axis}, keepdim={keepdims})",
            "slogdet": "torch.linalg.slogdet({0}).logabsdet",
            "matrix_power": "torch.linalg.matrix_power({0}, {n})",
            **dict.fromkeys(("fmax", "fmin", "copysign"), "torch.{name}({operands})"),
            "fabs": "torch.abs({0})",
            **dict.fromkeys(
                (
                    "expit",
                    "entr",
                    "ndtr",
                    "log_ndtr",
                    "ndtri",
                    "xlog1py",
                    "erfcx",
                    "i1",
                    "zeta",
                    "gammainc",
                    "gammaincc",
                ),
                "torch.special.{name}({operands})",
            ),
            "log_expit": "torch.nn.functional.logsigmoid({0})",
            "diag": "torch.diag({0}, {k})",
            "rot90": "torch.rot90({0}, {k}, {axes})",
            **dict.fromkeys(("nansum", "nanmean"), "torch.{name}({0}, {axis}, keepdim={keepdims})"),
            "median": "torch.quantile({0}, 0.5, {axis}, keepdim={keepdims})",
            **dict.fromkeys(
                (
                    "take",
                    "compress",
                    "trace",
                    "dot",
                    "flip",
                    "tile",
                    "pad",
                    "average",
                    "ptp",
                    "delete",
                    "convolve",
                    "correlate",
                    "interp",
                    "quantile",
                    "percentile",
                ),
                "",
            ),
            "transpose": "{0}.permute({axes})",
            "broadcast_to": "torch.broadcast_to({0}, {shape})",
            **dict.fromkeys(("prod", "expand_dims", "index"), ""),  # numpy's keywords allow more
        },
    ),
)
