"""Primitives that the numbers decide: comparisons, selections, orders. At ties a derivative may jump."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from flint import arb

from nn_from_scratch.verify.functions.jaxpr.interpreter import Call, Meaning, is_floating, is_shadow
from nn_from_scratch.verify.functions.jaxpr.running import running
from nn_from_scratch.verify.functions.tracing.approximations import where_alike
from nn_from_scratch.verify.functions.tracing.operations import apply
from nn_from_scratch.verify.functions.tracing.shadows import (
    Shadow,
    as_shadow,
    exact,
    mapped,
    nearest,
    of_entries,
    select,
    slope,
    value,
)


def sign_of_difference(call: Call, x: Any, y: Any) -> int:
    """Return the sign of x - y; note it where the two are equal but move apart, or cannot be told apart."""
    a, b = value(x), value(y)
    if a < b:
        return -1
    if a > b:
        return 1
    if a.is_nan() or b.is_nan():
        call.note_kink(f"{call.name} compares what is not known")
        return 0
    if not (a.is_exact() and b.is_exact()) and x is not y:
        call.note_kink(f"{call.name} cannot tell two numbers apart")
        return int(np.sign(float((a.mid() - b.mid()).mid())))
    if slope(x) != slope(y) and x is not y:
        call.note_kink(f"{call.name} compares equal numbers that move apart")
        return call.interpreter.at_ties
    return 0


def _signs(call: Call, x: Any, y: Any) -> np.ndarray[Any, np.dtype[np.int64]]:
    left, right = np.broadcast_arrays(as_shadow(x), as_shadow(y))
    rows = zip(left.ravel(), right.ravel(), strict=True)
    return np.array([sign_of_difference(call, a, b) for a, b in rows], dtype=int).reshape(left.shape)


def _comparison(holds: Callable[[Any], Any]) -> Meaning:
    def meaning(call: Call) -> Any:
        return np.asarray(holds(_signs(call, *call.operands)))

    return meaning


def maximum(call: Call, x: Any, y: Any) -> Shadow:
    """Return the larger of each pair."""
    return select(_signs(call, x, y) >= 0, x, y)


def minimum(call: Call, x: Any, y: Any) -> Shadow:
    """Return the smaller of each pair."""
    return select(_signs(call, x, y) <= 0, x, y)


def _clamp(call: Call) -> Any:
    low, x, high = call.operands
    return minimum(call, maximum(call, x, low), high)


def _absolute(call: Call) -> Any:
    x = call.operands[0]
    return select(_signs(call, x, exact(0.0)) >= 0, x, apply("negative", x))


def _sign(call: Call) -> Any:
    return exact(_signs(call, call.operands[0], exact(0.0)))


def _stepped(step: Callable[[arb], arb]) -> Meaning:
    """Return a function that is constant between its jumps."""

    def at(call: Call, entry: Any) -> arb:
        x = value(entry)
        found = step(x)
        if not found.is_exact():
            call.note_kink(f"{call.name} is asked beside a jump")
            return step(x.mid())
        if slope(entry) != 0 and step(x + arb(0, 2.0**-200)) != step(x - arb(0, 2.0**-200)):
            call.note_kink(f"{call.name} is asked at a jump")
        return found

    def meaning(call: Call) -> Any:
        return mapped(lambda entry: at(call, entry), call.operands[0])

    return meaning


def _rounded(call: Call) -> Any:
    if int(call.parameters["rounding_method"]) == 1:  # to even
        return _stepped(_nearest_even)(call)
    return _stepped(lambda x: (abs(x) + 0.5).floor() * (1 if x >= 0 else -1))(call)


def _nearest_even(x: arb) -> arb:
    low = (x + 0.5).floor()
    if low.is_exact() and low - x == arb(0.5) and not (low / 2).is_integer():
        return low - 1
    return low


def _remainder(call: Call) -> Any:
    """Return what division leaves, of the sign of the dividend."""
    x, y = call.operands
    quotient = apply("divide", x, y)
    whole = _stepped(lambda q: q.floor() if q >= 0 else q.ceil())(
        Call(call.interpreter, call.equation, [quotient])
    )
    return apply("subtract", x, apply("multiply", whole, y))


def _is_finite(call: Call) -> Any:
    entries = [bool(value(x).is_finite()) for x in call.operands[0].ravel()]
    return np.array(entries, dtype=bool).reshape(call.operands[0].shape)


def _select(call: Call) -> Any:
    which, *cases = call.operands
    if is_floating(call.dtype):
        shadows = [as_shadow(x) for x in cases]
        return chosen(_unless_alike(call, which, shadows), shadows)
    plain = [np.asarray(x) for x in cases]
    return np.choose(np.broadcast_to(np.asarray(which).astype(int), plain[0].shape), plain)


def _unless_alike(call: Call, which: Any, cases: Sequence[Shadow]) -> Any:
    """Return which of two cases is chosen, and note whether they are nearly alike; another if it is asked."""
    switches, taking = call.interpreter.switches, call.interpreter.taking
    if switches is None or len(cases) != 2:
        return which
    near = where_alike(*map(nearest, cases))
    if not near.any():
        return which
    switches.append(call.place)
    return np.where(near, taking[1], which) if taking is not None and taking[0] == call.place else which


def chosen(which: Any, cases: Sequence[Shadow]) -> Shadow:
    """Return at each place the entry of the case that is chosen there, by its number."""
    shape = cases[0].shape
    numbers = np.broadcast_to(np.asarray(which).astype(int), shape).ravel().tolist()
    flat = [x.ravel() for x in cases]
    return of_entries((flat[k][place] for place, k in enumerate(numbers)), shape)


def _rows(call: Call) -> Shadow:
    """Return the entries among which one is chosen, a row for each result."""
    x, axes = call.operands[0], call.parameters["axes"]
    kept = [k for k in range(x.ndim) if k not in axes]
    sizes = [math.prod(x.shape[k] for k in part) for part in (kept, axes)]
    return np.transpose(x, [*kept, *axes]).reshape(sizes)


def _extreme(sign: int) -> Meaning:
    """Return the largest or smallest entry over axes; ties that move apart are kinks."""

    def meaning(call: Call) -> Any:
        return of_entries((row[winner(call, row, sign)] for row in _rows(call)), call.outputs[0].shape)

    return meaning


def winner(call: Call, row: Any, sign: int) -> int:
    """Return the place of the largest entry; only ties with it matter."""
    numbers = nearest(row) * sign
    if np.isnan(numbers).any():
        return int(np.argmax(np.isnan(numbers)))
    best = int(np.argmax(numbers))
    for k in np.flatnonzero(numbers >= numbers[best] - abs(numbers[best]) * 2.0**-50):
        if k != best and sign_of_difference(call, row[int(k)], row[best]) * sign > 0:
            best = int(k)
    return best


def _place_of_extreme(sign: int) -> Meaning:
    def meaning(call: Call) -> Any:
        places = [winner(call, row, sign) for row in _rows(call)]
        return np.array(places, dtype=call.dtype).reshape(call.outputs[0].shape)

    return meaning


def _sort(call: Call) -> Any:
    axis, keys = call.parameters["dimension"], call.parameters["num_keys"]
    numbers = [nearest(x) if is_shadow(x) else np.asarray(x) for x in call.operands]
    if keys == 1:
        order = np.argsort(numbers[0], axis=axis, kind="stable")
    else:
        order = np.lexsort(numbers[:keys][::-1], axis=axis)
    found = [np.take_along_axis(x, order, axis) for x in map(np.asarray, call.operands)]
    for x in found[:keys]:
        if is_shadow(x):
            rows = np.moveaxis(x, axis, 0)
            for before, after in itertools.pairwise(rows):
                _signs(call, as_shadow(before), as_shadow(after))
    return found


def _largest(call: Call) -> Any:
    """Return the largest entries along an axis and their places; ties with what is left out are noted too."""
    x, axis, count = call.operands[0], call.parameters["axis"], call.parameters["k"]
    order = np.argsort(-nearest(x), axis=axis, kind="stable")
    rows = np.moveaxis(np.take_along_axis(x, order, axis), axis, 0)
    for before, after in itertools.pairwise(rows[: count + 1]):
        _signs(call, as_shadow(before), as_shadow(after))
    kept = np.take(order, np.arange(count), axis)
    return [np.take_along_axis(x, kept, axis), kept.astype(call.outputs[1].dtype)]


def _sign_bit(call: Call) -> Any:
    """Return whether numbers are negative; the sign of 0 is not known here."""
    return np.asarray(_signs(call, call.operands[0], exact(0.0)) < 0)


DECIDING: dict[str, Meaning] = {
    "abs": _absolute,
    "argmax": _place_of_extreme(1),
    "argmin": _place_of_extreme(-1),
    "ceil": _stepped(lambda x: x.ceil()),
    "clamp": _clamp,
    "cummax": running(maximum),
    "cummin": running(minimum),
    "eq": _comparison(lambda signs: signs == 0),
    "eq_to": _comparison(lambda signs: signs == 0),
    "floor": _stepped(lambda x: x.floor()),
    "ge": _comparison(lambda signs: signs >= 0),
    "gt": _comparison(lambda signs: signs > 0),
    "is_finite": _is_finite,
    "le": _comparison(lambda signs: signs <= 0),
    "le_to": _comparison(lambda signs: signs <= 0),
    "lt": _comparison(lambda signs: signs < 0),
    "lt_to": _comparison(lambda signs: signs < 0),
    "max": lambda call: maximum(call, *call.operands),
    "min": lambda call: minimum(call, *call.operands),
    "ne": _comparison(lambda signs: signs != 0),
    "reduce_max": _extreme(1),
    "reduce_min": _extreme(-1),
    "rem": _remainder,
    "round": _rounded,
    "select_n": _select,
    "sign": _sign,
    "signbit": _sign_bit,
    "sort": _sort,
    "top_k": _largest,
}
"""Meanings of the primitives that the numbers decide."""
