"""The function around the point of a failing case, along one input: its truth, and what the engine says.

Of a case that is differentiated along its tangent first, the function is that derivative.

So that a person sees what a wrong derivative is: a tangent that does not touch the curve as it should.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from flint import arb

from nn_from_scratch.verify.engines.deaths import DeathError, NotAskedError
from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.judging.examine import Examination
from nn_from_scratch.verify.judging.verdicts import Verdict
from nn_from_scratch.verify.oracles import taylor
from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.lower import lower

_SIDE = 10  # samples on either side of the point
_REACHES = tuple(4.0**-k for k in range(7))  # of the larger of 1 and the point: how far the outermost is
_EVEN = 10.0  # how much steeper than on average the function may be somewhere
_SHARP = 1e-9  # of its midpoint: a ball that is wider is at a jump or kink, and no number


def around(engine: Engine, found: Examination) -> dict[str, Any] | None:
    """Sample the function and its derivative by the input that is most wrong; the engine is asked at each.

    Parameters
    ----------
    engine
        The system under test.
    found
        What failed. Nothing is said where the engine did not answer.

    Returns
    -------
    dict or None
        As the results JSON has it: the position of the input in the point, samples ``x`` of it, and value and
        slope beside the truth. What is not finite, or was not answered, is None.

    """
    case = found.case
    if found.verdict is Verdict.ERROR or not case.point:
        return None
    coordinate = _most_wrong(found)
    scalar = lower(case) if case.shapes else case
    xs, truth = _window(engine, scalar, coordinate)
    answers = _answers(engine, case, coordinate, xs)
    return {
        "coordinate": coordinate,
        "x": xs,
        "value": {"got": [value for value, _ in answers], "expected": [value for value, _ in truth]},
        "slope": {"got": [slope for _, slope in answers], "expected": [slope for _, slope in truth]},
    }


def _most_wrong(found: Examination) -> int:
    """Return the position in the point by which the derivative is most wrong; 0 if only the value is."""
    if not found.entries and len(found.gradient) != len(found.case.point):
        return 0  # judged along a direction
    errors = [one.in_tolerances if one.verdict.accuses else 0.0 for one in found.gradient]
    place = max(range(len(errors)), key=errors.__getitem__, default=0)
    return found.entries[place] if found.entries else place


def _window(
    engine: Engine, scalar: Case, coordinate: int
) -> tuple[list[float], list[tuple[float | None, ...]]]:
    """Return samples around the point with value and slope, as far as the function is defined and even."""
    middle = scalar.point[coordinate]
    xs: list[float] = []
    truth: list[tuple[float | None, ...]] = []
    for reach in _REACHES:
        step = reach * max(1.0, abs(middle)) / _SIDE
        xs = [engine.format.nearest(middle + k * step) for k in range(-_SIDE, _SIDE + 1)]
        truth = [_true(scalar, coordinate, x) for x in xs]
        known = [abs(slope) for value, slope in truth if value is not None and slope is not None]
        # A kink may be amid, but the ends are no edges of the domain.
        whole = len(known) >= 2 * _SIDE and None not in (*truth[0], *truth[-1])
        if whole and max(known) <= _EVEN * sum(known) / len(known):
            break
    return xs, truth


def _true(scalar: Case, coordinate: int, x: float) -> tuple[float | None, ...]:
    point = _moved(scalar.point, coordinate, x)
    along = [float(k == coordinate) for k in range(len(point))]
    if scalar.tangent:
        value, derivatives = taylor.enclose_second(scalar.expression, point, scalar.tangent, [along])
    else:
        value, derivatives = taylor.enclose(scalar.expression, point, directions=[along])
    return _number(value), _number(derivatives[0])


def _number(ball: arb) -> float | None:
    """Return what a ball holds, rounded to float64, or None for one that tells no number."""
    if not ball.is_finite() or float(ball.rad()) > _SHARP * float(ball.abs_upper()) > 0:
        return None
    return _finite(float(ball.mid()))


def _answers(
    engine: Engine, case: Case, coordinate: int, xs: Sequence[float]
) -> list[tuple[float | None, ...]]:
    """Ask the engine at each sample, those near the point first, until its process dies."""
    answers: list[tuple[float | None, ...]] = [(None, None)] * len(xs)
    for k in sorted(range(len(xs)), key=lambda k: abs(k - _SIDE)):
        try:
            with np.errstate(all="ignore"):
                answer = engine.answer(replace(case, point=_moved(case.point, coordinate, xs[k])))
        except (DeathError, NotAskedError):
            break
        except Exception:  # noqa: BLE001, S112  outside of the domain it may raise
            continue
        answers[k] = _finite(float(answer.value)), _finite(float(answer.gradient[coordinate]))
    return answers


def _moved(point: Sequence[float], coordinate: int, x: float) -> tuple[float, ...]:
    return (*point[:coordinate], x, *point[coordinate + 1 :])


def _finite(x: float) -> float | None:
    return x if math.isfinite(x) else None
