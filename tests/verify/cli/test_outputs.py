"""What a command writes: where it may be, and what is left when it cannot be."""

import errno
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path

import pytest

from nn_from_scratch.statuses import BAD_USAGE, RIGHT
from nn_from_scratch.verify.cli import adapter
from nn_from_scratch.verify.cli.commands import main
from nn_from_scratch.verify.cli.outputs import Outputs, UsageError
from nn_from_scratch.verify.cli.places import File
from nn_from_scratch.verify.engines.adapting.asking import Written

pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(not Path("/dev/full").exists(), reason="ways of Linux are taken"),
]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@contextmanager
def printing_to(path: str) -> Iterator[None]:
    """Let what is printed go to a file, by its descriptor."""
    before, opened = os.dup(1), os.open(path, os.O_WRONLY | os.O_CREAT)
    os.dup2(opened, 1)
    try:
        yield
    finally:
        os.dup2(before, 1)
        os.close(before)
        os.close(opened)


@pytest.mark.parametrize(
    ("first", "second"),
    [("a", "./a"), ("a", "b/../a"), ("a", "link/a"), ("engine", "soft"), ("engine", "hard")],
)
def test_two_paths_of_one_file_are_refused(first: str, second: str, folder: Path) -> None:
    (folder / "engine").write_text("mine")
    (folder / "soft").symlink_to("engine")
    (folder / "hard").hardlink_to("engine")
    (folder / "link").symlink_to(".")
    with pytest.raises(UsageError, match=f"--html {Path(second)} would write over a file that --json writes"):
        Outputs({"--json": Path(first), "--html": Path(second)})
    with pytest.raises(UsageError, match="that is what the command reads"):
        Outputs({"--json": Path(second)}, [Path(first)])
    assert (folder / "engine").read_text() == "mine"


def test_results_do_not_take_the_file_that_is_printed_to(folder: Path) -> None:
    with printing_to("out"):
        with pytest.raises(UsageError, match="--json out would write over a file that the command prints to"):
            Outputs({"--json": Path("out")})
        with Outputs({"--json": Path("/dev/stdout")}) as outputs:
            outputs.begin()
            os.write(1, b"a table\n")
            outputs.write("--json", lambda: "{}\n")
    assert (folder / "out").read_text() == "a table\n{}\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("verify", "--engine", "e", "--json", "helper.py"), "would write over Python source"),
        (("report", "r.json", "--html", "link"), "would write over Python source"),
        (("campaign", "c.db", "--json", "c.db-wal"), "is what the command reads"),
        (("campaign", "link.db", "--html", "c.db-shm"), "is what the command reads"),
        (("verify", "--json", "new/"), "is a folder: give the name of a file in it"),
        (("verify", "--json", "x" * 300), "File name too long"),
        (("verify", "--json", "new/" + "x" * 300), "File name too long"),
        (("adapter", "helper.py", "--output", "helper.py", "--force"), "is what the command reads"),
        (("adapter", "helper.py", "--output", ""), "the path is empty"),
        (("learn", ""), "the path is empty"),
        (("learn", "helper.py"), "Not a directory"),
        (("check", "helper.py:none", "--scripts", "new/scripts"), "there is no none"),
        (("check", "helper.py:none", "--scripts", "helper.py"), "cannot write into helper.py"),
        (("vectors", "--output", "a", "--output", "b"), "--output is given twice"),
    ],
)
def test_what_cannot_be_written_is_told_and_changes_nothing(
    arguments: tuple[str, ...], said: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "helper.py").write_text("x = 1\n")
    (folder / "link").symlink_to("helper.py")
    (folder / "link.db").symlink_to("c.db")
    before = {*folder.iterdir()}
    assert main(arguments) == BAD_USAGE
    assert said in capsys.readouterr().err
    assert {*folder.iterdir()} - {folder / "__pycache__"} == before
    assert (folder / "helper.py").read_text() == "x = 1\n"


class Unread(io.StringIO):
    """A stream that fails, as what goes to a full disk or nobody reads."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self._number = number

    def write(self, _: str) -> int:
        raise OSError(self._number, os.strerror(self._number))


@pytest.fixture
def probed(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Written("engine = 1\n", ("a guess",), ("add",))
    monkeypatch.setattr(adapter, "written_adapter", lambda *_: found)


@pytest.mark.usefixtures("probed")
@pytest.mark.parametrize(("number", "status"), [(errno.EPIPE, RIGHT), (errno.ENOSPC, BAD_USAGE)])
@pytest.mark.parametrize(
    ("arguments", "written"),
    [
        (("learn", "new"), ("new/engine.py", "new/test_engine.py")),
        (("adapter", "mine.py"), ("mine_adapter.py",)),
        (("adapter", "mine.py", "--output", "-"), ()),
    ],
)
def test_files_are_written_though_nobody_hears_of_it(
    arguments: tuple[str, ...], written: tuple[str, ...], number: int, status: int, folder: Path
) -> None:
    with redirect_stdout(Unread(number)), redirect_stderr(io.StringIO()) as told:
        assert main(arguments) == status
    assert all((folder / name).read_text() for name in written)
    assert ("cannot print what was found" in told.getvalue()) is (status == BAD_USAGE)


def test_what_the_disk_does_not_take_is_told_and_the_rest_is_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put = File.put

    def fails(place: File, content: bytes) -> None:
        if place.path.name == "engine.py":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        put(place, content)

    monkeypatch.setattr(File, "put", fails)
    assert main(["learn", "new"]) == BAD_USAGE
    told = capsys.readouterr()
    assert "cannot write new/engine.py: No space left on device" in told.err
    assert told.out == f"wrote {Path('new/test_engine.py')}\n"
    assert [path.name for path in (folder / "new").iterdir()] == ["test_engine.py"]


def test_scripts_are_written_over_nothing_that_is_read(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "f.py").write_text("mine")
    with Outputs({}, [Path("f.py")], Path("scripts")) as outputs:
        assert outputs.write_into(Path("f.py"), "script") is None
        assert outputs.write_into(Path("scripts/g.py"), "\udcff") == Path("scripts/g.py")
    assert outputs.status == BAD_USAGE
    assert "f.py is not written: it is a file that is what the command reads" in capsys.readouterr().err
    assert (folder / "f.py").read_text() == "mine"
    assert (folder / "scripts/g.py").read_text() == r"\udcff"
    with suppress(UsageError), Outputs({}, folder=Path("new/scripts")):
        raise UsageError
    assert not (folder / "new").exists()
