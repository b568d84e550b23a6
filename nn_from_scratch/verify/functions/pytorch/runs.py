"""Runs of a question over shadows: forward over series, forward and backward over balls, and the replay."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import torch
from flint import arb

from nn_from_scratch.verify.functions.pytorch.question import Pass, Question, Tensors, numbers
from nn_from_scratch.verify.functions.pytorch.tracing.constants import FORGOTTEN, Cutting, WithoutGraph
from nn_from_scratch.verify.functions.pytorch.tracing.formats import FORMATS, own_numbers
from nn_from_scratch.verify.functions.pytorch.tracing.operands import NotTracedError
from nn_from_scratch.verify.functions.pytorch.tracing.trace import Trace
from nn_from_scratch.verify.functions.pytorch.tracing.tracer import Progress, Tracer
from nn_from_scratch.verify.functions.tracing.approximations import bisects
from nn_from_scratch.verify.functions.tracing.constants import UNIT, Reading
from nn_from_scratch.verify.functions.tracing.local import LocalCheck
from nn_from_scratch.verify.functions.tracing.moving import of_input, series_of_input
from nn_from_scratch.verify.functions.tracing.out_of_range import out_of_range
from nn_from_scratch.verify.functions.tracing.places import moved_to
from nn_from_scratch.verify.functions.tracing.repetition import Repetitions
from nn_from_scratch.verify.functions.tracing.rules import Comparison, compare, moved_by_rounding
from nn_from_scratch.verify.functions.tracing.shadows import Numbers, Shadow, exact, values

_STREAM = 0x646972656374696F
"""Nobody's inputs are drawn from this stream."""
NO_GRADIENT = "no output has a gradient"
_DEPENDS = "a {} that depends on the inputs comes from outside of the trace ({})"
_SHOWN = 1e-2
_CONSTANTS = 24
"""Up to so many constants are moved by their rounding, one by one."""
_NEAR, _APART = 4, 64
"""How many roundings a point nearby is away at least, and how many more in formats that have the digits."""
_SHORT = 1e-5
"""Of which rounding a format has few."""
_LOCATED = 48
"""Up to so many entries are asked one by one where a formula is wrong."""


class Tracing:
    """One question, traced: forward over series, forward and backward over balls."""

    def __init__(
        self, question: Question, cotangents: Tensors, seed: int, progress: Progress | None = None
    ) -> None:
        self.seed = seed
        self.question = question
        self.progress = progress
        self.meant_question = question.meant or question
        """Whose derivative the gradient is to be."""
        self.cotangents = cotangents
        self.directions = self._drawn(0)
        self.local = LocalCheck()
        self.notes: dict[str, None] = {}
        self.ties: list[str] = []
        self.alone: list[str] = []
        self.decisions: list[str] = []
        self.repeated = Repetitions()
        self.narrower: str | None = None
        self.constants: list[Numbers] = []
        """The tables and numbers that come from outside of the trace."""
        self.tables_of_forward: list[Numbers] = []
        """The tables that come from there before the backward."""
        self.draws = False
        """Whether random numbers are drawn."""
        self.lost: str | None = None
        """Which output is not finite where its formula is."""
        self.replayed = False
        """Whether forward and backward were traced."""
        self.replaced: dict[tuple[float, str], arb] = {}
        self.taking: tuple[str, str] | None = None
        """A line of the forward that selects, and which formula its derivative is taken of where both are
        nearly alike; None where it is taken of what the numbers select."""
        self.traces: list[Trace] = []
        self.literal: list[Shadow] | None = None
        """The gradient with every constant as the number it is, from the replay."""
        self.meant: list[Shadow] = []
        """The gradient with every constant as what it stands for."""

    def derivative(self, reading: Reading) -> list[Shadow]:
        """Run the forward over series along the directions."""
        return self.slopes(reading, self.directions)

    def slopes(self, reading: Reading, directions: Sequence[Numbers]) -> list[Shadow]:
        """Run the forward over series along some directions."""
        tracer = self._tracer(reading)
        tracer.deciding.taking = self.taking
        given = self.question.fresh()
        for x, direction in zip(given, directions, strict=True):
            tracer.know(x, series_of_input(own_numbers(x), direction))
        found = self._forward(tracer, given, self.meant_question)
        return [tracer.shadow(x) for x in found.outputs or found.plain]

    def along(self, number: int, sizes: Sequence[Numbers] | None) -> Comparison:
        """Compare along another drawn direction, with constants as the numbers that they are.

        It moves each input by its size, if these are given.
        """
        directions = self._drawn(1 + number)
        if sizes is not None:
            directions = [x * size for x, size in zip(directions, sizes, strict=True)]
        outputs, gradients = self.slopes(Reading.LITERAL, directions), self.gradients(Reading.LITERAL)
        return compare(outputs, [numbers(c) for c in self.cotangents], gradients, directions)

    def _drawn(self, number: int) -> list[Numbers]:
        draw = np.random.default_rng([self.seed, _STREAM, *([number] if number else [])])
        return [draw.normal(size=tuple(x.shape)) for x in self.question.tensors]

    def _tracer(self, reading: Reading) -> Tracer:
        tracer = Tracer(reading, replaced=self.replaced, progress=self.progress)
        self.traces.append(tracer.trace)
        return tracer

    @property
    def has_tables(self) -> bool:
        """Whether a tensor came from outside of the trace, as ``linspace`` does."""
        return any(one[0] != "number" for trace in self.traces for one in trace.outside)

    @property
    def switches(self) -> list[str]:
        """The lines of the forward that were seen to select between formulas that are nearly alike."""
        return list(dict.fromkeys(line for trace in self.traces for line in trace.switches))

    @property
    def bisects(self) -> str | None:
        """Why the forward may be a bisection, if it may."""
        return next(filter(None, (bisects(trace.switches) for trace in self.traces)), None)

    def rounding(self, directions: Sequence[Numbers]) -> tuple[Comparison, arb] | None:
        """Compare along a direction with every constant at one number, and bound what their rounding changes.

        A constant is what it stands for where that is certain, and else the number it is; each of the latter
        is moved by its rounding, wherever it is used, and the changes add up. None if there are too many.
        """
        uncertain = {key: arb(key[0]) for trace in self.traces for key in trace.uncertain}
        if len(uncertain) > _CONSTANTS or any(trace.long_tables for trace in self.traces):
            return None
        return moved_by_rounding(partial(self._compared, directions), uncertain)

    def replacing(self, replaced: Mapping[tuple[float, str], arb]) -> Comparison:
        """Compare with other numbers for some constants, wherever they are used."""
        return self._compared(self.directions, replaced)

    def _compared(
        self, directions: Sequence[Numbers], replaced: Mapping[tuple[float, str], arb]
    ) -> Comparison:
        self.replaced = dict(replaced)
        try:
            outputs = self.slopes(Reading.RECOGNISED, directions)
            gradient = self.gradients(Reading.RECOGNISED)
        finally:
            self.replaced = {}
        return compare(outputs, [numbers(c) for c in self.cotangents], gradient, directions)

    def where(self, relative: float) -> list[str]:
        """Say which inputs a wrong formula is wrong for, and an entry of those that are small.

        Where it is less wrong than a hundredth of `relative`, it is the rounding of constants.
        """
        gradient = self.gradients(Reading.LITERAL)
        weights = [numbers(c) for c in self.cotangents]
        zeros = [np.zeros(x.shape) for x in self.directions]

        def compared(k: int, direction: Numbers) -> Comparison:
            along = [*zeros[:k], direction, *zeros[k + 1 :]]
            return compare(self.slopes(Reading.LITERAL, along), weights, gradient, along)

        places = []
        for k, (name, direction) in enumerate(zip(self.question.names, self.directions, strict=True)):
            whole = compared(k, direction)
            if not (whole.different and whole.relative > _SHOWN * relative):
                continue
            places.append(name)
            if direction.size > _LOCATED:
                continue
            for entry in np.ndindex(*direction.shape):
                unit = np.zeros(direction.shape)
                unit[entry] = 1.0
                found = compared(k, unit)
                if found.different and found.relative > _SHOWN * relative:
                    got, true = (f"{float(x.mid()):.12g}" for x in (found.formula, found.truth))
                    apart = f"{float((found.truth - found.formula).mid()):.2g} more than that"
                    place = f"[{', '.join(map(str, entry))}]" if entry else ""
                    told = true if true != got else apart
                    places[-1] = f"{name}{place}: the formula has {got}, the derivative is {told}"
                    break
        return places

    def gradients(
        self,
        reading: Reading,
        replaced: Mapping[tuple[float, str], arb] | None = None,
        scaled: tuple[int, arb] | None = None,
    ) -> list[Shadow]:
        """Run forward and backward over balls; with constants replaced, or an operation scaled, if asked."""
        plainly = not (self.replaced or replaced or scaled or moved_to())
        if reading is Reading.LITERAL and plainly and self.literal is not None:
            return self.literal
        tracer = self._tracer(reading)
        tracer.replaced = {**self.replaced, **(replaced or {})}
        tracer.scaled = scaled
        gradient, _ = self._backward(tracer, self.question.fresh(), self.cotangents)
        if reading is Reading.RECOGNISED and plainly:
            self.meant = gradient
        return gradient

    def shadows(self, reading: Reading) -> tuple[list[Shadow], list[Shadow]]:
        """Run forward and backward over balls of FLINT's present precision: outputs, and gradients."""
        tracer = self._tracer(reading)
        gradient, found = self._backward(tracer, self.question.fresh(), self.cotangents)
        return [values(tracer.shadow(x)) for x in found.outputs], gradient

    def replay(self) -> None:
        """Trace with the local check, at the point and at one nearby, and demand that both are the same.

        What comes from outside of the trace (tables, masks, Python's numbers) must be the same at both, or it
        depends on the inputs in a way that was not seen; and every operation must be what its rule says.
        """
        here = Tracer(Reading.LITERAL, self.local, progress=self.progress)
        literal, found = self._backward(here, self.question.fresh(), self.cotangents)
        _demand_traced(here, found.outputs)
        self._demand_the_local_check()
        self.lost = self._lost(here, found.outputs)
        there = Tracer(Reading.LITERAL, progress=self.progress)
        self._backward(there, self._near(), [-2 * x for x in self.cotangents])
        _demand_the_same(here.trace, there.trace)
        self.ties, self.decisions = here.trace.ties, here.trace.decisions
        self.repeated = here.trace.repeated
        self.constants = [*_tables(here.trace.outside), *map(np.asarray, here.trace.written)]
        self.tables_of_forward = _tables(here.trace.outside[: here.trace.outside_of_forward])
        self.narrower = here.trace.narrower_backward(max(UNIT[FORMATS[x.dtype]] for x in found.inputs))
        self.alone = here.trace.alone(there.trace)
        if self.meant_question is not self.question:
            self.replay_forward()
        self.draws = bool(here.trace.random)
        for note in here.trace.random:
            self.notes[f"random numbers are constants: {note}"] = None
        for name, line in here.trace.fused.items():
            self.notes[f"fused kernel {name}: formula by its decomposition ({line})"] = None
        self.literal = literal
        self.replayed = True

    def _lost(self, tracer: Tracer, outputs: Tensors) -> str | None:
        found = (
            out_of_range(f"output {k}", numbers(x), tracer.shadow(x), float(torch.finfo(x.dtype).max))
            for k, x in enumerate(outputs)
        )
        lost = next(filter(None, found), None)
        return lost if lost is None else self.local.explain(lost)

    @property
    def inputs(self) -> dict[str, Numbers]:
        """The numbers of the inputs by their names, in their own formats if numpy has these."""
        arrays = [own_numbers(x) for x in self.question.tensors]
        return dict(zip(self.question.names, arrays, strict=True))

    def replay_forward(self) -> Tensors:
        """Trace the forward alone, of what is meant, likewise; return its outputs."""
        traces: list[Trace] = []
        outputs: list[Tensors] = []
        for given in (self.question.fresh(), self._near()):
            tracer = Tracer(Reading.LITERAL, self.local if not traces else None, progress=self.progress)
            for x in given:
                tracer.know(x, exact(numbers(x)))
            found = self._forward(tracer, given, self.meant_question)
            outputs.append(found.outputs or found.plain)
            _demand_traced(tracer, outputs[-1])
            if not traces and self.meant_question is self.question:
                self.lost = self._lost(tracer, outputs[0])
            traces.append(tracer.trace)
        self._demand_the_local_check()
        _demand_the_same(*traces)
        self.ties += traces[0].ties
        self.alone = traces[0].alone(traces[1])
        return outputs[0]

    def _near(self) -> Tensors:
        pairs = zip(self.question.fresh(), self.directions, strict=True)
        return [_moved(x, direction) for x, direction in pairs]

    def _demand_the_local_check(self) -> None:
        failed = self.local.failed
        if failed is not None:
            raise NotTracedError(
                f"{failed.operation} ({failed.line}) is off by {failed.units:.3g} roundings from what it says"
            )

    def _forward(self, tracer: Tracer, given: Tensors, question: Question) -> Pass:
        forgotten: list[str] = []

        @contextmanager
        def watching(others: Tensors) -> Iterator[None]:
            for x in others:
                if x.dtype in FORMATS:
                    tracer.know(x, of_input(own_numbers(x)))
            with _plain_kernels(), Cutting(tracer.trace.cut), WithoutGraph(forgotten), tracer:
                yield
            if forgotten:
                raise NotTracedError(FORGOTTEN.format(forgotten[0]))

        torch.manual_seed(0)  # the same random numbers in every pass
        return question.run(given, watching)

    def _backward(self, tracer: Tracer, given: Tensors, cotangents: Tensors) -> tuple[list[Shadow], Pass]:
        for x in given:
            tracer.know(x, of_input(own_numbers(x)))
        found = self._forward(tracer, given, self.question)
        if not found.outputs or len(found.outputs) != len(cotangents):
            raise NotTracedError(NO_GRADIENT)
        own = [c.clone() for c in cotangents]
        for c in own:
            tracer.know(c, exact(numbers(c)))
        tracer.trace.begin_backward()
        with _plain_kernels(), tracer:
            gradient = found.gradient(own)
        return [values(tracer.shadow(x)) for x in gradient], found


def _tables(outside: Sequence[tuple[str, Any, str]]) -> list[Numbers]:
    return [np.asarray(x) for kind, x, _ in outside if kind == "table"]


def _moved(x: torch.Tensor, direction: Numbers) -> torch.Tensor:
    """Return a point nearby, at a distance that keeps most branches as they are.

    No two numbers are moved alike: else a norm or a mean, which leaves the trace, may be the same there.
    """
    eps = float(torch.finfo(x.dtype).eps)
    steps = eps * np.sign(direction) * (_NEAR + (_APART if eps < _SHORT else _NEAR) * np.abs(direction))
    step = torch.from_numpy(np.asarray(steps)).to(x.device, x.dtype)
    return (x.detach() * (1 + step) + step).requires_grad_()


def _demand_traced(tracer: Tracer, outputs: Tensors) -> None:
    known = len(tracer.trace.outside)
    for x in outputs:
        tracer.shadow(x)
    if len(tracer.trace.outside) > known:
        raise NotTracedError("an output comes from outside of the trace")


def _demand_the_same(here: Trace, there: Trace) -> None:
    if len(here.outside) != len(there.outside) or here.operations != there.operations:
        raise NotTracedError("the function runs other operations at a point nearby")
    for (kind, ours, line), (_, theirs, _) in zip(here.outside, there.outside, strict=True):
        if not _same(ours, theirs):
            raise NotTracedError(_DEPENDS.format(kind, line))
    for number, line in here.written.items():
        if number not in there.written and not math.isnan(number):
            raise NotTracedError(_DEPENDS.format("number", line))


def _same(ours: Any, theirs: Any) -> bool:
    pairs = zip(ours, theirs, strict=True) if isinstance(ours, list) else [(ours, theirs)]
    return all(np.array_equal(np.asarray(x), np.asarray(y), equal_nan=True) for x, y in pairs)


@contextmanager
def _plain_kernels() -> Iterator[None]:
    """Keep PyTorch from kernels of which there is no decomposition."""
    from torch.nn.attention import SDPBackend, sdpa_kernel  # noqa: PLC0415  slow to import

    enabled = torch._C._get_mkldnn_enabled()  # noqa: SLF001  its context warns of GPUs
    try:
        torch._C._set_mkldnn_enabled(False)  # noqa: SLF001
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch._C._set_mkldnn_enabled(enabled)  # noqa: SLF001
