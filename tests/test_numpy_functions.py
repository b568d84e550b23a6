"""numpy's functions on nodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from nn_from_scratch import Node, gradients
from nn_from_scratch.rules import RULES

UFUNCS = {rule.compute: rule for rule in RULES.values() if isinstance(rule.compute, np.ufunc)}


@pytest.mark.parametrize("ufunc", UFUNCS, ids=lambda ufunc: ufunc.__name__)
def test_ufunc_of_nodes_gives_a_node(ufunc: np.ufunc) -> None:
    x = np.array([[0.3, 0.6], [0.2, 0.7]])
    expected = ufunc(*[x] * ufunc.nin)
    z = ufunc(*[Node(x)] * ufunc.nin)
    assert type(z) is Node
    np.testing.assert_allclose(z.value, expected, rtol=1e-15)
    if ufunc.nin == 2:
        for pair in ((x, Node(x)), (Node(x), x)):
            assert type(ufunc(*pair)) is Node


def test_functions_take_their_parameters_as_numpy_does() -> None:
    x = np.arange(1.0, 25.0).reshape(2, 3, 4)
    calls: list[Callable[[Any], Any]] = [
        lambda a: np.sum(a, 0),
        lambda a: np.sum(a, axis=(0, 2), keepdims=True),
        lambda a: np.mean(a, axis=-1),
        lambda a: np.prod(a, 1, keepdims=True),
        np.max,
        lambda a: np.amin(a, axis=1),
        lambda a: np.clip(a, 3, 9),
        lambda a: np.clip(a, None, 9),
        lambda a: np.where(a > 4, a, 0.0),
        lambda a: np.where([True, False, True, False], 1.0, a),
        lambda a: np.reshape(a, (4, -1)),
        np.ravel,
        np.transpose,
        lambda a: np.transpose(a, axes=(1, 0, 2)),
        np.matrix_transpose,
        lambda a: np.broadcast_to(a, (2, 2, 3, 4)),
        lambda a: np.expand_dims(a, (0, -1)),
        lambda a: np.squeeze(np.expand_dims(a, 1), axis=1),
        lambda a: np.concatenate((a, x), axis=2),
        lambda a: np.stack([x, a], axis=-1),
    ]
    for call in calls:
        z = call(Node(x))
        assert type(z) is Node
        assert np.array_equal(z.value, call(x))
    node = Node(x)
    assert np.array_equal(node.transpose(2, 0, 1).value, x.transpose(2, 0, 1))
    assert np.array_equal(node.transpose((2, 0, 1)).value, x.transpose(2, 0, 1))
    assert np.array_equal(node.reshape(6, 4).value, x.reshape(6, 4))
    assert (np.shape(node), np.ndim(node), np.size(node)) == ((2, 3, 4), 3, 24)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (np.fft.fft, r"numpy\.fft.*fft gives complex numbers"),
        (np.linalg.eigvals, r"numpy\.linalg\.eigvals gives complex numbers"),
        (np.linalg.svd, r"numpy\.linalg\.svd has no rule for Nodes: take it of node\.value"),
        (np.nanmedian, r"numpy\.nanmedian has no rule for Nodes"),
        (lambda x: np.add.reduceat(x, [0]), r"numpy\.add\.reduceat has no rule for Nodes"),
        (np.hypot.reduce, r"numpy\.hypot\.reduce has no rule for Nodes"),
        (
            lambda x: np.exp(x, out=np.zeros(2)),
            r"np\.exp into an array has no rule for Nodes.*leave out= away",
        ),
        (lambda x: np.exp(x, where=np.array([True, False])), r"np\.where\(mask"),
        (lambda x: np.sum(x, out=np.zeros(())), r"np\.sum: an array keeps no graph"),
        (lambda x: np.outer(x, x, out=np.zeros((2, 2))), r"np\.outer: an array keeps no graph"),
        (lambda x: np.sum(x, strange=1), "sum"),  # type: ignore[call-overload]
        (lambda x: np.clip(x, 0, 1, dtype=np.float32), r"numpy\.clip of Nodes takes a, .*, and no dtype="),
        (lambda x: np.take(x, [0], 0, np.zeros(1)), r"np\.take: an array keeps no graph"),
        (lambda x: np.concatenate([x, x], out=np.zeros(4)), r"np\.concatenate: an array keeps no graph"),
        (lambda x: np.maximum.accumulate(x, 0, None, np.zeros(2)), r"maximum\.accumulate: an array keeps"),
        (lambda x: np.median(x, overwrite_input=True, axis=0, keepdims=True, out=np.zeros(1)), "out= away"),
        (lambda x: np.take(np.ones(3), x), "a Node is no array"),
        (lambda x: np.take(x, x), "only its first argument may be a Node"),
        (lambda x: np.pad(x, 1, "linear_ramp"), "mode constant, edge, reflect, symmetric or wrap"),
        (lambda x: np.linalg.norm(np.ones((2, 2)) * x, 2), "ord is None, 'fro', 1"),
        (lambda x: np.quantile(x, 0.5, method="nearest"), "method linear"),
        (lambda x: np.interp(x, [0.0, 1.0], [1.0, 2.0], period=1.0), "without period"),
        (lambda x: np.einsum(x, [0]), "takes its subscripts as text"),
        (np.array, "a Node is no array"),
        (lambda x: np.array([x, x]), "a Node is no array"),
        (np.asarray, "a Node is no array"),
    ],
)
def test_what_numpy_asks_without_a_rule_is_refused_and_says_what_to_do(
    call: Callable[[Any], Any], message: str | None
) -> None:
    with pytest.raises(TypeError, match=message):
        call(Node([1.0, 2.0]))


def test_errors_of_shapes_name_the_function() -> None:
    x = Node(np.ones((2, 3)))
    for call, message in (
        (lambda: np.tensordot(x, np.ones((2, 3)), 1), r"tensordot of shapes \(2, 3\), \(2, 3\)"),
        (lambda: np.einsum("ij->i", np.ones((2, 3, 4)) * x[..., None], x), "of 1 operands, got 2"),
        (lambda: np.cross(x[:, :2], x[:, :2]), r"np\.cross .* \(2, 2\)"),
        (lambda: np.linalg.inv(x), r"inv of shapes \(2, 3\)"),
        (lambda: x @ x, r"matmul of shapes \(2, 3\), \(2, 3\)"),
    ):
        with pytest.raises(ValueError, match=message):
            call()


@pytest.mark.parametrize(
    "call",
    [
        np.floor,
        np.ceil,
        np.rint,
        np.trunc,
        np.round,
        np.argmax,
        np.argmin,
        np.argsort,
        np.any,
        np.all,
        np.count_nonzero,
        np.nonzero,
        np.zeros_like,
        np.ones_like,
        np.signbit,
        lambda x: np.floor_divide(x, 0.3),
        lambda x: np.isclose(x, 1.0),
        lambda x: np.allclose(x, x),
        lambda x: np.array_equal(x, x),
        lambda x: np.searchsorted(np.sort(x), [0.0, 1.0]),
        lambda x: np.logical_and(x > 0, x),
        lambda x: np.full_like(x, 3.0),
        lambda x: np.around(x, decimals=1),
        lambda x: x.argmax(),
        lambda x: x.argsort(),
        lambda x: x.any(),
        lambda x: x.all(axis=0),
        lambda x: x.round(1),
        lambda x: x.nonzero(),
        lambda x: x.searchsorted(0.5),
        lambda x: x.tolist(),
        lambda x: x[:1].item(),
        lambda x: np.linalg.slogdet(np.diag(x))[0],
        np.angle,
        lambda x: np.angle(x, deg=True),
        lambda x: x // 0.3,
        lambda x: np.size(x, 0),
        lambda x: np.where(x > 0)[0],
        lambda x: np.where(x)[0],
    ],
)
def test_what_is_constant_between_jumps_gives_plain_values(call: Callable[[Any], Any]) -> None:
    x = np.array([0.4, -1.3, 2.6])
    got, expected = call(Node(x)), call(x)
    assert type(got) is type(expected)
    assert np.array_equal(got, expected)


def test_a_cotangent_of_eigenvectors_that_is_0_at_the_point_has_a_derivative() -> None:
    """Where it was 0 nothing was recorded: the second derivative of this sum was -0.26, not 0.033."""
    along = np.array([[1.02, 0.16], [0.67, -0.85]])

    def value(x: Any) -> Any:
        vectors = np.linalg.eigh((x + x.T) / 2)[1]
        return (vectors * np.sign(vectors[:1])).sum()

    def slope(t: float) -> Any:
        x = Node(np.array([[0.5, 1.0], [0.5, 0.5]]) + t * along)
        return gradients(value(x), [x])[0]

    x = Node([[0.5, 1.0], [0.5, 0.5]])
    (graph,) = gradients(value(x), [x], create_graph=True)
    (second,) = gradients((graph * along).sum(), [x])
    np.testing.assert_allclose(second, (slope(1e-4) - slope(-1e-4)) / 2e-4, rtol=1e-5)


def test_array_is_not_changed_in_place_by_a_node() -> None:
    array: Any = np.ones(2)
    with pytest.raises(TypeError, match=r"np\.add into an array .*write array = array \+ node"):
        array += Node([1.0, 2.0])
