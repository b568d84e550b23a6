import hashlib
import json
import random
from collections import Counter

import pytest

from nn_from_scratch.verify import generate
from nn_from_scratch.verify.expressions import Case, Step
from nn_from_scratch.verify.generate import ALL_FORMS, case, seeded
from nn_from_scratch.verify.operations import CATALOGUE
from nn_from_scratch.verify.oracles import taylor

FIRST_OPERATIONS = (
    "add",
    "sub",
    "mul",
    "div",
    "pow",
    "neg",
    "exp",
    "log",
    "sqrt",
    "sin",
    "cos",
    "tanh",
    "relu",
)
FIRST_FORMS = tuple((name, form) for name, form in ALL_FORMS if name in FIRST_OPERATIONS)


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    """The first graphs of a campaign as it is run by default."""
    return [case(seeded(0, index)) for index in range(2000)]


def test_seed_gives_the_same_graphs_on_every_machine() -> None:
    # Pinned: another Python, another libm, or a change of the generator would show here.
    drawn = (case(seeded(0, index), FIRST_FORMS) for index in range(200))
    text = "\n".join(json.dumps([one.expression.to_json(), list(one.point)]) for one in drawn)
    digest = "6950216af9868e9957153663d53124e5b4c2954cd0db5935604a777a1bf2039a"
    assert hashlib.sha256(text.encode()).hexdigest() == digest


def test_seed_and_index_choose_the_graph() -> None:
    assert case(seeded(3, 7)) == case(seeded(3, 7))
    assert len({case(seeded(seed, index)) for seed in range(5) for index in range(20)}) > 95


def test_generator_does_not_touch_the_global_random_state() -> None:
    before = random.getstate()
    case(seeded(0, 0))
    assert random.getstate() == before


def test_every_step_is_inside_its_domain(cases: list[Case]) -> None:
    for one in cases:
        values = taylor.values(one.expression, one.point)
        for step in one.expression.steps:
            operands = [values[k] for k in step.operands]
            assert CATALOGUE[step.operation].inside(*operands), f"{step} at {operands} in {one}"


def test_nearly_every_gradient_is_enclosed(cases: list[Case]) -> None:
    gradients = [taylor.enclose(one.expression, one.point)[1] for one in cases[:500]]
    assert sum(all(ball.is_finite() for ball in gradient) for gradient in gradients) > 0.99 * len(gradients)


def test_every_form_is_generated(cases: list[Case]) -> None:
    counts = Counter((step.operation, one.expression.form(step)) for one in cases for step in live(one))
    assert set(counts) == set(ALL_FORMS)
    assert min(counts.values()) >= 20


def live(one: Case) -> list[Step]:
    return one.expression.live_steps()


def test_every_special_point_is_generated(cases: list[Case]) -> None:
    met: dict[str, set[float]] = {name: set() for name in CATALOGUE}
    for one in cases:
        numbers = (*one.point, *one.expression.constants)
        for step in one.expression.live_steps():
            met[step.operation].update(numbers[k] for k in step.operands if k < one.expression.first_step)
    for name, operation in CATALOGUE.items():
        assert set(operation.special) <= met[name], f"{name}: {set(operation.special) - met[name]}"
    everywhere = set.union(*met.values())
    assert {0.0, 1.0, -1.0, 1e-8, 1e5} <= everywhere


def test_graphs_share_repeat_and_have_dead_steps(cases: list[Case]) -> None:
    uses = [Counter(k for step in one.expression.live_steps() for k in step.operands) for one in cases]
    shared = sum(
        any(count > 1 and k >= one.expression.first_step for k, count in used.items())
        for one, used in zip(cases, uses, strict=True)
    )
    repeated = sum(any(len({*s.operands}) < len(s.operands) for s in live(one)) for one in cases)
    dead = sum(len(live(one)) < len(one.expression.steps) for one in cases)
    assert min(shared, repeated, dead) > 100


def test_graphs_are_small_and_large(cases: list[Case]) -> None:
    sizes = Counter(len(one.expression.steps) for one in cases)
    assert sizes[1] > 50
    assert sum(count for size, count in sizes.items() if size > 20) > 200
    assert max(sizes) <= 30
    assert max(len(one.point) for one in cases) == 4


def test_most_steps_bounds_the_graph() -> None:
    drawn = [case(seeded(0, index), most_steps=2) for index in range(200)]
    assert {len(one.expression.steps) for one in drawn} == {1, 2}


def test_case_uses_the_given_forms_only() -> None:
    forms = (("mul", "xc"), ("tanh", "x"))
    for index in range(200):
        expression = case(seeded(0, index), forms).expression
        assert {(step.operation, expression.form(step)) for step in expression.steps} <= set(forms)


def test_case_refuses_no_forms() -> None:
    with pytest.raises(ValueError, match="no operation to build an expression from"):
        case(seeded(0, 0), ())


def test_case_without_a_step_that_fits_is_an_input() -> None:
    # The simplest choices put log at 0, where it has no value.
    drawn = case(lambda n: 0, (("log", "x"),), most_steps=1)
    assert len(drawn.expression) == len(drawn.point) + len(drawn.expression.steps)


def test_a_step_whose_guide_underflows_is_given_up() -> None:
    assert generate._guided("logaddexp", "xx", [-800.0, -800.0]) is None
