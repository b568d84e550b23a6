import json
from dataclasses import replace

import pytest
from fake_engines import answering

from nn_from_scratch.verify import Engine, load
from nn_from_scratch.verify.engines.answers import Answer
from nn_from_scratch.verify.faults import RULES, Victim
from nn_from_scratch.verify.judging.conventions import KINKS, conventions
from nn_from_scratch.verify.oracles.reference import read
from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.operations import OPERATIONS


@pytest.fixture(scope="module")
def ours() -> Engine:
    return load("nn_from_scratch")


def test_every_operation_with_branches_is_asked_at_its_kink() -> None:
    branching = {name for name, operation in OPERATIONS.items() if operation.distance}
    assert branching | {"pow", "sqrt", "hypot", "arctan2", "std", "norm"} == {kink.form[0] for kink in KINKS}
    assert len({kink.at for kink in KINKS}) == len(KINKS)


def test_our_engine_follows_pytorch_wherever_pytorch_gives_a_number(ours: Engine) -> None:
    for row in conventions(ours):
        if row["operation"] in {"fmax", "fmin"}:  # shared as by maximum; PyTorch gives x all, JAX gives y all
            assert {row["pytorch"], row["jax"]} == {0.0, 1.0} == {*row["between"]}
            assert row["engine"] == 0.5
        else:
            assert row["engine"] == row["pytorch"] or row["pytorch"] == "nan", row["at"]


@pytest.mark.parametrize(
    ("at", "between"),
    [
        ("relu(x) at x = 0", (0, 1)),
        ("abs(x) at x = 0", (-1, 1)),
        ("minimum(x, y) at x = 1, y = 1, by y", (0, 1)),
        ("max(x) at x = [1, 1], by x[1]", (0, 1)),
        ("1 y[0] + 2 y[1] of y = sort(x) at x = [1, 1], by x[0]", (1, 2)),
        ("where(x, y, z) at x = 0, y = 2, z = 3, by z", (1, 1)),
        ("clip(x, 1, -1) at x = 0", (0, 0)),
        ("x ** 0 at x = 0", (0, 0)),
        ("x ** 2 at x = 0", (0, 0)),
        ("sqrt(x) at x = 0", None),
        ("hypot(x, y) at x = 0, y = 0, by x", None),
        ("ptp(x) at x = [1, 1], by x[0]", (-1, 1)),
        ("median(x) at x = [1, 1, 2], by x[0]", (0, 1)),
        ("quantile(x) at x = [1, 1, 2], by x[0]", (0, 1)),
        ("interp(x, [1, 2], xp=(0, 1)) at x = [0], by x[0]", (0, 1)),
        ("std(x) at x = [1, 1], by x[0]", None),
    ],
)
def test_between_are_the_one_sided_derivatives(at: str, between: tuple[float, float] | None) -> None:
    assert next(kink for kink in KINKS if kink.at == at).between() == between


def test_our_engine_is_between_the_one_sided_derivatives(ours: Engine) -> None:
    rows = [row for row in conventions(ours) if row["between"]]
    assert len(rows) > 20
    assert all(row["between"][0] <= row["engine"] <= row["between"][1] for row in rows)


def test_an_engine_with_another_slope_is_shown_with_it() -> None:
    steep = Victim({**RULES, "relu": (lambda x: max(x, 0.0), lambda z, x: (float(x >= 0),))})
    (row, *_) = conventions(steep.engine("steep"))
    assert (row["at"], row["engine"], row["pytorch"]) == ("relu(x) at x = 0", 1.0, 0.0)


def test_what_is_no_number_is_told_in_words(ours: Engine) -> None:
    def raise_it(_: Case) -> Answer:
        raise ZeroDivisionError

    for answer, told in (
        (raise_it, "raises ZeroDivisionError"),
        (lambda case: Answer(0.0, (float("nan"),) * 3), "nan"),
        (lambda case: Answer(0.0, (float("-inf"),) * 3), "-inf"),
    ):
        rows = conventions(answering(ours, answer))
        assert {row["engine"] for row in rows} == {told}
        json.dumps(rows, allow_nan=False)


def test_a_missing_operation_has_no_convention() -> None:
    scalars = replace(load("nn_from_scratch"), arrays=False, complete=False, operations={})
    assert {row["engine"] for row in conventions(scalars)} == {None}


@pytest.mark.once
@pytest.mark.parametrize("name", ["pytorch", "jax"])
def test_recorded_conventions_are_those_of_the_installed_package(name: str) -> None:
    pytest.importorskip("torch" if name == "pytorch" else name)
    engine, recorded = load(name), read("conventions.json")["conventions"]
    assert {kink.at: kink.answer(engine) for kink in KINKS} == {at: row[name] for at, row in recorded.items()}


def test_an_operation_that_an_engine_need_not_have_is_shown_of_those_that_have_it() -> None:
    pytest.importorskip("torch")
    ours = load("nn_from_scratch")
    fewer = {name: operation for name, operation in ours.operations.items() if name != "sort"}
    shown, pytorch, less = (
        {row["operation"] for row in conventions(engine)}
        for engine in (ours, load("pytorch"), replace(ours, operations=fewer))
    )
    assert pytorch == shown
    assert shown - less == {"sort"}
