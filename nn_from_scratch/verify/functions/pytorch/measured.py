"""The numbers of a gradient, against differences of the function's own values."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from nn_from_scratch.verify.functions.black_box import BlackBox
from nn_from_scratch.verify.functions.pytorch.differences import difference, half_of_the_digits
from nn_from_scratch.verify.functions.pytorch.question import Pass, Question, Tensors, numbers
from nn_from_scratch.verify.functions.rows import Row, first_line
from nn_from_scratch.verify.functions.values import check_values
from nn_from_scratch.verify.judging.checking import GradientError, UndecidedError
from nn_from_scratch.verify.judging.verdicts import Verdict

NAME = "numbers"
_NUMPY = {torch.float64: np.float64, torch.float32: np.float32, torch.float16: np.float16}
Floats = np.ndarray[Any, np.dtype[np.float64]]


class Measured:
    """A question as a numpy function: the inputs' numbers in, the cotangents times the outputs out."""

    def __init__(self, question: Question, cotangents: Tensors) -> None:
        self.question = question
        self.cotangents = cotangents
        self._weights = [numbers(x) for x in cotangents]
        self._known = None if question.meant is not None else question.values

    def value(self, *arrays: Floats) -> float:
        """Return the sum of each cotangent times its output."""
        given = self._given(arrays)
        if self._known is not None and all(map(torch.equal, given, self.question.tensors)):
            return self._sum(self._known)
        found = (self.question.meant or self.question).run(given)
        return self._sum(found.outputs or found.plain)

    def _sum(self, outputs: Tensors) -> float:
        products = [numbers(x) for x in outputs]
        for product, c in zip(products, self._weights, strict=True):
            np.multiply(product, c, out=product)
        return math.fsum(float(x) for product in products for x in product.flat)

    def gradient(self, *arrays: Floats) -> list[Floats]:
        """Return the gradient of that."""
        found = self.question.run(self._given(arrays))
        return [numbers(x) for x in found.gradient(self.cotangents)]

    def _given(self, arrays: Sequence[Floats]) -> Tensors:
        return [
            torch.from_numpy(np.array(array)).to(x.device, x.dtype).requires_grad_()
            for array, x in zip(arrays, self.question.tensors, strict=True)
        ]


def differences(question: Question, cotangents: Tensors, gradient: list[Floats], seed: int) -> Row:
    """Compare a gradient with finite differences of the function's values, in the dtype of its inputs."""
    measured = Measured(question, cotangents)
    answer, point = _numerically(question, gradient, measured.gradient)
    try:
        found = check_values(measured.value, answer, point, seed=seed)
    except (UndecidedError, ValueError) as error:
        return Row(NAME, Verdict.UNDECIDED, str(error))
    except GradientError as error:
        return Row(NAME, Verdict.WRONG, f"{error}\n({_legend(question)})")
    return Row(NAME, Verdict.RIGHT, str(found))


def differences_along(question: Question, cotangents: Tensors, along: list[Floats], slope: float) -> Row:
    """Compare a derivative along a direction, one number, with finite differences."""
    length = sum(float((v * v).sum()) for v in along)
    answer, point = _numerically(question, [v * (slope / length) for v in along])
    try:
        box = BlackBox(Measured(question, cotangents).value, answer, point, 0)
        vector = np.concatenate([v.ravel() for v in along])
        found = box.along(vector, thorough=False)
        if not found.right:
            found = box.along(vector)
    except (UndecidedError, ValueError) as error:
        return Row(NAME, Verdict.UNDECIDED, str(error))
    return Row(NAME, Verdict(found.verdict), found.reason or str(found))


def _numerically(
    question: Question, gradient: list[Floats], elsewhere: Callable[..., list[Floats]] | None = None
) -> tuple[Callable[..., Any], tuple[Floats, ...]]:
    """Return a gradient of arrays that is known already, and the point, for the black box.

    At other points it is asked `elsewhere`, or is what it is here.
    """
    formats = [_NUMPY.get(x.dtype, np.float64) for x in question.tensors]
    point = tuple(
        numbers(x).astype(kind, copy=False) for x, kind in zip(question.tensors, formats, strict=True)
    )
    parts = [part.astype(kind, copy=False) for part, kind in zip(gradient, formats, strict=True)]

    def answer(*arrays: Floats) -> Any:
        here = elsewhere is None or all(map(np.array_equal, arrays, point))
        found = parts if here or elsewhere is None else elsewhere(*arrays)
        return tuple(x.copy() for x in found) if len(found) > 1 else found[0].copy()

    # The black box looks at the parameters to see whether it is to draw a cotangent: it is drawn already.
    names = [f"x{k}" for k in range(len(point))]
    parameters = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in names]
    answer.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return answer, point


def measure(
    question: Question, wide: Question | str, cotangents: Tensors, gradient: Tensors, seed: int
) -> Row:
    """Compare the gradient with finite differences: in float64, or as `wide` takes it there."""
    if not all(np.isfinite(numbers(x)).all() for x in question.tensors):
        return Row(NAME, Verdict.UNDECIDED, "an input is not finite")
    narrow = sorted({str(x.dtype).removeprefix("torch.") for x in question.tensors} - {"float64"})
    if isinstance(wide, str) and not set(narrow) <= {"float32", "float16"}:
        said = f"{wide}, and differences of {', '.join(narrow)} are too coarse"
        return Row(NAME, Verdict.UNDECIDED, said)
    in_range = all(bool(x.isfinite().all()) for x in gradient)
    if isinstance(wide, str) or not (narrow and in_range):
        row = differences(question, cotangents, [numbers(x) for x in gradient], seed)
        return replace(row, said=f"{row.said}\n({wide})") if isinstance(wide, str) else row
    return _by_float64(question, wide, cotangents, gradient, seed)


def _by_float64(question: Question, wide: Question, cotangents: Tensors, gradient: Tensors, seed: int) -> Row:
    """Judge the same function in float64, and compare its gradient there with the one in narrower dtypes."""
    found = wide.run()
    given = [c.to(x.dtype) for c, x in zip(cotangents, found.outputs, strict=False)]
    truth = found.gradient(given)
    row = differences(wide, given, [numbers(x) for x in truth], seed)
    if row.verdict is not Verdict.RIGHT:
        return row
    for name, x, y in zip(question.names, gradient, truth, strict=True):
        gap = difference(x, y)
        if gap > half_of_the_digits(x.dtype):
            said = f"right in float64, but in {x.dtype} the gradient of {name} differs by {gap:.2g} of it"
            return Row(NAME, Verdict.UNDECIDED, said)
    return Row(NAME, Verdict.RIGHT, "right in float64, and as that to half of the digits")


def widened(question: Question) -> Question | str:
    """Return the question in float64, or why the function cannot be asked there."""
    if question.inside:
        return "the function closes over its inputs"
    if all(x.dtype == torch.float64 for x in question.tensors):
        return question
    wide = question.widened()
    try:
        found = wide.run()
        found.gradient([torch.zeros_like(x) for x in found.outputs])
    except Exception as error:  # noqa: BLE001  whatever the function does not like
        return f"the function does not take float64 ({first_line(error)[:120]})"
    return _difference_in_float64(found, question.run()) or wide


def _difference_in_float64(found: Pass, own: Pass) -> str | None:
    """Say what a function in float64 has other than its own, if it has."""
    if len(found.outputs) != len(own.outputs) or len(found.plain) != len(own.plain):
        return "the function returns other outputs in float64"
    # Values that cancel keep no digit: 0 is known to the rounding of what was subtracted only.
    size = 2.0**-8 * max((float(x.detach().abs().max()) for x in own.inputs if x.numel()), default=0.0)
    for x, y in zip(found.outputs + found.plain, own.outputs + own.plain, strict=True):
        if x.dtype != torch.float64 or x.shape != y.shape:
            return "the function returns other dtypes or shapes in float64"
        if difference(x, y, size) > 4 * half_of_the_digits(y.dtype):
            return "the function has another value in float64"
    return None


def _legend(question: Question) -> str:
    names = question.names
    letters = ["x"] if len(names) == 1 else [f"x{k}" for k in range(len(names))]
    return ", ".join(f"{letter} is {name}" for letter, name in zip(letters, names, strict=True))
