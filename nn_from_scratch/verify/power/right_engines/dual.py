"""Forward mode: dual numbers, one pass for each input."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.power.right_engines.tape import Value, Way
from nn_from_scratch.verify.questions.operations import CATALOGUE


@dataclass(frozen=True, slots=True)
class Dual:
    """A number and its derivative along one input."""

    value: Value
    slope: float


def engine(name: str, way: Way) -> Engine:
    """Return an engine of forward mode, with the values and partial derivatives of a way to compute."""

    def apply(rule: str, *operands: Dual | float) -> Dual:
        made = way.apply(rule, *(x.value if isinstance(x, Dual) else x for x in operands))
        slopes = (x.slope for x in operands if isinstance(x, Dual))
        parts = [way.rounded(own * slope) for own, slope in zip(made.partials, slopes, strict=True)]
        slope = parts[0]
        for part in parts[1:]:
            slope = way.rounded(slope + part)
        return Dual(made, slope)

    def value_and_gradient(function: Callable[..., Any], inputs: Sequence[Any]) -> tuple[Any, Sequence[Any]]:
        gradient, value = [], 0.0
        for chosen in range(len(inputs)):
            result = function(*(Dual(Value(x), float(k == chosen)) for k, x in enumerate(inputs)))
            gradient.append(result.slope)
            value = result.value.data
        return value, gradient

    return Engine.from_transform(
        name=name,
        namespace=None,
        value_and_gradient=value_and_gradient,
        operations={rule: partial(apply, rule) for rule in CATALOGUE},
        complete=True,
        dtype=way.dtype,
    )
