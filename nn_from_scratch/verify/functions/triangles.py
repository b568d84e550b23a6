"""Functions of numpy's that read one triangle of a matrix: judged along symmetric matrices alone.

A Cholesky factorisation and a decomposition into eigenvectors take a matrix for symmetric, and read one
triangle of it. What is written by hand for them is the derivative along symmetric matrices, and beyond these
whatever is at hand: half of it in each triangle, or all in one.
"""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from nn_from_scratch.verify.functions.inputs import Arguments, dense
from nn_from_scratch.verify.functions.symmetric import ROUNDINGS, STEP, STREAM, stays, symmetric
from nn_from_scratch.verify.functions.tracing.arrays.stand_in import replacing

Function = Callable[..., Any]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class OneTriangle:
    """A function that reads one triangle of a matrix, its gradient, and what to ask in their place."""

    along: tuple[Function, Function] | None
    """The same of the symmetric parts of the inputs; None if the matrix is no input."""
    alone: bool
    """Whether what is not symmetric in the inputs changes these matrices alone."""
    symmetrising: Callable[[], AbstractContextManager[Function]]
    """Lets each matrix be made symmetric before one triangle of it is read, and gives the function."""
    fits: bool
    """Whether the matrices are symmetric here."""
    said: str


def one_triangle(function: Function, gradient: Function, inputs: Any) -> OneTriangle | None:
    """Return what to ask of a function that reads one triangle of a matrix that depends on its inputs.

    None if it reads none, or if each stays symmetric wherever the inputs are moved.
    """
    reading = _Reading(function, Arguments(function, inputs))
    with reading.symmetrising():
        return _one_triangle(reading, gradient)


def _one_triangle(reading: _Reading, gradient: Function) -> OneTriangle | None:
    here, gaps = reading.at(reading.arguments.point)
    if here is None or not gaps:
        return None
    draw = np.random.default_rng(STREAM)
    leaves = reading.arguments.leaves
    steps = [draw.uniform(-1, 1, leaf.shape) * STEP * reading.size(k) for k, leaf in enumerate(leaves)]
    if not reading.opens(steps):
        return None
    kept, alone = [], True
    for k, leaf in enumerate(leaves):
        if len(leaf.shape) < 2 or leaf.shape[-1] != leaf.shape[-2]:
            continue
        beyond = [step - symmetric(step) if j == k else 0 * step for j, step in enumerate(steps)]
        if reading.opens(beyond):
            kept.append(k)
            there, _ = reading.at(reading.moved(beyond))
            alone = alone and there is not None and stays(there, here)
    along = reading.of_symmetric(kept, gradient) if kept else None
    if along is not None and reading.opens(steps, along[0]):
        along = None
    said = f"along symmetric matrices, of which {', '.join(sorted(reading.names))} reads one triangle"
    return OneTriangle(along, alone, reading.symmetrising, max(gaps) <= reading.least, said)


class _Reading:
    """Runs a function with each matrix made symmetric before one triangle is read, and notes the gaps."""

    def __init__(self, function: Function, arguments: Arguments) -> None:
        self.function = function
        self.arguments = arguments
        self.names: set[str] = set()
        self.gaps: list[float] = []
        self.least = ROUNDINGS * max(float(np.finfo(leaf.dtype).eps) for leaf in arguments.leaves)

    def size(self, k: int) -> float:
        """Return the size of an input."""
        leaf = self.arguments.leaves[k]
        return float(np.abs(self.arguments.point[leaf.start : leaf.stop]).max(initial=0.0)) or 1.0

    def moved(self, steps: Sequence[Any]) -> Floats:
        """Return the point after a step of each input."""
        return np.asarray(self.arguments.point + np.concatenate([np.ravel(step) for step in steps]))

    def at(self, point: Floats, function: Function | None = None) -> tuple[Floats | None, list[float]]:
        """Return the outputs at a point, None where the function is not defined, and the gaps of matrices."""
        self.gaps = []
        try:
            with np.errstate(all="ignore"):
                found = self.arguments.call(function or self.function, point)
            return _numbers(found), self.gaps
        except Exception:  # noqa: BLE001  whatever a function does not like about a point
            return None, []

    def opens(self, steps: Sequence[Any], function: Function | None = None) -> bool:
        """Whether a step makes a matrix less symmetric, or more, than it is here."""
        _, before = self.at(self.arguments.point, function)
        _, after = self.at(self.moved(steps), function)
        return any(abs(x - y) > self.least for x, y in zip(before, after, strict=False))

    @contextmanager
    def symmetrising(self) -> Iterator[Function]:
        """Let each matrix be made symmetric before it is read; the function may itself be what reads it."""
        own = self.function
        replaced = {id(f): self._noting(f) for f in _of_symmetric()}
        with replacing(replaced, [own]):
            self.function = replaced.get(id(own), own)
            try:
                yield self.function
            finally:
                self.function = own

    def _noting(self, function: Function) -> Function:
        @functools.wraps(function)
        def noting(a: Any, *rest: Any, **keywords: Any) -> Any:
            matrix = np.asarray(a)
            part = symmetric(matrix)
            self.names.add(function.__name__)
            self.gaps.append(float(np.abs(matrix - part).max(initial=0.0) / (np.abs(matrix).max() or 1.0)))
            return function(part, *rest, **keywords)

        return noting

    def of_symmetric(self, kept: Sequence[int], gradient: Function) -> tuple[Function, Function] | None:
        """Return function and gradient of the symmetric parts of some inputs; None where they are nested."""
        if any(isinstance(tree, (tuple, list, dict)) for tree in self.arguments.trees):
            return None

        def parts(arguments: Sequence[Any]) -> list[Any]:
            moved = self.arguments.moved(list(arguments))
            return self.arguments.filled([symmetric(x) if k in kept else x for k, x in enumerate(moved)])

        @functools.wraps(self.function)
        def function(*arguments: Any, **keywords: Any) -> Any:
            return self.arguments.apply(self.function, parts([*arguments, *keywords.values()]))

        @functools.wraps(gradient)
        def slopes(*arguments: Any, **keywords: Any) -> Any:
            given = [*arguments, *keywords.values()]
            count = len(self.arguments.trees)
            first = 0 if not self.arguments.keywords else len(arguments)
            own = given[first:] if first else given[:count]
            cotangent = given[:first] if first else given[count:]
            found = self.arguments.parts(self.arguments.apply(gradient, parts(own), *cotangent))
            halves = [x if x is None or k not in kept else symmetric(dense(x)) for k, x in enumerate(found)]
            return tuple(halves) if len(halves) > 1 else halves[0]

        return function, slopes


def _of_symmetric() -> Iterator[Function]:
    """Yield the functions of numpy and scipy that read one triangle of a symmetric matrix."""
    yield from (np.linalg.cholesky, np.linalg.eigh, np.linalg.eigvalsh)
    if importlib.util.find_spec("scipy") is not None:
        from scipy import linalg  # noqa: PLC0415  slow to import, and not always there

        yield from (linalg.cholesky, linalg.cho_factor, linalg.eigh, linalg.eigvalsh)


def _numbers(found: Any) -> Floats:
    if isinstance(found, dict):
        found = list(found.values())
    if isinstance(found, (tuple, list)):
        return np.concatenate([_numbers(x) for x in found] or [np.zeros(0)])
    return np.asarray(found, np.float64).ravel()
