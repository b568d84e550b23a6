"""A question as a program of moves, in JSON values: what any engine is asked, in whatever language it is.

A program is a list of moves, each a list that begins with the move's name. Nodes are numbered from 0 in the
order of their making; where a move takes an operand, an integer is a node and a number a constant.

    ["variable", number]                      makes a node: a leaf
    ["apply", operation, operand..., {keyword: value}?]   makes a node
    ["repeat", times, operation, node, operand...]   applies an operation again and again to its own result,
                                              with the same further operands; makes a node: the last result
    ["backward", node, [number...]?]          runs the reverse pass, of an array from a cotangent
    ["differentiate", node, [leaf...], [number...]?]   makes a node for each leaf: the derivative for it
    ["assign", leaf, number]                  replaces a leaf's value
    ["reset", leaf]                           makes a leaf's gradient 0
    ["weighed", node, [number...]]            makes a node: the sum of an array's entries, each times a number
    ["value", node]                           says a number
    ["gradient", leaf]                        says a number; null stands for 0
    ["forget"]                                lets go of all nodes, whose numbers are not used again

What only an engine in Python can be asked:

    ["augment", node, operand]                makes a node: what Python's ``node += operand`` leaves
    ["shared", [what, node], [what, node]]    says whether two arrays share memory: each is the "value" or
                                              the "gradient" of a node, the array that a "variable" was made
                                              of, or the "cotangent" that a node was given last
    ["changed"]                               says into what the engine wrote of what it was given in the
                                              program: "an input", "the cotangent"
    ["blocks"]                                says how many blocks of memory are in use

A number is a string: hexadecimal, as C's ``%a`` writes it, or "inf", "-inf" or "nan". It stands for the same
bits everywhere. An array is an object: {"shape": [sizes], "data": [numbers]}, one row after the other; one
that lies in memory column after column has "order": "F" beside it; one of integers has "dtype": "int64". A
constant, or a leaf's value, that is an integer is {"integer": number}. A cotangent is a list of numbers, one
for each entry of the node's value, one row after the other. Only an engine in Python is given null, for a
bound that clip does not have, or a scalar of numpy's: {"scalar": number, "dtype": "float64" or "int64"}.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from typing import Any

import numpy as np

from nn_from_scratch.verify.questions.cases import Case

Program = list[list[Any]]

MAKING = ("variable", "apply", "repeat", "weighed", "augment")
"""The moves that make one node."""
_MOST_AXES = 32
_NUMBERS = ("data", "integer", "scalar")
_HEXADECIMAL = re.compile(
    r"[+-]?(0[xX][0-9a-fA-F]+(\.[0-9a-fA-F]*)?([pP][+-]?[0-9]+)?|inf|nan)", re.ASCII
).fullmatch


class NotANumberError(ValueError):
    """What stands where a number is expected is none."""


def number(x: Any) -> Any:
    """Write a float, an integer that float64 keeps, or an array of them."""
    if isinstance(x, float):
        return x.hex()
    if isinstance(x, int):
        return {"integer": float(x).hex()}
    array = np.asarray(x, dtype=np.float64)
    written: dict[str, Any] = {"shape": list(array.shape), "data": [*map(float.hex, array.ravel().tolist())]}
    if array.flags.f_contiguous and not array.flags.c_contiguous:
        written["order"] = "F"
    if isinstance(x, np.ndarray) and x.dtype != np.float64:
        written["dtype"] = x.dtype.name
    return written


def constant(x: Any) -> Any:
    """Write a constant: a number, of numpy's type if it has one, or None."""
    if isinstance(x, np.generic):
        return {"scalar": float(x).hex(), "dtype": x.dtype.name}
    return None if x is None else number(x)


def is_number(operand: Any) -> bool:
    """Whether an operand of a move is a constant: neither a node nor keywords."""
    return (
        operand is None
        or isinstance(operand, str)
        or (isinstance(operand, dict) and not operand.keys().isdisjoint(_NUMBERS))
    )


def read(written: Any) -> Any:
    """Read what `number` or `constant` wrote: a float, an integer, a new array, a scalar of numpy's, or None.

    Raises
    ------
    NotANumberError
        If it is neither.

    """
    if written is None:
        return None
    if isinstance(written, str):
        return _float(written)
    if not isinstance(written, dict):
        raise NotANumberError(f"no number, which is a string of hexadecimal digits: {written!r:.80}")
    if "integer" in written:
        return _integer(written["integer"])
    if "scalar" in written:
        return _scalar(written["scalar"], written.get("dtype"))
    return _array(written)


def _array(written: dict[str, Any]) -> Any:
    shape, data = written.get("shape"), written.get("data")
    if not isinstance(shape, list) or not isinstance(data, list) or not _is_shape(shape):
        raise NotANumberError(f"no array, which has a `shape` and `data`: {written!r:.80}")
    if math.prod(shape) != len(data):
        raise NotANumberError(f"{len(data)} numbers in an array of shape {shape!r:.80}")
    try:
        array = np.array([_float(x) for x in data], dtype=np.float64).reshape(shape)
    except (NotANumberError, MemoryError):
        raise
    except (ValueError, OverflowError):
        raise NotANumberError(f"no array that numpy could hold: of shape {shape!r:.80}") from None
    if "dtype" in written:
        return _converted(array, written["dtype"])
    return np.asfortranarray(array) if written.get("order") == "F" else array


def _is_shape(shape: list[Any]) -> bool:
    return len(shape) <= _MOST_AXES and all(type(n) is int and n >= 0 for n in shape)  # a boolean is no size


def _integer(written: Any) -> int:
    found = _float(written)
    if not found.is_integer():
        raise NotANumberError(f"no integer: {written!r:.80}")
    return int(found)


def _scalar(written: Any, dtype: Any) -> np.float64 | np.int64:
    if dtype not in ("float64", "int64"):
        raise NotANumberError(f"no dtype of a scalar, which is float64 or int64: {dtype!r:.80}")
    return np.float64(_float(written)) if dtype == "float64" else np.int64(_integer(written))


def _converted(array: Any, dtype: Any) -> Any:
    """Return the array in a dtype of integers, which keeps its numbers."""
    if dtype != "int64":
        raise NotANumberError(f"no dtype of constants, which is int64: {dtype!r:.80}")
    with np.errstate(all="ignore"):  # what does not fit is refused
        made = array.astype(np.int64)
    if not np.array_equal(made, array):
        raise NotANumberError("numbers that int64 does not keep")
    return made


def _float(written: Any) -> float:
    try:
        if _HEXADECIMAL(written):  # Python would take "10" for 16
            return float.fromhex(written)
    except (TypeError, ValueError, OverflowError):
        pass
    raise NotANumberError(f"no hexadecimal number: {written!r:.80}")


def forward(case: Case) -> Program:
    """Return the program that makes a case's leaves and computes its steps.

    In it the constants are no nodes: a step is node number `place` (`places`).
    """
    expression = case.expression
    place = places(case)
    write = constant if case.only_in_python else number
    constants = list(map(write, case.constants()))
    program: Program = [["variable", number(x)] for x in case.inputs()]
    for step in expression.steps:
        operands = [
            constants[k - expression.inputs] if expression.is_constant(k) else place[k] for k in step.operands
        ]
        keywords = [dict(step.parameters)] if step.parameters else []
        program.append(["apply", step.operation, *operands, *keywords])
    return program


def places(case: Case) -> dict[int, int]:
    """Return the number in the program of every node of a case that is no constant."""
    expression = case.expression
    nodes = (k for k in range(len(expression)) if not expression.is_constant(k))
    return {node: place for place, node in enumerate(nodes)}


def of_case(case: Case, *, tape: bool, leaves: Collection[int]) -> Program:
    """Return the program that asks a case's value, and then its gradient by each of some leaves, in order.

    Parameters
    ----------
    case
        A question.
    tape
        Whether the engine has a reverse pass whose gradients can be read: then the value of an array is asked
        as it is. One that differentiates functions is asked for its sum with the cotangent.
    leaves
        The inputs by which.

    """
    program = forward(case)
    output = places(case)[case.expression.output]
    cotangent = [[*map(float.hex, case.cotangent)]] if case.shapes else []
    if case.shapes and not tape:
        output = _add(program, ["weighed", output, *cotangent])
        cotangent = []
    said = [["value", output]]
    if case.tangent:
        output = _along_tangent(case, program, output, cotangent)
        said, cotangent = [*said, ["value", output]], []
    if tape:
        program += [*said, ["backward", output, *cotangent]]
        return program + [["gradient", leaf] for leaf in leaves]
    first = made(program)
    program.append(["differentiate", output, list(leaves)])
    return program + said[-1:] + [["value", first + k] for k in range(len(leaves))]


def of_nodes(case: Case) -> Program:
    """Return the program that asks value and gradient of every node of a case, constants apart."""
    program = forward(case)
    place = places(case)
    cotangent = [[*map(float.hex, case.cotangent)]] if case.shapes else []
    program.append(["backward", place[case.expression.output], *cotangent])
    return program + [[what, node] for node in place.values() for what in ("value", "gradient")]


def _along_tangent(case: Case, program: Program, output: int, cotangent: list[Any]) -> int:
    """Add the moves that make the derivative along the case's tangent; return its node."""
    moved, tangents = case.moved(), case.tangents()
    first = made(program)
    program.append(["differentiate", output, moved, *cotangent])
    parts = []
    for derivative, leaf in enumerate(moved, first):
        if case.shapes:
            weight = _add(program, ["variable", number(tangents[leaf])])
            product = _add(program, ["apply", "mul", derivative, weight])
            parts.append(_add(program, ["apply", "sum", product, {"axis": None, "keepdims": False}]))
        else:
            parts.append(_add(program, ["apply", "mul", derivative, number(tangents[leaf])]))
    total = parts[0]
    for part in parts[1:]:
        total = _add(program, ["apply", "add", total, part])
    return total


def _add(program: Program, move: list[Any]) -> int:
    """Add a move that makes a node; return its number."""
    program.append(move)
    return made(program) - 1


def made(program: Program) -> int:
    """Return how many nodes the moves of a program make."""
    return sum(
        1 if move[0] in MAKING else len(move[2]) if move[0] == "differentiate" else 0 for move in program
    )
