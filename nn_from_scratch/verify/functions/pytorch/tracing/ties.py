"""Where the numbers decide between two formulas and are equal: at a kink no formula is the derivative."""

from __future__ import annotations

from typing import Any

import numpy as np

from nn_from_scratch.verify.functions.pytorch.tracing.operands import Operand
from nn_from_scratch.verify.functions.pytorch.tracing.pooling import LARGEST, tied_windows
from nn_from_scratch.verify.functions.tracing.shadows import Numbers

_AT_ZERO = frozenset(["abs", "relu", "leaky_relu", "elu", "hardtanh", "sign", "sgn", "heaviside"])
_BETWEEN_TWO = frozenset(
    """
    maximum minimum fmax fmin gt ge lt le eq ne greater less greater_equal less_equal not_equal
    """.split()  # noqa: SIM905  a long list reads best as words
)
_IN_ORDER = frozenset(
    """
    max min amax amin sort topk kthvalue median mode cummax cummin argmax argmin argsort
    """.split()  # noqa: SIM905  a long list reads best as words
)


_ASK_FOR_ONE = frozenset(["eq", "ne", "not_equal"])


def equal_to_one(name: str, arguments: dict[str, Any]) -> Any:
    """Return which entries equal the number that an operation asks for; None if it asks for none.

    Beside such a number another formula may hold, on both sides.
    """
    x = arguments.get("self")
    if name not in _ASK_FOR_ONE or not isinstance(x, Operand) or x.shadow is None:
        return None
    return np.asarray(x.numbers == _numbers(arguments["other"]))


def tied(name: str, arguments: dict[str, Any], outputs: tuple[int, ...]) -> bool:
    """Whether an operation decides by numbers of which two are equal; `outputs` is the shape of its first."""
    x = arguments.get("self")
    if not isinstance(x, Operand) or x.shadow is None or not x.numbers.size:
        return False
    if name in _AT_ZERO or name == "threshold_backward":
        return bool((x.numbers == arguments.get("threshold", 0)).any())
    if name in _BETWEEN_TWO or (name in _IN_ORDER and isinstance(arguments.get("other"), Operand)):
        return bool((x.numbers == _numbers(arguments["other"])).any())
    if name.startswith("clamp"):
        bounds = [_numbers(arguments.get(key)) for key in ("min", "max")]
        return any(bound is not None and bool((x.numbers == bound).any()) for bound in bounds)
    if name == "linalg_vector_norm":
        return arguments["ord"] != 2 and _has_equals(np.append(np.abs(x.numbers), 0))
    in_windows = name in LARGEST and tied_windows(name, arguments, outputs)
    return in_windows or (name in _IN_ORDER and _has_equals(x.numbers))


def _has_equals(numbers: Numbers) -> bool:
    return np.unique(numbers).size < numbers.size


def _numbers(x: Any) -> Any:
    return x.numbers if isinstance(x, Operand) else x
