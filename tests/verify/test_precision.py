"""Engines that compute in less than float64 are judged at their own precision."""

from typing import Any

import numpy as np
import pytest

from nn_from_scratch.verify import Engine, verify
from nn_from_scratch.verify.expressions import Arithmetic

torch = pytest.importorskip("torch")


def _in_pytorch(dtype: Any, claimed: str) -> Engine:
    from nn_from_scratch.verify.pytorch_operations import OPERATIONS

    # The others turn constants into float64 tensors.
    plain = ("exp", "log", "sqrt", "sin", "cos", "tanh", "sigmoid", "relu", "abs", "expm1", "arctan")
    infix = ("add", "sub", "mul", "div", "neg")
    operations: Arithmetic = {
        **{name: getattr(torch, name) for name in plain},
        **{name: OPERATIONS[name] for name in infix},
    }
    return Engine.from_tape(
        name=f"PyTorch in {dtype}",
        variable=lambda x: torch.tensor(x, dtype=dtype, requires_grad=True),
        backward=lambda output: output.backward(retain_graph=True),
        value=lambda node: np.float64(node.item()),
        gradient=lambda leaf: None if leaf.grad is None else leaf.grad.item(),
        operations=operations,
        dtype=claimed,
    )


@pytest.mark.parametrize("name", ["float64", "float32", "bfloat16"])
def test_precision_of_an_engine_is_no_fault(name: str) -> None:
    results = verify(_in_pytorch(getattr(torch, name), name), graphs=400, grades=["rules", "accuracy"])
    assert results["verdict"] == "right", results["failures"]
    assert results["graphs"]["right"] > 300


def test_float32_that_claims_float64_is_caught() -> None:
    results = verify(_in_pytorch(torch.float32, "float64"), graphs=100, grades=["rules", "accuracy"])
    assert results["verdict"] == "wrong"
    assert results["graphs"]["inaccurate"] + results["graphs"]["wrong"] > 50
