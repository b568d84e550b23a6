"""What values are: which precision nodes hold, how precisions meet, and what is no value."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import pytest

from nn_from_scratch import Node, gradients


def test_node_holds_float64_unless_given_another_precision() -> None:
    assert type(Node(3).value) is float
    assert type(Node(np.float64(3)).value) is float
    assert type(Node(np.array(3)).value) is float
    assert Node([1, 2]).value.dtype == np.float64
    assert Node([True, False]).value.dtype == np.float64
    assert Node(np.array([1, 2], np.float32)).value.dtype == np.float32
    assert Node(np.float32(1)).value.dtype == np.float32


def test_float32_meets_python_numbers_as_numpy_has_it_and_float64_never_becomes_less() -> None:
    single = Node(np.array([1, 2], np.float32))
    assert (single * 2.0).dtype == np.float32
    assert (single**2).dtype == np.float32
    assert (single * Node(2.0)).dtype == np.float64
    assert (single * np.float64(2.0)).dtype == np.float64
    assert (single * Node([1.0, 1.0])).dtype == np.float64
    assert single.sum().dtype == np.float32


@pytest.mark.parametrize(
    "number", [3, 3.0, np.int64(3), np.uint8(3), np.float64(3), np.float32(3), np.bool_(1)]
)
@pytest.mark.parametrize("operation", [operator.add, operator.sub, operator.mul, operator.truediv])
def test_numbers_of_every_kind_meet_a_scalar_node_on_either_side(number: Any, operation: Any) -> None:
    x = Node(2.0)
    for z, expected, slope in (
        (
            operation(number, x),
            operation(float(number), 2.0),
            gradients(operation(Node(float(number)), x), x),
        ),
        (
            operation(x, number),
            operation(2.0, float(number)),
            gradients(operation(x, Node(float(number))), x),
        ),
    ):
        assert type(z.value) is float
        assert z.value == expected
        assert gradients(z, x) == slope
        assert gradients(z, x, create_graph=True).value == slope


def test_number_of_higher_precision_is_not_cut_down() -> None:
    number = np.longdouble(1) + np.finfo(np.longdouble).eps
    assert (number - Node(1.0)).value == number - 1
    assert (np.float64(2.0) - Node(np.ones(2, np.float32))).dtype == np.float64


def test_cotangent_takes_the_precision_of_the_value() -> None:
    single = Node(np.ones(2, np.float32))
    z = single * 2
    z.backprop(np.array([0.1, 0.2]))
    assert z.grad.dtype == np.float32
    assert single.grad.dtype == np.float32


def test_gradient_of_mixed_precision_has_the_precision_of_each_operand() -> None:
    single, double, scalar = Node(np.array([1, 2], np.float32)), Node([0.1, 0.2]), Node(0.3)
    z = (single * double * scalar).sum()
    z.backprop()
    assert single.grad.dtype == np.float32
    assert double.grad.dtype == np.float64
    assert type(scalar.grad) is float
    np.testing.assert_allclose(double.grad, [0.3, 0.6], rtol=1e-15)
    assert gradients(z, single, create_graph=True).dtype == np.float32


@pytest.mark.parametrize("bad", ["a", 1j, None, np.array([None]), [1, "a"], [[1], [1, 2]], object(), 10**400])
def test_what_is_no_real_number_is_refused_by_name(bad: object) -> None:
    with pytest.raises(TypeError, match="Node: expected real numbers, got"):
        Node(bad)
    with pytest.raises(TypeError, match="add: expected real numbers, got"):
        Node(1.0) + bad
    with pytest.raises(TypeError, match="maximum: expected real numbers, got"):
        Node([1.0]).maximum(bad)
    with pytest.raises(TypeError, match=r"Node.value: expected real numbers, got"):
        Node(1.0).value = bad
