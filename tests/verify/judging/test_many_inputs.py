import math
import random
from dataclasses import replace

import pytest
from fake_engines import answering

from nn_from_scratch.verify import Case, Engine, Expression, GradientError, Step, Verdict, check, load
from nn_from_scratch.verify.engines.answers import Answer
from nn_from_scratch.verify.failures.shrink import minimal
from nn_from_scratch.verify.judging import examine as examining
from nn_from_scratch.verify.judging.examine import examine
from nn_from_scratch.verify.judging.many_inputs import bisect, direction, miss_probability

pytestmark = pytest.mark.once

OURS = load("nn_from_scratch")
ELEMENTWISE = Expression(1, (), (Step("sin", (0,)), Step("mul", (1, 0))), 2)


def many(count: int) -> Case:
    source = random.Random(count)
    point = tuple(source.uniform(-2, 2) for _ in range(count))
    return Case(ELEMENTWISE, point, ((count,),), tuple(source.uniform(0.5, 2) for _ in range(count)))


def with_entries_off(asked: list[int], off: dict[int, float]) -> Engine:
    """Return our engine with relative errors in entries of its gradient; `asked` counts its evaluations."""

    def answer(case: Case) -> Answer:
        asked.append(len(case.point))
        right = OURS.answer(case)
        gradient = [g * (1 + off.get(k, 0.0)) for k, g in enumerate(right.gradient)]
        return replace(right, gradient=tuple(gradient))

    return answering(OURS, answer)


def test_check_of_ten_thousand_inputs_catches_one_wrong_by_a_millionth(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[int] = []
    case = many(10_000)
    assert check(with_entries_off(asked, {}), case).verdict is Verdict.RIGHT
    monkeypatch.setattr(examining, "_located", lambda _format, _asked, _answer, found: found)  # it takes long
    assert examine(with_entries_off(asked, {7_919: 1e-6}), case).verdict.accuses
    assert asked == [10_000, 10_000]


def test_check_finds_the_wrong_one_of_a_thousand_with_one_evaluation_of_the_engine() -> None:
    asked: list[int] = []
    found = examine(with_entries_off(asked, {791: 1e-6}), many(1_000))
    assert (found.verdict, found.entries) == (Verdict.WRONG, (791,))
    assert asked == [1_000]
    (message,) = found.message.splitlines()
    assert message.startswith("the derivative for x0[791] is ")


def test_check_finds_several_wrong_entries() -> None:
    found = examine(with_entries_off([], {3: 1e-6, 40: -1e-9, 99: 2.0}), many(100))
    assert found.entries == (3, 40, 99)
    with pytest.raises(GradientError, match=r"x0\[3\].*\n.*x0\[40\].*\n.*x0\[99\]"):
        check(with_entries_off([], {3: 1e-6, 40: -1e-9, 99: 2.0}), many(100))


def test_many_inputs_with_a_wrong_one_shrink_to_it() -> None:
    case = many(200)
    culprit = case.point[150]

    def answer(case: Case) -> Answer:
        right = OURS.answer(case)
        pairs = zip(case.point, right.gradient, strict=True)
        return replace(right, gradient=tuple(g * (1.5 if x == culprit else 1.0) for x, g in pairs))

    engine = answering(OURS, answer)
    smallest = minimal(engine, examine(engine, case))
    assert smallest.case.point == (culprit,)


def test_bisection_asks_about_twice_a_level() -> None:
    count, asked = 10_000, 0

    def wrong(part: range) -> bool:
        nonlocal asked
        asked += 1
        return 1234 in part

    assert bisect(wrong, count) == [range(1234, 1235)]
    assert asked <= 2 * math.ceil(math.log2(count))


def test_bisection_returns_what_cannot_be_told_apart() -> None:
    assert bisect(lambda part: len(part) >= 4, 4) == [range(4)]
    assert len(bisect(lambda part: True, 100, most=5)) == 5


def test_direction_is_the_same_for_the_same_seed_and_never_small() -> None:
    assert direction(50, (1.0,)) == direction(50, (1.0,)) != direction(50, (2.0,))
    assert all(0.5 <= abs(v) <= 1.5 for v in direction(1000, 0))


def test_directions_miss_as_rarely_as_stated() -> None:
    errors, tolerance, trials = [1.0, -1.0, 0.5], 0.05, 20_000
    missed = sum(
        abs(math.fsum(v * e for v, e in zip(direction(3, seed), errors, strict=True))) <= tolerance
        for seed in range(trials)
    )
    bound = miss_probability(tolerance, 1.0)
    assert 0 < missed / trials <= bound == 0.05
    assert miss_probability(2.0, 1.0) == 1.0


def test_one_wrong_entry_is_never_missed() -> None:
    assert all(abs(direction(1, seed)[0] * 0.11) > 0.05 for seed in range(2_000))
