"""`Node`: what it holds and hands out, the edges of domains, errors, and `no_grad`."""

from __future__ import annotations

import copy
import math
import pickle
import threading
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from nn_from_scratch import Node, no_grad


def test_value_of_a_leaf_is_live_for_what_is_computed_afterwards() -> None:
    w = Node([1.0, 2.0])
    live = w.value
    before = (w * w).sum()
    live[0] = 10.0
    after = (w * w).sum()
    live[0] = 100.0
    assert (before.value, after.value) == (5.0, 104.0)
    after.backprop()
    assert np.array_equal(w.grad, [20.0, 4.0])


def test_value_of_a_computed_array_cannot_be_edited() -> None:
    value = (Node([1.0, 2.0]) * 2).value
    with pytest.raises(ValueError, match="read-only"):
        value[0] = 3.0


def test_node_shares_no_memory_with_what_it_was_given() -> None:
    given = np.array([1.0, 2.0])
    factor = np.array([3.0, 4.0])
    index = np.array([0, 0])
    node = Node(given)
    z = ((node * factor)[None, index, ...] + (node * factor)[index]).sum() / 2
    given[:] = factor[:] = index[:] = 1
    z.backprop()
    assert np.array_equal(node.value, [1.0, 2.0])
    assert np.array_equal(node.grad, [6.0, 0.0])
    cotangent = np.array([1.0, 2.0])
    node.grad = 0
    node.backprop(cotangent)
    cotangent[:] = 9
    assert np.array_equal(node.grad, [1.0, 2.0])


def test_gradients_share_no_memory() -> None:
    a, b = Node([1.0, 2.0]), Node([3.0, 4.0])
    u = a + b
    v = u.reshape(1, 2)
    cotangent = np.array([[1.0, 2.0]])
    v.backprop(cotangent)
    found = [a.grad, b.grad, u.grad, v.grad, cotangent]
    for position, one in enumerate(found):
        for other in found[position + 1 :]:
            assert not np.shares_memory(one, other)
    a.grad[:] = 7
    assert np.array_equal(b.grad, [1.0, 2.0])
    leaf, seed = Node([1.0, 2.0]), Node([3.0, 4.0])
    leaf.backprop(seed)
    leaf.grad[:] = 7
    assert np.array_equal(seed.value, [3.0, 4.0])


def test_grad_can_be_zeroed_assigned_and_edited() -> None:
    w = Node([1.0, 2.0])
    assert np.array_equal(w.grad, [0.0, 0.0])
    (w * 3).sum().backprop()
    w.grad *= 2
    w.grad[0] = 5
    (w * 3).sum().backprop()
    assert np.array_equal(w.grad, [8.0, 9.0])
    w.grad = 0
    assert np.array_equal(w.grad, [0.0, 0.0])
    w.grad = np.ones(2)
    (w * 3).sum().backprop()
    assert np.array_equal(w.grad, [4.0, 4.0])


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda leaf: pickle.loads(pickle.dumps(leaf))])  # noqa: S301
@pytest.mark.parametrize("lent", [False, True])
def test_copy_of_a_leaf_is_a_leaf(again: Callable[[Node], Node], lent: bool) -> None:
    leaf = Node([1.0, 2.0])
    if lent:
        _ = leaf.value
    w = again(leaf)
    z = (w * w).sum()
    w.value[0] = 10.0
    z.backprop()
    assert np.array_equal(w.grad, [2.0, 4.0])
    assert (w * w).sum().value == 104.0


# Outside the domain


@pytest.mark.parametrize(
    ("operation", "operand"),
    [
        (np.log, 0.0),
        (np.log, -1.0),
        (np.sqrt, -1.0),
        (np.arcsin, 2.0),
        (np.exp, 1000.0),
        (np.sinh, 1000.0),
        (np.log1p, -1.0),
        (lambda x: 1.0 / x, 0.0),
        (lambda x: x / 0.0, 1.0),
        (np.reciprocal, 0.0),
        (lambda x: x**-1.0, 0.0),
        (lambda x: x**0.5, -2.0),
        (lambda x: x**400.0, 10.0),
    ],
)
def test_result_outside_the_domain_is_that_of_numpy_with_its_warning(operation: Any, operand: float) -> None:
    with warnings.catch_warnings(record=True) as expected_warnings:
        warnings.simplefilter("always")
        expected = operation(np.float64(operand))
    for given in (operand, [operand]):
        x = Node(given)
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            z = operation(x)
        assert [w.category for w in found] == [w.category for w in expected_warnings]
        assert np.array_equal(z.value, np.full(x.shape, expected), equal_nan=True)
        z.sum().backprop()  # without a warning


@pytest.mark.parametrize(
    ("operation", "operand", "expected"),
    [
        (np.sqrt, 0.0, np.inf),
        (lambda x: x**0.5, 0.0, np.inf),
        (lambda x: x**1.5, -1.0, np.nan),
        (np.arcsin, 1.0, np.inf),
    ],
)
def test_derivative_at_the_edge_of_the_domain_is_that_of_numpy(
    operation: Any, operand: float, expected: float
) -> None:
    for given in (operand, [operand]):
        x = Node(given)
        with np.errstate(invalid="ignore"):
            operation(x).sum().backprop()
        assert np.array_equal(x.grad, np.full(x.shape, expected), equal_nan=True)


# Errors


def test_shapes_that_do_not_fit_are_named() -> None:
    with pytest.raises(ValueError, match=r"mul of shapes \(3,\), \(4,\)"):
        Node(np.ones(3)) * np.ones(4)
    with pytest.raises(ValueError, match=r"matmul of shapes \(2, 3\), \(2, 3\)"):
        Node(np.ones((2, 3))) @ Node(np.ones((2, 3)))
    with pytest.raises(ValueError, match=r"sum of shapes \(3,\)"):
        Node(np.ones(3)).sum(axis=1)
    with pytest.raises(IndexError, match="out of bounds"):
        Node(np.ones(3))[3]


def test_backprop_says_which_cotangent_it_needs() -> None:
    with pytest.raises(ValueError, match=r"array of shape \(3,\) needs a cotangent"):
        Node(np.ones(3)).backprop()
    with pytest.raises(ValueError, match=r"shape \(3,\) got a cotangent of shape \(2,\)"):
        Node(np.ones(3)).backprop(np.ones(2))
    with pytest.raises(ValueError, match=r"shape \(\) got a cotangent of shape \(1,\)"):
        Node(1.0).backprop([1.0])
    with pytest.raises(TypeError, match="backprop: expected real numbers"):
        Node(1.0).backprop("1")


# Without a graph


def test_no_grad_computes_the_same_values_and_remembers_nothing() -> None:
    x = Node([1.0, 2.0])
    with no_grad():
        z = (x * x).sum() + 1.0
    z.backprop()
    assert (z.value, z.grad) == (6.0, 1.0)
    assert np.array_equal(x.grad, [0.0, 0.0])
    y = (x * x).sum()
    y.backprop()
    assert np.array_equal(x.grad, [2.0, 4.0])


def test_no_grad_ends_with_an_error_and_holds_for_its_thread_only() -> None:
    x = Node(3.0)
    with pytest.raises(ZeroDivisionError), no_grad():
        _ = 1 / 0
    found: list[Node] = []
    with no_grad():
        thread = threading.Thread(target=lambda: found.append(x * x))
        thread.start()
        thread.join()
    for z in (*found, x * x):
        x.grad = 0
        z.backprop()
        assert x.grad == 6.0


def test_no_grad_can_be_taken_back_inside() -> None:
    x = Node(3.0)
    with no_grad():
        with no_grad(recording=True):
            remembered = x * x
        forgotten = x * x
    forgotten.backprop()
    assert x.grad == 0.0
    remembered.backprop()
    assert x.grad == 6.0


def test_no_grad_is_a_decorator_too() -> None:
    x = Node(3.0)
    z = no_grad()(lambda: x * x)()
    z.backprop()
    assert (z.value, x.grad) == (9.0, 0.0)


@pytest.mark.once
def test_number_on_the_left_is_what_it_is_on_the_right() -> None:
    """Python's `sum` begins with the integer 0, which has a way of its own."""
    x = Node(-0.0)
    total: Any = sum([x, x, Node(2.0)])
    total.backprop()
    assert (total.value, x.grad) == (2.0, 2.0)
    for number in (0, False, 3, True, 0.0, np.int64(0), np.float64(0.0)):
        left, right = number + Node(-0.0), Node(-0.0) + number
        assert math.copysign(1.0, left.value) == math.copysign(1.0, right.value) == 1.0
        assert left.value == right.value == number
    assert (0 + Node(np.ones(2, np.float32))).dtype == np.float32
    with pytest.raises(TypeError, match="real numbers"):
        10**400 + Node(1.0)


@pytest.mark.once
def test_what_is_assigned_is_copied_whoever_holds_it() -> None:
    w = Node([1.0, 2.0])
    held = w.value
    w.value = held  # its own array comes back, as from `w.value += 1`
    held[0] = 7.0
    assert np.array_equal((w * 1.0).value, [1.0, 2.0])
    _ = w.value
    w.value = [3, 4]
    assert w.dtype == np.float64
    assert np.array_equal((w * 1.0).value, [3.0, 4.0])
    live = w.value
    with pytest.raises(TypeError, match="real numbers"):
        w.value = "text"
    live[0] = 5.0
    assert np.array_equal((w * 1.0).value, [5.0, 4.0])
