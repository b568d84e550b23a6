"""The reverse pass: order and sharing, depth, and what repeated and interleaved passes leave behind."""

from __future__ import annotations

import gc
import sys
import threading
import weakref
from typing import Any

import numpy as np
import pytest

from nn_from_scratch import Node, gradients
from nn_from_scratch.rules import RULES


def test_backprop_gives_the_gradients_of_the_readme() -> None:
    a, b, c = Node(2.0), Node(-3.0), Node(1.0)
    d = a * b
    e = d - c
    e.backprop()
    assert (e.value, a.grad, b.grad, c.grad, d.grad, e.grad) == (-7.0, -3.0, 2.0, -1.0, 1.0, 1.0)


# Order and sharing


def test_backprop_visits_a_shared_node_after_all_its_consumers() -> None:
    a, b = Node(1.0), Node(3.0)
    u = a + b
    (u * u * u + u).backprop()
    assert (a.grad, b.grad) == (49.0, 49.0)


@pytest.mark.parametrize("late_first", [True, False])
def test_backprop_does_not_depend_on_which_operand_is_deeper(late_first: bool) -> None:
    x = Node(0.5)
    deep = x
    for _ in range(10):
        deep = deep * x
    (deep + x if late_first else x + deep).backprop()
    np.testing.assert_allclose(x.grad, 11 * 0.5**10 + 1, rtol=1e-15)


@pytest.mark.parametrize(
    ("operation", "value", "gradient"),
    [
        (lambda a: a - a, 0.0, 0.0),
        (lambda a: a / a, 1.0, 0.0),
        (lambda a: a * a, 9.0, 6.0),
        (lambda a: a + a, 6.0, 2.0),
        (np.maximum, 3.0, 1.0),
    ],
)
@pytest.mark.parametrize("as_array", [False, True])
def test_backprop_takes_the_same_operand_twice(
    operation: Any, value: float, gradient: float, as_array: bool
) -> None:
    a = Node([3.0, 3.0] if as_array else 3.0)
    z: Any = operation(a, a) if operation is np.maximum else operation(a)
    z.sum().backprop()
    assert np.array_equal(z.value, np.full(a.shape, value))
    np.testing.assert_allclose(a.grad, np.full(a.shape, gradient), atol=1e-15)


def test_backprop_of_a_value_shared_two_to_the_twentieth_ways_counts_every_path() -> None:
    x = Node(1.0)
    y = x
    for _ in range(20):
        y = y + y
    y.backprop()
    assert x.grad == 2.0**20


def test_backprop_keeps_nodes_of_equal_value_apart() -> None:
    a, b = Node(2.0), Node(2.0)
    (3 * a + 5 * b).backprop()
    assert (a.grad, b.grad) == (3.0, 5.0)


def test_backprop_is_not_held_up_by_a_dead_branch() -> None:
    a = Node([1.0, 2.0])
    u = a * 3
    dead = u.exp() + u
    u.sum().backprop()
    assert np.array_equal(a.grad, [3.0, 3.0])
    assert np.array_equal(dead.grad, [0.0, 0.0])


@pytest.mark.parametrize("as_array", [False, True])
def test_backprop_reaches_the_bottom_of_a_chain_of_a_million_nodes_and_frees_it(as_array: bool) -> None:
    x = y = Node([1.0, 2.0] if as_array else 1.0)
    for _ in range(30_000 if as_array else 1_000_000):
        y = y + 1.0
    y.sum().backprop()
    assert np.all(x.grad == 1.0)
    del y


def test_graph_is_freed_without_the_garbage_collector() -> None:
    gc.disable()
    try:
        x = Node([1.0, 2.0])
        inner = x * x + x.exp()
        watched = weakref.ref(inner)
        inner.sum().backprop()
        del inner
        assert watched() is None
    finally:
        gc.enable()


# State


@pytest.mark.parametrize("as_array", [False, True])
def test_backprop_twice_adds_once_more_to_leaves_exactly(as_array: bool) -> None:
    a, b = (Node([1.1, 2.3]), Node([0.7, -0.2])) if as_array else (Node(1.1), Node(0.7))
    u = a * b
    loss = (u * u.sin() + u * a + 0.1 * a).sum()
    loss.backprop()
    first = a.grad.copy() if as_array else a.grad, b.grad, u.grad
    loss.backprop()
    assert np.array_equal(a.grad, 2 * first[0])
    assert np.array_equal(b.grad, 2 * first[1])
    assert np.array_equal(u.grad, first[2])


def test_backprop_of_two_outputs_adds_their_gradients() -> None:
    a = Node(2.0)
    u = a * a
    v, w = u * 3, u * u
    v.backprop()
    w.backprop()
    assert (a.grad, u.grad) == (12.0 + 32.0, 8.0)
    v.backprop()
    assert (a.grad, u.grad) == (56.0, 3.0)


def test_backprop_of_a_leaf_gives_it_gradient_one() -> None:
    a = Node(2.0)
    a.backprop()
    a.backprop()
    assert a.grad == 2.0


@pytest.mark.parametrize("name", sorted(set(RULES) - {"index", "reshape", "transpose", "clip", "where"}))
def test_graph_keeps_its_values_when_operands_are_assigned(name: str) -> None:
    def result(*, disturbed: bool) -> list[Any]:
        operands = [Node([[0.3, 0.6], [0.2, 0.5]]), Node([[0.4, 0.1], [0.7, 0.8]])]
        z = _apply(name, operands)
        if disturbed:
            for operand in operands:
                live = operand.value
                live += 5  # in place
                operand.value = live * 7
                z.value = z.value * 0 - 3
        else:
            z = z + 0  # an assigned value stands in a node of its own
        z.backprop(np.arange(1.0, 1 + z.size).reshape(z.shape) if z.shape else 2.0)
        return [operand.grad for operand in operands]

    for got, expected in zip(result(disturbed=True), result(disturbed=False), strict=True):
        assert np.array_equal(got, expected)


REDUCTIONS = ("sum", "mean", "prod", "max", "min", "logsumexp")


def _apply(name: str, operands: list[Node]) -> Node:
    options: dict[str, Any] = {
        "squeeze": {"axis": None},
        "expand_dims": {"axis": 0},
        "broadcast_to": {"shape": (2, 2, 2)},
        **{name: {"axis": -1} for name in ("softmax", "log_softmax", "concatenate", "stack")},
        **{name: {"axis": 0, "keepdims": False} for name in REDUCTIONS},
    }
    rule = RULES[name]
    count = 2 if name in {"concatenate", "stack"} else len(rule.derivatives)
    result: Node = rule(*operands[:count], **options.get(name, {}))
    return result


def test_scalar_graph_keeps_its_values_when_nodes_are_assigned() -> None:
    a, b = Node(2.0), Node(5.0)
    u = a**b
    v = u.tanh() * u / b
    a.value, b.value, u.value, v.value = 7.0, 8.0, 9.0, 10.0
    v.backprop()
    c, d = Node(2.0), Node(5.0)
    w = c**d
    (w.tanh() * w / d).backprop()
    assert (a.grad, b.grad, u.grad) == (c.grad, d.grad, w.grad)


def test_assigned_value_is_what_later_operations_use() -> None:
    a = Node(2.0)
    u = a * a
    u.value = 10.0
    z = u * u
    z.backprop()
    assert (u.value, z.value, a.grad) == (10.0, 100.0, 80.0)


def test_derivatives_of_derivatives_use_the_values_of_the_forward_pass() -> None:
    for start, other in ((3.0, 10.0), (np.array([3.0, 2.0]), np.array([10.0, 20.0]))):
        x = Node(start)
        z = (x * x * x).sum()
        x.value = other
        first = gradients(z, x, create_graph=True)
        assert np.array_equal(first.value, 3 * start**2)
        assert np.array_equal(gradients(first.sum(), x), 6 * start)


def test_interrupted_backprop_leaves_the_graph_usable(monkeypatch: pytest.MonkeyPatch) -> None:
    x = Node(2.0)
    z = x.exp() * x
    x.grad = 5.0
    with monkeypatch.context() as patch:
        patch.setattr("nn_from_scratch.rule.Elementwise.pullback", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            z.backprop()
    assert x.grad == 5.0
    x.grad = 0
    z.backprop()
    np.testing.assert_allclose(x.grad, 3 * np.exp(2.0), rtol=1e-15)


def _interrupt(*_: Any) -> float:
    raise KeyboardInterrupt


def test_backprop_in_several_threads_at_once_loses_nothing() -> None:
    shared = Node(2.0)
    middle = shared * 1.0
    graphs = [middle * middle + middle * k for k in range(4)]
    threads = [threading.Thread(target=lambda z=z: [z.backprop() for _ in range(300)]) for z in graphs]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert shared.grad == 300 * sum(4 + k for k in range(4))
