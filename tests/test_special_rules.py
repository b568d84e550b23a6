"""The functions of `scipy.special` on nodes: value, first and second derivative."""

from __future__ import annotations

from typing import Any

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
