import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from written_functions import NUMPY, NUMPY_MENDED, NUMPY_SLIPS, written

from nn_from_scratch.statuses import BAD_USAGE, INTERRUPTED, NOTHING_CHECKED, RIGHT, WRONG
from nn_from_scratch.verify.cli import check, commands
from nn_from_scratch.verify.functions.named.asking import ask

NOISY = """\
import numpy as np


def talking(x):
    print("called")
    return np.sum(x * x)


def talking_gradient(x):
    return 2 * x


def drawing(x):
    return np.sum(x * np.random.random())


def drawing_gradient(x):
    return x


def infinite(x):
    return np.sum(x) * np.inf


def infinite_gradient(x):
    return np.ones_like(x)


def raising(x):
    return np.sum(x)


def raising_gradient(x):
    raise KeyError("weights")


def narrow(x):
    return np.sum(x)


def narrow_gradient(x):
    return x[:1]


def uncallable(x):
    raise RuntimeError("no data")


def uncallable_gradient(x):
    return x


inputs = np.ones(2)
"""


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    path = tmp_path / "wrong_ones.py"
    path.write_text(written(NUMPY, NUMPY_SLIPS))
    return path


@pytest.fixture
def right(tmp_path: Path) -> Path:
    path = tmp_path / "right_ones.py"
    path.write_text(written(NUMPY, NUMPY_MENDED))
    return path


@pytest.fixture
def noisy(tmp_path: Path) -> Path:
    path = tmp_path / "noisy_ones.py"
    path.write_text(NOISY)
    return path


def status_of(arguments: list[str]) -> int:
    try:
        return commands.main(["check", *arguments])
    except SystemExit as stop:  # argparse's way
        return int(str(stop.code))


def results_of(path: Path) -> Any:
    return json.loads(path.read_text(), parse_constant=pytest.fail)


def test_a_right_function_is_right(right: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.main(["check", f"{right}:loss"]) == RIGHT
    out = capsys.readouterr().out
    assert f"RIGHT {right}:loss" in out.replace("\n", "")
    assert "x0: 2×3 float64" in out
    assert "formula equal at this point" in out


@pytest.mark.once
def test_a_wrong_function_is_told_in_every_way(
    wrong: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = {kind: tmp_path / "new" / f"results.{kind}" for kind in ("json", "html", "junit")}
    options = [text for kind, path in paths.items() for text in (f"--{kind}", str(path))]
    scripts = tmp_path / "scripts"
    status = commands.main(["check", f"{wrong}:Tanh", "--seed", "3", "--scripts", str(scripts), *options])
    assert status == WRONG
    out = capsys.readouterr().out
    assert "the derivative for x[0] is" in out
    assert f"script: {scripts}" in out
    assert [path.suffix for path in scripts.iterdir()] == [".py"]
    results = results_of(paths["json"])
    assert (results["schema"], results["kind"], results["verdict"]) == (1, "functions", "wrong")
    assert results["command"] == ["check", f"{wrong}:Tanh", "--seed=3"]
    assert results["environment"]["python"]
    (function,) = results["functions"]
    assert function["inputs"] == [{"name": "x", "shape": [4], "dtype": "float64"}]
    assert (function["numbers"], len(function["entries"])) == (4, 4)
    first = function["entries"][0]
    assert first["verdict"] == "wrong"
    assert first["error"] == abs(first["got"] - first["expected"]) > first["tolerance"]
    assert all(failure["script"] for failure in function["failures"])
    assert function["measured"].keys() >= {"noise"}
    suites = ET.parse(paths["junit"]).getroot()  # noqa: S314  our own text
    failed = {test.get("name") for test in suites.iter("testcase") if test.find("failure") is not None}
    assert failed >= {"verdict"}
    assert suites.get("failures") == str(len(failed))
    page = paths["html"].read_text()
    assert page.lstrip().startswith("<!DOCTYPE html>")
    assert "x[0]" in page


@pytest.mark.once
def test_a_whole_file_is_checked(wrong: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "results.json"
    assert commands.main(["check", str(wrong), "--json", str(path)]) == WRONG
    assert "1 right, 5 wrong" in capsys.readouterr().out
    verdicts = {one["name"]: one["verdict"] for one in results_of(path)["functions"]}
    assert verdicts["affine_forward"] == "right"
    assert sum(verdict == "wrong" for verdict in verdicts.values()) == 5


@pytest.mark.parametrize(
    ("name", "status", "told"),
    [
        ("talking", 0, "RIGHT"),
        ("drawing", 5, "not deterministic"),
        ("infinite", 5, "the function is inf here"),
        ("raising", 1, "KeyError: 'weights'"),
        ("narrow", 1, "the gradient has shape (1,), the input (2,)"),
    ],
)
def test_status_of_what_is_odd(
    noisy: Path, name: str, status: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert commands.main(["check", f"{noisy}:{name}"]) == status
    out = capsys.readouterr().out
    assert told in out
    assert "called" not in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{}:uncallable"], "uncallable raises when it is called with its inputs: RuntimeError: no data"),
        (["{}:no_such"], "there is no no_such in"),
        (["no_such.py:f"], "there is no file no_such.py"),
        (["{}:talking", "--inputs", '{"y": [1.0]}'], "talking raises when it is called with its inputs"),
        (["{}:talking", "--inputs", "[]"], "the inputs must be finite numbers, at least one"),
        (["{}:talking", "--framework", "other"], "argument --framework: invalid choice"),
        (["{}:talking", "--shape", "x"], "--shape must be sizes with commas between, such as 3,4, got 'x'"),
        (["{}:talking", "--order", "3"], "argument --order: invalid choice"),
        (["{}:talking", "--order", "2"], "--order 2 is for functions of PyTorch and JAX"),
        ([], "the following arguments are required: FILE.py:NAME"),
    ],
)
def test_bad_usage_is_told_in_one_error(
    noisy: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [text.replace("{}", str(noisy)) for text in arguments]
    assert status_of(arguments) == BAD_USAGE
    error = capsys.readouterr().err
    assert message in error
    assert error.count("error: ") == 1
    assert "Traceback" not in error


def test_folder_of_scripts_is_made_before_the_work(
    right: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file"
    file.write_text("")
    assert commands.main(["check", f"{right}:loss", "--scripts", str(file)]) == BAD_USAGE
    assert f"cannot write into {file}" in capsys.readouterr().err


@pytest.mark.once
def test_interruption_keeps_what_there_was(
    right: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(target: Any, **options: Any) -> Any:
        if target.name == "Tanh":
            raise KeyboardInterrupt
        return ask(target, **options)

    monkeypatch.setattr(check, "ask", stopped)
    path = tmp_path / "results.json"
    assert commands.main(["check", str(right), "--json", str(path)]) == INTERRUPTED
    results = results_of(path)
    assert results["interrupted"]
    assert [one["name"] for one in results["functions"]] == ["loss", "affine_forward"]
    assert results["verdict"] == "undecided"


SOME_CANNOT = """
import numpy as np

inputs = np.array([0.3, 0.4])

def raising(x): raise RuntimeError("no such table")
def raising_gradient(x): return x

def lost(x): return np.sum(x)
def lost_gradient(x): return np.ones_like(x)
def lost_inputs(): return 1 / 0

def fine(x): return np.sum(x * x)
def fine_gradient(x): return 2 * x
"""


def test_what_cannot_be_asked_keeps_nobody_else_from_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "some.py"
    path.write_text(SOME_CANNOT)
    assert commands.main(["check", str(path)]) == NOTHING_CHECKED
    out = capsys.readouterr().out
    assert "not asked: raising raises when it is called with its inputs: RuntimeError: no such table" in out
    assert "not asked: lost_inputs() raises ZeroDivisionError" in out
    assert "UNDECIDED" in out
    assert "1 right, 2 undecided" in out
    path.write_text(f"{SOME_CANNOT}\ndef off(x): return np.sum(x)\ndef off_gradient(x): return x\n")
    assert commands.main(["check", str(path)]) == WRONG
    path.write_text(SOME_CANNOT.partition("def fine")[0])
    assert commands.main(["check", str(path)]) == NOTHING_CHECKED


def test_help_says_what_a_name_may_be(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(["--help"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    for words in (
        "--gradient NAME",
        "--inputs WHAT",
        "--shape SIZES",
        "--junit PATH",
        "--scripts DIR",
        "--seed S",
    ):
        assert words in out
    assert "NAME_gradient" in out
    assert "5 nothing could be checked" in out


SHARED = """
import torch

X = torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64)
Y = X + 1


class Sine(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.sin()

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * x.detach().cos()


class Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a, b):
        ctx.save_for_backward(a, b)
        return a * b

    @staticmethod
    def backward(ctx, g):
        a, b = ctx.saved_tensors
        return g * b, g * a * 2


Sine_inputs = (X,)
Product_inputs = (X, Y)
"""


def test_a_tensor_of_two_targets_is_asked_in_both(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The first target made it require a gradient, so that the second was asked about nothing else."""
    pytest.importorskip("torch")
    path = tmp_path / "shared.py"
    path.write_text(SHARED)
    assert commands.main(["check", str(path)]) == WRONG
    assert "input 1" in capsys.readouterr().out
    assert commands.main(["check", f"{path}:Sine"]) == RIGHT
    assert commands.main(["check", f"{path}:Sine", "--order", "2"]) == WRONG


CUSTOM = """
import torch
from torch import library


@library.custom_op("nn_from_scratch_cli::cube", mutates_args=())
def cube(x: torch.Tensor) -> torch.Tensor:
    return torch.from_numpy(x.detach().numpy() ** 3)


@library.custom_op("nn_from_scratch_cli::same", mutates_args=())
def same(x: torch.Tensor) -> torch.Tensor:
    return x.clone()


def keep(ctx, inputs, output):
    ctx.save_for_backward(*inputs)


def backward(ctx, g):
    (x,) = ctx.saved_tensors
    return FACTOR * g * x * x


FACTOR = 3
cube.register_autograd(backward, setup_context=keep)
packet = torch.ops.nn_from_scratch_cli.cube
inputs = (torch.tensor([1.0, 2.0, -0.5], dtype=torch.float64),)
"""


def test_a_custom_operation_of_pytorch_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch")
    path = tmp_path / "operation.py"
    path.write_text(CUSTOM)
    assert commands.main(["check", f"{path}:cube"]) == RIGHT
    assert commands.main(["check", f"{path}:same"]) == NOTHING_CHECKED
    assert "no autograd formula was registered" in capsys.readouterr().out
    path.write_text(CUSTOM.replace("FACTOR = 3", "FACTOR = 2").replace("scratch_cli", "scratch_cli_wrong"))
    for spec in (str(path), f"{path}:packet"):  # of the whole file that which has a gradient
        assert commands.main(["check", spec]) == WRONG
        assert "it is 2/3 times the derivative" in capsys.readouterr().out
