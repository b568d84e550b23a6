"""The README's code runs, and does what it says."""

import re
import shlex
from pathlib import Path

import matplotlib as mpl
import pytest
from documented import Block, answer, blocks, commands, execute, require_printed

from nn_from_scratch.verify.questions.operations import ARRAYS, CATALOGUE

OPERATIONS = (*CATALOGUE, *ARRAYS)
ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BLOCKS = blocks(ROOT / "README.md")
PYTHON = [block for block in BLOCKS if block.language == "python"]
COMMANDS = [block.text for block in BLOCKS if block.language == "bash"]
FIRST_SCREEN = README[: README.index("## Two commands")].count("\n")


@pytest.mark.once
def test_readme_python_runs(capsys: pytest.CaptureFixture[str]) -> None:
    mpl.use("Agg")
    names: dict[str, object] = {}
    promised = []
    printed = ""
    for block in PYTHON:
        if not block.framework:
            printed += execute(block, names)
            promised += re.findall(r"# prints (-?[\d.]+)", block.text)
    assert not capsys.readouterr().out
    lines = printed.splitlines()
    assert len(promised) == 5
    assert lines[: len(promised)] == promised
    log = [line for line in lines if line.startswith("Iter ")]
    losses = [float(line.split()[-1]) for line in log]
    assert len(log) == 10
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("framework", ["torch", "jax"])
def test_readme_examples_of_frameworks_run(framework: str) -> None:
    pytest.importorskip(framework)
    found = [block for block in PYTHON if block.framework == framework]
    assert found
    for block in found:
        printed = execute(block, {}, raises=block.printed is not None)
        if block.printed is not None:
            require_printed(block.printed, printed, f"README.md, line {block.line}")


def on_first_screen(language: str) -> list[Block]:
    return [block for block in BLOCKS if block.language == language and block.line < FIRST_SCREEN]


@pytest.mark.once
def test_first_screen_shows_a_failing_example_and_three_ways_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("micrograd")
    monkeypatch.chdir(tmp_path)
    (failing,) = [block for block in on_first_screen("python") if block.printed is not None]
    assert failing.printed is not None
    assert failing.printed.startswith("GradientError: PyTorch is wrong about")
    for block in (*on_first_screen("python"), *on_first_screen("bash")):
        assert block.text.count("\n") < 10
        if block.file:
            Path(block.file).write_text(block.text)
    fewer = {
        "nn-from-scratch": ["--graphs", "20", "--grade", "accuracy"],
        "pytest": ["-k", "gradient and mul"],
    }
    ran = [words for block in on_first_screen("bash") for words, _ in commands(block)]
    assert [words[0] for words in ran] == ["nn-from-scratch", "nn-from-scratch", "pytest"]
    for words in ran:
        answer([*words, *fewer[words[0]]], 0, "README.md")


def test_readme_test_command_is_what_ci_runs() -> None:
    (command,) = [line for text in COMMANDS for line in text.splitlines() if line.endswith("tox")]
    ours = (ROOT / ".ci" / "run").read_text().replace("-q ", "")
    assert command in ours


def test_readme_commands_name_files_that_exist() -> None:
    words = [word for text in COMMANDS for word in shlex.split(text.replace("&&", " "))]
    constraints = [word for word in words if word.endswith(".txt")]
    assert constraints
    assert all((ROOT / path).is_file() for path in constraints)


def test_readme_lists_the_operations() -> None:
    assert ", ".join(OPERATIONS) in " ".join(README.split())


def test_readme_pictures_exist() -> None:
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)|<img[^>]+src=\"([^\"]+)\"", README)
    assert len(pictures) >= 2
    assert all((ROOT / (first or second)).is_file() for first, second in pictures)
