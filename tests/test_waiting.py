"""Calls on single samples that wait for one another: nothing of it shows but the time."""

from __future__ import annotations

import copy
import gc
import pickle
import threading
import warnings
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nn_from_scratch import MLP, Node, gradients, no_grad, value_and_gradient
from nn_from_scratch.waiting import Waiting

SAMPLES = np.random.default_rng(5).normal(size=(8, 2))


def is_pending(node: Node) -> bool:
    return type(node) is Waiting


class OneByOne:
    """A network whose layers are computed one by one, at once."""

    def __init__(self, model: MLP) -> None:
        self.model = model

    def __call__(self, x: Any) -> Any:
        for layer in self.model.layers:
            x = layer(x)
        return x


# Random programs


class Program:
    """Runs steps on two networks that share a layer, and writes down every number that a step shows."""

    def __init__(self, outputs: int, activation: str, *, waits: bool) -> None:
        self.models = [MLP([2, 3, outputs], seed, activation=activation) for seed in (0, 1)]
        self.models[1].layers[0] = self.models[0].layers[0]
        self.calls: list[Callable[[Any], Node]] = [
            *(self.models if waits else [OneByOne(model) for model in self.models])
        ]
        self.nodes: list[Any] = [Node(0.5)]
        self.lent: list[Any] = []
        self.shown: list[Any] = []

    @property
    def parameters(self) -> list[Node]:
        return [p for model in self.models for p in model.parameters()]

    def run(self, steps: list[tuple[str, int, int]]) -> list[Any]:
        for name, i, j in steps:
            getattr(self, name)(i, j)
        for k in range(len(self.nodes)):
            self.read(k, 0)
        self.shown += [p.grad for p in self.parameters]
        return self.shown

    def node(self, i: int) -> Any:
        return self.nodes[i % len(self.nodes)]

    def call(self, i: int, j: int) -> None:
        sample = SAMPLES[i].copy()
        self.nodes.append(self.calls[j % 2](sample))
        sample[:] = 9.0  # a call keeps its own copy

    def call_twice(self, i: int, j: int) -> None:
        self.call(i, j)
        self.call(i + 1 & 7, j)

    def call_without_graph(self, i: int, j: int) -> None:
        with no_grad():
            self.call(i, j)

    def call_batch(self, i: int, j: int) -> None:
        self.nodes.append(self.calls[j % 2](SAMPLES[: i + 1]).sum())

    def combine(self, i: int, j: int) -> None:
        a, b = self.node(i), self.node(j)
        self.nodes.append(0.5 * a - b if (i + j) % 2 else np.tanh(a) * b)

    def loss(self, i: int, _: int) -> None:
        self.nodes.append(
            sum((np.int64(k % 2) - node).sum() ** 2 for k, node in enumerate(self.nodes[-i - 1 :]))
        )

    def read(self, i: int, _: int) -> None:
        self.shown.append(np.array(self.node(i).value))

    def read_without_graph(self, i: int, j: int) -> None:
        with no_grad():
            self.read(i, j)

    def drop(self, i: int, _: int) -> None:
        if len(self.nodes) > 1:
            del self.nodes[i % len(self.nodes)]

    def assign(self, i: int, j: int) -> None:
        p = self.parameters[i % len(self.parameters)]
        p.value = np.full(p.shape, 0.1 * j)

    def scale(self, i: int, j: int) -> None:
        p = self.parameters[i % len(self.parameters)]
        p.value *= 0.5 + 0.1 * j

    def update(self, i: int, _: int) -> None:
        self.parameters[i % len(self.parameters)].value += (
            -0.01 * self.parameters[i % len(self.parameters)].grad
        )

    def lend(self, i: int, _: int) -> None:
        self.lent.append(self.parameters[i % len(self.parameters)].value)

    def edit(self, i: int, j: int) -> None:
        if self.lent:
            self.lent[i % len(self.lent)][...] += 0.1 * j

    def set_output(self, i: int, j: int) -> None:
        node = self.node(i)
        node.value = np.full(node.shape, 0.1 * j)

    def share(self, i: int, _: int) -> None:
        self.models[1].layers[0].biases = Node(np.full(3, 0.1 * i))

    def switch(self, i: int, _: int) -> None:
        self.models[0].layers[1].activation = ["tanh", "linear", "relu", "sigmoid"][i % 4]

    def copy(self, i: int, j: int) -> None:
        self.nodes.append((copy.deepcopy if j % 2 else copy.copy)(self.node(i)))

    def backward(self, i: int, _: int) -> None:
        node = self.node(i)
        node.backprop(np.ones(node.shape))

    def zero(self, i: int, _: int) -> None:
        self.parameters[i % len(self.parameters)].grad = 0

    def differentiate(self, i: int, _: int) -> None:
        node = self.node(i)
        self.shown += gradients(node.sum(), self.parameters)

    def differentiate_twice(self, i: int, _: int) -> None:
        first = gradients(self.node(i).sum(), self.parameters, create_graph=True)
        total: Any = sum((g * g).sum() for g in first)
        self.shown += gradients(total, self.parameters)


STEPS = sorted(
    name for name in vars(Program) if not name.startswith("_") and name not in {"run", "node", "parameters"}
)
OFTEN = ["call", "call_twice", "combine", "loss", "backward"]


@pytest.mark.once
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    outputs=st.sampled_from([1, 2]),
    activation=st.sampled_from(["tanh", "linear", "softplus"]),
    steps=st.lists(
        st.tuples(st.sampled_from([*STEPS, *OFTEN * 3]), st.integers(0, 7), st.integers(0, 7)), max_size=14
    ),
)
def test_programs_show_the_same_numbers_as_where_every_call_is_computed_at_once(
    outputs: int, activation: str, steps: list[tuple[str, int, int]]
) -> None:
    found, expected = (Program(outputs, activation, waits=waits).run(steps) for waits in (True, False))
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        scale = np.abs(other).max(initial=1e-3)
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-11 * scale)


def test_each_call_sees_the_parameters_it_was_made_with() -> None:
    model = MLP([2, 3, 1], 0)
    weights = model.layers[0].weights
    nodes, expected = [], []

    def call() -> None:
        nodes.append(model(SAMPLES[0]))
        expected.append(OneByOne(model)(SAMPLES[0]).value)

    call()
    for k in range(3):  # assigned, not read
        weights.value = np.full((3, 2), 0.1 * k)
        call()
    model.layers[1].biases = Node([0.5])
    call()
    live = weights.value  # handed out between two calls, and edited after the second
    call()
    live += 1.0
    call()
    model.layers[0].activation = "linear"
    call()
    model.layers.reverse()
    model.layers.reverse()
    model.layers[0] = MLP([2, 3, 1], 1).layers[0]
    call()
    assert (
        len({round(value, 12) for value in expected}) == 8
    )  # the array changed nothing before it was edited
    np.testing.assert_allclose([node.value for node in nodes], expected, rtol=1e-13)


def test_copies_of_a_row_add_to_its_cotangent() -> None:
    model = MLP([2, 3, 1], 0)
    nodes = [model(x) for x in SAMPLES]
    _ = nodes[0].value
    again = copy.copy(nodes[0])
    (nodes[0] + again * 2.0).backprop()
    expected = gradients(OneByOne(model)(SAMPLES[0]) * 3.0, model.parameters())
    for p, gradient in zip(model.parameters(), expected, strict=True):
        np.testing.assert_allclose(p.grad, gradient, rtol=1e-12)


@pytest.mark.parametrize("batch", [(), (1,), (4,)])
def test_gradients_of_a_network_share_no_memory(batch: tuple[int, ...]) -> None:
    model = MLP([2, 2], 0, activation="linear")
    x = Node(np.ones((*batch, 2)))
    z = model(x)
    z.backprop(np.ones(z.shape))
    found = [node.grad for node in (z, x, *model.parameters())]
    for position, one in enumerate(found):
        one[...] = 7.0
        assert not any(np.shares_memory(one, other) for other in found[:position])
    assert np.array_equal(z.grad, np.ones(z.shape))


# What waits, and how long


def test_calls_wait_until_one_of_them_is_read_and_are_then_a_batch() -> None:
    model = MLP([2, 3, 1], 0)
    nodes = [model(x) for x in SAMPLES]
    assert all(map(is_pending, nodes))
    assert repr(nodes[0]).startswith("Node(")
    assert not is_pending(nodes[0])
    assert is_pending(nodes[1])
    np.testing.assert_allclose([node.value for node in nodes], model(SAMPLES).value, rtol=1e-14)
    assert not any(map(is_pending, nodes))
    (whole,) = {id(node._call[0][0]) for node in nodes}
    assert whole


def test_a_call_that_nobody_reads_is_dropped() -> None:
    model = MLP([2, 3, 1], 0)
    gc.disable()
    try:
        kept = model(SAMPLES[0])
        batch = weakref.ref(kept._right)
        del kept
        assert batch() is None
    finally:
        gc.enable()


def test_few_wait_together() -> None:
    model = MLP([2, 3, 1], 0)
    nodes = [model(SAMPLES[k % 8]) for k in range(1000)]
    _ = nodes[0].value
    assert is_pending(nodes[-1])
    assert len({id(node._right) for node in nodes if is_pending(node)}) >= 3
    np.testing.assert_allclose([node.value for node in nodes[:8]], [node.value for node in nodes[-8:]])


def test_few_calls_are_computed_one_by_one() -> None:
    model = MLP([2, 3, 1], 0)
    nodes = [model(SAMPLES[0]), model(SAMPLES[1])]
    (nodes[0] * 2.0 - nodes[1]).backprop()
    assert {node._rule.name for node in nodes} == {"network"}
    output = OneByOne(model)(SAMPLES[0]) * 2.0 - OneByOne(model)(SAMPLES[1])
    for p, expected in zip(model.parameters(), gradients(output, model.parameters()), strict=True):
        np.testing.assert_allclose(p.grad, expected, rtol=1e-12)


def test_calls_that_are_read_one_by_one_do_not_wait_for_long() -> None:
    model = MLP([2, 3, 1], 0)
    pending = 0
    for k in range(400):
        node = model(SAMPLES[k % 8])
        pending += is_pending(node)
        _ = node.value
    assert 6 <= pending <= 16
    for _ in range(100):  # at most 63 of these calls are computed at once
        nodes = [model(x) for x in SAMPLES]
        assert nodes[0].value == pytest.approx(model(SAMPLES).value[0])
    assert all(map(is_pending, [model(x) for x in SAMPLES]))


@pytest.mark.parametrize(
    "sample",
    [
        np.zeros(3),
        np.zeros((2, 2, 2)),
        np.array("text"),
        np.zeros(2, complex),
        [0.0],
        None,
        np.array([None, 1.0]),
    ],
)
def test_errors_are_made_by_the_call(sample: Any) -> None:
    model = MLP([2, 3, 1], 0)
    _ = model(SAMPLES[0])
    found = []
    for network in (model, OneByOne(model)):
        with pytest.raises((TypeError, ValueError)) as error:
            network(sample)
        found.append((error.type, str(error.value)))
    assert found[0] == found[1]


@pytest.mark.parametrize(
    "sample", [[1e200, 1e200], [np.nan, 0.0], [np.inf, 0.0], [1e-320, 1e308], [1e99, 1e99]]
)
@pytest.mark.parametrize("parameter", [1.0, 1e220, 1e300])
def test_warnings_are_those_of_the_call(sample: list[float], parameter: float) -> None:
    model = MLP([2, 3, 1], 0, activation="linear")
    model.layers[0].weights.value = np.full((3, 2), parameter)
    found = []
    for network in (model, OneByOne(model)):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            node = network(np.array(sample))
        found.append(([str(w.message) for w in caught], repr(node)))
    assert found[0] == found[1]


@pytest.mark.parametrize("state", [{"under": "raise"}, {"all": "ignore"}, {"over": "raise"}])
def test_calls_in_another_error_state_do_not_wait(state: Any) -> None:
    model = MLP([2, 3, 1], 0)
    with np.errstate(**state):
        assert not is_pending(model(SAMPLES[0]))
    assert is_pending(model(SAMPLES[0]))


def test_what_underflows_raises_where_numpy_was_told_to() -> None:
    model = MLP([2, 3, 1], 0, activation="sigmoid")
    with np.errstate(under="raise"), pytest.raises(FloatingPointError):
        model(np.array([1e-320, 1e-320]))
    node = model(np.array([1e-320, 1e-320]))
    with np.errstate(under="raise"):
        assert 0 < node.value < 1


def test_no_grad_is_that_of_the_call() -> None:
    model = MLP([2, 3, 1], 0)
    weights = model.layers[0].weights
    with no_grad():
        forgotten = model(SAMPLES[0])
    remembered = [model(SAMPLES[0]), model(SAMPLES[1])]
    with no_grad():
        _ = remembered[0].value
    forgotten.backprop()
    assert np.array_equal(weights.grad, np.zeros((3, 2)))
    remembered[1].backprop()
    np.testing.assert_allclose(weights.grad, gradients(OneByOne(model)(SAMPLES[1]), weights), rtol=1e-13)


def test_arrays_that_the_user_may_edit_are_not_waited_with() -> None:
    model = MLP([2, 3, 1], 0)
    live = model.layers[0].weights.value
    node = model(SAMPLES[0])
    before = OneByOne(model)(SAMPLES[0]).value
    live += 1.0
    assert node.value == pytest.approx(before, rel=1e-14)
    assert model(SAMPLES[0]).value == pytest.approx(OneByOne(model)(SAMPLES[0]).value, rel=1e-14)
    assert not is_pending(model(SAMPLES[0]))
    model.layers[0].weights.value = live
    assert is_pending(model(SAMPLES[0]))


def test_pending_nodes_are_copied_and_pickled_as_others_are() -> None:
    model = MLP([2, 3, 1], 0)
    ways: list[Any] = [copy.copy, copy.deepcopy, lambda node: pickle.loads(pickle.dumps(node))]  # noqa: S301
    for again in ways:
        nodes = [model(x) for x in SAMPLES]
        other: Any = again(nodes[3])
        assert type(other) is Node
        assert other.value == nodes[3].value
        total = other * other + other * 2.0
        total.backprop()
        assert other.grad == 2.0 * other.value + 2.0
        if again is copy.copy:  # of the same graph
            np.testing.assert_allclose(
                gradients(total, model.layers[0].weights),
                other.grad * gradients(nodes[3], model.layers[0].weights),
                rtol=1e-12,
            )


def test_rows_of_a_copied_graph_reach_its_own_parameters() -> None:
    model = MLP([2, 3, 1], 0)
    nodes = [model(x) for x in SAMPLES]
    pair: Any = copy.deepcopy((model, sum(node * node for node in nodes)))
    pair[1].backprop()
    total: Any = sum(node * node for node in nodes)
    expected = gradients(total, model.parameters())
    for p, original, gradient in zip(pair[0].parameters(), model.parameters(), expected, strict=True):
        np.testing.assert_allclose(p.grad, gradient, rtol=1e-12)
        assert np.array_equal(original.grad, np.zeros(original.shape))


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])  # noqa: S301
def test_model_with_pending_calls_is_copied_and_pickled(again: Any) -> None:
    model = MLP([2, 3, 1], 0)
    waiting = model(SAMPLES[0])
    other = again(model)
    assert other(SAMPLES[0]).value == pytest.approx(waiting.value, rel=1e-14)


def test_pending_nodes_are_taken_where_nodes_are() -> None:
    model = MLP([2, 3, 1], 0)

    def pending() -> Node:
        nodes = [model(x) for x in SAMPLES]
        node = nodes[0]
        assert is_pending(node)
        return node

    value = OneByOne(model)(SAMPLES[0]).value
    assert gradients(pending(), model.layers[1].biases).shape == (1,)
    one = pending()
    assert gradients(one * 3.0, one) == 3.0
    assert gradients(Node(1.0) * 2.0, pending()) == 0.0
    assert value_and_gradient(lambda x: x * x)(pending())[1].value == pytest.approx(2 * value)
    Node(np.zeros(())).backprop(pending())
    one = pending()
    one.backprop(2.0)
    assert one.grad == 2.0
    one = pending()
    one.grad = 5.0
    assert one.grad == 5.0
    one = pending()
    one.value = 3.0
    assert (one * one).value == 9.0
    assert np.stack([pending(), pending()]).shape == (2,)
    assert pending() == pytest.approx(value)
    assert pending().shape == ()
    assert isinstance(pending(), Node)
    assert len({one, one}) == 1


def test_threads_call_and_read_at_the_same_time() -> None:
    model = MLP([2, 16, 1], 0)
    samples = np.random.default_rng(0).normal(size=(400, 2))
    expected = model(samples).value
    found: dict[int, list[float]] = {}
    shared = [model(x) for x in samples[:100]]

    def work(thread: int) -> None:
        own = [model(x) for x in samples]
        found[thread] = [node.value for node in own] + [node.value for node in shared]

    threads = [threading.Thread(target=work, args=(k,)) for k in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for k in range(6):
        np.testing.assert_allclose(found[k], [*expected, *expected[:100]], rtol=1e-12)


def test_interrupted_computation_is_made_up_for(monkeypatch: pytest.MonkeyPatch) -> None:
    model = MLP([2, 3, 1], 0)
    nodes = [model(x) for x in SAMPLES]
    with monkeypatch.context() as patch:
        patch.setattr("nn_from_scratch.moment.forward", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            _ = nodes[0].value
    np.testing.assert_allclose([node.value for node in nodes], model(SAMPLES).value, rtol=1e-14)


def _interrupt(*_: Any) -> float:
    raise KeyboardInterrupt


@pytest.mark.once
def test_call_joins_what_waits_whatever_the_habits() -> None:
    model = MLP([2, 3, 1], 0)
    waiting = model(SAMPLES[0])
    assert model._network is not None
    model._network.habits.note(1)  # a batch of another moment was read alone
    joined = model(SAMPLES[1])
    assert is_pending(joined)
    assert waiting._right is joined._right
    np.testing.assert_allclose([waiting.value, joined.value], model(SAMPLES[:2]).value, rtol=1e-13)
