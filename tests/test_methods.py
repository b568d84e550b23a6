"""Operators, methods and Python's protocols on nodes."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from nn_from_scratch import Node
from nn_from_scratch.rules import RULES


@pytest.mark.parametrize("left", [2, 2.0, np.float64(2), np.int64(2), np.float32(2), np.array([2.0, 3.0])])
@pytest.mark.parametrize("right", [5.0, np.array([5.0, 7.0])])
def test_reflected_operators_give_nodes_with_the_right_value_and_gradient(left: Any, right: Any) -> None:
    plain: list[Callable[[Any, Any], Any]] = [
        lambda x, y: x + y,
        lambda x, y: x - y,
        lambda x, y: x * y,
        lambda x, y: x / y,
        lambda x, y: x**y,
    ]
    slopes: list[Callable[[Any, Any], Any]] = [
        lambda x, y: 1 + 0 * x * y,
        lambda x, y: -1 + 0 * x * y,
        lambda x, y: x + 0 * y,
        lambda x, y: -x / y**2,
        lambda x, y: np.log(x) * x**y,
    ]
    for operation, slope in zip(plain, slopes, strict=True):
        node = Node(right)
        z = operation(left, node)
        assert type(z) is Node
        np.testing.assert_allclose(z.value, operation(np.float64(left), right), rtol=1e-15)
        z.sum().backprop()
        expected = slope(np.float64(left), right)
        expected = expected if np.shape(right) else np.sum(expected)
        np.testing.assert_allclose(node.grad, expected, rtol=1e-14)


def test_matrix_products_with_arrays_give_nodes() -> None:
    a = np.arange(6.0).reshape(2, 3)
    for z in (a @ Node(a.T), Node(a) @ a.T, np.matmul(Node(a), a.T)):
        assert type(z) is Node
        assert np.array_equal(z.value, a @ a.T)


def test_comparisons_give_plain_truth_values() -> None:
    x = Node([1.0, 2.0])
    assert np.array_equal(x < 2, [True, False])
    assert np.array_equal(x >= Node([1.0, 3.0]), [True, False])
    assert np.array_equal(x == 1, [True, False])
    assert np.array_equal(np.array([0.0, 5.0]) > x, [False, True])
    assert np.array_equal(np.isnan(x), [False, False])
    assert Node(2.0) > 1
    assert Node(2.0) <= Node(2.0)
    assert Node(2.0) != 3
    assert not Node(0.0)
    assert len({Node(1.0), Node(1.0)}) == 2


def test_node_looks_like_its_value() -> None:
    x = Node(np.arange(6.0).reshape(2, 3))
    assert (len(x), x.shape, x.ndim, x.size, x.T.shape, x.dtype) == (2, (2, 3), 2, 6, (3, 2), np.float64)
    assert [row.value.tolist() for row in x] == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
    assert (Node(2.5).shape, Node(2.5).size) == ((), 1)
    assert repr(Node(2.5)) == "Node(2.5)"
    assert repr(x) == "Node(array([[0., 1., 2.],\n       [3., 4., 5.]]))"
    with pytest.raises(TypeError, match="len"):
        len(Node(1.0))
    with pytest.raises(TypeError):
        list(Node(1.0))


def test_sum_of_python_takes_nodes() -> None:
    parts = [Node(1.0), Node(2.0), Node(3.0)]
    total: Any = sum(parts)
    total.backprop()
    assert total.value == 6.0
    assert [part.grad for part in parts] == [1.0, 1.0, 1.0]


def test_astype_changes_the_precision_and_takes_the_gradient_back() -> None:
    x = Node([0.1, 0.2])
    z = x.astype(np.float32) * np.float32(3)
    assert z.dtype == np.float32
    z.sum().backprop()
    assert x.grad.dtype == np.float64
    assert np.array_equal(x.grad, [3.0, 3.0])


def test_every_method_says_what_it_does_and_takes() -> None:
    methods = [name for name in RULES if hasattr(Node, name)]
    assert set(RULES) - set(methods) == {
        *("add", "sub", "mul", "div", "pow", "neg", "matmul", "index"),  # operators
        *("where", "concatenate", "stack"),  # numpy's functions
    }
    for name in methods:
        method = getattr(Node, name)
        assert method.__name__ == name
        assert method.__doc__.startswith("Return ")
    assert list(inspect.signature(Node.sum).parameters) == ["self", "axis", "keepdims"]
