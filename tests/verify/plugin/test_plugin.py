"""The plugin in runs of pytest of its own, with whatever pytest is installed."""

import re
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

import pytest
from without_torch import environment

pytestmark = pytest.mark.once

PLUGIN = "nn_from_scratch.pytest_plugin"
ENGINE = """\
import math
from nn_from_scratch.verify import Engine


class Number:
    def __init__(self, value, parents=()):
        self.value, self.parents, self.gradient = value, parents, 0.0

    def __add__(self, other):
        other = other if isinstance(other, Number) else Number(other)
        return Number(self.value + other.value, ((self, 1.0), (other, 1.0)))

    __radd__ = __add__

    def __mul__(self, other):
        other = other if isinstance(other, Number) else Number(other)
        return Number(self.value * other.value, ((self, other.value), (other, self.value)))

    __rmul__ = __mul__

    def tanh(self):
        y = math.tanh(self.value)
        return Number(y, ((self, FACTOR * (1.0 - y * y)),))

    def backward(self, adjoint=1.0):
        self.gradient += adjoint
        for parent, partial in self.parents:
            parent.backward(adjoint * partial)


engine = Engine.from_tape(
    variable=Number,
    value=lambda number: number.value,
    gradient=lambda number: number.gradient,
    backward=lambda number: number.backward(),
)
"""
RIGHT, WRONG = (ENGINE.replace("FACTOR", factor) for factor in ("1.0", "2.0"))
QUICK = ("--gradient-graphs", "20")
RULES = "gradient and (tanh or graphs or add-alone)"

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def is_installed() -> bool:
    """Whether pytest finds the plugin by itself."""
    return any(entry.value == PLUGIN for entry in metadata.entry_points(group="pytest11"))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    hidden = environment(tmp_path)
    variables = {name: value for name, value in hidden.items() if not name.startswith("PYTEST_")}
    variables["PYTHONDONTWRITEBYTECODE"] = "1"  # that of the same second and size would be taken for new

    def runs(*arguments: str, **files: str) -> "subprocess.CompletedProcess[str]":
        for name, text in files.items():
            path = tmp_path / (f"{name}.py" if name != "failures" else "failures.txt")
            path.write_text(text)
        loaded = () if is_installed() else ("-p", PLUGIN)
        command = [sys.executable, "-m", "pytest", *loaded, "-p", "no:cacheprovider", *arguments]
        return subprocess.run(
            command, cwd=tmp_path, env=variables, capture_output=True, text=True, check=False
        )

    return runs


def test_a_right_engine_passes_by_names_that_can_be_chosen(run: Run) -> None:
    done = run(
        "--gradient-engine", "mine.py", *QUICK, "-v", "-k", "tanh or graphs or add-inner or hash", mine=RIGHT
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for name in ("tanh-inner", "add-inner", "graphs-0-to-19", "state-answers-under-other-hash-seeds"):
        assert f"mine.py::gradient[{name}] PASSED" in done.stdout
    assert "gradient[add-alone]" not in done.stdout
    assert "gradient: mine.py; 20 graphs, --gradient-seed 0" in done.stdout
    (lacks,) = [line for line in done.stdout.splitlines() if "has no" in line]
    assert "sin, " in lacks
    assert "tanh" not in lacks


def test_a_wrong_engine_fails_with_what_the_command_tells(run: Run) -> None:
    done = run("--gradient-engine", "mine.py", "--gradient-seed", "7", *QUICK, "-k", RULES, mine=WRONG)
    assert done.returncode == 1
    assert "tanh is wrong: in tanh(x0)" in done.stdout
    assert "check(engine, Case(expression" in done.stdout  # the script
    assert "(--gradient-seed 7)" in done.stdout
    assert "Traceback" not in done.stdout
    assert "FAILED mine.py::gradient[graphs-0-to-19]" in done.stdout
    assert "FAILED mine.py::gradient[add-alone]" not in done.stdout


def test_an_engine_that_dies_does_not_pass(run: Run) -> None:
    dies = RIGHT.replace(
        "y = math.tanh(self.value)", "y = math.tanh(self.value)\n        if self.value == 0.7: os._exit(0)"
    )
    done = run("--gradient-engine", "mine.py", *QUICK, "-k", "tanh-alone", mine=f"import os\n{dies}")
    assert done.returncode == 1, done.stdout
    assert "FAILED mine.py::gradient[tanh-alone]" in done.stdout
    assert "the engine's process ended: Exited, the process exited with status 0" in done.stdout


def test_expected_failures_are_none_and_stale_lines_are_told(run: Run) -> None:
    names = ("alone", "inner", "outer", "used-twice", "dead-branch", "special-numbers", "other-numbers")
    used = ("operand-used-before", "operand-used-after")
    lines = [f"gradient[tanh-{name}]" for name in (*names, *used)]
    text = "\n".join(
        [*lines, "mine.py::gradient[graphs-0-to-19]  # tanh is wrong", "gradient[sinus-alone]", ""]
    )
    arguments = (
        "--gradient-engine",
        "mine.py",
        *QUICK,
        "--gradient-failures",
        "failures.txt",
        "-k",
        f"{RULES} or failures",
    )
    done = run(*arguments, mine=WRONG, failures=text)
    assert done.returncode == 0, done.stdout
    assert "expects failures of what is no test: gradient[sinus-alone]" in done.stdout
    mended = run(*arguments, "--gradient-strict", mine=RIGHT)
    assert mended.returncode == 1
    assert "FAILED failures.txt" in mended.stdout
    assert "[XPASS(strict)]" in mended.stdout


FUNCTIONS = """\
import numpy as np
import pytest


def gradient(x, cotangent):
    return FACTOR * cotangent * (1 - np.tanh(x) ** 2)


@pytest.mark.gradient(np.tanh, gradient, np.ones(3))
def test_marked():
    pass


@pytest.fixture
def inputs():
    return np.ones(3)


@pytest.mark.gradient(seed=3)
def test_returned(inputs):
    return np.tanh, gradient, inputs


def test_fixture(check_gradient):
    check_gradient(np.tanh, gradient, np.ones(3))


@pytest.mark.gradient
def test_returns_nothing():
    pass
"""


def test_functions_are_checked_by_marker_and_fixture(run: Run) -> None:
    options = ("-W", "error", "--strict-markers", "-v", "-k", "not nothing")
    done = run(*options, test_right=FUNCTIONS.replace("FACTOR", "1"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout
    done = run(*options, test_right=FUNCTIONS.replace("FACTOR", "2"))
    assert (done.returncode, done.stdout.count("\nFAILED")) == (1, 3), done.stdout
    done = run("-k", "nothing", test_right=FUNCTIONS.replace("FACTOR", "1"))
    assert "returns (function, gradient, inputs), got None" in done.stdout


DRAWN = """\
from hypothesis import given, settings
from nn_from_scratch.verify import check, isolated, load
from nn_from_scratch.verify.strategies import cases_of

engine = FIND("mine.py")


@settings(deadline=None, derandomize=True, database=None)
@given(cases_of(engine))
def test_gradients(case):
    check(engine, case)
"""


def told(done: "subprocess.CompletedProcess[str]") -> tuple[str, str]:
    """Return what a report says of the only case in it, and its script."""
    (section,) = re.findall(r"^-+ gradient -+$(.*?)^=+ short", done.stdout, flags=re.MULTILINE | re.DOTALL)
    message, start, script = section.partition("\n\n#")
    return message, start + script


def test_what_hypothesis_draws_is_shrunk_and_told_with_a_script(run: Run, tmp_path: Path) -> None:
    done = run(mine=WRONG, test_mine=DRAWN.replace("FIND", "load"))
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(r"^E +tanh\(x0\) at x0 = ", done.stdout, flags=re.MULTILINE)
    assert ">       check(engine, case)" in done.stdout  # the test's own line
    message, script = told(done)
    assert "tanh is wrong: in tanh(x0) at x0 = " in message
    (tmp_path / "script.py").write_text(script)

    def runs_by_itself() -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-B", "script.py"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert "GradientError: Number is wrong about" in runs_by_itself().stderr
    assert run(mine=RIGHT, test_mine=DRAWN.replace("FIND", "load")).returncode == 0
    assert runs_by_itself().returncode == 0


def test_each_of_several_failures_is_told() -> None:
    from nn_from_scratch.verify import Case, Expression, GradientError, Step, check
    from nn_from_scratch.verify.faults import FAULTS
    from nn_from_scratch.verify.plugin.sections import sections_of

    engine = next(fault for fault in FAULTS if fault.name == "sub: its operands swapped").engine()
    raised = []
    for steps in ([Step("sub", (0, 1))], [Step("sub", (0, 1)), Step("tanh", (2,))]):
        with pytest.raises(GradientError) as error:
            check(engine, Case(Expression(2, (), tuple(steps), 1 + len(steps)), (1.0, 3.0)))
        raised.append(error.value)
    nothing = (GradientError("of a function"), ValueError("of anybody"))
    found = sections_of(BaseExceptionGroup("Hypothesis found 2", [raised[0], *nothing, raised[1]]))
    assert [text.partition(" at ")[0] for _, text in found] == ["sub is wrong: in x0 - x1"] * 2
    assert all("check(engine, Case(expression" in text for _, text in found)


def test_a_process_that_dies_of_what_is_drawn_is_asked_on(run: Run) -> None:
    dies = RIGHT.replace("(self.value)\n", "(self.value)\n        self.value > 0.9 and os._exit(0)\n")
    found = 'isolated("mine.py", limits=Limits(in_a_row=1))'
    drawn = DRAWN.replace('FIND("mine.py")', found).replace("(deadline", "(phases=[Phase.generate], deadline")
    imports = "from hypothesis import Phase\nfrom nn_from_scratch.verify.engines.wire.limits import Limits\n"
    done = run(mine=f"import os\n{dies}", test_mine=imports + drawn)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "the engine raised ExitedError: the process exited with status 0" in done.stdout
    message, script = told(done)
    assert "no smaller case was looked for: its process died 1 times in a row" in message
    assert "engine = isolated(" in script


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("--gradient-engine", "none.py"),
            "cannot load engine 'none.py': FileNotFoundError: there is no file",
        ),
        (
            ("--gradient-engine", "mine.py", "--gradient-seed", "x"),
            "--gradient-seed is a whole number, got 'x'",
        ),
        (
            ("--gradient-engine", "mine.py", "--gradient-failures", "n"),
            "there is no file of expected failures n",
        ),
    ],
)
def test_bad_usage_is_told_in_a_line(arguments: tuple[str, ...], said: str, run: Run) -> None:
    done = run(*arguments, mine=RIGHT)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert said in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_nothing_is_said_where_nothing_is_asked(run: Run) -> None:
    done = run("-W", "error", test_mine="def test_nothing():\n    pass\n")
    assert done.returncode == 0
    assert "gradient" not in done.stdout + done.stderr


@pytest.mark.skipif(find_spec("xdist") is None, reason="pytest-xdist is not installed")
def test_several_processes_find_the_same_tests(run: Run) -> None:
    done = run("--gradient-engine", "mine.py", *QUICK, "-k", "tanh-inner or add-inner", "-n", "2", mine=RIGHT)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(find_spec("pytest_randomly") is None, reason="pytest-randomly is not installed")
def test_another_plugins_seed_changes_nothing(run: Run) -> None:
    asked = ("--gradient-engine", "mine.py", *QUICK, "-k", "tanh or add-inner or graphs", "-v")
    outcomes = []
    for others in (("no:randomly",), ("randomly", "--randomly-seed=1"), ("randomly", "--randomly-seed=2")):
        done = run(*asked, "-p", *others, mine=WRONG)
        told = [line.split(" [")[0].rstrip() for line in done.stdout.splitlines() if "::gradient[" in line]
        outcomes.append(sorted(line for line in told if line.endswith(("PASSED", "FAILED"))))
    assert {line.rpartition(" ")[2] for line in outcomes[0]} == {"PASSED", "FAILED"}
    assert outcomes[0] == outcomes[1] == outcomes[2]


def test_the_suite_may_be_there_before_pytest(tmp_path: Path) -> None:
    first = f"import sys, nn_from_scratch, {PLUGIN}, pytest"
    loaded = [] if is_installed() else ["-p", PLUGIN]  # pytest 7.0 takes no plugin twice
    code = f"{first}; sys.exit(pytest.main([*{loaded}, '-W', 'error', '--version']))"
    command = [sys.executable, "-c", code]  # in a folder without settings, which an old pytest may not know
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stdout + done.stderr


def test_the_start_of_pytest_imports_nothing_of_weight() -> None:
    found = "print(*sorted(set(sys.modules) - before))"
    code = f"import pytest, sys; before = set(sys.modules); import {PLUGIN}; {found}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    ours = [name for name in done.stdout.split() if name.startswith("nn_from_scratch")]
    assert ours == ["nn_from_scratch", PLUGIN]
    assert not {"numpy", "flint"} & {name.partition(".")[0] for name in done.stdout.split()}


def test_no_two_checks_share_a_test() -> None:
    from nn_from_scratch.verify.plugin.tests_of_engines import _name_of_check
    from nn_from_scratch.verify.state import CHECKS

    assert len({_name_of_check(name) for name in CHECKS}) == len(CHECKS)


def test_settings_may_stand_in_pytests_own_file(run: Run, tmp_path: Path) -> None:
    settings = "gradient_graphs = 70\ngradient_failures = failures.txt\ngradient_strict = true\n"
    (tmp_path / "pytest.ini").write_text(f"[pytest]\n{settings}")
    asked = ("--gradient-engine", "mine.py", "-k", "add-inner or tanh-inner", "-rx")
    expected = "gradient[tanh-inner]  # issue 7\n"
    done = run("--gradient-engine", "mine.py", "--collect-only", "-q", mine=WRONG, failures=expected)
    assert "gradient[graphs-50-to-69]" in done.stdout
    done = run(*asked, mine=WRONG, failures=expected)
    assert (done.returncode, "1 xfailed" in done.stdout) == (0, True), done.stdout + done.stderr
    done = run(*asked, mine=RIGHT, failures=expected)  # a stale line, and they are strict
    assert (done.returncode, "1 failed, " in done.stdout) == (1, True), done.stdout + done.stderr


def test_a_setting_that_is_no_number_is_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\ngradient_seed = first\n")
    done = run("--gradient-engine", "mine.py", "--collect-only", mine=RIGHT)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "--gradient-seed is a whole number, got 'first'" in done.stdout + done.stderr
