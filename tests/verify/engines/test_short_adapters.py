"""Adapters that consist of names: what follows from them without being said."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from nn_from_scratch.verify import Engine, TapeSource, load
from nn_from_scratch.verify.failures.reproduce import reproducer
from nn_from_scratch.verify.failures.reproduce_check import reproducer_of_check
from nn_from_scratch.verify.judging.examine import examine
from nn_from_scratch.verify.questions.cases import single
from nn_from_scratch.verify.state import outcome

pytestmark = pytest.mark.once

ENGINE = """\
class Number:
    def __init__(self, data, parts=()):
        self.data, self.grad, self.parts = data, {fresh}, parts

    def __add__(self, other):
        other = other if isinstance(other, Number) else Number(other)
        return Number(self.data + other.data, ((self, 1.0), (other, 1.0)))

    def __mul__(self, other):
        other = other if isinstance(other, Number) else Number(other)
        return Number(self.data * other.data, ((self, other.data), (other, {slope})))

    def relu(self):
        return Number(max(self.data, 0.0), ((self, float(self.data > 0)),))

    def backward(self, cotangent=1.0):
        self.grad = (self.grad or 0.0) + cotangent
        for node, slope in self.parts:
            node.backward(cotangent * slope)
"""
ADAPTER = """\
from {module} import Number
from nn_from_scratch.verify import Engine

engine = Engine.from_tape(variable=Number, value="data", gradient="grad"{more})
"""


def engine(
    folder: Path, module: str, *, fresh: str = "0.0", slope: str = "self.data", more: str = ""
) -> Path:
    """Write an engine and its adapter, the module named so that no other test has it."""
    (folder / f"{module}.py").write_text(ENGINE.format(fresh=fresh, slope=slope))
    path = folder / f"{module}_adapter.py"
    path.write_text(ADAPTER.format(module=module, more=more))
    return path


@dataclass
class Plain:
    """A node that may be set, whose gradient there is from the beginning."""

    data: Any
    grad: Any = 0.0

    def backward(self) -> None:
        self.grad = 1.0


@dataclass(frozen=True)
class Frozen:
    """One that may not."""

    data: Any
    grad: Any = 0.0


class Late:
    """One whose gradient there is only after the reverse pass."""

    def __init__(self, data: float) -> None:
        self.data = data


class Boxed(Plain):
    """One that holds numbers of its own kind."""

    def __init__(self, data: Any) -> None:
        super().__init__(float.__new__(Own, data), float.__new__(Own, 0.0))


class Own(float):
    """A number of one's own."""


@pytest.mark.parametrize("fresh", ["0.0", "None", "0"])
def test_state_is_asked_for_nothing(fresh: str, tmp_path: Path) -> None:
    short = load(engine(tmp_path, f"short_{fresh[:1]}", fresh=fresh))
    assert short.name == f"short_{fresh[:1]}"
    for check in ("values assigned after the forward pass", "gradients zeroed between two passes"):
        assert outcome(short, check).outcome == "right"


def test_an_adapter_may_say_itself_what_would_follow() -> None:
    said: list[float] = []

    def assign(_: Any, value: float) -> None:
        said.append(value)

    short = Engine.from_tape(variable=Plain, value="data", gradient="grad", assign=assign, name="mine")
    assert short.tape
    assert short.tape.assign is assign
    assert (short.name, said) == ("mine", [])


@pytest.mark.parametrize(
    ("kind", "moves"), [(Frozen, set()), (Late, {"assign"}), (Plain, {"assign", "reset"})]
)
def test_what_cannot_be_set_is_not_asked(kind: type, moves: set[str]) -> None:
    short = Engine.from_tape(variable=kind, value="data", gradient="grad")
    assert short.driver.moves & {"assign", "reset"} == moves


def test_numbers_of_ones_own_kind_are_made_as_leaves_are() -> None:
    short = Engine.from_tape(variable=Boxed, value="data", gradient="grad")
    assert short.tape
    assert short.tape.assign
    assert short.tape.reset
    leaf = Boxed(3.0)
    leaf.grad = 7.0
    short.tape.assign(leaf, 5.0)
    short.tape.reset(leaf)
    assert (type(leaf.data), leaf.data, type(leaf.grad), leaf.grad) == (Own, 5.0, Own, 0.0)
    assert isinstance(short.source, TapeSource)
    assert short.source.assign == "{leaf}.data = Boxed({value}).data"
    assert short.source.reset == "{leaf}.grad = Boxed({leaf}.data).grad"


def test_names_may_have_parts_and_moves_may_be_functions() -> None:
    def walk(output: Any) -> None:
        output.info.slope = 4.0

    def leaf(x: float) -> Any:
        return SimpleNamespace(info=SimpleNamespace(number=x, slope=0.0))

    short = Engine.from_tape(
        variable=leaf, value="info.number", gradient="info.slope", backward=walk, name="nested"
    )
    assert short.tape
    node = short.tape.variable(3.0)
    short.tape.backward(node)
    assert (short.tape.value(node), short.tape.gradient(node)) == (3.0, 4.0)
    assert short.source is None


@pytest.mark.parametrize("fresh", ["0.0", "None"])
def test_scripts_are_plain_code_of_the_engine(fresh: str, tmp_path: Path) -> None:
    module = f"plain_{fresh[0]}"
    path = engine(tmp_path, module, fresh=fresh, slope="2 * self.data")
    mine = load(path)
    check = outcome(mine, "gradients zeroed between two passes")
    scripts = [
        reproducer(mine, examine(mine, single("mul", "xx", [3.0, 5.0]))),
        reproducer_of_check(mine, check),
    ]
    assert check.outcome == "wrong"
    for number, script in enumerate(scripts):
        assert "nn_from_scratch" not in script
        assert f"from {module} import Number" in script
        (tmp_path / f"script_{number}.py").write_text(script)

    def fails(number: int) -> bool:
        command = [sys.executable, str(tmp_path / f"script_{number}.py")]
        return subprocess.run(command, cwd="/", check=False, capture_output=True).returncode != 0

    assert all(map(fails, range(len(scripts))))
    engine(tmp_path, module, fresh=fresh, slope="self.data + 0.0")
    assert not any(map(fails, range(len(scripts))))


def test_what_has_no_name_has_no_code() -> None:
    def local(x: float) -> Plain:
        return Plain(x)

    assert Engine.from_tape(variable=local, value="data", gradient="grad").source is None
    reading = Engine.from_tape(variable=Plain, value=lambda node: node.data, gradient="grad")
    assert reading.source is None
    given = {"relu": lambda x: x, "exp": abs, "tanh": Plain}
    short = Engine.from_tape(variable=Plain, value="data", gradient="grad", operations=given)
    assert short.source
    assert short.source.operations == {"relu": "", "exp": "", "tanh": "Plain({operands})"}


def test_a_file_whose_name_is_no_module_s_has_no_code_either(tmp_path: Path) -> None:
    made = (
        "from nn_from_scratch.verify import Engine\nengine = Engine.from_tape(variable=Number, value='data'"
    )
    for name, has_code in (("my-engine.py", False), ("class.py", False), ("my_engine_too.py", True)):
        (tmp_path / name).write_text(
            f"{ENGINE.format(fresh='0.0', slope='self.data')}\n{made}, gradient='grad')\n"
        )
        assert bool(load(tmp_path / name).source) is has_code


@pytest.mark.parametrize("name", [None, 3, b"mine"])
def test_a_name_that_is_no_text_is_refused_at_once(name: Any) -> None:
    with pytest.raises(TypeError, match="the name of an engine is a text"):
        Engine.from_tape(variable=Plain, value="data", gradient="grad", name=name)


FUNCTIONS = """\
def square(x):
    return x * x

def at(function, inputs):
    return function(*inputs), [function(*inputs) for _ in inputs]
"""
TRANSFORM = """\
import {module} as functions
from nn_from_scratch.verify import Engine

engine = Engine.from_transform(namespace=functions, value_and_gradient=functions.at)
"""


def test_scripts_of_transforms_are_plain_code_as_well(tmp_path: Path) -> None:
    (tmp_path / "my_functions.py").write_text(FUNCTIONS)
    path = tmp_path / "my_transform.py"
    path.write_text(TRANSFORM.format(module="my_functions"))
    mine = load(path)
    assert mine.name == "my_functions"
    script = reproducer(mine, examine(mine, single("square", "x", [3.0])))
    assert "value, gradient = at(f, [" in script
    assert "nn_from_scratch" not in script
    (tmp_path / "script.py").write_text(script)
    done = subprocess.run(
        [sys.executable, tmp_path / "script.py"], cwd="/", check=False, capture_output=True, text=True
    )
    assert "AssertionError" in done.stderr
