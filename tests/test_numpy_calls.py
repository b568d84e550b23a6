"""Every function of numpy that takes nodes: value, first and second derivative, and the methods of arrays."""

from __future__ import annotations

import inspect
import re
import warnings
from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy_cases import CALLS, Asked

from nn_from_scratch import Node, gradients


def followed(z: Any) -> Any:
    """Put something after the call: its cotangent is then neither constant nor the seed."""
    return z * z + 3 * z


def total(asked: Asked, operands: list[Any]) -> Any:
    """Return a number of which every entry of the result has its own share."""
    z = followed(asked(np, *operands))
    return (z * np.cos(np.arange(np.size(z)).reshape(np.shape(z)))).sum()


def gradient(asked: Asked, operands: list[Any]) -> list[Any]:
    nodes = [Node(x) for x in operands]
    return list(gradients(total(asked, nodes), nodes))


def differences(function: Any, operands: list[Any], step: float) -> list[Any]:
    """Return the derivative of a scalar function, by central differences extrapolated once."""
    found = []
    for k, x in enumerate(operands):
        entries = np.empty(np.shape(x))
        for place in np.ndindex(entries.shape):

            def moved(by: float, k: int = k, place: Any = place) -> float:
                others = [np.array(one) for one in operands]
                others[k][place] += by
                return float(function([one if one.ndim else float(one) for one in others]))

            wide, narrow = ((moved(h) - moved(-h)) / (2 * h) for h in (2 * step, step))
            entries[place] = narrow + (narrow - wide) / 3
        found.append(entries)
    return found


@pytest.mark.parametrize("asked", CALLS, ids=str)
def test_value_is_numpys_and_derivatives_are_those_of_differences(asked: Asked) -> None:
    operands = asked.operands()
    nodes = [Node(x) for x in operands]
    z, expected = (
        asked(np, *nodes),
        asked(np, *(np.asarray(x) if asked.text[0] == "x" else x for x in operands)),
    )
    assert type(z) is Node
    assert z.shape == np.shape(expected)
    np.testing.assert_allclose(z.value, expected, rtol=1e-12, atol=1e-13)
    first = gradient(asked, operands)
    by_values = differences(lambda xs: total(asked, [np.asarray(x) for x in xs]), operands, 1e-4)
    for got, rough in zip(first, by_values, strict=True):
        assert np.shape(got) == rough.shape
        np.testing.assert_allclose(got, rough, rtol=1e-6, atol=1e-6 * (1 + np.abs(rough).max(initial=0)))
    along = [np.cos(3.0 + np.arange(np.size(x))).reshape(np.shape(x)) for x in operands]

    def slope(xs: list[Any]) -> Any:
        return sum(np.sum(g * v) for g, v in zip(gradient(asked, xs), along, strict=True))

    graph = gradients(total(asked, nodes), nodes, create_graph=True)
    for got, plain in zip(graph, first, strict=True):
        np.testing.assert_allclose(got.value, plain, rtol=1e-9, atol=1e-9)
    direction: Any = sum((g * v).sum() for g, v in zip(graph, along, strict=True))
    second = gradients(direction, nodes)
    by_slopes = differences(slope, operands, 1e-4)
    for got, rough in zip(second, by_slopes, strict=True):
        np.testing.assert_allclose(got, rough, rtol=1e-5, atol=1e-5 * (1 + np.abs(rough).max(initial=0)))


OWN_DERIVATIVE = re.compile(
    r"np\.(?:linalg\.)?(exp2|cbrt|arcsinh|sinc|log2|arccosh|arctanh|fmax|mod|copysign|logaddexp2|einsum|cumsum|cumprod"
    r"|sort|take|pad|roll|repeat|diag|tril|interp|median|std|norm|solve|inv|det|slogdet|cholesky|eigh|matrix_power)\("
)


@pytest.mark.once  # JAX compiles for a third of a second each
def test_derivatives_are_those_of_jax() -> None:
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    first_of_name = {
        found[1]: asked
        for asked in reversed(CALLS)
        if asked.jax and (found := OWN_DERIVATIVE.match(asked.text))
    }
    assert len(first_of_name) == OWN_DERIVATIVE.pattern.count("|") + 1
    for asked in first_of_name.values():
        operands = asked.operands()
        z, pull = jax.vjp(lambda *xs, asked=asked: asked(jax.numpy, *xs), *map(jax.numpy.asarray, operands))
        cotangent = np.cos(np.arange(np.size(z)).reshape(np.shape(z)))
        nodes = [Node(x) for x in operands]
        ours = asked(np, *nodes)
        np.testing.assert_allclose(ours.value, z, rtol=1e-10, atol=1e-12, err_msg=str(asked))
        for got, expected in zip(
            gradients(ours, nodes, cotangent), pull(jax.numpy.asarray(cotangent)), strict=True
        ):
            np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-10, err_msg=str(asked))


class ByName:
    """numpy, each of whose functions is called with the names of all its parameters that have one."""

    def __init__(self, module: Any) -> None:
        self.module = module

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.module, name)
        if inspect.ismodule(found):
            return ByName(found)
        return found if isinstance(found, np.ufunc) else partial(called_by_name, found)


def called_by_name(function: Any, *arguments: Any, **keywords: Any) -> Any:
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except ValueError:  # earlier numpy did not say
        return function(*arguments, **keywords)
    first_named = next(
        (k for k, one in enumerate(parameters) if one.kind is one.POSITIONAL_OR_KEYWORD), len(parameters)
    )
    if any(one.kind is one.VAR_POSITIONAL for one in parameters):
        first_named = len(arguments)
    names = [one.name for one in parameters]
    named = dict(zip(names[first_named:], arguments[first_named:], strict=False))
    return function(*arguments[:first_named], **named, **keywords)


@pytest.mark.parametrize("asked", [asked for asked in CALLS if asked.text.startswith("np.")], ids=str)
def test_operands_and_options_are_given_by_numpys_names(asked: Asked) -> None:
    nodes = [Node(x) for x in asked.operands()]
    z, expected = asked(ByName(np), *nodes), asked(np, *nodes)
    assert type(z) is Node
    assert np.array_equal(z.value, expected.value)


def test_variance_without_samples_is_numpys() -> None:
    x = np.array([[1.0, np.nan, np.nan], [1.0, 2.0, 4.0]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        for ddof in (0, 1, 3):
            for function in (np.nanvar, np.nanstd):
                z: Any = function(Node(x), axis=1, ddof=ddof)
                np.testing.assert_allclose(z.value, function(x, axis=1, ddof=ddof), rtol=1e-14)
            for function in (np.var, np.std):
                z = function(Node(x[1]), ddof=ddof)
                np.testing.assert_allclose(z.value, function(x[1], ddof=ddof), rtol=1e-14)
    node = Node(x)
    np.nanvar(node, axis=1).sum().backprop()
    np.testing.assert_allclose(node.grad[1], 2 / 3 * (x[1] - x[1].mean()), rtol=1e-14)
    assert np.array_equal(node.grad[0], [0.0, 0.0, 0.0])


@pytest.mark.parametrize(
    "asked", [asked for asked in CALLS if len(asked.shapes) > 1 and asked.text.startswith("np.")], ids=str
)
def test_operands_beside_a_node_may_be_lists(asked: Asked) -> None:
    operands = asked.operands()
    expected = asked(np, *operands)
    for position in range(len(operands)):
        given = [Node(x) if k == position else np.asarray(x).tolist() for k, x in enumerate(operands)]
        np.testing.assert_allclose(asked(np, *given).value, expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", ["sum", "mean", "prod", "max", "min", "std", "var", "median"])
def test_lists_of_axes_are_taken(name: str) -> None:
    x = np.random.default_rng(0).uniform(1, 2, (2, 3, 4))
    z = getattr(np, name)(Node(x), axis=[0, 2])
    np.testing.assert_allclose(z.value, getattr(np, name)(x, axis=(0, 2)), rtol=1e-13)
    if hasattr(Node, name):
        assert np.array_equal(getattr(Node(x), name)(axis=[0, 2]).value, z.value)


@pytest.mark.once
@pytest.mark.parametrize("asked", CALLS, ids=str)
def test_values_and_gradients_keep_float32(asked: Asked) -> None:
    """A float32 scalar that met a float64 could not be differentiated."""
    operands = [np.asarray(x, np.float32)[()] for x in asked.operands()]
    try:
        expected = asked(np, *operands)
    except (ValueError, TypeError, AttributeError):
        pytest.skip("numpy takes no such operands")
    nodes = [Node(x) for x in operands]
    z = asked(np, *nodes)
    if not any(name in asked.text for name in WIDER):
        assert z.dtype == np.result_type(expected)
    wide = [Node(np.asarray(x, float)[()]) for x in operands]
    for part, true in zip(
        gradients(np.sum(z), nodes), gradients(np.sum(asked(np, *wide)), wide), strict=True
    ):
        assert np.result_type(part) == np.float32
        np.testing.assert_allclose(part, true, rtol=2e-4, atol=2e-4 * max(1.0, np.abs(true).max(initial=0)))


WIDER = ("float_power", "np.interp(x, np.cumsum(y), z)", "cov", "corrcoef")
"""Calls that numpy computes in float64, and a Node in the precision of its operands."""
