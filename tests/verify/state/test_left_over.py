"""What an engine keeps from one graph, pass or exception to the next: each fault is seen by one check."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import spelled_engines
from narrowed import narrowed

from nn_from_scratch.verify import Engine, load, state
from nn_from_scratch.verify.failures.reproduce_check import written
from nn_from_scratch.verify.faults import Victim
from nn_from_scratch.verify.faults.victim import Value, topological

pytestmark = pytest.mark.once

COTANGENT = "a second backward with another cotangent"
INNER = "an inner node as the next output"
AGAIN = "a graph built again, once values are assigned"
EXCEPTION = "a gradient after an exception"
ASSIGNED = "values assigned after the forward pass"
LEAF = "a leaf array as the output"
INTEGERS = "leaves made of integers"
IN_PLACE = "a node added to in place"
KEPT = "values after the reverse pass"
EACH = (COTANGENT, INNER, AGAIN, EXCEPTION, LEAF)
OF_STATE = [name for name, one in state.CHECKS.items() if one.grade == "state" and name not in state.LONG]


class Cached(Victim):
    """Computes an operation of the same operands once."""

    results: dict[Any, Value] = {}  # noqa: RUF012  of all graphs, which is the fault

    def apply(self, name: str, *operands: Any, **parameters: Any) -> Value:
        key = (name, operands, str(parameters))
        if any(np.ndim(x) for x in operands if not isinstance(x, Value)):
            return super().apply(name, *operands, **parameters)
        if key not in self.results:
            self.results[key] = super().apply(name, *operands, **parameters)
        return self.results[key]


class Remembering(Victim):
    """Begins each pass of one output from the first one's cotangent."""

    last: dict[str, Any] = {}  # noqa: RUF012

    def backward(self, output: Value, cotangent: Any = 1.0) -> None:
        if self.last.get("output") is not output:
            self.last.update(output=output, cotangent=cotangent)
        super().backward(output, self.last["cotangent"])


class Resuming(Victim):
    """Adds to what an inner output has from the pass of another."""

    last: dict[str, Any] = {}  # noqa: RUF012

    def backward(self, output: Value, cotangent: Any = 1.0) -> None:
        inner = output.rule and self.last.get("output") is not output
        self.last["output"] = output
        super().backward(output, cotangent + output.grad if inner else cotangent)


class Interrupted(Victim):
    """Counts twice in the first pass after an operation raised."""

    kept: list[str] = []  # noqa: RUF012

    def apply(self, name: str, *operands: Any, **parameters: Any) -> Value:
        self.kept.append(name)
        made = super().apply(name, *operands, **parameters)
        self.kept.pop()
        return made

    def backward(self, output: Value, cotangent: Any = 1.0) -> None:
        super().backward(output, np.asarray(cotangent) * 2 if self.kept else cotangent)
        self.kept.clear()


class Unweighed(Victim):
    """Gives an array that is the output itself ones, whatever its cotangent is."""

    def backward(self, output: Value, cotangent: Any = 1.0) -> None:
        of_itself = not output.rule and np.ndim(output.data)
        super().backward(output, np.ones(np.shape(output.data)) if of_itself else cotangent)


def engine_of(victim: Victim, **moves: Any) -> Engine:
    engine = victim.engine(type(victim).__name__)
    assert engine.tape is not None
    return replace(engine, driver=replace(engine.tape, **{"reset": Value.forget, **moves}))


def wrong(engine: Engine) -> list[str]:
    results = state.run(engine, OF_STATE)
    return [one.name for one in results if one.outcome in ("wrong", "error")]


@pytest.mark.parametrize(
    ("victim", "names"),
    [
        *((Cached, AGAIN), (Remembering, COTANGENT), (Resuming, INNER), (Interrupted, EXCEPTION)),
        *((Unweighed, LEAF), (Victim, None)),
    ],
)
def test_fault_is_seen_by_its_check_and_by_no_other(victim: type[Victim], names: str | None) -> None:
    assert wrong(engine_of(victim())) == ([names] if names else [])


def test_faults_are_seen_without_a_reset_as_well() -> None:
    for victim, name in ((Remembering, COTANGENT), (Resuming, INNER)):
        assert state.outcome(victim().engine("faulty"), name).outcome == "wrong"


def test_exception_of_an_engine_of_scalars_is_found() -> None:
    engine = replace(Interrupted().engine("of scalars"), arrays=False)
    assert state.outcome(engine, COTANGENT).outcome == "does not apply"
    result = state.outcome(engine, EXCEPTION)
    assert result.outcome == "wrong"
    assert "for x, once another graph raised is 18.0, expected 9.0" in result.message


def test_engine_that_never_raises_has_no_exception_to_ask_about() -> None:
    engine = narrowed(replace(Victim().engine("narrow"), arrays=False), "add", "mul")
    result = state.outcome(engine, EXCEPTION)
    assert (result.outcome, result.message) == ("does not apply", "it raised at nothing that was tried")


def begins_anew(output: Value, cotangent: Any = 1.0) -> None:
    for node in topological(output):
        node.forget()
    Victim().backward(output, cotangent)


def adds_up_everywhere(output: Value, cotangent: Any = 1.0) -> None:
    """Add to the output's gradient, too, as one does whose user zeroes those of all nodes."""
    before = output.grad if output.rule else 0.0
    Victim().backward(output, cotangent + before)


def frees(output: Value, cotangent: Any = 1.0) -> None:
    """Take the nodes of a graph for leaves once it was walked."""
    nodes = topological(output)
    Victim().backward(output, cotangent)
    for node in nodes:
        node.operands, node.rule = (), ""


def refuses() -> Callable[..., None]:
    used: list[Value] = []

    def backward(output: Value, cotangent: Any = 1.0) -> None:
        nodes = [node for node in topological(output) if node.rule]
        if any(node is one for node in nodes for one in used):
            raise RuntimeError("the graph is freed")
        Victim().backward(output, cotangent)
        used.extend(nodes)

    return backward


@pytest.mark.parametrize("resets", [True, False])
@pytest.mark.parametrize(
    ("backward", "names"),
    [
        (begins_anew, EACH),
        (refuses(), EACH),
        (frees, EACH),
        (adds_up_everywhere, (COTANGENT, AGAIN, EXCEPTION)),  # others say what is added up
    ],
)
def test_other_conventions_are_not_accused(
    backward: Callable[..., None], names: tuple[str, ...], resets: bool
) -> None:
    engine = engine_of(Victim(), backward=backward, reset=Value.forget if resets else None)
    assert {name: state.outcome(engine, name).outcome for name in names} == dict.fromkeys(names, "right")


class Lazy(Value):
    """Computes its value when it is read, and keeps what it has read."""


def lazy_engine(*, anew: bool = False) -> Engine:
    """Return an engine that computes what is read: once, or each time anew."""

    class Deferred(Victim):
        def apply(self, name: str, *operands: Any, **parameters: Any) -> Value:
            return Lazy(None, name, operands, (), parameters)

    def value(node: Any) -> Any:
        if isinstance(node, Lazy) and (anew or node.data is None):
            node.seen = tuple(value(x) for x in node.operands)
            node.data = Victim().value(node.rule, *node.seen, **node.parameters)
            node.forget()
        return node.data if isinstance(node, Value) else node

    def backward(output: Value, cotangent: Any = 1.0) -> None:
        value(output)
        Victim().backward(output, cotangent)

    return engine_of(Deferred(), value=value, backward=backward)


@pytest.mark.parametrize("anew", [False, True])
def test_engine_that_computes_what_is_read_is_right(anew: bool) -> None:
    assert wrong(lazy_engine(anew=anew)) == []


def test_lazy_engine_that_mixes_old_and_new_values_is_found() -> None:
    engine = lazy_engine()
    tape = engine.tape
    assert tape is not None
    plain = tape.backward

    def backward(output: Value, cotangent: Any = 1.0) -> None:
        for node in topological(output):
            node.seen = tuple(x.data if isinstance(x, Value) else x for x in node.operands)
        plain(output, cotangent)

    result = state.outcome(replace(engine, driver=replace(tape, backward=backward)), ASSIGNED)
    assert "the derivative for b is 83.0, expected 12.0" in result.message


def test_script_reads_the_value_before_it_assigns() -> None:
    script = written(load("nn_from_scratch"), state.Result(ASSIGNED, "state", "wrong", ""))
    assert 0 < script.index("got = float(u1.value)") < script.index("a.value = 7.0")


def test_script_goes_on_after_the_exception() -> None:
    pytest.importorskip("micrograd")
    script = written(load("micrograd"), state.Result(EXCEPTION, "state", "wrong", ""))
    assert "try:\n    a = Value(1.0)\n    b = Value(0.0)\n    u0 = a / b\n    u0.data\nexcept " in script
    exec(compile(script, "script", "exec"), {})  # noqa: S102  it is ours, and micrograd is right


@pytest.mark.parametrize("spec", ["nn_from_scratch", "micrograd", "pytorch"])
def test_adapters_are_not_accused(spec: str) -> None:
    pytest.importorskip({"pytorch": "torch"}.get(spec, spec))
    engine = load(spec)
    assert not {state.outcome(engine, name).outcome for name in EACH} & {"wrong", "error"}
    assert {state.outcome(engine, name).outcome for name in (INTEGERS, IN_PLACE, KEPT)} == {"right"}


@pytest.mark.parametrize("name", ["torchlike", "functional", "listed", "masked", "matrix", "one_dimensional"])
def test_spelled_engines_are_not_accused(name: str) -> None:
    engine = getattr(spelled_engines, name)()
    each = (*EACH, INTEGERS, IN_PLACE, KEPT)
    assert not {state.outcome(engine, one).outcome for one in each} & {"wrong", "error"}


def no_integers(x: Any) -> Value:
    if np.asarray(x).dtype.kind == "i":
        raise ValueError("floats only")
    return Value(x)


def test_integers_may_be_refused() -> None:
    result = state.outcome(engine_of(Victim(), variable=no_integers), INTEGERS)
    assert (result.outcome, result.message) == ("does not apply", "the engine refuses integers: floats only")


def test_node_that_changes_what_was_made_of_it_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    micrograd = pytest.importorskip("micrograd.engine")

    def edited(u: Any, other: Any) -> Any:
        total = u + other
        u.data = total.data  # with which an earlier product will be differentiated
        return total

    monkeypatch.setattr(micrograd.Value, "__iadd__", edited, raising=False)
    result = state.outcome(load("micrograd"), IN_PLACE)
    assert result.outcome == "wrong"
    assert "and u += c comes after is 48.0, expected 36.0" in result.message
