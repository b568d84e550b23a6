"""The same function at drawn inputs: a backward may take a size for a constant, or a weight of ones for 1."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import torch
from torch.utils import _pytree as pytree

from nn_from_scratch.verify.functions.pytorch.conventions import convention
from nn_from_scratch.verify.functions.pytorch.formula import PLAIN_TO_SEE, Formula, NotCompared, trace
from nn_from_scratch.verify.functions.pytorch.measured import measure, widened
from nn_from_scratch.verify.functions.pytorch.question import Question, cotangents
from nn_from_scratch.verify.functions.pytorch.triangles import one_triangle
from nn_from_scratch.verify.functions.rows import Row, first_line
from nn_from_scratch.verify.functions.tracing.arrays.other_numbers import (
    Drawn,
    OtherNumbers,
    hidden_from_values,
    other_numbers,
)
from nn_from_scratch.verify.functions.tracing.arrays.shapes import (
    REPEATED,
    other_inputs,
    same_shapes,
    without_repeats,
)
from nn_from_scratch.verify.functions.tracing.rules import AT_ANY_INPUTS, AT_SUCH_INPUTS, Rule
from nn_from_scratch.verify.judging.verdicts import Verdict

NAME = "other shapes"
NUMBERS = "other numbers"
_SMALL = 5
"""From which size on an input is cut."""


def shapes_row(question: Question, seed: int, *, unknown: bool = False) -> Row | None:
    """Compare the formulas at other shapes; None where there are none to draw.

    `unknown` says that they are not known at the point itself: then a difference elsewhere accuses nobody.

    A tensor that the function closes over keeps its shape, and a size of 1 is broadcast against any: so what
    differs there counts only where the function takes another size as well.
    """
    return _shapes_row(question, other_arguments(question.arguments, seed), seed, unknown=unknown)


Asked = tuple[Question, Formula | NotCompared]
"""A question elsewhere, and how the formulas compare there."""


def numbers_row(question: Question, seed: int) -> Row | None:
    """Compare the formulas with other numbers in inputs that may hide something; None unless they differ."""
    if question.inside:
        return None
    found = itertools.chain(_with_other_inputs(question, seed), _with_others_beside(question, seed))
    return next((row for row in found if row is not None), None)


def values_row(question: Question, seed: int) -> Row | None:
    """Compare the values of a function that is not traced with other numbers, likewise."""
    if question.inside:
        return None
    arrays = list(map(_array, question.tensors))

    def verdict_at(drawn: Drawn) -> Verdict | None:
        pairs = zip(drawn, question.tensors, strict=True)
        there = question.at([own if x is None else _like(x, own) for x, own in pairs])
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # said at the point asked
                found = there.run()
                given = cotangents(found.outputs, seed)
                return measure(there, widened(there), given, found.gradient(given), seed).verdict
        except Exception:  # noqa: BLE001  whatever a function does not like about other numbers
            return None

    said = hidden_from_values(arrays, seed, verdict_at)
    return None if said is None else Row(NUMBERS, Verdict.UNDECIDED, said)


def _with_other_inputs(question: Question, seed: int) -> Iterator[Row | None]:
    def asked(drawn: Drawn) -> Asked:
        pairs = list(zip(drawn, question.tensors, strict=True))
        there = question.at([own if x is None else _like(x, own) for x, own in pairs])
        return there, trace(there, cotangents(there.run().outputs, seed), seed)

    for other in other_numbers(list(map(_array, question.tensors)), seed):
        names = [name for name, x in zip(question.names, other.drawn, strict=True) if x is not None]
        yield _row_with(other, ", ".join(names), asked)


def _with_others_beside(question: Question, seed: int) -> Iterator[Row | None]:
    """Ask with other numbers in tensors that need no gradient, as a mask or a weight that is kept."""
    leaves, spec = pytree.tree_flatten(question.arguments)

    def asked(drawn: Drawn) -> Asked:
        pairs = zip(drawn, leaves, strict=True)
        again = [leaf if x is None else _like(x, leaf) for x, leaf in pairs]
        return _asked(question, tuple(pytree.tree_unflatten(again, spec)), seed)

    def of_those(drawn: Drawn) -> Drawn:
        pairs = zip(drawn, leaves, strict=True)
        return [x if isinstance(leaf, torch.Tensor) and not leaf.requires_grad else None for x, leaf in pairs]

    for other in other_numbers(list(map(_array, leaves)), seed):
        drawn = of_those(other.drawn)
        if any(x is not None for x in drawn):
            kinds = list(map(of_those, other.kinds))
            beside = OtherNumbers(drawn, kinds, other.hides, accuses=False)
            yield _row_with(beside, "a tensor that needs no gradient", asked)


def _row_with(other: OtherNumbers, names: str, asked: Callable[[Drawn], Asked]) -> Row | None:
    found = _compared_with(other.drawn, asked)
    if found is None or found.rules.rule is not Rule.DIFFERENT:
        return None

    def is_right(drawn: Drawn) -> bool:
        of_a_kind = _compared_with(drawn, asked)
        return of_a_kind is not None and of_a_kind.rules.rule in AT_SUCH_INPUTS

    blamed = other.blames(is_right, plain=found.rules.comparison.relative > PLAIN_TO_SEE)
    if blamed is None:
        return None
    said = f"right where {names} {other.hides}, but with drawn ones: {found.rules}"
    return Row(NUMBERS, Verdict.WRONG if blamed else Verdict.UNDECIDED, "; ".join([said, *found.explain()]))


def _compared_with(drawn: Drawn, asked: Callable[[Drawn], Asked]) -> Formula | None:
    """Compare the formulas with other numbers; None where that says nothing."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # said at the point asked
            there, formula = asked(drawn)
    except Exception:  # noqa: BLE001  whatever a function does not like about other numbers
        return None
    if isinstance(formula, NotCompared) or convention(there) or one_triangle(there):
        return None
    return formula


def smaller_row(question: Question, seed: int) -> Row | None:
    """Compare the formulas at inputs that are cut, where the point has too many numbers to be traced."""
    return _shapes_row(question, [cut(question.arguments)], seed)


def _shapes_row(
    question: Question, others: Iterable[tuple[Any, ...]], seed: int, *, unknown: bool = False
) -> Row | None:
    equal: list[str] = []
    refused, differs, free, repeats = "", "", False, False
    for drawn in others:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # said at the point asked
                found = _asked(question, drawn, seed)
        except Exception as error:  # noqa: BLE001  whatever a function does not like about a shape
            refused = refused or first_line(error)
            continue
        asked, formula = found
        given = asked.tensors[: len(asked.chosen)]
        shapes = ", ".join(str(tuple(x.shape)) for x in given)
        ones = zip(given, question.tensors, strict=False)
        broadcast = any(x.shape != y.shape and 1 in x.shape for x, y in ones)
        if isinstance(formula, NotCompared):
            refused = refused or formula.reason
            continue
        free = free or not broadcast
        if formula.rules.rule is Rule.DIFFERENT and formula.rules.comparison.relative > PLAIN_TO_SEE:
            known = differs or convention(asked) or one_triangle(asked)
            differs = differs if known else shapes
            repeats = repeats if known else _repeats_an_index(question, drawn, seed)
        elif formula.rules.rule is Rule.EQUAL:
            equal.append(f"{shapes} to {formula.rules.comparison.digits:.0f} digits")
    if differs and repeats:
        return Row(NAME, Verdict.UNDECIDED, REPEATED)
    if differs and unknown:
        said = (
            f"the formula is not known here, and at other inputs, of shape {differs}, it is wrong: ask there"
        )
        return Row(NAME, Verdict.UNDECIDED, said)
    if differs and free and _is_general(question, seed):
        said = f"at other inputs, of shape {differs}, the formula is another: is a size taken for a constant?"
        return Row(NAME, Verdict.WRONG, said)
    if equal:
        return Row(NAME, Verdict.RIGHT, f"formula equal at inputs of shape {'; '.join(equal)}")
    return Row(NAME, None, f"it takes no others: {refused}"[:200]) if refused else None


def _repeats_an_index(question: Question, drawn: tuple[Any, ...], seed: int) -> bool:
    """Whether the formula holds at drawn inputs if indices that were given once each are not repeated."""
    given, (leaves, spec) = pytree.tree_leaves(question.arguments), pytree.tree_flatten(drawn)
    apart = without_repeats(list(map(_array, given)), list(map(_array, leaves)))
    if apart is None:
        return False
    again = [_like(x, leaf) for x, leaf in zip(apart, leaves, strict=True)]
    try:
        _, found = _asked(question, tuple(pytree.tree_unflatten(again, spec)), seed)
    except Exception:  # noqa: BLE001  whatever a function does not like about an index
        return False
    return isinstance(found, Formula) and found.rules.rule in AT_ANY_INPUTS


def _is_general(question: Question, seed: int) -> bool:
    """Whether the formula holds at drawn numbers of the shapes that were given.

    One that holds for numbers that sum to 1, or for rotations alone, says nothing about shapes.
    """
    leaves, spec = pytree.tree_flatten(question.arguments)
    for found in same_shapes([_array(x) for x in leaves], seed):
        drawn = pytree.tree_unflatten([_like(x, leaf) for x, leaf in zip(found, leaves, strict=True)], spec)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # said at the point asked
                _, formula = _asked(question, drawn, seed)
        except Exception:  # noqa: BLE001  whatever a function does not like about other numbers
            return False
        if isinstance(formula, NotCompared) or formula.rules.rule not in AT_ANY_INPUTS:
            return False
    return True


def _asked(question: Question, drawn: tuple[Any, ...], seed: int) -> Asked:
    asked = Question(question.function, drawn, question.expected)
    outputs = asked.run().outputs if asked.values is None else asked.values
    return asked, trace(asked, cotangents(outputs, seed), seed)


def other_arguments(arguments: tuple[Any, ...], seed: int) -> Iterator[tuple[Any, ...]]:
    """Draw arguments of other shapes, unless one is empty; those that required a gradient do again."""
    leaves, spec = pytree.tree_flatten(arguments)
    if any(isinstance(x, torch.Tensor) and not x.numel() for x in leaves):
        return
    for found in other_inputs([_array(x) for x in leaves], seed):
        again = [_like(x, leaf) for x, leaf in zip(found, leaves, strict=True)]
        yield pytree.tree_unflatten(again, spec)


def cut(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return corners of the arguments: sizes that are equal stay equal, and others unlike."""
    leaves, spec = pytree.tree_flatten(arguments)
    sizes = sorted({n for x in leaves if isinstance(x, torch.Tensor) for n in x.shape})
    small = {n: min(n, _SMALL + k) for k, n in enumerate(n for n in sizes if n >= _SMALL)}

    def corner(x: Any) -> Any:
        if not isinstance(x, torch.Tensor):
            return x
        found = x.detach()[tuple(slice(small.get(n, n)) for n in x.shape)]
        return found.clone().requires_grad_(x.requires_grad)

    return tuple(pytree.tree_unflatten([corner(x) for x in leaves], spec))


def _array(leaf: Any) -> Any:
    """Return a tensor as an array, with floats in float64, which numpy draws; anything else as it is."""
    if not isinstance(leaf, torch.Tensor):
        return leaf
    plain = leaf.detach().cpu()
    return (plain.double() if leaf.is_floating_point() else plain).numpy()


def _like(x: Any, leaf: Any) -> Any:
    if not isinstance(leaf, torch.Tensor):
        return x
    found = torch.from_numpy(np.array(x)).to(leaf.device, leaf.dtype)
    return found.requires_grad_(leaf.requires_grad)
