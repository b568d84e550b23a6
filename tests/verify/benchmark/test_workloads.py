from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nn_from_scratch import MLP
from nn_from_scratch.verify.benchmark import by_hand, workloads
from nn_from_scratch.verify.benchmark.measuring import (
    Contender,
    DifferentResultsError,
    like_conditions,
    require_same_results,
)
from nn_from_scratch.verify.benchmark.workloads import SUBJECT, WORKLOADS, Workload

COMPARISONS = [
    pytest.param(workload, baseline, id=f"{workload.name}-{baseline}")
    for workload in WORKLOADS
    for baseline in workload.baselines
]


@pytest.mark.once
def test_require_same_results_notices_gradients_that_are_not_zeroed() -> None:
    x, y = workloads.moons()
    model = MLP(workloads.MOONS_SIZES)
    for layer, (weights, biases) in zip(model.layers, workloads.start(workloads.MOONS_SIZES), strict=True):
        layer.weights.value, layer.biases.value = weights, biases

    def careless_iteration() -> Any:
        loss = sum((y_a - model(sample)) ** 2 for sample, y_a in zip(x, y, strict=True))
        loss.backprop()
        for p in model.parameters():
            p.value += -workloads.MOONS_RATE * p.grad
        return loss

    careless = Contender(
        careless_iteration, lambda loss: [loss.value, *(p.value for p in model.parameters())]
    )
    right = workloads.README_LOOP.contenders[SUBJECT]()
    with pytest.raises(DifferentResultsError, match="run 2: array 1 "):
        require_same_results(careless, right)


@pytest.mark.once
@pytest.mark.parametrize(("work", "baseline"), COMPARISONS)
def test_workload_contenders_compute_the_same(work: Workload, baseline: str) -> None:
    subject, other = made(work, SUBJECT), made(work, baseline)

    def slightly_off(outcome: Any) -> list[Any]:
        *arrays, last = subject.result(outcome)
        return [*arrays, np.asarray(last) * (1 + 1e-7)]

    with like_conditions(collector=False):
        require_same_results(subject, other)
        with pytest.raises(DifferentResultsError, match="array"):
            require_same_results(Contender(subject.run, slightly_off), other, repeats=1)


def made(work: Workload, name: str) -> Contender:
    module = {"PyTorch": "torch", "micrograd": "micrograd", "CasADi": "casadi"}.get(name)
    if module:
        pytest.importorskip(module)
    return work.contenders[name]()


def test_workload_with_a_baseline_that_does_other_work_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    right = by_hand.train_step
    monkeypatch.setattr(by_hand, "train_step", lambda p, x, y, rate: right(p, x, y, rate * (1 + 1e-6)))
    with pytest.raises(DifferentResultsError, match="array 1 "):
        workloads.BATCH.against("hand-written numpy", seconds=0)


def test_scalar_graph_has_its_operations_and_needs_them_all() -> None:
    class Counted:
        """A number that counts the operations and remembers its depth and operands."""

        operations = 0

        def __init__(self, depth: int, *operands: Counted) -> None:
            self.depth, self.operands = depth, operands

        def step(self, *others: Counted | int) -> Counted:
            Counted.operations += 1
            operands = [self, *(other for other in others if isinstance(other, Counted))]
            return Counted(1 + max(node.depth for node in operands), *operands)

        __add__ = __sub__ = __mul__ = __truediv__ = __pow__ = relu = step

    leaves, output = workloads.scalar_graph(lambda _: Counted(0))
    reached: set[Counted] = set()
    stack = [output]
    while stack:
        node = stack.pop()
        if node not in reached:
            reached.add(node)
            stack.extend(node.operands)
    assert len(leaves) == 40
    assert Counted.operations == 2000
    assert len(reached) == 2040
    assert output.depth < 300  # micrograd's reverse pass recurses, twice a step in places
