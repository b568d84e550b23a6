"""Mistakes in adapters are told with what to mend, and engines that are wrong are judged."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nn_from_scratch.statuses import BAD_USAGE
from nn_from_scratch.verify import Engine, EngineError, load, verify
from nn_from_scratch.verify.cli import commands as cli
from nn_from_scratch.verify.engines.mistakes import refuse_mistakes
from nn_from_scratch.verify.engines.specs import BUILT_IN
from nn_from_scratch.verify.faults import FAULTS
from nn_from_scratch.verify.judging.examine import examine
from nn_from_scratch.verify.judging.verdicts import Verdict
from nn_from_scratch.verify.power.right_engines import RIGHT_ENGINES
from nn_from_scratch.verify.questions.cases import single

pytestmark = pytest.mark.once


class Number:
    """A right engine in the style of micrograd, with some attributes that are not what one wants."""

    text = "no number"
    unset = None
    zero = 0.0

    def __init__(self, data: float, parts: Any = ()) -> None:
        self.data, self.grad, self.parts = data, 0.0, parts

    @property
    def array(self) -> Any:
        return np.array([self.data])

    @property
    def slopes(self) -> Any:
        return np.array([self.grad])

    def item(self) -> float:
        return self.data

    def __add__(self, other: Any) -> "Number":
        other = other if isinstance(other, Number) else Number(other)
        return Number(self.data + other.data, ((self, 1.0), (other, 1.0)))

    def __mul__(self, other: Any) -> "Number":
        other = other if isinstance(other, Number) else Number(other)
        return Number(self.data * other.data, ((self, other.data), (other, self.data)))

    def backward(self, cotangent: float = 1.0) -> None:
        self.grad += cotangent
        for node, slope in self.parts:
            node.backward(cotangent * slope)

    def needs_more(self, cotangent: float, graph: object) -> None:
        raise NotImplementedError


class Wrong(Number):
    """An engine whose reverse pass raises, and that is so of every output."""

    def backward(self, cotangent: float = 1.0) -> None:
        raise ValueError(cotangent)


class Shy(Number):
    """An engine whose reverse pass raises what an adapter's mistake would, after a product only."""

    def __mul__(self, other: Any) -> "Number":
        return Shy.of(super().__mul__(other))

    def __add__(self, other: Any) -> "Number":
        return super().__add__(other)

    @staticmethod
    def of(found: Number) -> "Number":
        return Missing(found.data, found.parts)


class Missing(Number):
    """A node that looks for what is not there."""

    def backward(self, cotangent: float = 1.0) -> None:
        self.grads += cotangent  # type: ignore[attr-defined]


def no_array(x: float) -> Number:
    if isinstance(x, np.ndarray):
        raise TypeError("only numbers, required argument")
    return Number(x)


def one_leaf() -> Callable[[float], Number]:
    """Return what gives the same leaf each time, with another value."""
    leaf = Number(0.0)

    def variable(x: float) -> Number:
        leaf.data = x
        return leaf

    return variable


def adapter(**parts: Any) -> Engine:
    return Engine.from_tape(**{"variable": Number, "value": "data", "gradient": "grad", **parts})


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"variable": 3}, "`variable` of the adapter is 3, which cannot be called"),
        ({"variable": lambda: Number(1.0)}, "`variable` of the adapter is called with one argument"),
        ({"value": lambda: 0.0}, "`value` of the adapter is called with one argument"),
        ({"gradient": None}, "`gradient` of the adapter is None, which cannot be called"),
        ({"backward": lambda output, more: None}, "`backward` of the adapter is called with one argument"),
        ({"operations": {"relu": "relu"}}, "`operations['relu']` of the adapter is 'relu', no function"),
        ({"operations": {"maximum": lambda x: x}}, "`operations['maximum']` of the adapter is called with 2"),
    ],
)
def test_what_cannot_be_called_is_refused_where_it_is_given(parts: dict[str, Any], words: str) -> None:
    with pytest.raises(EngineError) as told:
        adapter(**parts)
    assert words in str(told.value)


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"variable": lambda x: Number(x, 1, 2)}, "`variable` makes no leaf of 3.0: TypeError"),  # type: ignore[call-arg]
        ({"value": "dat"}, "`value` cannot be read of a leaf: AttributeError: 'Number' object has no attr"),
        ({"value": "item"}, "`value` of a leaf is <bound method"),
        ({"value": "text"}, "`value` of a leaf is 'no number', where a number is expected"),
        ({"value": "array"}, "`value` has the shape (1,)"),
        ({"value": "grad"}, "`value` of a leaf that `variable` made of 3.0 is 0.0"),
        ({"gradient": "gradient"}, "`gradient` cannot be read of a leaf after `backward`: AttributeError"),
        ({"gradient": "unset"}, "`gradient` of a leaf is still None after `backward`"),
        ({"gradient": "zero"}, "`gradient` of a leaf is still 0.0 after `backward`"),
        ({"gradient": "text"}, "`gradient` of a leaf is 'no number'"),
        ({"gradient": lambda node: [1.0, [2.0]]}, "`gradient` of a leaf is [1.0, [2.0]], where a number is"),
        ({"value": lambda node: [1.0, [2.0]]}, "`value` of a leaf is [1.0, [2.0]], where a number is"),
        ({"gradients": lambda output, leaves: None}, "`gradients` gives no nodes: TypeError: object of type"),
        ({"gradients": lambda output, leaves: [1.0]}, "`gradients` gives no nodes: AttributeError: 'float'"),
        (
            {"arrays": True, "backward": lambda output: output.backward()},
            "say spelling=Spelling(cotangent=None)",
        ),
        ({"arrays": True, "variable": no_array}, "`variable` makes no leaf of an array: TypeError"),
        ({"gradient": "slopes"}, "`gradient` has the shape (1,)"),
        ({"backward": "backwards"}, "`backward` cannot be run from any output: AttributeError"),
        ({"backward": "needs_more"}, "`backward` cannot be run from any output: TypeError"),
        (
            {"variable": one_leaf()},
            "`gradient` of a new leaf grows from graph to graph, as 14",
        ),
        ({"backward": lambda output: None}, "`gradient` of a leaf is still 0.0 after `backward`"),
    ],
)
def test_a_mistake_is_told_with_what_to_mend(parts: dict[str, Any], words: str) -> None:
    with pytest.raises(EngineError) as told:
        verify(adapter(**parts), graphs=5)
    assert "has a mistake, and nothing was judged" in str(told.value)
    assert words in str(told.value)


def test_a_mistake_in_a_transform_is_told() -> None:
    def value_only(function: Any, inputs: Any) -> Any:
        return function(*inputs)

    engine = Engine.from_transform(namespace=np, value_and_gradient=value_only)
    with pytest.raises(EngineError, match="`value_and_gradient` answers nothing: TypeError"):
        verify(engine, graphs=5)


def test_the_command_ends_with_one_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mistaken.py"
    path.write_text(
        "from nn_from_scratch import Node\nfrom nn_from_scratch.verify import Engine\n"
        "engine = Engine.from_tape(variable=Node, value='value', gradient='grad')\n"
    )
    assert cli.main(["verify", "--engine", str(path), "--graphs", "5"]) == BAD_USAGE
    error = capsys.readouterr().err
    assert "`backward` cannot be run from any output: AttributeError: 'Node' object has no" in error
    assert len(error.split("\n")) <= 3  # the progress bar's line, and the message's


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_planted_faults_are_judged(fault: Any) -> None:
    refuse_mistakes(fault.engine())


@pytest.mark.parametrize("kind", [Number, Wrong, Shy])
def test_engines_that_raise_are_judged(kind: type) -> None:
    refuse_mistakes(adapter(variable=kind))


def test_an_engine_that_is_wrong_everywhere_is_judged() -> None:
    for gradient in (lambda node: 7.0, lambda node: -node.grad, lambda node: float("nan")):
        engine = adapter(gradient=gradient)
        refuse_mistakes(engine)
        assert examine(engine, single("mul", "xx", [3.0, 5.0])).verdict is Verdict.WRONG


@pytest.mark.parametrize("name", [name for name in BUILT_IN if name not in ("jax", "tinygrad")])
def test_engines_that_ship_have_no_mistake(name: str) -> None:
    if name != "nn_from_scratch":
        pytest.importorskip({"pytorch": "torch"}.get(name, name))
    refuse_mistakes(load(name))


@pytest.mark.parametrize(
    "name", [name for name in RIGHT_ENGINES if "float" not in name and "jax" not in name]
)
def test_engines_that_are_right_have_no_mistake(name: str) -> None:
    pytest.importorskip({"casadi": "casadi", "50 digits": "mpmath"}.get(name, "numpy"))
    refuse_mistakes(RIGHT_ENGINES[name]())
