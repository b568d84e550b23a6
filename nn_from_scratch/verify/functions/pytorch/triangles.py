"""Functions that read one triangle of a matrix: their gradient is judged along such matrices alone.

A Cholesky factorisation and a decomposition into eigenvectors take a matrix for symmetric and read one
triangle of it; what solves with a Cholesky factor reads one triangle of that. Away from symmetric, or
triangular, matrices such a function has no derivative that is agreed on: PyTorch gives half of it to each
triangle. Along them it has one.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

from nn_from_scratch.verify.functions.pytorch.differences import difference
from nn_from_scratch.verify.functions.pytorch.question import Question, Tensors, copied
from nn_from_scratch.verify.functions.pytorch.tracing.lines import users_line
from nn_from_scratch.verify.functions.pytorch.tracing.operands import by_name
from nn_from_scratch.verify.functions.symmetric import LEAST, ROUNDINGS, STEP, STREAM, symmetric

_OF_SYMMETRIC = {"linalg_cholesky_ex": "self", "cholesky": "self", "_linalg_eigh": "A", "linalg_eigh": "A"}
"""Operations that read one triangle of a symmetric matrix, and what they call it."""
_OF_TRIANGULAR = {"cholesky_inverse": "self", "cholesky_solve": "input2"}
"""Operations that read one triangle of a triangular matrix."""
_PARTS: Mapping[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "symmetric": symmetric,
    "lower triangular": torch.tril,
    "upper triangular": torch.triu,
}
"""What is left of a matrix; one of the kind stays as it is."""


@dataclass(frozen=True, slots=True)
class OneTriangle:
    """A function that reads one triangle of a matrix, and what to ask in its place."""

    along: Question | None
    """The same function of symmetric, or triangular, parts of its inputs; None if the matrix is no input."""
    alone: bool
    """Whether what is left out of the inputs there changes those matrices alone."""
    symmetrised: Question | None
    """The same function with each matrix made symmetric before one triangle of it is read."""
    fits: bool
    """Whether the matrices are symmetric here."""
    said: str
    """Along which matrices, and by which operation on which line."""


class _Symmetrising(TorchDispatchMode):  # type: ignore[misc]
    """Makes each matrix symmetric, or triangular, before one triangle of it is read."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run an operation."""
        del types
        kwargs = kwargs or {}
        name = func.overloadpacket.__name__
        operand = _OF_SYMMETRIC.get(name) or _OF_TRIANGULAR.get(name)
        if operand is None:
            return func(*args, **kwargs)
        bound = by_name(func, args, kwargs)
        kind = "symmetric"
        if name in _OF_TRIANGULAR:
            kind = "upper triangular" if bound["upper"] else "lower triangular"
        matrix = bound[operand]
        part = _PARTS[kind](matrix)
        self.note(kind, name, matrix, part)
        read = [part if x is matrix else x for x in args]
        return func(*read, **{key: part if x is matrix else x for key, x in kwargs.items()})

    def note(self, kind: str, name: str, matrix: torch.Tensor, part: torch.Tensor) -> None:
        """Look at a matrix that is read in part, and at that part of it."""


class _Reading(_Symmetrising):
    """Notes as well how far each of these matrices was from its part."""

    def __init__(self) -> None:
        super().__init__()
        self.kinds: dict[str, str] = {}
        """Of matrices that are read in part, and where."""
        self.gaps: list[tuple[str, float]] = []
        """For each such matrix its kind, and the largest entry beside that part, relative to its own."""

    def note(self, kind: str, name: str, matrix: torch.Tensor, part: torch.Tensor) -> None:
        """Note one matrix."""
        self.kinds.setdefault(kind, f"{name} ({users_line()})")
        self.gaps.append((kind, _largest(matrix - part) / (_largest(matrix) or 1.0)))


def one_triangle(question: Question) -> OneTriangle | None:
    """Return what to ask of a function that reads one triangle of a matrix that depends on its inputs.

    None if it reads none, or if each stays symmetric, or triangular, wherever the inputs are moved.
    """
    here, seen = _read(question, question.tensors)
    if not seen.gaps:
        return None
    draw = np.random.default_rng(STREAM)
    steps = [_step(x, draw) for x in question.tensors]
    if not _opens(question, steps):
        return None
    fits = all(gap <= _least(question) for kind, gap in seen.gaps if kind == "symmetric")
    said = (
        f"{' and '.join(seen.kinds)} matrices, of which one triangle is read "
        f"({', '.join(seen.kinds.values())})"
    )
    if question.inside:
        return OneTriangle(None, False, None, fits, said)
    kinds: dict[int, str] = {}
    alone = True
    for k, x in enumerate(question.tensors):
        for kind in seen.kinds if x.dim() > 1 and x.shape[-1] == x.shape[-2] else ():
            beyond = [s - _PARTS[kind](s) if j == k else torch.zeros_like(s) for j, s in enumerate(steps)]
            if k not in kinds and _opens(question, beyond, kind):
                kinds[k] = kind
                alone = alone and _stays(question, beyond, here)
    along = _of_parts(question, kinds)
    closed = bool(kinds) and not _opens(along, steps)
    return OneTriangle(along if closed else None, alone, _symmetrised(question), fits, said)


def _read(question: Question, tensors: Sequence[torch.Tensor]) -> tuple[Tensors, _Reading]:
    reading = _Reading()
    given = [copied(x).requires_grad_() for x in tensors]
    found = question.run(given, watching=lambda _: reading)
    return found.outputs + found.plain, reading


def _moved(question: Question, steps: Tensors) -> tuple[Tensors, _Reading]:
    return _read(question, [x.detach() + step for x, step in zip(question.tensors, steps, strict=True)])


def _opens(question: Question, steps: Tensors, kind: str | None = None) -> bool:
    """Whether steps of the inputs make a matrix, of a kind, less symmetric or triangular than it is here."""
    try:
        _, seen = _read(question, question.tensors)
        _, reading = _moved(question, steps)
    except Exception:  # noqa: BLE001  the function is not defined there
        return False
    pairs = zip(reading.gaps, seen.gaps, strict=False)
    least = _least(question)
    return any(abs(gap - before) > least for (of, gap), (_, before) in pairs if kind in {None, of})


def _least(question: Question) -> float:
    return ROUNDINGS * max(float(torch.finfo(x.dtype).eps) for x in question.tensors)


def _stays(question: Question, steps: Tensors, here: Tensors) -> bool:
    """Whether steps of the inputs leave the outputs as they are, once the matrices are made symmetric."""
    try:
        there, _ = _moved(question, steps)
    except Exception:  # noqa: BLE001  as above
        return False
    return all(difference(x, y) < LEAST for x, y in zip(there, here, strict=True))


def _step(x: torch.Tensor, draw: np.random.Generator) -> torch.Tensor:
    drawn = torch.from_numpy(np.asarray(draw.uniform(-1, 1, tuple(x.shape)))).to(x.device, x.dtype)
    return drawn * (STEP * (_largest(x) or 1.0))


def _largest(x: torch.Tensor) -> float:
    return float(x.detach().abs().max()) if x.numel() else 0.0


def _of_parts(question: Question, kinds: Mapping[int, str]) -> Question:
    """Return the same function of parts of some inputs."""

    def call(arguments: tuple[Any, ...], state: dict[str, torch.Tensor]) -> Any:
        leaves, spec = pytree.tree_flatten(arguments)
        state = dict(state)
        for k, kind in kinds.items():
            if k < len(question.chosen):
                place = question.chosen[k]
                leaves[place] = _PARTS[kind](leaves[place])
            else:
                name = question.parameters[k - len(question.chosen)]
                state[name] = _PARTS[kind](state[name])
        return question.call(pytree.tree_unflatten(leaves, spec), state)

    meant = None if question.meant is None else _of_parts(question.meant, kinds)
    return _calling(question, call, meant)


def _symmetrised(question: Question) -> Question:
    def call(arguments: tuple[Any, ...], state: dict[str, torch.Tensor]) -> Any:
        with _Symmetrising():
            return question.call(arguments, state)

    return _calling(question, call, None if question.meant is None else _symmetrised(question.meant))


def _calling(
    question: Question,
    call: Callable[[tuple[Any, ...], dict[str, torch.Tensor]], Any],
    meant: Question | None,
) -> Question:
    again = copy.copy(question)
    again.call, again.meant, again.values = call, meant, None
    return again
