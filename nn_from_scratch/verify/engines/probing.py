"""What an engine has of the catalogue, and what it lacks: found out by asking it."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property

import numpy as np

from nn_from_scratch.verify.engines.abilities import abilities, needed, together
from nn_from_scratch.verify.engines.ability import Ability
from nn_from_scratch.verify.engines.answers import Answer, AnswerError
from nn_from_scratch.verify.engines.calling import harmless, written
from nn_from_scratch.verify.engines.deaths import DeathError, NotAskedError
from nn_from_scratch.verify.engines.errors import is_lacking
from nn_from_scratch.verify.engines.legible import told, words_of
from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.expressions import Arithmetic
from nn_from_scratch.verify.questions.operations import (
    ALL_FORMS,
    ARRAYS,
    ELEMENTWISE,
    EVERY_ARRAY_FORM,
    EVERY_FORM,
    FURTHER_FORMS,
    OF_ARRAYS,
    Form,
)

_LACKS = (AttributeError, TypeError, NotImplementedError)  # for what an engine has not; all else is a fault
_TYPE = r"(?:d(?:ata ?)?types?|scalar ?types?|precisions?|complex\w*|half|b?float\d*)"
_NOT = r"(?:not (?:yet )?(?:supported|implemented)|unsupported|(?:does not|doesn't) support)"
# An exception of any other kind, if it says that the numbers' type is not supported.
_ONLY = r"must be (?:either )?(?:float|double)\w*(?: or (?:float|double)\w*)*"
_LACKS_A_TYPE = re.compile(
    rf"\b{_TYPE}\b.*\b{_NOT}|\b{_NOT}\b.*\b{_TYPE}\b|\b{_ONLY} {_TYPE}\b", re.IGNORECASE | re.DOTALL
)
_LONGEST = 200  # characters of it that are kept
_ABSENT = "no such operation"
NOT_ASKED = "not asked"
"""How it begins, where an engine was not asked whether it has something."""
_BY_ITS_TABLE = "by its table, "


class Probed(ABC):
    """What is asked, and shows by that what it has and lacks: the base of `Engine`, which says the rest."""

    operations: Arithmetic
    arrays: bool
    complete: bool
    explicit: frozenset[str]
    second_order: bool

    @property
    @abstractmethod
    def has_tape(self) -> bool:
        """Whether it has nodes whose gradients are read after a reverse pass."""

    @abstractmethod
    def answer(self, case: Case) -> Answer:
        """Compute value and gradient of a case."""

    @abstractmethod
    def forward(self, case: Case) -> object:
        """Compute a case's expression only."""

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
                self._asked[one] = self._probe(one.case, may_refuse=one.may_refuse)

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
            elif self.arrays and not self.complete:
                said = self._lacked_until_it_is_there(name)
            else:
                continue
            died = any(case.expression.steps[0].operation == name for case in self.deadly)
            not_there = any(map(_is_claimed, said))
            if all(said) and not died and not not_there:
                found[name] = said[0]
        return found

    def _lacked_until_it_is_there(self, name: str) -> list[str]:
        """Ask for an operation on arrays in one way after another, until one can be called: that is ""."""
        said: list[str] = []
        for one in abilities():
            if one.form[0] == name:
                said.append(self.lack(one.case))
                if not said[-1]:
                    break
        return said

    @cached_property
    def forms(self) -> tuple[Form, ...]:
        """The operations, and sides of constants, that it has."""
        return tuple(form for form in EVERY_FORM if form not in self.lacks)

    @cached_property
    def array_forms(self) -> tuple[Form, ...]:
        """The forms that it has for arrays of some shape, none if it has no arrays."""
        lacking = self.array_lacks.keys() if self.arrays else ()
        return tuple(
            form
            for form in self.claimed_array_forms
            if not lacking or any(one.form == form and one not in lacking for one in abilities())
        )

    @cached_property
    def claimed_array_forms(self) -> tuple[Form, ...]:
        """The same, with those that it lacks for arrays of every shape."""
        known = (form for form in EVERY_ARRAY_FORM if self._has(form[0]))
        return (*self.forms, *known) if self.arrays else ()

    @property
    def asks_second_order(self) -> bool:
        """Whether it differentiates its gradients, and has what adds them up along a tangent before that."""
        sums = ("sum", "x") in self.array_forms or not self.array_forms
        return self.second_order and sums and {("mul", "xc"), ("add", "xx")} <= set(self.forms)

    @cached_property
    def silence(self) -> str:
        """What it says where it answers nothing at all; nothing if it answers one of its operations."""
        said = ""
        for name, kinds in self.forms:
            try:
                self.answer(harmless(name, kinds))
            except AnswerError:
                return ""  # it answers, if nothing that is right
            except NotAskedError as given_up:
                return said or str(given_up)
            except Exception as error:  # noqa: BLE001  whatever it raises is no answer
                said = said or told(error)
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
                found |= {form: said for form in asked if (said := self._probe(harmless(*form)))}
        return found

    @cached_property
    def deadly(self) -> list[Case]:
        """The probes that its process died of: each is a failure, and what it asks is in no graph."""
        return []

    def _probe(self, case: Case, *, may_refuse: bool = False) -> str:
        """Ask a case once; return why it cannot be asked, as it cannot if the engine's process dies of it."""
        try:
            self.answer(case)
        except DeathError as death:
            self.deadly.append(case)
            return told(death)
        except NotAskedError as given_up:
            return f"{NOT_ASKED}, for {given_up}"
        except Exception:  # noqa: BLE001  it is asked why
            return self.lack(case, may_refuse=may_refuse)
        return ""

    def _answers(self, case: Case) -> bool:
        try:
            self.answer(case)
        except (Exception, NotAskedError):  # noqa: BLE001  whatever it is, each part is asked then
            return False
        return True

    def lack(self, case: Case, *, may_refuse: bool = False) -> str:
        """Ask a case once; return why it cannot be computed at all, or nothing where it can, or should.

        An engine lacks what its forward pass refuses, as something that is not there or not of the right
        type, and what either pass says is not implemented, or not supported for numbers of this type.

        Parameters
        ----------
        case
            A question.
        may_refuse
            Whether it asks what an engine may well not have: then whatever its forward pass raises says so,
            and of constants that only Python has whatever either pass raises.

        """
        only_in_python = may_refuse and case.only_in_python  # which is in no catalogue
        if self.complete and not only_in_python:
            return ""
        refusals = (Exception,) if may_refuse else _LACKS
        backward = (Exception,) if only_in_python else (NotImplementedError,)
        for ask, lacks in ((self.forward, refusals), (self.answer, backward)):
            try:
                with np.errstate(all="ignore"):
                    ask(case)
            except lacks as error:
                return _said(error)
            except DeathError:
                return ""  # which is no lack, but the gravest fault
            except AssertionError as error:
                # Most are failures; but some engines say in this way which operands they take.
                return _said(error) if "support" in str(error) else ""
            except Exception as error:  # noqa: BLE001  a fault, which the checks will show
                return _said(error) if _LACKS_A_TYPE.search(str(error)) else ""
        return ""


def _said(error: Exception) -> str:
    said = f"{_BY_ITS_TABLE}{words_of(error)}" if is_lacking(error) else told(error)
    return said[:_LONGEST]


def _is_claimed(reason: str) -> bool:
    """Whether an engine says that it lacks something, not only that it cannot be called, or was not asked."""
    if reason.startswith((TypeError.__name__, AttributeError.__name__)):
        return False
    return reason.startswith((NotImplementedError.__name__, _BY_ITS_TABLE, NOT_ASKED)) or bool(
        _LACKS_A_TYPE.search(reason)
    )
