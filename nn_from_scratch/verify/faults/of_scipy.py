"""Faults of the functions of `scipy.special`; the victim has only the one that is wrong."""

from __future__ import annotations

from typing import Any

import numpy as np

from nn_from_scratch.verify.faults.further_rules import (
    BELL,
    bell,
    bessel_i,
    bessel_j,
    beta_density,
    digamma,
    gamma_density,
    iv,
    jv,
    normal,
    normal_below,
    slopes_of_beta,
    zeta,
)
from nn_from_scratch.verify.faults.of_numpy import derivative
from nn_from_scratch.verify.faults.planting import Fault


def _powers(a: Any, b: Any, x: Any) -> Any:
    return x ** (a - 1) * (1 - x) ** (b - 1)


SCIPY_FAULTS: tuple[Fault, ...] = (
    derivative("expit", "its value for its slope", lambda z, x: (z,)),
    derivative("log_expit", "the sigmoid of its operand", lambda z, x: (np.exp(z),)),
    derivative("log_expit", "the rule of expit", lambda z, x: (np.exp(z) * -np.expm1(z),)),
    derivative("logit", "the slope of the sigmoid", lambda z, x: (x * (1 - x),)),
    derivative("logit", "the rule of log", lambda z, x: (1 / x,)),
    derivative("xlogy", "nothing for the first operand", lambda z, x, y: (0 * x, x / y)),
    derivative("xlogy", "one over the second operand", lambda z, x, y: (np.log(y), 1 / y)),
    derivative("xlog1py", "the rule of xlogy", lambda z, x, y: (np.log1p(y), x / np.where(y, y, 1.0))),
    derivative(
        "xlog1py", "a logarithm without the 1", lambda z, x, y: (np.log(abs(y) + 1e-300), x / (1 + y))
    ),
    derivative("entr", "no 1", lambda z, x: (-np.log(x),)),
    derivative("ndtr", "the slope of erf", lambda z, x: (np.exp(-x * x) / np.sqrt(np.pi),)),
    derivative("ndtr", "the root of pi for that of 2 pi", lambda z, x: (normal(x) * np.sqrt(2),)),
    derivative("log_ndtr", "the rule of ndtr", lambda z, x: (normal(x),)),
    derivative(
        "log_ndtr", "what lies above for what lies below", lambda z, x: (normal(x) / normal_below(-x),)
    ),
    derivative("erfinv", "the slope of erf", lambda z, x: (bell(x),)),
    derivative("erfinv", "its operand for its value", lambda z, x: (1 / bell(x),)),
    derivative("erfcinv", "the rule of erfinv", lambda z, x: (1 / bell(z),)),
    derivative("ndtri", "the slope of erfinv", lambda z, x: (1 / bell(z),)),
    derivative("ndtri", "the root of pi for that of 2 pi", lambda z, x: (1 / (normal(z) * np.sqrt(2)),)),
    derivative("erfcx", "nothing for the exponential", lambda z, x: (0 * x - BELL,)),
    derivative("erfcx", "the slope of erfc beside it", lambda z, x: (2 * x * z - bell(x),)),
    derivative("j0", "the other sign", lambda z, x: (bessel_j(1)(x),)),
    derivative("j1", "order 0 alone", lambda z, x: (bessel_j(0)(x),)),
    derivative("j1", "no half", lambda z, x: (bessel_j(0)(x) - bessel_j(2)(x),)),
    derivative("i0", "the rule of j0", lambda z, x: (-bessel_j(1)(x),)),
    derivative("i1", "the sign of j1's rule", lambda z, x: ((bessel_i(0)(x) - bessel_i(2)(x)) / 2,)),
    derivative("jv", "the sign of iv's rule", lambda z, v, x: (0 * x, (jv(v - 1, x) + jv(v + 1, x)) / 2)),
    derivative("jv", "the order above alone", lambda z, v, x: (0 * x, -jv(v + 1, x))),
    derivative("iv", "the sign of jv's rule", lambda z, v, x: (0 * x, (iv(v - 1, x) - iv(v + 1, x)) / 2)),
    derivative("iv", "no half", lambda z, v, x: (0 * x, iv(v - 1, x) + iv(v + 1, x))),
    derivative("zeta", "no exponent", lambda z, s, q: (0 * q, -zeta(s + 1, q))),
    derivative("zeta", "the same exponent", lambda z, s, q: (0 * q, -s * z)),
    derivative("betainc", "no beta function", lambda z, a, b, x: (*2 * (0 * x,), _powers(a, b, x))),
    derivative(
        "betainc", "its parameters exchanged", lambda z, a, b, x: (*2 * (0 * x,), beta_density(b, a, x))
    ),
    derivative("gammainc", "the density of the next order", lambda z, a, x: (0 * x, gamma_density(a + 1, x))),
    derivative("gammainc", "no gamma", lambda z, a, x: (0 * x, np.exp((a - 1) * np.log(x) - x))),
    derivative("gammaincc", "the rule of gammainc", lambda z, a, x: (0 * x, gamma_density(a, x))),
    derivative("gamma", "the rule of its logarithm", lambda z, x: (digamma(x),)),
    derivative("gamma", "the derivative by factorials, one off", lambda z, x: (z * digamma(x + 1),)),
    derivative("beta", "the rule of its logarithm", lambda z, x, y: slopes_of_beta(1.0, x, y)),
    derivative("beta", "its slopes exchanged", lambda z, x, y: slopes_of_beta(z, x, y)[::-1]),
    derivative("betaln", "nothing for the sum", lambda z, x, y: (digamma(x), digamma(y))),
    derivative("betaln", "the rule of beta", lambda z, x, y: slopes_of_beta(np.exp(z), x, y)),
    derivative("rel_entr", "no 1", lambda z, x, y: (np.log(x / y), -x / y)),
    derivative("rel_entr", "the rule of kl_div", lambda z, x, y: (np.log(x / y), 1 - x / y)),
)
"""Bugs planted into functions of `scipy.special`."""
