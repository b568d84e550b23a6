import inspect
import re
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from long_runs import WHOLE

from nn_from_scratch.verify import GradientError, UndecidedError
from nn_from_scratch.verify.functions.tracing.constants import Reading

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


@pytest.mark.once
def test_epsilon_of_a_layer_norm_is_seen_at_a_relative_change_of_1e_14() -> None:
    right = custom(normed(1e-5), normed_backward(1e-5))
    check_grads(right, (LAYER,), 1)
    found = examined(right, (LAYER,))
    assert found["reverse mode"] == "right: formula equal at this point to 76 digits"
    assert re.fullmatch(r"right: numbers within [\d.]+ units", found["reverse mode eagerly"])

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


@pytest.mark.once
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


@pytest.mark.once
def test_number_of_weak_type_beside_float32_is_right_in_either_precision() -> None:
    x = np.array([1.0, 2.0], dtype=np.float32)
    for wide in (False, True):
        with jax.enable_x64(wide):
            check_grads(lambda b: jnp.sum(jnp.tanh(x) * b), (jnp.asarray(0.5),), 1)
            check_grads(lambda x, b: jnp.tanh(x) * b, (x, 1.5), 1)


@pytest.mark.once
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


def test_operation_that_jax_has_no_reverse_mode_for_is_not_accused() -> None:
    def products(x: Any) -> Any:
        return jax.lax.reduce_window(x, np.ones((), x.dtype), jax.lax.mul, (2,), (1,), "VALID")

    found = examined(products, (POINT,), ("fwd", "rev"))
    assert found["forward mode"].startswith("right")
    assert "does not support reverse-mode autodiff" in found["reverse mode"]
    assert found["reverse mode"].startswith("not supported: ")
    check_grads(products, (POINT,), 1)


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


@pytest.mark.once
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


@pytest.mark.once
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


@pytest.mark.once
def test_numbers_that_overflow_are_wrong_although_the_formula_is_right() -> None:
    def softplus(x: Any) -> Any:
        return jnp.log1p(jnp.exp(x))

    wrong = custom(softplus, lambda g, x: (g * jnp.exp(x) / (1 + jnp.exp(x)),))
    said = r"eagerly: wrong: .* is nan where its formula gives .*: it overflows at exp, .*/test_jax_check"
    with pytest.raises(GradientError, match=said):
        check_grads(wrong, (np.array([0.5, 100.0], dtype=np.float32),), 1)


@pytest.mark.once
def test_value_that_overflows_is_wrong_whatever_its_derivative() -> None:
    naive = custom(lambda x: jnp.log(jnp.exp(x).sum()), lambda g, x: (g * jax.nn.softmax(x),))
    check_grads(naive, (np.array([0.5, 8.0], dtype=np.float32),), 1, modes=("rev",))
    said = r"value: wrong: output 0 is inf, where its formula is 100: it overflows at exp, .*/test_jax_check"
    with pytest.raises(GradientError, match=said):
        check_grads(naive, (np.array([0.5, 100.0], dtype=np.float32),), 1, modes=("rev",))


@pytest.mark.once
def test_value_that_is_infinite_on_purpose_accuses_nobody() -> None:
    masked = custom(
        lambda x: jnp.where(x > 2, -jnp.inf, x), lambda g, x: (jnp.where(x > 2, jnp.zeros_like(g), g),)
    )
    with pytest.raises(UndecidedError, match="the function is -inf here"):
        check_grads(masked, (np.array([0.5, 3.0], dtype=np.float32),), 1, modes=("rev",))


@pytest.mark.once
@pytest.mark.parametrize("make", [jax.random.key, jax.random.PRNGKey], ids=["typed", "of integers"])
@pytest.mark.parametrize("given", [True, False], ids=["given", "closed over"])
def test_key_of_random_numbers_is_data(make: Any, given: bool) -> None:
    key, x = make(3), np.array([0.5, -1.0, 2.0, 0.25], dtype=np.float32)

    def checked(scale: float) -> None:
        def dropped(x: Any, key: Any) -> Any:
            return x * jax.random.bernoulli(jax.random.split(key)[0], 0.5, x.shape) * 2

        function = jax.custom_vjp(dropped)
        function.defvjp(
            lambda x, key: (dropped(x, key), (x, key)),
            lambda kept, c: (scale * jax.vjp(lambda x: dropped(x, kept[1]), kept[0])[1](c)[0], None),
        )
        if given:
            check_grads(function, (x, key), 1, ("rev",))
        else:
            check_grads(lambda x: function(x, key), (x,), 1, ("rev",))

    checked(1.0)
    with pytest.raises(GradientError, match=r"0\.5 times it"):
        checked(0.5)


def test_derivative_that_draws_is_not_the_same_twice() -> None:
    draw = np.random.default_rng(0)
    drawn = custom(jnp.sin, lambda g, x: (g * jnp.cos(x) * draw.normal(),))
    assert examined(drawn, (POINT,))["reverse mode twice the same"].startswith("wrong: not deterministic")


def test_value_that_is_another_under_vmap_is_not_right() -> None:
    sine = jax.custom_batching.custom_vmap(jnp.sin)
    sine.def_vmap(lambda _, batched, x: (jnp.sin(x) * 1.5, *batched))
    found = examined(custom(sine, lambda g, x: (g * jnp.cos(x),)), (POINT,))
    told = found.pop("reverse mode under vmap")
    assert told.startswith("undecided: the value of output 0 differs by ")
    assert all(said.startswith("right") for said in found.values())


def test_derivative_that_is_wrong_under_vmap_alone_is_wrong_there() -> None:
    slope = jax.custom_batching.custom_vmap(jnp.cos)
    slope.def_vmap(lambda _, batched, x: (jnp.cos(x) * 1.01, *batched))
    found = examined(custom(jnp.sin, lambda g, x: (g * slope(x),)), (POINT,))
    assert found.pop("reverse mode under vmap").startswith("wrong: the derivative for argument 0 is off by")
    assert all(said.startswith(("right", "not supported: not traced")) for said in found.values()), found


def test_derivative_that_differs_under_jit_is_not_right() -> None:
    def backward(g: Any, x: Any) -> Any:
        return (g * jnp.cos(x) * (1.01 if isinstance(x, jax.core.Tracer) else 1.0),)

    found = examined(custom(jnp.sin, backward), (POINT,))
    assert found["reverse mode under jit"].startswith("undecided: the derivative for argument 0 differs by")


def test_what_cannot_be_asked_is_said() -> None:
    with pytest.raises(UndecidedError, match="argument 0 is complex"):
        check_grads(jnp.abs, (np.array([1 + 2j]),), 1)
    with pytest.raises(UndecidedError, match=r"argument 1 is complex: .* function of the real and imaginary"):
        check_grads(lambda x, z: x * jnp.real(z), (POINT, np.array([1 + 2j])), 1)
    with pytest.raises(UndecidedError, match=r"output \[1\] is complex"):
        check_grads(lambda x: (x, x * 1j), (POINT,), 1)
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
    positional = {name: p.default for name, p in ours.items() if p.kind is not p.KEYWORD_ONLY}
    assert positional == {name: p.default for name, p in theirs.items()}
    assert list(positional) == list(theirs)


def fitted(x: Any) -> Any:
    """Return an approximation of the sigmoid, within 1e-3."""
    return 0.4999873 + x * (0.2499872 - x * x * (0.02081231 - x * x * 0.001893123))


@pytest.mark.once
def test_function_that_approximates_is_not_accused_of_the_right_derivative() -> None:
    right = custom(fitted, lambda g, x: (g * jax.nn.sigmoid(x) * (1 - jax.nn.sigmoid(x)),))
    said = examined(right, (np.array([0.1, -0.15], dtype=np.float32),))["reverse mode"]
    assert "the function may approximate: it has the constants of a fitted formula" in said
    assert not said.startswith("right: formula")


@jax.jit  # type: ignore[untyped-decorator]
def fixed_point(x: Any, until: Any) -> Any:
    """Return the solution of y = cos(x y), iterated until it moves by less than that."""

    def goes_on(state: Any) -> Any:
        return (jnp.abs(state[0] - state[1]) > until) & (state[2] < 300)

    return jax.lax.while_loop(
        goes_on, lambda s: (jnp.cos(x * s[0]), s[0], s[2] + 1), (jnp.cos(x * 0.5), 0.5 + 0 * x, 0)
    )[0]


@pytest.mark.once
def test_what_a_loop_leaves_off_far_from_its_limit_is_no_proof() -> None:
    def backward(g: Any, x: Any) -> Any:
        y = fixed_point(x, 1e-6)
        s = jnp.sin(x * y)
        return (-g * y * s / (1 + x * s),)

    said = examined(custom(lambda x: fixed_point(x, 1e-2), backward), (np.float32(0.7),))["reverse mode"]
    assert said.startswith("undecided"), said
    assert "but the function may approximate: it may iterate to a limit" in said


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
    assert all(said.startswith(("right", "not supported: not traced")) for said in found.values()), found


@pytest.mark.once
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


def test_right_formula_whose_numbers_keep_no_digits_is_undecided_and_says_where() -> None:
    cancelling = custom(jnp.sin, lambda g, x: (g * ((jnp.cos(x) + 1e12) - 1e12),))
    found = examined(cancelling, (POINT,))
    assert found["reverse mode"].startswith("right: formula equal")
    said = found["reverse mode eagerly"]
    assert said.startswith("undecided: the formula is right, but the numbers keep only 0.0 digits here")
    assert "JAX's own derivative keeps 7." in said
    assert re.search(r"digits are lost at sub \(.*test_jax_check_grads.py:\d+ ", said)
    with pytest.raises(UndecidedError, match="keep only"):
        check_grads(cancelling, (POINT,), 1)


@pytest.mark.once
def test_numbers_that_few_digits_are_left_of_are_right_where_nobody_keeps_more() -> None:
    said = examined(normed(1e-5), (np.array([[1.0, 2.0], [3.0, 5.0]], np.float32),))["reverse mode eagerly"]
    assert re.match(r"right: the formula is right, but the numbers keep only [23]\.\d digits here", said)


@pytest.mark.parametrize("x", [np.array([100.0, 200.0], np.float32), np.zeros((0,), np.float32)])
def test_nothing_is_right_where_no_number_was_compared(x: Any) -> None:
    found = examined(jnp.exp, (x,))
    assert found["reverse mode eagerly"].startswith("undecided: no number could be compared")
    with pytest.raises(UndecidedError):
        check_grads(jnp.exp, (x,), 1)


@pytest.mark.once
def test_derivative_that_is_0_is_right_to_all_digits() -> None:
    found = examined(lambda x: jax.nn.softmax(x).sum(), (POINT,))
    assert found["reverse mode"].startswith("right: formula equal at this point to 7"), found
    with pytest.raises(GradientError, match="proved to differ"):
        check_grads(custom(lambda x: jax.nn.softmax(x).sum(), lambda g, x: (g * x * 1e-12,)), (POINT,), 1)


@pytest.mark.once
@pytest.mark.parametrize("kind", [jax.custom_vjp, jax.custom_jvp])
def test_second_derivative_of_a_rule_that_stops_gradients_is_wrong(kind: Any) -> None:
    function = kind(jnp.sin)
    if kind is jax.custom_vjp:
        function.defvjp(lambda x: (jnp.sin(x), x), lambda x, g: (g * jax.lax.stop_gradient(jnp.cos(x)),))
    else:
        function.defjvp(lambda x, t: (jnp.sin(*x), jax.lax.stop_gradient(jnp.cos(*x)) * t[0]))
    check_grads(function, (POINT,), 1)
    with pytest.raises(GradientError, match="reverse mode of the reverse mode: wrong: formula proved"):
        check_grads(function, (POINT,), 2, modes=("rev",))


@pytest.mark.once
def test_second_derivative_of_a_function_that_stops_gradients_is_right() -> None:
    check_grads(lambda x: x**2 * jax.lax.stop_gradient(jnp.sin(x)), (POINT,), 2, modes=("rev",))


@pytest.mark.once
def test_differences_see_through_what_is_stopped_and_accuse_nobody() -> None:
    def outside(x: Any) -> Any:
        return jax.pure_callback(np.sin, jax.ShapeDtypeStruct(x.shape, x.dtype), x)

    right = custom(outside, lambda g, x: (g * jnp.cos(x),))
    said = examined(lambda x: right(x) * jax.lax.stop_gradient(x), (POINT,))["reverse mode"]
    assert said.startswith("undecided: the function stops gradients")


@pytest.mark.once
@pytest.mark.skipif(not WHOLE, reason="asked by tox -e long: XLA compiles for half a minute")
def test_implicit_derivative_of_drawn_gamma_variates_is_not_accused() -> None:
    key = jax.random.key(1)
    said = examined(lambda a: jax.random.gamma(key, a), (np.array([1.5], np.float32),))["reverse mode"]
    assert said.startswith("undecided")


@pytest.mark.once
def test_places_that_are_written_twice_are_undecided_unless_the_same_is_written() -> None:
    def written(x: Any) -> Any:
        return jnp.zeros(3).at[jnp.array([0, 0, 1])].set(x)

    said = examined(written, (POINT,))["reverse mode"]
    assert said.startswith("undecided: several numbers are written to one place, in no defined order")
    check_grads(lambda x: written(x[1]), (POINT,), 1)
    check_grads(lambda x: jnp.zeros(3).at[jnp.array([2, 0, 1])].set(x * x), (POINT,), 1)


@pytest.mark.once
def test_a_gradient_that_sets_for_adding_is_wrong_though_nobody_says_which_is_set() -> None:
    places = jnp.array([0, 2, 2, 1])

    def times(x: Any) -> Any:
        return x[places] ** 2

    def backward(x: Any, g: Any) -> tuple[Any]:
        return (jnp.zeros(3).at[places].set(2 * g * x[places]),)

    own = jax.custom_vjp(times)
    own.defvjp(lambda x: (times(x), x), backward)
    said = examined(own, (POINT,))["reverse mode"]
    assert said.startswith("wrong: the derivative for x[2]")
    assert "in no defined order" in said


@pytest.mark.once
@pytest.mark.parametrize("point", [(0.0, 1.0, -1.0, 0.0), (0.0, 1.0, -1.0, 0.5)], ids=str)
def test_a_rectifier_is_right_among_round_numbers(point: tuple[float, ...]) -> None:
    own = jax.custom_vjp(jax.nn.relu)
    own.defvjp(lambda x: (jax.nn.relu(x), x), lambda x, g: (g * (x > 0),))
    check_grads(own, (jnp.array(point),), 1, ("rev",))


@pytest.mark.once
@pytest.mark.parametrize("name", ["add", "max", "multiply", "min"][: 4 if WHOLE else 2])
def test_updates_at_indices_are_traced(name: str) -> None:
    def updated(x: Any) -> Any:
        return getattr((2 * x).at[jnp.array([0, 2])], name)(x[:2] ** 2, unique_indices=True)

    assert examined(updated, (POINT,))["reverse mode"].startswith("right: formula equal")


@pytest.mark.once
@pytest.mark.parametrize(("wide", "narrow"), [("float64", "float32"), ("float32", "bfloat16")])
def test_narrower_dtype_inside_of_a_derivative_is_inaccurate(wide: str, narrow: str) -> None:
    def backward(g: Any, x: Any) -> Any:
        return (g * jnp.cos(x.astype(narrow)).astype(wide),)

    with jax.enable_x64(wide == "float64"):
        x = POINT.astype(wide)
        said = examined(custom(jnp.sin, backward), (x,))["reverse mode eagerly"]
        assert re.match(
            rf"inaccurate: \d\.\d digits: {narrow} inside, at convert_element_type \(.*test_jax", said
        )
        forward = lambda x: jnp.sin(x.astype(narrow)).astype(wide)  # noqa: E731
        check_grads(custom(forward, backward), (x,), 1)


@pytest.mark.once
def test_each_operation_is_compared_with_its_exact_value() -> None:
    said = examined(jnp.tanh, (POINT,))["reverse mode by operation"]
    assert re.match(r"right: each of \d+ within its rounding; at most \w+.* is off by 0\.\d+ times", said)
    beside_a_zero = (np.array([0.7, 1.0001], np.float32),)
    found = examined(jax.scipy.special.gammaln, beside_a_zero, ("fwd",))
    assert found["forward mode"].startswith("right: formula equal")
    assert found["forward mode by operation"].startswith("right: each of 3 within its rounding")


def test_operation_whose_numbers_are_not_what_it_means_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from nn_from_scratch.verify.functions.jaxpr.formulas import MEANINGS, trace
    from nn_from_scratch.verify.functions.jaxpr.local import operations_row, step_by_step
    from nn_from_scratch.verify.functions.jaxpr.question import MODES, Question

    question = Question.of(lambda x: jnp.sin(x) * x, (POINT,))
    traced = trace(question, MODES["rev"](question), wide=False, by_outputs=True)
    seeds = [np.ones(3)]
    traced.derived_values(Reading.LITERAL, seeds)
    assert step_by_step(traced, seeds).check.failed is None
    monkeypatch.setitem(MEANINGS, "cos", MEANINGS["exp"])
    failed = step_by_step(traced, seeds).check.failed
    assert failed is not None
    assert failed.operation == "cos"
    assert str(operations_row(traced, seeds)).startswith("by operation: undecided: cos (")


def mean(x: Any) -> Any:
    return x.mean()


@pytest.mark.once
def test_backward_that_takes_a_size_for_a_constant_is_wrong_at_another_shape() -> None:
    fixed = custom(mean, lambda g, x: (jnp.full_like(x, g / 8),))
    found = examined(fixed, (LAYER,))
    assert found["reverse mode"].startswith("right: formula equal")
    assert found["reverse mode at other shapes"].startswith("wrong: at drawn inputs of shape (4, 8)")
    check_grads(fixed, (LAYER,), 1, shapes=False)

    free = custom(mean, lambda g, x: (jnp.full_like(x, g / x.size),))
    said = examined(free, (LAYER,))["reverse mode at other shapes"]
    assert said.startswith("right: formula equal at inputs of shape")
    assert all(shape in said for shape in ("(4, 8)", "(1, 4)", "(3, 4)"))


@pytest.mark.once
def test_shapes_that_a_function_does_not_take_are_not_held_against_it() -> None:
    weights = jnp.asarray(LAYER.T)
    said = examined(lambda x: jnp.tanh(x @ weights), (LAYER,))["reverse mode at other shapes"]
    assert said.startswith("right: formula equal at inputs of shape")
    assert "(3, 4)" in said


@pytest.mark.once
def test_what_closes_over_an_array_of_a_fixed_size_is_not_accused_at_a_size_of_1() -> None:
    target = jnp.arange(4.0)
    right = custom(lambda x: jnp.sum((x - target) ** 2), lambda g, x: (g * 2 * (x - target),))
    assert "wrong" not in str(examined(right, (jnp.ones(4),)))


def test_shapes_that_no_function_takes_are_said() -> None:
    weights = jnp.asarray(LAYER.T)
    said = examined(lambda x: x.reshape(2, 4) * weights.T, (LAYER,))["reverse mode at other shapes"]
    assert said.startswith("not supported: it takes no other shapes")


def rounded(x: Any) -> Any:
    return jnp.round(x)


@pytest.mark.once
def test_backward_that_differs_on_purpose_says_what_is_expected() -> None:
    through = custom(rounded, lambda g, x: (g,))
    with pytest.raises(GradientError):
        check_grads(through, (POINT,), 1)
    check_grads(through, (POINT,), 2, expected=lambda x: x)
    with pytest.raises(GradientError, match="2 times it"):
        check_grads(custom(rounded, lambda g, x: (2 * g,)), (POINT,), 1, expected=lambda x: x)
    reversed_ = custom(lambda x: x * x, lambda g, x: (-2 * g * x,))
    check_grads(reversed_, (POINT,), 2, expected=lambda x: -x * x)


def on_the_host(slope: float) -> Any:
    """Return a layer that is computed by numpy in float32, whose slope is so many times the right one."""

    def outside(x: Any, w: Any) -> Any:
        return np.tanh(np.asarray(x, np.float32) @ np.asarray(w, np.float32)).astype(x.dtype)

    def pulled(g: Any, x: Any, w: Any) -> Any:
        wide = [np.asarray(a, np.float32) for a in (g, x, w)]
        d = wide[0] * (1 - np.tanh(wide[1] @ wide[2]) ** 2) * np.float32(slope)
        return (d @ wide[2].T).astype(x.dtype), (wide[1].T @ d).astype(x.dtype)

    def call(f: Any, like: Any, *arrays: Any) -> Any:
        shapes = jax.tree.map(lambda a: jax.ShapeDtypeStruct(a.shape, a.dtype), like)
        return jax.pure_callback(f, shapes, *arrays, vmap_method="sequential")

    def forward(x: Any, w: Any) -> Any:
        return call(outside, jax.eval_shape(jnp.matmul, x, w), x, w)

    return custom(forward, lambda g, x, w: call(pulled, (x, w), g, x, w))


@pytest.mark.once
def test_kernel_is_judged_by_its_plain_version() -> None:
    draw = np.random.default_rng(0)
    arguments = tuple(jnp.asarray(draw.normal(size=s), jnp.bfloat16) for s in ((4, 8), (8, 3)))
    plain = lambda x, w: jnp.tanh(x @ w)  # noqa: E731
    check_grads(on_the_host(1.0), arguments, 1, ("rev",), reference=plain, compute="float32")
    for wrong in (1.02, -1.0):
        with pytest.raises(GradientError, match="numbers by the reference: the derivative for argument"):
            check_grads(on_the_host(wrong), arguments, 1, ("rev",), reference=plain, compute="float32")
    with pytest.raises(GradientError, match="value: wrong: numbers by the reference: output 0"):
        check_grads(on_the_host(1.0), arguments, 1, ("rev",), reference=lambda x, w: x @ w, compute="float32")
    bad = custom(plain, lambda g, x, w: (g @ w.T, x.T @ g))
    with pytest.raises(UndecidedError, match="the reference itself is wrong"):
        check_grads(on_the_host(1.0), arguments, 1, ("rev",), reference=bad, compute="float32")
    with pytest.raises(UndecidedError, match="say compute="):
        check_grads(on_the_host(1.0), arguments, 1, ("rev",), reference=plain)
    with pytest.raises(ValueError, match="compute must be of float64"):
        check_grads(plain, arguments, 1, reference=plain, compute="int8")
    with pytest.raises(ValueError, match="that has a reference"):
        check_grads(plain, arguments, 1, compute="float32")


def test_backward_that_is_not_linear_in_its_cotangent_is_wrong() -> None:
    clipped = custom(lambda x: 2 * x, lambda g, x: (2 * jnp.clip(g, -100, 100),))
    found = examined(clipped, (POINT,))
    assert found["reverse mode"].startswith("right")
    assert found["reverse mode linear in its cotangents"].startswith("wrong: with 4096 times the cotangents")


def test_rule_that_raises_is_an_error_that_says_what_it_raised() -> None:
    shape = custom(lambda x, b: x + b, lambda g, x, b: (g, g))
    said = examined(shape, (LAYER, LAYER[0]))["reverse mode"]
    assert said.startswith("error: the derivative raises ValueError: Custom VJP bwd rule must produce")
    with pytest.raises(GradientError):
        check_grads(shape, (LAYER, LAYER[0]), 1)


@pytest.mark.parametrize(
    ("backward", "said"),
    [
        (lambda g, x: g * (jnp.sin(x) + 2 * x * jnp.cos(x)), "gives times 0.5"),
        (lambda g, x: g * (jnp.sin(x) - x * jnp.cos(x)), "gives with the other sign"),
        (lambda g, x: g * (jnp.sin(x) + x * jnp.cos(x) + x * x), "it is right without what"),
        (lambda g, x: g * jnp.sin(x), "a term is missing: what mul"),
    ],
)
def test_operation_that_a_difference_comes_from_is_named_with_its_line(backward: Any, said: str) -> None:
    wrong = custom(lambda x: x * jnp.sin(x), lambda g, x: (backward(g, x),))
    found = examined(wrong, (POINT,))["reverse mode"].splitlines()[-1]
    assert said in found
    assert "missing" in said or re.search(r"\(.*test_jax_check_grads.py:\d+ ", found), found


@pytest.mark.once
def test_constant_that_a_difference_comes_from_is_named() -> None:
    said = examined(custom(normed(1e-5), normed_backward(1.1e-5)), (LAYER,))["reverse mode"]
    assert said.endswith("with the function's constant 1e-05 in place of 1.1e-05 it is right")


@pytest.mark.parametrize("off", [1.0001, 1.01])
def test_backward_that_is_wrong_in_one_dtype_alone_is_wrong(off: float) -> None:
    def backward(g: Any, x: Any) -> Any:
        return (g * jnp.cos(x) * (1.0 if x.dtype == jnp.float64 else off),)

    with pytest.raises(GradientError, match="formula proved to differ"):
        check_grads(custom(jnp.sin, backward), (POINT,), 1)


@pytest.mark.once
def test_function_that_asks_for_its_numbers_is_judged_by_differences() -> None:
    def branching(x: Any) -> Any:
        return jnp.sin(x) if x[0] > 0 else jnp.cos(x)

    found = examined(branching, (POINT,))
    assert found["reverse mode"].startswith("right: numbers compared only")
    assert "not traced: Attempted boolean conversion" in found["reverse mode"]
    assert found["reverse mode under jit"].startswith("not supported: Attempted boolean conversion")
    wrong = custom(jnp.sin, lambda g, x: (g * jnp.sin(x) if float(x[0]) > 0 else g,))
    with pytest.raises(GradientError, match=r"\[0\] is"):
        check_grads(wrong, (POINT,), 1)


@pytest.mark.once
def test_indices_that_are_out_of_bounds_at_another_shape_accuse_nobody() -> None:
    def backward(g: Any, x: Any) -> Any:
        return (jnp.zeros_like(x).at[jnp.array([0, 2, 2])].add(2 * g),)

    found = examined(custom(lambda x: 2 * x[jnp.array([0, 2, 2])], backward), (POINT,))
    assert all(not said.startswith("wrong") for said in found.values()), found


@pytest.mark.once
def test_rule_for_symmetric_matrices_is_not_held_to_others() -> None:
    symmetric = np.array([[2.0, 0.5], [0.5, -1.0]], np.float32)
    x = np.array([0.3, 1.2], np.float32)
    right = custom(lambda a, x: x @ a @ x, lambda g, a, x: (g * jnp.outer(x, x), 2 * g * (a @ x)))
    found = examined(right, (symmetric, x))
    assert found["reverse mode"].startswith("right: formula equal")
    assert not found.get("reverse mode at other shapes", "").startswith("wrong"), found


def test_constant_that_was_rounded_to_float32_is_that_in_float64_too() -> None:
    narrow = np.float32(0.1)
    check_grads(custom(lambda x: x * narrow, lambda g, x: (g * 0.1,)), (POINT,), 1)


def test_array_of_numpy_that_jax_mistakes_the_dtype_of_accuses_nobody() -> None:
    table = np.array([0.1, 0.2, 0.3])
    found = examined(custom(lambda x: x * table, lambda g, x: (g * table,)), (POINT,))
    assert all(not said.startswith(("wrong", "error")) for said in found.values()), found


@pytest.mark.once
def test_factor_that_an_argument_of_one_number_hides_is_seen_with_other_numbers() -> None:
    def scaled(x: Any, w: Any) -> Any:
        return x * w

    ones = np.ones(np.shape(POINT), np.float32)
    check_grads(custom(scaled, lambda g, x, w: (g * w, g * x)), (POINT, ones), 1)
    with pytest.raises(
        GradientError, match="at other numbers: wrong: right where an argument has one number"
    ):
        check_grads(custom(scaled, lambda g, x, w: (g, g * x)), (POINT, ones), 1)
    small = custom(lambda x, w: x * (1 + w / 500), lambda g, x, w: (g, g * x / 500))
    with pytest.raises(UndecidedError, match="at other numbers: undecided: right where an argument"):
        check_grads(small, (POINT, 0 * ones), 1)


@pytest.mark.once
def test_wrong_backward_of_what_a_mask_hides_is_wrong() -> None:
    mask = np.array([True, False, True])

    def backward(scale: float) -> Any:
        return lambda g, x: (scale * g * jax.nn.softmax(jnp.where(mask, x, -jnp.inf)),)

    def reduced(x: Any) -> Any:
        masked = jnp.where(mask, x, -jnp.inf)
        largest = masked.max()
        return largest + jnp.log(jnp.exp(masked - largest).sum())

    x = np.array([0.5, 2.0, -1.0], np.float32)
    check_grads(custom(reduced, backward(1.0)), (x,), 1, shapes=False)
    with pytest.raises(GradientError, match=r"1\.001 times it"):
        check_grads(custom(reduced, backward(1.001)), (x,), 1, shapes=False)


@pytest.mark.once
def test_matrix_of_data_excuses_no_formula_and_a_row_of_coefficients_does() -> None:
    weights = np.random.default_rng(0).normal(size=(3, 3)).astype(np.float32)

    def through(kept: Any) -> Any:
        return lambda x: jnp.sin(x @ kept).sum()

    def back(kept: Any, factor: float) -> Any:
        return lambda g, x: (factor * g * (jnp.cos(x @ kept) @ kept.T),)

    x = np.array([0.5, 2.0, -1.0], np.float32)
    check_grads(custom(through(weights), back(weights, 1.0)), (x,), 1, shapes=False)
    with pytest.raises(GradientError, match="formula proved to differ"):
        check_grads(custom(through(weights), back(weights, 1.001)), (x,), 1, shapes=False)
    # The derivative of exp, not that of its series: which of the two is meant, nobody knows.
    row = 1 / np.cumprod(np.arange(1.0, 8.0)).astype(np.float32)
    series = custom(lambda x: 1 + jnp.dot(row, x ** np.arange(1, 8)), lambda g, x: (g * jnp.exp(x),))
    said = examined(series, (np.float32(0.8),))["reverse mode"]
    assert "the function may approximate: it uses a table of numbers" in said


def measured(function: Any) -> Any:
    """Return what is asked of a function of the point by differences of its values."""
    from nn_from_scratch.verify.functions.jaxpr.measured import Measured
    from nn_from_scratch.verify.functions.jaxpr.question import Question

    return Measured(Question.of(function, (POINT,)), "rev", [np.ones(())])


@pytest.mark.once
def test_loop_is_run_once_and_traced_once_for_all_its_values() -> None:
    calls = 0

    def recurrent(x: Any) -> Any:
        nonlocal calls
        calls += 1
        return jax.lax.scan(lambda h, row: (jnp.tanh(h + row), None), jnp.zeros((), x.dtype), x)[0]

    box = measured(recurrent)
    points = [k * POINT.astype(np.float64) for k in (1, 0.5, 0.25)]
    values = [box.value(point) for point in points]
    assert calls == 2
    with jax.enable_x64(True):
        assert values == [float(recurrent(jnp.asarray(point))) for point in points]


@pytest.mark.once
def test_values_are_those_of_a_function_as_it_runs_if_it_is_another_when_traced() -> None:
    def hostile(x: Any) -> Any:
        return x.sum() * (2 if isinstance(x, jax.core.Tracer) else 1)

    assert measured(hostile).value(POINT.astype(np.float64)) == pytest.approx(float(POINT.sum()))
