"""The function around the point of a failing case: its curve, the true tangent and the engine's slope."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from markupsafe import Markup

from nn_from_scratch.verify.report.formats import exact
from nn_from_scratch.verify.report.headline import Results

_WIDTH, _HEIGHT = 340.0, 200.0  # CSS pixels: of the plane
_ROOM = 0.15  # of the curve's height, above and below it
_NEAR = 3.0  # heights of the curve: what the engine has for it is drawn if it is no farther away
_ALIKE = 0.01  # of the height: what differs by less is one curve to the eye

Numbers = Sequence[float | None]


@dataclass(frozen=True)
class Sample:
    """What is known at one place of the input; None for what is no number, or was not answered."""

    x: float
    value: float | None
    slope: float | None
    got_value: float | None
    got_slope: float | None


@dataclass(frozen=True)
class Around:
    """A drawing with what its slider needs: where each sample is, and what is said there."""

    drawing: Markup
    left: float
    right: float
    middle: int
    said: str
    places: str
    says: str
    count: int
    has_other_curve: bool


def around(failure: Results, name: str) -> Around | None:
    """Draw what a failure's results hold ``around`` its point; None where that is nothing to draw.

    Parameters
    ----------
    failure
        A failure of the results.
    name
        What the input is called.

    """
    samples = _samples(failure.get("around") or {})
    known = [one.value for one in samples if one.value is not None]
    if len(known) < 2 or samples[0].x == samples[-1].x:
        return None
    plane = _Plane(samples[0].x, samples[-1].x, *_heights(samples, known))
    middle = len(samples) // 2
    places = [_place(plane, one) for one in samples]
    other = any(
        one.value is not None
        and one.got_value is not None
        and abs(plane.down(one.got_value) - plane.down(one.value)) > _ALIKE * _HEIGHT
        for one in samples
    )
    says = [_said(one, name, _rounding(failure, samples)) for one in samples]
    return Around(
        drawing=_drawn(
            plane, samples, places[middle], f"{name} and the function. {says[middle]}", other=other
        ),
        left=samples[0].x,
        right=samples[-1].x,
        middle=middle,
        said=says[middle],
        places=json.dumps(places),
        says=json.dumps(says),
        count=len(samples),
        has_other_curve=other,
    )


@dataclass(frozen=True)
class _Plane:
    """How numbers become places in the drawing."""

    left: float
    right: float
    low: float
    high: float

    @property
    def _bounds(self) -> tuple[float, float]:
        room = _ROOM * (self.high - self.low) or 0.5 * max(1.0, abs(self.high))
        return self.low - room, self.high + room

    def across(self, x: float) -> float:
        return (x - self.left) / (self.right - self.left) * _WIDTH

    def down(self, y: float) -> float:
        low, high = self._bounds
        return min(max((high - y) / (high - low) * _HEIGHT, -1e5), 1e5)

    def fall(self, slope: float) -> float:
        """Return how far a line of a slope goes down while it goes one place to the right."""
        low, high = self._bounds
        return min(max(-slope * (self.right - self.left) / _WIDTH * _HEIGHT / (high - low), -1e4), 1e4)


def _heights(samples: Sequence[Sample], known: Sequence[float]) -> tuple[float, float]:
    """Return the ends of the plane: what the engine has for the curve is in it, if it is near."""
    low, high = min(known), max(known)
    near = _NEAR * (high - low or max(1.0, abs(high)))
    got = [one.got_value for one in samples if one.got_value is not None]
    inside = [value for value in got if low - near <= value <= high + near]
    return min([low, *inside]), max([high, *inside])


def _samples(held: Results) -> list[Sample]:
    value, slope = held.get("value") or {}, held.get("slope") or {}
    xs = held.get("x") or []
    columns: list[Numbers] = [
        part.get(side) or [None] * len(xs) for side in ("expected", "got") for part in (value, slope)
    ]
    return [Sample(*row) for row in zip(xs, *columns, strict=False)]


def _place(plane: _Plane, sample: Sample) -> list[float | None]:
    """Return where a sample is: across, down, the true tangent's fall, the engine's down and its fall."""
    below = sample.value if sample.got_value is None else sample.got_value
    return [
        round(plane.across(sample.x), 2),
        None if sample.value is None else round(plane.down(sample.value), 2),
        None if sample.slope is None else round(plane.fall(sample.slope), 4),
        None if below is None else round(plane.down(below), 2),
        None if sample.got_slope is None else round(plane.fall(sample.got_slope), 4),
    ]


def _rounding(failure: Results, samples: Sequence[Sample]) -> float:
    """Return how far the engine's value may be off around the point, by the tolerance at the point."""
    tolerances, true = failure.get("tolerance") or [], samples[len(samples) // 2].value
    if len(tolerances) != 1 + len(failure.get("point") or []) or not isinstance(tolerances[0], float):
        return 0.0  # there is no single value
    largest = max(abs(one.value) for one in samples if one.value is not None)
    return tolerances[0] * (largest / abs(true) if true else 1.0)


def _said(sample: Sample, name: str, rounding: float) -> str:
    engine, true = _alike(sample.got_slope, sample.slope)
    said = f"At {name} = {sample.x:.6g} the engine’s slope is {engine}, the true one {true}"
    if _is_near(sample.got_value, sample.value, rounding):
        return said + "."
    one, other = _alike(sample.got_value, sample.value)
    return said + f"; the engine’s value is {one}, the true one {other}."


def _is_near(got: float | None, true: float | None, rounding: float) -> bool:
    return got == true or (got is not None and true is not None and abs(got - true) <= rounding)


def _alike(got: float | None, true: float | None) -> tuple[str, str]:
    """Write two numbers with so many digits that they are seen to differ, if they do."""
    texts = [_short(got, "not told"), _short(true, "none")]
    if got is not None and true is not None and texts[0] == texts[1] and got != true:
        return str(exact(got)), str(exact(true))
    return texts[0], texts[1]


def _short(x: float | None, otherwise: str) -> str:
    return otherwise if x is None else f"{x:.6g}"


def _drawn(
    plane: _Plane, samples: Sequence[Sample], place: Sequence[float | None], label: str, *, other: bool
) -> Markup:
    size = {"width": f"{_WIDTH:g}", "height": f"{_HEIGHT:g}"}
    frame = {"viewBox": f"0 0 {_WIDTH:g} {_HEIGHT:g}", "class": "around", "role": "img", "aria-label": label}
    plot = ET.Element("svg", size | frame)  # it cuts off what leaves it
    ET.SubElement(plot, "rect", {"class": "plane", **size})
    if other:
        points = [(one.x, one.got_value, one.got_slope) for one in samples]
        ET.SubElement(plot, "path", {"class": "curve engine", "d": _curve(plane, points)})
    points = [(one.x, one.value, one.slope) for one in samples]
    ET.SubElement(plot, "path", {"class": "curve", "d": _curve(plane, points)})
    x, y, fall, below, engine = place
    for kind, start, slope in (("engine", below, engine), ("reference", y, fall)):
        ends = _line(x, start, slope)
        ET.SubElement(plot, "line", {"class": f"tangent {kind}", **ends})
    dot = {"cx": f"{x:g}", "cy": f"{y:g}"} if y is not None else {"visibility": "hidden"}
    ET.SubElement(plot, "circle", {"class": "point", "r": "4.5", **dot})
    return Markup(ET.tostring(plot, encoding="unicode"))  # noqa: S704 - ET escapes text


def _line(x: float | None, y: float | None, fall: float | None) -> dict[str, str]:
    if x is None or y is None or fall is None:
        return {"visibility": "hidden"}
    return {"x1": "0", "y1": f"{y - fall * x:g}", "x2": f"{_WIDTH:g}", "y2": f"{y + fall * (_WIDTH - x):g}"}


def _curve(plane: _Plane, points: Sequence[tuple[float, float | None, float | None]]) -> str:
    """Return a path through samples, which it leaves and reaches with their slopes where these are known."""
    parts: list[str] = []
    before: tuple[float, float, float | None] | None = None
    for x, y, slope in points:
        if y is None or not math.isfinite(y):
            before = None
            continue
        here = plane.across(x), plane.down(y), None if slope is None else plane.fall(slope)
        if before is None:
            parts.append(f"M{here[0]:.5g} {here[1]:.5g}")
        elif before[2] is None or here[2] is None:
            parts.append(f"L{here[0]:.5g} {here[1]:.5g}")
        else:
            third = (here[0] - before[0]) / 3
            first = before[0] + third, before[1] + third * before[2]
            second = here[0] - third, here[1] - third * here[2]
            parts.append("C" + " ".join(f"{place:.5g}" for place in (*first, *second, *here[:2])))
        before = here
    return "".join(parts)
