"""The system under test: what an engine is, and how an adapter describes one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from nn_from_scratch.verify.engines.answers import Answer
from nn_from_scratch.verify.engines.calling import OPERATORS, functions, methods
from nn_from_scratch.verify.engines.source import Source
from nn_from_scratch.verify.engines.tape import Tape
from nn_from_scratch.verify.engines.transform import Transform
from nn_from_scratch.verify.questions.cases import Case, single
from nn_from_scratch.verify.questions.expressions import Arithmetic
from nn_from_scratch.verify.questions.formats import FORMATS, Format
from nn_from_scratch.verify.questions.operations import ALL_FORMS, ARRAY_FORMS, ARRAYS, CATALOGUE, Form

# What an engine raises for an operation it does not have; anything else is a fault.
_LACKS = (AttributeError, TypeError, NotImplementedError, AssertionError)


class EngineError(Exception):
    """An engine cannot be loaded."""


class Driver(Protocol):
    """How an engine is asked: by the moves of a tape (`Tape`), or by transforming functions (`Transform`)."""

    def answer(self, operations: Arithmetic, case: Case) -> Answer:
        """Compute value and gradient of a case; the value of an array is its sum with the cotangent."""

    def forward(self, operations: Arithmetic, case: Case) -> object:
        """Compute a case's expression only: by it an engine shows which operations it has."""


@dataclass(frozen=True)
class Engine:
    """The system under test. Make one with `from_tape` or `from_transform`.

    Parameters
    ----------
    name
        What reports call it.
    operations
        A callable for each operation of the catalogue that the engine has.
    driver
        How it is asked.
    arrays
        Whether it computes with arrays.
    complete
        Whether it claims the whole catalogue: then a missing operation is a fault, and no lack.
    dtype
        The format it computes in: "float64", "float32", "float16" or "bfloat16".
    second_order
        Whether it differentiates its own gradients: then it answers cases with a tangent.
    source
        How its code is written, for scripts that show a failure without this suite.
    spec
        How `load` finds it again, in another process.

    """

    name: str
    operations: Arithmetic
    driver: Driver
    arrays: bool = False
    complete: bool = False
    dtype: str = "float64"
    second_order: bool = False
    source: Source | None = None
    spec: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if self.dtype not in FORMATS:
            raise ValueError(f"dtype {self.dtype!r} is none of {', '.join(FORMATS)}")
        unknown = set(self.operations) - set(CATALOGUE | ARRAYS)
        if unknown:
            raise ValueError(f"operations not in the catalogue: {', '.join(sorted(unknown))}")
        if self.second_order and self.tape and self.tape.gradients is None:
            raise ValueError("second_order of a tape needs its `gradients`")

    @property
    def tape(self) -> Tape | None:
        """Its single moves, where it has them."""
        return self.driver if isinstance(self.driver, Tape) else None

    def answer(self, case: Case) -> Answer:
        """Compute value and gradient of a case; the value of an array is its sum with the cotangent."""
        return self.driver.answer(self.operations, case)

    def forward(self, case: Case) -> object:
        """Compute a case's expression only."""
        return self.driver.forward(self.operations, case)

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
        tape = Tape(variable, backward, value, gradient, assign, reset, gradients)
        known = CATALOGUE | ARRAYS if arrays else CATALOGUE
        return cls(
            name,
            {**methods(known), **OPERATORS, **(operations or {})},
            tape,
            arrays=arrays,
            complete=complete,
            dtype=dtype,
            second_order=gradients is not None,
            source=source,
        )

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
        return cls(
            name,
            {**functions(namespace, known, arrays=arrays), **OPERATORS, **(operations or {})},
            Transform(value_and_gradient, namespace),
            arrays=arrays,
            complete=complete,
            dtype=dtype,
            second_order=second_order,
            source=source,
        )

    @cached_property
    def lacks(self) -> dict[Form, str]:
        """The operations, and sides of constants, that it does not have, each with what it said."""
        found = {}
        for name, operation in CATALOGUE.items():
            for kinds in operation.operand_kinds:
                reason = self._probe(name, kinds)
                if reason:
                    found[name, kinds] = reason
        return found

    @cached_property
    def forms(self) -> tuple[Form, ...]:
        """The operations, and sides of constants, that it has."""
        return tuple(form for form in ALL_FORMS if form not in self.lacks)

    @cached_property
    def array_forms(self) -> tuple[Form, ...]:
        """The forms that it has for arrays, none if it has no arrays."""
        known = (form for form in ARRAY_FORMS if self.complete or form[0] in self.operations)
        return (*self.forms, *known) if self.arrays else ()

    def _probe(self, name: str, kinds: str) -> str:
        """Ask the operation once, at a harmless point; return why it is not supported, or nothing."""
        if self.complete:
            return ""
        if name not in self.operations:
            return "no such operation"
        case = single(name, kinds, [0.5, 0.25, 2.0][: len(kinds)])
        for ask, lacks in ((self.forward, _LACKS), (self.answer, NotImplementedError)):
            try:
                ask(case)
            except lacks as error:
                return f"{type(error).__name__}: {error}"
            except Exception:  # noqa: BLE001  a fault, which the checks will show
                break
        return ""
