"""Reductions beside numpy's own: NaN, precisions, weights of counts."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from nn_from_scratch import Node, gradients

WITH_NAN = np.array([[1.0, np.nan, 2.0, 3.0], [4.0, 0.5, 2.5, 1.0], [np.nan] * 4])


@pytest.mark.parametrize(
    "function",
    [
        *(np.median, lambda x: np.median(x, axis=1), lambda x: np.quantile(x, 0.25, axis=1)),
        *(lambda x: np.percentile(x, [25, 50], axis=1), lambda x: np.median(x, axis=0, keepdims=True)),
        *(
            np.nanmax,
            lambda x: np.nanmax(x, axis=1),
            lambda x: np.nanmin(x, axis=1, keepdims=True),
        ),
        lambda x: np.nanmin(x[2]),
    ],
)
def test_what_is_not_a_number_is_not_left_out(function: Callable[[Any], Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = function(WITH_NAN)
    assert np.array_equal(function(Node(WITH_NAN)).value, expected, equal_nan=True)


def test_extremes_of_numbers_beside_nan_have_their_gradients() -> None:
    x = Node(WITH_NAN)
    gradient = gradients(np.nansum(np.nanmax(x, axis=1)), x)
    assert np.array_equal(np.argwhere(gradient), [[0, 3], [1, 0]])


@pytest.mark.parametrize(
    "function",
    [
        *(np.median, lambda x: np.quantile(x, 0.3), lambda x: np.percentile(x, 30), np.nanmean, np.nanstd),
        lambda x: np.mean(x, where=np.array([True, False, True])),
    ],
)
def test_reductions_keep_the_precision(function: Callable[[Any], Any]) -> None:
    x = np.array([1.0, 2.0, 5.0], np.float32)
    found = function(Node(x))
    assert found.dtype == function(x).dtype == np.float32
    assert found.value == pytest.approx(function(x), rel=1e-6)


def test_by_the_place_of_a_quantile_there_is_no_derivative() -> None:
    for function in (np.quantile, np.percentile):
        with pytest.raises(TypeError, match=r"by q there is no derivative here: give q\.value"):
            function(Node([1.0, 2.0]), Node(0.5))


def test_counts_of_weights_and_filled_arrays_keep_the_graph() -> None:
    weights, fill, at_0 = Node([1.0, 2.0, 3.0]), Node(3.0), Node(0.5)
    sums: Any = np.bincount([0, 1, 1], weights=weights, minlength=3)
    assert np.array_equal(sums.value, [1.0, 5.0, 0.0])
    assert np.array_equal(gradients((sums * [1.0, 5.0, 7.0]).sum(), weights), [1.0, 5.0, 5.0])
    assert gradients((np.full_like(Node(np.ones((2, 2))), fill) * 2.0).sum(), fill) == 8.0
    assert type(np.full_like(weights, 2.0)) is np.ndarray
    assert gradients(np.heaviside(np.array([0.0, 1.0, 0.0]), at_0).sum(), at_0) == 2.0
    assert type(np.heaviside(weights, 0.5)) is np.ndarray


@pytest.mark.parametrize(
    ("subscripts", "shapes"),
    [
        ("ij,ij->j", ((2, 3), (1, 3))),
        ("ij,ij->ij", ((1, 3), (2, 3))),
        ("ij,jk->ik", ((2, 1), (3, 2))),
        ("i,i,i->", ((1,), (3,), (1,))),
    ],
)
def test_einsum_repeats_axes_of_length_1(subscripts: str, shapes: tuple[tuple[int, ...], ...]) -> None:
    values = [np.random.default_rng(k).normal(size=shape) for k, shape in enumerate(shapes)]
    nodes = [Node(x) for x in values]
    z = np.einsum(subscripts, *nodes)
    np.testing.assert_allclose(z.value, np.einsum(subscripts, *values), rtol=1e-14)
    for k, gradient in enumerate(gradients(z.sum(), nodes)):
        for place in np.ndindex(values[k].shape):
            moved = [x.copy() for x in values]
            moved[k][place] += 1.0  # linear in each operand
            slope = (np.einsum(subscripts, *moved) - np.einsum(subscripts, *values)).sum()
            assert gradient[place] == pytest.approx(slope, rel=1e-12, abs=1e-12)


def test_a_parameter_is_not_updated_by_a_power_or_a_product_either() -> None:
    w = Node(np.array([-1.0, 2.0]))
    (w.relu() * 3.0).sum().backprop()
    with pytest.raises(TypeError, match=r"write w\.value @= step"):
        w @= np.ones(2)
    with pytest.raises(TypeError, match=r"write w\.value \*\*= step"):
        w **= 2.0
