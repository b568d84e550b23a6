"""Programs that are sent ahead: every answer is that to its own question, whatever comes between."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

from nn_from_scratch.verify import Engine, isolated, load
from nn_from_scratch.verify.campaign.ahead import foreseen
from nn_from_scratch.verify.engines.answers import Answer
from nn_from_scratch.verify.engines.deaths import ExitedError
from nn_from_scratch.verify.engines.wire import asker
from nn_from_scratch.verify.engines.wire.asker import IN_FLIGHT
from nn_from_scratch.verify.engines.wire.isolated import CAN_ISOLATE
from nn_from_scratch.verify.engines.wire.remote import Remote
from nn_from_scratch.verify.questions import programs
from nn_from_scratch.verify.questions.cases import Case, single
from nn_from_scratch.verify.questions.expressions import Expression, Step

pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(not CAN_ISOLATE, reason="no processes of POSIX"),
]

ENGINE = """\
import os
import time
from dataclasses import replace

from nn_from_scratch.verify import load

base = load("nn_from_scratch")


def dies_at_13(output):
    if output.value == 13.0:
        os._exit(5)
    if output.value == 11.0:
        end = time.process_time() + 0.1
        while time.process_time() < end:
            pass
    base.driver.backward(output)


engine = replace(base, driver=replace(base.driver, backward=dies_at_13))
"""
FATAL = single("add", "xc", [13.0, 0.0])
HERE = load("nn_from_scratch")


def harmless(number: float) -> Case:
    return single("arctan2", "xc", [number, -1.0])


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Engine]:
    path = tmp_path / "dies.py"
    path.write_text(ENGINE)
    engine = isolated(str(path))
    yield engine
    engine.driver.close()


def answered(engine: Engine, cases: list[Case]) -> list[Answer | None]:
    """Return the answers to cases that were sent ahead; None where the process died."""
    for case in cases:
        engine.foresee(case)
    found: list[Answer | None] = []
    for case in cases:
        try:
            found.append(engine.answer(case))
        except ExitedError:
            found.append(None)
    return found


def test_each_is_answered_in_its_turn(there: Engine) -> None:
    cases = [harmless(float(k)) for k in range(1, IN_FLIGHT + 20)]  # the last are not sent ahead
    assert answered(there, cases) == [HERE.answer(case) for case in cases]
    assert not there.driver.deaths


def test_what_is_foreseen_is_written_down_once(there: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    cases = [harmless(float(k)) for k in range(1, 2 * IN_FLIGHT)]
    written: list[Case] = []

    def noted(case: Case, *, tape: bool, leaves: Collection[int]) -> programs.Program:
        written.append(case)
        return write(case, tape=tape, leaves=leaves)

    write = programs.of_case
    monkeypatch.setattr(programs, "of_case", noted)
    for case in foreseen(there, cases, lambda case: case):
        there.answer(case)
    assert [case.point for case in written] == [case.point for case in cases]


def test_a_slow_engine_computes_little_ahead(there: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asker, "_AHEAD", 0.3)  # seconds, which are 3 of these questions
    slow = [single("add", "xc", [11.0, 1e-20 * k]) for k in range(30)]
    there.answer(slow[0])
    for case in slow:
        there.foresee(case)
    assert isinstance(there.driver, Remote)
    assert 0 < len(there.driver.asker._in_flight) < 10
    assert there.answer(harmless(3.0)) == HERE.answer(harmless(3.0))


def test_zeros_of_both_signs_are_two_questions(there: Engine) -> None:
    cases = [harmless(-0.0), harmless(0.0), harmless(-0.0)]
    assert cases[0] == cases[1]
    values = [answer.value for answer in answered(there, cases) if answer]
    assert values == [-math.pi, math.pi, -math.pi]


def test_the_culprit_is_the_first_that_was_not_answered(there: Engine) -> None:
    cases = [harmless(2.0), FATAL, harmless(3.0), harmless(4.0), FATAL, harmless(5.0)]
    expected = [None if case is FATAL else HERE.answer(case) for case in cases]
    assert answered(there, cases) == expected
    assert [death.again for death in there.driver.deaths] == [True, True]


def test_another_question_may_come_between(there: Engine) -> None:
    for case in (harmless(2.0), FATAL, harmless(3.0)):
        there.foresee(case)
    assert there.answer(harmless(7.0)) == HERE.answer(harmless(7.0))
    assert len(there.driver.deaths) == 1
    assert there.answer(harmless(2.0)) == HERE.answer(harmless(2.0))
    with pytest.raises(ExitedError):
        there.answer(FATAL)
    assert len(there.driver.deaths) == 1  # it was told of once
    assert there.answer(harmless(3.0)) == HERE.answer(harmless(3.0))


def test_a_session_may_come_between(there: Engine) -> None:
    there.foresee(harmless(2.0))
    session = there.session()
    assert session.run([["variable", (4.0).hex()], ["value", 0]]) == [4.0]
    assert there.answer(harmless(2.0)) == HERE.answer(harmless(2.0))


def test_what_is_passed_over_confuses_nobody(there: Engine) -> None:
    for number in (2.0, 3.0, 4.0):
        there.foresee(harmless(number))
    assert there.answer(harmless(4.0)) == HERE.answer(harmless(4.0))
    assert there.answer(harmless(2.0)) == HERE.answer(harmless(2.0))


def test_lines_longer_than_a_pipe_holds_do_not_stop_it(there: Engine) -> None:
    steps = 20_000
    chain = Expression(1, (), tuple(Step("neg", (k,)) for k in range(steps)), steps)
    cases = [Case(chain, (float(k),)) for k in range(1, 6)]
    assert [answer.value for answer in answered(there, cases) if answer] == [1.0, 2.0, 3.0, 4.0, 5.0]
