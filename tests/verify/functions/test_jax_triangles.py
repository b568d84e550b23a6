"""JAX's functions that read one triangle of a matrix: judged along symmetric matrices."""

from typing import Any

import numpy as np
import pytest

from nn_from_scratch.verify import GradientError, UndecidedError

jax = pytest.importorskip("jax")
jnp = jax.numpy

pytestmark = pytest.mark.once

POINT = np.array([[4.0, 1.0], [1.0, 3.0]], np.float32)
WEIGHTS = np.array([[1.0, 2.0], [0.5, -0.25]], np.float32)


def check_reverse(function: Any) -> None:
    from nn_from_scratch.verify.jax import check_grads

    check_grads(function, (POINT,), 1, modes=("rev",), shapes=False)


def log_determinant(a: Any) -> Any:
    """Read one triangle, as `cho_factor` does; `jax.numpy.linalg` makes the matrix symmetric before."""
    factor, _ = jax.scipy.linalg.cho_factor(a * 1, lower=True)
    return 2 * jnp.log(jnp.diag(factor)).sum()


def with_gradient(function: Any, gradient: Any) -> Any:
    result = jax.custom_vjp(function)
    result.defvjp(lambda a: (function(a), a), lambda a, g: (g * gradient(a),))
    return result


def used_beside(a: Any) -> Any:
    return log_determinant(a) + (WEIGHTS * a).sum()


def test_gradient_that_is_wrong_along_symmetric_matrices_is_wrong() -> None:
    with pytest.raises(GradientError, match="along symmetric matrices, of which cholesky reads one"):
        check_reverse(with_gradient(log_determinant, lambda a: 1.001 * jnp.linalg.inv(a)))


def test_right_gradient_along_symmetric_matrices_is_right() -> None:
    check_reverse(with_gradient(log_determinant, jnp.linalg.inv))
    check_reverse(with_gradient(used_beside, lambda a: jnp.linalg.inv(a) + WEIGHTS))


def test_what_is_not_symmetric_is_judged_where_the_matrix_is_used_beside() -> None:
    with pytest.raises(UndecidedError, match="make the matrix symmetric within the function"):
        check_reverse(with_gradient(used_beside, lambda a: jnp.linalg.inv(a) + WEIGHTS.T))
