"""How an engine's operations are called where its adapter does not say: operators, methods, functions."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np

from nn_from_scratch.verify.questions.cases import Case, single
from nn_from_scratch.verify.questions.expressions import Arithmetic
from nn_from_scratch.verify.questions.operations import (
    ARRAYS,
    CATALOGUE,
    ELEMENTWISE,
    FURTHER_ARRAYS,
    OF_NUMPY,
    OPERATIONS,
    as_index,
)

OPERATORS: Arithmetic = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "pow": operator.pow,
    "neg": operator.neg,
    "abs": abs,
}
"""Python's operators, which every engine is asked by."""

SAID_BY_ADAPTERS = {
    *("where", "sort", "einsum", "take_along_axis", "scatter_add"),
    *("solve", "inv", "det", "cholesky", "conv"),
    *OF_NUMPY,
}
"""Methods of these names work in place, or take arguments in ways of their own: the adapter says how."""


def methods(names: Iterable[str]) -> Arithmetic:
    """Return operations that are methods of their first operand, by their names."""
    return {name: _method(name) for name in names if name not in SAID_BY_ADAPTERS}


def searched(*, arrays: bool, complete: bool) -> Iterable[str]:
    """Return the operations that are looked for by name: of a complete engine those that it claims."""
    if complete:
        return CATALOGUE | ARRAYS if arrays else CATALOGUE
    return OPERATIONS if arrays else ELEMENTWISE


def functions(namespace: Any, names: Iterable[str], *, arrays: bool) -> Arithmetic:
    """Return operations that are functions of a namespace, by numpy's names and with numpy's arguments.

    Those on arrays that not every engine is asked are taken from a module that is called numpy, as
    `jax.numpy` is: elsewhere they are often others of the same name (``torch.dot``, ``torch.median``), and
    the adapter gives them.
    """
    if getattr(namespace, "__name__", "").rpartition(".")[2] != "numpy":
        names = [name for name in names if name not in FURTHER_ARRAYS]
    found = {name: getattr(namespace, name) for name in names if hasattr(namespace, name)}
    if "where" in found:
        found["where"] = lambda c, x, y: namespace.where(c > 0, x, y)
    for name in found.keys() & {"concatenate", "stack"}:
        found[name] = _of_a_list(found[name])
    solvers = getattr(namespace, "linalg", None)
    if solvers is not None:
        found |= {
            name: getattr(solvers, name)
            for name in names
            if name in {"solve", "inv", "det", "norm", "matrix_power"} and hasattr(solvers, name)
        }
        if "slogdet" in names and hasattr(solvers, "slogdet"):
            found["slogdet"] = lambda x: solvers.slogdet(x)[1]
        if "cholesky" in names and hasattr(solvers, "cholesky"):
            found["cholesky"] = lambda x: solvers.cholesky((x + x.swapaxes(-1, -2)) / 2)
        if "eigvalsh" in names and hasattr(solvers, "eigvalsh"):
            found["eigvalsh"] = lambda x: solvers.eigvalsh((x + x.swapaxes(-1, -2)) / 2)
        if "eigh" in names and hasattr(solvers, "eigh") and hasattr(namespace, "sign"):
            found["eigh"] = partial(eigenvectors, namespace)
    found |= {name: call for name, call in _own_arguments(namespace).items() if name in found}
    if arrays:
        found["index"] = lambda x, index: x[as_index(index)]
    return found


def _own_arguments(namespace: Any) -> Arithmetic:
    """Return functions of a namespace that take more than operands and keywords of plain numbers."""
    return {
        "take_along_axis": lambda x, indices, axis: namespace.take_along_axis(x, np.array(indices), axis),
        "take": lambda x, indices, axis: namespace.take(x, np.array(indices), axis),
        "compress": lambda x, condition, axis: namespace.compress(np.array(condition), x, axis),
        "repeat": lambda x, repeats, axis: namespace.repeat(
            x, repeats if isinstance(repeats, int) else np.array(repeats), axis
        ),
        "average": lambda x, axis, weights: namespace.average(x, axis, np.array(weights)),
        **{
            name: lambda x, q, name=name, **how: getattr(namespace, name)(x, np.array(q), **how)
            for name in ("quantile", "percentile")
        },
        "interp": lambda x, y, xp: namespace.interp(x, np.array(xp), y),
        "einsum": lambda *operands, subscripts: namespace.einsum(subscripts, *operands),
    }


def eigenvectors(namespace: Any, x: Any) -> Any:
    """Return the eigenvectors of a symmetric part, each with a positive first entry."""
    vectors = namespace.linalg.eigh((x + x.swapaxes(-1, -2)) / 2)[1]
    return vectors * namespace.sign(vectors[..., :1, :])


def _method(name: str) -> Callable[..., Any]:
    return lambda x, *others, **keywords: getattr(x, name)(*others, **keywords)


def _of_a_list(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *operands, **keywords: function(operands, **keywords)


def harmless(name: str, kinds: str) -> Case:
    """Return the case of one operation inside its domain."""
    return single(name, kinds, inside(name, kinds))


def inside(name: str, kinds: str) -> list[float]:
    """Return operands that are inside the domain of an operation."""
    values = [0.5, 0.25, 2.0][: len(kinds)]
    elementwise = ELEMENTWISE.get(name)
    if elementwise is None:
        return values
    others = [2.0] * len(kinds), [0.5, 2.0, 0.25][: len(kinds)]
    return next(one for one in (values, *others) if elementwise.inside(*one))


def written(name: str, kinds: str) -> str:
    """Write a form in words."""
    return ELEMENTWISE[name].text(*("constant" if kind == "c" else "node" for kind in kinds))
