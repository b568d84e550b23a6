"""Runs of a user's forward and backward: plainly, over series, and over balls."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import numpy as np
from flint import arb

from nn_from_scratch.verify.functions.tracing.arrays.array import TracedArray, is_traced, plain
from nn_from_scratch.verify.functions.tracing.arrays.ended import TraceEndedError
from nn_from_scratch.verify.functions.tracing.arrays.stand_in import stacked, standing_in
from nn_from_scratch.verify.functions.tracing.arrays.trace import MOST_OPERATIONS, Constant, Trace
from nn_from_scratch.verify.functions.tracing.arrays.watch import Watch
from nn_from_scratch.verify.functions.tracing.constants import Reading
from nn_from_scratch.verify.functions.tracing.local import LocalCheck
from nn_from_scratch.verify.functions.tracing.mending import Mend
from nn_from_scratch.verify.functions.tracing.moving import series_of_input
from nn_from_scratch.verify.functions.tracing.shadows import Numbers, Shadow


@dataclass
class Pass:
    """One run forward and backward: outputs and gradients, as numbers and as shadows, and the trace."""

    outputs: list[Numbers]
    gradients: list[Numbers]
    output_shadows: list[Shadow] = field(default_factory=list)
    gradient_shadows: list[Shadow] = field(default_factory=list)
    trace: Trace = field(default_factory=Trace)


@dataclass
class Subject:
    """A forward, a backward, and the point where they are asked.

    Parameters
    ----------
    forward
        Maps the inputs to the output, or a tuple of outputs, and to what is saved for the backward.
    backward
        Maps a cotangent of the output, or a tuple of them, and what was saved, to a gradient of each input of
        floating point, in a tuple if there are several.
    inputs
        Arrays; those of floating point are differentiated, everything else is passed on as it is.
    cotangents
        One for each output.
    users
        The user's functions, where forward and backward call them and are not theirs.
    limit
        Scalar operations of one run, at most.
    names
        What the differentiated inputs are called, if not x, or x0, x1, ...
    watch
        Who is told of progress.
    opaque
        Whether the backward is run as it is, and not traced: its gradients are the numbers that it gives.

    """

    forward: Callable[..., tuple[Any, Any]]
    backward: Callable[..., Any]
    inputs: Sequence[Any]
    cotangents: Sequence[Numbers] = ()
    users: Sequence[Callable[..., Any]] = ()
    limit: int = MOST_OPERATIONS
    names: Sequence[str] = ()
    watch: Watch | None = None
    opaque: bool = False

    def at(self, inputs: Sequence[Any]) -> Subject:
        """Return the same functions at another point."""
        return dataclasses.replace(self, inputs=inputs)

    @property
    def differentiated(self) -> list[Numbers]:
        """The inputs that are differentiated."""
        return [x for x in self.inputs if _is_floating(x)]

    def name(self, which: int) -> str:
        """Name one of the differentiated inputs."""
        if self.names:
            return self.names[which]
        return f"x{which}" if len(self.differentiated) > 1 else "x"

    def plainly(self) -> Pass:
        """Run as the user does; cotangents are needed for the backward only."""
        with _quiet():
            y, saved = self.forward(*(x.copy() if isinstance(x, np.ndarray) else x for x in self.inputs))
            outputs = [np.asarray(part) for part in (y if isinstance(y, tuple) else (y,))]
            if not self.cotangents:
                return Pass([part.copy() for part in outputs], [])
            given = [c.copy() for c in self.cotangents]
            kept = [part.copy() for part in outputs]
            found = self.backward(tuple(given) if isinstance(y, tuple) else given[0], saved)
        return Pass(kept, [np.asarray(g) for g in self._matched(found)])

    def derivative(
        self,
        directions: Sequence[Numbers],
        reading: Reading,
        replaced: Mapping[Constant, arb] | None = None,
        *,
        otherwise: bool = False,
    ) -> tuple[list[Shadow], Trace]:
        """Run the forward over series along a direction; with the other choice at ties, if that is asked."""
        trace = Trace(
            reading=reading,
            replaced=replaced or {},
            limit=self.limit,
            watch=self.watch,
            otherwise=otherwise,
            size=max((float(np.max(np.abs(x), initial=0)) for x in self.differentiated), default=0.0),
        )
        rest = iter(directions)
        inputs = [
            TracedArray(x.copy(), series_of_input(x, next(rest)), trace) if _is_floating(x) else x
            for x in self.inputs
        ]
        with _quiet(), standing_in(trace, (self.forward, self.backward, *self.users)), _closing(trace):
            y, _ = self.forward(*inputs)
            outputs = [_shadow(trace, part) for part in (y if isinstance(y, tuple) else (y,))]
        return outputs, trace

    def balls(
        self,
        reading: Reading,
        local: LocalCheck | None = None,
        replaced: Mapping[Constant, arb] | None = None,
        *,
        watching_digits: bool = False,
        recording: bool = False,
        mend: Mend | None = None,
    ) -> Pass:
        """Run forward and backward over balls: watching digits, recording operations, or with one changed."""
        return self._both_ways(
            Trace(
                reading=reading,
                local=local,
                forward=False,
                watching_digits=watching_digits,
                recording=recording,
                mend=mend,
                replaced=replaced or {},
                limit=self.limit,
                watch=self.watch,
            )
        )

    def rehearse(self) -> Trace:
        """Run forward and backward with numbers alone: what is not traced ends it, the rest is counted."""
        return self._both_ways(Trace(forward=False, rehearsal=True, limit=self.limit)).trace

    def _both_ways(self, trace: Trace) -> Pass:
        inputs = [TracedArray(x.copy(), trace.input(x), trace) if _is_floating(x) else x for x in self.inputs]
        given = [TracedArray(c.copy(), trace.shadow(c), trace) for c in self.cotangents]
        with _quiet(), standing_in(trace, (self.forward, self.backward, *self.users)), _closing(trace):
            y, saved = self.forward(*inputs)
            parts = y if isinstance(y, tuple) else (y,)
            outputs, shadows = [_numbers(p).copy() for p in parts], [_shadow(trace, p).copy() for p in parts]
            trace.backward = True
            if not self.opaque:
                found = self.backward(tuple(given) if isinstance(y, tuple) else given[0], saved)
                found = self._matched(found)
                found = [stacked(trace, g) if isinstance(g, list) and is_traced(g) else g for g in found]
                gradients = [_numbers(g) for g in found]
                return Pass(outputs, gradients, shadows, [_shadow(trace, g) for g in found], trace)
        gradients = self.plainly().gradients
        return Pass(outputs, gradients, shadows, [trace.shadow(g) for g in gradients], trace)

    def _matched(self, found: Any) -> list[Any]:
        """Return a gradient for each differentiated input; None is 0."""
        gradients = list(found) if isinstance(found, (tuple, list)) else [found]
        wanted = self.differentiated
        if len(gradients) == len(self.inputs) != len(wanted):
            gradients = [g for g, x in zip(gradients, self.inputs, strict=True) if _is_floating(x)]
        if len(gradients) != len(wanted):
            raise TraceEndedError(f"the backward returns {len(gradients)} gradients for {len(wanted)} inputs")
        pairs = zip(gradients, wanted, strict=True)
        gradients = [np.zeros(x.shape, x.dtype) if g is None else g for g, x in pairs]
        for gradient, x in zip(gradients, wanted, strict=True):
            if np.shape(plain(gradient)) != x.shape:
                shape = np.shape(plain(gradient))
                raise TraceEndedError(f"a gradient has shape {shape}, its input {x.shape}")
        return [_floating(gradient) for gradient in gradients]


def _is_floating(x: Any) -> bool:
    return isinstance(x, np.ndarray) and x.dtype.kind == "f"


def _floating(gradient: Any) -> Any:
    """Return a gradient of whole numbers as float64, every other one as it is."""
    kind = np.asarray(plain(gradient)).dtype.kind
    if kind not in "fiu":
        raise TraceEndedError("a gradient is no array of real numbers")
    return gradient if kind == "f" else np.asarray(gradient, np.float64)


def _numbers(x: Any) -> Numbers:
    return x.numbers if type(x) is TracedArray else np.asarray(x)


def _shadow(trace: Trace, x: Any) -> Shadow:
    return x.shadow if type(x) is TracedArray else trace.constant(x)


class _closing:  # noqa: N801
    """Raise why a trace ended, even where the user's code caught it or another exception came of it."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if self.trace.ended is not None and not isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise TraceEndedError(self.trace.ended, in_backward=self.trace.backward) from error
        if isinstance(error, Exception):
            why = f"it raises {type(error).__name__} when it is traced: {error}"
            raise TraceEndedError(why, in_backward=self.trace.backward) from error


class _quiet(warnings.catch_warnings):  # noqa: N801
    """Keep numpy's warnings of overflow to ourselves: they are judged."""

    def __enter__(self) -> Any:
        entered = super().__enter__()
        warnings.simplefilter("ignore", RuntimeWarning)
        return entered
