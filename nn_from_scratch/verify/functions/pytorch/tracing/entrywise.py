"""Operations entry by entry: those of the core by PyTorch's names, and what the numbers decide."""

from __future__ import annotations

from typing import Any

import numpy as np

from nn_from_scratch.verify.functions.pytorch.tracing.operands import Call, Rule
from nn_from_scratch.verify.functions.tracing.operations import apply
from nn_from_scratch.verify.functions.tracing.shadows import Shadow, as_shadow, exact, select

_UNARY = {
    "exp": "exp",
    "exp2": "exp2",
    "expm1": "expm1",
    "log": "log",
    "log2": "log2",
    "log10": "log10",
    "log1p": "log1p",
    "sqrt": "sqrt",
    "rsqrt": "rsqrt",
    "sin": "sin",
    "cos": "cos",
    "tan": "tan",
    "asin": "arcsin",
    "acos": "arccos",
    "atan": "arctan",
    "sinh": "sinh",
    "cosh": "cosh",
    "tanh": "tanh",
    "asinh": "arcsinh",
    "acosh": "arccosh",
    "atanh": "arctanh",
    "sigmoid": "sigmoid",
    "special_expit": "sigmoid",
    "silu": "silu",
    "erf": "erf",
    "special_erf": "erf",
    "erfc": "erfc",
    "special_erfc": "erfc",
    "erfinv": "erfinv",
    "special_erfinv": "erfinv",
    "lgamma": "lgamma",
    "special_gammaln": "lgamma",
    "digamma": "digamma",
    "special_digamma": "digamma",
    "special_erfcx": "erfcx",
    "special_log_ndtr": "log_ndtr",
    "special_ndtri": "ndtri",
    "i0": "i0",
    "special_i0e": "i0e",
    "special_i1": "i1",
    "special_i1e": "i1e",
    "special_bessel_j0": "j0",
    "special_bessel_j1": "j1",
    "reciprocal": "reciprocal",
    "neg": "negative",
    "positive": "positive",
    "square": "square",
}
_BINARY = {"mul": "multiply", "atan2": "arctan2", "hypot": "hypot", "logaddexp": "logaddexp"}


def _unary(name: str) -> Rule:
    return lambda call: apply(name, call.shadow("self"))


def _binary(name: str) -> Rule:
    return lambda call: apply(name, call.shadow("self"), call.shadow("other"))


def _scaled(call: Call, name: str) -> Shadow:
    """Return an argument times ``alpha``."""
    alpha = call["alpha"]
    shadow = call.shadow(name)
    return shadow if alpha in {None, 1} else apply("multiply", shadow, call.shadow("alpha"))


def _add(call: Call) -> Shadow:
    return apply("add", call.shadow("self"), _scaled(call, "other"))


def _sub(call: Call) -> Shadow:
    return apply("subtract", call.shadow("self"), _scaled(call, "other"))


def _rsub(call: Call) -> Shadow:
    return apply("subtract", call.shadow("other"), _scaled(call, "self"))


def _div(call: Call) -> Shadow:
    if call["rounding_mode"]:
        return _constant(call)
    return apply("divide", call.shadow("self"), call.shadow("other"))


def _pow(call: Call) -> Shadow:
    return apply("power", call.shadow("self"), call.shadow("exponent"))


def _weighed(call: Call, operation: str) -> Shadow:
    """Return self + value * (tensor1 operation tensor2)."""
    term = apply(operation, call.shadow("tensor1"), call.shadow("tensor2"))
    value = call["value"]
    term = term if value in {None, 1} else apply("multiply", term, call.shadow("value"))
    return apply("add", call.shadow("self"), term)


def _lerp(call: Call) -> Shadow:
    start = call.shadow("self")
    step = apply("multiply", call.shadow("weight"), apply("subtract", call.shadow("end"), start))
    return apply("add", start, step)


def _gelu(call: Call) -> Shadow:
    return apply("gelu by tanh" if call["approximate"] == "tanh" else "gelu", call.shadow("self"))


def _modulo(call: Call) -> Shadow:
    """Subtract as many of the divisor as the numbers say."""
    x, y = call.numbers("self"), call.numbers("other")
    count = np.rint((x - call.results[0]) / y)
    return apply("subtract", call.shadow("self"), apply("multiply", exact(count), call.shadow("other")))


def _polygamma(call: Call) -> Shadow:
    return apply("polygamma", call.shadow("self"), exact(call["n"]))


def _mantissa(call: Call) -> tuple[Shadow, None]:
    return apply("multiply", call.shadow("self"), exact(2.0 ** -call.results[1].astype(float))), None


def _constant(call: Call) -> Shadow:
    """Take the numbers: a step, which has no slope between its jumps."""
    return exact(call.results[0])


def _zeros(call: Call) -> Shadow:
    return exact(np.zeros(call.results[0].shape))


def _abs(call: Call) -> Shadow:
    x, found = call.shadow("self"), call.numbers("self")
    return select(found < 0, apply("negative", x), select(found > 0, x, exact(np.zeros(x.shape))))


def _relu(call: Call) -> Shadow:
    return select(call.numbers("self") > 0, call.shadow("self"), exact(np.zeros(call.results[0].shape)))


def _leaky_relu(call: Call) -> Shadow:
    x = call.shadow("self")
    return select(call.numbers("self") > 0, x, apply("multiply", x, call.shadow("negative_slope")))


def _threshold_backward(call: Call) -> Shadow:
    kept = call.numbers("self") > call["threshold"]
    return select(kept, call.shadow("grad_output"), exact(np.zeros(call.results[0].shape)))


def _shrink_backward(call: Call) -> Shadow:
    """Return the cotangent beyond the threshold, whatever it shrinks to."""
    gradient = call.shadow("grad_output" if "grad_output" in call.arguments else "grad_out")
    return select(np.abs(call.numbers("self")) > call["lambd"], gradient, exact(np.zeros(gradient.shape)))


def _hardsigmoid_backward(call: Call) -> Shadow:
    """Return a sixth of the cotangent between -3 and 3. PyTorch has the sixth in float32 for every dtype."""
    kept = np.abs(call.numbers("self")) < 3
    sixth = call.shadow_of(float(np.float32(1) / np.float32(6)))
    slope = apply("multiply", call.shadow("grad_output"), sixth)
    return select(kept, slope, exact(np.zeros(call.results[0].shape)))


def _clamp(call: Call) -> Shadow:
    x: Any = call.shadow("self")
    found = call.numbers("self")
    for bound, beyond in (("min", np.less), ("max", np.greater)):
        if call[bound] is not None:
            x = select(beyond(found, call.numbers(bound)), call.shadow(bound), x)
    return as_shadow(x)


def _maximum(call: Call) -> Shadow:
    first = call.numbers("self") >= call.numbers("other")
    return select(first, call.shadow("self"), call.shadow("other"))


def _minimum(call: Call) -> Shadow:
    first = call.numbers("self") <= call.numbers("other")
    return select(first, call.shadow("self"), call.shadow("other"))


def _copy(call: Call) -> Shadow:
    return call.shadow("src" if "src" in call.arguments else "self").copy()


def _fill(call: Call) -> Shadow:
    return np.broadcast_to(call.shadow("value"), call.results[0].shape)


def _full(call: Call) -> Shadow:
    name = "fill_value" if "fill_value" in call.arguments else "s"
    return np.broadcast_to(call.shadow(name), call.results[0].shape)


ENTRYWISE: dict[str, Rule] = {
    **{torch_name: _unary(name) for torch_name, name in _UNARY.items()},
    **{torch_name: _binary(name) for torch_name, name in _BINARY.items()},
    "add": _add,
    "sub": _sub,
    "rsub": _rsub,
    "div": _div,
    "pow": _pow,
    "addcmul": lambda call: _weighed(call, "multiply"),
    "addcdiv": lambda call: _weighed(call, "divide"),
    "lerp": _lerp,
    "gelu": _gelu,
    "abs": _abs,
    "relu": _relu,
    "leaky_relu": _leaky_relu,
    "threshold_backward": _threshold_backward,
    "hardsigmoid_backward": _hardsigmoid_backward,
    **dict.fromkeys(("hardshrink_backward", "softshrink_backward"), _shrink_backward),
    **dict.fromkeys(("remainder", "fmod"), _modulo),
    "polygamma": _polygamma,
    "frexp": _mantissa,
    "clamp": _clamp,
    "clamp_min": _clamp,
    "clamp_max": _clamp,
    "maximum": _maximum,
    "minimum": _minimum,
    "fmax": _maximum,
    "fmin": _minimum,
    **dict.fromkeys(("sign", "sgn", "floor", "ceil", "round", "trunc", "heaviside"), _constant),
    **dict.fromkeys(("clone", "_to_copy", "to", "copy", "contiguous", "detach_copy", "alias_copy"), _copy),
    **dict.fromkeys(("zero", "zeros", "zeros_like", "new_zeros", "_efficientzerotensor"), _zeros),
    **dict.fromkeys(("ones", "ones_like", "new_ones", "arange", "eye"), _constant),
    "fill": _fill,
    **dict.fromkeys(("full", "full_like", "new_full", "scalar_tensor"), _full),
}
"""Rules by the names of PyTorch's operations, without the underscore of those in place."""
