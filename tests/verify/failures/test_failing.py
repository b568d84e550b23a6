import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from nn_from_scratch.verify import Case, Engine, Expression, Verdict, load, verify
from nn_from_scratch.verify.failures import failing_checks, failing_graphs
from nn_from_scratch.verify.failures.blame import diagnose
from nn_from_scratch.verify.failures.shrink import REVERSE_PASS, minimal
from nn_from_scratch.verify.faults import FAULTS, Victim
from nn_from_scratch.verify.judging.examine import examine
from nn_from_scratch.verify.questions.generate import case, seeded
from nn_from_scratch.verify.questions.generate_arrays import array_case
from nn_from_scratch.verify.state import Result

FAULTY = """\
from nn_from_scratch.verify.faults import FAULTS

engine = next(fault for fault in FAULTS if fault.name == {name!r}).engine()
"""
HEALTHY = """\
from nn_from_scratch.verify.faults import Victim

engine = Victim().engine("healthy")
"""


def run(script: str, directory: Path) -> subprocess.CompletedProcess[str]:
    path = directory / "reproducer.py"
    path.write_text(script, encoding="utf-8")
    command = [sys.executable, "-W", "error", str(path)]
    return subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.once
@pytest.mark.parametrize("name", ["div: y where y squared belongs", "left over"])
def test_reproducer_fails_by_itself_until_the_engine_is_right(name: str, tmp_path: Path) -> None:
    adapter = tmp_path / "my_engine.py"
    adapter.write_text(FAULTY.format(name=name))
    failures = verify(load(str(adapter)), graphs=60, directly=False, jobs=1, grades=("rules",))["failures"]
    script = failures[0]["reproducer"]
    before = run(script, tmp_path)
    assert before.returncode != 0
    assert "Error" in before.stderr
    adapter.write_text(HEALTHY)
    after = run(script, tmp_path)
    assert (after.returncode, after.stderr) == (0, "")


def accused(engine: Engine, graphs: int = 200) -> list[Case]:
    drawn = (case(seeded(0, index), engine.forms) for index in range(graphs))
    return [one for one in drawn if examine(engine, one).verdict.accuses]


def test_failure_can_be_asked_again_from_its_json() -> None:
    fault = next(fault for fault in FAULTS if fault.name == "log: 1 / x squared")
    engine = fault.engine()
    (failure,) = failing_graphs(engine, accused(engine))
    again = Case(Expression.from_json(failure["expression"]), tuple(failure["point"]))
    assert examine(engine, again).verdict is Verdict.WRONG
    assert failure["text"] == str(again.expression) == "log(x0)"
    assert failure["message"].startswith("log is wrong: in log(x0) at x0 = ")
    answer = engine.answer(again)
    assert failure["got"] == [answer.value, *answer.gradient]
    assert len(failure["expected"]) == len(failure["tolerance"]) == 2


def test_one_fault_is_told_once() -> None:
    engine = next(fault for fault in FAULTS if fault.name == "sin: its derivative times -1.0").engine()
    cases = accused(engine)
    assert len(cases) > 5
    assert [failure["operation"] for failure in failing_graphs(engine, cases)] == ["sin"]


def test_two_faults_are_both_told() -> None:
    table = {
        **Victim().table,
        "sin": (Victim().table["sin"][0], lambda z, x: (0.0,)),
        "log": (Victim().table["log"][0], lambda z, x: (0.0,)),
    }
    engine = Victim(table=table).engine("two faults")
    told = {failure["operation"] for failure in failing_graphs(engine, accused(engine))}
    assert told == {"sin", "log"}


def test_failure_that_does_not_come_back_is_told() -> None:
    mood = {"bad": True}
    exp = (Victim().table["exp"][0], lambda z, x: (0.0 if mood["bad"] else z,))
    engine = Victim(table={**Victim().table, "exp": exp}).engine("moody")
    cases = accused(engine)
    mood["bad"] = False
    (failure, *_) = failing_graphs(engine, cases)
    assert "the engine answered right when it was asked again" in failure["message"]


def test_numbers_that_are_not_finite_are_null() -> None:
    engine = Victim(table={**Victim().table, "exp": (lambda x: float("nan"), lambda z, x: (float("inf"),))})
    (failure,) = failing_graphs(engine.engine("nan"), accused(engine.engine("nan")))
    assert failure["got"] == [None, None]


def test_checks_that_fail_are_failures() -> None:
    checks: list[Any] = [
        Result("two outputs that share a node", "state", "wrong", "a is 3"),
        Result("tanh at 400", "limits", "error", "OverflowError: range"),
        Result("tanh at -400", "limits", "right"),
        Result("sigmoid at 800", "limits", "not supported", "no sigmoid"),
    ]
    failures = failing_checks(load("nn_from_scratch"), checks)
    assert [(one["operation"], one["grade"]) for one in failures] == [
        ("two outputs that share a node", "state"),
        ("tanh at 400", "limits"),
    ]
    assert failures[0]["message"] == "two outputs that share a node: a is 3"


def test_operation_is_blamed_though_shrinking_leaves_it_where_it_is_right_on_its_own() -> None:
    engine = next(fault for fault in FAULTS if fault.name == "mean: axis 0 taken for no axis").engine()
    drawn = array_case(seeded(3, 1609), engine.array_forms)
    smallest = minimal(engine, examine(engine, drawn))
    assert diagnose(engine, smallest).operation == REVERSE_PASS  # over an axis of length 1
    (failure,) = failing_graphs(engine, [drawn])
    assert failure["operation"] == "mean"
