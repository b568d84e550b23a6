"""The check of one function and its hand-written gradient: by formulas, by values, and the contract."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from nn_from_scratch.verify.functions.black_box import BlackBox, Measured
from nn_from_scratch.verify.functions.earlier import answer_elsewhere, with_what_is_kept
from nn_from_scratch.verify.functions.formula import Counted, traced_formula
from nn_from_scratch.verify.functions.inputs import Arguments
from nn_from_scratch.verify.functions.meeting import MEET
from nn_from_scratch.verify.functions.outputs import Outputs
from nn_from_scratch.verify.functions.own_gradient import with_own_gradient
from nn_from_scratch.verify.functions.reference import Reference, judged_by_reference
from nn_from_scratch.verify.functions.result import FunctionResult
from nn_from_scratch.verify.functions.rows import Row, beginning
from nn_from_scratch.verify.functions.symmetric import by_convention
from nn_from_scratch.verify.functions.traced import NotTraced, Traced
from nn_from_scratch.verify.functions.tracing.arrays.trace import KINK
from nn_from_scratch.verify.functions.tracing.arrays.watch import Report
from nn_from_scratch.verify.functions.tracing.repetition import TO_ITS_END
from nn_from_scratch.verify.functions.tracing.rules import Rule
from nn_from_scratch.verify.functions.triangles import OneTriangle, one_triangle
from nn_from_scratch.verify.functions.values import Differences, differences, has_no_derivative
from nn_from_scratch.verify.judging.checking import GradientError, UndecidedError
from nn_from_scratch.verify.judging.verdicts import Verdict

NO_DERIVATIVE = (
    "the function has no derivative here: along two directions it is not what it is along their sum. Ask "
    "where no numbers are equal"
)

ABSENT: Any = object()
"""Stands for inputs that are not given."""

KEPT = "the same twice; changes no input and no cotangent, and overwrites nothing"

_SEEN, _ROUNDINGS = 1e-9, 16
"""What differences see of a gradient in float64, and how many roundings are none in shorter formats."""


def check_gradient(
    function: Any,
    gradient: Any = None,
    inputs: Any = ABSENT,
    *,
    expected: Callable[..., Any] | None = None,
    reference: Reference | None = None,
    compute: str | None = None,
    stored: str | None = None,
    seed: int = 0,
    shapes: bool = True,
    progress: Report | None = None,
) -> FunctionResult:
    """Check a hand-written gradient of a function.

    Where numpy code can be traced, its formula is compared with the derivative of the function's at 256 bits:
    a proof, in float32 as in float64. Beside that, and where it is not traced, the derivative along a random
    direction is compared with finite differences whose error is estimated, not chosen: the noise of the
    function, the type of the numbers that it computes with and its scale are found out from its values. A
    gradient is accused only of what they cannot explain, and called right only where they could have shown
    an error of a hundredth; else the question is undecided, and says why. Where the two disagree, the formula
    holds. Where only the gradient is not traced, its numbers are compared with the derivative of the
    function's own formula, which decides what differences leave open. A smooth function of any number of
    inputs takes at most 20 evaluations where the inputs are many. If the gradient is wrong, its wrong entries
    are looked for and named.

    Parameters
    ----------
    function
        Maps the inputs to a number; or to an array or a nesting of arrays, if the gradient takes a cotangent.
    gradient
        Maps the same inputs to the gradient: an array of the input's shape (or a sparse one, or None for
        zeros), a tuple of them for several arguments, nested as the inputs are. If it has one required
        parameter more than there are arguments, a drawn cotangent of the value's shape is passed there. It
        may be left out, so that the point is the second argument, where the function brings its own: an
        object with ``forward`` and ``backward``; a function with an attribute ``gradient``, ``grad`` or
        ``vjp``; or one that returns (value, gradient), as scipy's ``jac=True`` has it.
    inputs
        The point: a number or an array, or a tuple of arguments; each may be a list, tuple or dict itself. A
        dict whose keys are the function's parameters is passed by keyword. Inputs keep their type (float64,
        float32, float16); integers, None and texts within are passed through.
    expected
        The function that the gradient is meant to be the derivative of, where that is not `function` on
        purpose: of a straight-through estimator ``lambda x: x``, of a gradient reversal ``lambda x: -x``.
    reference
        Where the function is a kernel that cannot be traced: its plain version in numpy, or a tuple of that
        and its gradient. Values and gradients are judged by its exact ones, within its own rounding.
    compute, stored
        With `reference`: the format that the kernel computes in, by default that of its results, and the
        format of its results where that is not their dtype: "float32" and "bfloat16".
    seed
        Which directions and which cotangent.
    shapes
        Whether the formula is asked at drawn inputs of other shapes as well, and with other numbers where
        those given may hide something; a gradient that reads a copy of an input in its place, or what was
        computed from it before, and so is right at this point alone, is undecided then.
    progress
        Called as progress(done, of, words) every half second of a long trace.

    Returns
    -------
    FunctionResult
        Its rows say what was possible: "formula equal at this point to 74 digits", "numbers within 0.8
        units", or "numbers compared only" and why; its `miss_probability` how likely a wrong gradient passes.

    Raises
    ------
    GradientError
        If the gradient is wrong, loses digits that its dtype has, is not the same twice, or changes what is
        not its own. Its `result` is what was found.
    UndecidedError
        If nothing can decide: noise, a jump, an edge of the domain, a function that is not deterministic.
    ValueError
        If the function returns no finite real number, the gradient has another shape than the input, or what
        is expected another shape than the function's value. If an input, a value or a derivative is complex:
        give real and imaginary parts as two real numbers; complex numbers within are the function's own.
    TypeError
        If no gradient is given, and the function brings none.

    """
    found = examine_gradient(
        function,
        gradient,
        inputs,
        expected=expected,
        reference=reference,
        compute=compute,
        stored=stored,
        seed=seed,
        shapes=shapes,
        progress=progress,
    )
    if found.verdict is Verdict.RIGHT:
        return found
    if found.verdict is Verdict.UNDECIDED:
        raise UndecidedError(found.said, found)
    raise GradientError(found.said, found)


def examine_gradient(
    function: Any,
    gradient: Any = None,
    inputs: Any = ABSENT,
    *,
    expected: Callable[..., Any] | None = None,
    reference: Reference | None = None,
    compute: str | None = None,
    stored: str | None = None,
    seed: int = 0,
    shapes: bool = True,
    progress: Report | None = None,
) -> FunctionResult:
    """Return what `check_gradient` finds, without raising what it finds wrong or undecided."""
    if inputs is ABSENT and not callable(gradient):
        gradient, inputs = None, gradient
    if inputs is ABSENT or inputs is None:
        raise TypeError("the inputs are missing: check_gradient(function, gradient, inputs)")
    if gradient is None:
        function, gradient = with_own_gradient(function, inputs)
    meant = function if expected is None else expected
    if expected is not None:
        _check_outputs(function, expected, inputs)
    earlier = answer_elsewhere(function, gradient, inputs, seed)
    try:
        box = BlackBox(meant, gradient, inputs, seed)
        box.evaluations += 1  # elsewhere
    except UndecidedError as error:
        return FunctionResult(Verdict.UNDECIDED, (), str(error), None, 3)
    except GradientError as error:
        row = Row("contract", Verdict.WRONG, str(error))
        return FunctionResult(Verdict.WRONG, (row,), str(error), None, 3)
    if reference is not None:
        return judged_by_reference(box, gradient, reference, compute, stored)
    counted = Counted(meant)
    formula = traced_formula(counted, gradient, box, seed=seed, shapes=shapes, progress=progress)
    found = with_what_is_kept(Judgement(box, formula).result(counted.calls), box, earlier)
    triangle = None if found else one_triangle(meant, gradient, inputs)
    return found if triangle is None else _along_symmetric(found, triangle, gradient, inputs, seed)


def _along_symmetric(
    found: FunctionResult, triangle: OneTriangle, gradient: Callable[..., Any], inputs: Any, seed: int
) -> FunctionResult:
    """Judge a gradient along symmetric matrices, where the function reads one triangle of them.

    One that is wrong along them is wrong. One that is right along them is right, if what it has beside that
    stands for nothing else, or is what half of the derivative in each triangle makes of it.
    """
    evaluations = found.evaluations
    if triangle.along is not None:
        box = BlackBox(*triangle.along, inputs, seed)
        counted = Counted(triangle.along[0])
        formula = traced_formula(counted, triangle.along[1], box, seed=seed, shapes=False, progress=None)
        along = Judgement(box, formula).result(counted.calls)
        evaluations += along.evaluations
        if along.wrong or (along and triangle.fits and triangle.alone):
            return _noted(along, triangle.said, evaluations)
    if triangle.fits:
        with triangle.symmetrising() as function:
            box = BlackBox(function, gradient, inputs, seed)
            halves = Judgement(box, NotTraced("with matrices made symmetric")).result(0)
        evaluations += halves.evaluations
        if halves:
            return _noted(halves, triangle.said, evaluations)
    said = by_convention(triangle.said)
    return replace(found, verdict=Verdict.UNDECIDED, rows=(), said=said, evaluations=evaluations)


def _noted(found: FunctionResult, said: str, evaluations: int) -> FunctionResult:
    rows = tuple(
        replace(row, said=f"{row.said}; {said}") if row.name in {"rules", "values"} else row
        for row in found.rows
    )
    told = f"{found.said}\n({said})" if found.said else ""
    return replace(found, rows=rows, said=told, evaluations=evaluations)


def _check_outputs(function: Callable[..., Any], expected: Callable[..., Any], inputs: Any) -> None:
    """Refuse an expected function of another output than the function's own."""
    arguments = Arguments(function, inputs)
    own, meant = (arguments.call(f, arguments.point) for f in (function, expected))
    outputs, _ = (Outputs(value, asks_cotangent=True, seed=0) for value in (own, meant))
    try:
        outputs.number(meant)
    except ValueError as error:
        raise ValueError("the function and what is expected= return values of unlike shapes") from error


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
        self.values: Differences | None = None if enough else differences(box)
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
        if formula.near_a_limit <= max(_SEEN, _ROUNDINGS * self.box.believed):
            return approving
        self.excused = True
        return replace(approving, verdict=Verdict.UNDECIDED, said=f"{formula.reason}: {TO_ITS_END}")

    def _unless_excused(self, accusing: Differences) -> Differences:
        """Return an accusation, or why the gradient may be right all the same."""
        formula = self.formula
        if isinstance(formula, NotTraced) and formula.by_choice and accusing.at_kinks:
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
            return Row("values", Verdict.RIGHT, str(values.measured))
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
