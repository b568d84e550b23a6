"""Second derivatives: the derivative along a tangent, written down as an expression that has a gradient.

Truth for second derivatives comes from power series (`taylor.enclose_second`), which know no rule. How far
rounding may move them is derived from what an engine computes: reverse mode by the usual formulas, as an
expression that `tolerance.rounding` takes like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from nn_from_scratch.verify.questions.expressions import Case, Expression
from nn_from_scratch.verify.questions.generate import Below
from nn_from_scratch.verify.questions.lower import Tracer

Do = Callable[..., Any]
"""Records an operation, by name, on symbols and numbers."""


def with_tangent(case: Case, below: Below) -> Case:
    """Return the case asked to second order, along a tangent of short decimals."""
    return replace(case, tangent=tuple((1 - 2 * below(2)) * (1 + below(2999)) / 1000 for _ in case.point))


def derivative(expression: Expression, tangent: Sequence[float]) -> Expression:
    """Return the expression of the derivative of a scalar expression along a tangent.

    Parameters
    ----------
    expression
        Its inputs are those of the result as well.
    tangent
        A number for each input, that its derivative is multiplied by.

    """
    tracer = Tracer()
    do = partial(_record, tracer)
    inputs = [tracer.symbol(k) for k in range(expression.inputs)]
    values = expression.evaluate({name: partial(tracer.apply, name) for name in _PARTIALS}, inputs)
    adjoints: list[Any] = [0.0] * len(expression)
    adjoints[expression.output] = 1.0
    for index in range(len(expression) - 1, expression.first_step - 1, -1):
        step = expression.steps[index - expression.first_step]
        partials = _PARTIALS[step.operation](do, values[index], *[values[k] for k in step.operands])
        for operand, slope in zip(step.operands, partials, strict=True):
            if not expression.is_constant(operand):
                adjoints[operand] = do("add", adjoints[operand], do("mul", adjoints[index], slope))
    total: Any = 0.0
    for adjoint, weight in zip(adjoints, tangent, strict=False):
        total = do("add", total, do("mul", adjoint, weight))
    # A derivative that no input moves is still asked: its own derivatives are 0.
    constant = isinstance(total, float)
    output = tracer.apply("add", tracer.apply("mul", inputs[0], 0.0), total) if constant else total
    return tracer.case(output, (0.0,) * expression.inputs).expression


def _record(tracer: Tracer, name: str, *operands: Any) -> Any:
    """Record an operation, unless it adds 0 or multiplies by 0 or 1."""
    if name in _NEUTRAL:
        for one, other in (operands, operands[::-1]):
            if isinstance(one, float) and one in (_NEUTRAL[name], 0.0):
                return other if one == _NEUTRAL[name] else 0.0
    return tracer.apply(name, *operands)


_NEUTRAL = {"add": 0.0, "mul": 1.0}


def _pow(do: Do, z: Any, x: Any, y: Any) -> tuple[Any, Any]:
    # A constant operand has no derivative, and its formula may not exist.
    if isinstance(y, float) and y.is_integer():
        return (do("mul", y, 1.0 if y == 1.0 else do("pow", x, y - 1.0)) if y else 0.0), 0.0
    by_base = 0.0 if isinstance(x, float) else do("mul", y, do("pow", x, do("add", y, -1.0)))
    return by_base, 0.0 if isinstance(y, float) else do("mul", z, do("log", x))


def _arctan2(do: Do, _z: Any, y: Any, x: Any) -> tuple[Any, Any]:
    squares = do("add", do("mul", x, x), do("mul", y, y))
    return do("div", x, squares), do("neg", do("div", y, squares))


def _step(do: Do, x: Any) -> Any:
    """Return 1 above 0 and 0 below; one half at 0, where engines follow conventions of their own."""
    above, not_below = do("where", x, 1.0, 0.0), do("where", do("neg", x), 0.0, 1.0)
    return do("mul", 0.5, do("add", above, not_below))


def _either(do: Do, first: Any, second: Any) -> tuple[Any, Any]:
    """Return the derivatives by the first and the second, of what is the larger one."""
    return _step(do, do("sub", first, second)), _step(do, do("sub", second, first))


def _clip(do: Do, _z: Any, x: Any, low: Any, high: Any) -> tuple[Any, Any, Any]:
    return do("mul", _step(do, do("sub", x, low)), _step(do, do("sub", high, x))), 0.0, 0.0


def _arcsin(do: Do, x: Any) -> Any:
    return do("reciprocal", do("sqrt", do("sub", 1.0, do("mul", x, x))))


# The partial derivatives of z = f(x, y), by the formulas that engines commonly use.
_PARTIALS: Mapping[str, Callable[..., tuple[Any, ...]]] = {
    "add": lambda do, z, x, y: (1.0, 1.0),
    "sub": lambda do, z, x, y: (1.0, -1.0),
    "mul": lambda do, z, x, y: (y, x),
    "div": lambda do, z, x, y: (do("div", 1.0, y), do("neg", do("div", z, y))),
    "pow": _pow,
    "neg": lambda do, z, x: (-1.0,),
    "reciprocal": lambda do, z, x: (do("neg", do("mul", z, z)),),
    "square": lambda do, z, x: (do("mul", 2.0, x),),
    "exp": lambda do, z, x: (z,),
    "expm1": lambda do, z, x: (do("add", z, 1.0),),
    "log": lambda do, z, x: (do("reciprocal", x),),
    "log1p": lambda do, z, x: (do("reciprocal", do("add", x, 1.0)),),
    "sqrt": lambda do, z, x: (do("div", 0.5, z),),
    "sin": lambda do, z, x: (do("cos", x),),
    "cos": lambda do, z, x: (do("neg", do("sin", x)),),
    "tan": lambda do, z, x: (do("add", 1.0, do("mul", z, z)),),
    "arcsin": lambda do, z, x: (_arcsin(do, x),),
    "arccos": lambda do, z, x: (do("neg", _arcsin(do, x)),),
    "arctan": lambda do, z, x: (do("reciprocal", do("add", 1.0, do("mul", x, x))),),
    "arctan2": _arctan2,
    "sinh": lambda do, z, x: (do("cosh", x),),
    "cosh": lambda do, z, x: (do("sinh", x),),
    "tanh": lambda do, z, x: (do("sub", 1.0, do("mul", z, z)),),
    "sigmoid": lambda do, z, x: (do("mul", z, do("sub", 1.0, z)),),
    "softplus": lambda do, z, x: (do("sigmoid", x),),
    "hypot": lambda do, z, x, y: (do("div", x, z), do("div", y, z)),
    "logaddexp": lambda do, z, x, y: (do("exp", do("sub", x, z)), do("exp", do("sub", y, z))),
    "relu": lambda do, z, x: (_step(do, x),),
    "abs": lambda do, z, x: (do("add", _step(do, x), do("mul", -1.0, _step(do, do("neg", x)))),),
    "maximum": lambda do, z, x, y: _either(do, x, y),
    "minimum": lambda do, z, x, y: _either(do, x, y)[::-1],
    "where": lambda do, z, c, x, y: (0.0, do("where", c, 1.0, 0.0), do("where", c, 0.0, 1.0)),
    "clip": _clip,
}
