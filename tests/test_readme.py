"""The README's code runs, and does what it says."""

import re
import shlex
from pathlib import Path

import matplotlib as mpl
import pytest

from nn_from_scratch.verify.questions.operations import ARRAYS, CATALOGUE

OPERATIONS = (*CATALOGUE, *ARRAYS)
ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
PYTORCH = [block for block in BLOCKS if "import torch" in block]
PYTHON = [block for block in BLOCKS if block not in PYTORCH]
COMMANDS = re.findall(r"```bash\n(.*?)```", README, re.DOTALL)


@pytest.mark.once
def test_readme_python_runs(capsys: pytest.CaptureFixture[str]) -> None:
    mpl.use("Agg")
    names: dict[str, object] = {}
    promised = []
    for block in PYTHON:
        exec(compile(block, "README.md", "exec"), names)  # noqa: S102  the README's own code
        promised += re.findall(r"# prints (-?[\d.]+)", block)
    printed = capsys.readouterr().out.splitlines()
    assert len(promised) == 5
    assert printed[: len(promised)] == promised
    log = [line for line in printed if line.startswith("Iter ")]
    losses = [float(line.split()[-1]) for line in log]
    assert len(log) == 10
    assert losses[-1] < losses[0]


def test_readme_pytorch_runs() -> None:
    pytest.importorskip("torch")
    assert PYTORCH
    for block in PYTORCH:
        exec(compile(block, "README.md", "exec"), {})  # noqa: S102  the README's own code


def test_readme_test_command_is_what_ci_runs() -> None:
    (command,) = [line for block in COMMANDS for line in block.splitlines() if line.endswith("tox")]
    ours = (ROOT / ".ci" / "run").read_text().replace("-q ", "")
    assert command in ours


def test_readme_commands_name_files_that_exist() -> None:
    words = [word for block in COMMANDS for word in shlex.split(block.replace("&&", " "))]
    constraints = [word for word in words if word.endswith(".txt")]
    assert constraints
    assert all((ROOT / path).is_file() for path in constraints)


def test_readme_lists_the_operations() -> None:
    assert ", ".join(OPERATIONS) in " ".join(README.split())


def test_readme_pictures_exist() -> None:
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)|<img[^>]+src=\"([^\"]+)\"", README)
    assert len(pictures) >= 2
    assert all((ROOT / (first or second)).is_file() for first, second in pictures)
