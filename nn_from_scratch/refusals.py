"""What is refused because a graph would be lost without a word, and what to write instead."""

import linecache
import math
import re
import sys
from collections.abc import Iterable, Sequence
from types import FrameType
from typing import Any

import numpy as np

from nn_from_scratch.values import cut

_IN_NUMPY = {
    **{name: name for name in ("exp", "expm1", "exp2", "log", "log2", "log10", "log1p", "sqrt", "cbrt")},
    **{name: name for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "hypot", "fabs", "copysign")},
    **{f"a{name}": f"arc{name}" for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
    **{name: name for name in ("fmod", "degrees", "radians", "prod", "floor", "ceil", "trunc", "isnan")},
    **{name: name for name in ("isinf", "isfinite", "isclose")},
    "atan2": "arctan2",
    "pow": "power",
    "fsum": "sum",
    "sumprod": "dot",
    "dist": "linalg.norm",
}
"""The functions of `math`, each with numpy's of the same meaning."""
_IN_SCIPY = {"erf": "erf", "erfc": "erfc", "lgamma": "gammaln", "gamma": "gamma"}


def no_plain_number(frame: FrameType | None) -> str:
    """Say why a node is no float, and what the line that asked for one should say.

    Parameters
    ----------
    frame
        Where a float was asked for: numpy's function is named for one of `math` in its line.

    """
    reason = "a Node becomes no float by itself, for its graph would be lost"
    if frame is not None and (advice := _of_math(frame)):
        return f"{reason}: {advice}"
    return (
        f"{reason}: write node.value for the number alone, np.exp for math.exp, np.stack for items that are"
        ' assigned into an array, f"{node:.3f}" for "%.3f" % node'
    )


def _of_math(frame: FrameType) -> str:
    """Name the functions of numpy for those of `math` in the line that a frame is at."""
    line = linecache.getline(frame.f_code.co_filename, frame.f_lineno)
    found = []
    for name in re.findall(r"[A-Za-z_][\w.]*(?=\s*\()", line):
        module, _, last = name.rpartition(".")
        known: Any = frame.f_locals.get(last, frame.f_globals.get(last)) if not module else None
        if not module and getattr(known, "__module__", "") == math.__name__:
            last = known.__name__
        elif module.rpartition(".")[2] != math.__name__:
            continue
        if last in _IN_NUMPY:
            found.append(f"write np.{_IN_NUMPY[last]} for {name}")
        elif last in _IN_SCIPY:
            found.append(f"write scipy.special.{_IN_SCIPY[last]} for {name}")
    return ", ".join(dict.fromkeys(found))


def of_shapes(name: str, operands: Sequence[Any], error: ValueError) -> ValueError:
    """Return an error of numpy's, of the class that it has, with the operation and its operands' shapes."""
    kind = type(error) if isinstance(error, np.linalg.LinAlgError | np.exceptions.AxisError) else ValueError
    shapes = ", ".join(str(np.shape(operand)) for operand in operands)
    return kind(f"{name} of shapes {cut(shapes)}: {cut(str(error))}")


NO_ARRAY = (
    "a Node is no array: take its .value; nn_from_scratch.array([[a, b], [c, d]]) joins Nodes into one"
    " Node, as np.stack([a, b]) and np.concatenate([x, y]) do"
)
NO_ITEMS = (
    "a Node's items cannot be assigned, for its graph has used them: write np.where(mask, new, node), or"
    " join the parts by np.stack or np.concatenate; of a leaf, node.value[...] = new"
)


ARRAY_IN_PLACE = (
    "np.{name} into an array has no rule for Nodes: an array keeps no graph: write array = array + node for"
    " array += node, and leave out= away"
)


def refuse_out(name: str, out: Any) -> None:
    """Refuse to write into an array, which keeps no graph."""
    if out is not None:
        raise TypeError(f"np.{name}: an array keeps no graph: leave out= away, and take what is returned")


def no_rule(function: Any, method: str = "") -> str:
    """Say that a function of numpy has no rule for nodes, and what to do."""
    name = _full_name(function) + (f".{method}" if method else "")
    if function is np.copyto:
        return (
            "numpy.copyto, which np.full, np.full_like and np.nan_to_num ask for, writes into an array, which"
            " keeps no graph: write np.broadcast_to(node, shape), or np.where(mask, node, array)"
        )
    if name.startswith("scipy.special.") and hasattr(np, function.__name__):
        return f"{name} has no rule for Nodes: write np.{function.__name__}"
    if name.startswith("numpy.fft") or function.__name__ in _COMPLEX:
        return f"{name} gives complex numbers, and a Node holds real ones: no rule for Nodes; see the README"
    return (
        f"{name} has no rule for Nodes: take it of node.value where no gradient is needed, or write it by"
        " functions that have one (the README lists them)"
    )


def _full_name(function: Any) -> str:
    """Return the name of a function with its module's; a ufunc does not know its module."""
    name: str = function.__name__
    if not isinstance(function, np.ufunc):
        return f"{function.__module__}.{name}"
    for module in ("numpy", "scipy.special"):
        if getattr(sys.modules.get(module), name, None) is function:
            return f"{module}.{name}"
    return name


def unknown_keywords(function: Any, known: Iterable[str], given: Iterable[str]) -> str:
    """Say which keywords of a function of numpy have no meaning for nodes."""
    unknown = ", ".join(f"{name}=" for name in given if name not in known)
    return f"{_full_name(function)} of Nodes takes {', '.join(known)}, and no {unknown}"


_COMPLEX = {"eig", "eigvals", "roots", "sqrtm"}


def in_place(left: str, symbol: str) -> str:
    """Say why a parameter is not updated by an operator in place."""
    return (
        f"{left} {symbol}= step would make another Node of it, with a graph that grows at every step: to"
        f" update a parameter write {left}.value {symbol}= step; for a new Node"
        f" {left} = {left} {symbol} step"
    )
