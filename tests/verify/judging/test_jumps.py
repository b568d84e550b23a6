"""Functions that jump: they are judged beside a jump; at one, or within rounding of it, nobody is accused."""

from dataclasses import replace

import pytest

from nn_from_scratch.verify import Case, Expression, Step, Verdict, load
from nn_from_scratch.verify.judging.examine import examine
from nn_from_scratch.verify.questions.cases import single

pytestmark = pytest.mark.once

WHAT_JUMPS = ("remainder", "fmod")


def of_a_product(name: str, x: float) -> Case:
    """Return the case of a remainder by 0.1 of what is 0.1 times a number, but for rounding."""
    return Case(Expression(1, (0.1,), (Step("mul", (0, 1)), Step(name, (2, 1))), 3), (x,))


@pytest.mark.parametrize("name", WHAT_JUMPS)
def test_nobody_is_accused_at_a_jump_or_within_rounding_of_one(name: str) -> None:
    engine = load("nn_from_scratch")
    wrong = replace(engine, operations={**engine.operations, name: lambda x, y: x * y})
    at_jumps = (
        single(name, "xx", [3.0, 1.0]),
        single(name, "xx", [0.3, 0.1]),
        single(name, "xc", [-6.0, 1.5]),
        of_a_product(name, 3.0),
        replace(single(name, "xx", [0.3, 0.1]), tangent=(1.0, 2.0)),
    )
    for case in at_jumps:
        assert examine(engine, case).verdict is Verdict.UNDECIDED, case
        assert not examine(wrong, case).verdict.accuses, case


@pytest.mark.parametrize("name", WHAT_JUMPS)
def test_beside_a_jump_a_wrong_derivative_is_seen(name: str) -> None:
    engine = load("nn_from_scratch")
    other = engine.operations[WHAT_JUMPS[name == "remainder"]]
    wrong = replace(engine, operations={**engine.operations, name: other})
    beside = (single(name, "xx", [-3.2, 1.5]), of_a_product(name, -3.001), of_a_product(name, -2.999))
    for case in beside:
        assert examine(engine, case).verdict is Verdict.RIGHT, case
        assert examine(wrong, case).verdict is Verdict.WRONG, case


def test_fmod_does_not_jump_at_zero() -> None:
    engine = load("nn_from_scratch")
    assert examine(engine, single("fmod", "xx", [0.0, 1.5])).verdict is Verdict.RIGHT
    assert examine(engine, single("remainder", "xx", [0.0, 1.5])).verdict is Verdict.UNDECIDED
