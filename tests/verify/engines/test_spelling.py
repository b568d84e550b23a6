"""Array engines that are described by a table: right ones are right, and their faults are still seen."""

import contextlib
import dataclasses
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import array_core as core
import numpy as np
import pytest
import spelled_engines
from asked_apart import asked_apart

from nn_from_scratch.verify import Engine, EngineError, Spelling, Verdict, isolated, load, verify
from nn_from_scratch.verify.campaign.direct import Direct, ask_directly, surroundings
from nn_from_scratch.verify.engines.errors import NotSpelledError
from nn_from_scratch.verify.engines.spelled import spelled_operations
from nn_from_scratch.verify.judging.examine import examine
from nn_from_scratch.verify.questions.cases import single
from nn_from_scratch.verify.questions.direct import direct_questions
from nn_from_scratch.verify.questions.generate import seeded
from nn_from_scratch.verify.questions.graphs import drafts

pytestmark = pytest.mark.once
EVERY = 3  # of so many questions one is asked of an engine, and of each engine others
GRAPHS = 16


def accused(engine: Engine, offset: int = 0) -> Iterator[str]:
    """Yield what an engine is accused of, and after each question that was answered an empty text."""
    questions = list(direct_questions(engine.forms, engine.array_forms, surroundings(engine)))
    cases = [question.case for question in questions[offset::EVERY]]
    for index in range(GRAPHS):
        drawn = drafts(seeded(0, index), 0, index, engine.forms, engine.array_forms)
        cases.append(next((case for case in drawn if not engine.lacking(case)), cases[0]))
    for case in cases:
        if engine.lacking(case):
            continue
        seen = examine(engine, case)
        if seen.is_lacking or (seen.error and engine.lack(case)):
            continue
        yield f"{case}: {seen.message}" if seen.verdict.accuses else ""


@pytest.mark.parametrize("adapter", spelled_engines.ADAPTERS, ids=lambda adapter: adapter.__name__)
def test_a_right_engine_is_right_in_its_own_words(adapter: Callable[[], Engine]) -> None:
    offset = spelled_engines.ADAPTERS.index(adapter) % EVERY
    found = list(accused(adapter(), offset))
    assert len(found) > 30
    assert not [text for text in found if text]


@pytest.mark.parametrize("adapter", spelled_engines.ADAPTERS, ids=lambda adapter: adapter.__name__)
def test_an_adapter_is_short(adapter: Callable[[], Engine]) -> None:
    """No lambda in it, and the expression that makes the engine in fewer lines than fifteen."""
    _, *lines = inspect.getsource(adapter).splitlines()
    assert len(lines) <= 15, "fewer than fifteen, and the bracket that closes"
    assert "lambda" not in inspect.getsource(adapter)


def test_there_are_twelve_of_them() -> None:
    tables = {str(table_of(adapter)) for adapter in spelled_engines.ADAPTERS}
    assert len(tables) == len(spelled_engines.ADAPTERS) >= 12


def table_of(adapter: Callable[[], Engine]) -> Spelling:
    made: Any = adapter().operations["add"]
    table = made._table
    assert isinstance(table, Spelling)
    return table


FAULTS: dict[str, tuple[Callable[[], Engine], Any, str, Any]] = {
    "the gradient of a sum along an axis is divided": (
        spelled_engines.torchlike,
        spelled_engines.Torchlike,
        "sum",
        lambda self, dim=None, keepdim=False: (
            core.total(self, dim, keepdim) if dim is None else core.mul(core.mean(self, dim, keepdim), 2.0)
        ),
    ),
    "two axes are not swapped back": (
        spelled_engines.torchlike,
        spelled_engines.Torchlike,
        "transpose",
        lambda self, dim0, dim1: core.made(
            self, self.data.swapaxes(dim0, dim1), (self, lambda g: g.reshape(self.data.shape))
        ),
    ),
    "what is joined gets the gradients of the other": (
        spelled_engines.permuting,
        spelled_engines.Permuting,
        "cat",
        lambda self, *others, dim=0: core.concatenate([self, *others][::-1], dim),
    ),
    "an index that is used twice counts once": (
        spelled_engines.listed,
        spelled_engines.Listed,
        "__getitem__",
        lambda self, where: core.made(self, self.data[where], (self, lambda g: _placed(self.data, where, g))),
    ),
    "the table has the gradients of half of the cotangent": (
        spelled_engines.by_id,
        spelled_engines.ById,
        "backward",
        lambda self, gradient=None: {
            key: g * 0.5 if gradient is not None else g
            for key, (_, g) in core.adjoints(self, gradient).items()
        },
    ),
    "the sum of all entries loses one": (
        spelled_engines.one_dimensional,
        spelled_engines.OneDimensional,
        "sum",
        lambda self, axis=None, keepdims=False: core.total(
            self
            if axis is not None or self.data.size < 2
            else core.index(core.reshape(self, -1), slice(1, None)),
            axis,
            keepdims,
        ),
    ),
    "a product's other operand is not transposed": (
        spelled_engines.whole,
        spelled_engines.Whole,
        "__matmul__",
        lambda self, other: core.made(
            self,
            self.data @ core.lifted(self, other)[1].data,
            (self, lambda g: np.ones_like(self.data) * g.sum()),
        ),
    ),
    "what is joined by a function is joined in another order": (
        spelled_engines.functional,
        spelled_engines.ops,
        "concat",
        lambda xs, axis=0: core.concatenate(xs[::-1], axis),
    ),
    "what is broadcast by a function gets the average": (
        spelled_engines.dezero,
        spelled_engines.F,
        "broadcast_to",
        lambda x, shape: core.made(
            x,
            np.broadcast_to(x.data, shape),
            (x, lambda g: core.fitted(g, x.data.shape) * (x.data.size / max(g.size, 1))),
        ),
    ),
    "another shape's gradient is given in columns": (
        spelled_engines.by_node,
        spelled_engines.ByNode,
        "reshape",
        lambda self, shape: core.made(
            self, self.data.reshape(shape), (self, lambda g: g.reshape(self.data.shape, order="F"))
        ),
    ),
    "gradients that are asked for along the last axis are half": (
        spelled_engines.asked,
        spelled_engines.Asked,
        "sum",
        lambda self, axes=None, keepdims=False: (
            core.total(core.mul(core.add(self, self.data), 0.5), axes, keepdims)
            if axes == -1
            else core.total(self, axes, keepdims)
        ),
    ),
    "a difference of tensors has the gradient of a sum": (
        spelled_engines.closed,
        spelled_engines.Closed,
        "__sub__",
        lambda self, other: core.made(
            self, self.data - other.data, (self, lambda g: g), (other, lambda g: g)
        ),
    ),
    "a matrix is not transposed back": (
        spelled_engines.matrix,
        spelled_engines.Matrix,
        "transpose",
        lambda self: core.made(self, self.data.T, (self, lambda g: g.reshape(self.data.shape))),
    ),
    "the larger operand gets the gradient of both": (
        spelled_engines.masked,
        spelled_engines.Masked,
        "max",
        lambda self, other: core.add(core.maximum(self, other), core.mul(self, 0.0 * self.data + 1e-3)),
    ),
}


def _placed(data: Any, where: Any, g: Any) -> Any:
    found = np.zeros_like(data)
    found[where] = g
    return found


def test_each_has_a_fault() -> None:
    assert {adapter for adapter, *_ in FAULTS.values()} == set(spelled_engines.ADAPTERS)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_seen_through_the_table(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    adapter, kind, name, wrong = FAULTS[fault]
    monkeypatch.setattr(kind, name, wrong)
    engine = adapter()
    assert any(any(accused(engine, offset)) for offset in range(EVERY))


def test_what_the_table_says_is_lacking_is_not_supported_and_no_failure() -> None:
    results = verify(spelled_engines.closed(), graphs=24, grades=("rules", "accuracy"))
    assert (results["verdict"], results["failures"]) == ("right", [])
    assert results["operations"]["sum"]["checked"] > 0
    assert not results["operations"]["matmul"]["supported"]
    assert "no constant numbers" in str(results["operations"]["add"])
    assert "different shapes" in str(results["operations"]["add"])


class Refusing(core.Operators):
    """It sums what it is given along one axis, whatever was asked."""

    def __init__(self, data: Any) -> None:
        self.hold(data)

    def sum(self, axis: Any = None, keepdims: bool = False) -> Any:
        return core.total(self, axis[0] if isinstance(axis, tuple) else axis, keepdims)

    def backward(self, gradient: Any = None) -> None:
        core.walk(self, gradient)


def test_only_the_table_says_what_is_lacking() -> None:
    """What is wrong and not said to be lacking is accused; what is said is not, by the same engine."""

    def directly(spelling: Spelling) -> Direct:
        found, left = Direct(), iter(range(1_500))
        engine = Engine.from_tape(variable=Refusing, value="data", arrays=True, spelling=spelling)
        ask_directly(engine, found, lambda: next(left, None) is not None)
        return found

    every: dict[str, Any] = {"names": {}, "lacks": ("exp", "tanh", "relu"), "matmul_ranks": (2,)}
    assert any(question.operation == "sum" for question, _ in directly(Spelling(**every)).failing)
    silent = directly(Spelling(**every, axes=None))
    assert not silent.failing
    assert silent.not_supported
    assert silent.checked["sum"] > 10


ADAPTER = """\
from nn_from_scratch.verify import Engine, Spelling
from spelled_engines import closed as engine
"""


def test_a_table_is_known_in_another_process(tmp_path: Path) -> None:
    results = asked_apart(tmp_path / "spelled_adapter.py", ADAPTER, graphs=24)
    assert (results["verdict"], results["failures"]) == ("right", [])
    assert results["operations"]["sum"]["checked"] > 0


class Called:
    """What notes how it is called."""

    def __init__(self, data: Any) -> None:
        self.data = data

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments, **named: Called((name, arguments, named))

    def __getitem__(self, where: Any) -> Any:
        return Called(where)


def said(table: Spelling, name: str, *operands: Any, **keywords: Any) -> Any:
    """Return how an operation of a table is called on a node of two axes."""
    node = Called(np.zeros((2, 3)))
    return spelled_operations(table, [name], lambda x: x.data)[name](node, *operands, **keywords).data


@pytest.mark.parametrize(
    ("table", "name", "keywords", "called"),
    [
        ({}, "sum", {"axis": (0, 1), "keepdims": True}, ("sum", (), {"axis": (0, 1), "keepdims": True})),
        ({"axis": "dim", "keepdims": "keepdim"}, "sum", {"axis": 0, "keepdims": True},
         ("sum", (), {"dim": 0, "keepdim": True})),
        ({"axis": "", "keepdims": ""}, "sum", {"axis": 0, "keepdims": True}, ("sum", (0, True), {})),
        ({"axes": "list"}, "sum", {"axis": (0, 1)}, ("sum", (), {"axis": [0, 1]})),
        ({"axes": "apart"}, "sum", {"axis": (0, 1)}, ("sum", (0, 1), {})),
        ({}, "sum", {"axis": None, "keepdims": False}, ("sum", (), {})),
        ({"names": {"reshape": "view"}, "sizes": "apart"}, "reshape", {"shape": (3, 2)},
         ("view", (3, 2), {})),
        ({"sizes": "list"}, "broadcast_to", {"shape": (3, 2)}, ("broadcast_to", ([3, 2],), {})),
        ({"transpose": "two"}, "transpose", {"axes": (0, 2, 1)}, ("transpose", (1, 2), {})),
        ({"transpose": "reversed"}, "transpose", {"axes": (1, 0)}, ("transpose", (), {})),
        ({"exceptions": {"mean": {"axis": "dim"}}}, "mean", {"axis": 1}, ("mean", (), {"dim": 1})),
    ],
)  # fmt: skip
def test_calls(table: dict[str, Any], name: str, keywords: dict[str, Any], called: Any) -> None:
    assert said(Spelling(**table), name, **keywords) == called


@pytest.mark.parametrize(
    ("arrays", "index", "given"),
    [
        ("list", ((0, 1), 0), ([0, 1], 0)),
        ("tuple", ((0, 1),), ((0, 1),)),
        ("list", (("slice", 1, None, None),), slice(1, None)),
        ("list", (-1,), -1),
    ],
)
def test_indices(arrays: Any, index: Any, given: Any) -> None:
    assert said(Spelling(index_arrays=arrays), "index", index=index) == given


@pytest.mark.parametrize(
    ("table", "name", "keywords"),
    [
        ({"axis": None}, "sum", {"axis": 0}),
        ({"axes": None}, "sum", {"axis": (0, 1)}),
        ({"negative_axes": False}, "sum", {"axis": -1}),
        ({"negative_axes": False}, "transpose", {"axes": (-1, 0)}),
        ({"whole": False}, "sum", {"axis": None}),
        ({"keepdims": None}, "sum", {"axis": 0, "keepdims": True}),
        ({"whole_keepdims": False}, "sum", {"axis": None, "keepdims": True}),
        ({"inferred_size": False}, "reshape", {"shape": (-1,)}),
        ({"transpose": "two"}, "transpose", {"axes": (1, 2, 0)}),
        ({"transpose": "two"}, "transpose", {"axes": (0, 1)}),
        ({"transpose": "reversed"}, "transpose", {"axes": (1, 0, 2)}),
        ({"index": ("integer",)}, "index", {"index": (("slice", 1, None, None),)}),
        ({"index": ("integer",)}, "index", {"index": (0, 0)}),
        ({"index": ("slice",)}, "index", {"index": (("slice", None, None, -1),)}),
        ({"index": ("array",)}, "index", {"index": ((True, False),)}),
    ],
)  # fmt: skip
def test_what_is_lacking_is_told_before_the_engine_is_asked(
    table: dict[str, Any], name: str, keywords: dict[str, Any]
) -> None:
    with pytest.raises(NotSpelledError):
        said(Spelling(**table), name, **keywords)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"sizes": "array"}, "`sizes` of a Spelling is 'array', none of 'tuple', 'list', 'apart'"),
        ({"gradients": "there"}, "`gradients` of a Spelling is 'there'"),
        ({"index": ("integers",)}, "it has integer, slice, step, array, mask, newaxis"),
        ({"names": {"cat": "concatenate"}}, "no operation of the catalogue: cat"),
        (
            {"exceptions": {"mean": {"dim": 1}}},
            r"`exceptions\['mean'\]` of a Spelling has dim, which is no field",
        ),
    ],
)
def test_a_mistake_in_a_table_is_told(table: dict[str, Any], message: str) -> None:
    with pytest.raises(EngineError, match=message):
        Spelling(**table)


def test_a_name_that_the_engine_does_not_have_is_no_lack() -> None:
    wrong = Engine.from_tape(
        variable=Refusing, value="data", arrays=True, spelling=Spelling(names={"tanh": "tanhh"})
    )
    assert "tanhh" in wrong.broken["tanh"]


def test_every_field_is_explained() -> None:
    text = inspect.getdoc(Spelling) or ""
    explained = text.partition("Parameters\n")[2].partition("Raises\n")[0].splitlines()
    assert {line for line in explained if line and line[0].isalpha()} == {
        one.name for one in dataclasses.fields(Spelling)
    }


OWN_NAME = """
from dataclasses import replace
from nn_from_scratch.verify import load


class NotSpelledError(TypeError):
    pass


def raising(x):
    if float(x.value) > 1:
        raise NotSpelledError("an exception of the engine's own")
    return x.tanh()


def never(x):
    raise NotSpelledError("an exception of the engine's own")


right = load("nn_from_scratch")
given = {**right.operations, "tanh": raising, "sin": never}
engine = replace(right, complete=False, operations=given, explicit=frozenset({"sin"}))
"""


@pytest.mark.parametrize("find", [load, isolated])
def test_an_exception_of_the_engine_that_has_the_name_is_a_fault(
    find: Callable[[str], Engine], tmp_path: Path
) -> None:
    file = tmp_path / "own_name.py"
    file.write_text(OWN_NAME, encoding="utf-8")
    engine = find(str(file))
    with contextlib.closing(engine.driver):
        seen = examine(engine, single("tanh", "x", (2.0,)))
        assert (seen.verdict, seen.is_lacking) == (Verdict.ERROR, False)
        assert "NotSpelledError: an exception of the engine's own" in seen.message
        assert "sin" in engine.broken
