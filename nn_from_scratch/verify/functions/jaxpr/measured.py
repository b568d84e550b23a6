"""A function that is not traced, against differences of its own values, in float64."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import jaxpr_as_fun

from nn_from_scratch.verify.functions.jaxpr.computed import computed, seeds_of
from nn_from_scratch.verify.functions.jaxpr.expected import Expected
from nn_from_scratch.verify.functions.jaxpr.plain import STOP, primitives, without_rules, without_stops
from nn_from_scratch.verify.functions.jaxpr.question import (
    MODES,
    UNTRACEABLE,
    Arrays,
    Question,
    drawn,
    numbers,
    precision,
)
from nn_from_scratch.verify.functions.rows import Row, first_line
from nn_from_scratch.verify.functions.values import check_values
from nn_from_scratch.verify.judging.checking import GradientError, UndecidedError
from nn_from_scratch.verify.judging.verdicts import Verdict

FAILURES = (jax.errors.JAXTypeError, jax.errors.JaxRuntimeError)
"""What JAX raises where it cannot run a function in float64."""

NUMBERS_ONLY = "numbers compared only"
"""How it begins what is said of a derivative that is right by values alone."""

MANY = 256
"""Inputs beyond which a forward mode is not asked for every one."""


_COMPILED = 100
"""From so many operations on a function is compiled: its values are asked a thousand times and more."""
_LIKE = 2.0**-46
"""By no more of its largest output may it differ then."""


class Measured:
    """A question as a numpy function in float64: outputs, weighed by cotangents, and the gradient of that."""

    def __init__(self, question: Question, mode: str, cotangents: Sequence[Any]) -> None:
        self.question = question
        self.mode = mode
        self.cotangents = cotangents

    @cached_property
    def _primal(self) -> Callable[..., Arrays]:
        """What is differentiated, operation by operation as it runs, but traced once if that is the same.

        JAX compiles a loop whose body is a new function, as that of a scan within a function is, whenever it
        is run: a tenth of a second for each of thousands of values. Many operations are compiled, once, if
        that is the same but for their rounding: 1,500 of them take 27 ms one by one.
        """
        given = [jnp.asarray(x, jnp.float64) for x in self.question.numbers()]
        own = self.question.primal(*given)
        try:
            traced = jax.make_jaxpr(self.question.primal)(*given)
            run: Callable[..., Arrays] = jaxpr_as_fun(traced)
            if len(list(primitives(traced))) > _COMPILED:
                compiled: Callable[..., Arrays] = jax.jit(run)
                if _differ_by(own, compiled(*given)) <= _LIKE:
                    return compiled
            return self.question.primal if _differ_by(own, run(*given)) else run
        except Exception:  # noqa: BLE001  whatever a function does not like about being traced
            return self.question.primal

    def value(self, *arrays: Any) -> float:
        """Return the sum of each cotangent times its output."""
        with precision(wide=True):
            outputs = self._primal(*map(jnp.asarray, arrays))
            products = [c * numbers(y) for c, y in zip(self.cotangents, outputs, strict=True)]
        return math.fsum(float(x) for product in products for x in product.ravel())

    def gradient(self, *arrays: Any) -> Any:
        """Return the gradient of that, by the mode that is asked."""
        with precision(wide=True):
            found = [numbers(x) for x in self._gradient([jnp.asarray(x) for x in arrays])]
        return found if len(found) > 1 else found[0]

    def _gradient(self, given: list[Any]) -> list[Any]:
        outputs = self.question.outputs(wide=True)
        if self.mode == "rev":
            seeds = [jnp.asarray(c, y.dtype) for c, y in zip(self.cotangents, outputs, strict=True)]
            return MODES["rev"](self.question)(*given, *seeds)[len(outputs) :]
        return [self._along_each(given, k) for k in range(len(given))]

    def _along_each(self, given: list[Any], which: int) -> Any:
        """Return the derivative along each entry of one input."""
        push, outputs = MODES[self.mode](self.question), self.question.outputs(wide=True)
        slopes = []
        for k in range(given[which].size):
            directions = [jnp.zeros_like(x) for x in given]
            directions[which] = directions[which].ravel().at[k].set(1.0).reshape(given[which].shape)
            tangents = push(*given, *directions)[len(outputs) :]
            slopes.append(
                sum(float((c * numbers(t)).sum()) for c, t in zip(self.cotangents, tangents, strict=True))
            )
        return np.array(slopes).reshape(given[which].shape)


def _differ_by(own: Arrays, found: Arrays) -> float:
    """Return by how much outputs differ, relative to the largest; infinity where one alone is a number."""
    size = gap = 0.0
    for a, b in zip(map(numbers, own), map(numbers, found), strict=True):
        known = np.isfinite(a) & np.isfinite(b)
        if not np.array_equal(a[~known], b[~known], equal_nan=True):
            return math.inf
        size = max(size, float(np.abs(a[known]).max(initial=0.0)))
        gap = max(gap, float(np.abs(a[known] - b[known]).max(initial=0.0)))
    return gap / size if gap else 0.0


def measured_row(name: str, question: Question, mode: str, cotangents: Sequence[Any], seed: int) -> Row:
    """Judge a derivative by differences."""
    point = question.numbers()
    if not all(np.isfinite(x).all() for x in point):
        return Row(name, Verdict.UNDECIDED, "an input is not finite")
    if mode != "rev" and sum(x.size for x in point) > MANY:
        return Row(name, Verdict.UNDECIDED, f"more than {MANY} inputs: ask for a reverse mode")
    box = Measured(question, mode, cotangents)
    reason = _why_not_in_float64(question, box, point)
    if reason is not None:
        return Row(name, Verdict.UNDECIDED, f"{reason}: differences of {question.narrowest} are too coarse")
    try:
        found = check_values(box.value, box.gradient, tuple(point) if len(point) > 1 else point[0], seed=seed)
    except (UndecidedError, ValueError) as error:
        return Row(name, Verdict.UNDECIDED, str(error))
    except GradientError as error:
        return _accused(name, question, error)
    compared = f"{found.got:.9g}, {found.expected:.9g} within {found.interval:.2g} expected"
    said = f"{NUMBERS_ONLY}, in float64: {compared}"
    return _settled(name, question, box, said)


def settled(name: str, question: Question, cotangents: Sequence[Any], said: str) -> Row:
    """Return that a gradient is right in float64, if it is the same in the dtypes of the point."""
    return _settled(name, question, Measured(question, "rev", cotangents), said)


def _settled(name: str, question: Question, box: Measured, said: str) -> Row:
    beside = _in_own_dtypes(question, box)
    if beside is None:
        return Row(name, Verdict.RIGHT, said)
    return Row(name, Verdict.UNDECIDED, f"{said}; {beside}")


def _accused(name: str, question: Question, error: GradientError) -> Row:
    """Say what differences found wrong, unless they are not what the derivative means."""
    conventional = conventions(question)
    if conventional:
        return Row(name, Verdict.UNDECIDED, f"{conventional[0]}: differences see through that")
    names = question.names
    letters = ["x"] if len(names) == 1 else [f"x{k}" for k in range(len(names))]
    key = ", ".join(f"{a} is {b}" for a, b in zip(letters, names, strict=True))
    return Row(name, Verdict.WRONG, f"{error}\n({key})")


CONVENTIONS = {
    STOP: "the function stops gradients",
    "random_gamma": "JAX differentiates random_gamma implicitly, not what the same key draws",
}
"""Primitives whose derivative is meant to be another than that of their numbers."""


def conventions(question: Question) -> list[str]:
    """Say why differences of the function's numbers may not be what its derivative means."""
    try:
        found = set(primitives(jax.make_jaxpr(question.primal)(*question.point)))
    except UNTRACEABLE:
        return ["it is not known whether the function stops gradients, for it cannot be traced"]
    if STOP in found and _stops_nothing(question):
        found.remove(STOP)
    return [said for name, said in CONVENTIONS.items() if name in found]


def _stops_nothing(question: Question) -> bool:
    """Whether the derivative here is the same where no gradient is stopped.

    So it is of the logarithm of a sum of exponentials, whose largest operand is subtracted, and added again.
    """
    directions = drawn(question.point, 0)
    with precision(wide=True):
        given = [jnp.asarray(x, jnp.float64) for x in question.numbers()]
        along = [jnp.asarray(x, jnp.float64) for x in directions]
        try:
            own, passed = (
                jax.jvp(plain(question.primal), given, along)[1] for plain in (without_rules, without_stops)
            )
        except (TypeError, ValueError, NotImplementedError, *FAILURES):
            return False
    return _differ_by(own, passed) <= _LIKE


def _in_own_dtypes(question: Question, box: Measured) -> str | None:
    """Say where the numbers in the point's own dtypes are not those in float64, to half of the digits."""
    if question.narrowest == "float64" or box.mode != "rev":
        return None
    wide = box.gradient(*question.numbers())
    seeds = seeds_of(question, box.mode, box.cotangents, [])
    own = computed(question, box.mode, seeds)(question.point)
    expected = Expected(question, question.names, [str(x.dtype) for x in question.point], own, None)
    row = expected.like("", own, wide if isinstance(wide, list) else [wide])
    return None if row.verdict is Verdict.RIGHT else f"in {question.narrowest} {row.said}"


def _why_not_in_float64(question: Question, box: Measured, point: Sequence[Any]) -> str | None:
    try:
        wide, own = question.outputs(wide=True), question.outputs(wide=False)
        box.value(*point)
    except (TypeError, ValueError, NotImplementedError, *FAILURES) as error:
        return f"the function does not take float64 ({first_line(error)[:120]})"
    if [x.shape for x in wide] != [x.shape for x in own]:
        return "the function returns other shapes in float64"
    if any(x.dtype != jnp.float64 for x in wide):
        return "the function returns no float64 for float64"
    return None
