"""Faults of the operations that engines need not have; the victim has only the one that is wrong.

They are no part of `FAULTS`, whose victims are asked the same questions whatever else may be asked.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from nn_from_scratch.verify.faults.array_rules import PULLS, Pull
from nn_from_scratch.verify.faults.further_rules import (
    BELL,
    FURTHER_PULLS,
    FURTHER_RULES,
    added,
    cofactors,
    conv,
    cumsum,
    digamma,
    einsum,
    einsum_part,
    erf,
    explicit,
    factored,
    places,
    solved,
    trigamma,
    turned,
    unsorted,
)
from nn_from_scratch.verify.faults.planting import Fault
from nn_from_scratch.verify.faults.rules import RULES, Row
from nn_from_scratch.verify.faults.victim import Victim


def _short_erf(x: Any) -> Any:
    """Return erf to 7 digits (M. Abramowitz, I. A. Stegun, "Handbook of Mathematical Functions", 7.1.26)."""
    t = 1 / (1 + 0.3275911 * abs(x))
    series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    return np.sign(x) * (1 - series * np.exp(-x * x))


def _planted(rule: str, description: str, row: Row, kind: str) -> Fault:
    victim = Victim({**RULES, rule: row}, PULLS)
    text = f"{rule} has {description}"
    return Fault(f"{rule}: {description}", text, rule, victim, kind, (rule, "mul", "add"), rule)


def _derivative(
    rule: str, description: str, wrong: Callable[..., tuple[Any, ...]], kind: str = "local derivative"
) -> Fault:
    return _planted(rule, description, (FURTHER_RULES[rule][0], wrong), kind)


def _value(rule: str, description: str, wrong: Callable[..., Any], kind: str = "forward") -> Fault:
    return _planted(rule, description, (wrong, FURTHER_RULES[rule][1]), kind)


def _pull(rule: str, description: str, wrong: Pull) -> Fault:
    victim = Victim(whole={**PULLS, rule: (FURTHER_PULLS[rule][0], wrong)})
    text = f"{rule} has {description}"
    return Fault(f"{rule}: {description}", text, rule, victim, "arrays", (rule, "mul", "add"), rule)


def _whole_value(rule: str, description: str, wrong: Callable[..., Any]) -> Fault:
    victim = Victim(whole={**PULLS, rule: (wrong, FURTHER_PULLS[rule][1])})
    text = f"{rule} has {description}"
    return Fault(f"{rule}: {description}", text, rule, victim, "forward", (rule, "mul", "add"), rule)


def further_victim(*names: str) -> Victim:
    """Return a right victim that has these operations as well."""
    table = {name: row for name, row in FURTHER_RULES.items() if name in names}
    whole = {name: row for name, row in FURTHER_PULLS.items() if name in names}
    return Victim({**RULES, **table}, {**PULLS, **whole})


def _einsum_with(**wrong: Any) -> Pull:
    """Return einsum's rule with a part of it that is wrong."""

    def pulled(g: Any, _z: Any, *xs: Any, subscripts: str) -> tuple[Any, ...]:
        terms, output = explicit(subscripts, xs)
        return tuple(einsum_part(g, k, (terms, output), xs, **wrong) for k in range(len(xs)))

    return pulled


def _square_transposed(g: Any, z: Any, *xs: Any, subscripts: str) -> tuple[Any, ...]:
    """Transpose what the last operand gets, where nobody sees it by the shape."""
    *parts, last = einsum(g, z, *xs, subscripts=subscripts)
    square = np.ndim(last) == 2 and last.shape[0] == last.shape[1]
    return (*parts, last.T if square else last)


def _one_cotangent(g: Any, z: Any, *xs: Any, subscripts: str) -> tuple[Any, ...]:
    return einsum(np.ones(np.shape(g)), z, *xs, subscripts=subscripts)


def _second_detached(g: Any, z: Any, *xs: Any, subscripts: str) -> tuple[Any, ...]:
    first, *rest = einsum(g, z, *xs, subscripts=subscripts)
    return (first, *(0 * part for part in rest))


def _not_inverted(g: Any, _z: Any, x: Any, axis: Any) -> tuple[Any]:
    """Permute the cotangent as the operand was, instead of back."""
    return (np.take_along_axis(g, np.argsort(x, axis, kind="stable"), axis or 0).reshape(np.shape(x)),)


def _every_tie(g: Any, z: Any, x: Any, axis: Any) -> tuple[Any]:
    """Give each entry the cotangents of all places with its value."""
    rows = np.moveaxis(np.ravel(x) if axis is None else x, axis or 0, 0)
    places, got = np.moveaxis(z, axis or 0, 0), np.moveaxis(g, axis or 0, 0)
    found = np.stack([np.sum(got * (places == row), axis=0) for row in rows])
    return (np.moveaxis(found, 0, axis or 0).reshape(np.shape(x)),)


def _descending(g: Any, _z: Any, x: Any, axis: Any) -> tuple[Any]:
    order = np.flip(np.argsort(x, axis, kind="stable"), axis or 0)
    return (unsorted(g, x, axis, order),)


def _set_at(x: Any, y: Any, indices: Any, axis: int) -> Any:
    """Return x with its entries at indices replaced, by the last one where an index is repeated."""
    result = np.array(x, dtype=float)
    result[places(np.shape(y), indices, axis)] = y
    return result


def _overwritten(g: Any, _z: Any, x: Any, indices: Any, axis: int) -> tuple[Any]:
    return (_set_at(np.zeros(np.shape(x)), g, indices, axis),)


def _averaged(g: Any, _z: Any, x: Any, indices: Any, axis: int) -> tuple[Any]:
    zeros = np.zeros(np.shape(x))
    times = added(zeros, np.ones(np.shape(g)), indices, axis)
    return (added(zeros, g, indices, axis) / np.maximum(times, 1),)


def _in_order(g: Any, _z: Any, x: Any, indices: Any, axis: int) -> tuple[Any]:
    """Give the cotangent to the first entries, whatever the indices are."""
    turned = np.indices(np.shape(g))[axis] % np.shape(x)[axis]
    return (added(np.zeros(np.shape(x)), g, turned, axis),)


def _cut_source(g: Any, _z: Any, _x: Any, y: Any, indices: Any, axis: int) -> tuple[Any, Any]:
    """Give the source the cotangent's first entries, whatever the indices are."""
    taken = np.take(g, np.arange(np.shape(y)[axis]) % np.shape(g)[axis], axis)
    return g, taken[tuple(slice(n) for n in np.shape(y))]


def _emptied(g: Any, _z: Any, _x: Any, y: Any, indices: Any, axis: int) -> tuple[Any, Any]:
    """Give the target nothing where something was added, as if it had been replaced."""
    where = places(np.shape(y), indices, axis)
    rest = np.array(g)
    rest[where] = 0.0
    return rest, g[where]


def _untransposed_system(g: Any, z: Any, x: Any, y: Any) -> tuple[Any, Any]:
    return solved(g, z, turned(x), y)


def _transposed_matrix(g: Any, z: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """Give the matrix its cotangent transposed."""
    gx, gy = solved(g, z, x, y)
    return turned(gx), gy


def _unpadded(g: Any, z: Any, x: Any, w: Any, *, stride: int, padding: int) -> tuple[Any, Any]:
    """Cut nothing off in front: what the padding gets is given to the array's first entries."""
    wide = np.pad(x, [(0, 0), (0, 0), *[(padding, padding)] * (x.ndim - 2)])
    gx, gw = conv(g, z, wide, w, stride=stride, padding=0)
    return gx[(..., *(slice(n) for n in x.shape[2:]))], gw


def _turned_kernel(g: Any, z: Any, x: Any, w: Any, **how: int) -> tuple[Any, Any]:
    """Take the kernel from its end, as mathematics does, for the array's gradient."""
    turned_round = np.flip(w, tuple(range(2, w.ndim)))
    return conv(g, z, x, turned_round, **how)[0], conv(g, z, x, w, **how)[1]


def _first_of_batch(g: Any, z: Any, x: Any, w: Any, **how: int) -> tuple[Any, Any]:
    """Give the kernel what the first of a batch says."""
    return conv(g, z, x, w, **how)[0], conv(g[:1], z, x[:1], w, **how)[1]


def _without_kernel(g: Any, z: Any, x: Any, w: Any, **how: int) -> tuple[Any, Any]:
    return conv(g, z, x, w, **how)[0], 0 * w


def _det_rule(factor: Callable[[Any, Any], Any]) -> Pull:
    """Return a rule for det: what its value and operand make, times the cotangent."""
    return lambda g, z, x: (np.expand_dims(g, (-1, -2)) * factor(np.expand_dims(z, (-1, -2)), x),)


def _det_of_inverse(z: Any, x: Any) -> Any:
    """Return determinant times inverse, which nobody has where a matrix is singular."""
    return np.where(z == 0, np.nan, cofactors(x))


def _without_sign(g: Any, z: Any, x: Any, y: Any) -> tuple[Any, Any]:
    gx, gy = solved(g, z, x, y)
    return -gx, gy


def _forwards(g: Any, _z: Any, x: Any, axis: Any) -> tuple[Any]:
    return (np.reshape(np.cumsum(g, axis), np.shape(x)),)


def _last_axis(g: Any, z: Any, x: Any, axis: Any) -> tuple[Any]:
    return cumsum(g, z, x, None if axis is None else -1)


def _exclusive(g: Any, z: Any, x: Any, axis: Any) -> tuple[Any]:
    """Leave each entry's own cotangent out."""
    return (cumsum(g, z, x, axis)[0] - np.reshape(g, np.shape(x)),)


def _whole_sum(g: Any, z: Any, x: Any, axis: Any) -> tuple[Any]:
    """Give every entry the sum of all cotangents."""
    return (np.broadcast_to(np.sum(np.reshape(g, np.shape(x)), axis=axis, keepdims=True), np.shape(x)),)


FURTHER_FAULTS: tuple[Fault, ...] = (
    _derivative(
        "erf", "a normal distribution's slope", lambda z, x: (np.exp(-x * x / 2) / math.sqrt(2 * math.pi),)
    ),
    _derivative("erf", "tanh's 1 - z squared", lambda z, x: (1 - z * z,)),
    _derivative("erf", "no square", lambda z, x: (BELL * np.exp(-abs(x)),)),
    _value("erf", "a polynomial of 7 digits", _short_erf, "precision"),
    _derivative("erfc", "no sign", lambda z, x: (BELL * np.exp(-x * x),)),
    _value("erfc", "1 - erf(x), which loses its tail", lambda x: 1 - erf(x), "precision"),
    _derivative(
        "erfc", "float32 inside", lambda z, x: (-np.float64(np.float32(BELL)) * np.exp(-x * x),), "precision"
    ),
    _derivative("lgamma", "a logarithm for digamma", lambda z, x: (np.log(abs(x)),)),
    _derivative("lgamma", "digamma of x + 1", lambda z, x: (digamma(x + 1),)),
    _derivative("lgamma", "gamma's own slope", lambda z, x: (np.exp(np.minimum(z, 600.0)) * digamma(x),)),
    _derivative("digamma", "1 / x for trigamma", lambda z, x: (1 / x,)),
    _derivative("digamma", "no sign below 0", lambda z, x: (np.sign(x) * trigamma(x),)),
    _derivative("digamma", "ten terms of a series", lambda z, x: (sum(1 / (x + k) ** 2 for k in range(10)),)),
    _value("digamma", "a short asymptotic series", lambda x: np.log(abs(x)) - 0.5 / x),
    _pull("cumsum", "a cumulative sum for one from the end", _forwards),
    _pull("cumsum", "the last axis always", _last_axis),
    _pull("cumsum", "each entry's own cotangent left out", _exclusive),
    _pull("cumsum", "the sum of all cotangents", _whole_sum),
    _pull("einsum", "a repeated label's cotangent beside the diagonal too", _einsum_with(diagonal=False)),
    _pull("einsum", "half for a label that one operand has alone", _einsum_with(alone=0.5)),
    _pull("einsum", "the last of its gradients transposed where it is square", _square_transposed),
    _pull("einsum", "no cotangent", _one_cotangent),
    _pull("einsum", "its second operand detached", _second_detached),
    _pull("conv", "what the padding gets given to the first entries", _unpadded),
    _pull("conv", "the kernel turned round", _turned_kernel),
    _pull("conv", "the first of a batch for its kernel", _first_of_batch),
    _pull("conv", "nothing for its kernel", _without_kernel),
    _pull("solve", "a system that is not transposed", _untransposed_system),
    _pull("solve", "the matrix's cotangent transposed", _transposed_matrix),
    _pull("solve", "no sign for the matrix", _without_sign),
    _pull("solve", "nothing for the matrix", lambda g, z, x, y: (0 * x, solved(g, z, x, y)[1])),
    _pull("inv", "no sign", lambda g, z, x: (turned(z) @ g @ turned(z),)),
    _pull("inv", "its factors not transposed", lambda g, z, x: (-z @ g @ z,)),
    _pull("inv", "a number's rule for each entry", lambda g, z, x: (-g * z * z,)),
    _pull(
        "det",
        "the inverse not transposed",
        lambda g, z, x: (np.expand_dims(g, (-1, -2)) * turned(cofactors(x)),),
    ),
    _pull("det", "determinant times inverse, which a singular matrix has not", _det_of_inverse),
    _pull(
        "det",
        "nothing where it is 0",
        lambda g, z, x: (np.expand_dims(g * (z != 0), (-1, -2)) * cofactors(x),),
    ),
    _pull("cholesky", "its diagonal not halved", lambda g, z, x: factored(g, z, x, 0.0)),
    _pull("cholesky", "one triangle only", lambda g, z, x: (np.tril(factored(g, z, x)[0]),)),
    _pull("cholesky", "the cotangent as it comes", lambda g, z, x: (g,)),
    _pull("sort", "the permutation for its inverse", _not_inverted),
    _pull("sort", "the cotangent as it comes", lambda g, z, x, axis: (np.reshape(g, np.shape(x)),)),
    _pull("sort", "all places of a tie for each of its entries", _every_tie),
    _pull("sort", "the places of a descending order", _descending),
    _pull("take_along_axis", "a repeated index's cotangent overwritten", _overwritten),
    _pull("take_along_axis", "an average of a repeated index's cotangents", _averaged),
    _pull("take_along_axis", "the first entries' places", _in_order),
    _pull("scatter_add", "the first entries of the cotangent for its source", _cut_source),
    _pull("scatter_add", "nothing for what was added to", _emptied),
    _pull("scatter_add", "nothing for its source", lambda g, z, x, y, indices, axis: (g, 0 * y)),
    _whole_value("scatter_add", "entries replaced, not added to", _set_at),
    _pull("cumsum", "the cotangent as it comes", lambda g, z, x, axis: (np.reshape(g, np.shape(x)),)),
)
"""Bugs planted into operations that an engine need not have."""
