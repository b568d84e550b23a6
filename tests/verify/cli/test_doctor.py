from importlib import metadata
from pathlib import Path

import pytest

from nn_from_scratch import distribution
from nn_from_scratch.verify.cli import doctor
from nn_from_scratch.verify.cli.commands import main


def test_doctor_tells_versions_and_what_optional_packages_add(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    printed = capsys.readouterr().out
    assert metadata.version("numpy") in printed
    assert "--engine autograd" in printed
    assert "no problem found" in printed


def test_doctor_tells_of_the_stranger(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(distribution, "STRANGER", "numpy")  # one that is certainly installed
    assert main(["doctor"]) == 1
    printed = capsys.readouterr().out
    assert "problem:" in printed
    assert f"numpy {metadata.version('numpy')} is installed, another project's package" in printed


def test_doctor_tells_of_files_without_an_installation(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(distribution, "NAME", "a-name-of-nothing")
    assert main(["doctor"]) == 1
    assert "a-name-of-nothing is not installed" in capsys.readouterr().out


def test_doctor_tells_of_a_package_that_is_too_old(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(doctor.LEAST, "numpy", ((99, 0), "of a test"))
    assert main(["doctor"]) == 1
    assert "and 99.0 is needed, for of a test: pip install 'numpy>=99.0'" in capsys.readouterr().out


def test_doctor_tries_an_engine(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--engine", "nn_from_scratch"]) == 0
    printed = capsys.readouterr().out
    assert "threads of " in printed
    assert "engine: nn_from_scratch, asked about add, " in printed
    assert ": 10 right" in printed


@pytest.mark.once
def test_doctor_tells_what_is_wrong_with_an_engine(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.py"
    fault = "next(fault for fault in FAULTS if fault.name == 'add: its derivative times 0.999999999999')"
    path.write_text(f"from nn_from_scratch.verify.faults import FAULTS\nengine = {fault}.engine()\n")
    assert main(["doctor", "--engine", str(path)]) == 1
    assert ", add: the derivative for x0 is " in capsys.readouterr().out
    assert main(["doctor", "--engine", str(tmp_path / "none.py")]) == 4
