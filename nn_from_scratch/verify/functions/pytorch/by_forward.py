"""The numbers of a gradient of tensors whose code is not traced, by the formula of its function, which is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from flint import arb

from nn_from_scratch.verify.functions.pytorch.formula import detaches
from nn_from_scratch.verify.functions.pytorch.question import Question, Tensors, numbers
from nn_from_scratch.verify.functions.pytorch.runs import Tracing
from nn_from_scratch.verify.functions.pytorch.tracing.formats import FORMATS
from nn_from_scratch.verify.functions.pytorch.tracing.operands import NotTracedError
from nn_from_scratch.verify.functions.pytorch.tracing.trace import Trace
from nn_from_scratch.verify.functions.pytorch.tracing.tracer import Progress
from nn_from_scratch.verify.functions.rows import first_line
from nn_from_scratch.verify.functions.tracing.approximations import (
    approximation,
    excused,
    is_fitted,
    is_grid,
    selected,
    stopped,
)
from nn_from_scratch.verify.functions.tracing.around import is_known_around
from nn_from_scratch.verify.functions.tracing.by_forward import (
    STREAM,
    ByForward,
    Directions,
    no_derivative,
    numbers_by_formula,
)
from nn_from_scratch.verify.functions.tracing.constants import UNIT, Reading
from nn_from_scratch.verify.functions.tracing.rules import Comparison, compare, drawn, truth_along
from nn_from_scratch.verify.functions.tracing.shadows import Numbers, Shadow, exact, exactly_computing
from nn_from_scratch.verify.functions.tracing.smoothness import is_smooth


def numbers_by_forward(
    question: Question, cotangents: Tensors, seed: int, progress: Progress | None = None
) -> ByForward:
    """Judge the numbers of a gradient by the derivative of its forward's formula.

    Parameters
    ----------
    question
        Its backward is run as it is, and not traced.
    cotangents
        One for each output that has a gradient.
    seed
        Which direction.
    progress
        Told now and then how far a long trace is.

    """
    try:
        # Kernels leave memory that nobody reads as it was, such as infinite.
        with exactly_computing(), np.errstate(all="ignore"):
            return _judged(Tracing(question, cotangents, seed, progress), seed)
    except NotTracedError as reason:
        return ByForward(None, str(reason))
    except Exception as error:  # noqa: BLE001  whatever a function does not like about being watched
        return ByForward(None, f"it raises {type(error).__name__} while it is traced: {first_line(error)}")


def lost_by_forward(question: Question, progress: Progress | None = None) -> str | None:
    """Say which output is not finite where its formula is, and in range; None where that is not traced."""
    tracing = Tracing(question, [], 0, progress)
    try:
        with exactly_computing(), np.errstate(all="ignore"):
            tracing.replay_forward()
    except Exception:  # noqa: BLE001  whatever a function does not like about being watched
        return None
    return tracing.lost


def _judged(tracing: Tracing, seed: int) -> ByForward:
    question = tracing.question
    outputs = tracing.replay_forward()
    if tracing.alone:
        return ByForward(None, f"its formula is of this point alone: {tracing.alone[0]}")
    found, again = (question.run().gradient(tracing.cotangents) for _ in range(2))
    if not all(torch.equal(x, y) for x, y in zip(found, again, strict=True)):
        return ByForward(None, "asked twice, its gradient is not the same, or no number")
    draw = np.random.default_rng([seed, STREAM])
    directions = [drawn(draw, tuple(x.shape)) for x in question.tensors]
    series = tracing.slopes(Reading.RECOGNISED, directions)
    gradients = [numbers(x) for x in found]
    forward = _Forward(tracing, gradients, directions, outputs, tracing.traces[-1], seed)
    return no_derivative(series, forward.trace.jumps) or numbers_by_formula(forward)


@dataclass(frozen=True)
class _Forward:
    """The runs of a question's forward, the trace of one over series, and the gradient's own numbers."""

    tracing: Tracing
    gradients: Sequence[Numbers]
    directions: Directions
    outputs: Tensors
    trace: Trace
    seed: int

    @property
    def operations(self) -> int:
        return self.trace.numbers

    @property
    def result_unit(self) -> float:
        return max(_unit(x) for x in self.tracing.question.tensors)

    @property
    def coarsest_unit(self) -> float:
        narrowed = (UNIT[dtype] for _, dtype in self.trace.narrowed)
        return max([self.result_unit, *map(_unit, self.outputs), *narrowed])

    def derivative(self, directions: Directions, reading: Reading) -> tuple[arb, str | None]:
        truth = self._truth(self.tracing, self.tracing.slopes(reading, directions))
        ties = self.tracing.traces[-1].ties
        entry_of_many = sum(np.count_nonzero(d) for d in directions) == 1 < sum(d.size for d in directions)
        return truth, None if entry_of_many or not ties else f"a kink: {ties[0]}"

    def _truth(self, tracing: Tracing, outputs: Sequence[Shadow]) -> arb:
        return truth_along(outputs, [numbers(c) for c in tracing.cotangents])[0]

    def is_known_around(self, directions: Directions, error: float) -> bool:
        tensors = self.tracing.question.tensors

        def derivative(point: Sequence[Numbers]) -> arb:
            there = self._at([_like(found, x) for found, x in zip(point, tensors, strict=True)])
            return self._truth(there, there.slopes(Reading.LITERAL, directions))

        return is_known_around(
            derivative,
            [numbers(x) for x in tensors],
            [float(torch.finfo(x.dtype).eps) for x in tensors],
            error,
            tied=bool(self.tracing.traces[-1].ties),
            rng=np.random.default_rng([self.seed, STREAM, 1]),
        )

    def _at(self, tensors: Tensors) -> Tracing:
        here = self.tracing
        return Tracing(here.question.at(tensors), here.cotangents, self.seed, here.progress)

    def name(self, which: int) -> str:
        return self.tracing.question.names[which]

    def excuse(self, relative: float) -> str | None:
        trace = self.trace
        if trace.cut or detaches(self.tracing.question):
            return "the function detaches or computes without gradients"
        if trace.random:
            return f"random numbers are constants: {trace.random[0]}"
        fitted = [line for number, line in trace.written.items() if is_fitted(number, "float64")]
        tables = [line for kind, x, line in trace.outside if kind != "number" and _has_grid(x)]
        stops = stopped(trace.repeated, trace.decisions)
        approximates = stops or approximation(trace.switches, fitted, tables)
        return excused(relative, trace.repeated, approximates) or selected(trace.selections)

    def difference_is_smooth(self) -> bool:
        draw = np.random.default_rng([self.seed, STREAM, 2])
        rays = [draw.uniform(0.5, 1, tuple(x.shape)) for x in self.tracing.question.tensors]
        return is_smooth(lambda distance: self._compared_along(rays, distance), draw)

    def _compared_along(self, rays: Sequence[Numbers], distance: float) -> Comparison:
        pairs = zip(self.tracing.question.tensors, rays, strict=True)
        there = self._at([_like(numbers(x) * (1 - distance * ray), x) for x, ray in pairs])
        gradient = there.question.run().gradient(there.cotangents)
        weights = [numbers(c) for c in there.cotangents]
        gradients = [exact(numbers(x)) for x in gradient]
        outputs = there.slopes(Reading.LITERAL, self.directions)
        return compare(outputs, weights, gradients, self.directions)


def _unit(x: torch.Tensor) -> float:
    return UNIT[FORMATS[x.dtype]]


def _like(found: Numbers, x: torch.Tensor) -> torch.Tensor:
    return torch.from_numpy(np.asarray(found)).to(x.device, x.dtype)


def _has_grid(outside: Any) -> bool:
    """Whether what came from outside of a trace, an array or several, has a row of growing numbers."""
    arrays = outside if isinstance(outside, list) else [outside]
    return any(np.ndim(x) and is_grid(np.asarray(x)) for x in arrays)
