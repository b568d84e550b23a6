from importlib import metadata

import pytest

from nn_from_scratch import distribution
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
