"""What comes of the deaths of an engine's process: of what it died, and what is lost."""

import os
import random
import signal
import threading
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

from nn_from_scratch.verify import isolated, load, state, verify
from nn_from_scratch.verify.engines.deaths import ExitedError, NotAskedError
from nn_from_scratch.verify.engines.wire.isolated import CAN_ISOLATE
from nn_from_scratch.verify.engines.wire.limits import Limits
from nn_from_scratch.verify.engines.wire.process import Process
from nn_from_scratch.verify.engines.wire.remote import Remote
from nn_from_scratch.verify.judging.examine import examine
from nn_from_scratch.verify.questions.cases import single
from nn_from_scratch.verify.questions.generate import case, seeded

pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(not CAN_ISOLATE, reason="no processes of POSIX"),
]

KILLS = 100 if os.environ.get("NN_FROM_SCRATCH_LONG") else 6
PATIENT = Limits(deaths=10**6, in_a_row=10**6, lost=1e9)

ENGINE = """\
import os, time
from dataclasses import replace

from nn_from_scratch.verify import load
from nn_from_scratch.verify.power.right_engines.tape import Way

base = Way().engine("base")
operations = {name: base.operations[name] for name in ("add", "mul", "tanh", "sin", "neg")}


def with_backward(backward):
    driver = replace(base.driver, backward=backward)
    return replace(base, operations=operations, driver=driver, complete=False)


def slow(output):
    time.sleep(0.4)
    base.driver.backward(output)


def dies(output):
    global passes
    passes += 1
    if passes == 40:
        os._exit(3)
    base.driver.backward(output)


passes = 0
slowly = with_backward(slow)
dies_once = with_backward(dies)
arrays = load("nn_from_scratch")


def add(x, y):
    if x.value.shape != y.value.shape:
        os.abort()
    return x + y


aborts = replace(arrays, operations={**arrays.operations, "add": add})
without_tanh = replace(base, complete=False, operations={**operations, "tanh": lambda x: os._exit(0)})
"""


@pytest.fixture
def engines(tmp_path: Path) -> Path:
    path = tmp_path / "engines.py"
    path.write_text(ENGINE)
    return path


def remote_of(engine: object) -> Remote:
    driver = getattr(engine, "driver", None)
    assert isinstance(driver, Remote)
    return driver


def kill(engine: object) -> int:
    """Kill the process of an engine; return how many were."""
    process = remote_of(engine).asker._connection._process
    if process is None:
        return 0
    try:
        os.kill(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return 0
    return 1


def test_nothing_is_lost_when_a_process_is_killed_from_outside() -> None:
    here, there = load("nn_from_scratch"), isolated("nn_from_scratch", limits=PATIENT)
    draw, done, kills = random.Random(0), threading.Event(), 0

    def kill_again_and_again() -> None:
        nonlocal kills
        while kills < KILLS and not done.is_set():
            time.sleep(draw.uniform(1.0, 1.5))
            kills += kill(there)

    killer = threading.Thread(target=kill_again_and_again)
    killer.start()
    index = 0
    with closing(there.driver):
        try:
            while killer.is_alive() or index < 100:
                asked = case(seeded(2, index % 100), here.forms)
                with suppress(ArithmeticError):
                    assert str(there.answer(asked)) == str(here.answer(asked))  # NaN is NaN
                index += 1
        finally:
            done.set()
            killer.join()
    assert 0 < len(there.driver.deaths) <= kills == KILLS
    assert {death.kind for death in there.driver.deaths} == {"Killed"}


def test_an_operation_that_kills_the_process_is_a_failure_and_in_no_graph(engines: Path) -> None:
    engine = isolated(f"{engines}:without_tanh")
    with closing(engine.driver):
        results = verify(engine, graphs=60, jobs=1, grades=("rules",))
    assert results["verdict"] == "wrong"
    assert {failure["operation"] for failure in results["failures"]} == {"tanh"}
    assert all("ExitedError" in failure["message"] for failure in results["failures"])
    assert results["graphs"]["checked"] == 60
    assert results["graphs"]["error"] == 0
    assert {name: results["operations"][name]["status"] for name in ("add", "tanh")} == {
        "add": "right",
        "tanh": "wrong",
    }


def test_an_engine_that_is_slow_is_given_more_time_and_right(engines: Path) -> None:
    engine = isolated(f"{engines}:slowly", limits=Limits(program=0.2, grown=20.0))
    with closing(engine.driver):
        for value in (0.5, 1.5, 2.5):
            assert engine.answer(single("neg", "x", [value])).gradient == (-1.0,)
    assert engine.driver.deaths == []


def test_what_it_takes_to_die_is_found_by_bisection(engines: Path) -> None:
    engine = isolated(f"{engines}:dies_once")
    asked = single("neg", "x", [0.5])
    with closing(engine.driver):
        for _ in range(39):
            engine.answer(asked)
        with pytest.raises(ExitedError, match="status 3; not when asked again alone") as raised:
            engine.answer(asked)
    assert "but after 39 programs that were asked before it" in str(raised.value)


@pytest.mark.parametrize("grade", ["rules", "state"])
def test_a_run_in_which_anything_died_is_never_right(grade: str) -> None:
    engine = isolated("nn_from_scratch")
    with closing(engine.driver):
        kill(engine)
        results = verify(engine, graphs=20, directly=False, jobs=1, grades=(grade,))
    assert not results["failures"]
    assert {death["outcome"] for death in results["deaths"]} == {"Killed"}
    assert results["grades"][grade] == ("right" if grade == "state" else "not settled")
    assert results["verdict"] == "not settled"
    assert not results


def test_an_engine_that_dies_of_what_others_refuse_is_told_what_it_was_asked(engines: Path) -> None:
    engine = isolated(f"{engines}:aborts", limits=Limits(deaths=1))
    with closing(engine.driver):
        result = state.outcome(engine, "a gradient after an exception")
    assert result.outcome == "error"
    asked = "of add of an array of shape (2,) and an array of shape (3,): an exception would do"
    assert result.message == f"CrashedError: the process died of SIGABRT, {asked}"


def test_what_cannot_be_started_again_is_not_asked_and_not_accused(engines: Path) -> None:
    engine = isolated(f"{engines}:slowly")
    with closing(engine.driver):
        remote_of(engine).asker._connection.end()
        engines.unlink()
        with pytest.raises(NotAskedError, match="cannot be started again"):
            examine(engine, single("neg", "x", [0.5]))


def test_a_session_goes_on_with_its_own_nodes_after_a_death(engines: Path) -> None:
    engine = isolated(f"{engines}:dies_once")
    with closing(engine.driver):
        session = engine.session()
        for _ in range(36):
            engine.answer(single("neg", "x", [0.5]))
        session.run([["variable", "0x1p+0"]])
        dying = [["apply", "neg", 0], *[["backward", 1]] * 4, ["gradient", 0]]
        with pytest.raises(ExitedError):
            session.run(dying)
        assert session.run([["apply", "add", 0, 0], ["value", 1]]) == [2.0]


def test_an_engine_that_is_closed_is_asked_no_more() -> None:
    engine = isolated("micrograd")
    engine.driver.close()
    with pytest.raises(NotAskedError):
        engine.answer(single("neg", "x", [0.5]))
    engine.driver.begin_phase()
    with pytest.raises(NotAskedError):
        engine.answer(single("neg", "x", [0.5]))


def test_an_answer_counts_though_its_process_has_ended_before_it_was_read() -> None:
    process = Process(["sh", "-c", "echo seen >&2; echo answer"], os.environ, 1 << 30)
    with closing(process):
        process._wait(10.0)
        process._look()  # as when it ends between two readings
        assert process.next_line(1.0) == b"answer"
        with pytest.raises(ExitedError) as death:
            process.next_line(1.0)
        assert death.value.printed == "seen"


def test_what_a_process_prints_last_is_told_whatever_was_read_first() -> None:
    process = Process(["sh", "-c", "exec 1>&-; echo last words >&2"], os.environ, 1 << 30)
    with closing(process):
        with pytest.raises(ExitedError) as death:
            process._take()  # as when the end of its answers is seen first
        assert death.value.printed == ""
        assert process.printed() == "last words"
