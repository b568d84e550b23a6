"""A judge of answers that reads vectors alone: it knows nothing of this package, of FLINT or of numpy.

Written as reference/vectors/VECTORS.md says, so that it shows how short a reader is.
"""

import gzip
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

Line = dict[str, Any]
Numbers = list[float]


def vectors(path: Path) -> Iterator[Line]:
    """Read a file of vectors."""
    with gzip.open(path, "rt", encoding="ascii") as file:
        yield from map(json.loads, file)


def can_answer(hello: Line, vector: Line) -> bool:
    """Whether an engine has all that a vector asks, by its hello of the protocol."""
    return set(vector["operations"]) <= set(hello["operations"]) and set(vector["moves"]) <= set(
        hello["moves"]
    )


def numbers(vector: Line, said: Iterable[Any]) -> Numbers:
    """Return what an answer says as one list: arrays one row after the other, `null` as zeros."""
    saying = [move for move in vector["program"] if move[0] in {"value", "gradient"}]
    found = []
    for (_, node), one in zip(saying, said, strict=True):
        if one is None:  # of a leaf, and these are made first
            leaf = vector["program"][node][1]
            found += [0.0] * (len(leaf["data"]) if isinstance(leaf, dict) else 1)
        else:
            data = one["data"] if isinstance(one, dict) else [one]
            found += [float.fromhex(number) for number in data]
    return found


def judge(vector: Line, got: Numbers, precision: str = "float64") -> str:
    """Return "right", "convention", "wrong" or "undecided"."""
    tolerances = vector["tolerance"].get(precision)
    if tolerances is None:
        return "undecided"
    if len(got) != len(vector["truth"]) or any(x - x != 0 for x in got):
        return "wrong"
    within = [
        None
        if true is None or tolerance is None
        else abs(Fraction(x) - Fraction(true[0])) <= Fraction(tolerance)
        for x, true, tolerance in zip(got, vector["truth"], tolerances, strict=True)
    ]
    if "choices" not in vector:
        return "wrong" if False in within else "right" if True in within else "undecided"
    count = len(vector["sides"])  # of derivatives; the value is before them
    if False in within[:-count]:
        return "wrong"
    if set(within[-count:]) == {True}:
        return "right"
    return at_kinks(vector, [*map(Fraction, got[-count:])], [*map(Fraction, tolerances[-count:])])


def at_kinks(vector: Line, got: list[Fraction], tolerances: list[Fraction]) -> str:
    """Judge derivatives at kinks that are not all there, or not all met."""
    choices = [[Fraction(number) for number, _ in choice] for choice in vector["choices"]]
    if not spanned(choices, got, tolerances):
        return "wrong"
    if not spanned([[total(one)] for one in choices], [total(got)], [total(tolerances)]):
        return "wrong"
    if len(choices) > 2 and len(got) > 1 and not any(near(one, got, tolerances) for one in choices):
        return "undecided"  # other choices may give it, or none
    if len(choices) == 2 and not on_segment(choices[0], choices[1], got, tolerances):
        return "wrong"
    sides = [[Fraction(number) for number, _ in pair] for pair in vector["sides"]]
    return (
        "right"
        if spanned([list(ends) for ends in zip(*sides, strict=True)], got, tolerances)
        else "convention"
    )


def total(summed: list[Fraction]) -> Fraction:
    return sum(summed, Fraction(0))


def near(choice: list[Fraction], got: list[Fraction], tolerances: list[Fraction]) -> bool:
    return all(abs(x - y) <= t for x, y, t in zip(got, choice, tolerances, strict=True))


def spanned(ends: list[list[Fraction]], got: list[Fraction], tolerances: list[Fraction]) -> bool:
    """Whether each derivative lies between the smallest and the largest of its ends."""
    columns = zip(got, zip(*ends, strict=True), tolerances, strict=True)
    return all(min(column) - t <= x <= max(column) + t for x, column, t in columns)


def on_segment(p: list[Fraction], q: list[Fraction], got: list[Fraction], tolerances: list[Fraction]) -> bool:
    """Whether one share s from 0 to 1 gives p + s (q - p), all derivatives together."""
    lowest, highest = Fraction(0), Fraction(1)
    for start, end, x, t in zip(p, q, got, tolerances, strict=True):
        if start == end:
            if abs(x - start) > t:
                return False
            continue
        ends = sorted([(x - t - start) / (end - start), (x + t - start) / (end - start)])
        lowest, highest = max(lowest, ends[0]), min(highest, ends[1])
    return lowest <= highest


def judged(hello: Line, answers: dict[int, Line], asked: Iterable[Line], precision: str) -> Counter[str]:
    """Count what is said of answers, by the number of the vector; a failed move is wrong."""
    found: Counter[str] = Counter()
    for vector in asked:
        if not can_answer(hello, vector):
            found["not supported"] += 1
            continue
        answer = answers[vector["id"]]
        failed = answer.get("failed")
        found["wrong" if failed else judge(vector, numbers(vector, answer["said"]), precision)] += 1
    return found
