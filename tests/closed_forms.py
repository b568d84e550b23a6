"""Values and derivatives of every operation, by formulas from textbooks over mpmath."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import mpmath as mp

from nn_from_scratch.verify.questions.cases import Case, single
from nn_from_scratch.verify.questions.generate import askable
from nn_from_scratch.verify.questions.operations import ELEMENTWISE

Formula = Callable[..., Any]
Points = list[tuple[float, ...]]


def _by_its_order(*_: Any) -> Any:
    raise AssertionError("nobody is asked the derivative by an order")


def _slope_of_erfinv(x: Any) -> Any:
    return mp.sqrt(mp.pi) / 2 * mp.exp(mp.erfinv(x) ** 2)


CLOSED_FORMS: dict[str, tuple[Formula, tuple[Formula, ...]]] = {
    "add": (lambda x, y: x + y, (lambda x, y: 1, lambda x, y: 1)),
    "sub": (lambda x, y: x - y, (lambda x, y: 1, lambda x, y: -1)),
    "mul": (lambda x, y: x * y, (lambda x, y: y, lambda x, y: x)),
    "div": (lambda x, y: x / y, (lambda x, y: 1 / y, lambda x, y: -x / y**2)),
    "pow": (
        mp.power,
        (
            lambda x, y: y * mp.power(x, y - 1) if y else 0,
            lambda x, y: mp.power(x, y) * mp.log(x),
        ),
    ),
    "neg": (lambda x: -x, (lambda x: -1,)),
    "reciprocal": (lambda x: 1 / x, (lambda x: -1 / x**2,)),
    "square": (lambda x: x**2, (lambda x: 2 * x,)),
    "exp": (mp.exp, (mp.exp,)),
    "expm1": (mp.expm1, (mp.exp,)),
    "log": (mp.log, (lambda x: 1 / x,)),
    "log1p": (mp.log1p, (lambda x: 1 / (1 + x),)),
    "sqrt": (mp.sqrt, (lambda x: 1 / (2 * mp.sqrt(x)),)),
    "sin": (mp.sin, (mp.cos,)),
    "cos": (mp.cos, (lambda x: -mp.sin(x),)),
    "tan": (mp.tan, (lambda x: mp.sec(x) ** 2,)),
    "arcsin": (mp.asin, (lambda x: 1 / mp.sqrt(1 - x**2),)),
    "arccos": (mp.acos, (lambda x: -1 / mp.sqrt(1 - x**2),)),
    "arctan": (mp.atan, (lambda x: 1 / (1 + x**2),)),
    "arctan2": (mp.atan2, (lambda y, x: x / (x**2 + y**2), lambda y, x: -y / (x**2 + y**2))),
    "sinh": (mp.sinh, (mp.cosh,)),
    "cosh": (mp.cosh, (mp.sinh,)),
    "tanh": (mp.tanh, (lambda x: mp.sech(x) ** 2,)),
    "sigmoid": (lambda x: 1 / (1 + mp.exp(-x)), (lambda x: 1 / (2 + 2 * mp.cosh(x)),)),
    "softplus": (lambda x: mp.log1p(mp.exp(x)), (lambda x: (1 + mp.tanh(x / 2)) / 2,)),
    "hypot": (mp.hypot, (lambda x, y: x / mp.hypot(x, y), lambda x, y: y / mp.hypot(x, y))),
    "logaddexp": (
        lambda x, y: mp.log(mp.exp(x) + mp.exp(y)),
        (
            lambda x, y: mp.exp(x) / (mp.exp(x) + mp.exp(y)),
            lambda x, y: mp.exp(y) / (mp.exp(x) + mp.exp(y)),
        ),
    ),
    "relu": (lambda x: max(x, mp.mpf(0)), (lambda x: int(x > 0),)),
    "abs": (abs, (mp.sign,)),
    "sign": (mp.sign, (lambda x: 0,)),
    "maximum": (max, (lambda x, y: int(x > y), lambda x, y: int(x < y))),
    "minimum": (min, (lambda x, y: int(x < y), lambda x, y: int(x > y))),
    "where": (
        lambda c, x, y: x if c > 0 else y,
        (lambda c, x, y: 0, lambda c, x, y: int(c > 0), lambda c, x, y: int(c <= 0)),
    ),
    "clip": (
        lambda x, low, high: min(max(x, low), high),
        (
            lambda x, low, high: int(low < x < high),
            lambda x, low, high: int(x < low),
            lambda x, low, high: int(high < x),
        ),
    ),
    "erf": (mp.erf, (lambda x: 2 / mp.sqrt(mp.pi) * mp.exp(-(x**2)),)),
    "erfc": (mp.erfc, (lambda x: -2 / mp.sqrt(mp.pi) * mp.exp(-(x**2)),)),
    "lgamma": (lambda x: mp.log(abs(mp.gamma(x))), (mp.digamma,)),
    "digamma": (mp.digamma, (lambda x: mp.psi(1, x),)),
    "exp2": (lambda x: mp.power(2, x), (lambda x: mp.power(2, x) * mp.log(2),)),
    "log2": (lambda x: mp.log(x, 2), (lambda x: 1 / (x * mp.log(2)),)),
    "log10": (mp.log10, (lambda x: 1 / (x * mp.log(10)),)),
    "cbrt": (lambda x: mp.sign(x) * mp.cbrt(abs(x)), (lambda x: 1 / (3 * mp.cbrt(x * x)),)),
    "arcsinh": (mp.asinh, (lambda x: 1 / mp.sqrt(x**2 + 1),)),
    "arccosh": (mp.acosh, (lambda x: 1 / mp.sqrt(x**2 - 1),)),
    "arctanh": (mp.atanh, (lambda x: 1 / (1 - x**2),)),
    "sinc": (mp.sincpi, (lambda x: (mp.cospi(x) - mp.sincpi(x)) / x if x else 0,)),
    "deg2rad": (lambda x: x * mp.pi / 180, (lambda x: mp.pi / 180,)),
    "rad2deg": (lambda x: x * 180 / mp.pi, (lambda x: 180 / mp.pi,)),
    "logaddexp2": (
        lambda x, y: mp.log(mp.power(2, x) + mp.power(2, y), 2),
        (lambda x, y: 1 / (1 + mp.power(2, y - x)), lambda x, y: 1 / (1 + mp.power(2, x - y))),
    ),
    "remainder": (lambda x, y: x - y * mp.floor(x / y), (lambda x, y: 1, lambda x, y: -mp.floor(x / y))),
    "fmod": (
        lambda x, y: mp.sign(x) * (abs(x) % abs(y)),
        (lambda x, y: 1, lambda x, y: -mp.sign(x / y) * mp.floor(abs(x / y))),
    ),
    "expit": (lambda x: 1 / (1 + mp.exp(-x)), (lambda x: 1 / (2 + 2 * mp.cosh(x)),)),
    "log_expit": (lambda x: -mp.log1p(mp.exp(-x)), (lambda x: (1 - mp.tanh(x / 2)) / 2,)),
    "logit": (lambda x: mp.log(x) - mp.log(1 - x), (lambda x: 1 / x + 1 / (1 - x),)),
    "xlogy": (lambda x, y: x * mp.log(y), (lambda x, y: mp.log(y), lambda x, y: x / y)),
    "xlog1py": (lambda x, y: x * mp.log1p(y), (lambda x, y: mp.log1p(y), lambda x, y: x / (1 + y))),
    "entr": (lambda x: x * mp.log(1 / x), (lambda x: mp.log(1 / x) - 1,)),
    "ndtr": (mp.ncdf, (mp.npdf,)),
    "log_ndtr": (lambda x: mp.log(mp.ncdf(x)), (lambda x: mp.npdf(x) / mp.ncdf(x),)),
    "erfinv": (mp.erfinv, (_slope_of_erfinv,)),
    "erfcinv": (lambda x: mp.erfinv(1 - x), (lambda x: -_slope_of_erfinv(1 - x),)),
    "ndtri": (
        lambda p: mp.sqrt(2) * mp.erfinv(2 * p - 1),
        (lambda p: mp.sqrt(8) * _slope_of_erfinv(2 * p - 1),),
    ),
    "erfcx": (
        lambda x: mp.exp(x * x) * mp.erfc(x),
        (lambda x: 2 * x * mp.exp(x * x) * mp.erfc(x) - 2 / mp.sqrt(mp.pi),),
    ),
    "j0": (lambda x: mp.besselj(0, x), (lambda x: -mp.besselj(1, x),)),
    "j1": (lambda x: mp.besselj(1, x), (lambda x: (mp.besselj(0, x) - mp.besselj(2, x)) / 2,)),
    "i0": (lambda x: mp.besseli(0, x), (lambda x: mp.besseli(1, x),)),
    "i1": (lambda x: mp.besseli(1, x), (lambda x: (mp.besseli(0, x) + mp.besseli(2, x)) / 2,)),
    "jv": (
        mp.besselj,
        (_by_its_order, lambda v, x: (mp.besselj(v - 1, x) - mp.besselj(v + 1, x)) / 2),
    ),
    "iv": (
        mp.besseli,
        (_by_its_order, lambda v, x: (mp.besseli(v - 1, x) + mp.besseli(v + 1, x)) / 2),
    ),
    "zeta": (mp.zeta, (_by_its_order, lambda s, q: -s * mp.zeta(s + 1, q))),
    "betainc": (
        lambda a, b, x: mp.betainc(a, b, 0, x, regularized=True),
        (_by_its_order, _by_its_order, lambda a, b, x: x ** (a - 1) * (1 - x) ** (b - 1) / mp.beta(a, b)),
    ),
    "gammainc": (
        lambda a, x: mp.gammainc(a, 0, x, regularized=True),
        (_by_its_order, lambda a, x: x ** (a - 1) * mp.exp(-x) / mp.gamma(a)),
    ),
    "gammaincc": (
        lambda a, x: mp.gammainc(a, x, regularized=True),
        (_by_its_order, lambda a, x: -(x ** (a - 1)) * mp.exp(-x) / mp.gamma(a)),
    ),
    "gamma": (mp.gamma, (lambda x: mp.gamma(x) * mp.digamma(x),)),
    "beta": (
        mp.beta,
        (
            lambda x, y: mp.beta(x, y) * (mp.digamma(x) - mp.digamma(x + y)),
            lambda x, y: mp.beta(x, y) * (mp.digamma(y) - mp.digamma(x + y)),
        ),
    ),
    "betaln": (
        lambda x, y: mp.log(mp.beta(x, y)),
        (lambda x, y: mp.digamma(x) - mp.digamma(x + y), lambda x, y: mp.digamma(y) - mp.digamma(x + y)),
    ),
    "rel_entr": (lambda x, y: x * mp.log(x / y), (lambda x, y: mp.log(x / y) + 1, lambda x, y: -x / y)),
}
"""By operation, its value and its derivative by each operand."""

_UNARY: Points = [(0.3,), (1.7,), (-0.8,), (-2.5,), (1e-8,), (20.0,)]
_BINARY: Points = [(0.3, 1.7), (1.7, 0.3), (-0.8, 2.5), (2.5, -0.8), (-0.1, -3.0), (1e-8, 3.0)]
_POSITIVE: Points = [(0.3,), (1.7,), (1e-8,), (1e8,)]
_TWO_POSITIVE: Points = [(0.3, 1.7), (1.7, 0.3), (0.8, 2.5), (3.0, 0.1)]
_INSIDE_ONE: Points = [(0.3,), (-0.8,), (1e-8,), (0.99,)]
_APART: Points = [(0.3, 1.7), (1.7, 0.3), (-0.8, 2.5), (2.5, -0.8), (7.7, 1.1)]
_OWN_POINTS: dict[str, Points] = {
    "pow": [(0.3, 1.7), (1.7, -0.3), (2.0, 3.0), (3.0, 2.0), (10.0, -2.5), (0.5, 0.0)],
    "log": _POSITIVE,
    "sqrt": _POSITIVE,
    "log1p": [(0.3,), (1.7,), (-0.8,), (1e-8,)],
    "tan": [(0.3,), (-0.8,), (1e-8,), (3.0,)],
    "arcsin": _INSIDE_ONE,
    "arccos": _INSIDE_ONE,
    "erf": [(0.3,), (1.7,), (-0.8,), (1e-8,), (5.5,)],
    "erfc": [(0.3,), (1.7,), (-2.5,), (1e-8,), (5.5,), (20.0,)],
    "lgamma": [(0.3,), (1.7,), (-0.8,), (-2.5,), (1e-8,), (20.0,)],
    "digamma": [(0.3,), (1.7,), (-0.8,), (-2.5,), (1e-5,), (20.0,)],
    **dict.fromkeys(("log2", "log10"), _POSITIVE),
    "arccosh": [(1.7,), (20.0,), (1e8,)],
    "arctanh": _INSIDE_ONE,
    **dict.fromkeys(("remainder", "fmod"), _APART),
    "logit": [(0.3,), (0.8,), (1e-8,)],
    "xlogy": [(0.3, 1.7), (-0.8, 2.5), (0.0, 0.3), (20.0, 1e-8)],
    "xlog1py": [(0.3, 1.7), (-0.8, -0.6), (0.0, 0.3), (20.0, 1e-8)],
    "entr": _POSITIVE,
    "ndtr": [(0.3,), (1.7,), (-2.5,), (1e-8,), (5.5,), (-20.0,)],
    "log_ndtr": [(0.3,), (1.7,), (-2.5,), (1e-8,), (5.5,), (-8.0,), (20.0,)],
    "erfcx": [(0.3,), (1.7,), (-0.8,), (1e-8,), (20.0,)],
    "jv": [(0.0, 0.3), (1.0, 1.7), (2.0, -2.5), (3.0, 1e-3), (7.0, 20.0)],
    "iv": [(0.0, 0.3), (1.0, 1.7), (2.0, -2.5), (3.0, 1e-3), (7.0, 20.0)],
    "zeta": [(1.7, 0.3), (3.0, 2.5), (1.5, 20.0), (10.0, 0.8)],
    "betainc": [(0.3, 0.2, 0.7), (1.7, 0.3, 0.2), (3.0, 2.5, 0.5), (0.5, 4.5, 0.9)],
    "gammainc": [(0.3, 0.2), (1.7, 0.3), (3.0, 2.5), (0.5, 4.5)],
    "gammaincc": [(0.3, 0.2), (1.7, 0.3), (3.0, 2.5), (0.5, 4.5)],
    "gamma": [(0.3,), (1.7,), (-0.8,), (-2.5,), (5.5,)],
    "beta": _TWO_POSITIVE,
    "betaln": _TWO_POSITIVE,
    "rel_entr": [(0.3, 1.7), (1.7, 0.3), (2.5, 0.8), (1e-8, 3.0)],
    "erfinv": [(0.3,), (-0.8,), (1e-8,)],
    "erfcinv": [(0.3,), (1.7,), (0.01,)],
    "ndtri": [(0.3,), (0.8,), (0.01,)],
    "sinc": [(0.3,), (-0.8,), (-2.5,), (2.0,), (20.0,)],
    "where": [(0.3, 1.7, -2.5), (-0.3, 1.7, -2.5)],
    "clip": [(0.3, -1.0, 1.0), (1.5, -1.0, 1.0), (-1.5, -1.0, 1.0)],
}

DIGITS = 200


@dataclass(frozen=True)
class Truth:
    """A case of one operation, its true value, and its true gradient (None at a kink or threshold)."""

    case: Case
    operands: tuple[float, ...]
    value: Any
    partials: tuple[Any, ...] | None
    gradient: list[Any] | None


def truths(name: str) -> Iterator[Truth]:
    """Yield what is known of an operation: at ordinary points, and at those where engines went wrong."""
    operation = ELEMENTWISE[name]
    value_of, derivatives = CLOSED_FORMS[name]
    for form in operation.operand_kinds:
        ordinary = _OWN_POINTS.get(name, _UNARY if operation.arity == 1 else _BINARY)
        special = product((*operation.special, 0.7), repeat=len(form)) if len(form) < 3 else ()
        for operands in dict.fromkeys((*ordinary, *special)):
            # Beside 1, formulas lose half of the digits to 1 - x * x.
            if not askable(name, form, operands) or any(0 < 1 - abs(x) < 1e-6 for x in operands):
                continue
            with mp.workdps(DIGITS):
                numbers = [mp.mpf(x) for x in operands]
                value = mp.mpf(value_of(*numbers))
                smooth = operation.distance is None or operation.distance(*operands) > 0
                nodes = [side for side, kind in enumerate(form) if kind == "x"]
                partials = {side: mp.mpf(derivatives[side](*numbers)) for side in nodes if smooth}
            yield Truth(
                single(name, form, operands),
                operands,
                value,
                tuple(partials.get(side) for side in range(len(form))) if smooth else None,
                list(partials.values()) if smooth else None,
            )
