import numpy as np
import pytest
from fake_engines import answering

from nn_from_scratch.verify.engines.adapters import ours
from nn_from_scratch.verify.engines.answers import Answer
from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.faults import CORE, FAULTS, Fault, Victim
from nn_from_scratch.verify.oracles.reference import read
from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.expressions import Expression
from nn_from_scratch.verify.training import sensitivity
from nn_from_scratch.verify.training.any_engine import loss_expression, train_by
from nn_from_scratch.verify.training.judge import judge_losses, judge_steps
from nn_from_scratch.verify.training.recorded import load

pytestmark = pytest.mark.once

INVISIBLE = {
    # what training never does, and so no loss curve can show
    "pow: no gradient for the exponent",
    "relu: slope 2 at 0",
    "sigmoid: an exponential that overflows",
    "left over",
    "current values",
    "interned",
}


def used(expression: Expression) -> set[str]:
    return {step.operation for step in expression.steps}


@pytest.mark.parametrize("name", sensitivity.SMALL_RUNS)
def test_the_small_runs_use_the_operations_that_are_said(name: str) -> None:
    assert used(loss_expression(load(name))) == sensitivity.SMALL_RUNS[name]


def test_the_loss_as_an_expression_is_the_loss() -> None:
    run = load("sizes-2-4-3-1")
    answer = Victim().engine("plain").answer(Case(loss_expression(run), tuple(run.start)))
    assert answer.value == pytest.approx(run.losses[0], rel=1e-14)


@pytest.mark.parametrize("engine", [Victim().engine("plain"), ours.engine], ids=lambda engine: engine.name)
def test_a_right_engine_of_scalars_is_not_accused(engine: Engine) -> None:
    run = load("sizes-2-4-3-1")
    for passed in train_by(engine, run):
        if len(passed.losses) == 12:
            break
    assert judge_losses(passed.losses, run).outcome == "right"
    assert judge_steps(passed, run).outcome == "right"


def test_an_engine_that_raises_is_caught() -> None:
    def answer(_: Case) -> Answer:
        raise OverflowError

    run = load("sizes-2-4-1")
    passed = list(train_by(answering(ours.engine, answer), run))[-1]
    assert judge_losses(passed.losses, run).first_difference == 0


@pytest.mark.parametrize("fault", sensitivity.PLANTED, ids=lambda fault: fault.name)
def test_the_curve_alone_shows_a_planted_bug_or_training_never_meets_it(fault: Fault) -> None:
    planted = sensitivity.plant(fault)
    if fault.name == "interned" and planted["iteration"] == 1:
        return  # its leaves outlive an engine: a second training finds the gradients of the first
    if fault.name in INVISIBLE:
        assert planted["iteration"] is None
        assert planted["message"].startswith("every step on the way is right to rounding")
        assert not planted["missed"]
    else:
        assert planted["iteration"] == 1


def test_of_all_recorded_planted_bugs_the_curve_missed_none() -> None:
    recorded = read("planted.json")["planted"]
    assert [bug["fault"] for bug in recorded] == [fault.name for fault in sensitivity.met(FAULTS)]
    assert not any(bug["missed"] for bug in recorded)
    assert sum(bug["iteration"] is not None for bug in recorded) > 40


def test_planted_bugs_are_those_that_training_can_meet() -> None:
    planted = [fault.name for fault in sensitivity.PLANTED]
    left_out = {fault.name.partition(":")[0] for fault in CORE if fault.name not in planted}
    assert {"sin", "exp", "div", "log"} <= left_out
    assert not left_out & {"tanh", "mul", "add", "sub", "pow", "relu", "sigmoid"}


def test_a_curve_shows_an_error_of_the_gradient_far_below_what_others_see() -> None:
    columns = sensitivity.wrong_by(load("readme"))
    first = {
        name: next(e for e, k in zip(columns["relative_error"], columns[name], strict=True) if k is not None)
        for name in ("certified curve", "printed log", "relative 1e-3", "1 %")
    }
    assert first["certified curve"] <= 1e-12
    assert first["certified curve"] < 1e-6 < first["printed log"] < first["relative 1e-3"] < first["1 %"]
    changes = np.array(columns["largest_change"])
    assert np.all(np.diff(changes[2:]) > 0)  # above rounding, the more wrong the more it shows


def test_wrong_gradients_still_learn() -> None:
    for curve in sensitivity.still_learning(load("readme")):
        losses = curve["losses"]
        assert losses[100] < losses[10] < losses[0], curve["bug"]
