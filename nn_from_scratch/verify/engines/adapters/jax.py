"""JAX, in float64 (https://github.com/jax-ml/jax)."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.engines.source import TransformSource
from nn_from_scratch.verify.questions.operations import FUNCTIONS_OF_SCIPY

jax.config.update("jax_enable_x64", True)
_SPECIAL = (
    *("erf", "erfc", "digamma"),
    *(name for name in FUNCTIONS_OF_SCIPY if hasattr(jax.scipy.special, name)),
)


def _value_and_gradient(function: Callable[..., Any], inputs: Sequence[Any]) -> tuple[Any, Sequence[Any]]:
    value, gradient = jax.value_and_grad(function, argnums=tuple(range(len(inputs))))(
        *map(jax.numpy.asarray, inputs)
    )
    return value, gradient


def _scatter_add(x: Any, y: Any, indices: Any, axis: int) -> Any:
    places = list(np.indices(np.shape(indices)))
    places[axis] = np.array(indices)
    return jax.numpy.asarray(x).at[tuple(places)].add(y)


def _conv(x: Any, w: Any, stride: int, padding: int) -> Any:
    axes = x.ndim - 2
    return jax.lax.conv_general_dilated(
        jax.numpy.asarray(x), jax.numpy.asarray(w), (stride,) * axes, [(padding, padding)] * axes
    )


engine = Engine.from_transform(
    name="JAX",
    arrays=True,
    namespace=jax.numpy,
    value_and_gradient=_value_and_gradient,
    second_order=True,
    operations={
        "sigmoid": jax.nn.sigmoid,
        "softplus": jax.nn.softplus,
        "relu": jax.nn.relu,
        "logsumexp": jax.scipy.special.logsumexp,
        "softmax": jax.nn.softmax,
        "scatter_add": _scatter_add,
        "conv": _conv,
        "flatten": lambda x: x.flatten(),
        "log_softmax": jax.nn.log_softmax,
        "where": lambda c, x, y: jax.numpy.where(c > 0, x, y),
        **{name: getattr(jax.scipy.special, name) for name in _SPECIAL},
        "log_expit": jax.nn.log_sigmoid,
        "lgamma": jax.scipy.special.gammaln,
    },
    source=TransformSource(
        imports='import jax\nimport jax.numpy as jnp\n\njax.config.update("jax_enable_x64", True)',
        transform="jax.value_and_grad({function}, argnums={positions})({inputs})",
        variable="jnp.asarray({})",
        call="jnp.{name}({arguments})",
        operations={
            "einsum": "jnp.einsum({subscripts!r}, {operands})",
            "take_along_axis": "jnp.take_along_axis({0}, jnp.array({indices}), {axis})",
            "take": "jnp.take({0}, jnp.array({indices}), {axis})",
            "compress": "jnp.compress(jnp.array({condition}), {0}, {axis})",
            "repeat": "jnp.repeat({0}, jnp.array({repeats}), {axis})",
            "flatten": "{0}.flatten()",
            "average": "jnp.average({0}, {axis}, jnp.array({weights}))",
            **dict.fromkeys(
                ("quantile", "percentile"), "jnp.{name}({0}, jnp.array({q}), {axis}, keepdims={keepdims})"
            ),
            "interp": "jnp.interp({0}, jnp.array({xp}), {1})",
            "slogdet": "jnp.linalg.slogdet({0})[1]",
            **dict.fromkeys(("norm", "matrix_power"), "jnp.linalg.{name}({arguments})"),
            **dict.fromkeys(("scatter_add", "conv"), ""),
            **dict.fromkeys(("solve", "inv", "det"), "jnp.linalg.{name}({operands})"),
            "cholesky": "jnp.linalg.cholesky(({0} + {0}.mT) / 2)",
            "eigvalsh": "jnp.linalg.eigvalsh(({0} + {0}.mT) / 2)",
            "eigh": "((v := jnp.linalg.eigh(({0} + {0}.mT) / 2)[1]) * jnp.sign(v[..., :1, :]))",
            "where": "jnp.where({0} > 0, {1}, {2})",
            "logsumexp": "jax.scipy.special.logsumexp({arguments})",
            "lgamma": "jax.scipy.special.gammaln({0})",
            **dict.fromkeys(_SPECIAL, "jax.scipy.special.{name}({arguments})"),
            "log_expit": "jax.nn.log_sigmoid({0})",
            **dict.fromkeys(
                ("sigmoid", "softplus", "relu", "softmax", "log_softmax"), "jax.nn.{name}({arguments})"
            ),
        },
    ),
)
