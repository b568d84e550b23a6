"""`replay`: the engine's values and gradients, at other inputs than those a function was recorded with."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest
from numpy_cases import CALLS, Asked
from rule_cases import CASES, Case

from nn_from_scratch import MLP, Node, checkpoint, custom, no_grad, replay, value_and_gradient
from nn_from_scratch.replaying import ReplayError
from nn_from_scratch.verify import load, verify
from nn_from_scratch.verify.engines.adapters.ours import OPERATIONS
from nn_from_scratch.verify.engines.adapters.replay import BY_VALUES


def assert_same(found: Any, expected: Any, rtol: float = 1e-13) -> None:
    assert type(found[0]) is float
    gradients = [(f if type(f) is list else [f]) for _, f in (found, expected)]
    assert len(gradients[0]) == len(gradients[1])
    np.testing.assert_allclose(found[0], expected[0], rtol=rtol)
    for one, other in zip(*gradients, strict=True):
        assert type(one) is type(other)
        assert np.shape(one) == np.shape(other)
        np.testing.assert_allclose(
            one,
            other,
            rtol=rtol,
            atol=rtol * np.abs(other[np.isfinite(other)] if np.shape(other) else 0).max(initial=0),
        )


@pytest.mark.once
@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_rule_is_replayed_at_other_inputs(case: Case) -> None:
    operands = case.operands()
    weights = case.generator.uniform(0.5, 1.5, np.shape(case.plain(*operands)))

    def function(*inputs: Any) -> Any:
        z = case.nodes(*inputs)
        return (weights * (z * z + 3 * z)).sum()

    replayed = replay(function)
    assert_same(replayed(*operands), value_and_gradient(function)(*operands))
    source = replayed.source
    others = [np.flip(x) * 0.75 + (case.low + case.high) / 8 for x in operands]
    assert_same(replayed(*others), value_and_gradient(function)(*others))
    assert replayed.source == source


@pytest.mark.once
def test_suite_calls_it_right() -> None:
    """Random graphs; the direct questions beside them take longer, and ask the rules that are asked above."""
    results = verify(load("nn_from_scratch:replay"), graphs=40, directly=False, grades=("rules", "accuracy"))
    assert results["graphs"]["right"] > 36
    assert not results["failures"]


def rosenbrock(x: Any) -> Any:
    return sum(100.0 * (x[k + 1] - x[k] ** 2) ** 2 + (1 - x[k]) ** 2 for k in range(len(x) - 1))


def test_elements_of_a_vector_are_taken_out_at_once() -> None:
    replayed = replay(rosenbrock)
    for x in (np.arange(4.0), np.linspace(-1, 1, 4)):
        assert_same(replayed(x), value_and_gradient(rosenbrock)(x))
    assert replayed.source.count("tolist") == 1
    assert "np_" not in replayed.source.replace("np_array", "")


def test_source_is_straight_line_python_that_computes_the_same() -> None:
    def function(x: Any, y: Any) -> Any:
        return np.exp(x) * y + x.relu()

    replayed = replay(function)
    assert replayed.source == ""
    value, gradient = replayed(0.5, 2.0)
    names: dict[str, Any] = {"exp": math.exp}
    exec(replayed.source, names)  # noqa: S102
    assert names["replayed"](0.5, 2.0) == (value, tuple(gradient))
    assert not {"for ", "while ", "Node"} & set(replayed.source.split())


def test_other_shapes_are_recorded_anew() -> None:
    calls = []

    def function(x: Any) -> Any:
        calls.append(x)
        return (x * x).sum()

    replayed = replay(function)
    for x in (2.0, [1.0, 2.0], [3.0, 4.0], [[1.0]], 3.0, 5, np.float64(2.0)):
        assert_same(replayed(x), value_and_gradient(lambda x: (x * x).sum())(x))
    assert len(calls) == 3


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x if x > 0 else -x,
        lambda x: x * 2.0 if x == 1.0 else x,
        lambda x: [x, -x][x > 0],
        lambda x: max(x, 1.0),
        lambda x: x * x.value,
        lambda x: x * math.exp(x),
        lambda x: x * int(x),
        lambda x: x * float(f"{x:.3f}"),
        lambda x: x * np.array([x])[0],
        lambda x: x * Node(2.0),
        lambda x: Node(2.0) * x,
        lambda x: Node(2.0),
        lambda x: np.arange(3.0)[x],
        lambda x: x * Node(x),
        lambda x: MLP([1, 1])(np.array([1.0])) * x,
    ],
)
def test_what_depends_on_values_is_refused(function: Any) -> None:
    with pytest.raises(TypeError):
        replay(function)(1.0)


def test_refusal_says_what_to_do() -> None:
    with pytest.raises(ReplayError, match=r"asks for the truth of .* choose by np.where"):
        replay(lambda x: x if x > 0 else -x)(1.0)
    with pytest.raises(ReplayError, match="got a node"):
        replay(lambda x: x)(Node(1.0))
    with pytest.raises(ReplayError, match="computes in float64; got float32"):
        replay(lambda x: x)(np.ones(2, np.float32))
    with pytest.raises(ValueError, match=r"must give a scalar, got shape \(2,\)"):
        replay(lambda x: x)(np.ones(2))
    with pytest.raises(TypeError, match="replay: expected real numbers"):
        replay(lambda x: x)("text")


def test_where_and_kinks_follow_the_inputs() -> None:
    def function(x: Any) -> Any:
        return (
            np.where((x > 0.5) & (x < 2.0), x * x, -x) + np.maximum(x, 1.0) + np.clip(x, 0.0, 1.0) + x.relu()
        )

    replayed = replay(function)
    for x in (0.1, 0.5, 1.0, 1.5, 2.0, 3.0, 0.0, -0.0, -1.0):
        assert_same(replayed(x), value_and_gradient(chosen_by_branches)(x))


def chosen_by_branches(x: Any) -> Any:
    chosen = x * x if 0.5 < x.value < 2.0 else -x
    return chosen + np.maximum(x, 1.0) + np.clip(x, 0.0, 1.0) + x.relu()


@pytest.mark.parametrize(
    ("function", "x"),
    [
        (lambda x: x.log(), 0.0),
        (lambda x: x.log(), -1.0),
        (lambda x: 1.0 / x, 0.0),
        (lambda x: x.exp(), 1000.0),
        (lambda x: x.sqrt(), 0.0),
        (lambda x: x**0.5, -1.0),
        (lambda x: np.where(x > 0.0, x.log(), 0.0), 0.0),
        (lambda x: np.where(x > 0.0, x.sqrt(), x), 0.0),
        (lambda x: x.exp().sum(), [1000.0, 1.0]),
        (lambda x: (1.0 / x).sum(), [0.0, 1.0]),
        (lambda x: np.where(x > 0.0, x.sqrt(), 0.0).sum(), [0.0, 1.0]),
        (lambda x: x * 1.0, math.nan),
        (lambda x: x * 0.0, math.inf),
    ],
)
def test_outside_the_domain_it_is_the_engine_with_its_warnings(function: Any, x: Any) -> None:
    replayed = replay(function)
    replayed.record(np.ones(np.shape(x)))
    answers = []
    for call in (replayed, value_and_gradient(function)):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            answers.append((call(x), {str(w.message) for w in caught}))
    assert_same(answers[0][0], answers[1][0])
    assert answers[0][1] == answers[1][1]


def test_gradients_share_no_memory() -> None:
    x = np.ones(3)
    replayed = replay(lambda x, y: x.sum() + (y * 2.0).sum())
    first = replayed(x, x)[1]
    first[0][:] = first[1][:] = 9.0
    assert np.array_equal(replayed(x, x)[1], [np.ones(3), 2 * np.ones(3)])
    assert np.array_equal(x, np.ones(3))


def test_what_does_not_count_has_gradient_zero() -> None:
    assert_same(replay(lambda x, y, z: x * 2.0)(1.0, np.ones(2), 3.0), (2.0, [2.0, np.zeros(2), 0.0]))
    assert replay(lambda x: 3.0)(1.0) == (3.0, 0.0)


def test_shared_and_deep_graphs_are_replayed() -> None:
    def function(x: Any) -> Any:
        y = x
        for _ in range(30):
            y = y + y
        for k in range(3000):
            y = y * 0.999 + x * (k % 3)
        return y

    replayed = replay(function)
    replayed.record(1.0)
    assert_same(replayed(0.3), value_and_gradient(function)(0.3), rtol=1e-11)


@pytest.mark.once
@pytest.mark.parametrize("asked", CALLS, ids=str)
def test_every_function_of_numpy_is_replayed_or_refused(asked: Asked) -> None:
    """What moved elements, and rules of one's own, had the gradient 0."""
    operands = asked.operands()
    shape = np.shape(asked(np, *operands))
    weights = np.random.default_rng(0).uniform(0.5, 1.5, shape)

    def function(*inputs: Any) -> Any:
        return (weights * asked(np, *inputs)).sum()

    replayed = replay(function)
    try:
        found = replayed(*operands)
    except ReplayError:
        assert any(name in asked.text for name in CHOOSING), asked.text
        return
    assert_same(found, value_and_gradient(function)(*operands))
    others = [0.5 * (x + np.flip(x)) if np.ndim(x) == 1 else x * 0.875 + 0.0625 for x in operands]
    assert_same(replayed(*others), value_and_gradient(function)(*others))


CHOOSING = (
    "sort",
    "partition",
    "median",
    "quantile",
    "percentile",
    "accumulate",
    "interp",
    "linalg.det",
    "slogdet",
    "piecewise",
    "unwrap",
)
"""Functions that choose by values, which replay refuses."""


def test_rules_of_ones_own_are_replayed() -> None:
    cube = custom(lambda x: x**3, lambda x, g: g * 3 * x**2)
    product = custom(lambda x, y: x * y, lambda x, y, g: (g * y, g * x))
    both = replay(lambda x, y: product(cube(x), y))
    assert both(2.0, 5.0) == (40.0, [60.0, 8.0])
    assert both(3.0, 1.0) == (27.0, [27.0, 27.0])
    inside = replay(checkpoint(lambda x: (np.sin(x) * x).sum()))
    x = np.array([0.3, 1.2])
    assert_same(inside(x), value_and_gradient(lambda x: (np.sin(x) * x).sum())(x))


def test_what_is_computed_within_no_grad_has_no_derivative() -> None:
    def function(x: Any) -> Any:
        with no_grad():
            constant = x * x
        return (constant * x).sum()

    x = np.array([0.3, 1.2])
    assert_same(replay(function)(x), (float((x**3).sum()), x * x))
    with no_grad():
        assert_same(replay(lambda x: (x * x).sum())(x), (float((x * x).sum()), 2 * x))


def test_what_is_constant_between_jumps_is_replayed() -> None:
    replayed = replay(lambda x: (np.where(~(x > 1.0) & np.isfinite(x), x * np.floor(x), x)).sum())
    for x in ([0.5, 2.5, -1.5], [3.0, 0.25, -0.75]):
        at = np.array(x)
        slopes = np.where(at > 1.0, 1.0, np.floor(at))
        assert_same(replayed(at), (float((slopes * at).sum()), slopes))


def test_functions_of_scipy_are_replayed() -> None:
    special = pytest.importorskip("scipy.special")
    replayed = replay(lambda x: (special.erf(x) + special.jv(2.0, x) * special.xlogy(x, x)).sum())
    for x in (np.array([0.5, 1.5]), np.array([2.0, 0.25])):
        expected = value_and_gradient(
            lambda x: (special.erf(x) + special.jv(2.0, x) * special.xlogy(x, x)).sum()
        )(x)
        assert_same(replayed(x), expected)


def test_what_would_lose_a_gradient_is_refused() -> None:
    x = np.array([0.5, 2.0])
    with pytest.raises(ReplayError, match="computes in float64; astype gives float32"):
        replay(lambda x: x.astype(np.float32).sum())(x)
    with pytest.raises(ReplayError, match=r"mul has a Node that is no input: .* give its \.value"):
        replay(lambda x: (x * Node(2.0)).sum())(x)
    with pytest.raises(ReplayError, match="asks for the places that index takes"):
        replay(lambda x: x[x > 1.0].sum())(x)
    with pytest.raises(ReplayError, match=r"asks for values in np\.sort"):
        replay(np.median)(x)
    with pytest.raises(ReplayError, match="asks for values in the derivative of det"):
        replay(np.linalg.det)(np.eye(2))
    with pytest.raises(ValueError, match="must be given a number or an array"):
        replay(lambda: 1.0)()


@pytest.mark.once
@pytest.mark.parametrize("name", BY_VALUES)
def test_what_the_suite_does_not_ask_of_replay_is_refused(name: str) -> None:
    values = [
        np.full((2, 2), 0.5) + np.eye(2) if name in {"det", "slogdet"} else np.array([0.5, 2.0, 1.0]),
        np.array([1.0, 3.0, 2.0]),
    ]
    of_all = {"axis": None, "keepdims": False}
    options: dict[str, Any] = {
        "interp": {"xp": (-1.0, 0.0, 3.0)},
        "quantile": {"q": 0.5, **of_all},
        "percentile": {"q": 50.0, **of_all},
        "median": of_all,
        "sort": {"axis": -1},
    }
    operands = values if name == "interp" else values[:1]
    with pytest.raises(ReplayError):
        replay(lambda *xs: np.sum(OPERATIONS[name](*xs, **options.get(name, {}))))(*operands)
