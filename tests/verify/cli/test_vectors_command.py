import errno
import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from nn_from_scratch.statuses import BAD_USAGE, NOTHING_CHECKED, RIGHT
from nn_from_scratch.verify.cli.commands import main
from nn_from_scratch.verify.cli.places import File
from nn_from_scratch.verify.questions.direct import direct_questions
from nn_from_scratch.verify.vectors import files
from nn_from_scratch.verify.vectors.asked import Reasoned, Why
from nn_from_scratch.verify.vectors.lines import Collected

pytestmark = pytest.mark.once


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let there be few vectors: which are asked does not matter here."""
    monkeypatch.setattr(files, "FILES", {"arrays.jsonl": Collected("matrices", of_matrices, 1)})


def of_matrices() -> Iterator[Reasoned]:
    for question in direct_questions((), [("det", "x"), ("cholesky", "x")]):
        yield Why(*question.form, question.role, "ordinary numbers"), question.case


def test_a_folder_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "new" / "vectors"
    assert main(["vectors", "--output", str(folder), "--select", "cholesky"]) == RIGHT
    assert {path.name for path in folder.iterdir()} == {
        "arrays.jsonl.gz",
        "vectors.json",
    }
    header = json.loads((folder / "vectors.json").read_text(encoding="utf-8"))
    assert header["operations"] == ["cholesky"]
    written = gzip.decompress((folder / "arrays.jsonl.gz").read_bytes()).decode().splitlines()
    assert len(written) == header["files"]["arrays.jsonl.gz"]["vectors"] > 5
    assert all("cholesky" in json.loads(line)["operations"] for line in written)
    out = capsys.readouterr().out
    assert str(folder / "vectors.json") in out.replace("\n", "")


@pytest.mark.parametrize("name", ["some.jsonl", "some.jsonl.gz"])
def test_one_file_is_written(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    assert main(["vectors", "--output", str(path), "--select", "det"]) == RIGHT
    read = gzip.decompress(path.read_bytes()) if name.endswith(".gz") else path.read_bytes()
    lines = read.decode().splitlines()
    assert len(lines) > 5
    assert [*tmp_path.iterdir()] == [path]


def test_what_was_selected_keeps_its_number(tmp_path: Path) -> None:
    assert main(["vectors", "--output", str(tmp_path / "all.jsonl")]) == RIGHT
    assert main(["vectors", "--output", str(tmp_path / "some.jsonl"), "--select", "cholesky"]) == RIGHT
    every, some = ((tmp_path / name).read_text().splitlines() for name in ("all.jsonl", "some.jsonl"))
    assert 0 < len(some) < len(every)
    assert some == [line for line in every if "cholesky" in line]


def test_nothing_selected_is_not_all_right(tmp_path: Path) -> None:
    path = tmp_path / "none.jsonl"
    assert main(["vectors", "--output", str(path), "--select", "tanh"]) == NOTHING_CHECKED
    assert not path.read_bytes()


def test_what_cannot_be_done_is_told_before_the_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["vectors", "--select", "gelu"]) == BAD_USAGE
    assert "gelu" in capsys.readouterr().err
    (tmp_path / "file").write_text("")
    assert main(["vectors", "--output", str(tmp_path / "file" / "inside")]) == BAD_USAGE
    assert main(["vectors", "--output", str(tmp_path / "file" / "inside.jsonl")]) == BAD_USAGE


def test_a_full_disk_keeps_what_was_there_and_leaves_no_header_of_what_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "arrays.jsonl.gz").write_bytes(b"earlier")

    def fails(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(File, "put", fails)
    assert main(["vectors", "--output", str(tmp_path), "--select", "det"]) == BAD_USAGE
    assert "No space left on device" in capsys.readouterr().err
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [
        ("arrays.jsonl.gz", b"earlier")
    ]
