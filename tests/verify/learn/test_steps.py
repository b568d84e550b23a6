"""The steps of `nn-from-scratch learn`: a solution passes, and each step's commonest mistake is told."""

import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from long_runs import WHOLE

from nn_from_scratch.statuses import BAD_USAGE, RIGHT
from nn_from_scratch.verify import state, verify
from nn_from_scratch.verify.cli.commands import main
from nn_from_scratch.verify.learn import STEPS, MissingError, Step, ask, engine_of

SOLVED = (Path(__file__).parent / "solved_engine.py").read_text(encoding="utf-8")
MISTAKES = {
    "add": ("fitted(g, self), fitted(g, y)", "fitted(g, self), fitted(0 * g, y)"),
    "mul": ("fitted(g * b, self), fitted(g * a, y)", "fitted(b, self), fitted(a, y)"),
    "tanh": ("(g * (1 - z * z),)", "(g * (1 - self.data * self.data),)"),
    "sharing": ("operand.grad = operand.grad + part", "operand.grad = part"),
    "broadcasting": ("return np.sum(g, axis=stretched, keepdims=True)", "return g"),
    "matmul": ("np.swapaxes(left, -1, -2) @ g", "left @ g"),
    "a second backward": ("value.grad = np.zeros(value.data.shape)", "pass"),
    "depth": (
        "order, seen, stack = [], set(), [(self, False)]",
        """order, seen, stack = [], set(), []

        def visit(value: Any) -> None:
            if value not in seen:
                seen.add(value)
                for operand in value.operands:
                    visit(operand)
                order.append(value)

        visit(self)""",
    ),
}
"""What is written for what: the commonest mistake of each step."""


def values(text: str) -> Any:
    """Return the class of values that a text of an engine defines."""
    module = ModuleType("engine")
    exec(text, vars(module))  # noqa: S102  our own
    return module.Value


@pytest.mark.parametrize("step", STEPS, ids=str)
def test_the_solution_passes_each_step(step: Step) -> None:
    assert [*step.cases()] or step.checks
    assert set(step.checks) <= set(state.CHECKS)
    ask(values(SOLVED), step)


@pytest.mark.once
def test_the_solution_is_right_by_the_suite() -> None:
    grades = ("rules", "accuracy", "state", "limits") if WHOLE else ("rules", "accuracy")
    results = verify(engine_of(values(SOLVED)), graphs=2000 if WHOLE else 200, jobs=1, grades=grades)
    assert results["verdict"] == "right"
    assert {name for name, row in results["operations"].items() if row["status"] == "right"} == {
        "add",
        "mul",
        "tanh",
        "matmul",
    }


@pytest.mark.parametrize(("name", "mistake"), MISTAKES.items(), ids=MISTAKES)
def test_a_mistake_is_told_by_its_step_and_by_none_before(name: str, mistake: tuple[str, str]) -> None:
    right, wrong = mistake
    assert SOLVED.count(right) == 1
    written = values(SOLVED.replace(right, wrong))
    for step in STEPS:
        if step.name == name:
            break
        ask(written, step)
    with pytest.raises(MissingError) as told:
        ask(written, step)
    assert str(told.value).startswith(f"step {name}\n\n{step.missing}\n\n")
    assert len(str(told.value).splitlines()) >= 6, "what was asked, and what was answered"


def test_every_step_has_its_mistake_and_three_sentences() -> None:
    assert [*MISTAKES] == [step.name for step in STEPS]
    for step in STEPS:
        assert len(re.findall(r"[.:;](?= [A-Z]|$)", step.missing)) == 3, step.name


def run_tests(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-x", "-p", "no:randomly", "-q", "-p", "no:cacheprovider"]
    command += ["--rootdir", str(folder)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.once
def test_the_written_tests_lead_from_the_first_step_to_the_last(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "new" / "mine"
    assert main(["learn", str(folder)]) == RIGHT
    assert {path.name for path in folder.iterdir()} == {"engine.py", "test_engine.py"}
    assert "python -m pytest -x -p no:randomly" in capsys.readouterr().out
    blank = run_tests(folder)
    assert blank.returncode == 1
    assert "step add" in blank.stdout
    assert " ".join(STEPS[0].missing.split()[:8]) in blank.stdout
    assert "step = add" in blank.stdout
    assert "for case in step.cases()" not in blank.stdout, "the suite's own code is no help"
    (folder / "engine.py").write_text(SOLVED, encoding="utf-8")
    solved = run_tests(folder)
    assert solved.returncode == 0, solved.stdout
    assert f"{len(STEPS)} passed" in solved.stdout


def test_no_work_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "engine.py").write_text("mine", encoding="utf-8")
    assert main(["learn", str(tmp_path)]) == BAD_USAGE
    assert (tmp_path / "engine.py").read_text(encoding="utf-8") == "mine"
    assert not (tmp_path / "test_engine.py").exists()
    assert "is there already: choose another folder" in capsys.readouterr().err


def test_what_is_left_blank_is_asked_and_named() -> None:
    text = (Path(state.__file__).parents[1] / "learn" / "blank" / "engine.py.txt").read_text(encoding="utf-8")
    with pytest.raises(MissingError, match="step add"):
        ask(values(text), STEPS[0])
