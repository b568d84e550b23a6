"""`gradients` and `value_and_gradient`, and derivatives of derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nn_from_scratch import Node, gradients, no_grad, value_and_gradient


def test_gradients_leaves_grad_alone() -> None:
    a = Node([1.0, 2.0])
    u = a * a
    z = u.sum()
    z.backprop()
    before = a.grad.copy(), u.grad, z.grad
    assert np.array_equal(gradients(z * 5, a), [10.0, 20.0])
    assert np.array_equal(a.grad, before[0])
    assert np.array_equal(u.grad, before[1])
    assert z.grad == before[2]


def test_gradients_by_several_nodes_inner_ones_and_strangers() -> None:
    a, b, stranger = Node(2.0), Node([1.0, 3.0]), Node(np.ones(2, np.float32))
    u = a * b
    found = gradients((u * u).sum(), [a, u, stranger, b])
    assert found[0] == 2 * 2.0 * 10.0
    assert np.array_equal(found[1], [4.0, 12.0])
    assert np.array_equal(found[2], [0.0, 0.0])
    assert found[2].dtype == np.float32
    assert np.array_equal(found[3], [8.0, 24.0])
    assert gradients(a, (a,)) == [1.0]


def test_gradients_share_no_memory_with_one_another_or_the_cotangent() -> None:
    a, b = Node([1.0, 2.0]), Node([3.0, 4.0])
    cotangent = np.array([5.0, 6.0])
    first, second = gradients(a + b, [a, b], cotangent)
    first[:] = 0
    assert np.array_equal(second, [5.0, 6.0])
    assert np.array_equal(cotangent, [5.0, 6.0])


@pytest.mark.parametrize("bad", [1.0, np.ones(2), "x"])
def test_gradients_says_what_is_no_node(bad: Any) -> None:
    a = Node(1.0)
    with pytest.raises(TypeError, match="gradients: expected Nodes, got"):
        gradients(a * 2, [a, bad])
    with pytest.raises(TypeError, match="gradients: expected Nodes, got"):
        gradients(bad, a)


def test_create_graph_gives_all_higher_derivatives_of_a_polynomial() -> None:
    x = Node(2.0)
    derivative: Node = x**5 - 3 * x**3
    for expected in (44.0, 124.0, 222.0, 240.0, 120.0, 0.0):
        derivative = gradients(derivative, x, create_graph=True)
        assert derivative.value == expected


def test_backprop_with_create_graph_makes_grad_a_node() -> None:
    x = Node([1.0, 2.0])
    (x**3).sum().backprop(create_graph=True)
    penalty = (x.grad * x.grad).sum()
    x.grad = 0
    penalty.backprop()
    np.testing.assert_allclose(x.grad, 36 * np.array([1.0, 2.0]) ** 3, rtol=1e-15)


def test_hessian_vector_product_agrees_with_the_closed_form() -> None:
    generator = np.random.default_rng(0)
    matrix, start, vector = generator.normal(size=(4, 4)), generator.normal(size=4), generator.normal(size=4)
    x = Node(start)
    z = x @ matrix @ x + (x**4).sum()
    product = gradients(gradients(z, x, create_graph=True) @ vector, x)
    expected = (matrix + matrix.T + np.diag(12 * start**2)) @ vector
    np.testing.assert_allclose(product, expected, rtol=1e-13)


def test_third_derivatives_of_every_smooth_function_of_one_operand() -> None:
    closed_forms: dict[str, Any] = {
        "exp": np.exp,
        "expm1": np.exp,
        "log": lambda x: 2 / x**3,
        "log1p": lambda x: 2 / (1 + x) ** 3,
        "sqrt": lambda x: 3 / 8 * x**-2.5,
        "sin": lambda x: -np.cos(x),
        "cos": np.sin,
        "tan": lambda x: (2 + 6 * np.tan(x) ** 2) * (1 + np.tan(x) ** 2),
        "arcsin": lambda x: (1 + 2 * x * x) / (1 - x * x) ** 2.5,
        "arccos": lambda x: -(1 + 2 * x * x) / (1 - x * x) ** 2.5,
        "arctan": lambda x: (6 * x * x - 2) / (1 + x * x) ** 3,
        "sinh": np.cosh,
        "cosh": np.sinh,
        "tanh": lambda x: (6 * np.tanh(x) ** 2 - 2) * (1 - np.tanh(x) ** 2),
        "reciprocal": lambda x: -6 / x**4,
        "square": lambda x: 0 * x,
        "sigmoid": lambda x: (1 - 6 * _s(x) * (1 - _s(x))) * _s(x) * (1 - _s(x)),
        "softplus": lambda x: (1 - 2 * _s(x)) * _s(x) * (1 - _s(x)),
    }
    for start in (0.37, np.array([0.2, 0.8])):
        for name, expected in closed_forms.items():
            x = Node(start)
            z = getattr(x, name)().sum()
            for _ in range(2):
                z = gradients(z, x, create_graph=True).sum()
            np.testing.assert_allclose(gradients(z, x), expected(start), rtol=1e-12, atol=1e-13, err_msg=name)


def _s(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def test_value_and_gradient_takes_numbers_and_arrays() -> None:
    assert value_and_gradient(lambda x: x * x)(3.0) == (9.0, 6.0)
    value, (by_x, by_y) = value_and_gradient(lambda x, y: (x * y).sum())([1.0, 2.0], 3)
    assert (value, by_y) == (9.0, 3.0)
    assert np.array_equal(by_x, [3.0, 3.0])
    assert value_and_gradient(lambda _: 7.0)(3.0) == (7.0, 0.0)


def test_value_and_gradient_nests() -> None:
    def slope(x: Any) -> Any:
        return value_and_gradient(_cubed)(x)[1]

    def curvature(x: Any) -> Any:
        return value_and_gradient(slope)(x)[1]

    assert value_and_gradient(curvature)(2.0) == (12.0, 6.0)


def _cubed(x: Any) -> Any:
    return x * x * x


def test_value_and_gradient_does_not_confuse_one_argument_with_another() -> None:
    def inner_slope(x: Node) -> Any:
        return x * value_and_gradient(lambda y: x + y)(x)[1]  # d(x + y)/dy is 1, whatever y is

    assert value_and_gradient(inner_slope)(3.0) == (3.0, 1.0)


def test_value_and_gradient_differentiates_inside_no_grad() -> None:
    with no_grad():
        assert value_and_gradient(lambda x: x * x)(3.0) == (9.0, 6.0)


def test_value_and_gradient_keeps_the_name_of_the_function() -> None:
    assert value_and_gradient(_cubed).__name__ == "_cubed"
