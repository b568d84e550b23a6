"""No silent loss of a graph: what becomes no plain number, array or item, and what is said instead."""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Callable
from math import exp, sqrt
from typing import Any

import numpy as np
import pytest

from nn_from_scratch import MLP, Node, array, gradients, hvp, no_grad, value_and_gradient


def _item(node: Node) -> None:
    z = np.zeros(3)
    z[0] = node * node


def _corner(node: Node) -> None:
    z = np.zeros((2, 2))
    z[0, 1] = node


def _chain(error: BaseException) -> str:
    """Return the messages of an error and of what it comes from, as a traceback shows them."""
    causes = error.__cause__ or error.__context__
    return str(error) + (f"\n{_chain(causes)}" if causes else "")


@pytest.mark.parametrize(
    ("idiom", "advice"),
    [
        (_item, "np.stack for items"),
        (_corner, ".value"),
        (lambda x: np.zeros(3).fill(x), ".value"),
        (lambda x: np.full(3, x), "nn_from_scratch.array"),
        (lambda x: np.fromiter([x, x], float), ".value"),
        (lambda x: np.float64(x), ".value"),  # noqa: PLW0108 - a class is no function
        (lambda x: np.float32(x), ".value"),  # noqa: PLW0108
        (float, ".value"),
        (complex, ".value"),
        (lambda x: "%.3f" % x, 'f"{node:.3f}"'),  # noqa: UP031
        (lambda x: math.exp(x) * x, "write np.exp for math.exp"),
        (lambda x: exp(x) + sqrt(x), "write np.exp for exp, write np.sqrt for sqrt"),
        (lambda x: math.hypot(x, 2.0), "write np.hypot for math.hypot"),
        (lambda x: math.erf(x) + 1, "write scipy.special.erf for math.erf"),
        (lambda x: math.fsum([x, x]), "write np.sum for math.fsum"),
        (lambda x: np.array([[x, x], [x, x]]), "nn_from_scratch.array"),
        (lambda x: np.sum([x, x]), "nn_from_scratch.array"),
        (np.asarray, ".value"),
        (lambda x: np.ones(2) * [x, x], "nn_from_scratch.array"),
        (lambda x: np.geomspace(1, x, 3), "node.value"),
        (int, "node.value"),
        (lambda x: math.trunc(x), "write np.trunc for math.trunc"),  # noqa: PLW0108 - its line is read
        (lambda x: np.full(3, x, dtype=float), "np.broadcast_to(node, shape)"),
        (lambda x: np.full_like(np.ones(3), x), "np.broadcast_to(node, shape)"),
        (lambda x: np.nan_to_num(np.array([np.nan]), nan=x), "np.where(mask, node, array)"),
        (lambda x: np.sum(np.ones(2), initial=x), "node.value"),
    ],
)
@pytest.mark.parametrize("computed", [False, True])
def test_graph_is_not_lost_without_a_word(idiom: Callable[[Any], Any], advice: str, computed: bool) -> None:
    node = Node(0.5) * 2 if computed else Node(1.0)
    with pytest.raises((TypeError, ValueError)) as raised:
        idiom(node)
    assert advice in _chain(raised.value)


def test_an_integral_by_scipy_is_refused_and_names_the_value() -> None:
    integrate = pytest.importorskip("scipy.integrate")
    x = Node(1.0)
    with pytest.raises(TypeError, match=r"write node\.value"):
        integrate.quad(lambda t: x * t, 0, 1)


def test_nested_lists_are_joined() -> None:
    a, b = Node(2.0), Node(3.0)
    z = array([[a, b], [4.0, a * b]])
    assert np.array_equal(z.value, [[2.0, 3.0], [4.0, 6.0]])
    assert gradients((z * [[1.0, 2.0], [3.0, 4.0]]).sum(), [a, b]) == [13.0, 10.0]
    rows = array([Node([1.0, 2.0]), np.array([3.0, 4.0])])
    assert rows.shape == (2, 2)
    assert np.array_equal(array([[1, 2], [3, 4]]), [[1, 2], [3, 4]])
    with pytest.raises(ValueError, match="same shape"):
        array([[a, b], [a]])


def test_number_without_recording_is_a_float() -> None:
    with no_grad():
        assert float(Node(2.5)) == 2.5
        assert int(Node(2.5)) == math.trunc(Node(2.5)) == 2
        assert math.exp(Node(0.0)) == 1.0
    with pytest.raises(TypeError, match=r"\.value"), no_grad(), no_grad(recording=True):
        float(Node(2.5))


def test_node_is_written_as_its_value() -> None:
    x = Node(2.0) / 3
    assert (f"{x:.3f}", f"{x}", str(x), round(x, 2)) == ("0.667", str(x), repr(x), 0.67)
    assert f"{x!r:>30}".endswith(repr(x))
    with pytest.raises(TypeError, match="format"):
        format(Node([1.0, 2.0]), ".3f")
    assert f"{Node([1.0, 2.0])}" == "Node(array([1., 2.]))"


@pytest.mark.parametrize("node", [Node(1.0), Node(1.0) * 2])
def test_scalar_has_neither_length_nor_items(node: Node) -> None:
    with pytest.raises(TypeError, match=r"len\(\) of a Node without axes"):
        len(node)
    with pytest.raises(TypeError, match="iteration over a Node without axes"):
        list(node)


def test_items_of_a_node_are_not_assigned() -> None:
    x = Node([1.0, 2.0])
    with pytest.raises(TypeError, match=r"write np\.where\(mask, new, node\)"):
        x[0] = 3.0


# Values that would lose a part of themselves


@pytest.mark.parametrize("attribute", ["value", "grad"])
@pytest.mark.parametrize("given", [Node(2.0), Node([1.0, 2.0]) * 2])
def test_node_is_no_value_of_another(attribute: str, given: Node) -> None:
    with pytest.raises(TypeError, match=rf"Node\.{attribute}: expected real numbers, .*take its \.value"):
        setattr(Node([1.0, 2.0]), attribute, given)


def test_masked_arrays_and_matrices_are_not_stripped() -> None:
    masked = np.ma.masked_array([1.0, 2.0], [True, False])
    with pytest.raises(TypeError, match=r"MaskedArray whose mask would be lost: give its \.filled"):
        Node(masked)
    with pytest.raises(TypeError, match="add: expected real numbers, got MaskedArray"):
        Node(1.0) + masked
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        matrix = np.matrix([[1.0, 2.0]])
    with pytest.raises(TypeError, match=r"matrix whose product .* give its \.A"):
        Node(matrix)


def test_tensor_that_needs_a_gradient_is_not_stripped() -> None:
    torch = pytest.importorskip("torch")
    tensor = torch.ones(2, requires_grad=True)
    for given in (tensor, tensor * 2, torch.nn.Parameter(torch.ones(2))):
        with pytest.raises(TypeError, match=r"graph would be lost: give its \.detach\(\)\.numpy\(\)"):
            Node(given)
    with pytest.raises(TypeError, match="expected real numbers"):
        Node([tensor, tensor])
    assert np.array_equal(Node(tensor.detach().numpy()).value, [1.0, 1.0])


def test_message_about_a_huge_value_is_short() -> None:
    for huge in (
        ["a"] * 10**5,
        "a" * 10**6,
        np.full(900, "word"),
        [[1.0] * 1000, [2.0]],
        {"key": [0] * 10**5},
    ):
        with pytest.raises(TypeError) as raised:
            Node(huge)
        assert len(str(raised.value)) < 500


def test_integer_of_too_many_digits_is_refused_as_one() -> None:
    with pytest.raises(TypeError, match="Node: expected real numbers, got <int, too long to be written>"):
        Node(10**100000)


@pytest.mark.parametrize(
    "call",
    [
        lambda: gradients(Node(1.0), [list(range(10**6))]),
        lambda: np.quantile(Node([1.0]), 0.5, weights=Node(np.arange(10.0**5)), method="inverted_cdf"),
        lambda: np.quantile(Node([1.0]), 0.5, method="a" * 10**5),  # type: ignore[call-overload]
        lambda: np.quantile(Node([1.0]), np.arange(10.0**5)),
        lambda: MLP(["a"] * 10**5),
        lambda: MLP([0] * 10**5),
        lambda: np.linalg.norm(Node([1.0]), "a" * 10**5),  # type: ignore[call-overload]
        lambda: np.linalg.norm(Node([[1.0]]), "a" * 10**5),  # type: ignore[call-overload]
        lambda: np.linalg.matrix_power(Node([[1.0]]), np.ones(10**5)),
        lambda: np.pad(Node([1.0]), 1, "a" * 10**5),  # type: ignore[call-overload]
        lambda: np.convolve(Node([1.0]), [1.0], "a" * 10**5),  # type: ignore[call-overload]
        lambda: np.einsum("a" * 10**5, Node([1.0])),
        lambda: np.einsum("i" + ",i" * 10**5, Node([1.0])),
        lambda: np.concatenate([Node([1.0])] * 10**5 + [Node(1.0)]),
        lambda: np.linalg.multi_dot([Node(1.0)] * 10**5),
        lambda: Node([1.0]).sum(axis=tuple(range(10**5))),
        lambda: Node([1.0]).reshape(*range(1, 60), *[1] * 10**5),
        lambda: Node([1.0]).transpose(tuple(range(10**5))),
        lambda: Node([1.0])[(0,) * 10**5],
        lambda: np.clip(Node([1.0]), 0, 1, dtype="a" * 10**5),
    ],
)
def test_message_about_huge_arguments_is_short(call: Callable[[], Any]) -> None:
    with pytest.raises((TypeError, ValueError, IndexError)) as raised:
        call()
    assert len(str(raised.value)) < 1000


@pytest.mark.parametrize("dtype", [int, "int32", np.uint8, bool, str, "U5", complex, object])
def test_node_of_what_has_no_gradient_is_refused_and_its_values_are_not(dtype: Any) -> None:
    with pytest.raises(TypeError, match=r"astype: a Node of .* node\.value\.astype") as raised:
        Node([1.0, 2.0]).astype(dtype)
    written = str(raised.value).rpartition("astype(")[2].removesuffix(")")
    assert np.dtype(written.strip("'")) == np.dtype(dtype)


# An update of a parameter by an operator in place


def _trained(w: Node) -> None:
    (w * w).sum().backprop()


@pytest.mark.parametrize("symbol", ["+", "-", "*", "/"])
@pytest.mark.parametrize("recording", [True, False])
def test_update_in_place_of_a_parameter_is_refused_with_the_line(symbol: str, recording: bool) -> None:
    for w in (Node([1.0, 2.0]), Node(3.0)):
        _trained(w)
        with no_grad(recording=recording), pytest.raises(TypeError) as raised:
            exec(f"w {symbol}= 0.1 * w.grad", {"w": w})  # noqa: S102
        assert f"write w.value {symbol}= step" in str(raised.value)


def test_sums_and_products_in_place_give_new_nodes() -> None:
    total, x = Node(0.0), Node(3.0)
    for _ in range(3):
        total += x * 2
    total -= 1
    total *= x
    total /= 2
    assert total.value == 25.5
    total.backprop()
    assert x.grad == 17.5
    x -= Node(1.0)
    assert x.value == 2.0
    fresh = copy.copy(Node(1.0))
    fresh += 1
    assert fresh.value == 2.0
    w = Node(2.0)
    assert w.grad == 0.0
    w += 1.0  # nothing was differentiated yet
    assert w.value == 3.0


def test_a_function_of_a_number_that_meets_math_is_told_its_line() -> None:
    with pytest.raises(TypeError, match=r"write np\.log for math\.log"):
        value_and_gradient(lambda x: math.log(x) * x)(2.0)


def test_messages_of_long_arguments_show_their_beginning() -> None:
    with pytest.raises(ValueError, match="activation must be one of") as raised:
        MLP([2, 3, 1], activation="a" * 10**6)
    assert len(str(raised.value)) < 600
    with pytest.raises(ValueError, match="a direction needs the shapes") as raised:
        hvp(lambda xs: xs[0].sum(), [np.ones(2)] * 1000, [np.ones(3)] * 1000)
    assert len(str(raised.value)) < 600
