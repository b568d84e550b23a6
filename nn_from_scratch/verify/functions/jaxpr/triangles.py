"""Functions of JAX's that read one triangle of a matrix: judged along symmetric matrices alone.

``jax.numpy.linalg`` makes a matrix symmetric before it is factored; ``jax.scipy.linalg.cho_factor``, and
``jax.lax.linalg`` with ``symmetrize_input=False``, do not, and their derivatives take it for symmetric.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import Literal

from nn_from_scratch.verify.functions.jaxpr.plain import CALLS, CUSTOM, primitives
from nn_from_scratch.verify.functions.jaxpr.question import UNTRACEABLE, Question, numbers, precision
from nn_from_scratch.verify.functions.symmetric import ROUNDINGS, STEP, STREAM, stays, symmetric

OF_SYMMETRIC = frozenset(["cholesky", "eigh"])
"""Primitives that read one triangle of a symmetric matrix."""

_GAP = ROUNDINGS * float(np.finfo(np.float64).eps)
"""How far from symmetric a matrix is that is so but for rounding."""

Arrays = Sequence[Any]
Function = Callable[..., list[Any]]


@dataclass(frozen=True)
class OneTriangle:
    """What to ask in place of a function that reads one triangle of a matrix."""

    along: Question | None
    """The same function of the symmetric parts of its inputs; None if the matrix is no input."""
    alone: bool
    """Whether what is not symmetric in the inputs changes these matrices alone."""
    symmetrised: Question
    """The same, held to the function with each matrix made symmetric before it is read."""
    fits: bool
    """Whether the matrices are symmetric here."""
    said: str


def one_triangle(question: Question) -> OneTriangle | None:
    """Return what to ask of a function that reads one triangle of a matrix that depends on its inputs.

    None if it reads none, or if each stays symmetric wherever the inputs are moved.
    """
    try:
        return _one_triangle(question)
    except (TypeError, ValueError, NotImplementedError, *UNTRACEABLE):
        return None  # it takes no float64, or cannot be traced


def _one_triangle(question: Question) -> OneTriangle | None:
    point = question.numbers()
    with precision(wide=True):
        closed = jax.make_jaxpr(question.primal)(*map(jnp.asarray, point))
    names = sorted(OF_SYMMETRIC & set(primitives(closed)))
    if not names:
        return None
    here, gaps = _read(question.primal, point)
    draw = np.random.default_rng(STREAM)
    steps = [draw.uniform(-1, 1, x.shape) * STEP * (np.abs(x).max(initial=0.0) or 1.0) for x in point]
    if not gaps or not _opens(question.primal, point, steps):
        return None
    kept, alone = [], True
    for k, x in enumerate(point):
        if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
            continue
        beyond = [step - symmetric(step) if j == k else 0 * step for j, step in enumerate(steps)]
        if _opens(question.primal, point, beyond):
            kept.append(k)
            there, _ = _read(question.primal, [a + b for a, b in zip(point, beyond, strict=True)])
            alone = alone and all(map(stays, there, here))
    along = _of_symmetric(question, kept)
    closed_under = bool(kept) and not _opens(along.primal, point, steps)
    said = f"along symmetric matrices, of which {', '.join(names)} reads one triangle"
    symmetrised = replace(question, plainly=_symmetrised(question.primal), meant=True)
    return OneTriangle(along if closed_under else None, alone, symmetrised, max(gaps) <= _GAP, said)


def _read(function: Function, point: Arrays) -> tuple[list[Any], list[float]]:
    """Run a function in float64 with matrices made symmetric: its outputs, and how far each was from that."""
    gaps: list[float] = []
    with precision(wide=True):
        given = [jnp.asarray(x) for x in point]
        found = _run(jax.make_jaxpr(function)(*given), given, gaps)
    return [numbers(x) for x in found], gaps


def _opens(function: Function, point: Arrays, steps: Arrays) -> bool:
    """Whether a step makes a matrix less symmetric, or more, than it is here."""
    _, before = _read(function, point)
    _, after = _read(function, [x + step for x, step in zip(point, steps, strict=True)])
    return any(abs(x - y) > _GAP for x, y in zip(before, after, strict=False))


def _of_symmetric(question: Question, kept: Sequence[int]) -> Question:
    def of_parts(function: Function) -> Function:
        def called(*arrays: Any) -> list[Any]:
            return function(*(symmetric(x) if k in kept else x for k, x in enumerate(arrays)))

        return called

    plainly = None if question.plainly is None else of_parts(question.plainly)
    return replace(question, function=of_parts(question.function), plainly=plainly)


def _symmetrised(function: Function) -> Function:
    def called(*arrays: Any) -> list[Any]:
        return _run(jax.make_jaxpr(function)(*arrays), arrays, None)

    return called


def _run(closed: Any, arguments: Arrays, gaps: list[float] | None) -> list[Any]:
    """Run a jaxpr with each matrix made symmetric before one triangle of it is read; note the gaps."""
    jaxpr, constants = getattr(closed, "jaxpr", closed), getattr(closed, "consts", [])
    known: dict[Any, Any] = dict(zip(jaxpr.constvars, constants, strict=True))
    known.update(zip(jaxpr.invars, arguments, strict=True))
    for equation in jaxpr.eqns:
        name = equation.primitive.name
        operands = [x.val if isinstance(x, Literal) else known[x] for x in equation.invars]
        within = CUSTOM.get(name) or CALLS.get(name)
        if within is not None:
            found = _run(equation.params[within], operands, gaps)
        else:
            if name in OF_SYMMETRIC:
                matrix, operands[0] = operands[0], symmetric(operands[0])
                if gaps is not None:
                    gaps.append(float(jnp.abs(matrix - operands[0]).max() / jnp.abs(matrix).max()))
            found = equation.primitive.bind(*operands, **equation.params)
            found = found if equation.primitive.multiple_results else [found]
        known.update(zip(equation.outvars, found, strict=True))
    return [x.val if isinstance(x, Literal) else known[x] for x in jaxpr.outvars]
