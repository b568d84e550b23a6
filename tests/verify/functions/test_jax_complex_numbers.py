"""Complex numbers between real ones in JAX, traced: Fourier transforms, parts, conjugates."""

from typing import Any

import numpy as np
import pytest
from jax_formulas import formula, own

jax = pytest.importorskip("jax")

from nn_from_scratch.verify import GradientError  # noqa: E402
from nn_from_scratch.verify.jax import check_grads  # noqa: E402

jnp, lax = jax.numpy, jax.lax
pytestmark = pytest.mark.once

X = np.random.default_rng(3).normal(size=(2, 4))
KERNEL = np.array([0.5, -1.0, 0.25, 0.125])


def circular(x: Any) -> Any:
    return jnp.fft.irfft(jnp.fft.rfft(x) * jnp.fft.rfft(KERNEL), n=4)


def stepped(carry: Any, x: Any) -> Any:
    return carry * lax.complex(x, x), carry.real


FUNCTIONS = {
    "sizes": lambda x: jnp.abs(jnp.fft.fft(x)),
    "of several axes": lambda x: jnp.fft.irfftn(jnp.fft.rfftn(x)),
    "scan": lambda x: lax.scan(stepped, lax.complex(x[0, 0], x[1, 1]), x[0])[1],
    "chosen": lambda x: jnp.where(x > 0, jnp.fft.fft(x), 1j).real,
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_operation_of_jaxs_is_right(name: str) -> None:
    said = formula(FUNCTIONS[name], X)
    assert said.startswith("right: formula equal"), said


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (lambda g: jnp.fft.irfft(jnp.fft.rfft(g) * jnp.conj(jnp.fft.rfft(KERNEL)), n=4), "right"),
        (lambda g: jnp.fft.irfft(jnp.fft.rfft(g) * jnp.fft.rfft(KERNEL), n=4), "wrong"),
        (lambda g: jnp.fft.irfft(jnp.conj(jnp.fft.rfft(g)) * jnp.fft.rfft(KERNEL), n=4), "wrong"),
        (lambda g: 1.1 * jnp.fft.irfft(jnp.fft.rfft(g) * jnp.conj(jnp.fft.rfft(KERNEL)), n=4), "wrong"),
        (lambda g: -jnp.fft.irfft(jnp.fft.rfft(g) * jnp.conj(jnp.fft.rfft(KERNEL)), n=4), "wrong"),
    ],
)
def test_own_rule_of_a_circular_convolution(rule: Any, said: str) -> None:
    function = own(circular, lambda g, _: rule(g))
    assert formula(function, X).startswith(said)


def test_numbers_are_judged_as_well() -> None:
    from nn_from_scratch.verify.functions.jaxpr.checking import Options, examine

    rows = examine(FUNCTIONS["sizes"], (X.astype(np.float32),), 1, ("fwd", "rev"), Options(shapes=False))
    assert not [row for row in rows if row.verdict is not None and row.verdict.accuses], rows
    assert str(rows[0].verdict) == "right", rows[0]


@pytest.mark.once
def test_the_size_of_a_complex_number_is_rounded() -> None:
    """It was taken for exact, as that of a real number is."""
    x = jnp.array([0.5, 1.0, 2.0, -0.75], jnp.float32)
    check_grads(lambda a: jnp.sum(jnp.abs(jnp.exp(1j * a) + 1.0)), (x,), 1)

    def total(a: Any) -> Any:
        return jnp.sum(jnp.abs(jnp.fft.fft(a)))

    def backward(a: Any, g: Any) -> Any:
        return (1.001 * g * jax.grad(total)(a),)

    check_grads(total, (x,), 1)
    sizes: Any = jax.custom_vjp(total)
    sizes.defvjp(lambda a: (total(a), a), backward)
    with pytest.raises(GradientError):
        check_grads(sizes, (x,), 1, modes=("rev",))
