"""The verdict on one function and its hand-written gradient, of what formulas and values say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from nn_from_scratch.verify.functions.black_box import BlackBox, Measured
from nn_from_scratch.verify.functions.meeting import MEET
from nn_from_scratch.verify.functions.result import FunctionResult
from nn_from_scratch.verify.functions.rows import Row, beginning
from nn_from_scratch.verify.functions.traced import NotTraced, Traced
from nn_from_scratch.verify.functions.tracing.arrays.trace import KINK
from nn_from_scratch.verify.functions.tracing.repetition import TO_ITS_END
from nn_from_scratch.verify.functions.tracing.rules import Rule
from nn_from_scratch.verify.functions.values import Differences, differences, has_no_derivative
from nn_from_scratch.verify.functions.widened import differences_in_float64
from nn_from_scratch.verify.judging.verdicts import Verdict

NO_DERIVATIVE = (
    "the function has no derivative here: along two directions it is not what it is along their sum. Ask "
    "where no numbers are equal"
)

CANNOT_TELL = "its values do not tell. Ask at points where it is smooth"

KEPT = "the same twice; changes no input and no cotangent, and overwrites nothing"

_SEEN, _ROUNDINGS = 1e-9, 16
"""What differences see of a gradient in float64, and how many roundings are none in shorter formats."""


def _differences(box: BlackBox) -> Differences:
    """Compare with differences, in float64 where that tells more: of many inputs first, as it takes less."""
    if box.is_large:
        return differences_in_float64(box) or differences(box)
    found = differences(box)
    if found.verdict is not Verdict.UNDECIDED:
        return found
    return differences_in_float64(box) or found


class Judgement:
    """The verdict on a gradient by its formula and its values: where they disagree, the formula holds."""

    def __init__(self, box: BlackBox, formula: Traced | NotTraced) -> None:
        self.box = box
        self.formula = formula
        self.excused = False
        self.proved = isinstance(formula, Traced) and (formula.unsure is None or formula.verdict.accuses)
        enough = (
            self.proved
            and (bool(formula) or (isinstance(formula, Traced) and formula.named))
            and box.is_large
        )
        self.values: Differences | None = None if enough else _differences(box)
        if self.values is not None and self.values.verdict is Verdict.WRONG:
            self.values = self._unless_excused(self.values)
        elif self.values is not None and self.values.verdict is Verdict.RIGHT:
            self.values = self._unless_right_for_nothing(self.values)

    def _unless_right_for_nothing(self, approving: Differences) -> Differences:
        """Return an approval, or why it says nothing: the formula is wrong elsewhere, or off unseen."""
        formula = self.formula
        if not isinstance(formula, NotTraced):
            return approving
        if formula.alone:
            self.excused = True
            return replace(approving, verdict=Verdict.UNDECIDED, said=formula.alone)
        apart = max(formula.near_a_limit, formula.rough)
        if apart <= max(_SEEN, _ROUNDINGS * self.box.believed):
            return approving
        self.excused = True
        todo = TO_ITS_END if formula.near_a_limit else CANNOT_TELL
        return replace(approving, verdict=Verdict.UNDECIDED, said=f"{formula.reason}: {todo}")

    def _unless_excused(self, accusing: Differences) -> Differences:
        """Return an accusation, or why the gradient may be right all the same."""
        formula = self.formula
        if isinstance(formula, NotTraced):
            by_choice = bool(formula.by_choice)
        else:
            by_choice = bool(formula) and KINK in (formula.unsure or "")
        if by_choice and accusing.at_kinks:
            return replace(accusing, verdict=Verdict.UNDECIDED, said=MEET)
        said = formula.reason if isinstance(formula, NotTraced) else formula.unsure or ""
        if isinstance(formula, NotTraced) and formula.near_a_limit:
            why = f"{said}: {TO_ITS_END}"
        elif isinstance(formula, NotTraced) and formula.of_the_other:
            why = f"{said}: the gradient may be the derivative of the other formula"
        elif not self.proved and KINK in said and has_no_derivative(self.box):
            why = f"{NO_DERIVATIVE} ({beginning(said)})"
        else:
            return accusing
        self.excused = True
        return replace(accusing, verdict=Verdict.UNDECIDED, said=why)

    def result(self, evaluations: int) -> FunctionResult:
        """Put together what was found, by so many evaluations beside those of the box."""
        verdict, reason = self._verdict()
        contract = Row("contract", Verdict.RIGHT, "; ".join([KEPT, *self.box.notes]))
        rows = (*self._of_formula(), self._of_values(), contract)
        evaluations += self.box.evaluations
        if verdict is not Verdict.RIGHT:
            reason = f"{reason}\n({self._found_by(evaluations)})"
        measured = self.values.measured if self.values is not None else self._exactly()
        return FunctionResult(verdict, rows, reason, measured, evaluations)

    def _verdict(self) -> tuple[Verdict, str]:
        """Return the verdict, and why."""
        formula, values = self.formula, self.values
        by_formula = self._by_formula(formula) if isinstance(formula, Traced) else None
        if by_formula is not None:
            return by_formula
        if values is None:
            raise RuntimeError("the values are asked where the formula does not decide")
        by_numbers = self._by_numbers()
        if by_numbers is not None:
            verdict, said = by_numbers
            return verdict, "" if verdict is Verdict.RIGHT else said
        if self._by_choice:
            return Verdict.RIGHT, ""
        if isinstance(formula, Traced) and formula.loses_digits and values.verdict is not Verdict.RIGHT:
            return Verdict.UNDECIDED, f"the formula is equal, but {formula.unsure}"
        return values.verdict, values.said

    def _by_formula(self, formula: Traced) -> tuple[Verdict, str] | None:
        """Return the verdict that a formula gives, and why, where it decides."""
        accused = self.values if self.values is not None and self.values.verdict is Verdict.WRONG else None
        if formula.verdict is Verdict.UNDECIDED and accused is None:
            return Verdict.UNDECIDED, "\n".join(formula.elsewhere)
        if not self.proved:
            return None
        if not formula.verdict.accuses:
            return formula.verdict, ""
        lines = [accused.said, *formula.causes] if accused is not None else [str(formula)]
        return formula.verdict, "\n".join(lines)

    def _by_numbers(self) -> tuple[Verdict, str] | None:
        """Return the verdict on the numbers by the function's own formula, and why, where it decides.

        It does where differences leave the question open, and where it calls right what they accuse: it is
        exact at the point.
        """
        numbers = self.formula.numbers if isinstance(self.formula, NotTraced) else None
        if numbers is None or numbers.verdict is None or self.values is None:
            return None
        decides = self.values.verdict is Verdict.UNDECIDED or numbers.verdict is Verdict.RIGHT
        return (numbers.verdict, numbers.said) if decides else None

    @property
    def _by_choice(self) -> str | None:
        """How formulas compare that one choice at all kinks makes equal, where differences leave it open.

        They do not where they accuse, and are excused because there is no derivative at all.
        """
        formula, values = self.formula, self.values
        if values is None or values.verdict is not Verdict.UNDECIDED or self.excused:
            return None
        if isinstance(formula, NotTraced):
            return formula.by_choice
        return str(formula.rules) if formula and formula.bends and not formula.loses_digits else None

    def _of_formula(self) -> Iterator[Row]:
        formula = self.formula
        if isinstance(formula, NotTraced) and self._by_choice:
            said = f"{self._by_choice}, by the other choice: {beginning(formula.reason)}"
            yield Row("rules", Verdict.RIGHT, said)
            return
        if isinstance(formula, NotTraced):
            yield Row("rules", None, f"numbers compared only: {beginning(formula.reason)}")
            by_numbers = self._by_numbers()
            if by_numbers is not None:
                verdict, said = by_numbers
                yield Row("accuracy", verdict, beginning(said))
            return
        different = formula.rules.rule is Rule.DIFFERENT
        said = f"{formula.rules}" + (f"; {formula.unsure}" if formula.unsure else "")
        yield Row("rules", Verdict.WRONG if different else Verdict.RIGHT, said)
        if different:
            return
        if formula.here.accuses:
            yield Row("accuracy", formula.here, "; ".join(formula.notes) or formula.message)
            return
        verdict = Verdict.UNDECIDED if formula.loses_digits else Verdict.RIGHT
        yield Row("accuracy", verdict, f"numbers within {formula.units:.2g} units")
        said = "; ".join(formula.elsewhere) or "none was asked, none is taken, or none shows anything"
        yield Row("other shapes", formula.at_other_shapes, said)

    def _of_values(self) -> Row:
        values = self.values
        if values is None:
            return Row("values", None, "not asked for so many inputs, whose formula is proved")
        if values.verdict is Verdict.RIGHT:
            said = f"{values.measured}; {values.said}" if values.said else str(values.measured)
            return Row("values", Verdict.RIGHT, said)
        if values.verdict is Verdict.WRONG and self.proved and self.formula:
            said = f"the formula, which is exact at the point, holds against differences: {values.said}"
            return Row("values", Verdict.UNDECIDED, said)
        return Row("values", values.verdict, values.said)

    def _exactly(self) -> Measured:
        """Return the derivative along a direction by its formula, in the words of a measurement."""
        found = self.formula.along if isinstance(self.formula, Traced) else None
        if found is None:
            raise RuntimeError("the values are asked where the formula is not proved")
        sizes = (found.interval, 0.0, found.size)
        return Measured(found.got, found.expected, *sizes, Verdict.RIGHT, "", 0, 0.0, 0.0)

    def _found_by(self, evaluations: int) -> str:
        """Say what it took, and what was possible."""
        said = f"found by {evaluations} evaluations of the function"
        if isinstance(self.formula, NotTraced):
            return f"{said}; numbers compared only: {beginning(self.formula.reason)}"
        return f"{said}; {self.formula.rules}"
