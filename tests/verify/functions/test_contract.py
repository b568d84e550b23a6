"""What a gradient must keep beside its numbers, and what it may be given and return."""

from typing import Any

import numpy as np
import pytest

from nn_from_scratch.verify import GradientError, UndecidedError, check_gradient

X = np.array([[0.5, 0.1, -0.7], [-0.3, 0.8, 1.1]])


def loss(x: Any) -> Any:
    return np.sum(np.sin(x))


def adding() -> Any:
    kept = np.zeros_like(X)

    def gradient(x: Any) -> Any:
        np.add(kept, np.cos(x), out=kept)
        return kept.copy()

    return gradient


def adding_in_place() -> Any:
    kept = np.zeros_like(X)

    def gradient(x: Any) -> Any:
        np.add(kept, np.cos(x), out=kept)
        return kept

    return gradient


def reusing() -> Any:
    kept = np.zeros_like(X)

    def gradient(x: Any) -> Any:
        return np.cos(x, out=kept)

    return gradient


def writing(x: Any) -> Any:
    return np.cos(x, out=x)


@pytest.mark.parametrize(
    ("gradient", "message"),
    [
        (adding(), "adds to its last result on each call"),
        (adding_in_place(), "adds to its last result on each call"),
        (reusing(), "overwrites what it returned"),
        (writing, "writes into its input x"),
    ],
)
def test_gradient_that_changes_what_is_not_its_own_is_wrong(gradient: Any, message: str) -> None:
    with pytest.raises(GradientError, match=message):
        check_gradient(loss, gradient, X)


def test_gradient_that_is_not_the_same_twice_is_wrong() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(GradientError, match="not the same twice"):
        check_gradient(loss, lambda x: np.cos(x) * rng.uniform(0.9, 1.1, x.shape), X)


def test_dropout_is_not_deterministic() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(UndecidedError, match="not deterministic"):
        check_gradient(lambda x: np.sum(x * (rng.random(x.shape) < 0.5)), np.ones_like, X)


def test_constant_gradient_may_be_one_array_and_an_input_may_be_returned() -> None:
    weights = np.arange(6.0).reshape(2, 3)
    check_gradient(lambda x: np.sum(x * weights), lambda x: weights, X)
    check_gradient(lambda x: np.sum(x * x) / 2, lambda x: x, X)


def test_cotangent_is_drawn_for_outputs_that_are_no_number() -> None:
    check_gradient(np.sin, lambda x, cotangent: cotangent * np.cos(x), X)
    check_gradient(lambda x: (np.sin(x), x[0] ** 2), two_outputs, X)
    with pytest.raises(GradientError):
        check_gradient(np.sin, lambda x, cotangent: cotangent * np.sin(x), X)


def two_outputs(x: Any, cotangent: Any) -> Any:
    g = np.cos(x) * cotangent[0]
    g[0] += 2 * x[0] * cotangent[1]
    return g


def write_into_cotangent(x: Any, cotangent: Any) -> Any:
    cotangent *= np.cos(x)
    return cotangent.copy()


def bytes_of_cotangent(x: Any, cotangent: Any) -> Any:
    return np.frombuffer(cotangent.base.tobytes() if cotangent.base is not None else cotangent.tobytes())[
        : x.size
    ].reshape(x.shape) * np.cos(x)


@pytest.mark.parametrize(
    ("gradient", "message"),
    [
        (lambda x, cotangent: np.cos(x), "ignores its incoming cotangent"),
        (lambda x, cotangent: np.cos(x) * cotangent**2, "not linear in its cotangent"),
        (lambda x, cotangent: np.clip(np.cos(x) * cotangent, -9, 9), "1024 times .* as where it is clipped"),
        (write_into_cotangent, "writes into its cotangent"),
        (bytes_of_cotangent, "non-contiguous cotangent"),
    ],
)
def test_cotangent_is_multiplied_read_as_it_lies_and_left_alone(gradient: Any, message: str) -> None:
    with pytest.raises(GradientError, match=message):
        check_gradient(np.sin, gradient, X)


def strides_of_cotangent(x: Any, cotangent: Any) -> Any:
    if 0 in cotangent.strides:
        raise TypeError("strides")
    return cotangent * np.cos(x)


def test_backward_that_refuses_a_cotangent_of_no_strides_is_wrong() -> None:
    with pytest.raises(GradientError, match="raises for a zero-stride cotangent: TypeError: strides"):
        check_gradient(np.sin, strides_of_cotangent, X)


def test_returned_input_is_noted_where_the_gradient_is_wrong() -> None:
    with pytest.raises(GradientError, match="note: the derivative for x shares its memory with an input"):
        check_gradient(lambda x: np.sum(x * x), lambda x: x, X)


def test_backward_of_a_number_must_use_its_cotangent_too() -> None:
    check_gradient(loss, lambda x, cotangent: cotangent * np.cos(x), X)
    with pytest.raises(GradientError, match="ignores its incoming cotangent"):
        check_gradient(loss, lambda x, cotangent: np.cos(x), X)


class Sparse:
    """A gradient as scipy's sparse arrays are."""

    def __init__(self, dense: Any) -> None:
        self.dense = dense

    def toarray(self) -> Any:
        return self.dense


def net(parameters: Any, x: Any) -> Any:
    return np.sum(np.tanh(x @ parameters["w"] + parameters["b"][0]))


def net_gradient(parameters: Any, x: Any) -> Any:
    d = 1 - np.tanh(x @ parameters["w"] + parameters["b"][0]) ** 2
    return {"w": x.T @ d, "b": (d.sum(axis=0), None)}, d @ parameters["w"].T


def test_inputs_and_gradients_may_be_nested() -> None:
    rng = np.random.default_rng(1)
    parameters = {"w": rng.normal(size=(3, 2)), "b": (rng.normal(size=2), 7), "name": "net", "none": None}
    check_gradient(net, net_gradient, (parameters, X))

    def wrong(parameters: Any, x: Any) -> Any:
        first, second = net_gradient(parameters, x)
        first["b"][0][1] *= 2
        return first, second

    with pytest.raises(GradientError, match=r"the derivative for x0\['b'\]\[0\]\[1\] is .*, expected "):
        check_gradient(net, wrong, (parameters, X))


def test_arguments_may_be_a_list_or_named() -> None:
    y = np.array([1.0, 2.0, 3.0])
    check_gradient(lambda x, y: np.sum(x @ y), lambda x, y: [np.tile(y, (2, 1)), x.sum(axis=0)], [X, y])
    check_gradient(
        lambda xs: np.sum(xs[0] @ xs[1]), lambda xs: [np.tile(xs[1], (2, 1)), xs[0].sum(axis=0)], [X, y]
    )
    for as_dict in (True, False):

        def gradient(x: Any, y: Any, as_dict: bool = as_dict) -> Any:
            parts = {"x": np.tile(y, (2, 1)), "y": x.sum(axis=0)}
            return parts if as_dict else tuple(parts.values())

        check_gradient(lambda x, y: np.sum(x @ y), gradient, {"x": X, "y": y})


def test_integers_and_none_are_passed_through() -> None:
    check_gradient(
        lambda x, power, mask: np.sum(x**power) if mask is None else 0.0,
        lambda x, power, mask: (power * x ** (power - 1), None, None),
        (X, 3, None),
    )
    check_gradient(
        lambda x, index: x[index].sum(),
        lambda x, index: (np.array([0.0, 1.0, 1.0]),),
        (np.ones(3), np.array([1, 2])),
    )


@pytest.mark.once
def test_sparse_wrapped_and_missing_gradients_are_taken() -> None:
    check_gradient(loss, lambda x: Sparse(np.cos(x)), X)
    check_gradient(loss, lambda x: (np.cos(x),), X)
    check_gradient(lambda x, y: np.sum(x), lambda x, y: (np.ones_like(x), None), (X, X))
    with pytest.raises(GradientError, match=r"the derivative for x1\[0, 0\] is 0.0, expected "):
        check_gradient(lambda x, y: np.sum(x) + np.sum(y), lambda x, y: (np.ones_like(x), None), (X, X))


@pytest.mark.parametrize(
    ("function", "gradient", "inputs", "message"),
    [
        (loss, np.cos, X + 1j, "x is complex: give the real and the imaginary part as two real inputs"),
        (
            lambda x, z: np.sum(x) * abs(z) ** 2,
            lambda x, z: (0 * x + abs(z) ** 2, 2 * z * np.sum(x)),
            (X, 1 + 2j),
            "x1 is complex: give",
        ),
        (
            lambda p: abs(p["z"]),
            lambda p: {"z": 1.0},
            ({"a": 1.0, "z": np.array([1j])},),
            r"x\['z'\] is complex",
        ),
        (
            loss,
            lambda x: np.cos(x) + 0j,
            X,
            "the gradient for x is complex, and x is real: return the real part",
        ),
        (
            lambda x: loss(x) * 1j,
            np.cos,
            X,
            "the function is complex: return the real and the imaginary part",
        ),
        (lambda x: x * 1j, lambda x, g: g * 1j, X, "the function is complex: return the real"),
        (lambda x: np.inf, np.cos, X, "the function is inf here"),
        (lambda x: np.nan, np.cos, X, "the function is nan here"),
        (loss, lambda x: np.cos(x).T, X, "it is transposed"),
        (loss, lambda x: np.cos(x).sum(axis=1), X, "summed over an axis too many"),
        (
            lambda x, b: np.sum(x + b),
            lambda x, b: (np.ones_like(x), np.ones_like(x)),
            (X, X[0]),
            "not reduced after broadcasting",
        ),
        (
            lambda x, b: np.sum(x + b),
            lambda x, b: np.ones_like(x),
            (X, X[0]),
            "must be a tuple of 2 derivatives",
        ),
        (
            lambda d: d["a"] ** 2,
            lambda d: {"b": 3.0},
            ({"a": 1.0},),
            "the gradient for x must be a dict with the keys 'a'",
        ),
        (lambda xs: xs[0] @ xs[1], lambda xs: [xs[1]], ((X[0], X[1]),), "for x must hold 2 derivatives"),
    ],
)
def test_what_cannot_be_compared_is_named(function: Any, gradient: Any, inputs: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_gradient(function, gradient, inputs)


def test_complex_numbers_within_a_real_function_are_its_own() -> None:
    def energy(x: Any) -> Any:
        return np.sum(np.abs(np.fft.fft(x)) ** 2)

    x = np.array([1.0, 2.0, 4.0])
    check_gradient(energy, lambda x: 2 * x.size * x, x)
    with pytest.raises(GradientError):
        check_gradient(energy, lambda x: 2 * x, x)
    with pytest.raises(ValueError, match="the function is complex: return"):
        check_gradient(loss, np.cos, x, expected=lambda x: loss(x) * 1j)


def test_an_array_that_is_passed_through_is_not_written_into() -> None:
    places = np.array([1, 2])

    def gradient(x: Any, places: Any) -> Any:
        places[:] = 0
        return np.cos(x)

    with pytest.raises(GradientError, match="writes into an array of integers"):
        check_gradient(lambda x, places: np.sum(np.sin(x)), gradient, (X, places))
    assert np.array_equal(places, [1, 2])
    with pytest.raises(GradientError, match="writes into an array of integers"):
        check_gradient(
            lambda x, more: np.sum(np.sin(x)),
            lambda x, more: gradient(x, more["places"]),
            (X, {"places": places}),
        )
    assert check_gradient(lambda x, places: np.sum(np.sin(x)), lambda x, places: np.cos(x), (X, places))


def test_a_gradient_that_lies_where_its_input_does_is_noted() -> None:
    found = check_gradient(lambda x: np.sum(x * x) / 2, lambda x: x, X)
    (row,) = [row for row in found.rows if row.name == "contract"]
    assert "the derivative for x shares its memory with an input" in row.said


def test_a_function_that_writes_into_its_input_is_noted() -> None:
    def function(x: Any) -> Any:
        x -= x.mean()
        return np.sum(x * x)

    found = check_gradient(function, lambda x: 2 * (x - x.mean()), np.array([1.0, 2.0, 4.0]))
    (contract,) = [row for row in found.rows if row.name == "contract"]
    assert "the function writes into its input x" in contract.said
    with pytest.raises(GradientError, match="note: the function writes into its input x"):
        check_gradient(function, lambda x: 3 * x, np.array([1.0, 2.0, 4.0]))


def test_a_gradient_that_replaces_an_array_of_its_cotangents_writes_into_them() -> None:
    def gradient(x: Any, c: Any) -> Any:
        found = c[0] + 2 * x * c[1]
        c[0] = c[0] * 0
        return found

    with pytest.raises(GradientError, match="the gradient writes into its cotangent"):
        check_gradient(lambda x: [x * 1.0, x * x], gradient, np.array([1.0, 2.0]))
