"""Engines that compute in less than float64 are judged at their own precision."""

from dataclasses import replace
from typing import Any

import flint
import pytest
from narrowed import narrowed

from nn_from_scratch.verify import Case, Engine, Expression, verify
from nn_from_scratch.verify.judging.examine import examine
from nn_from_scratch.verify.oracles.pytorch import LACKING
from nn_from_scratch.verify.questions.expressions import Step
from nn_from_scratch.verify.questions.generate import case, seeded

torch = pytest.importorskip("torch")


def _in_pytorch(dtype: Any, claimed: str, **planted: Any) -> Engine:
    from nn_from_scratch.verify.oracles.pytorch_operations import OPERATIONS

    def backward(output: Any, cotangent: Any = None) -> None:
        output.backward(None if cotangent is None else torch.as_tensor(cotangent, dtype=dtype))

    return Engine.from_tape(
        name=f"PyTorch in {dtype}",
        variable=lambda x: torch.tensor(x, dtype=dtype, requires_grad=True),
        backward=backward,
        value=lambda node: node.detach().double().numpy(),
        gradient=lambda leaf: None if leaf.grad is None else leaf.grad.double().numpy(),
        operations={**OPERATIONS, **planted},
        arrays=True,
        dtype=claimed,
    )


@pytest.mark.parametrize("name", ["float32", "float16", "bfloat16"])  # float64 is asked with all engines
def test_precision_of_an_engine_is_no_fault(name: str) -> None:
    engine = _in_pytorch(getattr(torch, name), name)
    # These have no format of 16 bits.
    without = ("log_ndtr", "ndtri", "erfcinv", "erfcx", "i1", "zeta")
    assert {operation for operation, _ in engine.lacks} <= {*without, *LACKING}
    # Its derivatives of digamma and of det at singular matrices are wrong, and its ndtr far below 0; its
    # matrices have no short formats, and its erf of small numbers no digits in bfloat16: see the test below.
    left_out = ("det", "digamma", "ndtr", "inv", "solve", "cholesky", "erf")
    known = {rule: f for rule, f in engine.operations.items() if rule not in left_out}
    engine = replace(engine, operations=known)
    results = verify(engine, graphs=300, grades=["rules", "accuracy"])
    assert results["verdict"] == "right", results["failures"]
    assert results["graphs"]["right"] > 250


@pytest.mark.parametrize("x", [2.0**-26 * 0.671875, 2.0**-20, 2.0**-10, 0.0625, 0.5, 1.0])
def test_short_erf_is_accused_where_its_exact_values_say_so(x: float) -> None:
    """PyTorch 2.13 has 0 for erf(1e-8) in bfloat16 with AVX-512: it is 1.13e-8, which the format holds."""
    with flint.ctx.workprec(200):
        exact = float(flint.arb(x).erf())
    got = float(torch.erf(torch.tensor(x, dtype=torch.bfloat16)))
    units = abs(got - exact) / (2.0**-8 * exact)
    assert units < 1 or units > 10
    graph = Expression(1, (), (Step("erf", (0,)),), 1)
    found = examine(_in_pytorch(torch.bfloat16, "bfloat16"), Case(graph, (x,)))
    assert found.verdict.accuses == (units > 10)


@pytest.mark.parametrize("operation", ["tanh", "log", "sin", "sqrt", "arctan", "softplus", "reciprocal"])
@pytest.mark.parametrize("name", ["float16", "bfloat16"])
def test_wrong_derivative_is_caught_in_a_few_bits(name: str, operation: str) -> None:
    from nn_from_scratch.verify.oracles.pytorch_operations import OPERATIONS

    def steeper(x: Any) -> Any:
        right = OPERATIONS[operation](x)
        return right + (right - right.detach()) * 0.25

    engine = _in_pytorch(getattr(torch, name), name, **{operation: steeper})
    forms = [form for form in engine.forms if form[0] in (operation, "add", "mul")]
    seen = [examine(engine, case(seeded(0, index), forms)) for index in range(100)]
    wrong = [one for one in seen if one.verdict.accuses]
    assert len(wrong) >= 10
    assert all(operation in str(one.case.expression) for one in wrong)


@pytest.mark.once
def test_float32_that_claims_float64_is_caught() -> None:
    engine = replace(narrowed(_in_pytorch(torch.float32, "float64"), "add", "mul", "tanh"), arrays=False)
    results = verify(engine, graphs=100, grades=["rules", "accuracy"])
    assert results["verdict"] == "wrong"
    assert results["graphs"]["inaccurate"] + results["graphs"]["wrong"] > 50
