"""Every row of the table: value, gradient and second derivative, beside PyTorch and finite differences.

The operation is always followed by another, and differentiated with random cotangents.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from rule_cases import CASES, Case

from nn_from_scratch import Node, gradients
from nn_from_scratch.rules import RULES


def _followed(z: Any) -> Any:
    """Put something after the operation: its cotangent is then neither constant nor the seed."""
    return z * z + 3 * z


def _seed(case: Case, shape: tuple[int, ...]) -> Any:
    seed = case.generator.uniform(0.5, 1.5, shape)
    return seed if shape else float(seed)


def test_table_is_covered_by_cases() -> None:
    assert {case.name for case in CASES} == set(RULES)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_rule_agrees_with_finite_differences(case: Case) -> None:
    operands = case.operands()
    nodes = [Node(x) for x in operands]
    z = _followed(case.nodes(*nodes))
    expected = _followed(case.plain(*operands))
    np.testing.assert_allclose(z.value, expected, rtol=1e-13, atol=1e-14)
    seed = _seed(case, z.shape)
    z.backprop(seed)
    step = 1e-6
    for position, node in enumerate(nodes):
        assert np.shape(node.grad) == operands[position].shape
        difference = np.empty(operands[position].shape)
        for place in np.ndindex(difference.shape):
            sides = []
            for sign in (1, -1):
                moved = [x.copy() for x in operands]
                moved[position][place] += sign * step
                sides.append(np.sum(seed * _followed(case.plain(*moved))))
            difference[place] = (sides[0] - sides[1]) / (2 * step)
        np.testing.assert_allclose(node.grad, difference, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_rule_agrees_with_pytorch_to_second_order(case: Case) -> None:
    torch = pytest.importorskip("torch")
    operands = case.operands()
    nodes = [Node(x) for x in operands]
    tensors = [torch.tensor(x, requires_grad=True) for x in operands]
    z = _followed(case.nodes(*nodes))
    t = _followed(case.torch(torch)(*tensors))
    np.testing.assert_allclose(z.value, t.detach().numpy(), rtol=1e-13, atol=1e-14)
    seed = _seed(case, z.shape)
    first = gradients(z, nodes, seed, create_graph=True)
    t_first = torch.autograd.grad(t, tensors, torch.tensor(seed, dtype=t.dtype), create_graph=True)
    plain = gradients(z, nodes, seed)
    for got, expected, without_graph in zip(first, t_first, plain, strict=True):
        np.testing.assert_allclose(got.value, expected.detach().numpy(), rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(without_graph, got.value, rtol=1e-15, atol=0)
    total: Any = sum((k + 1.5) * (g * g).sum() for k, g in enumerate(first))
    t_total = sum((k + 1.5) * (g * g).sum() for k, g in enumerate(t_first))
    second = gradients(total, nodes)
    t_total = t_total + sum(0 * x.sum() for x in tensors)  # of a derivative that is constant as well
    t_second = torch.autograd.grad(t_total, tensors)
    for got, expected in zip(second, t_second, strict=True):
        np.testing.assert_allclose(got, expected.detach().numpy(), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.longdouble])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_rule_keeps_the_precision_of_its_operands(case: Case, dtype: Any) -> None:
    nodes = [Node(x.astype(dtype)) for x in case.operands()]
    z = case.nodes(*nodes)
    assert z.dtype == dtype
    z.backprop(np.ones(z.shape, dtype))
    for node in nodes:
        assert node.dtype == dtype
        assert np.asarray(node.grad).dtype == dtype


def test_second_derivative_of_a_power_of_zero_is_that_of_the_polynomial() -> None:
    x = Node(0.0)
    first = gradients(x**3 + 5 * x**2, x, create_graph=True)
    second = gradients(first, x, create_graph=True)
    assert (first.value, second.value, gradients(second, x)) == (0.0, 10.0, 6.0)


@pytest.mark.parametrize(
    ("operation", "operands", "expected"),
    [
        (lambda x: x.relu(), (0.0,), (0.0,)),
        (abs, (0.0,), (0.0,)),
        (np.maximum, (1.0, 1.0), (0.5, 0.5)),
        (np.minimum, (1.0, 1.0), (0.5, 0.5)),
        (lambda x, low, high: x.clip(low, high), (1.0, 1.0, 2.0), (1.0, 0.0, 0.0)),
        (lambda x, low, high: x.clip(low, high), (2.0, 1.0, 2.0), (1.0, 0.0, 0.0)),
        (lambda x, low, high: x.clip(low, high), (1.5, 2.0, 1.0), (0.0, 0.0, 1.0)),
        (lambda x, y: x**y, (0.0, 0.0), (0.0, 0.0)),
        (lambda x, y: x**y, (0.0, 1.0), (1.0, 0.0)),
        (lambda x, y: x**y, (0.0, 2.0), (0.0, 0.0)),
        (lambda x: x**0, (0.0,), (0.0,)),
        (lambda x: x**2, (0.0,), (0.0,)),
        (np.arctan2, (0.0, 0.0), (0.0, 0.0)),
        (np.hypot, (0.0, 0.0), (0.0, 0.0)),
        (np.logaddexp, (2.0, 2.0), (0.5, 0.5)),
        (np.sqrt, (0.0,), (math.inf,)),
    ],
)
@pytest.mark.parametrize("as_array", [False, True])
def test_rule_follows_its_convention_at_a_kink(
    operation: Callable[..., Node], operands: tuple[float, ...], expected: tuple[float, ...], as_array: bool
) -> None:
    nodes = [Node(np.array([x, x]) if as_array else x) for x in operands]
    operation(*nodes).sum().backprop()
    for node, gradient in zip(nodes, expected, strict=True):
        assert np.array_equal(node.grad, np.full(node.shape, gradient))


@pytest.mark.parametrize("method", ["max", "min"])
def test_extreme_shares_its_cotangent_among_ties(method: str) -> None:
    x = Node([[2.0, 2.0, 2.0], [1.0, 1.0, 1.0]])
    getattr(x, method)(1).backprop([3.0, 6.0])
    assert np.array_equal(x.grad, [[1.0, 1.0, 1.0], [2.0, 2.0, 2.0]])


@pytest.mark.parametrize("x", [-1000.0, -745.0, -40.0, 40.0, 745.0, 1000.0])
@pytest.mark.parametrize("as_array", [False, True])
def test_saturating_functions_neither_overflow_nor_lose_their_tails(x: float, as_array: bool) -> None:
    tail = math.exp(-abs(x))
    slopes = {"sigmoid": tail / (1 + tail) ** 2, "softplus": 1.0 if x > 0 else tail, "tanh": 0.0}
    values = {
        "sigmoid": 1.0 if x > 0 else tail,
        "softplus": x if x > 0 else tail,
        "tanh": math.copysign(1.0, x),
    }
    for name, slope in slopes.items():
        node = Node([x] if as_array else x)
        z = getattr(node, name)()
        z.sum().backprop()
        np.testing.assert_allclose(z.value, np.full(node.shape, values[name]), rtol=1e-15)
        np.testing.assert_allclose(node.grad, np.full(node.shape, slope), rtol=1e-15)


@pytest.mark.parametrize("shift", [-1000.0, 1000.0])
def test_exponential_reductions_do_not_overflow(shift: float) -> None:
    x = Node(np.array([0.0, math.log(3)]) + shift)
    z = x.logsumexp()
    z.backprop()
    np.testing.assert_allclose([z.value, *x.grad], [math.log(4) + shift, 0.25, 0.75], rtol=1e-12)
    np.testing.assert_allclose(x.softmax().value, [0.25, 0.75], rtol=1e-12)
    np.testing.assert_allclose(x.log_softmax().value, np.log([0.25, 0.75]), rtol=1e-12)


def test_logsumexp_of_infinities_is_their_limit() -> None:
    assert Node([-math.inf, -math.inf]).logsumexp().value == -math.inf
    assert Node([math.inf, 0.0]).logsumexp().value == math.inf


def test_where_lets_nothing_through_from_the_branch_not_taken() -> None:
    x = Node([-1.0, 0.0, 4.0])
    with np.errstate(invalid="ignore"):
        z: Any = np.where(x < 1, x, np.sqrt(x))
    z.backprop(np.ones(3))
    assert np.array_equal(z.value, [-1.0, 0.0, 2.0])
    assert np.array_equal(x.grad, [1.0, 1.0, 0.25])


def test_where_lets_nothing_through_from_the_branch_not_taken_of_a_scalar() -> None:
    x = Node(0.0)
    z: Any = np.where(x < 1, x * x + x, x.sqrt() * 2)
    z.backprop()
    assert x.grad == 1.0
    assert gradients(gradients(z, x, create_graph=True), x) == 2.0


def test_arctan2_is_exact_where_squares_overflow() -> None:
    y, x = Node(3e200), Node(4e200)
    angle: Any = np.arctan2(y, x)
    angle.backprop()
    np.testing.assert_allclose([y.grad, x.grad], [4 / 25e200, -3 / 25e200], rtol=1e-15)


@pytest.mark.parametrize("shape", [(0,), (0, 3), (2, 0)])
def test_rule_takes_empty_arrays(shape: tuple[int, ...]) -> None:
    x = Node(np.ones(shape))
    z: Any = (
        (x * 2 + x.exp()).sum() + x.prod() + np.concatenate([x, x]).sum() + (x @ np.ones(shape[-1:])).sum()
    )
    z.backprop()
    assert z.value == 1.0
    assert x.grad.shape == shape
