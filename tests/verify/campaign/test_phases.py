"""What is said of an engine whose process died often, or that was too slow to be asked all."""

import operator

import numpy as np
import pytest
from clocks import Clock

from nn_from_scratch import Node, gradients
from nn_from_scratch.verify import Engine, verify
from nn_from_scratch.verify.campaign.chunks import checked
from nn_from_scratch.verify.campaign.phases import alarms_of_deaths
from nn_from_scratch.verify.engines.deaths import Death
from nn_from_scratch.verify.faults import Victim
from nn_from_scratch.verify.faults.victim import topological

pytestmark = pytest.mark.once


def test_deaths_that_are_told_in_ever_other_words_take_few_lines() -> None:
    crash = Death("Crashed", "the process died of SIGABRT", again=True, printed="")
    deaths = [
        Death("InvalidAnswer", f"a line that is no JSON: {k}", again=False, printed="") for k in range(9)
    ]
    ended = "the engine's process ended"
    assert alarms_of_deaths([crash, *deaths, crash], {"random graphs": "its process died 12 times"}) == [
        f"{ended} 2 times: Crashed, the process died of SIGABRT",
        *(f"{ended} 1 time: InvalidAnswer, a line that is no JSON: {k}" for k in range(3)),
        f"{ended} 6 times: InvalidAnswer, in other words",
        "random graphs: not all was asked, for its process died 12 times",
    ]


def test_an_engine_of_a_second_a_question_has_a_verdict_and_is_asked_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock(monkeypatch)
    results = verify(Victim(order=clock.slow(topological)).engine("slow"), graphs=200)
    assert clock.seconds < 300.0  # with those in which it is found out what the engine has
    assert (results["verdict"], results["stopped by time"]) == ("not settled", True)
    assert results["graphs"]["checked"] == 1
    assert results["not asked"] == {"state and limits": "it took more than 90 s"}
    assert results["grades"] == {
        "rules": "not settled",
        "accuracy": "not settled",
        "state": "not checked",
        "limits": "not checked",
    }


def test_second_derivatives_for_which_no_time_is_left_are_not_passed_over_in_silence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock(monkeypatch)
    slow = Engine.from_tape(
        variable=Node,
        value="value",
        backward=clock.slow(Node.backprop),
        gradients=clock.slow(gradients),
        operations={"add": operator.add, "mul": operator.mul, "neg": operator.neg, "tanh": np.tanh},
    )
    every = checked(slow, 0, range(20))
    assert not every.stopped_by_time
    some = checked(slow, 0, range(20), every.engine_seconds - 2.5)
    assert some.total == every.total == 20
    assert 0 < some.second_order.total() < every.second_order.total()
    assert some.stopped_by_time
