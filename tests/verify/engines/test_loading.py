"""How an adapter is found from the folder that its author stands in, and what is said where it is not."""

import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from nn_from_scratch.verify import Engine, EngineError, load
from nn_from_scratch.verify.engines.wire.isolated import CAN_ISOLATE, isolated
from nn_from_scratch.verify.questions.cases import single

pytestmark = pytest.mark.once

CLONE = """\
class Number:
    def __init__(self, data, parts=()):
        self.data, self.grad, self.parts = data, 0.0, parts

    def __mul__(self, other):
        return Number(self.data * other.data, ((self, other.data), (other, self.data)))

    def backward(self, cotangent=1.0):
        self.grad += cotangent
        for node, slope in self.parts:
            node.backward(cotangent * slope)
"""
ADAPTER = """\
from tinygrad_clone import Number
from nn_from_scratch.verify import Engine

engine = Engine.from_tape(
    name="clone", variable=Number, backward=lambda y: y.backward(),
    value=lambda node: node.data, gradient=lambda node: node.grad,
)
"""
Find = Callable[[str | Path], Engine]


@pytest.fixture(
    params=[
        load,
        pytest.param(isolated, marks=pytest.mark.skipif(not CAN_ISOLATE, reason="processes are POSIX's")),
    ]
)
def find(request: pytest.FixtureRequest) -> Find:
    """Both ways to find an engine: in this process, and in one of its own."""
    found: Find = request.param
    return found


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one's own engine and its adapter beside it, in which one stands."""
    (tmp_path / "tinygrad_clone.py").write_text(CLONE)
    (tmp_path / "clone_adapter.py").write_text(ADAPTER)
    for name in ("tinygrad_clone", "clone_adapter", "_engine_clone_adapter"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(find: Find, spec: str | Path) -> str:
    with pytest.raises(EngineError) as told:
        find(spec)
    words = str(told.value)
    assert words.count("cannot load engine") == 1
    return words


@pytest.mark.parametrize(
    "spec",
    ["clone_adapter.py", "clone_adapter:engine", "./clone_adapter"],
)
@pytest.mark.usefixtures("folder")
def test_what_lies_beside_an_adapter_is_found(find: Find, spec: str) -> None:
    engine = find(spec)
    with closing(engine.driver):
        assert engine.name == "clone"
        assert engine.answer(single("mul", "xx", [3.0, 5.0])).gradient == (5.0, 3.0)


def test_a_file_is_found_from_another_folder_and_as_a_path(
    find: Find, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "elsewhere").mkdir()
    monkeypatch.chdir(folder / "elsewhere")
    for spec in (folder / "clone_adapter.py", Path("../clone_adapter.py")):
        with closing(find(spec).driver):
            pass


def test_what_lies_here_comes_before_what_is_installed(find: Find, folder: Path) -> None:
    package = folder / "micrograd"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "engine.py").write_text(CLONE)
    (folder / "adapter_of_mine.py").write_text(ADAPTER.replace("tinygrad_clone", "micrograd.engine"))
    before = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "micrograd"}
    for name in before:
        del sys.modules[name]
    try:
        with closing(find("adapter_of_mine.py").driver) as driver:
            assert "micrograd" in driver.found_in("adapter_of_mine.py").names
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == "micrograd"]:
            del sys.modules[name]
        sys.modules.update(before)


def test_loading_leaves_arguments_and_the_search_path(folder: Path) -> None:
    arguments, first = sys.argv, sys.path[0]
    load("clone_adapter.py")
    assert sys.argv is arguments
    assert sys.path[0] == first
    assert sys.path.count(str(folder)) == 1


def test_a_script_that_reads_its_arguments_gets_none(folder: Path) -> None:
    reading = (
        "import argparse\nparser = argparse.ArgumentParser()\nparser.add_argument('--epochs', default=3)\n"
    )
    (folder / "script.py").write_text(f"{reading}assert parser.parse_args().epochs == 3\n{ADAPTER}")
    with closing(load("script.py").driver):
        pass
    (folder / "wants.py").write_text(f"{reading}parser.add_argument('data')\nparser.parse_args()\n{ADAPTER}")
    assert "ExitError: SystemExit: 2" in refused(load, "wants.py")


def test_an_error_deep_in_an_adapter_is_told_with_its_line(find: Find, folder: Path) -> None:
    (folder / "tinygrad_clone.py").write_text("\n\nimport no_such_thing\n")
    words = refused(find, "clone_adapter.py")
    assert "ModuleNotFoundError: No module named 'no_such_thing'" in words
    assert f"{folder / 'tinygrad_clone.py'}, line 3: import no_such_thing" in words


def test_an_error_of_a_file_itself_is_told_with_its_line(folder: Path) -> None:
    (folder / "syntax.py").write_text("x = 1\nengine = (\n")
    assert "syntax.py, line 2" in refused(load, "syntax.py")
    (folder / "parsing.py").write_text("import json\njson.loads('{')\n")  # raised in an installed package
    assert "parsing.py, line 2: json.loads" in refused(load, "parsing.py")


@pytest.mark.parametrize(
    ("line", "attribute", "words"),
    [
        ("", "engin", "there is no 'engin' in odd.py; perhaps you mean odd.py:engine"),
        ("del engine", "engine", "there is no 'engine' in odd.py; an adapter has a line `engine = Engine"),
        ("mine = engine; del engine", "engine", "perhaps you mean odd.py:mine"),
        ("engine = 3", "engine", "engine of odd.py is 3, no Engine"),
        (
            "engine = Number",
            "engine",
            "is a class, no Engine; an adapter has a line `engine = Engine.from_tape(v",
        ),
        ("def engine(): return 7", "engine", "a function that returns 7, no Engine"),
        ("def engine(name): return name", "engine", "but it needs name: call it in the adapter"),
        ("def engine(): return 1 / 0", "engine", "engine() of odd.py raises ZeroDivisionError"),
        ("def engine(): raise SystemExit(3)", "engine", "engine() of odd.py raises ExitError: SystemExit: 3"),
        (
            "Engine.from_tape(**{**arguments, 'name': None})",
            "engine",
            "name of an engine is a text, got None",
        ),
        (
            "Engine.from_tape(**arguments, operations={'gelu': abs})",
            "engine",
            "gelu (near it: relu); the README lists",
        ),
    ],
)
def test_what_is_no_engine_is_told_with_what_would_do(
    line: str, attribute: str, words: str, folder: Path
) -> None:
    arguments = "arguments = dict(name='odd', variable=abs, backward=abs, value=abs, gradient=abs)"
    (folder / "odd.py").write_text(f"{ADAPTER}\n{arguments}\n{line}\n")
    assert words in refused(load, f"odd.py:{attribute}").replace(f"{folder}/", "")


def test_a_function_of_nothing_may_stand_for_an_engine(folder: Path) -> None:
    (folder / "factory.py").write_text(
        f"{ADAPTER}\nclone = engine\ndef make(name='x', *more): return clone\n"
    )
    with closing(load("factory.py:make").driver):
        pass


def test_what_is_no_text_is_no_spec(find: Find) -> None:
    with pytest.raises(EngineError, match="a spec is a text or a path, got 3"):
        find(3)  # type: ignore[arg-type]
    with pytest.raises(EngineError, match="needs no loading"):
        find(load("nn_from_scratch"))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["mygrad", "tinygrad"])
def test_a_package_that_is_missing_is_told_with_what_to_install(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEV", "PYTHON")
    monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, f"nn_from_scratch.verify.engines.adapters.{name}", raising=False)
    with pytest.raises(EngineError, match=rf"cannot load engine '{name}': .*\(pip install {name}\)"):
        load(name)
