"""The inputs at which a function is asked: from a file, from text, or drawn."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nn_from_scratch.verify.functions.named.importing import TargetError

FILES = (".npy", ".npz", ".json")
DTYPES = ("float64", "float32", "float16")


def from_file(path: Path) -> Any:
    """Read inputs: an array from .npy, arguments in their order from .npz, either from .json.

    An .npz whose names are those of the function's parameters holds them by name; names such as `arr_0`,
    which `numpy.savez` gives by itself, say their order. In .json a list of numbers (of lists of numbers ...)
    is one array, and a dict arguments by name.

    Raises
    ------
    TargetError
        If there is no such file, or it holds something else.

    """
    if not path.is_file():
        raise TargetError(f"there is no file {path} to read inputs from")
    try:
        if path.suffix == ".json":
            return from_text(path.read_text(encoding="utf-8"), str(path))
        found = np.load(path, allow_pickle=False)
        if path.suffix == ".npy":
            return found
        with found:
            arrays = {name: found[name] for name in found.files}
    except (OSError, ValueError) as error:
        raise TargetError(f"{path} holds no inputs: {error}") from error
    if not arrays:
        raise TargetError(f"{path} holds no arrays")
    return tuple(arrays.values()) if all(name.startswith("arr_") for name in arrays) else arrays


def from_text(text: str, where: str = "--inputs") -> Any:
    """Read inputs from JSON: a number, an array as nested lists, or a dict of them by parameter.

    Raises
    ------
    TargetError
        If it is no JSON, or holds something else.

    """
    try:
        found = json.loads(text)
    except ValueError as error:
        raise TargetError(f"{where} is no JSON: {error}") from error
    if isinstance(found, dict):
        return {name: _array(x, f"{where}: {name}") for name, x in found.items()}
    return _array(found, where)


def _array(x: Any, where: str) -> Any:
    """Return numbers and nested lists of them as an array; whole numbers stay whole."""
    try:
        array = np.asarray(x)
    except ValueError as error:
        raise TargetError(f"{where} holds lists of unlike length: it is no array") from error
    if array.dtype.kind not in "fi":
        raise TargetError(f"{where} must hold numbers, and lists of them; it holds {str(x)[:60]}")
    return array


def drawn(shapes: Sequence[str], dtype: str, seed: int) -> tuple[Any, ...]:
    """Draw an argument of each shape, such as ``3,4``, from a normal distribution; ``()`` is a number.

    Raises
    ------
    TargetError
        If a shape is none.

    """
    rng = np.random.default_rng(seed)
    return tuple(np.asarray(rng.normal(size=_shape(text))).astype(dtype) for text in shapes)


def _shape(text: str) -> tuple[int, ...]:
    if text.strip() == "()":
        return ()
    plain = text.strip("()[] ").replace("x", ",").removesuffix(",")
    try:
        shape = tuple(int(size) for size in plain.split(","))
    except ValueError:
        shape = (-1,)
    if any(size < 1 for size in shape):
        raise TargetError(f"--shape must be sizes with commas between, such as 3,4, got {text!r}")
    return shape
