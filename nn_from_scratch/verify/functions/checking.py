"""The check of one function and its hand-written gradient: by formulas, by values, and the contract."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from nn_from_scratch.verify.functions.black_box import BlackBox, NotFiniteError
from nn_from_scratch.verify.functions.earlier import answer_elsewhere, with_what_is_kept
from nn_from_scratch.verify.functions.formula import Counted, traced_formula, value_out_of_range
from nn_from_scratch.verify.functions.inputs import Arguments
from nn_from_scratch.verify.functions.judgement import Judgement
from nn_from_scratch.verify.functions.other_values import unless_hidden
from nn_from_scratch.verify.functions.outputs import Outputs
from nn_from_scratch.verify.functions.own_gradient import with_own_gradient
from nn_from_scratch.verify.functions.reference import Reference, judged_by_reference
from nn_from_scratch.verify.functions.result import FunctionResult
from nn_from_scratch.verify.functions.rows import Row
from nn_from_scratch.verify.functions.symmetric import by_convention
from nn_from_scratch.verify.functions.traced import NotTraced
from nn_from_scratch.verify.functions.tracing.arrays.watch import Report
from nn_from_scratch.verify.functions.triangles import OneTriangle, one_triangle
from nn_from_scratch.verify.judging.checking import GradientError, UndecidedError
from nn_from_scratch.verify.judging.verdicts import Verdict

ABSENT: Any = object()
"""Stands for inputs that are not given."""


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
        computed from it before, and so is right at this point alone, is undecided then. One that depends on
        no input may have been computed for this point: its contract says so.
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
        If the function returns no real number, or one that is not finite while its formula is not known to
        be, the gradient has another shape than the input, or what is expected another shape than the value.
        If an input, a value or a derivative is complex: give real and imaginary parts as two real numbers;
        complex numbers within are the function's own.
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
    except NotFiniteError as error:
        plain = reference[0] if isinstance(reference, tuple) else reference
        lost = value_out_of_range(meant, error.arguments, error.outputs, plain)
        if lost is None:
            raise ValueError(str(error)) from None
        return _wrong("value", lost)
    except GradientError as error:
        return _wrong("contract", str(error))
    if reference is not None:
        return judged_by_reference(box, gradient, reference, compute, stored)
    found = with_what_is_kept(_judged(box, shapes=shapes, progress=progress), box, earlier)
    triangle = None if found else one_triangle(meant, gradient, inputs)
    return found if triangle is None else _along_symmetric(found, triangle, gradient, inputs, seed)


def _judged(box: BlackBox, *, shapes: bool, progress: Report | None = None) -> FunctionResult:
    """Judge by the formula, by values, and with other numbers where it is by values alone."""
    counted = Counted(box.function)
    formula = traced_formula(counted, box.gradient, box, seed=box.seed, shapes=shapes, progress=progress)
    found = Judgement(box, formula).result(counted.calls)
    by_values_alone = isinstance(formula, NotTraced) and shapes and not box.is_large
    return unless_hidden(found, box) if found and by_values_alone and not found.kink else found


def _wrong(name: str, said: str) -> FunctionResult:
    """Return what is wrong before any derivative is compared."""
    return FunctionResult(Verdict.WRONG, (Row(name, Verdict.WRONG, said),), said, None, 3)


def _along_symmetric(
    found: FunctionResult, triangle: OneTriangle, gradient: Callable[..., Any], inputs: Any, seed: int
) -> FunctionResult:
    """Judge a gradient along symmetric matrices, where the function reads one triangle of them.

    One that is wrong along them is wrong. One that is right along them is right, if what it has beside that
    stands for nothing else, or is what half of the derivative in each triangle makes of it.
    """
    evaluations = found.evaluations
    if triangle.along is not None:
        along = _judged(BlackBox(*triangle.along, inputs, seed), shapes=False)
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
