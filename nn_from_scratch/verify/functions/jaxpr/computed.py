"""The numbers of a derivative, in each way to compute it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flint import arb

from nn_from_scratch.verify.functions.jaxpr.expected import Exact, Expected, Numbers
from nn_from_scratch.verify.functions.jaxpr.formulas import Trace
from nn_from_scratch.verify.functions.jaxpr.interpreter import NotTracedError
from nn_from_scratch.verify.functions.jaxpr.local import MOST, operations_row
from nn_from_scratch.verify.functions.jaxpr.plain import has_rules
from nn_from_scratch.verify.functions.jaxpr.question import MODES, UNTRACEABLE, Question, numbers
from nn_from_scratch.verify.functions.rows import Row, first_line
from nn_from_scratch.verify.functions.tracing.constants import Reading
from nn_from_scratch.verify.functions.tracing.shadows import exactly_computing, nearest, value
from nn_from_scratch.verify.judging.verdicts import Verdict

TIMES = (2.0**12, 2.0**-20, 2.0**20)
"""By what seeds are multiplied to see whether a derivative is linear."""

_SEEDS = {"rev": "cotangents", "fwd": "directions"}
"""What seeds are called, by mode."""

NOT_LINEAR = 1e-12
"""The relative difference from which on it is not."""


def computed(question: Question, mode: str, seeds: Sequence[Any]) -> Callable[..., list[Numbers]]:
    """Return the function of a point that gives gradients or tangents, as somebody would compute them."""
    function, outputs = MODES[mode](question), len(question.outputs(wide=False))

    def derivative(point: Sequence[Any], transform: Callable[..., Any] | None = None) -> list[Numbers]:
        way = function if transform is None else transform(function)
        return [numbers(x) for x in way(*point, *seeds)[outputs:]]

    return derivative


def seeds_of(question: Question, mode: str, outputs: Sequence[Any], inputs: Sequence[Any]) -> list[Any]:
    """Return drawn cotangents or directions in the dtypes that the function's own are of."""
    if mode == "rev":
        return [jnp.asarray(c, y.dtype) for c, y in zip(outputs, question.outputs(wide=False), strict=True)]
    return [jnp.asarray(d, x.dtype) for d, x in zip(inputs, question.point, strict=True)]


def number_rows(
    question: Question, mode: str, traced: Trace | None, seeds: Sequence[Any], *, right: bool
) -> Iterator[Row]:
    """Yield a row for each way to compute a derivative: twice, eagerly, compiled and under vmap.

    `right` says whether the formula is: only then are numbers judged by it.
    """
    derivative = computed(question, mode, seeds)
    eager = derivative(question.point)
    reverse = mode == "rev"
    names = question.names if reverse else [f"output {k}" for k in range(len(eager))]
    arrays = question.point if reverse else question.outputs(wide=False)
    exact = _exact(question, mode, traced, seeds) if right and traced is not None else None
    expected = Expected(question, names, [str(x.dtype) for x in arrays], eager, exact)
    yield _twice(eager, derivative(question.point), names)
    if exact is not None:
        yield expected.row("eagerly", eager)
        yield operations_row(exact.traced, exact.seeds)
    try:
        yield expected.row("under jit", derivative(question.point, jax.jit))
    except UNTRACEABLE as error:
        yield Row("under jit", None, first_line(error))
    yield _under_vmap(question, mode, seeds, expected)
    yield _of_nothing(question, mode, seeds, eager) or _linear(mode, exact)


def _exact(question: Question, mode: str, traced: Trace, seeds: Sequence[Any]) -> Exact | None:
    """Return what the formula has; None where it cannot be traced."""
    exactly = [numbers(x) for x in seeds]
    try:
        with exactly_computing():
            found = traced.derived_values(Reading.RECOGNISED, exactly)[1]
    except NotTracedError:
        return None
    by_rule = question.plainly is not None or has_rules(traced.primal)

    def own() -> list[Numbers]:
        return computed(question.without_rules(), mode, seeds)(question.point)

    return Exact(traced, exactly, [nearest(x) for x in found], by_rule, own)


def _twice(first: list[Numbers], second: list[Numbers], names: list[str]) -> Row:
    for name, a, b in zip(names, first, second, strict=True):
        if not np.array_equal(a, b, equal_nan=True):
            gap = float(np.nan_to_num(np.abs(a - b)).max())
            said = f"not deterministic: asked twice, the derivative for {name} differs by {gap:.3g}"
            return Row("twice the same", Verdict.WRONG, said)
    if not any(x.size for x in first):
        return Row("twice the same", Verdict.UNDECIDED, "no number could be compared: there is none")
    return Row("twice the same", Verdict.RIGHT)


def _of_nothing(question: Question, mode: str, seeds: Sequence[Any], eager: list[Numbers]) -> Row | None:
    """Accuse a derivative that is not finite for seeds of zeros, as of an output that nobody uses."""
    zeros = computed(question, mode, [jnp.zeros_like(x) for x in seeds])(question.point)
    for found, own in zip(zeros, eager, strict=True):
        if not np.isfinite(found[np.isfinite(own)]).all():
            what = _SEEDS[mode]
            return Row(f"linear in its {what}", Verdict.WRONG, f"for {what} of zeros it is not finite")
    return None


def _linear(mode: str, exact: Exact | None) -> Row:
    """Ask the formula with seeds many times as large and as small, and 0: a derivative is linear in them.

    Its numbers would not do: they may underflow.
    """
    what = _SEEDS[mode]
    name = f"linear in its {what}"
    if exact is None:
        return Row(name, None, "not traced")
    if exact.traced.scalars > MOST:
        return Row(name, None, f"more than {MOST:,} scalar operations")
    try:
        with exactly_computing():
            wrong = _not_linear(exact, what)
    except NotTracedError as error:
        return Row(name, None, str(error))
    return Row(name, Verdict.WRONG, wrong) if wrong else Row(name, Verdict.RIGHT)


def _not_linear(exact: Exact, what: str) -> str | None:
    """Say where a derivative is not linear in its seeds, which are called `what`."""
    before = _entries(exact, 1.0)
    for factor in (*TIMES, 0.0):
        for got, entry in zip(_entries(exact, factor), before, strict=True):
            gap = abs(got - factor * entry)
            if gap.is_finite() and gap > abs((factor or TIMES[0]) * entry) * NOT_LINEAR:
                said = f"with {factor:g} times the {what} a derivative is {float(got.mid()):.6g}, not"
                return f"{said} {factor:g} times {float(entry.mid()):.6g}"
    return None


def _entries(exact: Exact, factor: float) -> list[arb]:
    """Return the derivatives for seeds that are so many times as large."""
    found = exact.traced.derived_values(Reading.RECOGNISED, [factor * x for x in exact.seeds])[1]
    return [value(entry) for shadow in found for entry in shadow.ravel()]


def _under_vmap(question: Question, mode: str, seeds: Sequence[Any], expected: Expected) -> Row:
    """Ask for two points at once, the second with the entries of each array in reverse."""
    function, count = MODES[mode](question), len(question.outputs(wide=False))
    other = [jnp.flip(x.ravel()).reshape(x.shape) for x in question.point]
    pairs = [jnp.stack([x, y]) for x, y in zip(question.point, other, strict=True)]
    twice = [jnp.stack([x, x]) for x in seeds]
    try:
        batched = jax.vmap(function)(*pairs, *twice)
    except (ValueError, TypeError, NotImplementedError, jax.errors.JAXTypeError) as error:
        return Row("under vmap", None, first_line(error))
    values, found = batched[:count], batched[count:]
    row = expected.row("under vmap", [numbers(x[0]) for x in found])
    if row.verdict is not Verdict.RIGHT:
        return row
    outputs = [f"value of output {k}" for k in range(count)]
    for k, point in enumerate((question.point, other)):
        own = [numbers(y) for y in question.function(*point)]
        what = expected.like("under vmap", [numbers(y[k]) for y in values], own, outputs)
        if what.verdict is Verdict.UNDECIDED and any(y.size for y in own):
            return what
    alone = computed(question, mode, seeds)(other)
    second = expected.like("under vmap", [numbers(x[1]) for x in found], alone)
    return row if second.verdict is Verdict.RIGHT else second
