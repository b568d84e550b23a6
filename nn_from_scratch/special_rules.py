"""Rules of the functions of `scipy.special`, where scipy is installed: ``scipy.special.erf(node)`` is a node.

Nothing imports scipy here: whoever gives one of its functions a node has done so.
"""

import math
import sys
from functools import cache
from typing import Any

import numpy as np

from nn_from_scratch.rule import Elementwise, Operand
from nn_from_scratch.rules import SIGMOID


class _Special:
    """The module `scipy.special`, which is there once one of its functions is called."""

    def __getattr__(self, name: str) -> Any:
        return getattr(sys.modules["scipy.special"], name)


special = _Special()
_ROOT_OF_PI = math.sqrt(math.pi)
_ROOT_OF_2PI = math.sqrt(2 * math.pi)


def _quotient(x: Operand, y: Operand) -> Operand:
    """Return x / y, and 0 for 0 / 0."""
    return x / (y + (y == 0))


def _betainc_slope(_z: Operand, a: Operand, b: Operand, x: Operand) -> Operand:
    """Return xᵃ⁻¹ (1 - x)ᵇ⁻¹ / B(a, b), by logarithms."""
    return np.exp(special.xlogy(a - 1, x) + special.xlog1py(b - 1, -x) - special.betaln(a, b))


def _gammainc_slope(_z: Operand, a: Operand, x: Operand) -> Operand:
    """Return xᵃ⁻¹ exp(-x) / gamma(a), by logarithms."""
    return np.exp(special.xlogy(a - 1, x) - x - special.gammaln(a))


def _slope_of_jv(_z: Operand, v: Operand, x: Operand) -> Operand:
    """Return half of a difference, which is smooth at 0, where (v / x) J is a quotient of zeros."""
    return 0.5 * (special.jv(v - 1, x) - special.jv(v + 1, x))


def _slope_of_iv(_z: Operand, v: Operand, x: Operand) -> Operand:
    return 0.5 * (special.iv(v - 1, x) + special.iv(v + 1, x))


def _none(name: str, operand: str) -> Any:
    def refused(*_: Operand) -> Operand:
        raise TypeError(f"scipy.special.{name} has no derivative by {operand} here: give {operand}.value")

    return refused


_PARTIALS: dict[str, tuple[Any, ...]] = {
    # The error function, and the normal distribution
    "erf": (lambda z, x: 2 / _ROOT_OF_PI * np.exp(-x * x),),
    "erfc": (lambda z, x: -2 / _ROOT_OF_PI * np.exp(-x * x),),
    "erfcx": (lambda z, x: 2 * x * z - 2 / _ROOT_OF_PI,),
    "erfinv": (lambda z, x: _ROOT_OF_PI / 2 * np.exp(z * z),),
    "erfcinv": (lambda z, x: -_ROOT_OF_PI / 2 * np.exp(z * z),),
    "ndtr": (lambda z, x: np.exp(-0.5 * x * x) / _ROOT_OF_2PI,),
    "log_ndtr": (lambda z, x: np.exp(-0.5 * x * x - z) / _ROOT_OF_2PI,),
    "ndtri": (lambda z, x: _ROOT_OF_2PI * np.exp(0.5 * z * z),),
    # The sigmoid, and its inverse
    "expit": (lambda z, x: z * SIGMOID(-x),),
    "log_expit": (lambda z, x: SIGMOID(-x),),
    "logit": (lambda z, x: 1 / (x * (1 - x)),),
    # The gamma function and its kin
    "gamma": (lambda z, x: z * special.psi(x),),
    "gammaln": (lambda z, x: special.psi(x),),
    "psi": (lambda z, x: special.zeta(2.0, x),),
    "zeta": (_none("zeta", "x"), lambda z, x, q: -x * special.zeta(x + 1, q)),
    "beta": (
        lambda z, a, b: z * (special.psi(a) - special.psi(a + b)),
        lambda z, a, b: z * (special.psi(b) - special.psi(a + b)),
    ),
    "betaln": (
        lambda z, a, b: special.psi(a) - special.psi(a + b),
        lambda z, a, b: special.psi(b) - special.psi(a + b),
    ),
    "betainc": (_none("betainc", "a"), _none("betainc", "b"), _betainc_slope),
    "gammainc": (_none("gammainc", "a"), _gammainc_slope),
    "gammaincc": (_none("gammaincc", "a"), lambda z, a, x: -_gammainc_slope(z, a, x)),
    # Logarithms that are 0 times something
    "xlogy": (lambda z, x, y: np.log(y), lambda z, x, y: _quotient(x, y)),
    "xlog1py": (lambda z, x, y: np.log1p(y), lambda z, x, y: x / (1 + y)),
    "entr": (lambda z, x: -np.log(x) - 1,),
    "rel_entr": (lambda z, x, y: np.log(x / y) + 1, lambda z, x, y: -x / y),
    # Bessel functions
    "j0": (lambda z, x: -special.j1(x),),
    "j1": (lambda z, x: _slope_of_jv(z, 1.0, x),),
    "jv": (_none("jv", "v"), _slope_of_jv),
    "i0": (lambda z, x: special.i1(x),),
    "i1": (lambda z, x: _slope_of_iv(z, 1.0, x),),
    "iv": (_none("iv", "v"), _slope_of_iv),
}
"""By the name of a function, its partial derivatives."""
SPECIAL_NAMES = tuple(_PARTIALS)


@cache
def special_rule(function: np.ufunc) -> Elementwise | None:
    """Return the rule of a function of `scipy.special`, or None if it has none, or is no such function."""
    name = function.__name__.lstrip("_")  # zeta is a function of Python's around _zeta
    modules = [sys.modules.get("scipy.special"), sys.modules.get("scipy.special._ufuncs")]
    if name not in _PARTIALS or all(getattr(one, function.__name__, None) is not function for one in modules):
        return None
    return Elementwise(f"scipy.special.{name}", function, _PARTIALS[name])
