"""Inputs that hide what a gradient has wrong, as equal ones which is read: it is asked with other numbers."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from in_frameworks import FRAMEWORKS, Rule, framework_for, in_torch

from nn_from_scratch.verify import GradientError, UndecidedError, check_gradient

pytestmark = pytest.mark.once

X = np.random.default_rng(5).normal(size=(5, 3))
SYMMETRIC = X.T @ X


def rules(np: Any, array: Callable[[Any], Any], dtype: Any) -> dict[str, tuple[Rule, Rule]]:
    """Return functions at equal inputs with gradients: right ones, and ones that read the other input."""

    def twice(numbers: Any) -> tuple[Any, Any]:
        return array(numbers.astype(dtype)), array(numbers.astype(dtype))

    def product(x: Any, y: Any) -> Any:
        return np.sin(x) * y**2

    def matrices(x: Any, y: Any) -> Any:
        return np.tanh(x @ y)

    def through(x: Any, y: Any, c: Any) -> Any:
        return c * (1 - np.tanh(x @ y) ** 2)

    def bilinear(x: Any, y: Any) -> Any:
        return x * y

    return {
        "arrays": (
            (product, lambda x, y, c: (c * np.cos(x) * y**2, 2 * c * np.sin(x) * y), twice(X)),
            (product, lambda x, y, c: (c * np.cos(x) * x**2, 2 * c * np.sin(x) * y), twice(X)),
        ),
        "single numbers": (
            (product, lambda x, y, c: (c * np.cos(x) * y**2, 2 * c * np.sin(x) * y), twice(X[0, 0])),
            (product, lambda x, y, c: (c * np.cos(x) * y**2, 2 * c * np.sin(y) * y), twice(X[0, 0])),
        ),
        "symmetric matrices": (
            (matrices, lambda x, y, c: (through(x, y, c) @ y.T, x.T @ through(x, y, c)), twice(SYMMETRIC)),
            (matrices, lambda x, y, c: (through(x, y, c) @ x.T, x.T @ through(x, y, c)), twice(SYMMETRIC)),
        ),
        "ones": (
            (bilinear, lambda x, y, c: (c * y, c * x), twice(X**0)),
            (bilinear, lambda x, y, c: (c * x, c * y), twice(X**0)),
        ),
    }


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("name", rules(np, np.array, np.float64))
def test_a_gradient_that_reads_the_other_of_two_equal_inputs_is_not_right(name: str, framework: str) -> None:
    functions, array, dtype, check = framework_for(framework, np.float64)
    right, wrong = rules(functions, array, dtype)[name]
    check(right)
    expected = GradientError if name == "ones" else UndecidedError
    hides = "one number throughout" if name == "ones" else "the numbers of an earlier one"
    with pytest.raises(expected, match=f"has {hides}, but with drawn ones"):
        check(wrong)


Z, A = np.random.default_rng(6).normal(size=(2, 3, 3))
SKEW = A - A.T
CENTRED = np.array([1.0, -3.0, 2.0, 0.5, -1.5, 1.0])
SOFT = np.exp(A) / np.exp(A).sum(1, keepdims=True)
SMOOTH = np.where(np.eye(3) == 1, 0.9, 0.05)


def log_softmax(z: Any) -> Any:
    return z - np.log(np.sum(np.exp(z), 1))[:, None]


def mixed_loss(z: Any, p: Any, q: Any) -> Any:
    return -np.sum((0.3 * p + 0.7 * q) * log_softmax(z))


def through_mixed_loss(z: Any, p: Any, q: Any) -> Any:
    """Return what holds for labels that sum to 1."""
    logarithms = log_softmax(z)
    return np.exp(logarithms) - 0.3 * p - 0.7 * q, -0.3 * logarithms, -0.7 * logarithms


def covariance(x: Any, y: Any) -> Any:
    return np.sum((x - np.mean(x)) * (y - np.mean(y)))


def through_covariance(x: Any, y: Any) -> Any:
    """Return what holds for numbers that sum to 0."""
    return 1 * y, 1 * x


def turned(x: Any, y: Any) -> Any:
    return np.sum(np.sin(x @ y))


def through_turned(x: Any, y: Any) -> Any:
    """Return what holds for skew matrices."""
    d = np.cos(x @ y)
    return -d @ y, -x @ d


@pytest.mark.parametrize(
    ("function", "gradient", "inputs"),
    [
        (mixed_loss, through_mixed_loss, (Z, SOFT, SOFT.copy())),
        (mixed_loss, through_mixed_loss, (Z, SMOOTH, SMOOTH.copy())),
        (mixed_loss, through_mixed_loss, (Z, np.full((3, 3), 1 / 3), np.full((3, 3), 1 / 3))),
        (covariance, through_covariance, (CENTRED, CENTRED.copy())),
        (turned, through_turned, (SKEW, SKEW.copy())),
    ],
    ids=["distributions", "smoothed labels", "uniform distributions", "centred numbers", "skew matrices"],
)
def test_what_is_right_for_equal_inputs_of_a_kind_is_right(function: Any, gradient: Any, inputs: Any) -> None:
    assert check_gradient(function, gradient, inputs)


def cross_entropy(z: Any, t: Any) -> Any:
    return -np.sum(t * log_softmax(z))


def through_cross_entropy(z: Any, t: Any) -> Any:
    """Return what holds for labels that sum to 1."""
    return np.exp(log_softmax(z)) - t, -log_softmax(z)


@pytest.mark.parametrize(
    "labels",
    [np.eye(3), np.eye(3)[[1, 0, 2]], np.full((3, 3), 1 / 3), np.full((3, 4), 0.25), np.full((5, 2), 0.5)],
    ids=["identity", "permutation", "thirds", "quarters", "halves"],
)
def test_labels_may_be_the_identity_or_uniform(labels: Any) -> None:
    z = np.random.default_rng(7).normal(size=labels.shape)
    assert check_gradient(cross_entropy, through_cross_entropy, (z, labels))


def logistic(z: Any, t: Any) -> Any:
    """Read labels as truth values."""
    return np.sum(np.where(t > 0.5, np.log1p(np.exp(-z)), np.log1p(np.exp(z))))


def through_logistic(z: Any, t: Any) -> Any:
    """Return what holds for labels of 0 and 1."""
    return 1 / (1 + np.exp(-z)) - t, 0 * t


def weighed(x: Any, m: Any) -> Any:
    return np.sum((x * m) ** 2)


def hinge(x: Any, y: Any) -> Any:
    return np.sum((1 - y * x) ** 2)


def cayley(s: Any, y: Any) -> Any:
    return np.sum((np.linalg.inv(np.eye(3) - s) @ y) ** 2)


def through_cayley(s: Any, y: Any) -> Any:
    """Return what holds for a skew matrix, whose factor is inverted by the other sign."""
    back = np.linalg.inv(np.eye(3) + s)
    z = np.linalg.inv(np.eye(3) - s) @ y
    return back @ (2 * z) @ z.T, back @ (2 * z)


@pytest.mark.parametrize(
    ("function", "gradient", "inputs", "hides"),
    [
        (weighed, lambda x, m: (2 * x * m, 2 * x * x * m), (CENTRED, np.ones(6)), "one number throughout"),
        (logistic, through_logistic, (CENTRED, np.zeros(6)), "one number throughout"),
        (hinge, lambda x, y: (-2 * (y - x), -2 * x * (1 - y * x)), (CENTRED, np.ones(6)), "one number"),
        (cayley, through_cayley, (np.zeros((3, 3)), A), "one number throughout"),
        (covariance, through_covariance, (np.zeros(6), CENTRED), "one number throughout"),
        (lambda x: np.sum(x**3), lambda x: 6 * x, (np.full(4, 2.0),), "one number throughout"),
        (
            lambda x, w: np.sum(np.sin(x @ w)),
            lambda x, w: (np.cos(x @ w), x.T @ np.cos(x @ w)),
            (A, np.eye(3)),
            "is the identity",
        ),
        (
            lambda x, y: np.sum(np.sin(x) * y**2),
            lambda x, y: (np.cos(x) * x**2, 2 * np.sin(x) * y),
            (A, -A),
            "the numbers of an earlier one",
        ),
        (
            lambda x, y: np.sum(np.sin(x) * y.T**2),
            lambda x, y: (np.cos(x) * x**2, 2 * np.sin(x.T) * y),
            (A, A.T.copy()),
            "the numbers of an earlier one",
        ),
        (
            lambda x, y: np.sum(np.sin(x) * y**2),
            lambda x, y: (np.cos(x) * x**2, 2 * np.sin(x) * y),
            (np.array([1.0, 0.0, 1.0]), np.array([1.0, 0.0, 1.0])),
            "the numbers of an earlier one",
        ),
    ],
    ids=[
        "mask",
        "no labels",
        "labels",
        "skew",
        "centred",
        "twos",
        "identity",
        "negative",
        "transposed",
        "masks",
    ],
)
def test_what_may_be_right_for_such_inputs_alone_is_undecided(
    function: Any, gradient: Any, inputs: Any, hides: str
) -> None:
    with pytest.raises(UndecidedError, match=f"right where input . .*{hides}"):
        check_gradient(function, gradient, inputs)


OF_0_AND_1 = {
    "identity": np.eye(3),
    "mask": np.array([0.0, 1.0, 1.0, 0.0, 1.0]),
    "signs": np.array([1.0, -1.0, 1.0]),
}


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("name", OF_0_AND_1)
def test_a_power_is_not_right_where_all_numbers_are_0_and_1(name: str, framework: str) -> None:
    _, array, dtype, check = framework_for(framework, np.float64)
    inputs = (array(OF_0_AND_1[name].astype(dtype)),)
    check((lambda x: x**3, lambda x, c: (3 * c * x**2,), inputs))
    with pytest.raises(UndecidedError, match="is of nothing but 0, 1 and -1, but with drawn ones"):
        check((lambda x: x**3, lambda x, c: (3 * c * x**4,), inputs))


def test_what_is_right_for_rotations_is_right_at_the_identity() -> None:
    def through_inverse(r: Any) -> Any:
        return -r @ Z @ r

    assert check_gradient(lambda r: np.sum(np.linalg.inv(r) * Z), through_inverse, (np.eye(3),))


@pytest.mark.parametrize("number", [0.0, 1.0, -1.0])
def test_a_factor_that_is_lost_is_wrong(number: float) -> None:
    """It is right for no kind of numbers: neither for a mask, nor for labels."""
    factor = np.full(3, number)
    with pytest.raises(GradientError, match="right where input 1 has one number throughout"):
        check_gradient(
            lambda x, a: np.sum(np.sin(x * (a + 1))),
            lambda x, a: (np.cos(x * (a + 1)) * (number + 1), np.sum(np.cos(x * (a + 1)) * x, 0)),
            (X, factor),
        )


@pytest.mark.parametrize(
    ("function", "right", "wrong", "kept"),
    [
        (
            lambda np, x, w: np.sin(x) * w,
            lambda np, x, w, c: c * np.cos(x) * w,
            lambda np, x, w, c: c * np.cos(x),
            A**0,
        ),
        (
            lambda np, x, h: np.tanh(x + h),
            lambda np, x, h, c: c * (1 - np.tanh(x + h) ** 2),
            lambda np, x, h, c: c * (1 - np.tanh(x) ** 2),
            0 * A,
        ),
        (
            lambda np, x, w: np.sin(x) * w,
            lambda np, x, w, c: c * np.cos(x) * w,
            lambda np, x, w, c: c * np.cos(x) * x,
            A,
        ),
        # A mask that is 1 throughout, whose square it is
        (
            lambda np, x, m: (x * m) ** 2,
            lambda np, x, m, c: 2 * c * x * m,
            lambda np, x, m, c: 2 * c * x * (2 - m),
            A**0,
        ),
    ],
    ids=["ones", "zeros", "equal", "mask"],
)
def test_what_pytorch_keeps_without_a_gradient_may_hide_something_too(
    function: Any, right: Any, wrong: Any, kept: Any
) -> None:
    torch = pytest.importorskip("torch")
    from nn_from_scratch.verify.torch import gradcheck

    def check_with(gradient: Any) -> Any:
        own = in_torch(partial(function, torch), lambda *given: (gradient(torch, *given), None))
        return gradcheck(own, (torch.tensor(A, requires_grad=True), torch.tensor(kept)))

    assert check_with(right)
    with pytest.raises(UndecidedError, match="right where a tensor that needs no gradient has"):
        check_with(wrong)


def outside(x: Any) -> Any:
    """Return the same numbers, by what is not traced."""
    return np.asarray(np.ascontiguousarray(x).data.tolist())


def fitted(u: Any) -> Any:
    """Return squares beside fourth powers, whose derivative at 0 is 0 whatever its factor."""
    return np.sum((outside(u) - Z) ** 2) + np.sum(outside(u) ** 4)


def through_fitted(factor: float) -> Callable[[Any], Any]:
    return lambda u: 2 * (outside(u) - Z) + 4 * factor * outside(u) ** 3


def test_values_of_what_is_not_traced_are_asked_with_other_numbers_too() -> None:
    zeros = np.zeros((3, 3))
    found = check_gradient(fitted, through_fitted(1.0), zeros)
    assert "numbers compared only" in str(found)
    with pytest.raises(
        UndecidedError, match="right where an input has one number throughout, but with drawn"
    ):
        check_gradient(fitted, through_fitted(-1.0), zeros)
    assert check_gradient(fitted, through_fitted(-1.0), zeros, shapes=False)


def test_values_of_what_pytorch_does_not_trace_are_asked_with_other_numbers_too() -> None:
    torch = pytest.importorskip("torch")
    from nn_from_scratch.verify.torch import gradcheck

    def check_with(factor: float) -> Any:
        own = in_torch(
            lambda u: torch.from_numpy(np.asarray(fitted(u.detach().numpy()))),
            lambda u, c: (c * torch.from_numpy(through_fitted(factor)(u.numpy())),),
        )
        return gradcheck(own, torch.zeros(3, 3, dtype=torch.float64, requires_grad=True))

    assert check_with(1.0)
    with pytest.raises(
        UndecidedError, match="right where an input has one number throughout, but with drawn"
    ):
        check_with(-1.0)


def test_values_of_what_jax_does_not_trace_are_asked_with_other_numbers_too() -> None:
    jax = pytest.importorskip("jax")
    from nn_from_scratch.verify.jax import check_grads

    def outside_of_jax(function: Callable[[Any], Any], shape: tuple[int, ...]) -> Callable[[Any], Any]:
        form = jax.ShapeDtypeStruct(shape, np.float64)
        return lambda u: jax.pure_callback(function, form, u, vmap_method="sequential")

    def check_with(factor: float) -> Any:
        own = jax.custom_vjp(outside_of_jax(fitted, ()))
        slopes = outside_of_jax(through_fitted(factor), (3, 3))
        own.defvjp(lambda u: (own(u), u), lambda u, c: (c * slopes(u),))
        return check_grads(own, (np.zeros((3, 3)),), 1, ("rev",))

    with jax.enable_x64(True):
        check_with(1.0)
        with pytest.raises(UndecidedError, match="right where an input has one number throughout, but with"):
            check_with(-1.0)
