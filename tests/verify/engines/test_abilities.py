"""What an engine lacks is not supported, and never a failure; what it should have, and has not, is one."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from nn_from_scratch.verify import Engine, Results, Verdict, verify
from nn_from_scratch.verify.engines.abilities import abilities, needed
from nn_from_scratch.verify.faults import Victim
from nn_from_scratch.verify.faults.further import further_victim
from nn_from_scratch.verify.faults.victim import Value
from nn_from_scratch.verify.judging.examine import examine
from nn_from_scratch.verify.questions.cases import single
from nn_from_scratch.verify.questions.generate import seeded
from nn_from_scratch.verify.questions.generate_arrays import array_case
from nn_from_scratch.verify.questions.operations import FURTHER, FURTHER_ARRAYS

RULES = ("rules", "accuracy")
OPERATIONS = Victim().engine("victim").operations
FEW = ("add", "mul", "neg", "tanh", "sum", "prod", "min", "matmul", "transpose", "index", "concatenate")
"""What an engine has that lacks one thing: to ask about more takes time and shows no more."""


def refusing(name: str, what: Callable[..., bool], error: Exception | None = None) -> dict[str, Any]:
    """Return a few of the victim's operations, of which one raises for what it does not have."""

    def operation(*operands: Any, **parameters: Any) -> Any:
        if what(*operands, **parameters):
            raise error or NotImplementedError("some day")
        return OPERATIONS[name](*operands, **parameters)

    return {**{one: OPERATIONS[one] for one in FEW}, name: operation}


def incomplete(operations: dict[str, Any]) -> Engine:
    return dataclasses.replace(
        Victim().engine("incomplete"), operations=operations, complete=False, explicit=frozenset()
    )


def told(engine: Engine) -> Results:
    results = verify(engine, graphs=150, jobs=1, grades=RULES)
    assert (results["verdict"], results["failures"]) == ("right", [])
    assert results["graphs"]["error"] == 0
    return results


def test_every_ability_is_needed_by_its_own_case_and_the_victim_has_it() -> None:
    everything = further_victim(*FURTHER, *FURTHER_ARRAYS).engine("everything")
    engine = dataclasses.replace(everything, complete=False, explicit=frozenset())
    assert len(abilities()) > 300
    for ability in abilities():
        assert ability in needed(ability.case)
        engine.answer(ability.case)
        if ability.case.point:  # empty arrays have no derivatives
            assert not examine(engine, ability.case).verdict.accuses, (ability.form, ability.what)
    assert (engine.lacks, engine.array_lacks) == ({}, {})


def test_every_step_on_arrays_needs_an_ability() -> None:
    for index in range(300):
        drawn = array_case(seeded(5, index))
        forms = {(step.operation, drawn.expression.operand_kinds(step)) for step in drawn.expression.steps}
        assert {form[0] for form in forms} == {one.form[0] for one in needed(drawn)}


@pytest.mark.once
@pytest.mark.parametrize(
    "error", [AttributeError("no prod"), NotImplementedError("no prod"), TypeError("no")]
)
def test_array_operation_that_an_engine_lacks_is_not_supported(error: Exception) -> None:
    engine = incomplete(refusing("prod", lambda *_, **__: True, error))
    assert ("prod", "x") not in engine.array_forms
    assert ("sum", "x") in engine.array_forms
    results = told(engine)
    row = results["operations"]["prod"]
    assert (row["supported"], row["checked"]) == (False, 0)
    assert "axis=None, an axis, a negative axis, several axes, keepdims=True" in row["note"]
    assert f"{type(error).__name__}: {error}" in row["note"]
    assert results["operations"]["min"]["supported"]


@pytest.mark.once
def test_array_engine_without_methods_of_its_nodes_is_right() -> None:
    class Few(Value):
        pass

    def variable(x: Any) -> Value:
        return Value(x)

    names = ("add", "sub", "mul", "div", "neg", "exp", "sum", "matmul")
    base = Victim().engine("few")
    engine = Engine.from_tape(
        name="few",
        variable=variable,
        backward=Victim().backward,
        value=lambda node: node.data,
        gradient=lambda node: node.grad,
        operations={name: base.operations[name] for name in names},
        arrays=True,
    )
    assert {name for name, _ in engine.array_forms} == set(names)
    results = told(engine)
    assert "'Value' object has no attribute 'prod'" in results["operations"]["prod"]["note"]
    assert results["operations"]["matmul"]["checked"] > 5


@pytest.mark.once
@pytest.mark.parametrize(
    ("name", "what", "note"),
    [
        (
            "sum",
            lambda x, axis, keepdims: isinstance(axis, tuple),
            "several axes: NotImplementedError: some day",
        ),
        ("sum", lambda x, axis, keepdims: keepdims, "keepdims=True: NotImplementedError"),
        ("matmul", lambda x, y: np.ndim(x.data) == 1, "1-D @ 1-D, 1-D @ 2-D, 1-D and a stack: Not"),
        ("transpose", lambda x, axes: len(axes) > 2, "more axes: NotImplementedError"),
        (
            "index",
            lambda x, index: any(type(i) is tuple and type(i[0]) is bool for i in index),
            "a mask: Not",
        ),
        ("concatenate", lambda *xs, axis: axis != 0, "another axis, a negative axis: NotImplementedError"),
        ("tanh", lambda x: np.ndim(x.data) > 3, "arrays of 4 axes: NotImplementedError"),
    ],
)
def test_shape_or_keyword_that_an_engine_lacks_is_said(
    name: str, what: Callable[..., bool], note: str
) -> None:
    engine = incomplete(refusing(name, what))
    assert note in engine.note(name)
    results = told(engine)
    assert results["operations"][name]["supported"]
    assert results["operations"][name]["checked"] > 0 or name == "matmul", "few graphs have one"


def test_tracer_without_operators_lacks_them() -> None:
    def value_and_gradient(function: Callable[..., Any], inputs: Sequence[Any]) -> tuple[Any, Any]:
        leaves = [Tracer(Value(x)) for x in inputs]
        output = function(*leaves).node
        Victim().backward(output)
        return output.data, [leaf.node.grad for leaf in leaves]

    engine = Engine.from_transform(name="tracer", namespace=object(), value_and_gradient=value_and_gradient)
    assert {name for name, _ in engine.forms} == {"add", "mul"}
    assert engine.lacks["abs", "x"].startswith("TypeError: bad operand type for abs(): 'Tracer'")
    assert engine.lacks["pow", "xc"].startswith("TypeError: unsupported operand type(s) for **")
    told(engine)


class Tracer:
    """What a function is traced with: it adds and multiplies."""

    def __init__(self, node: Value) -> None:
        self.node = node

    def __add__(self, other: Any) -> "Tracer":
        return Tracer(OPERATIONS["add"](self.node, other.node if isinstance(other, Tracer) else other))

    def __mul__(self, other: Any) -> "Tracer":
        return Tracer(OPERATIONS["mul"](self.node, other.node if isinstance(other, Tracer) else other))

    __radd__, __rmul__ = __add__, __mul__


@pytest.mark.once
def test_transform_is_asked_for_what_it_lacks_once_it_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Value, "__mul__", OPERATIONS["mul"], raising=False)
    monkeypatch.setattr(Value, "shape", property(lambda node: np.shape(node.data)), raising=False)

    def value_and_gradient(function: Callable[..., Any], inputs: Sequence[Any]) -> tuple[Any, Any]:
        leaves = [Value(np.asarray(x)) for x in inputs]
        output = function(*leaves)
        Victim().backward(output)
        return output.data, [leaf.grad for leaf in leaves]

    class Namespace:
        @staticmethod
        def sum(x: Any) -> Any:
            return OPERATIONS["sum"](x, axis=None, keepdims=False)

    operations = refusing("sum", lambda x, axis, keepdims: isinstance(axis, tuple))
    engine = Engine.from_transform(
        name="transform",
        namespace=Namespace,
        value_and_gradient=value_and_gradient,
        operations=operations,
        arrays=True,
    )
    assert engine.array_lacks == {}, "compiling each would take long"
    (several,) = (one for one in abilities() if (one.form[0], one.what) == ("sum", "several axes"))
    assert engine.lacking(several.case) == ""
    assert engine.lacking(several.case, raised=True) == "sum, several axes: NotImplementedError: some day"
    results = told(engine)
    assert "several axes: NotImplementedError: some day" in results["operations"]["sum"]["note"]
    assert results["operations"]["sum"]["checked"] > 5


@pytest.mark.once
def test_operation_that_the_adapter_gives_and_that_cannot_be_called_is_an_error() -> None:
    for wrong in (
        lambda x, y: abs(x)(y),
        lambda x, y: x.no_such_method(y),
        lambda x, y: _assert(),
    ):
        engine = Engine.from_tape(
            name="wrong arity",
            variable=Value,
            backward=Victim().backward,
            value=lambda node: node.data,
            gradient=lambda node: node.grad,
            operations={**{name: OPERATIONS[name] for name in ("add", "mul")}, "hypot": wrong},
        )
        assert ("hypot", "xx") in engine.forms
        results = verify(engine, graphs=40, grades=RULES)
        assert results["verdict"] == "wrong"
        assert {failure["operation"] for failure in results["failures"]} == {"hypot"}
        assert results["operations"]["hypot"]["wrong"] > 0
    assert "the operation hypot that the adapter gives cannot be called: " in " ".join(
        verify(dataclasses.replace(engine, operations={**engine.operations, "hypot": lambda x: x}), graphs=9)[
            "alarms"
        ]
    )


def _assert() -> None:
    raise AssertionError("x must be larger")


def test_form_that_an_operation_of_the_adapter_lacks_is_not_supported() -> None:
    def add(x: Any, y: Any) -> Any:
        if not isinstance(y, Value):
            raise TypeError("no numbers")
        return OPERATIONS["add"](x, y)

    engine = Engine.from_tape(
        name="no constants",
        variable=Value,
        backward=Victim().backward,
        value=lambda node: node.data,
        gradient=lambda node: node.grad,
        operations={"add": add, "mul": OPERATIONS["mul"]},
    )
    assert engine.lacks["add", "xc"] == "TypeError: no numbers"
    assert engine.broken == {}
    assert "(node + constant): TypeError: no numbers" in told(engine)["operations"]["add"]["note"]


@pytest.mark.parametrize(
    ("message", "lacks"),
    [
        ("linalg.inv: Low precision dtypes not supported. Got BFloat16", True),
        ("\"lu_factor_cpu\" not implemented for 'Half'", True),
        ("quantile() input tensor must be either float or double dtype", True),
        ("unsupported data type: float16", True),
        ("this kernel does not support bfloat16", True),
        ("unsupported operand type(s) for +", False),
        ("double backward is not supported", False),
        ("expected scalar type Float but found Half", False),
        ("the gradient must be float64, as its node is", False),
        ("the supported range of float64 was left", False),
    ],
)
def test_engine_lacks_what_it_says_is_not_supported_for_a_type(message: str, lacks: bool) -> None:
    refused = refusing("prod", lambda *_, **__: True, RuntimeError(message))
    engine = dataclasses.replace(incomplete(refused), explicit=frozenset({"prod"}))
    assert (("prod", "x") not in engine.array_forms) == lacks
    assert engine.broken == {}, "it can be called"
    assert (f"RuntimeError: {message}" in engine.note("prod")) == lacks


def test_engine_that_refuses_a_type_at_some_points_only_is_wrong() -> None:
    """What it computes at a harmless point is there, whatever it says elsewhere."""

    def exp(x: Any) -> Any:
        if x.data > 1:
            raise RuntimeError("dtype float64 is not supported")
        return OPERATIONS["exp"](x)

    engine = Engine.from_tape(
        name="at times",
        variable=Value,
        backward=Victim().backward,
        value=lambda node: node.data,
        gradient=lambda node: node.grad,
        operations={"add": OPERATIONS["add"], "mul": OPERATIONS["mul"], "exp": exp},
    )
    assert ("exp", "x") in engine.forms
    results = verify(engine, graphs=100, jobs=1, grades=RULES)
    assert results["verdict"] == "wrong"
    assert {failure["operation"] for failure in results["failures"]} == {"exp"}


def test_assertion_is_no_lack_unless_it_speaks_of_support() -> None:
    def engine(message: str) -> Engine:
        return incomplete(refusing("tanh", lambda *_: True, AssertionError(message)))

    assert ("tanh", "x") not in engine("").lacks
    assert ("tanh", "x") not in engine("x must be larger").lacks
    assert examine(engine("x must be larger"), single("tanh", "x", [0.5])).verdict is Verdict.ERROR
    assert ("tanh", "x") in engine("only supporting sigmoid for now").lacks


@pytest.mark.once
def test_engine_that_never_answers_has_nothing_that_is_right() -> None:
    def backward(_: Any, __: Any = None) -> None:
        raise RuntimeError("backward of nothing")

    tape = Victim().engine("victim").tape
    assert tape is not None
    for complete in (True, False):
        engine = dataclasses.replace(
            Victim().engine("mute"),
            driver=dataclasses.replace(tape, backward=backward),
            complete=complete,
        )
        results = verify(engine, graphs=100, grades=RULES)
        assert results["verdict"] == "nothing checked"
        assert results["graphs"]["checked"] == 0
        assert not any(row["checked"] for row in results["operations"].values())
        assert any("answered no question" in alarm and "backward of" in alarm for alarm in results["alarms"])


def test_engine_without_arrays_is_not_asked_about_them() -> None:
    engine = dataclasses.replace(incomplete(dict(OPERATIONS)), arrays=False)
    assert (engine.array_forms, engine.array_lacks, engine.note("prod")) == ((), {}, "")
