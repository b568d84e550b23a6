"""The functions of `scipy.special` on nodes: value, first and second derivative."""

from __future__ import annotations

import math
from typing import Any

import mpmath as mp
import numpy as np
import pytest

from nn_from_scratch import Node, gradients
from nn_from_scratch.special_rules import SPECIAL_NAMES

special: Any = pytest.importorskip("scipy.special")

INSIDE = {
    **dict.fromkeys(("erfinv", "ndtri", "logit"), (0.2, 0.8)),
    "erfcinv": (0.3, 1.7),
    **dict.fromkeys(("gamma", "gammaln", "psi", "beta", "betaln", "entr"), (0.5, 3.0)),
    **dict.fromkeys(("xlogy", "xlog1py", "rel_entr"), (0.5, 3.0)),
}
"""Where operands are drawn from, if not from -2 to 2."""
FIRST = {
    "betainc": (1.5, 2.5),
    "gammainc": (1.7,),
    "gammaincc": (1.7,),
    "zeta": (2.5,),
    "iv": (1.5,),
    "jv": (1.5,),
}
"""Operands before the last by which there is no derivative."""


def called(name: str, operands: list[Any]) -> Any:
    return getattr(special, name)(*FIRST.get(name, ()), *operands)


def drawn(name: str) -> list[Any]:
    count = special._ufuncs._zeta.nin if name == "zeta" else getattr(special, name).nin
    low, high = INSIDE.get(name, (0.2, 0.8) if name in FIRST else (-2.0, 2.0))
    generator = np.random.default_rng(len(name))
    return [generator.uniform(low, high, 4) for _ in range(count - len(FIRST.get(name, ())))]


def slopes(function: Any, x: Any, step: float = 1e-4) -> Any:
    wide, narrow = ((function(x + h) - function(x - h)) / (2 * h) for h in (2 * step, step))
    return narrow + (narrow - wide) / 3


@pytest.mark.parametrize("name", SPECIAL_NAMES)
def test_special_function_has_its_derivatives(name: str) -> None:
    operands = drawn(name)
    nodes = [Node(x) for x in operands]
    z = called(name, nodes)
    assert type(z) is Node
    assert np.array_equal(z.value, called(name, operands))
    first = gradients(z.sum(), nodes, create_graph=True)
    for k, node in enumerate(nodes):

        def value(x: Any, k: int = k) -> Any:
            return called(name, [*operands[:k], x, *operands[k + 1 :]])

        np.testing.assert_allclose(first[k].value, slopes(value, operands[k]), rtol=1e-7, atol=1e-8)

        def slope(x: Any, k: int = k) -> Any:
            moved = [Node(y) for y in [*operands[:k], x, *operands[k + 1 :]]]
            return gradients(called(name, moved).sum(), moved[k])

        second = gradients(first[k].sum(), node)
        np.testing.assert_allclose(second, slopes(slope, operands[k]), rtol=1e-6, atol=1e-7)


def test_special_functions_take_scalars_and_numbers() -> None:
    x = Node(0.5)
    z = special.xlogy(2.0, x) + special.erf(x)
    assert type(z) is Node
    assert gradients(z, x) == pytest.approx(2.0 / 0.5 + 2 / np.sqrt(np.pi) * np.exp(-0.25), rel=1e-14)
    zero = Node(0.0)
    assert gradients(special.xlogy(zero, 3.0), zero) == np.log(3.0)
    assert gradients(special.j1(zero), zero) == 0.5
    assert gradients(special.log_ndtr(Node(-40.0)), zero) == 0.0


@pytest.mark.parametrize("name", ["j1", "i1"])
def test_second_derivative_of_an_odd_function_is_0_at_0(name: str) -> None:
    zero = Node(0.0)
    slope = gradients(getattr(special, name)(zero), zero, create_graph=True)
    assert (slope.value, gradients(slope, zero)) == (0.5, 0.0)


def test_what_has_no_derivative_says_so() -> None:
    with pytest.raises(
        TypeError, match=r"scipy\.special\.betainc has no derivative by a here: give a\.value"
    ):
        special.betainc(Node(1.0), 2.0, 0.5).backprop()
    with pytest.raises(TypeError, match=r"has no rule for Nodes: take it of node\.value"):
        special.airy(Node(1.0))


def both(function: Any, x: float) -> tuple[float, float]:
    """Return the first and the second derivative."""
    node = Node(x)
    first = gradients(function(node), node, create_graph=True)
    return float(first.value), float(gradients(first, node))


@pytest.mark.parametrize("x", [-1e9, -1e4, -30.0, -5.0, 0.0, 5.0])
def test_the_slope_of_log_ndtr_loses_no_digits_in_either_tail(x: float) -> None:
    with mp.workdps(60):
        slope = mp.npdf(x) / (mp.erfc(-mp.mpf(x) / mp.sqrt(2)) / 2)
        expected = float(slope), float(-slope * (x + slope))
    assert both(special.log_ndtr, x) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("x", [-2.0, 0.5, 3.0, 6.99, 7.01, 300.0])
def test_the_slope_of_erfcx_is_no_difference_far_from_0(x: float) -> None:
    with mp.workdps(80):
        z = mp.exp(mp.mpf(x) ** 2) * mp.erfc(x)
        slope = 2 * x * z - 2 / mp.sqrt(mp.pi)
        expected = float(slope), float(2 * z + 2 * x * slope)
    first, second = both(special.erfcx, x)
    assert first == pytest.approx(expected[0], rel=1e-14)
    assert second == pytest.approx(expected[1], rel=1e-12)
    assert both(special.erfcx, 1e8)[0] == pytest.approx(-1e-16 / math.sqrt(math.pi), rel=1e-14)


@pytest.mark.parametrize(
    ("x", "y"), [(1e15, 2.0), (2.0, 1e-8), (1e-8, 2.0), (3.0, 4.5), (150.0, 1e-300), (-0.5, 2.3)]
)
def test_slopes_of_betaln_keep_their_digits_where_one_operand_is_far_larger(x: float, y: float) -> None:
    nodes = [Node(x), Node(y)]
    with mp.workdps(340):
        of_both = mp.digamma(mp.mpf(x) + mp.mpf(y))
        expected = [float(mp.digamma(operand) - of_both) for operand in (x, y)]
    assert gradients(special.betaln(*nodes), nodes) == pytest.approx(expected, rel=1e-14)
    of_beta = [float(special.beta(x, y)) * slope for slope in expected]
    assert gradients(special.beta(*nodes), nodes) == pytest.approx(of_beta, rel=1e-12)


@pytest.mark.parametrize(
    ("function", "x", "expected"),
    [
        (lambda x: special.betainc(2.0, 1.0, x), 0.0, (0.0, 2.0)),
        (lambda x: special.betainc(2.0, 3.0, x), 0.0, (0.0, 12.0)),
        (lambda x: special.betainc(1.0, 2.0, x), 1.0, (0.0, -2.0)),
        (lambda x: special.betainc(2.0, 1.0, x), 1.0, (2.0, 2.0)),
        (lambda x: special.betainc(1.0, 1.0, x), 1.0, (1.0, 0.0)),
        (lambda x: special.gammainc(2.0, x), 0.0, (0.0, 1.0)),
        (lambda x: special.gammainc(1.0, x), 0.0, (1.0, -1.0)),
        (lambda x: special.gammainc(2.0, x), math.inf, (0.0, 0.0)),
    ],
)
def test_incomplete_functions_at_the_edge_of_their_domain(
    function: Any, x: float, expected: tuple[float, float]
) -> None:
    assert both(function, x) == expected


def test_a_logarithm_of_0_has_an_infinite_slope_unless_it_is_taken_0_times() -> None:
    zero = Node(0.0)
    assert gradients(special.xlogy(1.0, zero), zero) == math.inf
    assert gradients(special.xlogy(0.0, zero), zero) == 0.0
    assert gradients(special.rel_entr(0.0, zero), zero) == 0.0
    edge = Node(-1.0)
    assert gradients(special.xlog1py(0.0, edge), edge) == 0.0
    assert gradients(special.xlog1py(2.0, edge), edge) == math.inf


def test_function_without_a_rule_is_named_as_scipys() -> None:
    for name in ("k0", "loggamma"):
        with pytest.raises(TypeError, match=rf"^scipy\.special\.{name} has no rule for Nodes: take it of"):
            getattr(special, name)(Node(1.5))
    for name in ("log1p", "expm1", "cbrt"):
        with pytest.raises(
            TypeError, match=rf"scipy\.special\.{name} has no rule for Nodes: write np\.{name}$"
        ):
            getattr(special, name)(Node(1.5))
