import inspect
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from nn_from_scratch.verify import GradientError, UndecidedError

jax = pytest.importorskip("jax")
jnp = jax.numpy


def check_grads(*arguments: Any, **options: Any) -> None:
    from nn_from_scratch.verify.jax import check_grads

    check_grads(*arguments, **options)


def examined(function: Any, arguments: Any, modes: Any = ("rev",), order: int = 1) -> dict[str, str]:
    """Return what is said of each promise."""
    from nn_from_scratch.verify.functions.jaxpr.checking import examine

    return {
        row.name: str(row).removeprefix(f"{row.name}: ") for row in examine(function, arguments, order, modes)
    }


def custom(forward: Any, backward: Any) -> Any:
    """Return a custom_vjp of a function, whose backward takes the cotangent and then the arguments."""
    function = jax.custom_vjp(forward)
    function.defvjp(lambda *x: (forward(*x), x), lambda x, g: backward(g, *x))
    return function


POINT = np.array([0.3, -1.2, 2.5], dtype=np.float32)
LAYER = np.array([[0.3, -1.2, 2.5, 0.1], [1.5, 0.4, -0.7, 0.9]], dtype=np.float32)


def normed(epsilon: float) -> Any:
    def forward(x: Any) -> Any:
        centred = x - x.mean(-1, keepdims=True)
        return centred / jnp.sqrt((centred**2).mean(-1, keepdims=True) + epsilon)

    return forward


def normed_backward(epsilon: float) -> Any:
    def backward(g: Any, x: Any) -> Any:
        centred = x - x.mean(-1, keepdims=True)
        root = jnp.sqrt((centred**2).mean(-1, keepdims=True) + epsilon)
        h = centred / root
        return ((g - g.mean(-1, keepdims=True) - h * (g * h).mean(-1, keepdims=True)) / root,)

    return backward


def test_right_function_passes_in_the_default_float32() -> None:
    check_grads(lambda x: jnp.sin(x) * x, (POINT,), 2)
    check_grads(jnp.linalg.norm, (POINT,), 1, modes=["rev"], atol=1e-2, rtol=1e-2, eps=1e-3)


def test_epsilon_of_a_layer_norm_is_seen_at_a_relative_change_of_1e_14() -> None:
    right = custom(normed(1e-5), normed_backward(1e-5))
    check_grads(right, (LAYER,), 1)
    found = examined(right, (LAYER,))
    assert found["reverse mode"] == "right: formula equal at this point to 76 digits"
    assert found["reverse mode eagerly"].startswith("right: numbers within 0.")

    with pytest.raises(GradientError, match=r"formula proved to differ, by .*e-2[01] of its size"):
        check_grads(custom(normed(1e-5), normed_backward(1e-5 * (1 + 1e-14))), (LAYER,), 1)


def test_wrong_entry_is_named_with_what_it_is_and_should_be() -> None:
    wrong = custom(jnp.exp, lambda g, x: (g * jnp.exp(x) * jnp.array([1.0, 1.5, 1.0]),))
    with pytest.raises(
        GradientError, match=r"argument 0 at \[1\] is .* the truth is .*: 1.5 times it\nreverse"
    ) as raised:
        check_grads(wrong, (POINT,), 1)
    assert not isinstance(raised.value, UndecidedError)
    assert isinstance(raised.value, AssertionError)


def test_backward_that_ignores_its_cotangent_is_wrong() -> None:
    with pytest.raises(GradientError, match="proved to differ"):
        check_grads(custom(jnp.sin, lambda g, x: (jnp.cos(x),)), (POINT,), 1)


def test_value_of_a_forward_rule_that_is_not_the_functions_own_is_wrong() -> None:
    function = jax.custom_vjp(jnp.sin)
    function.defvjp(lambda x: (jnp.sin(x) + 1e-12, x), lambda x, g: (g * jnp.cos(x),))
    with pytest.raises(GradientError, match="the value that the rule computes: formula proved to differ"):
        check_grads(function, (POINT,), 1)


def test_mode_that_a_function_does_not_claim_is_not_supported() -> None:
    function = custom(jnp.sin, lambda g, x: (g * jnp.cos(x),))
    check_grads(function, (POINT,), 2)
    found = examined(function, (POINT,), ("fwd", "rev"))
    assert found["forward mode"].startswith("not supported: can't apply forward-mode")
    with pytest.raises(TypeError, match="has no derivative of a mode that was asked for"):
        check_grads(function, (POINT,), 1, modes=("fwd",))


def loss(parameters: Any, index: Any, nothing: None, scale: float) -> Any:
    assert nothing is None
    hidden = jnp.tanh(parameters["w"][index] * scale + parameters["b"])
    return {"loss": (hidden**2).sum(), "hidden": [hidden, index]}


def test_trees_integers_and_none_are_passed_through() -> None:
    parameters = {"w": np.linspace(-1, 1, 6, dtype=np.float32).reshape(3, 2), "b": np.float32(0.5)}
    arguments = (parameters, np.array([0, 2, 0]), None, 1.5)
    check_grads(loss, arguments, 1)
    found = examined(loss, arguments, ("fwd", "rev"))
    assert found["forward mode"].startswith("right: formula equal at this point to 7")
    assert found["reverse mode"].startswith("right: formula equal at this point to 7")
    wrong = custom(lambda p: p["b"] * p["w"], lambda g, p: ({"w": g * p["b"], "b": (g * p["w"]).sum() * 2},))
    with pytest.raises(GradientError, match=r"derivative for argument 0\['b'\] is .*: 2 times it"):
        check_grads(wrong, (parameters,), 1)


def test_control_flow_is_followed_and_a_while_loop_has_no_reverse() -> None:
    def loops(x: Any) -> Any:
        scanned, steps = jax.lax.scan(lambda c, t: (c * t, jnp.sin(c)), x[0], x, reverse=True)
        chosen = jax.lax.cond(x[1] > 0, jnp.sin, jnp.exp, x[1])
        return jax.lax.fori_loop(0, 3, lambda k, c: c * (1 + x[2] / (k + 2)), scanned) + steps.sum() + chosen

    found = examined(loops, (POINT,), ("fwd", "rev"))
    assert all("right" in said for said in found.values()), found
    halved = examined(
        lambda x: jax.lax.while_loop(lambda y: y > 1, lambda y: y * 0.5, x[2]), (POINT,), ("fwd", "rev")
    )
    assert halved["forward mode"].startswith("right: formula equal")
    assert halved["reverse mode"].startswith("not supported: Reverse-mode differentiation does not work")


def test_what_is_stopped_is_a_constant() -> None:
    through = lambda x: x + jax.lax.stop_gradient(jnp.round(x) - x)  # noqa: E731
    assert examined(through, (POINT,))["reverse mode"].startswith("right: formula equal")


def test_second_derivative_is_judged_apart() -> None:
    slope = jax.custom_jvp(lambda x: 3 * x**2)
    slope.defjvp(lambda x, t: (slope(*x), 7 * x[0] * t[0]))
    cube = custom(lambda x: x**3, lambda g, x: (g * slope(x),))
    check_grads(cube, (POINT,), 1)
    with pytest.raises(GradientError, match=r"forward mode of the reverse mode: wrong") as raised:
        check_grads(cube, (POINT,), 2)
    assert "\nreverse mode: right" in str(raised.value)


@pytest.mark.parametrize(
    ("slope", "verdict"), [(0.0, "right"), (0.5, "right"), (1.0, "right"), (2.0, "wrong")]
)
def test_any_slope_between_the_two_of_a_kink_is_right(slope: float, verdict: str) -> None:
    relu = custom(
        lambda x: jnp.maximum(x, 0.0),
        lambda g, x: (g * jnp.where(x > 0, 1.0, jnp.where(x == 0, slope, 0.0)),),
    )
    found = examined(relu, (np.array([1.5, 0.0, -2.0], dtype=np.float32),))
    assert found["reverse mode"].startswith(verdict), found


def test_what_is_not_traced_is_named_and_its_numbers_are_compared() -> None:
    def outside(x: Any) -> Any:
        return jax.pure_callback(np.sin, jax.ShapeDtypeStruct(x.shape, x.dtype), x)

    right = custom(outside, lambda g, x: (g * jnp.cos(x),))
    found = examined(right, (POINT,))
    assert found["reverse mode"].startswith("right: numbers compared only, in float64: ")
    assert "not traced: the primitive pure_callback (" in found["reverse mode"]
    assert found["reverse mode under vmap"].startswith("not supported: ")
    with pytest.raises(GradientError, match=r"argument 0"):
        check_grads(custom(outside, lambda g, x: (g * jnp.cos(x) * 1.01,)), (POINT,), 1)


def test_function_that_draws_is_not_deterministic() -> None:
    draw = np.random.default_rng(0)
    with pytest.raises(UndecidedError, match="not deterministic"):
        check_grads(lambda x: x * draw.normal(), (POINT,), 1)


def test_numbers_that_overflow_are_wrong_although_the_formula_is_right() -> None:
    def softplus(x: Any) -> Any:
        return jnp.log1p(jnp.exp(x))

    wrong = custom(softplus, lambda g, x: (g * jnp.exp(x) / (1 + jnp.exp(x)),))
    with pytest.raises(GradientError, match=r"eagerly: wrong: .* is nan where its formula gives"):
        check_grads(wrong, (np.array([0.5, 100.0], dtype=np.float32),), 1)


def test_derivative_that_draws_is_not_the_same_twice() -> None:
    draw = np.random.default_rng(0)
    drawn = custom(jnp.sin, lambda g, x: (g * jnp.cos(x) * draw.normal(),))
    assert examined(drawn, (POINT,))["reverse mode twice the same"].startswith("wrong: not deterministic")


def test_derivative_that_is_wrong_under_vmap_alone_is_wrong_there() -> None:
    slope = jax.custom_batching.custom_vmap(jnp.cos)
    slope.def_vmap(lambda _, batched, x: (jnp.cos(x) * 1.01, *batched))
    found = examined(custom(jnp.sin, lambda g, x: (g * slope(x),)), (POINT,))
    assert found.pop("reverse mode under vmap").startswith("wrong: the derivative for argument 0 is off by")
    assert all(said.startswith("right") for said in found.values()), found


def test_derivative_that_differs_under_jit_is_not_right() -> None:
    def backward(g: Any, x: Any) -> Any:
        return (g * jnp.cos(x) * (1.01 if isinstance(x, jax.core.Tracer) else 1.0),)

    found = examined(custom(jnp.sin, backward), (POINT,))
    assert found["reverse mode under jit"].startswith("undecided: the derivative for argument 0 differs by")


def test_what_cannot_be_asked_is_said() -> None:
    with pytest.raises(UndecidedError, match="argument 0 is complex"):
        check_grads(jnp.abs, (np.array([1 + 2j]),), 1)
    with pytest.raises(ValueError, match="at least one argument must be of floating point"):
        check_grads(jnp.sum, (np.array([1, 2]),), 1)
    with pytest.raises(ValueError, match="modes must be of fwd, rev, lin"):
        check_grads(jnp.sum, (POINT,), 1, modes=("forward",))
    with pytest.raises(ValueError, match="order must be 1 or more"):
        check_grads(jnp.sum, (POINT,), 0)


def test_the_suite_does_not_import_jax() -> None:
    code = "import sys, nn_from_scratch.verify; assert 'jax' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_signature_is_that_of_jax() -> None:
    import jax.test_util

    from nn_from_scratch.verify.jax import check_grads

    theirs = inspect.signature(jax.test_util.check_grads).parameters
    ours = inspect.signature(check_grads).parameters
    assert {name: p.default for name, p in ours.items()} == {name: p.default for name, p in theirs.items()}


def fitted(x: Any) -> Any:
    """Return an approximation of the sigmoid, within 1e-3."""
    return 0.4999873 + x * (0.2499872 - x * x * (0.02081231 - x * x * 0.001893123))


def test_function_that_approximates_is_not_accused_of_the_right_derivative() -> None:
    right = custom(fitted, lambda g, x: (g * jax.nn.sigmoid(x) * (1 - jax.nn.sigmoid(x)),))
    said = examined(right, (np.array([0.1, -0.15], dtype=np.float32),))["reverse mode"]
    assert "the function may approximate: it has the constants of a fitted formula" in said
    assert not said.startswith("right: formula")


@pytest.mark.parametrize(("primitive", "mistaken"), [("sin", "tan"), ("cos", "exp")])
def test_mistake_of_the_tracer_accuses_nobody(
    primitive: str, mistaken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nn_from_scratch.verify.functions.jaxpr.formulas import MEANINGS

    right = custom(jnp.sin, lambda g, x: (g * jnp.cos(x),))
    assert examined(right, (POINT,))["reverse mode"].startswith("right: formula equal")
    monkeypatch.setitem(MEANINGS, primitive, MEANINGS[mistaken])
    found = examined(right, (POINT,))
    assert found["reverse mode"].startswith("right: numbers compared only")
    assert "what ran gives other numbers than what was traced" in found["reverse mode"]
    assert all(said.startswith("right") for said in found.values()), found


def test_extreme_of_rows_of_which_there_are_none_is_followed() -> None:
    found = examined(
        lambda x, y: x.max(1).sum() + jnp.sin(y), (np.zeros((0, 3), np.float32), np.float32(0.3))
    )
    assert found["reverse mode"].startswith("right: formula equal")


def test_value_that_is_not_finite_is_undecided() -> None:
    with pytest.raises(UndecidedError, match="the function is -inf here: there is no derivative"):
        check_grads(lambda x: jnp.where(jnp.array([True, False, True]), x, -jnp.inf), (POINT,), 1)


def test_precision_is_restored_when_a_check_raises() -> None:
    from flint import ctx

    before = ctx.prec, ctx.cap
    with pytest.raises(GradientError):
        check_grads(custom(jnp.sin, lambda g, x: (g * jnp.sin(x),)), (POINT,), 1)
    assert (ctx.prec, ctx.cap) == before
