"""The conventions at kinks: which derivative an engine gives where there are two, or none.

Between the one-sided derivatives every answer is right, and engines differ. What PyTorch and JAX answer is
recorded in `reference/conventions.json`, so that it is told where they are not installed as well.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb

from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.judging.at_kinks import AtKinks
from nn_from_scratch.verify.oracles import taylor
from nn_from_scratch.verify.oracles.reference import read
from nn_from_scratch.verify.questions.cases import Case, single
from nn_from_scratch.verify.questions.expressions import Expression, Step
from nn_from_scratch.verify.questions.formats import FORMATS
from nn_from_scratch.verify.questions.lower import lower
from nn_from_scratch.verify.questions.operations import CATALOGUE, FURTHER_ARRAYS, Form, bare

Derivative = float | str | None
"""A number; "nan", "inf" or "-inf"; "raises" and what was raised; None for an operation that is missing."""


@dataclass(frozen=True, slots=True)
class Kink:
    """A question: the derivative of one operation, by one number of the point."""

    at: str
    form: Form
    case: Case
    entry: int

    def answer(self, engine: Engine) -> Derivative:
        """Return the derivative that the engine gives."""
        if self.form not in (*engine.forms, *engine.array_forms) or engine.lacking(self.case):
            return None
        try:
            with np.errstate(all="ignore"):
                derivative = engine.answer(self.case).gradient[self.entry]
        except Exception as error:  # noqa: BLE001  whatever an engine raises is its answer
            return f"raises {type(error).__name__}"
        return derivative + 0.0 if math.isfinite(derivative) else str(derivative)  # -0 is 0

    def between(self) -> tuple[float, float] | None:
        """Return the smallest and the largest one-sided derivative; None where there is no finite one."""
        scalar = lower(self.case) if self.case.shapes else self.case
        sides = self._sides(scalar)
        if not all(side.is_finite() for side in sides):
            return None
        # A hull is a ball, whose radius has no more than 30 bits.
        lowest = min(float(side.lower()) for side in sides)
        highest = max(float(side.upper()) for side in sides)
        return round(lowest, 8) + 0.0, round(highest, 8) + 0.0

    def _sides(self, scalar: Case) -> Sequence[arb]:
        """Return what encloses the one-sided derivatives: a hull, or of several results each alone."""
        if len(self.case.cotangent) > 1:
            return AtKinks(scalar.expression, scalar.point, FORMATS["float64"]).entries[self.entry].sides
        return [taylor.enclose(scalar.expression, scalar.point)[1][self.entry]]


def conventions(engine: Engine) -> list[dict[str, Any]]:
    """Ask an engine at every kink.

    Returns
    -------
    list of dict
        For each kink where it is (`at`), the `operation`, the derivatives that this `engine` and, as
        recorded, `pytorch` and `jax` give (`Derivative`), and `between` which numbers every one is right. An
        operation that an engine need not have is there if it has it.

    """
    recorded = read("conventions.json")["conventions"]
    return [
        {
            "at": kink.at,
            "operation": kink.form[0],
            "engine": kink.answer(engine),
            **recorded[kink.at],
            "between": kink.between(),
        }
        for kink in KINKS
        if kink.form[0] not in FURTHER_ARRAYS or kink.form in engine.array_forms
    ]


def _scalar(name: str, kinds: str, *values: float, by: int = 0) -> Kink:
    """Ask an operation on its own, as in `single`; `by` is one of its nodes."""
    nodes = iter("xyz")
    names = [next(nodes) if kind == "x" else f"{value:g}" for kind, value in zip(kinds, values, strict=True)]
    point = [(name, value) for name, kind, value in zip(names, kinds, values, strict=True) if kind == "x"]
    at = ", ".join(f"{name} = {value:g}" for name, value in point)
    of = f", by {point[by][0]}" if len(point) > 1 else ""
    text = bare(CATALOGUE[name].text(*names))
    return Kink(f"{text} at {at}{of}", (name, kinds), single(name, kinds, values), by)


def _entrywise(name: str, *values: float, by: int = 0) -> Kink:
    """Ask an operation that only arrays have, of arrays of one number each."""
    names = "xyz"[: len(values)]
    count = len(values)
    case = Case(
        Expression(count, (), (Step(name, tuple(range(count))),), count), values, ((1,),) * count, (1.0,)
    )
    at = ", ".join(f"{name} = [{value:g}]" for name, value in zip(names, values, strict=True))
    return Kink(f"{name}({', '.join(names)}) at {at}, by {names[by]}[0]", (name, "x" * count), case, by)


def _reduction(name: str, *values: float, by: int = 0, **keywords: float) -> Kink:
    step = Step(name, (0,), (("axis", None), *keywords.items(), ("keepdims", False)))
    case = Case(Expression(1, (), (step,), 1), values, ((len(values),),), (1.0,))
    at = ", ".join(f"{value:g}" for value in values)
    return Kink(f"{name}(x) at x = [{at}], by x[{by}]", (name, "x"), case, by)


def _first_of_lines() -> Kink:
    """Ask for lines between points where the first of them begins."""
    step = Step("interp", (0, 1), (("xp", (0.0, 1.0)),))
    case = Case(Expression(2, (), (step,), 2), (0.0, 1.0, 2.0), ((1,), (2,)), (1.0,))
    return Kink("interp(x, [1, 2], xp=(0, 1)) at x = [0], by x[0]", ("interp", "xx"), case, 0)


def _sorted(*values: float, by: int) -> Kink:
    """Ask for sorted numbers, the first weighed by 1, the second by 2, and so on."""
    case = Case(
        Expression(1, (), (Step("sort", (0,), (("axis", 0),)),), 1),
        values,
        ((len(values),),),
        tuple(map(float, range(1, 1 + len(values)))),
    )
    weights = " + ".join(f"{k} y[{k - 1}]" for k in range(1, 1 + len(values)))
    at = ", ".join(f"{value:g}" for value in values)
    return Kink(f"{weights} of y = sort(x) at x = [{at}], by x[{by}]", ("sort", "x"), case, by)


KINKS = (
    _scalar("relu", "x", 0.0),
    _scalar("abs", "x", 0.0),
    _scalar("sign", "x", 0.0),
    *(_scalar(name, "xx", 1.0, 1.0, by=by) for name in ("maximum", "minimum") for by in (0, 1)),
    *(_scalar(name, "xc", 0.0, 0.0) for name in ("maximum", "minimum")),
    _scalar("clip", "xcc", -1.0, -1.0, 1.0),
    _scalar("clip", "xcc", 1.0, -1.0, 1.0),
    _scalar("clip", "xcc", 0.0, 1.0, -1.0),  # crossing bounds
    _scalar("clip", "xcc", 1.0, 1.0, 1.0),
    *(_scalar("where", "xxx", 0.0, 2.0, 3.0, by=by) for by in (1, 2)),
    *(_reduction(name, 1.0, 1.0, by=by) for name in ("max", "min") for by in (0, 1)),
    *(_sorted(1.0, 1.0, by=by) for by in (0, 1)),
    _entrywise("fabs", 0.0),
    *(_entrywise(name, 1.0, 1.0, by=by) for name in ("fmax", "fmin") for by in (0, 1)),
    _reduction("ptp", 1.0, 1.0),
    _reduction("median", 1.0, 1.0, 2.0),
    _reduction("quantile", 1.0, 1.0, 2.0, q=0.5),
    _reduction("percentile", 1.0, 1.0, 2.0, q=50),
    _first_of_lines(),
    _reduction("std", 1.0, 1.0, ddof=0),
    _reduction("norm", 0.0, 0.0),
    *(_scalar("pow", "xc", 0.0, exponent) for exponent in (0.0, 0.5, 1.0, 2.0)),
    *(_scalar("pow", "cx", 0.0, exponent) for exponent in (0.0, 2.0)),
    *(_scalar("pow", "xx", 0.0, exponent, by=by) for exponent in (0.0, 2.0) for by in (0, 1)),
    _scalar("sqrt", "x", 0.0),
    *(_scalar(name, "xx", 0.0, 0.0, by=by) for name in ("hypot", "arctan2") for by in (0, 1)),
)
"""Every kink, tie and threshold of the catalogue, and the zeros where formulas of derivatives fail."""
