"""The system under test: what an engine is, and how an adapter describes one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from nn_from_scratch.verify.engines.abilities import Ability, abilities, needed, together
from nn_from_scratch.verify.engines.answers import Answer, AnswerError, asking
from nn_from_scratch.verify.engines.calling import OPERATORS, functions, harmless, methods, searched, written
from nn_from_scratch.verify.engines.driver import Driver
from nn_from_scratch.verify.engines.session import Session
from nn_from_scratch.verify.engines.source import Source
from nn_from_scratch.verify.engines.tape import Tape
from nn_from_scratch.verify.engines.transform import Transform
from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.expressions import Arithmetic
from nn_from_scratch.verify.questions.formats import FORMATS, Format
from nn_from_scratch.verify.questions.operations import (
    ALL_FORMS,
    ARRAYS,
    ELEMENTWISE,
    EVERY_ARRAY_FORM,
    EVERY_FORM,
    FURTHER_FORMS,
    OF_ARRAYS,
    OPERATIONS,
    Form,
)

# What an engine raises for an operation it does not have; anything else is a fault.
_LACKS = (AttributeError, TypeError, NotImplementedError)
_LONGEST = 200  # characters of it that are kept
_ABSENT = "no such operation"


class EngineError(Exception):
    """An engine cannot be loaded."""


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
        if self.dtype not in FORMATS:
            raise ValueError(f"dtype {self.dtype!r} is none of {', '.join(FORMATS)}")
        unknown = set(self.operations) - set(OPERATIONS)
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

    @cached_property
    def lacks(self) -> dict[Form, str]:
        """The operations, and sides of constants, that it does not have, each with what it said."""
        return {form: reason for form, reason in self._missing.items() if form[0] not in self.broken}

    @property
    def array_lacks(self) -> dict[Ability, str]:
        """The kinds of shapes and keywords that its operations do not have, each with what it said.

        An engine with a tape is asked for all of them at first. One that transforms functions may take long
        to compile each: it is asked once it raises (`lacking`), and what is known until then is returned.
        """
        if self.has_tape and self.arrays and not self.complete and not self._asked:
            every = [
                one for one in abilities() if one.form not in self._missing and one.form[0] in self.operations
            ]
            if every and self._answers(together([one.case for one in every])):
                self._asked.update(dict.fromkeys(every, ""))
            self._ask(every)
        return {one: said for one, said in self._asked.items() if said and one.form[0] not in self.broken}

    def _ask(self, wanted: Sequence[Ability]) -> None:
        """Ask for abilities, those not asked for yet."""
        for one in wanted:
            if one not in self._asked:
                self._asked[one] = self.lack(one.case)

    @cached_property
    def _asked(self) -> dict[Ability, str]:
        """The abilities that were asked for, with what was said where they are lacking."""
        return {}

    @cached_property
    def broken(self) -> dict[str, str]:
        """The operations that its adapter gives and that cannot be called in any form, and what they said."""
        found = {}
        for name in sorted(self.explicit & self.operations.keys()):
            if name in ELEMENTWISE:
                said = [self._missing.get((name, kinds), "") for kinds in ELEMENTWISE[name].operand_kinds]
            elif self.has_tape and self.arrays and not self.complete:
                said = [self.lack(one.case) for one in abilities() if one.form[0] == name]
            else:
                continue
            if all(said) and not any(reason.startswith(NotImplementedError.__name__) for reason in said):
                found[name] = said[0]
        return found

    @cached_property
    def forms(self) -> tuple[Form, ...]:
        """The operations, and sides of constants, that it has."""
        return tuple(form for form in EVERY_FORM if form not in self.lacks)

    @cached_property
    def array_forms(self) -> tuple[Form, ...]:
        """The forms that it has for arrays of some shape, none if it has no arrays."""
        if not self.arrays:
            return ()
        lacking = self.array_lacks.keys()
        known = (form for form in EVERY_ARRAY_FORM if self._has(form[0]))
        return tuple(
            form
            for form in (*self.forms, *known)
            if not lacking or any(one.form == form and one not in lacking for one in abilities())
        )

    @cached_property
    def silence(self) -> str:
        """What it says where it answers nothing at all; nothing if it answers one of its operations."""
        said = ""
        for name, kinds in self.forms:
            try:
                self.answer(harmless(name, kinds))
            except AnswerError:
                return ""  # it answers, if nothing that is right
            except Exception as error:  # noqa: BLE001  whatever it raises is no answer
                said = said or f"{type(error).__name__}: {error}"
            else:
                return ""
        return said

    def lacking(self, case: Case, *, raised: bool = False) -> str:
        """Say what a case needs that the engine has not; nothing if it has all.

        Parameters
        ----------
        case
            A question.
        raised
            Whether the engine raised something about it: then it is asked for what the case needs, if it was
            not yet.

        """
        expression = case.expression
        for step in expression.steps if self.lacks else ():
            form = step.operation, expression.operand_kinds(step)
            if form in self.lacks:
                return f"{step.operation}: {self.lacks[form]}"
        if raised and case.shapes and not self.complete:
            self._ask(needed(case))
        found = self.array_lacks
        ability = next((one for one in needed(case) if one in found), None) if found else None
        return f"{ability.form[0]}, {ability.what}: {found[ability]}" if ability else ""

    def note(self, name: str) -> str:
        """Say what it lacks of an operation, each with what it said."""
        forms = {kinds: reason for (other, kinds), reason in self.lacks.items() if other == name}
        found = [f"{written(name, kinds)}: {reason}" for kinds, reason in forms.items()]
        whole = {one.what: reason for one, reason in self.array_lacks.items() if one.form[0] == name}
        if len(set(whole.values())) == 1:
            whole = {", ".join(whole): next(iter(whole.values()))}
        found += [f"{what}: {reason}" for what, reason in whole.items()]
        if self.arrays and name in OF_ARRAYS and not self._has(name):
            found.append(f"{name}: {_ABSENT}")
        return "; ".join(found)

    def _has(self, name: str) -> bool:
        return name in self.operations or (self.complete and name in ARRAYS)

    @cached_property
    def _missing(self) -> dict[Form, str]:
        """The forms of scalar operations that cannot be called, each with what it said."""
        every = FURTHER_FORMS if self.complete else EVERY_FORM
        found = {form: _ABSENT for form in every if form[0] not in self.operations}
        # Many engines have all of one, and none of the other.
        for forms in () if self.complete else (ALL_FORMS, FURTHER_FORMS):
            asked = [form for form in forms if form not in found]
            if asked and not self._answers(together([harmless(*form) for form in asked])):
                found |= {form: said for form in asked if (said := self.lack(harmless(*form)))}
        return found

    def _answers(self, case: Case) -> bool:
        try:
            self.answer(case)
        except Exception:  # noqa: BLE001  whatever it is, each part is asked then
            return False
        return True

    def lack(self, case: Case) -> str:
        """Ask a case once; return why it cannot be computed at all, or nothing where it can, or should.

        An engine lacks what its forward pass refuses, as something that is not there or not of the right
        type, and what either pass says is not implemented.
        """
        if self.complete:
            return ""
        for ask, lacks in ((self.forward, _LACKS), (self.answer, NotImplementedError)):
            try:
                with np.errstate(all="ignore"):
                    ask(case)
            except lacks as error:
                return f"{type(error).__name__}: {' '.join(str(error).split())[:_LONGEST]}"
            except AssertionError as error:
                # Most are failures; but some engines say in this way which operands they take.
                return f"AssertionError: {error}" if "support" in str(error) else ""
            except Exception:  # noqa: BLE001  a fault, which the checks will show
                break
        return ""
