"""Random expressions, built so that every step stays inside its operation's domain.

One generator serves a seeded campaign and Hypothesis: all it asks for is a source of choices, a function
``choose(n)`` that returns an integer from 0 to n - 1. Simpler choices have smaller numbers, so that
Hypothesis shrinks towards them.
"""

from __future__ import annotations

import math
import operator
import random
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import TypeVar

from nn_from_scratch.verify.questions import guide_of_special
from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.expressions import Arithmetic, Expression, Step
from nn_from_scratch.verify.questions.operations import (
    ALL_FORMS,
    ELEMENTWISE,
    OF_LIBRARIES,
    Form,
    Operation,
)

T = TypeVar("T")
Choose = Callable[[int], int]

POINTS = (1.0, 0.0, -1.0, 2.0, 0.5, -0.5, 3.0, -2.0, 1e-3, 10.0, -30.0, 1e-8, -1e-5, 1e3, 1e5)
CONSTANTS = (2.0, 1.0, 3.0, 0.0, -1.0, 0.5, -2.0, 10.0, -0.5, 1e-3, 0.1, 7.0)
EXTREMES = (1e300, 1e-310, 1e150, 1e-150, 1.7e308, 5e-324, 2.0**-1022)
"""Huge values, and small ones down to the smallest subnormal."""
BESIDE = (1.0, 1.0 + 2**-30, 1.0 - 2**-50)  # times another value: a tie, and how nearly there may be one
_MOST_INPUTS = 4
_ATTEMPTS = 12  # at a step, before it is given up


def _digamma(x: float) -> float:
    """Return the slope of lgamma, roughly: by reflection, recurrence and its asymptotic series."""
    if x < 0:
        return _digamma(1 - x) - math.pi / math.tan(math.pi * x)
    passed = 0.0
    while x < 12:
        passed += 1 / x
        x += 1
    square = 1 / (x * x)
    series = square * (1 / 12 - square * (1 / 120 - square * (1 / 252 - square / 240)))
    return math.log(x) - 0.5 / x - series - passed


def _sigmoid(x: float) -> float:
    return math.exp(min(x, 0.0)) / (1 + math.exp(-abs(x)))


def _softplus(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def _normal_below(x: float) -> float:
    return math.erfc(-x / math.sqrt(2)) / 2


# The guide: rough values that only steer the choice of the next step. Nothing is judged by them.
GUIDE: Arithmetic = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "pow": math.pow,
    "neg": operator.neg,
    "reciprocal": lambda x: 1 / x,
    "square": lambda x: x * x,
    "exp": math.exp,
    "expm1": math.expm1,
    "log": math.log,
    "log1p": math.log1p,
    "sqrt": math.sqrt,
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "arcsin": math.asin,
    "arccos": math.acos,
    "arctan": math.atan,
    "arctan2": math.atan2,
    "sinh": math.sinh,
    "cosh": math.cosh,
    "tanh": math.tanh,
    "sigmoid": _sigmoid,
    "softplus": _softplus,
    "hypot": math.hypot,
    "logaddexp": lambda x, y: max(x, y) + math.log1p(math.exp(-abs(x - y))),
    "relu": lambda x: max(x, 0.0),
    "abs": abs,
    "sign": lambda x: (x > 0) - (x < 0),
    "maximum": max,
    "minimum": min,
    "where": lambda c, x, y: x if c > 0 else y,
    "clip": lambda x, low, high: min(max(x, low), high),
    "erf": math.erf,
    "erfc": math.erfc,
    "lgamma": math.lgamma,
    "digamma": _digamma,
    "exp2": lambda x: math.pow(2.0, x),
    "log2": math.log2,
    "log10": math.log10,
    "cbrt": math.cbrt,
    "arcsinh": math.asinh,
    "arccosh": math.acosh,
    "arctanh": math.atanh,
    "sinc": lambda x: math.sin(math.pi * x) / (math.pi * x) if x else 1.0,
    "deg2rad": math.radians,
    "rad2deg": math.degrees,
    "logaddexp2": lambda x, y: max(x, y) + math.log2(1 + math.pow(2.0, -abs(x - y))),
    "remainder": operator.mod,
    "fmod": math.fmod,
    "expit": _sigmoid,
    "log_expit": lambda x: -_softplus(-x),
    "logit": lambda x: math.log(x / (1 - x)),
    "xlogy": lambda x, y: x * math.log(y),
    "xlog1py": lambda x, y: x * math.log1p(y),
    "entr": lambda x: -x * math.log(x),
    "ndtr": _normal_below,
    "log_ndtr": lambda x: math.log1p(-_normal_below(-x)) if x > 0 else math.log(_normal_below(x)),
    "erfinv": guide_of_special.erfinv,
    "erfcinv": lambda x: -guide_of_special.normal_quantile(x / 2) / math.sqrt(2),
    "ndtri": guide_of_special.normal_quantile,
    "erfcx": guide_of_special.erfcx,
    "j0": partial(guide_of_special.bessel, 0, math.cos),
    "j1": partial(guide_of_special.bessel, 1, math.sin),
    "i0": partial(guide_of_special.bessel, 0, math.cosh),
    "i1": partial(guide_of_special.bessel, 1, math.sinh),
    "jv": guide_of_special.jv,
    "iv": guide_of_special.iv,
    "zeta": guide_of_special.zeta,
    "betainc": guide_of_special.betainc,
    "gammainc": guide_of_special.gammainc,
    "gammaincc": guide_of_special.gammaincc,
    "gamma": math.gamma,
    "beta": lambda x, y: math.exp(guide_of_special.log_of_beta(x, y)),
    "betaln": guide_of_special.log_of_beta,
    "rel_entr": lambda x, y: x * math.log(x / y),
}


def seeded(seed: int, index: int) -> Choose:
    """Return the source of choices of graph `index` of a campaign: the same on every machine."""
    uniform = random.Random(f"{seed}/{index}").random
    return lambda n: int(uniform() * n)


def case(choose: Choose, forms: Collection[Form] = ALL_FORMS, *, most_steps: int = 30) -> Case:
    """Draw an expression and a point inside its domain.

    Parameters
    ----------
    choose
        The source of choices.
    forms
        The operations, and sides of their constants, that may be used.
    most_steps
        The largest number of operations.

    Raises
    ------
    ValueError
        If `forms` is empty.

    """
    if not forms:
        raise ValueError("no operation to build an expression from")
    return _Builder(choose, forms).build(most_steps)


class _Builder:
    """The graph so far, with the guide's value of each node."""

    def __init__(self, choose: Choose, forms: Collection[Form]) -> None:
        self.choose = choose
        self.extreme = is_extreme(choose)
        self.forms: dict[str, list[str]] = {}
        for name, kinds in forms:
            self.forms.setdefault(name, []).append(kinds)
        self.of_libraries = [name for name in self.forms if name in OF_LIBRARIES]
        self.others = [name for name in self.forms if name not in OF_LIBRARIES]
        self.values: list[float] = []
        self.steps: dict[int, tuple[str, list[int]]] = {}  # the other nodes are inputs
        self.constants: list[float] = []  # constant k is operand -1 - k

    def build(self, most_steps: int) -> Case:
        # Half of the graphs are small, where a fault stands alone; the others mix.
        wanted = 1 + self.choose(min(4, most_steps) if self.choose(2) == 0 else most_steps)
        attempts = wanted * _ATTEMPTS
        while len(self.steps) < wanted and attempts:
            attempts -= 1
            self._try_step()
        if not self.values:
            self.values.append(self._number())
        inputs = [node for node in range(len(self.values)) if node not in self.steps]
        order = [*inputs, *(-1 - k for k in range(len(self.constants))), *self.steps]
        index = {node: position for position, node in enumerate(order)}
        steps = tuple(Step(name, tuple(index[k] for k in operands)) for name, operands in self.steps.values())
        expression = Expression(len(inputs), tuple(self.constants), steps, index[len(self.values) - 1])
        return Case(expression, tuple(self.values[node] for node in inputs))

    def _pick(self, choices: Sequence[T]) -> T:
        return choices[self.choose(len(choices))]

    def _number(self, operation: Operation | None = None) -> float:
        """Draw a coordinate: a special point, a tie, or a short decimal (whose binary digits are full)."""
        if self.extreme and (not self.values or self.choose(2) == 0):
            return self._pick((1, -1)) * self._pick(EXTREMES)
        if self.choose(4) == 0:
            return self._pick((operation and operation.special) or POINTS)
        if operation and operation.distance and self.values and self.choose(2) == 1:
            return self.values[-1] * self._pick(BESIDE)
        return self._pick((1, -1)) * (1 + self.choose(2999)) / 1000

    def _try_step(self) -> None:
        name = self._pick(either(self.others, self.of_libraries, self.choose))
        kinds = self._pick(self.forms[name])
        operation = ELEMENTWISE[name]
        kept = len(self.values), len(self.constants)
        operands: list[int] = []
        for side, kind in enumerate(kinds):
            if kind == "c":
                operands.append(self._constant(operation.special if side else ()))
                continue
            operand = self._node(operation)
            if operand in operands and self.choose(4):
                operand = self.choose(len(self.values))  # the same operand twice is asked, but not that often
            operands.append(operand)
        values = [self.constants[-1 - k] if k < 0 else self.values[k] for k in operands]
        result = _guided(name, kinds, values, self.extreme)
        if result is None:  # take back the inputs and constants drawn for it
            del self.values[kept[0] :], self.constants[kept[1] :]
        else:
            self.steps[len(self.values)] = name, operands
            self.values.append(result)

    def _node(self, operation: Operation) -> int:
        """Draw an operand: the latest node (which makes graphs deep), any (which shares), or a new input."""
        inputs = len(self.values) - len(self.steps)
        kind = self.choose(4)
        if not self.values or (kind == 0 and inputs < _MOST_INPUTS):
            self.values.append(self._number(operation))
            return len(self.values) - 1
        return self.choose(len(self.values)) if kind == 1 else len(self.values) - 1

    def _constant(self, special: tuple[float, ...]) -> int:
        value = self._pick(special or CONSTANTS)
        if value not in self.constants:
            self.constants.append(value)
        return -1 - self.constants.index(value)


def askable(name: str, kinds: str, values: Sequence[float]) -> bool:
    """Whether the operation is inside its domain, and has a derivative for every operand that is a node."""
    # Only above 0 is a power a smooth function of its exponent.
    return ELEMENTWISE[name].inside(*values) and not (name == "pow" and kinds != "xc" and values[0] <= 0)


def either(others: Sequence[T], of_libraries: Sequence[T], choose: Choose) -> Sequence[T]:
    """Return what every engine has, or one time in three what numpy and scipy have beside it: it is much."""
    return of_libraries if of_libraries and (not others or choose(3) == 0) else others


def is_extreme(choose: Choose) -> bool:
    """Draw whether a case is one of the few with huge and subnormal values."""
    return choose(12) == 11


def within_range(x: float, extreme: bool) -> bool:
    """Whether the guide's value is 0 or neither too small nor too large for the next step."""
    return x == 0 or (5e-324 <= abs(x) < 1e305 if extreme else 0.9e-9 < abs(x) < 1.1e6)


def rounded(x: float) -> float:
    """Round to as many digits as are the same with every system's mathematical library."""
    return float(f"{x:.10g}")


def _guided(name: str, kinds: str, values: list[float], extreme: bool) -> float | None:
    """Return the step's rough value, or None where it should not be asked."""
    try:
        result = rounded(GUIDE[name](*values)) if askable(name, kinds, values) else math.inf
    except (ArithmeticError, ValueError):
        return None
    return result if within_range(result, extreme) else None
