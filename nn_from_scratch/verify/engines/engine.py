"""The system under test: what an engine is, and how an adapter describes one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from nn_from_scratch.verify.engines.answers import Answer, asking
from nn_from_scratch.verify.engines.calling import OPERATORS, functions, methods, searched
from nn_from_scratch.verify.engines.driver import Driver
from nn_from_scratch.verify.engines.probing import Probed
from nn_from_scratch.verify.engines.session import Session
from nn_from_scratch.verify.engines.source import Source
from nn_from_scratch.verify.engines.tape import Tape
from nn_from_scratch.verify.engines.transform import Transform
from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.expressions import Arithmetic
from nn_from_scratch.verify.questions.formats import FORMATS, Format
from nn_from_scratch.verify.questions.operations import OPERATIONS


def _check_name(name: object) -> None:
    """Raise for a name that is no text, which reports could not show."""
    if not isinstance(name, str) or not name:
        raise TypeError(f"the name of an engine is a text, got {name!r}")


def _with_near_names(unknown: Collection[str]) -> str:
    """Write names that are none, each with those of the catalogue that may be meant."""
    near = {name: get_close_matches(str(name), OPERATIONS) for name in sorted(unknown, key=str)}
    written = (
        f"{name} (near it: {', '.join(names)})" if names else str(name) for name, names in near.items()
    )
    return f"{', '.join(written)}; `nn-from-scratch adapter --help` lists what there is"


class EngineError(Exception):
    """An engine cannot be loaded."""


@dataclass(frozen=True)
class Engine(Probed):
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
        Whether it claims the whole catalogue: then a missing operation of it is a fault, and no lack.
    dtype
        The format it computes in: "float64", "float32", "float16" or "bfloat16".
    second_order
        Whether it differentiates its own gradients: then it answers cases with a tangent.
    source
        How its code is written, for scripts that show a failure without this suite.
    explicit
        The operations that its adapter gives: one of them that cannot be called in any form is an error of
        the adapter, and no lack.
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
    explicit: frozenset[str] = frozenset()
    spec: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        _check_name(self.name)
        if self.dtype not in FORMATS:
            raise ValueError(f"dtype {self.dtype!r} is none of {', '.join(FORMATS)}")
        unknown = set(self.operations) - set(OPERATIONS)
        if unknown:
            raise ValueError(f"operations not in the catalogue: {_with_near_names(unknown)}")
        if self.second_order and self.tape and self.tape.gradients is None:
            raise ValueError("second_order of a tape needs its `gradients`")

    @property
    def tape(self) -> Tape | None:
        """Its single moves, where it has them."""
        return self.driver if isinstance(self.driver, Tape) else None

    def answer(self, case: Case) -> Answer:
        """Compute value and gradient of a case; the value of an array is its sum with the cotangent."""
        with asking():
            return self.driver.answer(self.operations, case)

    @property
    def has_tape(self) -> bool:
        """Whether it has nodes whose gradients are read after a reverse pass, which may keep something."""
        return "backward" in self.driver.moves

    def session(self) -> Session:
        """Begin a session, in which programs of moves are run."""
        return self.driver.session(self.operations)

    def forward(self, case: Case) -> object:
        """Compute a case's expression only."""
        with asking():
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
        constant: Callable[[Any], Any] | None = None,
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
        constant
            Makes an operand of a constant numpy array; by default operations take the array itself.
        operations
            Callables by name, where an operation is neither a Python operator nor a method of its name.
        arrays
            Whether it computes with arrays. Their operations are called with numpy's keywords.
        complete
            Whether a missing operation of the catalogue is a fault.
        dtype
            The format it computes in.
        source
            How its code is written.

        """
        tape = Tape(variable, backward, value, gradient, assign, reset, gradients, constant)
        return cls(
            name,
            {**methods(searched(arrays=arrays, complete=complete)), **OPERATORS, **(operations or {})},
            tape,
            arrays=arrays,
            complete=complete,
            dtype=dtype,
            second_order=gradients is not None,
            source=source,
            explicit=frozenset(operations or ()),
        )

    @classmethod
    def from_transform(
        cls,
        *,
        name: str,
        namespace: Any,
        value_and_gradient: Callable[[Callable[..., Any], Sequence[Any]], tuple[Any, Sequence[Any]]],
        constant: Callable[[Any], Any] | None = None,
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
        constant
            Makes an operand of a constant numpy array; by default operations take the array itself.
        operations
            Callables by name, where the namespace has none or another name.
        arrays
            Whether it computes with arrays.
        complete
            Whether a missing operation of the catalogue is a fault.
        dtype
            The format it computes in.
        second_order
            Whether `value_and_gradient` can be applied to a function that it is called in.
        source
            How its code is written.

        """
        known = searched(arrays=arrays, complete=complete)
        return cls(
            name,
            {**functions(namespace, known, arrays=arrays), **OPERATORS, **(operations or {})},
            Transform(value_and_gradient, namespace, constant),
            arrays=arrays,
            complete=complete,
            dtype=dtype,
            second_order=second_order,
            source=source,
            explicit=frozenset(operations or ()),
        )
