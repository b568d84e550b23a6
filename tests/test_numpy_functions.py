"""numpy's functions on nodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from nn_from_scratch import Node
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
    ("call", "name"),
    [
        (np.fft.fft, "numpy.fft.fft"),
        (np.linalg.norm, "numpy.linalg.norm"),
        (np.cumsum, "cumsum"),
        (np.floor, "np.floor"),
        (np.add.reduce, r"np.add has no rule for Nodes \(reduce"),
        (lambda x: np.exp(x, out=np.zeros(2)), r"np.exp has no rule for Nodes \(call{'out'"),
        (lambda x: np.sum(x, dtype=np.float32), "sum takes axis, keepdims"),
        (np.array, "a Node is no array"),
        (lambda x: np.array([x, x]), "a Node is no array"),
        (np.asarray, "a Node is no array"),
    ],
)
def test_numpy_function_without_a_rule_raises_with_its_name(call: Callable[[Any], Any], name: str) -> None:
    with pytest.raises(TypeError, match=name):
        call(Node([1.0, 2.0]))


def test_array_is_not_changed_in_place_by_a_node() -> None:
    array: Any = np.ones(2)
    with pytest.raises(TypeError, match=r"np.add has no rule for Nodes \(call{'out'"):
        array += Node([1.0, 2.0])
