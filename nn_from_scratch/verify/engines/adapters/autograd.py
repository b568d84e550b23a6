"""autograd, by HIPS (https://github.com/HIPS/autograd)."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import autograd.numpy as anp
from autograd import value_and_grad

from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.engines.source import TransformSource

try:  # it has them where scipy is installed
    from autograd.scipy import special
except ImportError:
    special = None

SPECIAL = {
    "erf": "erf",
    "erfc": "erfc",
    "lgamma": "gammaln",
    "digamma": "digamma",
    "expit": "expit",
    "logit": "logit",
    "erfinv": "erfinv",
    "erfcinv": "erfcinv",
    "gammainc": "gammainc",
    "gammaincc": "gammaincc",
    "gamma": "gamma",
    "j0": "j0",
    "j1": "j1",
    "i0": "i0",
    "i1": "i1",
    "jv": "jn",
    "iv": "iv",
    "betainc": "betainc",
    "beta": "beta",
    "betaln": "betaln",
}


def _value_and_gradient(function: Callable[..., Any], inputs: Sequence[Any]) -> tuple[Any, Sequence[Any]]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Output seems independent of input")  # as a gradient may be
        value, gradient = value_and_grad(function, argnum=tuple(range(len(inputs))))(*inputs)
    return value, gradient


engine = Engine.from_transform(
    name="autograd",
    namespace=anp,
    value_and_gradient=_value_and_gradient,
    second_order=True,
    operations={
        "sigmoid": lambda x: 1 / (1 + anp.exp(-x)),
        "softplus": lambda x: anp.logaddexp(x, 0.0),
        "relu": lambda x: anp.maximum(x, 0.0),
        "where": lambda c, x, y: anp.where(c > 0, x, y),
        **{name: getattr(special, SPECIAL[name]) for name in SPECIAL if special},
    },
    source=TransformSource(
        imports="import autograd.numpy as np\nfrom autograd import value_and_grad"
        + ("\nfrom autograd.scipy import special" if special else ""),
        transform="value_and_grad({function}, argnum={positions})({inputs})",
        call="np.{name}({arguments})",
        operations={
            "sigmoid": "(1 / (1 + np.exp(-{0})))",
            "softplus": "np.logaddexp({0}, 0.0)",
            "relu": "np.maximum({0}, 0.0)",
            "where": "np.where({0} > 0, {1}, {2})",
            **{name: f"special.{function}({{arguments}})" for name, function in SPECIAL.items()},
        },
    ),
)
