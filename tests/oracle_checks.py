"""What an oracle, and the table of one, says of an operation that the closed forms contradict."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import mpmath as mp
import numpy as np
from closed_forms import DIGITS, Truth, truths
from flint import arb

from nn_from_scratch.verify.faults import further_rules, numpy_rules
from nn_from_scratch.verify.judging import tolerance, usual_derivatives
from nn_from_scratch.verify.judging.many_inputs import direction
from nn_from_scratch.verify.judging.rounded_functions import RoundedFunctions
from nn_from_scratch.verify.judging.rounded_numbers import StandardModel
from nn_from_scratch.verify.oracles import finite_differences, pytorch, taylor
from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.expressions import Arithmetic
from nn_from_scratch.verify.questions.formats import FORMATS
from nn_from_scratch.verify.questions.generate import seeded
from nn_from_scratch.verify.questions.generate_arrays import array_case
from nn_from_scratch.verify.questions.lower import lower
from nn_from_scratch.verify.questions.operations import (
    ALL_FORMS,
    ARRAY_FORMS,
    FURTHER_ARRAY_FORMS,
    FURTHER_FORMS,
    as_index,
)

FLOAT64 = RoundedFunctions(StandardModel(FORMATS["float64"].unit_roundoff))
_NARROW = {
    **dict.fromkeys(("logit", "erfcinv", "ndtri", "beta", "betaln", "rel_entr"), 60),
    **dict.fromkeys(("zeta", "gammainc", "gammaincc"), 60),
    "betainc": 600,
}  # few arrays lie in their domains: how many graphs are drawn
_MANY = 2.0**10 * FORMATS["float64"].unit_roundoff  # roundings: exp(800) is off by 800


def taylor_is_wrong(name: str) -> Iterator[str]:
    """Power series: balls that miss the truth, or are wider than a truth of 256 bits should be."""
    for truth in truths(name):
        value, balls = taylor.enclose(truth.case.expression, truth.case.point)
        yield from _missed(truth, [value], [truth.value], 1e-60)
        if truth.gradient is not None:
            yield from _missed(truth, balls, truth.gradient, 1e-60)


def values_are_wrong(name: str) -> Iterator[str]:
    """The tolerance's values: as `taylor_is_wrong`, after rounding to 53 bits."""
    for truth in truths(name):
        with taylor.working(taylor.PRECISION):
            rounded = tolerance._VALUES[name](FLOAT64, *_operands(truth))
        yield from _missed(truth, [rounded.ball], [truth.value], _MANY)


def partials_are_wrong(name: str) -> Iterator[str]:
    """The tolerance's derivatives: as `values_are_wrong`."""
    for truth in truths(name):
        if truth.partials is None:
            continue
        with taylor.working(taylor.PRECISION):
            z = FLOAT64.model.term(arb(mp.nstr(truth.value, DIGITS - 10)), 1.0)
            found = usual_derivatives.PARTIALS[name](FLOAT64, z, *_operands(truth))
        asked = [k for k, partial in enumerate(truth.partials) if partial is not None]
        # What a formula cancels (1 - tanh^2), it may lose.
        balls = [FLOAT64.model.number(found[k]).ball for k in asked]
        yield from _missed(truth, balls, [truth.partials[k] for k in asked], _MANY)


def finite_differences_are_wrong(name: str) -> Iterator[str]:
    """Finite differences: a value off by more than rounding, an error that does not hold, or says nothing."""
    for truth in truths(name):
        expression, point = truth.case.expression, truth.case.point
        with np.errstate(all="ignore"):
            value = expression.function(finite_differences.NUMPY)([np.array([x]) for x in point])[0]
        yield from _off(truth, [value], [truth.value], [4e-15])
        if truth.gradient is None:
            continue
        estimate, error = finite_differences.gradient(expression, point)
        for got, within, true in zip(estimate, error, truth.gradient, strict=True):
            if not abs(got - true) <= within:
                yield f"{truth.case}: {got} +- {within} is not {mp.nstr(true)}"
            # No step is small enough for what curves within 1e-8 of the point.
            if min(map(abs, point)) > 0.05 and not within <= 1e-7 * max(1, abs(true), abs(truth.value)):
                yield f"{truth.case}: no better than {within}"


def pytorch_is_wrong(name: str) -> Iterator[str]:
    """PyTorch: a value or a derivative off by more than the rounding of the usual rules."""
    import torch

    from nn_from_scratch.verify.oracles.pytorch_operations import AS_A_WITNESS, OPERATIONS

    for truth in truths(name):
        inputs = [torch.tensor(x, dtype=torch.float64) for x in truth.case.point]
        value = truth.case.expression.function({**OPERATIONS, **AS_A_WITNESS})(inputs)
        yield from _off(truth, [value.item()], [truth.value], [4e-15])
        if truth.gradient is not None:
            got = pytorch.gradient(truth.case).tolist()
            yield from _off(truth, got, truth.gradient, [4e-15] * len(got))


def _operands(truth: Truth) -> list[Any]:
    """Return what a table of the tolerance is given: rounded numbers for nodes, floats for constants."""
    expression = truth.case.expression
    (step,) = expression.steps
    return [
        x if expression.is_constant(k) else FLOAT64.model.number(x)
        for k, x in zip(step.operands, truth.operands, strict=True)
    ]


def _missed(truth: Truth, balls: list[Any], expected: list[Any], width: float) -> Iterator[str]:
    for ball, true in zip(balls, expected, strict=True):
        with taylor.working(700):
            if not ball.overlaps(arb(mp.nstr(true, DIGITS - 10))):
                yield f"{truth.case}: {ball} is not {mp.nstr(true)}"
        if not float(ball.rad()) <= width * max(1.0, abs(float(true))):
            yield f"{truth.case}: {ball} is too wide"


def _off(truth: Truth, got: list[Any], expected: list[Any], within: list[float]) -> Iterator[str]:
    for one, true, relative in zip(got, expected, within, strict=True):
        if not abs(float(one) - true) <= relative * max(1, abs(true)):
            yield f"{truth.case}: {one} is not {mp.nstr(true)}"


def lowering_is_wrong(name: str) -> Iterator[str]:
    """Lowered array cases of an operation: value and derivative are not those of numpy's own functions."""
    for case, along in _array_cases(name):
        scalar = lower(case)
        value, (ball,) = taylor.enclose(scalar.expression, scalar.point, directions=[along.tolist()])
        if not (value.is_finite() and ball.is_finite()):
            continue
        function = partial(_weighed, case)
        with np.errstate(all="ignore"):
            expected = function(np.array(case.point))
        if not abs(float(value) - expected) <= 1e-12 * max(1.0, abs(expected)):
            yield f"{case}: {value} is not {expected}"
        (estimate,), (error,) = finite_differences.differentiate(
            lambda points, f=function: np.array([f(point) for point in points]),  # type: ignore[misc]
            np.array(case.point),
            along[None],
        )
        if not float((ball - float(estimate)).abs_lower()) <= error:
            yield f"{case}: {ball} is not {estimate} +- {error}"


def pytorch_arrays_are_wrong(name: str) -> Iterator[str]:
    """PyTorch's gradients of array cases of an operation, beside those of the lowered ones."""
    for case, along in _array_cases(name):
        scalar = lower(case)
        _, (ball,) = taylor.enclose(scalar.expression, scalar.point, directions=[along.tolist()])
        if ball.is_finite():
            terms = along * pytorch.gradient(case)
            off = float((ball - float(terms.sum())).abs_lower())
            if not off <= 1e-12 * max(1.0, float(abs(terms).sum())):
                yield f"{case}: {terms.sum()} is not {ball}"


def _array_cases(name: str) -> Iterator[tuple[Case, Any]]:
    """Yield small array cases with an operation and little else, each with a direction."""
    forms = [
        form for form in (*ALL_FORMS, *FURTHER_FORMS, *ARRAY_FORMS, *FURTHER_ARRAY_FORMS) if form[0] == name
    ]
    for index in range(_NARROW.get(name, 12)):
        case = array_case(seeded(0, index), [*forms, ("mul", "xc")], most_steps=1 if name == "digamma" else 3)
        live = {step.operation for step in case.expression.live_steps()}
        if name in live and 0 < len(case.point) <= 30 and all(abs(x) < 100 for x in case.point):
            yield case, np.array(direction(len(case.point), index))


def _weighed(case: Case, point: Any) -> float:
    """Return the output's sum with the cotangent, computed by numpy."""
    inputs = replace(case, point=tuple(point.tolist())).inputs()
    output = case.expression.function({**finite_differences.NUMPY, **_NUMPY_ARRAYS})(inputs)
    return float((np.ravel(output) * case.cotangent).sum())


_NUMPY_ARRAYS: Arithmetic = {
    **{name: getattr(np, name) for name in ("sum", "mean", "prod", "max", "min", "matmul", "cumsum", "sort")},
    **{
        name: getattr(np, name) for name in ("reshape", "transpose", "broadcast_to", "squeeze", "expand_dims")
    },
    "logsumexp": np.logaddexp.reduce,
    "softmax": lambda x, axis: np.exp(x - np.logaddexp.reduce(x, axis, keepdims=True)),
    "log_softmax": lambda x, axis: x - np.logaddexp.reduce(x, axis, keepdims=True),
    "index": lambda x, index: x[as_index(index)],
    "concatenate": lambda *xs, axis: np.concatenate(xs, axis),
    "stack": lambda *xs, axis: np.stack(xs, axis),
    "einsum": lambda *xs, subscripts: np.einsum(subscripts, *xs),
    "take_along_axis": lambda x, indices, axis: np.take_along_axis(x, np.array(indices), axis),
    "scatter_add": further_rules.added,
    "conv": further_rules.FURTHER_PULLS["conv"][0],
    "solve": np.linalg.solve,
    "inv": np.linalg.inv,
    "det": np.linalg.det,
    "cholesky": lambda x: np.linalg.cholesky((x + x.swapaxes(-1, -2)) / 2),
    **{name: function for name, (function, _) in numpy_rules.NUMPY_PULLS.items()},
}
