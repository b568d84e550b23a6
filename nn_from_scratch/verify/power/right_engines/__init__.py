"""Engines that are right and compute differently: none may be accused.

What differs is any reasonable choice: the order of sums, adjoints joined or path by path, forward or reverse
mode, division by the reciprocal, contraction to fused multiply-add, digits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from importlib import import_module

from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.power.right_engines import dual
from nn_from_scratch.verify.power.right_engines.tape import WAYS, Way
from nn_from_scratch.verify.questions.formats import FORMATS


def _of(module: str) -> Engine:
    engine: Engine = import_module(f"{__name__}.{module}").engine
    return engine


def _fifty_digits(dtype: str) -> Engine:
    engine: Engine = import_module(f"{__name__}.fifty_digits").engine(dtype)
    return engine


def _named(name: str, dtype: str) -> str:
    return name if dtype == "float64" else f"{name}, {dtype}"


def _every() -> dict[str, Callable[[], Engine]]:
    every: dict[str, Callable[[], Engine]] = {}
    for dtype in FORMATS:
        for name, way in WAYS.items():
            if dtype == "float64" or not (way.contracts or way.reassociates):
                every[_named(name, dtype)] = partial(replace(way, dtype=dtype).engine, _named(name, dtype))
        for name in ("dual numbers", "50 digits"):
            called = _named(name, dtype)
            every[called] = (
                partial(dual.engine, called, Way(dtype=dtype))
                if name == "dual numbers"
                else partial(_fifty_digits, dtype)
            )
    return {**every, "casadi": partial(_of, "symbolic"), "jax under jit": partial(_of, "compiled")}


RIGHT_ENGINES: Mapping[str, Callable[[], Engine]] = _every()
"""By name, what makes each engine; three need the packages casadi, jax and mpmath."""
