"""The scripts that show failed checks are run: they fail while the engine does."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from clocks import Clock

from nn_from_scratch.verify import Engine, load, state
from nn_from_scratch.verify.failures.reproduce_check import reproducer_of_check, written
from nn_from_scratch.verify.faults import Victim
from nn_from_scratch.verify.faults.victim import topological

pytestmark = pytest.mark.once

TWO_OUTPUTS = "two outputs that share a node"
NOT_WRITTEN = {  # in the engine's syntax: they do more than moves
    "a second backward with another cotangent",
    "a gradient after an exception",  # of arrays; of scalars it is
    "a graph walked again, once gradients are zeroed",
    "the memory of gradients",
    "arrays that the engine is given",
    "the same question asked again",
    "a leaf array as the output",
    "an entry of -inf beside others",
    "65,536 equal entries",
    "leaves made of integers",
    "values after the reverse pass",
    "time over operations",
    "time over shared paths",
    "answers under other hash seeds",
    "memory after many backward passes",
}


def run(script: str, path: Path) -> subprocess.CompletedProcess[str]:
    file = path / "script.py"
    file.write_text(script)
    return subprocess.run([sys.executable, str(file)], capture_output=True, text=True, check=False)


def script_of(engine: Engine, name: str) -> str:
    return reproducer_of_check(engine, state.Result(name, "state", "wrong", "what was found"))


def all_written(engine: Engine) -> dict[str, str]:
    scripts = {name: in_its_syntax(engine, name) for name in state.CHECKS}
    return {name: script for name, script in scripts.items() if script}


def in_its_syntax(engine: Engine, name: str) -> str:
    return written(engine, state.Result(name, "state", "wrong", "what was found"))


@pytest.mark.parametrize("spec", ["nn_from_scratch", "micrograd", "pytorch"])
def test_scripts_fail_where_the_engine_does(spec: str, tmp_path: Path) -> None:
    pytest.importorskip({"pytorch": "torch"}.get(spec, spec))
    engine = load(spec)
    results = state.run(engine, [name for name in state.CHECKS if name not in state.LONG])
    scripts = all_written(engine)
    expected = {
        one.name: one.outcome == "right"
        for one in results
        if one.name in scripts and one.outcome != "not supported"
    }
    each = (
        "import json\npassed = {}\n"
        f"for name, script in { ({name: scripts[name] for name in expected})!r}.items():\n"
        "    try:\n        exec(script, {})\n        passed[name] = True\n"
        "    except (AssertionError, RecursionError):\n        passed[name] = False\n"
        "    except RuntimeError:\n        passed[name] = True\n"  # a refusal, which is right
        "print(json.dumps(passed))"
    )
    done = run(each, tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == expected


def test_every_check_made_of_moves_is_written() -> None:
    assert state.CHECKS.keys() - all_written(load("nn_from_scratch")) == NOT_WRITTEN


def test_script_says_what_is_wrong_in_the_engines_syntax(tmp_path: Path) -> None:
    pytest.importorskip("micrograd")
    script = script_of(load("micrograd"), TWO_OUTPUTS)
    assert script.startswith(
        f"# micrograd: {TWO_OUTPUTS}\n# what was found\n\nfrom micrograd.engine import Value\n"
    )
    assert "a = Value(2.0)\nb = Value(3.0)\nu0 = a * b\nu1 = u0 * a\nu2 = u0 * 5.0\nu1.backward()\n" in script
    assert (
        "AssertionError: the derivative for a is 33.0, expected 27.0 or 15.0" in run(script, tmp_path).stderr
    )


def test_script_writes_a_chain_as_a_loop() -> None:
    script = in_its_syntax(load("nn_from_scratch"), "a chain of 3,000 operations")
    assert "y = a\nfor _ in range(3_000):\n    u0 = y + 1.0\n    y = u0\ny.backprop()\n" in script


@pytest.mark.once
def test_engine_without_a_syntax_is_loaded(tmp_path: Path) -> None:
    adapter = tmp_path / "adapter.py"
    adapter.write_text(
        "from nn_from_scratch.verify.faults import FAULTS\n"
        "engine = next(fault for fault in FAULTS if fault.name == 'left over').engine()\n"
    )
    script = script_of(load(str(adapter)), TWO_OUTPUTS)
    assert (
        f"GradientError: left over: {TWO_OUTPUTS}: the second output's backward counted"
        in run(script, tmp_path).stderr
    )
    adapter.write_text("from nn_from_scratch.verify.faults import Victim\nengine = Victim().engine('well')\n")
    assert run(script, tmp_path).returncode == 0
    assert "# here goes what makes the `engine`" in script_of(Victim().engine("unnamed"), TWO_OUTPUTS)


def test_what_checks_of_a_slow_engine_leave_behind_is_not_looked_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock(monkeypatch)
    engine = Victim(order=clock.slow(topological)).engine("slow")
    assert "operands made in any order" in script_of(engine, "operands made in any order")
    assert clock.seconds < 60.0
