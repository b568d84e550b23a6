"""Why a gradient is wrong, where its numbers show it.

A guess of what the right gradient would be, such as twice the given one, is tried along directions of its
own: a guess that three independent directions confirm is no coincidence.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from nn_from_scratch.verify.functions.black_box import BlackBox, Floats, Measured
from nn_from_scratch.verify.functions.inputs import Leaf
from nn_from_scratch.verify.functions.judging import only

_DIRECTIONS = 3
_LEAVES = 8  # inputs that are looked at
_FLOAT32 = 2.0**-23
_BLURRED = 0.01  # of the derivative: kinks let more of it be right


def likely_cause(box: BlackBox, wrong: dict[int, Measured], complete: bool) -> str:
    """Return the likely cause of a wrong gradient, or nothing.

    Parameters
    ----------
    box
        The question.
    wrong
        The wrong entries that are known.
    complete
        Whether they are all.

    """
    if not np.isfinite(box.slopes).all():
        return "it is not finite where the function is"
    if complete and wrong and _float32_digits(box, wrong):
        return "digits of float32: it was computed in float32 and returned as float64"
    if complete and len(wrong) == 1 and len(box.point) > 1:
        leaf = box.arguments.leaf(next(iter(wrong)))
        if leaf.stop - leaf.start > 1:
            return ""
    touched = {box.arguments.leaf(index).name for index in wrong}
    causes = []
    for leaf in box.arguments.leaves[:_LEAVES]:
        if complete and touched and leaf.name not in touched:
            continue
        cause = _of_leaf(box, leaf)
        if cause:
            causes.append(f"for {leaf.name}, {cause}" if len(box.arguments.leaves) > 1 else cause)
    return "; ".join(causes)


def _of_leaf(box: BlackBox, leaf: Leaf) -> str:
    """Try all guesses on one input."""
    given = only(box.slopes, leaf.places)
    vectors = [only(box.direction(100 + k), leaf.places) for k in range(_DIRECTIONS)]
    found = [box.along(vector) for vector in vectors]
    # Where kinks let much of it be right, many guesses fit.
    known = all(x.kink <= x.interval + _BLURRED * abs(x.expected) < np.inf for x in found)
    if not known or not any(x.wrong for x in found):
        return ""
    factor = _factor(vectors, found, given)
    if factor is not None or not given.any():
        return _factor_in_words(factor, leaf)
    for name, guess in _rearranged(leaf, given):
        if all(_fits(float(v @ guess), x) for v, x in zip(vectors, found, strict=True)):
            return name
    if leaf.stop - leaf.start > 2:
        for name, term in _terms(box, leaf, given):
            factor = _missing(vectors, found, term)
            if factor is not None:
                return f"a term is missing that equals {_times(factor)}{name}"
        sums = box.along(only(box.sizes, leaf.places))
        is_sum = sums.right and abs(sums.expected) > sums.interval  # a sum of 0 may be so by symmetry
        if len(leaf.shape) and is_sum and len(set(given[leaf.start : leaf.stop])) > 1:
            return (
                "its entries add up to the right sum, but lie in the wrong places: a sum over the wrong "
                "axis, or an order"
            )
    return ""


def _factor(vectors: list[Floats], found: list[Measured], given: Floats) -> float | None:
    """Return by what the gradient must be multiplied to be right, if that is one number."""
    products = [float(v @ given) for v in vectors]
    largest = max(range(_DIRECTIONS), key=lambda k: abs(products[k]))
    if products[largest] == 0:
        return None
    factor = found[largest].expected / products[largest]
    blur = (found[largest].interval + found[largest].kink) / abs(products[largest])
    good = all(
        abs(factor * p - x.expected) <= x.interval + x.kink + blur * abs(p)
        for p, x in zip(products, found, strict=True)
    )
    return factor if good and (np.count_nonzero(given) > 1 or _nice(factor) is not None) else None


def _factor_in_words(factor: float | None, leaf: Leaf) -> str:
    if factor is None:
        return "it is 0 throughout, as if it were not computed"
    if abs(factor) < 1e-6:
        return "it should be 0"
    if abs(factor + 1) < 1e-3:
        return "the sign is wrong"
    nice = _nice(1 / factor)
    text = str(nice) if nice is not None else f"{1 / factor:.6g}"
    count = leaf.stop - leaf.start
    more = (
        " (as many as it has entries: a mean for a sum, or a sum for a mean)"
        if count > 2 and _is_power(factor, count)
        else ""
    )
    return f"a constant factor: it is {text} times the derivative{more}"


def _is_power(factor: float, count: int) -> bool:
    return abs(factor * count - 1) < 1e-3 or abs(factor / count - 1) < 1e-3


def _nice(factor: float) -> Fraction | None:
    """Return a fraction of small numbers that a factor is, as far as it is known."""
    if not np.isfinite(factor) or factor == 0:
        return None
    simple = Fraction(factor).limit_denominator(12)
    return simple if simple and abs(float(simple) / factor - 1) < 1e-4 else None


def _rearranged(leaf: Leaf, given: Floats) -> Iterator[tuple[str, Floats]]:
    """Yield gradients with the same entries in other places."""
    if len(leaf.shape) < 2:
        return
    part = given[leaf.start : leaf.stop]
    for a in range(len(leaf.shape)):
        for b in range(a + 1, len(leaf.shape)):
            turned = list(leaf.shape)
            turned[a], turned[b] = turned[b], turned[a]
            guess = np.zeros_like(given)
            guess[leaf.start : leaf.stop] = part.reshape(turned).swapaxes(a, b).ravel()
            reshaped = "" if leaf.shape[a] == leaf.shape[b] else ", and reshaped to fit"
            yield f"it is transposed{reshaped}", guess


def _terms(box: BlackBox, leaf: Leaf, given: Floats) -> Iterator[tuple[str, Floats]]:
    """Yield what gradients are often missing a multiple of."""
    inside = slice(leaf.start, leaf.stop)
    point, part = box.point[inside], given[inside]
    terms = {
        "1": np.ones(len(point)),
        leaf.name: point,
        f"{leaf.name}**2": point**2,
        f"{leaf.name} * gradient": point * part,
    }
    for name, term in terms.items():
        guess = np.zeros_like(given)
        guess[inside] = term
        yield name, guess


def _missing(vectors: list[Floats], found: list[Measured], term: Floats) -> float | None:
    """Return how often a term is missing, if it is."""
    products = [float(v @ term) for v in vectors]
    if not all(products):
        return None
    errors = [x.expected - x.got for x in found]
    factor = errors[0] / products[0]
    for error, product, x in zip(errors, products, found, strict=True):
        allowed = 2 * (x.interval + found[0].interval * abs(product / products[0]))
        if abs(error - factor * product) > allowed or allowed > 1e-2 * abs(factor * product):
            return None
    return factor


def _times(factor: float) -> str:
    nice = _nice(factor)
    if nice == 1:
        return ""
    return f"{nice} * " if nice is not None else f"{factor:.6g} * "


def _fits(got: float, found: Measured) -> bool:
    return abs(got - found.expected) <= found.interval + found.kink


def _float32_digits(box: BlackBox, wrong: dict[int, Measured]) -> bool:
    """Say whether all errors are as small as float32's, though the numbers are float64."""
    norm = float(np.abs(box.slopes).max())
    errors = []
    for index, found in wrong.items():
        length = float(np.abs(box.unit_vector(index)).max())
        errors.append(abs(found.got - found.expected) / length)
    return len(errors) > 1 and max(errors) <= 16 * _FLOAT32 * norm and box.unit < _FLOAT32 / 16
