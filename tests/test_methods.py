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


@pytest.mark.parametrize("left", [7, -7.5, np.array([2.0, -3.0]), np.float64(4.5)])
def test_division_with_remainder_gives_whole_numbers_and_a_node(left: Any) -> None:
    right = np.array([2.0, -1.5])
    pairs: list[tuple[Any, Any]] = [(left, Node(right)), (Node(left), right), (Node(left), Node(right))]
    for x, y in pairs:
        whole, remainder = divmod(x, y)
        assert type(remainder) is Node
        assert isinstance(whole, np.ndarray)
        assert np.array_equal(whole, left // right)
        assert np.array_equal(remainder.value, left % right)
        assert np.array_equal(x // y, whole)
        assert np.array_equal((x % y).value, remainder.value)
    node = Node(right)
    (left % node).sum().backprop()
    assert np.array_equal(node.grad, -(left // right))
    assert (+node).value.tolist() == right.tolist()
    assert "%s" % Node(1.5) == "Node(1.5)"  # noqa: UP031 - text has a remainder of its own


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
    assert list(inspect.signature(Node(1.0).std).parameters)[:5] == [
        "axis",
        "dtype",
        "out",
        "ddof",
        "keepdims",
    ]


MASK = np.array([True, False, True])


@pytest.mark.parametrize(
    "call",
    [
        lambda x: x.sum(0, None, None, True),
        lambda x: x.sum(axis=0, keepdims=True, initial=2.0, where=MASK),
        lambda x: x.sum(dtype=np.float32),
        lambda x: x.mean(0, np.float32, None, True),
        lambda x: x.mean(where=MASK),
        lambda x: x.prod(initial=3.0),
        lambda x: x.prod(1, None, None, False, 3.0, MASK),
        lambda x: x.max(0, None, True),
        lambda x: x.max(initial=0.5),
        lambda x: x.min(where=MASK, initial=0.0),
        lambda x: x.var(0, None, None, 1),
        lambda x: x.var(where=MASK),
        lambda x: x.std(dtype=np.float32),
        lambda x: x.std(0, None, None, 1, True),
        lambda x: x.cumsum(dtype=np.float32),
        lambda x: x.cumprod(1, np.float32),
        lambda x: x.clip(min=0),
        lambda x: x.clip(max=0),
        lambda x: x.clip(0, max=1),
        lambda x: x.astype(float, copy=False),
        lambda x: x.astype(np.float32, "C", "same_kind"),
        lambda x: x.reshape((3, 2), order="F"),
        lambda x: x.reshape(3, 2, order="F"),
        lambda x: x.flatten("F"),
        lambda x: x.ravel(order="F"),
        lambda x: x.take([0, 4], 1, mode="clip"),
        lambda x: x.take([0, 4], 1, None, "clip"),
        lambda x: x.argmax(keepdims=True),
        lambda x: x.argmin(axis=0, keepdims=True),
        lambda x: x.any(keepdims=True),
        lambda x: x.all(where=MASK),
        lambda x: x.argsort(stable=True),
        lambda x: x.round(decimals=1),
        lambda x: x.item(3),
        lambda x: x.item(0, 1),
    ],
)
def test_method_takes_what_that_of_an_array_takes(call: Callable[[Any], Any]) -> None:
    x = np.random.default_rng(0).uniform(-2, 2, (2, 3))
    got, expected = call(Node(x)), call(x)
    z = got.value if isinstance(got, Node) else got
    assert np.result_type(z) == np.result_type(expected)
    assert np.shape(z) == np.shape(expected)
    np.testing.assert_allclose(z, expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda x: x.sum(strange=1), TypeError),
        (lambda x: x.sum(out=np.zeros(())), TypeError),
        (lambda x: x.clip(0, 1, np.zeros((2, 3))), TypeError),
        (lambda x: x.sum(where=np.ones(3)), TypeError),
        (lambda x: x.sum(where=np.ones((2, 2, 3), bool)), ValueError),
        (lambda x: x.max(where=MASK), ValueError),
        (lambda x: x.astype(np.float32, casting="safe"), TypeError),
    ],
)
def test_method_refuses_what_that_of_an_array_refuses_and_out(
    call: Callable[[Any], Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        call(Node(np.ones((2, 3))))


def test_gradient_goes_through_the_arguments_of_methods() -> None:
    x = Node(np.array([[3.0, 2.0, 5.0]]))
    x.prod(1, None, None, False, 2.0, MASK).sum().backprop()
    assert np.array_equal(x.grad, [[10.0, 0.0, 6.0]])
