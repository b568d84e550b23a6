"""Each script fails by itself, in a process of its own, and passes once the gradient is mended."""

import functools
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from long_runs import WHOLE, half
from written_functions import (
    JAX,
    JAX_MENDED,
    JAX_SLIPS,
    NUMPY,
    NUMPY_MENDED,
    NUMPY_SLIPS,
    PYTORCH,
    PYTORCH_MENDED,
    PYTORCH_SLIPS,
    written,
)

from nn_from_scratch.verify.functions.named.asking import Found, ask
from nn_from_scratch.verify.functions.named.finding import Asked, find
from nn_from_scratch.verify.functions.named.literals import literal
from nn_from_scratch.verify.judging.verdicts import Verdict

MOST = 2
"""Scripts that are run of one function, but in `tox -e long`: most of their time goes into imports."""


def run(script: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(script)]
    return subprocess.run(command, cwd="/", capture_output=True, text=True, check=False)


def asked_of(path: Path, name: str) -> Found:
    (target,) = find(f"{path}:{name}", Asked())
    return ask(target, again=repr(["check", f"{path}:{name}"]))


def prove(
    tmp_path: Path, file: str, text: str, words: tuple[dict[str, str], dict[str, str]], name: str
) -> str:
    """Take the scripts of a wrong function, see them fail, mend the function, and see them pass."""
    path = tmp_path / file
    slips, mended = words
    path.write_text(written(text, slips))
    found = asked_of(path, name)
    assert found.verdict.accuses
    scripts = list(dict.fromkeys(failure.script for failure in found.failures))
    assert all(scripts)
    scripts = scripts if WHOLE else scripts[:MOST]
    for k, script in enumerate(scripts):
        (tmp_path / f"script{k}.py").write_text(script)
        done = run(tmp_path / f"script{k}.py")
        assert done.returncode == 1, done.stderr
        if "got {" in script:
            assert "true" in done.stdout
            assert "nn_from_scratch" not in script
    # Of another length: by size and time, in seconds, Python tells whether to compile a file anew.
    path.write_text(f"{written(text, mended)}\n# mended\n")
    for k in range(len(scripts)):
        done = run(tmp_path / f"script{k}.py")
        assert done.returncode == 0, done.stdout + done.stderr
    return scripts[0]


@pytest.mark.once
@pytest.mark.parametrize("name", ["loss", "Tanh", "square", "nested", "narrow"])
def test_scripts_of_numpy(tmp_path: Path, name: str) -> None:
    script = prove(tmp_path, f"layers_{name}.py", NUMPY, (NUMPY_SLIPS, NUMPY_MENDED), name)
    assert ("got {" in script) == (name not in {"square", "narrow"})


@pytest.mark.parametrize("name", half(["Swish", "Square"]))
def test_scripts_of_pytorch(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    from nn_from_scratch.verify.functions.named import in_pytorch
    from nn_from_scratch.verify.functions.pytorch.examine import examine

    asking = functools.partial(examine, transforms=())  # compiling takes long
    monkeypatch.setattr(in_pytorch, "examine", asking)
    words = PYTORCH_SLIPS, PYTORCH_MENDED
    script = prove(tmp_path, f"tensors_{name}.py", PYTORCH, words, name)
    assert ("got {" in script) == (name == "Swish")


@pytest.mark.once
def test_scripts_of_jax(tmp_path: Path) -> None:
    pytest.importorskip("jax")
    script = prove(tmp_path, "arrays_of_jax.py", JAX, (JAX_SLIPS, JAX_MENDED), "swish")
    assert "got {" in script


def test_a_file_that_no_import_finds_is_run(tmp_path: Path) -> None:
    script = prove(tmp_path, "not-a-name.py", NUMPY, (NUMPY_SLIPS, NUMPY_MENDED), "Tanh")
    assert "runpy" in script


@pytest.mark.once
def test_what_cannot_be_imported_is_asked_by_the_command_again(tmp_path: Path) -> None:
    path = tmp_path / "a_case.py"
    path.write_text("import numpy as np\n\n\ndef case():\n    return np.sin, lambda x: 2 * np.cos(x), 0.5\n")
    (failure, *_) = asked_of(path, "case").failures
    (tmp_path / "script.py").write_text(failure.script)
    assert run(tmp_path / "script.py").returncode == 1
    path.write_text("import numpy as np\n\n\ndef case():\n    return np.sin, lambda x: np.cos(x), 0.5\n")
    assert run(tmp_path / "script.py").returncode == 0


def test_functions_that_came_without_a_name_are_found_by_their_modules(tmp_path: Path) -> None:
    path = tmp_path / "a_test.py"
    text = (
        "import numpy as np\nfrom nn_from_scratch.verify import check_gradient\n\n\ndef slope(x):\n"
        "    return FACTOR * np.cos(x)\n\n\ndef test_sine():\n    check_gradient(np.sin, slope, 0.5)\n"
    )
    script = prove(tmp_path, path.name, text, ({"FACTOR": "2"}, {"FACTOR": "1"}), "test_sine")
    assert "from numpy import sin" in script
    assert "got {" in script


@pytest.mark.once
def test_right_functions_have_no_script(tmp_path: Path) -> None:
    path = tmp_path / "right_layers.py"
    path.write_text(written(NUMPY, NUMPY_MENDED))
    for name in ("loss", "affine_forward", "Tanh", "square", "nested", "narrow"):
        found = asked_of(path, name)
        assert found
        assert found.verdict is Verdict.RIGHT
        assert not found.failures
        assert not any(entry.verdict.accuses for entry in found.entries)


@pytest.mark.parametrize(
    "x",
    [
        np.array([[0.1, -2.5e300], [5e-324, 0.0]]),
        np.array([0.1, 0.7], np.float32),
        np.arange(5),
        np.linspace(0, 1, 1000),
        np.array([np.nan, np.inf]),
        np.zeros((0, 3)),
        np.array([True, False]),
        np.float32(0.1),
        {"a": [np.ones(2), 0.5], "b": (None, "text", 3)},
        (np.ones(1),),
    ],
)
def test_literals_are_exactly_what_they_stand_for(x: object) -> None:
    text = literal(x)
    assert text is not None
    import base64

    again = eval(text, {"np": np, "base64": base64})  # noqa: S307  our own text
    np.testing.assert_equal(again, x)
    assert getattr(again, "dtype", None) == getattr(x, "dtype", None)


def test_what_has_no_literal_is_refused() -> None:
    assert literal(object()) is None
    assert literal([object()]) is None
    assert literal(np.array([1j])) is None
