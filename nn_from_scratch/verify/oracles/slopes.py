"""The derivative of a function along one direction from its values alone, with the error of it.

Central differences at steps that halve, extrapolated to step 0 (L. F. Richardson; C. J. F. Ridders, "Accurate
computation of F'(x) and F'(x) F''(x)", Advances in Engineering Software 4, 1982), each entry of the table
with an error of its own:

* what its neighbours in the table differ by: the worse neighbour's error;
* the noise of the function *at these steps*: what a polynomial leaves of five consecutive values. A
  function that oscillates between two steps, or was computed coarsely, shows it here, and nowhere else;
* half a unit in the last place of the values, and the size of a stair where neighbouring values are the same.

Steps at which the function is as smooth as its rounding allows are *resolved*: there the finest structure
that the values show is seen. Steps at which it is not, but at which its noise stays the same from step to
step, are a *plateau*: what is seen there is the function that was meant, if it was computed coarsely, or not
the function at all, if it oscillates. Values alone do not tell which. So an answer that fits one and not the
other is not accused.

A kink at the point shows in the even part of the values, which is proportional to the step there, not to its
square.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nn_from_scratch.verify.oracles.line import FAR, Line
from nn_from_scratch.verify.oracles.noise import SAMPLES, difference_noise, shown_unit, unit_roundoff

Floats = npt.NDArray[np.float64]

SAFETY = 6.0
"""Times the noise."""
_SPREAD = 2.0  # times what neighbours in the table differ by: the worse of them is off by about as much
_ORDERS = 3
_WINDOW = 5  # values that noise is seen in
_LIKE = 16.0  # times the finest noise, or a rounding: the function is still smooth
_LONG = 4  # halvings of a step
_STEEP = 16.0  # what noise falls by over so many, if it is no noise but what a polynomial leaves
_LONGER = 16.0  # times the shortest of the long steps
_EXPLODING = _LONGER**3  # times what the shortest of them changes by: as a fourth power does at 0
_NOTHING = 1e3  # times the noise: a function that is nowhere larger is 0
_SURE_STAIR = 2.0**10  # times rounding: a change from nothing that is worth a closer look
_STAIR = 64.0  # times rounding: a stair that no rounding explains
_RESOLVED = 2.0**-46  # of the inputs: steps by which they certainly move
_SUMMED = 2.0**10  # roundings of the inputs: what a sum that cancels may lose; more is no rounding
QUICK = range(3, 10)
"""Exponents of the steps that a smooth function is asked at first."""
SHORTER, LONGER = range(5, 12), range(2, 9)
"""Those of a function of many inputs, in float64, and in float32, whose values are coarser."""
SHORT = range(21, 26)
"""Those by which few of a million inputs pass a kink."""


@dataclass
class Estimate:
    """A number, and how far it may be off."""

    value: float
    error: float

    @property
    def low(self) -> float:
        """The smallest that it may be."""
        return self.value - self.error

    @property
    def high(self) -> float:
        """The largest that it may be."""
        return self.value + self.error


@dataclass
class Slope:
    """What is known of the derivative along a direction.

    `fine` is seen at resolved steps, `coarse` on a plateau of noise; either may be missing. `kink` is half
    of what the derivatives at both sides differ by, 0 where the function is smooth. `scale` is how much the
    function changes along long steps, for each unit of the step; that of its terms, if it is 0 but for their
    rounding, and infinite if it is constant. `noise` is the usual one, and `rough` that of the plateau, 0 if
    there is none; both are in units of the function's values. `edge` says that the function is not defined
    at one side, `flat` that it does not change at all until a stair that no rounding explains, and `still`
    that it does not change at all at any step.
    """

    fine: Estimate | None
    coarse: Estimate | None
    kink: Estimate
    scale: float
    noise: float
    rough: float
    unit: float
    edge: bool = False
    flat: bool = False
    still: bool = False

    @property
    def best(self) -> Estimate | None:
        """The narrower one."""
        known = [x for x in (self.fine, self.coarse) if x is not None]
        return min(known, key=_error) if known else None


def measure(line: Line, exponents: range, *, thorough: bool = True) -> Slope:
    """Estimate the derivative along a line.

    Parameters
    ----------
    line
        The function.
    exponents
        The steps are 2 to minus these; consecutive numbers.
    thorough
        Whether to look for noise among values at equal distances, for stairs, and for a constant far away.

    """
    steps = line.jitter * 2.0 ** -np.array(exponents, dtype=np.float64)
    up = np.array([line(step) for step in steps])
    down = np.array([line(-step) for step in steps])
    first = _first_defined(up, down)
    steps, up, down = steps[first:], up[first:], down[first:]
    unit = shown_unit(line.values(), line.dtype, expected=line.unit)
    if len(steps) < _WINDOW:
        return Slope(None, None, Estimate(0.0, np.inf), 0.0, np.inf, 0.0, unit, edge=True)
    height = np.maximum(np.maximum(np.abs(up), np.abs(down)), abs(line.centre))
    rounding = unit * height + line.roughness
    odd, even = (up - down) / 2, (up - line.centre + (down - line.centre)) / 2
    stair = _stairs(line, steps, up, down, rounding if thorough else None)
    even_weights = _EVEN if thorough else _SMOOTH_EVEN
    rough = np.maximum(_remainder(odd, steps, _ODD), _remainder(even, steps, even_weights))
    noise = np.maximum(np.maximum(_around(rough, len(steps)), stair), rounding / 2)
    base = _finest(rough, stair, rounding)
    resolved = noise <= np.maximum(_LIKE * base, (_LIKE if thorough else _SURE_STAIR) * rounding)
    resolved = _without_a_gap(resolved)
    plateau = _plateau(resolved, rough)
    table = _table(odd / steps, steps, line.natural, noise, 4.0)
    fine, coarse = table.best(resolved), table.best(plateau)
    bend = _table(even / steps, steps, line.natural, noise, 2.0)
    kink = bend.kink(resolved)
    if thorough and fine is not None and not kink.value:
        fine = _with_difference_noise(line, table, resolved, fine)
    change = np.maximum(np.abs(up - line.centre), np.abs(down - line.centre))
    scale = _scale(change, steps)
    if thorough and not change.any():
        scale = _far_scale(line)
    elif thorough and _cancels(
        line, float(change.max()), float(height.max()), max(base, float(np.median(noise))), unit
    ):
        scale = _cancelled_scale(line, max(base, float(np.median(noise))), unit)
    loud = float(noise[plateau].max(initial=0.0))
    return Slope(
        fine,
        coarse,
        kink,
        scale,
        float(np.median(noise)),
        loud,
        unit,
        flat=_is_flat(line, steps, stair, height, unit),
        still=not change.any(),
    )


@dataclass
class _Table:
    """All entries of an extrapolation table: value, error, and the first and last row they are made of."""

    values: Floats
    errors: Floats
    first: npt.NDArray[np.intp]
    last: npt.NDArray[np.intp]
    gains: Floats

    def chosen(self, rows: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        sums = np.concatenate([[0], np.cumsum(~rows)])
        return np.asarray(sums[self.last + 1] == sums[self.first])

    def index(self, rows: npt.NDArray[np.bool_]) -> int | None:
        errors = self.agreed(rows)
        best = int(errors.argmin())
        return best if np.isfinite(errors[best]) else None

    def agreed(self, rows: npt.NDArray[np.bool_]) -> Floats:
        """Return the errors, none smaller than finer steps, within theirs, say; infinite for other rows."""
        errors = np.where(self.chosen(rows), self.errors, np.inf)
        with np.errstate(invalid="ignore"):
            apart = np.abs(self.values[:, None] - self.values) - errors
        finer = self.last >= self.last[:, None]
        return np.asarray(np.maximum(errors, np.where(finer, apart, 0.0).max(axis=1)))

    def best(self, rows: npt.NDArray[np.bool_]) -> Estimate | None:
        """Return the narrowest entry that is made of some rows only."""
        best = self.index(rows)
        return None if best is None else Estimate(float(self.values[best]), float(self.agreed(rows)[best]))

    def kink(self, rows: npt.NDArray[np.bool_]) -> Estimate:
        """Return the limit at step 0 if it is not 0, and no finer steps say that it is."""
        best = self.index(rows)
        if best is None:
            return Estimate(0.0, np.inf)
        found = Estimate(float(self.values[best]), float(self.errors[best]))
        finer = self.chosen(rows) & (self.last >= self.last[best])
        apart = np.abs(self.values - found.value) > self.errors + found.error
        if abs(found.value) <= found.error or (finer & apart).any():
            return Estimate(0.0, found.error)
        return found


def _table(slopes: Floats, steps: Floats, natural: float, noise: Floats, base: float) -> _Table:
    """Extrapolate slopes to step 0; their errors are a series in the step to the power log2(base)."""
    count = len(steps)
    weights = np.eye(count)
    column = slopes
    parts: list[tuple[Floats, ...]] = []
    for order in range(1, _ORDERS + 1):
        power = base**order - 1
        weights = weights[1:] + (weights[1:] - weights[:-1]) / power
        better = column[1:] + (column[1:] - column[:-1]) / power
        spread = np.maximum(np.abs(better - column[1:]), np.abs(better - column[:-1]))
        # What noise of the size 1 does; an oscillation below the noise may be as short as the natural length.
        gain = np.sqrt((weights**2) @ (1 / np.minimum(steps, natural) ** 2))
        first = np.arange(count - order)
        loud = np.array([noise[k : k + order + 1].max() for k in first])
        errors = _SPREAD * spread + SAFETY * loud * gain + 2.0**-52 * np.abs(better)
        parts.append((better, errors, first.astype(float), (first + order).astype(float), gain))
        column = better
    values, errors, firsts, lasts, gains = (np.concatenate(x) for x in zip(*parts, strict=True))
    return _Table(
        values, np.where(np.isnan(errors), np.inf, errors), firsts.astype(int), lasts.astype(int), gains
    )


def _with_difference_noise(
    line: Line, table: _Table, rows: npt.NDArray[np.bool_], fine: Estimate
) -> Estimate:
    """Widen an estimate by the noise among values at equal distances, of the steps that it is made of."""
    best = table.index(rows)
    if best is None:
        return fine
    spacing = line.jitter * 2.0 ** -(SAMPLES // 2) / table.gains[best]
    values = np.array([line(k * spacing) for k in range(-(SAMPLES // 2), SAMPLES // 2 + 1)])
    noise = difference_noise(values) if np.isfinite(values).all() else None
    return (
        fine
        if noise is None
        else Estimate(fine.value, max(fine.error, SAFETY * noise * float(table.gains[best])))
    )


def _plateau(resolved: npt.NDArray[np.bool_], rough: Floats) -> npt.NDArray[np.bool_]:
    """Return the steps that are not resolved, whose noise does not fall as what a polynomial leaves does."""
    found = np.zeros(len(resolved), dtype=bool)
    for k in range(len(rough) - _LONG):
        if not resolved[k + _LONG] and rough[k + _LONG] > rough[k] / _STEEP:
            found[k : k + _LONG + _WINDOW] = True
    return found & ~resolved


def _without_a_gap(resolved: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Take for resolved no step longer than two which are not: an oscillation can hide from a few values."""
    gaps = np.flatnonzero(~resolved[:-1] & ~resolved[1:])
    gaps = gaps[gaps < len(resolved) * 3 // 4]
    found = resolved.copy()
    if gaps.size:
        found[: gaps[-1]] = False
    return found


def _first_defined(up: Floats, down: Floats) -> int:
    """Return from which step on all values are finite."""
    bad = np.flatnonzero(~np.isfinite(up + down))
    return int(bad[-1]) + 1 if bad.size else 0


def _stairs(line: Line, steps: Floats, up: Floats, down: Floats, rounding: Floats | None) -> Floats:
    """Return the size of a stair at each step: where nothing changes, the smallest change longer steps make.

    It is 0 at longer steps, unless the change is found to be a jump that no rounding explains: then those
    values are no better than the stair, however well a polynomial fits them.
    """
    changes = np.stack([np.abs(up - line.centre), np.abs(down - line.centre)])
    flat = changes.max(axis=0) == 0
    if not flat.any():
        return np.zeros(len(steps))
    least = np.minimum.accumulate(np.where(changes > 0, changes, np.inf).min(axis=0))
    jumps = np.zeros(len(steps))
    if rounding is not None:
        for k in np.flatnonzero(flat[1:] & ~flat[:-1]):
            if least[k] > _SURE_STAIR * rounding[k]:
                side = 1.0 if changes[0, k] > 0 else -1.0
                jump = line.change_where_it_begins(side, steps[k + 1], steps[k])
                least[k + 1 :] = np.minimum(least[k + 1 :], jump)
                if jump > _SURE_STAIR * rounding[k]:
                    jumps[: k + 1] = np.maximum(jumps[: k + 1], jump)
    return np.where(flat & np.isfinite(least), least, jumps)


def _is_flat(line: Line, steps: Floats, stair: Floats, height: Floats, unit: float) -> bool:
    """Say whether nothing changes near the point, at steps that the inputs resolve, until a sure stair."""
    still = np.array([line(step) == line.centre == line(-step) for step in steps])
    resolved = steps * line.length() > _RESOLVED * line.size()
    rounding = _sure_unit(line, unit) * height + line.roughness
    return bool((still & resolved & (stair > _STAIR * rounding)).any())


def _sure_unit(line: Line, unit: float) -> float:
    """Return the unit roundoff that values surely have: small whole numbers look like those of float16."""
    return max(unit_roundoff(line.dtype), min(unit, unit_roundoff(np.float32)))


def _remainder(part: Floats, steps: Floats, weights: Floats) -> Floats:
    """Return what a polynomial leaves of each five consecutive values, in units of the noise of one."""
    windows = np.lib.stride_tricks.sliding_window_view(part / steps, _WINDOW)
    lengths = np.lib.stride_tricks.sliding_window_view(steps, _WINDOW)
    return np.asarray(np.abs(windows @ weights) / np.sqrt(((weights / lengths) ** 2).sum(axis=1)))


def _around(rough: Floats, count: int) -> Floats:
    """Return the noise at each step: the largest in the windows that it is in, and one beside them."""
    padded = np.full(count + 4, 0.0)
    padded[4 : 4 + len(rough)] = rough
    windows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)
    return np.asarray(windows.max(axis=1))


def _finest(rough: Floats, stair: Floats, rounding: Floats) -> float:
    """Return the noise at the shortest steps."""
    shortest = max(3, len(rough) // 4)
    return float(max(np.median(rough[-shortest:]), np.median(stair[-shortest:]), rounding[-1] / 2))


def _scale(change: Floats, steps: Floats) -> float:
    """Return the most that values change along long steps, for each unit of the step.

    Where they explode, as a power of 300 does beside 1, that says nothing of the point.
    """
    long = steps >= steps[0] / _LONGER
    rates = change[long] / steps[long]
    least = float(rates.min())
    return min(float(rates.max()), _EXPLODING * least) if least > 0 else float(rates.max())


def _cancels(line: Line, change: float, height: float, noise: float, unit: float) -> bool:
    """Say whether values are those of a sum that cancels: 0, as exactly as it can be computed."""
    return (
        noise <= _SUMMED * _sure_unit(line, unit) * line.size()
        and height <= _NOTHING * noise
        and change <= 2 * height
    )


def _cancelled_scale(line: Line, noise: float, unit: float) -> float:
    """Return the scale of the terms whose sum is 0 but for their rounding, for each unit of the step."""
    return noise / unit * line.length() / line.size()


def _far_scale(line: Line) -> float:
    """Return the scale of a function that is constant near the point."""
    far = 0.0
    for step in FAR:
        for side in (step, -step):
            value = line(side * line.jitter)
            if np.isfinite(value):
                far = max(far, abs(value - line.centre) / step)
    return far or np.inf


def _error(estimate: Estimate) -> float:
    return estimate.error


def _blind_to(powers: tuple[int, ...]) -> Floats:
    """Return weights of five values at steps that halve, for which these powers of the step add up to 0."""
    lengths = 2.0 ** -np.arange(_WINDOW)
    return np.asarray(np.linalg.svd(np.array([lengths**power for power in powers]))[2][-1])


_ODD = _blind_to((0, 2, 4, 6))
_EVEN = _blind_to((0, 1, 2, 3))  # from a kink on, the powers of either side
_SMOOTH_EVEN = _blind_to((0, 1, 3, 5))
