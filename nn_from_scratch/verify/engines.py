"""Engines under test: how any of them is driven, and how one is loaded by name."""

from __future__ import annotations

import importlib
import importlib.util
import operator
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from nn_from_scratch.verify.expressions import Arithmetic, Case, Expression, Step
from nn_from_scratch.verify.generate import Form
from nn_from_scratch.verify.operations import CATALOGUE
from nn_from_scratch.verify.tolerance import FORMATS, Format

BUILT_IN = ("nn_from_scratch", "autograd", "jax", "micrograd", "pytorch")
"""Engines whose adapter ships with the suite: `load` knows them by this name."""

_OPERATORS: Arithmetic = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "pow": operator.pow,
    "neg": operator.neg,
    "abs": abs,
}
# What an engine raises for an operation it does not have; anything else is a fault.
_LACKS = (AttributeError, TypeError, NotImplementedError, AssertionError)


class EngineError(Exception):
    """An engine cannot be loaded."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an engine returned for a case."""

    value: float
    gradient: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Tape:
    """The moves of an engine that records a graph and walks it backward.

    `assign`, which replaces a leaf's value, is only needed by the checks of state.
    """

    variable: Callable[[float], Any]
    backward: Callable[[Any], object]
    value: Callable[[Any], Any]
    gradient: Callable[[Any], Any]
    assign: Callable[[Any, float], object] | None = None


@dataclass(frozen=True)
class Engine:
    """The system under test. Make one with `from_tape` or `from_transform`.

    Parameters
    ----------
    name
        What reports call it.
    operations
        A callable for each operation of the catalogue that the engine has.
    answer
        Computes value and gradient of an expression at a point.
    forward
        Computes its value only: by it the engine shows which operations it has.
    complete
        Whether it claims the whole catalogue: then a missing operation is a fault, and no lack.
    dtype
        The format it computes in: "float64", "float32", "float16" or "bfloat16".
    tape
        Its single moves, where it has them.
    spec
        How `load` finds it again, in another process.

    """

    name: str
    operations: Arithmetic
    answer: Callable[[Expression, Sequence[float]], Answer]
    forward: Callable[[Expression, Sequence[float]], object]
    complete: bool = False
    dtype: str = "float64"
    tape: Tape | None = None
    spec: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if self.dtype not in FORMATS:
            raise ValueError(f"dtype {self.dtype!r} is none of {', '.join(FORMATS)}")
        unknown = set(self.operations) - set(CATALOGUE)
        if unknown:
            raise ValueError(f"operations not in the catalogue: {', '.join(sorted(unknown))}")

    @property
    def format(self) -> Format:
        """The floating-point format it computes in."""
        return FORMATS[self.dtype]

    @classmethod
    def from_tape(
        cls,
        *,
        name: str,
        variable: Callable[[float], Any],
        backward: Callable[[Any], object],
        value: Callable[[Any], Any],
        gradient: Callable[[Any], Any],
        assign: Callable[[Any, float], object] | None = None,
        operations: Arithmetic | None = None,
        complete: bool = False,
        dtype: str = "float64",
    ) -> Engine:
        """Describe an engine that records operations on its own kind of number.

        Parameters
        ----------
        name
            What reports call it.
        variable
            Makes a leaf from a float.
        backward
            Runs the reverse pass from an output.
        value, gradient
            Read a node's value and gradient; None stands for a gradient of 0.
        assign
            Replaces the value of a leaf, for the checks of state.
        operations
            Callables by name, where an operation is neither a Python operator nor a method of its name.
        complete
            Whether a missing operation is a fault.
        dtype
            The format it computes in.

        """
        tape = Tape(variable, backward, value, gradient, assign)
        methods = {name: _method(name) for name in CATALOGUE}
        table = {**methods, **_OPERATORS, **(operations or {})}

        def answer(expression: Expression, point: Sequence[float]) -> Answer:
            leaves = [variable(x) for x in point]
            output = expression.evaluate(table, leaves)[expression.output]
            backward(output)
            return Answer(_number(value(output)), tuple(_number(gradient(leaf)) for leaf in leaves))

        def forward(expression: Expression, point: Sequence[float]) -> object:
            return expression.evaluate(table, [variable(x) for x in point])

        return cls(name, table, answer, forward, complete, dtype, tape)

    @classmethod
    def from_transform(
        cls,
        *,
        name: str,
        namespace: Any,
        value_and_gradient: Callable[[Callable[..., Any], Sequence[float]], tuple[Any, Sequence[Any]]],
        operations: Arithmetic | None = None,
        complete: bool = False,
        dtype: str = "float64",
    ) -> Engine:
        """Describe an engine that turns a function into its gradient.

        Parameters
        ----------
        name
            What reports call it.
        namespace
            Where the operations are functions by numpy's names, such as ``jax.numpy``.
        value_and_gradient
            Given a function of scalars and a point, returns its value and one derivative an input.
        operations
            Callables by name, where the namespace has none or another name.
        complete
            Whether a missing operation is a fault.
        dtype
            The format it computes in.

        """
        found = {op: getattr(namespace, op) for op in CATALOGUE if hasattr(namespace, op)}
        table = {**found, **_OPERATORS, **(operations or {})}

        def answer(expression: Expression, point: Sequence[float]) -> Answer:
            def function(*inputs: Any) -> Any:
                return expression.evaluate(table, inputs)[expression.output]

            result, gradient = value_and_gradient(function, point)
            return Answer(_number(result), tuple(map(_number, gradient)))

        def forward(expression: Expression, point: Sequence[float]) -> object:
            return expression.evaluate(table, point)

        return cls(name, table, answer, forward, complete, dtype)

    @cached_property
    def lacks(self) -> dict[Form, str]:
        """The operations, and sides of constants, that it does not have, each with what it said."""
        found = {}
        for name, operation in CATALOGUE.items():
            for form in operation.forms:
                reason = self._probe(name, form)
                if reason:
                    found[name, form] = reason
        return found

    @cached_property
    def forms(self) -> tuple[Form, ...]:
        """The operations, and sides of constants, that it has."""
        every = ((name, form) for name, operation in CATALOGUE.items() for form in operation.forms)
        return tuple(form for form in every if form not in self.lacks)

    def _probe(self, name: str, form: str) -> str:
        """Ask the operation once, at a harmless point; return why it is not supported, or nothing."""
        if self.complete:
            return ""
        if name not in self.operations:
            return "no such operation"
        case = single(name, form, [0.5, 0.25, 2.0][: len(form)])
        for ask, lacks in ((self.forward, _LACKS), (self.answer, NotImplementedError)):
            try:
                ask(case.expression, case.point)
            except lacks as error:
                return f"{type(error).__name__}: {error}"
            except Exception:  # noqa: BLE001  a fault, which the checks will show
                break
        return ""


def single(name: str, form: str, values: Sequence[float]) -> Case:
    """Return the case of one operation on its own: `values` are its operands, of the kinds in `form`."""
    point = tuple(value for kind, value in zip(form, values, strict=True) if kind == "x")
    constants = tuple(value for kind, value in zip(form, values, strict=True) if kind == "c")
    counters = {"x": iter(range(len(point))), "c": iter(range(len(point), len(form)))}
    step = Step(name, tuple(next(counters[kind]) for kind in form))
    return Case(Expression(len(point), constants, (step,), len(form)), point)


def load(spec: str) -> Engine:
    """Find an engine: a built-in name, ``module:attribute`` or ``path.py:attribute``.

    The attribute defaults to ``engine``.

    Raises
    ------
    EngineError
        If there is no such module or file, it fails to import, or the attribute is no Engine.

    """
    location, _, attribute = spec.rpartition(":") if ":" in spec else (spec, "", "")
    if spec in BUILT_IN:
        location = f"{__package__}.adapters.{'ours' if spec == 'nn_from_scratch' else spec}"
    try:
        module = (
            _import_file(Path(location)) if location.endswith(".py") else importlib.import_module(location)
        )
    except Exception as error:
        known = f"known names are {', '.join(BUILT_IN)}; else give module:attribute or path.py:attribute"
        raise EngineError(
            f"cannot load engine {spec!r}: {type(error).__name__}: {error} ({known})"
        ) from error
    engine = getattr(module, attribute or "engine", None)
    if not isinstance(engine, Engine):
        raise EngineError(
            f"cannot load engine {spec!r}: {attribute or 'engine'} of {location} is {engine!r}, no Engine"
        )
    object.__setattr__(engine, "spec", spec)
    return engine


def _import_file(path: Path) -> Any:
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    spec = importlib.util.spec_from_file_location(f"_engine_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _method(name: str) -> Callable[..., Any]:
    return lambda x, *others: getattr(x, name)(*others)


def _number(x: Any) -> float:
    """Convert what an engine returned: numpy and PyTorch scalars too."""
    return 0.0 if x is None else float(x)
