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
    return x / (y + (np.equal(x, 0) & np.equal(y, 0)))


def _betainc_slope(_z: Operand, a: Operand, b: Operand, x: Operand) -> Operand:
    """Return xᵃ⁻¹ (1 - x)ᵇ⁻¹ / B(a, b), by logarithms; at 0 and 1, where these are infinite, by powers."""
    by_powers = x ** (a - 1) * (1 - x) ** (b - 1) / special.beta(a, b)
    by_logarithms = np.exp(special.xlogy(a - 1, x) + special.xlog1py(b - 1, -x) - special.betaln(a, b))
    return np.where(np.equal(x, 0) | np.equal(x, 1), by_powers, by_logarithms)


def _gammainc_slope(_z: Operand, a: Operand, x: Operand) -> Operand:
    """Return xᵃ⁻¹ exp(-x) / gamma(a), by logarithms; at 0 by powers, and 0 at infinity."""
    by_powers = x ** (a - 1) * np.exp(-x) / special.gamma(a)
    by_logarithms = np.exp(special.xlogy(a - 1, x) - x - special.gammaln(a))
    density = np.where(np.equal(x, 0), by_powers, by_logarithms)
    return np.where(np.isinf(x), 0.0, density)


_FAR = 7.0
_TERMS_AFAR = 20


def _erfcx_slope(z: Operand, x: Operand) -> Operand:
    """Return 2 x z - 2 / √π; beyond 7, where that cancels, by its asymptotic series.

    That is -1 / (√π x²) times the sum of (-1)ᵏ (2k + 1)!! / (2 x²)ᵏ (W. Gautschi, in M. Abramowitz and I.
    Stegun, *Handbook of Mathematical Functions*, 7.1.23).
    """
    is_far = np.greater(x, _FAR)
    half = 0.5 / np.square(np.where(is_far, x, _FAR))
    total: Operand = 1.0
    for k in range(_TERMS_AFAR, 0, -1):
        total = 1.0 - (2 * k + 1) * half * total
    return np.where(is_far, -2 / _ROOT_OF_PI * half * total, 2 * x * z - 2 / _ROOT_OF_PI)


def _log_ndtr_slope(_z: Operand, x: Operand) -> Operand:
    """Return the normal density over what lies below x: a quotient of exponentials, but for `erfcx`."""
    return math.sqrt(2 / math.pi) / special.erfcx(-x / math.sqrt(2))


_SHIFTS = 20


def _psi_difference(x: Operand, y: Operand) -> Operand:
    """Return psi(x + y) - psi(x), of which nothing is left by two values where one operand is far larger.

    Of positive operands: psi(x + 1) - psi(x) is 1 / x, so that it is a sum, and the same for x + 20, by the
    asymptotic series of psi (*Handbook of Mathematical Functions*, 6.3.5 and 6.3.18).
    """
    terms = np.expand_dims(x, -1) + np.arange(float(_SHIFTS))
    near = np.sum(np.expand_dims(y, -1) / (terms * (terms + np.expand_dims(y, -1))), axis=-1)
    low, high = 1 / (x + _SHIFTS), 1 / (x + y + _SHIFTS)
    total = np.log1p(y * low) + 0.5 * y * low * high
    # low^2k - high^2k is the difference of their squares times a sum of their products.
    below, above = np.square(low), np.square(high)
    power: Operand = 1.0
    products: Operand = 1.0
    for coefficient in (1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132):
        total = total + coefficient * (y * low * high * (low + high)) * products
        power = power * above
        products = products * below + power
    plain = special.psi(x + y) - special.psi(x)
    return np.where(np.greater(x, 0) & np.greater(x + y, 0), near + total, plain)


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
    "erfcx": (_erfcx_slope,),
    "erfinv": (lambda z, x: _ROOT_OF_PI / 2 * np.exp(z * z),),
    "erfcinv": (lambda z, x: -_ROOT_OF_PI / 2 * np.exp(z * z),),
    "ndtr": (lambda z, x: np.exp(-0.5 * x * x) / _ROOT_OF_2PI,),
    "log_ndtr": (_log_ndtr_slope,),
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
        lambda z, a, b: -z * _psi_difference(a, b),
        lambda z, a, b: -z * _psi_difference(b, a),
    ),
    "betaln": (
        lambda z, a, b: -_psi_difference(a, b),
        lambda z, a, b: -_psi_difference(b, a),
    ),
    "betainc": (_none("betainc", "a"), _none("betainc", "b"), _betainc_slope),
    "gammainc": (_none("gammainc", "a"), _gammainc_slope),
    "gammaincc": (_none("gammaincc", "a"), lambda z, a, x: -_gammainc_slope(z, a, x)),
    # Logarithms that are 0 times something
    "xlogy": (lambda z, x, y: np.log(y), lambda z, x, y: _quotient(x, y)),
    "xlog1py": (lambda z, x, y: np.log1p(y), lambda z, x, y: _quotient(x, 1 + y)),
    "entr": (lambda z, x: -np.log(x) - 1,),
    "rel_entr": (lambda z, x, y: np.log(x / y) + 1, lambda z, x, y: -_quotient(x, y)),
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
