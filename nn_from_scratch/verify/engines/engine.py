"""Engines under test: how any of them is driven, and how one is loaded by name."""

from __future__ import annotations

import importlib
import importlib.util
import math
import operator
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, reduce
from pathlib import Path
from typing import Any

import numpy as np

from nn_from_scratch.verify.engines.source import Source
from nn_from_scratch.verify.judging.tolerance import FORMATS, Format
from nn_from_scratch.verify.questions.expressions import Arithmetic, Case, Expression, Step
from nn_from_scratch.verify.questions.generate import ALL_FORMS, Form
from nn_from_scratch.verify.questions.generate_arrays import ARRAY_FORMS
from nn_from_scratch.verify.questions.operations import ARRAYS, CATALOGUE, as_index

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
    """What an engine returned for a case: the value, and a derivative for each number of the point."""

    value: float
    gradient: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Tape:
    """The moves of an engine that records a graph and walks it backward.

    `assign`, which replaces a leaf's value, and `reset`, which makes its gradient 0, are only needed by the
    checks of state.
    """

    variable: Callable[[float], Any]
    backward: Callable[..., object]
    value: Callable[[Any], Any]
    gradient: Callable[[Any], Any]
    assign: Callable[[Any, float], object] | None = None
    reset: Callable[[Any], object] | None = None


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
        Computes value and gradient of a case; the value of an array is its sum with the cotangent.
    forward
        Computes the expression only: by it the engine shows which operations it has.
    arrays
        Whether it computes with arrays.
    complete
        Whether it claims the whole catalogue: then a missing operation is a fault, and no lack.
    dtype
        The format it computes in: "float64", "float32", "float16" or "bfloat16".
    second_order
        Whether it differentiates its own gradients: then `answer` takes cases with a tangent.
    tape
        Its single moves, where it has them.
    source
        How its code is written, for scripts that show a failure without this suite.
    spec
        How `load` finds it again, in another process.

    """

    name: str
    operations: Arithmetic
    answer: Callable[[Case], Answer]
    forward: Callable[[Case], object]
    arrays: bool = False
    complete: bool = False
    dtype: str = "float64"
    second_order: bool = False
    tape: Tape | None = None
    source: Source | None = None
    spec: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if self.dtype not in FORMATS:
            raise ValueError(f"dtype {self.dtype!r} is none of {', '.join(FORMATS)}")
        unknown = set(self.operations) - set(CATALOGUE | ARRAYS)
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
        backward: Callable[..., object],
        value: Callable[[Any], Any],
        gradient: Callable[[Any], Any],
        assign: Callable[[Any, float], object] | None = None,
        reset: Callable[[Any], object] | None = None,
        gradients: Callable[..., Sequence[Any]] | None = None,
        operations: Arithmetic | None = None,
        arrays: bool = False,
        complete: bool = False,
        dtype: str = "float64",
        source: Source | None = None,
    ) -> Engine:
        """Describe an engine that records operations on its own kind of number.

        Parameters
        ----------
        name
            What reports call it.
        variable
            Makes a leaf from a float, or from an array.
        backward
            Runs the reverse pass from an output; with arrays it is called as ``backward(output, cotangent)``
            for an array, where the cotangent is an array of the output's shape.
        value, gradient
            Read a node's value and gradient; None stands for a gradient of 0.
        assign
            Replaces the value of a leaf, for the checks of state.
        reset
            Makes the gradient of a leaf 0, for the checks of state.
        gradients
            Called as ``gradients(output, leaves)``, or ``gradients(output, leaves, cotangent)`` as `backward`
            is, returns the gradient by each leaf as a node, for second derivatives.
        operations
            Callables by name, where an operation is neither a Python operator nor a method of its name.
        arrays
            Whether it computes with arrays. Their operations are called with numpy's keywords.
        complete
            Whether a missing operation is a fault.
        dtype
            The format it computes in.
        source
            How its code is written.

        """
        tape = Tape(variable, backward, value, gradient, assign, reset)
        known = CATALOGUE | ARRAYS if arrays else CATALOGUE
        # A method called where takes its condition in a way of its own: the adapter has to say it.
        methods = {name: _method(name) for name in known if name != "where"}
        table = {**methods, **_OPERATORS, **(operations or {})}

        def answer(case: Case) -> Answer:
            leaves = [variable(x) for x in case.inputs()]
            output = case.expression.evaluate(table, leaves)[case.expression.output]
            cotangent = [np.reshape(case.cotangent, np.shape(value(output)))] if case.shapes else []
            if case.tangent and gradients:
                found = gradients(output, leaves, *cotangent)
                weights = [variable(x) if case.shapes else x for x in case.tangents()]
                output, cotangent = _along(table, found, weights), []
            backward(output, *cotangent)
            values = np.ravel(np.asarray(value(output), dtype=np.float64))
            weighed = sum_of(values * (case.cotangent if cotangent else 1.0))
            return Answer(weighed, _flat(case, [gradient(leaf) for leaf in leaves]))

        def forward(case: Case) -> object:
            return case.expression.evaluate(table, [variable(x) for x in case.inputs()])

        second_order = gradients is not None
        return cls(name, table, answer, forward, arrays, complete, dtype, second_order, tape, source)

    @classmethod
    def from_transform(
        cls,
        *,
        name: str,
        namespace: Any,
        value_and_gradient: Callable[[Callable[..., Any], Sequence[Any]], tuple[Any, Sequence[Any]]],
        operations: Arithmetic | None = None,
        arrays: bool = False,
        complete: bool = False,
        dtype: str = "float64",
        second_order: bool = False,
        source: Source | None = None,
    ) -> Engine:
        """Describe an engine that turns a function into its gradient.

        Parameters
        ----------
        name
            What reports call it.
        namespace
            Where the operations are functions by numpy's names, such as ``jax.numpy``.
        value_and_gradient
            Given a function of scalars (or arrays) and its inputs, returns its value, a scalar, and a
            derivative for each input.
        operations
            Callables by name, where the namespace has none or another name.
        arrays
            Whether it computes with arrays.
        complete
            Whether a missing operation is a fault.
        dtype
            The format it computes in.
        second_order
            Whether `value_and_gradient` can be applied to a function that it is called in.
        source
            How its code is written.

        """
        known = CATALOGUE | ARRAYS if arrays else CATALOGUE
        found = {op: getattr(namespace, op) for op in known if hasattr(namespace, op)}
        if "where" in found:
            found["where"] = lambda c, x, y: namespace.where(c > 0, x, y)
        listed: Arithmetic = {op: _of_a_list(found[op]) for op in ("concatenate", "stack") if op in found}
        indexed: Arithmetic = {"index": lambda x, index: x[as_index(index)]} if arrays else {}
        table: Arithmetic = {**found, **listed, **indexed, **_OPERATORS, **(operations or {})}

        def answer(case: Case) -> Answer:
            def function(*inputs: Any) -> Any:
                output = case.expression.evaluate(table, inputs)[case.expression.output]
                if not case.shapes:
                    return output
                return namespace.sum(output * np.reshape(case.cotangent, np.shape(output)))

            def along(*inputs: Any) -> Any:
                _, gradient = value_and_gradient(function, inputs)
                return _along(table, gradient, case.tangents())

            result, gradient = value_and_gradient(along if case.tangent else function, case.inputs())
            return Answer(float(result), _flat(case, gradient))

        def forward(case: Case) -> object:
            return case.expression.evaluate(table, case.inputs())

        return cls(name, table, answer, forward, arrays, complete, dtype, second_order, source=source)

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
        return tuple(form for form in ALL_FORMS if form not in self.lacks)

    @cached_property
    def array_forms(self) -> tuple[Form, ...]:
        """The forms that it has for arrays, none if it has no arrays."""
        known = ((name, form) for name, form in ARRAY_FORMS if self.complete or name in self.operations)
        return (*self.forms, *known) if self.arrays else ()

    def _probe(self, name: str, form: str) -> str:
        """Ask the operation once, at a harmless point; return why it is not supported, or nothing."""
        if self.complete:
            return ""
        if name not in self.operations:
            return "no such operation"
        case = single(name, form, [0.5, 0.25, 2.0][: len(form)])
        for ask, lacks in ((self.forward, _LACKS), (self.answer, NotImplementedError)):
            try:
                ask(case)
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
    return lambda x, *others, **keywords: getattr(x, name)(*others, **keywords)


def _of_a_list(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *xs, **keywords: function(xs, **keywords)


def sum_of(numbers: Iterable[float]) -> float:
    """Return the sum, correctly rounded; NaN where `math.fsum` raises about what is no finite number."""
    try:
        return math.fsum(numbers)
    except (ValueError, OverflowError):
        return math.nan


def _along(operations: Arithmetic, gradient: Sequence[Any], tangents: Sequence[Any]) -> Any:
    """Return the sum of all entries of a gradient, each times the tangent's, in the engine's operations."""
    parts = [operations["mul"](g, v) for g, v in zip(gradient, tangents, strict=True)]
    if not isinstance(tangents[0], float):
        parts = [operations["sum"](part, axis=None, keepdims=False) for part in parts]
    return reduce(operations["add"], parts)


def _flat(case: Case, gradient: Sequence[Any]) -> tuple[float, ...]:
    """Convert a gradient of any library's scalars and arrays; None stands for 0."""
    if len(gradient) != case.expression.inputs:
        raise ValueError(f"{len(gradient)} derivatives for {case.expression.inputs} inputs")
    derivatives: list[float] = []
    for number, (x, derivative) in enumerate(zip(case.inputs(), gradient, strict=True)):
        found = np.zeros(np.shape(x)) if derivative is None else np.asarray(derivative, dtype=np.float64)
        if found.shape != np.shape(x):
            raise ValueError(
                f"the gradient for x{number} has shape {found.shape}, x{number} has {np.shape(x)}"
            )
        derivatives += found.ravel().tolist()
    return tuple(derivatives)
