"""Derivatives of functions: trees of parameters, Jacobians and Hessians; rules of one's own; pictures."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections import OrderedDict, namedtuple
from typing import Any, NamedTuple

import numpy as np
import pytest

from nn_from_scratch import (
    MLP,
    Node,
    array,
    checkpoint,
    custom,
    gradients,
    hessian,
    hvp,
    jacobian,
    jvp,
    no_grad,
    replay,
    value_and_gradient,
)
from nn_from_scratch.verify import GradientError, check_gradient

X = np.random.default_rng(0).uniform(-1, 1, (5, 3))


def test_gradient_has_the_shape_of_nested_parameters() -> None:
    Pair = namedtuple("Pair", ["scale", "shift"])  # noqa: PYI024
    parameters = {
        "layers": [{"w": np.ones((3, 2)), "b": np.zeros(2)}, {"w": np.full((2, 2), 0.5), "b": np.ones(2)}],
        "pair": Pair(2.0, np.array([1.0, 2.0])),
        "nothing": None,
        "list": [1.0, 2.0],
    }

    def loss(p: Any) -> Any:
        h = np.tanh(X @ p["layers"][0]["w"] + p["layers"][0]["b"])
        y = h @ p["layers"][1]["w"] + p["layers"][1]["b"]
        return (y * p["pair"].scale + p["pair"].shift).sum() + (p["list"] ** 2).sum()

    value, gradient = value_and_gradient(loss)(parameters)
    assert type(gradient["pair"]) is Pair
    assert gradient["nothing"] is None
    assert np.array_equal(gradient["pair"].shift, [5.0, 5.0])
    assert np.array_equal(gradient["list"], [2.0, 4.0])
    assert [layer["w"].shape for layer in gradient["layers"]] == [(3, 2), (2, 2)]
    assert type(gradient["pair"].scale) is float
    assert np.allclose(gradient["layers"][1]["b"], [10.0, 10.0])
    again, (by_dict, by_number) = value_and_gradient(lambda p, s: loss(p) * s)(parameters, 2.0)
    assert again == 2 * value
    assert by_number == pytest.approx(value)
    assert np.allclose(by_dict["layers"][0]["w"], 2 * gradient["layers"][0]["w"])


def test_list_of_equal_arrays_is_a_list_and_of_numbers_an_array() -> None:
    _, both = value_and_gradient(lambda ws: (ws[0] @ ws[1]).sum())([np.eye(2), np.ones((2, 2))])
    assert type(both) is list
    assert np.array_equal(both[0], [[2.0, 2.0], [2.0, 2.0]])
    _, one = value_and_gradient(lambda w: (w * w).sum())([1.0, 2.0])
    assert np.array_equal(one, [2.0, 4.0])


def field(x: Any) -> Any:
    return np.stack([x[0] * x[1], np.sin(x[2]), x[0] ** 2 * x[2]])


def rosenbrock(x: Any) -> Any:
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def test_jacobian_and_hessian_are_those_of_calculus() -> None:
    x, y, z = point = np.array([0.5, -1.0, 2.0])
    expected = np.array([[y, x, 0], [0, 0, np.cos(z)], [2 * x * z, 0, x * x]])
    np.testing.assert_allclose(jacobian(field)(point), expected, rtol=1e-15)
    two = np.array([-1.2, 1.0])
    second = [[1200 * 1.44 - 400 + 2, 480.0], [480.0, 200.0]]
    np.testing.assert_allclose(hessian(rosenbrock)(two), second, rtol=1e-13)
    assert hessian(lambda a: a**3)(2.0) == pytest.approx(12.0)
    assert jacobian(lambda a: np.outer(a, a))(np.ones(2)).shape == (2, 2, 2)
    node = Node(point)
    assert gradients(jacobian(field)(node).sum(), node).shape == (3,)


def test_products_are_those_with_jacobian_and_hessian() -> None:
    point, direction = np.array([0.5, -1.0, 2.0]), np.array([1.0, 2.0, -0.5])
    value, along = jvp(field, point, direction)
    np.testing.assert_allclose(value, field(point))
    np.testing.assert_allclose(along, jacobian(field)(point) @ direction, rtol=1e-14)
    np.testing.assert_allclose(
        hvp(rosenbrock, point, direction), hessian(rosenbrock)(point) @ direction, rtol=1e-13
    )
    _, of_tree = jvp(
        lambda p: p["a"] * p["b"], {"a": 2.0, "b": np.ones(2)}, {"a": 1.0, "b": np.array([3.0, 4.0])}
    )
    np.testing.assert_allclose(of_tree, [7.0, 9.0])
    assert jvp(lambda a: 3.0, 1.0, 1.0) == (3.0, 0.0)
    with no_grad():
        np.testing.assert_allclose(jvp(np.sin, 0.5, 2.0)[1], 2 * np.cos(0.5))
    with pytest.raises(
        ValueError, match=r"a direction needs the shapes of the inputs, \[\(3,\)\], got \[\(2,\)\]"
    ):
        jvp(field, point, np.ones(2))


# Rules of one's own


def test_custom_rule_is_differentiated_and_checked_in_one_line() -> None:
    softsign = custom(lambda x: x / (1 + np.abs(x)), lambda x, g: g / (1 + np.abs(x)) ** 2)
    x = Node([0.5, -2.0])
    np.testing.assert_allclose(gradients((softsign(x) * 3).sum(), x), 3 / (1 + np.abs(x.value)) ** 2)
    graph = gradients(softsign(x).sum(), x, create_graph=True)
    np.testing.assert_allclose(gradients(graph.sum(), x), [-2 / 1.5**3, 2 / 27])
    assert check_gradient(softsign, np.array([0.5, -2.0]))
    wrong = custom(lambda x: x / (1 + np.abs(x)), lambda x, g: g / (1 + np.abs(x)))
    with pytest.raises(GradientError):
        check_gradient(wrong, np.array([0.5, -2.0]))
    assert softsign(1.0) == 0.5


def test_custom_rule_of_several_operands_asks_its_gradient_once() -> None:
    calls = []

    def gradient(x: Any, y: Any, g: Any) -> Any:
        calls.append(1)
        return g * y, g * x

    product = custom(np.multiply, gradient)
    x, y = Node([1.0, 2.0]), Node([3.0, 4.0])
    by_x, by_y = gradients((product(x, y) + product(y, x)).sum(), [x, y])
    assert np.array_equal(by_x, [6.0, 8.0])
    assert np.array_equal(by_y, [2.0, 4.0])
    assert len(calls) == 2
    a = Node(2.0)
    assert gradients(product(a, a) * product(a, 3.0), a) == 36.0


@pytest.mark.parametrize(
    ("gradient", "message"),
    [
        (lambda x, g: (g, g), "its gradient gave 2 cotangents for 1 operands"),
        (lambda x, g: g.sum(), r"its gradient has shape \(\) for an operand of \(2,\)"),
    ],
)
def test_custom_rule_that_does_not_fit_is_refused(gradient: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        custom(np.sin, gradient)(Node([1.0, 2.0])).sum().backprop()


def test_checkpoint_computes_once_more_and_has_the_same_derivatives() -> None:
    runs = []

    def block(x: Any, w: Any) -> Any:
        runs.append(1)
        return np.tanh(x @ w) * x

    x, w = Node(X), Node(np.eye(3) * 0.5)
    plain = (block(x, w) ** 2).sum()
    kept = (checkpoint(block)(x, w) ** 2).sum()
    assert kept.value == plain.value
    runs.clear()
    for got, expected in zip(gradients(kept, [x, w]), gradients(plain, [x, w]), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-14)
    assert len(runs) == 1
    second = [gradients((gradients(z, w, create_graph=True) ** 2).sum(), [x, w]) for z in (kept, plain)]
    for got, expected in zip(*second, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-12)
    assert type(checkpoint(block)(X, np.eye(3))) is np.ndarray


def test_checkpoint_refuses_a_node_that_is_no_argument() -> None:
    hidden = Node(2.0)
    with pytest.raises(TypeError, match="uses a Node that is no argument"):
        checkpoint(lambda x: x * hidden)(Node(1.0))


# The picture


def test_graph_is_drawn() -> None:
    a, b = Node(2.0), Node(-3.0)
    z = (a * b + a).relu() + array([a, b]).sum()
    dot = z.to_dot()
    assert dot.startswith("digraph {")
    assert dot.count("->") == len(re.findall(r"n\d+ -> n\d+;", dot)) == 10
    assert 'label="mul\\n-6"' in dot
    drawing = ET.fromstring(z._repr_svg_())  # noqa: S314 - our own
    names = [str(text.text) for text in drawing.iter("{http://www.w3.org/2000/svg}text")]
    assert sorted(names[::2]) == sorted(["leaf", "leaf", "mul", "add", "relu", "add", "stack", "sum"])
    for _ in range(1000):
        z = z + a
    assert z._repr_svg_().count("<rect") == 200
    assert Node(1.0)._repr_svg_().count("<rect") == 1


def test_graph_of_a_call_that_waits_is_drawn() -> None:
    model = MLP([2, 3, 1], seed=0)
    assert model([0.5, -0.5]).to_dot().count("leaf") == len(model.parameters())


def test_total_in_place_is_replayed() -> None:
    def function(x: Any) -> Any:
        total = 0.5 * x
        total += 1.0
        total *= x
        return total

    assert replay(function)(2.0) == (4.0, 3.0)


def test_derivatives_of_the_determinant_of_a_single_number_are_exact() -> None:
    x = Node(np.array([[[0.067]], [[0.0]], [[-3.0]]]))
    (first,) = gradients(np.linalg.det(x).sum(), [x], create_graph=True)
    assert np.array_equal(first.value if isinstance(first, Node) else first, np.ones((3, 1, 1)))

    def bent(x: Any) -> Any:
        return np.arcsin(np.linalg.det(x))

    second = hvp(bent, np.array([[0.067]]), np.ones((1, 1)))
    assert second.item() == pytest.approx(0.067 / (1 - 0.067**2) ** 1.5, rel=1e-15)


def test_second_derivatives_of_det_are_right_where_the_matrix_has_next_to_no_inverse() -> None:
    """By the inverse the last entry was 1e140, which cancels in no precision."""
    a, b = -1e-150, -0.992
    v = np.array([[-1.128, -2.434], [0.297, -0.47]])
    found = hvp(np.linalg.det, np.array([[a, b], [a, -0.9920009919999999]]), v)
    assert found == pytest.approx(np.array([[v[1, 1], -v[1, 0]], [-v[0, 1], v[0, 0]]]))
    larger = np.diag([a, 1.0, 1.0, 1.0])
    assert hvp(np.linalg.det, larger, np.eye(4)) == pytest.approx(np.diag([3.0, 1.0, 1.0, 1.0]))


@pytest.mark.once
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gradients_by_a_custom_rule_share_no_memory(dtype: Any) -> None:
    both = custom(np.add, lambda x, y, g: (g, g))
    x, y = Node(np.ones(2, dtype)), Node(np.ones(2, dtype))
    z = both(x, y)
    z.backprop(np.ones(2, dtype))
    x.grad[0] = 7.0
    assert np.array_equal(y.grad, [1.0, 1.0])
    assert np.array_equal(z.grad, [1.0, 1.0])


def test_directions_in_dictionaries_are_told_by_their_keys() -> None:
    def product(p: Any) -> Any:
        return p["a"] ** 2 * p["b"]

    at, direction = {"a": 1.0, "b": 2.0}, {"b": 10.0, "a": 1.0}
    assert jvp(product, at, direction) == (2.0, 14.0)
    assert hvp(product, at, direction) == {"a": 24.0, "b": 2.0}
    with pytest.raises(ValueError, match=r"the keys \['a', 'b'\] is needed, got \['a'\]"):
        jvp(product, at, {"a": 1.0})
    with pytest.raises(ValueError, match="a tree of 2 parts is needed"):
        jvp(lambda p: p[0] * p[1].sum(), [Node(1.0), np.ones(2)], [1.0])


class Product(NamedTuple):
    a: float
    b: float


def test_trees_keep_their_kind() -> None:
    assert value_and_gradient(lambda p: p.a * p.b)(Product(2.0, 3.0)) == (6.0, Product(3.0, 2.0))
    _, gradient = value_and_gradient(lambda p: p["a"] ** 2)(OrderedDict(a=2.0))
    assert (type(gradient), gradient) == (OrderedDict, {"a": 4.0})
    value, (one, others) = value_and_gradient(lambda p: p[0] * p[1][0] * p[1][1])([1.0, [2.0, 3.0]])
    assert (value, one, others.tolist()) == (6.0, 6.0, [3.0, 2.0])


def test_a_checkpoint_is_given_what_is_no_node_as_it_is() -> None:
    x = Node(np.arange(3.0))
    doubled: Any = checkpoint(lambda x, twice: x * 2 if twice is True else x)
    assert np.array_equal(gradients(doubled(x, True).sum(), x), [2.0, 2.0, 2.0])
    assert np.array_equal(gradients(checkpoint(lambda x, k: x[k] ** 2)(x, 2), x), [0.0, 0.0, 4.0])
    weights = np.array([1.0, 5.0, 7.0])
    summed = checkpoint(lambda weights, x: (weights * x).sum())
    assert np.array_equal(gradients(summed(weights, x), x), weights)


def test_a_custom_function_cannot_change_its_operand() -> None:
    def changing(x: Any) -> Any:
        x[0] = 100.0
        return x.sum()

    x = Node(np.arange(3.0))
    with pytest.raises(ValueError, match=r"changing of shapes .*: assignment destination is read-only"):
        custom(changing, lambda x, g: g * np.ones(3))(x)
    assert np.array_equal(x.value, np.arange(3.0))


def test_eigenvectors_of_eigenvalues_that_are_equal_but_for_rounding_have_no_derivative() -> None:
    def entry(x: Any) -> Any:
        values, vectors = np.linalg.eigh(x + x.T)
        return ((vectors * np.exp(0.2 * values)) @ vectors.T)[0, 2]

    _, gradient = value_and_gradient(entry)(np.ones((3, 3)))  # of 0, 0 and 6: it was finite, and wrong
    assert not np.isfinite(gradient).any()
    _, of_values = value_and_gradient(lambda x: np.linalg.eigvalsh(x + x.T).sum())(np.ones((3, 3)))
    assert of_values == pytest.approx(2 * np.eye(3), abs=1e-15)


def test_scalars_of_two_precisions_meet() -> None:
    x = Node(np.ones(3, np.float32))
    total: Any = x.sum()
    for z in (total * np.float64(2), total + Node(2.0), total.astype(float), total * np.array(2.0)):
        gradient = gradients(z, x)
        assert gradient.dtype == np.float32
        assert np.all(gradient == gradient[0])
    model = MLP([2, 3, 1], seed=0, dtype=np.float32)
    loss: Any = sum(
        (y - model(row)) ** 2 for row, y in zip(np.ones((2, 2), np.float32), [0.0, 1.0], strict=True)
    )
    wide: Any = sum(
        (np.float64(y) - model(row)) ** 2
        for row, y in zip(np.ones((2, 2), np.float32), [0.0, 1.0], strict=True)
    )
    for parameter, one, other in zip(
        model.parameters(), *(gradients(z, model.parameters()) for z in (loss, wide)), strict=True
    ):
        assert parameter.dtype == one.dtype == other.dtype == np.float32
        assert other == pytest.approx(one, rel=1e-6)


@pytest.mark.parametrize("key", [None, ..., np.array(True)], ids=["axis", "all", "mask"])
def test_index_of_a_single_number_is_differentiated_twice(key: Any) -> None:
    x = Node(2.0)
    (first,) = gradients((x[key] ** 3).sum(), [x], create_graph=True)
    assert first.value == 12.0
    assert gradients(first, [x]) == [12.0]
