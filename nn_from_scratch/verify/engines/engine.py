"""The system under test: what an engine is, and how an adapter describes one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from types import ModuleType
from typing import Any

from nn_from_scratch.verify.engines.answers import Answer, asking
from nn_from_scratch.verify.engines.attributes import (
    assigning,
    calling,
    reading,
    resetting,
    starts_with_nothing,
)
from nn_from_scratch.verify.engines.calling import OPERATORS, functions, methods, searched
from nn_from_scratch.verify.engines.driver import AskedNoMore, Driver
from nn_from_scratch.verify.engines.errors import EngineError
from nn_from_scratch.verify.engines.legible import legible
from nn_from_scratch.verify.engines.mistakes import check_callable, check_operations
from nn_from_scratch.verify.engines.plain_code import tape_source, transform_source
from nn_from_scratch.verify.engines.probing import Probed
from nn_from_scratch.verify.engines.session import Session
from nn_from_scratch.verify.engines.source import Source, TapeSource
from nn_from_scratch.verify.engines.specs import importable
from nn_from_scratch.verify.engines.spelled import SpelledMoves, spelled_operations
from nn_from_scratch.verify.engines.spelling import Spelling
from nn_from_scratch.verify.engines.tape import Tape
from nn_from_scratch.verify.engines.transform import Transform
from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.expressions import Arithmetic
from nn_from_scratch.verify.questions.formats import FORMATS, Format
from nn_from_scratch.verify.questions.operations import OPERATIONS

__all__ = ["Engine", "EngineError"]


def _check_name(name: object) -> None:
    """Raise for a name that is no text, which reports could not show."""
    if not isinstance(name, str) or not name:
        raise TypeError(f"the name of an engine is a text, got {name!r}")


def _name_of(found: Any) -> str:
    """Return what an engine is called: as the package of its class or function, or as the module given."""
    module = found.__name__ if isinstance(found, ModuleType) else getattr(found, "__module__", None)
    package = module.partition(".")[0] if isinstance(module, str) else ""
    is_its_own = package and package != "__main__" and package == importable(package)
    return package if is_its_own else str(getattr(found, "__name__", type(found).__name__))


def _with_settings(tape: Tape, code: Source | None, value: str, gradient: str) -> tuple[Tape, Source | None]:
    """Return a tape whose leaves are assigned and reset by the names of attributes, and how that is written.

    What its adapter says stays as it is.
    """
    written = code if isinstance(code, TapeSource) else TapeSource(imports="")
    if tape.assign is None and (found := assigning(tape.variable, value, written.variable)):
        tape = replace(tape, assign=found.move)
        written = replace(written, assign=written.assign or found.text)
    if tape.reset is None and (found := resetting(tape.variable, value, gradient, written.variable)):
        tape = replace(tape, reset=found.move)
        written = replace(written, reset=written.reset or found.text)
    if written.gradient == f"{{}}.{gradient}" and starts_with_nothing(tape.variable, gradient):
        written = replace(written, gradient=f"(0.0 if {{0}}.{gradient} is None else {{0}}.{gradient})")
    return tape, written if isinstance(code, TapeSource) else code


def _with_near_names(unknown: Collection[str]) -> str:
    """Write names that are none, each with those of the catalogue that may be meant."""
    near = {name: get_close_matches(str(name), OPERATIONS) for name in sorted(unknown, key=str)}
    written = (
        f"{name} (near it: {', '.join(names)})" if names else str(name) for name, names in near.items()
    )
    return f"{', '.join(written)}; the README lists what there is"


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
        Whether it differentiates its own gradients: then it answers cases with a tangent, for which it needs
        its own ``mul`` and ``add``, and ``sum`` where it has arrays.
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
        object.__setattr__(self, "name", legible(self.name))
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

    def foresee(self, case: Case) -> None:
        """Prepare for a case that will be answered soon: an engine in another process begins with it."""
        self.driver.foresee(case)

    @property
    def integers(self) -> bool:
        """Whether constants and leaves can be given as integers."""
        return self.driver.integers

    @property
    def in_python(self) -> bool:
        """Whether it computes in Python: then constants can be numpy's scalars, or None."""
        return self.driver.in_python

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

    def asked_no_more(self, why: str) -> Engine:
        """Return it as one that is asked nothing more: what was found out of it until now stays known."""
        silenced = replace(self, driver=AskedNoMore(self.driver, why))
        known = vars(self)
        vars(silenced).update({name: known[name] for name in known.keys() - vars(silenced).keys()})
        return silenced

    @property
    def format(self) -> Format:
        """The floating-point format it computes in."""
        return FORMATS[self.dtype]

    @classmethod
    def from_tape(
        cls,
        *,
        variable: Callable[..., Any],
        value: str | Callable[[Any], Any],
        gradient: str | Callable[[Any], Any] = "grad",
        backward: str | Callable[..., object] = "backward",
        name: str = "",
        assign: Callable[[Any, float], object] | None = None,
        reset: Callable[[Any], object] | None = None,
        gradients: Callable[..., Sequence[Any]] | None = None,
        constant: Callable[[Any], Any] | None = None,
        operations: Arithmetic | None = None,
        arrays: bool = False,
        complete: bool = False,
        dtype: str = "float64",
        source: Source | None = None,
        spelling: Spelling | None = None,
    ) -> Engine:
        """Describe an engine that records operations on its own kind of number.

        Parameters
        ----------
        variable
            Makes a leaf from a float, or from an array: mostly the class of numbers.
        value, gradient
            The names of a node's attributes, or what reads them; None stands for a gradient of 0. A gradient
            is in ``grad`` by default.
        backward
            The name of an output's method that runs the reverse pass, or what runs it from an output; with
            arrays it is called as ``backward(output, cotangent)`` for an array, where the cotangent is an
            array of the output's shape.
        name
            What reports call it; by default as the package of `variable`.
        assign
            Replaces the value of a leaf, for the checks of state; by default its attribute is set, if `value`
            is a name and the attribute can be.
        reset
            Makes the gradient of a leaf 0, for the checks of state; by default its attribute is set to what
            that of a fresh leaf is, if `value` and `gradient` are names and the attribute can be.
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
            How its code is written; by default that follows, if `value` and `gradient` are names and
            `variable` can be imported.
        spelling
            How operations and moves are called where that is not as numpy is, and what is lacking; with it
            `gradient` is not used if gradients are in a table.

        """
        given = dict(operations or {})
        reads = {"value": (reading(value), 1), "gradient": (reading(gradient), 1)}
        walked = 2 if spelling is not None and spelling.gradients == "asked" else 1
        check_callable({"variable": (variable, 1), **reads, "backward": (calling(backward), walked)})
        check_operations(given)
        code = source or tape_source(
            variable=variable,
            backward=backward,
            value=value,
            gradient=gradient,
            constant=constant,
            operations=given,
            spelling=spelling,
        )
        tape = Tape(
            variable, calling(backward), reading(value), reading(gradient), assign, reset, gradients, constant
        )
        in_nodes = spelling is None or spelling.gradients == "nodes"
        if isinstance(value, str) and isinstance(gradient, str) and in_nodes:
            tape, code = _with_settings(tape, code, value, gradient)
        known = searched(arrays=arrays, complete=complete)
        found: Arithmetic = {**methods(known), **OPERATORS, **given}
        if spelling is not None:
            found = {**spelled_operations(spelling, known, reading(value)), **given}
            tape = SpelledMoves(spelling, tape, found).tape()
        return cls(
            _name_of(variable) if name == "" else name,
            found,
            tape,
            arrays=arrays,
            complete=complete,
            dtype=dtype,
            second_order=gradients is not None,
            source=code,
            explicit=frozenset({*given, *(spelling.names if spelling else ())}),
        )

    @classmethod
    def from_transform(
        cls,
        *,
        namespace: Any,
        value_and_gradient: Callable[[Callable[..., Any], Sequence[Any]], tuple[Any, Sequence[Any]]],
        name: str = "",
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
        namespace
            Where the operations are functions by numpy's names, such as ``jax.numpy``.
        value_and_gradient
            Given a function of scalars (or arrays) and its inputs, returns its value, a scalar, and a
            derivative for each input.
        name
            What reports call it; by default as the package of `namespace`.
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
            How its code is written; by default that follows, if `namespace` is a module and
            `value_and_gradient` can be imported.

        """
        given = dict(operations or {})
        check_callable({"value_and_gradient": (value_and_gradient, 2)})
        check_operations(given)
        known = searched(arrays=arrays, complete=complete)
        return cls(
            _name_of(namespace) if name == "" else name,
            {**functions(namespace, known, arrays=arrays), **OPERATORS, **given},
            Transform(value_and_gradient, namespace, constant),
            arrays=arrays,
            complete=complete,
            dtype=dtype,
            second_order=second_order,
            source=source or transform_source(namespace, value_and_gradient, constant, given),
            explicit=frozenset(given),
        )
