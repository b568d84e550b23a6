"""The sixteen functions of `hand_written_gradients`, as JAX's people write them: each a `jax.custom_vjp`."""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from hand_written_gradients import batch_norm_backward, changed, cosine_backward, group_norm_backward
from jax import lax
from jax.scipy.linalg import cho_factor, cho_solve, solve_triangular

Rule = Callable[..., Any]


def layer_norm(x: Any, weight: Any, bias: Any) -> Any:
    mean = x.mean(-1, keepdims=True)
    scale = lax.rsqrt(x.var(-1, keepdims=True) + 1e-5)
    return (x - mean) * scale * weight + bias, (x, weight)


def layer_norm_backward(saved: Any, g: Any) -> Any:
    x, weight = saved
    centred = x - x.mean(-1, keepdims=True)
    scale = 1 / jnp.sqrt(jnp.square(centred).mean(-1, keepdims=True) + changed(1e-5))
    normal, inner = centred * scale, g * weight
    mean = inner.mean(-1, keepdims=True)
    dx = scale * (inner - mean - normal * (inner * normal).mean(-1, keepdims=True))
    return dx, (g * normal).sum(0), g.sum(0)


def cross_entropy(logits: Any, target: Any) -> Any:
    logp = jax.nn.log_softmax(logits)
    picked = jnp.take_along_axis(logp, target[:, None], 1)
    return -(1 - 0.1) * picked.mean() - 0.1 * logp.mean(), (logp, target)


def cross_entropy_backward(saved: Any, g: Any) -> Any:
    logp, target = saved
    smoothing = changed(0.1)
    n, classes = logp.shape
    d = (jnp.exp(logp) - smoothing / classes).at[jnp.arange(n), target].add(-(1 - smoothing))
    return g * d / n, None


def attention(q: Any, k: Any, v: Any) -> Any:
    p = jax.nn.softmax(jnp.einsum("bid,bjd->bij", q, k) / math.sqrt(q.shape[-1]))
    return p @ v, (q, k, v, p)


def attention_backward(saved: Any, g: Any) -> Any:
    q, k, v, p = saved
    dv = jnp.einsum("bij,bik->bjk", p, g)
    dp = jnp.einsum("bik,bjk->bij", g, v)
    ds = p * (dp - (dp * p).sum(-1, keepdims=True)) / changed(math.sqrt(q.shape[-1]))
    return ds @ k, ds.mT @ q, dv


def convolution(x: Any, weight: Any, bias: Any) -> Any:
    y = lax.conv_general_dilated(x, weight, (2, 2), ((1, 1), (1, 1)))
    return y + bias[:, None, None], (x, weight)


def convolution_backward(saved: Any, g: Any) -> Any:
    x, weight = saved
    flipped = jnp.flip(weight, (2, 3)).swapaxes(0, 1)
    dx = lax.conv_general_dilated(g, flipped, (1, 1), ((1, 2), (1, 2)), lhs_dilation=(2, 2))
    swapped = x.swapaxes(0, 1), g.swapaxes(0, 1)
    dweight = lax.conv_general_dilated(*swapped, (1, 1), ((1, 1), (1, 1)), rhs_dilation=(2, 2))
    return dx * changed(1.0), dweight[:, :, :3, :3].swapaxes(0, 1), g.sum((0, 2, 3))


def batch_norm(x: Any, weight: Any, bias: Any) -> Any:
    scale = 1 / jnp.sqrt(x.var(0) + 1e-5)
    normal = (x - x.mean(0)) * scale
    return normal * weight + bias, (normal, scale, weight)


def lstm_cell(x: Any, h: Any, c: Any, w: Any, u: Any, b: Any) -> Any:  # noqa: PLR0917
    i, f, o, new = jnp.split(x @ w + h @ u + b, 4, -1)
    i, f, o, new = jax.nn.sigmoid(i), jax.nn.sigmoid(f), jax.nn.sigmoid(o), jnp.tanh(new)
    cell = f * c + i * new
    t = jnp.tanh(cell)
    return jnp.concatenate([o * t, cell], -1), (x, h, c, w, u, i, f, o, new, t)


def lstm_cell_backward(saved: Any, g: Any) -> Any:
    x, h, c, w, u, i, f, o, new, t = saved
    gh, gc = jnp.split(g, 2, -1)
    gc = gc + gh * o * (changed(1.0) - t * t)
    gates = [gc * new * i * (1 - i), gc * c * f * (1 - f), gh * t * o * (1 - o), gc * i * (1 - new * new)]
    dz = jnp.concatenate(gates, -1)
    return dz @ w.T, dz @ u.T, gc * f, x.T @ dz, h.T @ dz, dz.sum(0)


def logsumexp(x: Any) -> Any:
    return jax.nn.logsumexp(x, -1), x


def logsumexp_backward(x: Any, g: Any) -> Any:
    return (g[..., None] * jax.nn.softmax(x) * changed(1.0),)


def gelu(x: Any) -> Any:
    return 0.5 * x * (1 + lax.erf(x / math.sqrt(2))), x


def gelu_backward(x: Any, g: Any) -> Any:
    density = jnp.exp(changed(-0.5) * x * x) * (1 / math.sqrt(2 * math.pi))
    return (g * (0.5 * (1 + lax.erf(x * 0.7071067811865476)) + x * density),)


def huber(x: Any, y: Any) -> Any:
    d = x - y
    a = jnp.abs(d)
    return jnp.where(a <= 0.7, 0.5 * d * d, 0.7 * (a - 0.5 * 0.7)).mean(), d


def huber_backward(d: Any, g: Any) -> Any:
    limit = changed(0.7)
    r = jnp.clip(d, -limit, limit) * g / d.size
    return r, -r


def cosine(x: Any, y: Any) -> Any:
    nx, ny = jnp.linalg.norm(x, axis=-1), jnp.sqrt((y * y).sum(-1))
    d = (x * y).sum(-1)
    return d / (nx * ny + 1e-8), (x, y, nx, ny, d)


def group_norm(x: Any, weight: Any, bias: Any) -> Any:
    groups = x.reshape(x.shape[0], 2, -1)
    scale = lax.rsqrt(groups.var(-1, keepdims=True) + 1e-5)
    normal = ((groups - groups.mean(-1, keepdims=True)) * scale).reshape(x.shape)
    return normal * weight[:, None] + bias[:, None], (normal, scale, weight)


def rotate(x: Any, base: float, sign: int) -> Any:
    steps, width = x.shape[-2:]
    frequencies = base ** (-jnp.arange(0, width, 2, dtype=x.dtype) / width)
    angles = jnp.outer(jnp.arange(steps, dtype=x.dtype), frequencies)
    c, s = jnp.cos(angles), jnp.sin(angles) * sign
    even, odd = x[..., 0::2], x[..., 1::2]
    return jnp.stack([even * c - odd * s, even * s + odd * c], -1).reshape(x.shape)


def rope(x: Any) -> Any:
    return rotate(x, 10000.0, 1), None


def rope_backward(_: Any, g: Any) -> Any:
    return (rotate(g, changed(10000.0), -1),)


def cholesky_solve(a: Any, b: Any) -> Any:
    factor, lower = cho_factor(a @ a.T + jnp.eye(len(a), dtype=a.dtype), lower=True)
    x = cho_solve((factor, lower), b)
    return x, (a, factor, x)


def cholesky_solve_backward(saved: Any, g: Any) -> Any:
    a, factor, x = saved
    db = cho_solve((factor, True), g)
    dmatrix = -db @ x.T
    return (dmatrix + dmatrix.T * changed(1.0)) @ a, db


def gaussian(x: Any, mean: Any, a: Any) -> Any:
    factor = jnp.linalg.cholesky(a @ a.T + jnp.eye(len(a), dtype=a.dtype))
    z = solve_triangular(factor, (x - mean).T, lower=True)
    n, k = x.shape
    normalised = n * jnp.log(jnp.diag(factor)).sum() + 0.5 * n * k * math.log(2 * math.pi)
    return -0.5 * (z * z).sum() - normalised, (a, factor, z)


def gaussian_backward(saved: Any, g: Any) -> Any:
    a, factor, z = saved
    y = solve_triangular(factor.T, z, lower=False)
    inverse = cho_solve((factor, True), jnp.eye(len(factor), dtype=factor.dtype))
    ds = 0.5 * (y @ y.T - changed(z.shape[1]) * inverse) * g
    return -y.T * g, y.sum(1) * g, (ds + ds.T) @ a


def embedding(weight: Any, index: Any) -> Any:
    return weight[index], (index, jnp.zeros_like(weight))


def embedding_backward(saved: Any, g: Any) -> Any:
    index, zeros = saved
    return zeros.at[index].add(g * changed(1.0)), None


def cumulative(x: Any) -> Any:
    return jnp.cumsum(x, -1), None


def cumulative_backward(_: Any, g: Any) -> Any:
    return (jnp.flip(jnp.cumsum(jnp.flip(g, -1), -1), -1) * changed(1.0),)


def as_jax_calls(backward: Rule) -> Rule:
    """Return a backward that is numpy's and JAX's alike, with what was saved first."""
    return lambda saved, g: backward(g, saved)


RULES: dict[str, tuple[Rule, Rule]] = {
    "layer norm": (layer_norm, layer_norm_backward),
    "cross entropy": (cross_entropy, cross_entropy_backward),
    "attention": (attention, attention_backward),
    "convolution": (convolution, convolution_backward),
    "batch norm": (batch_norm, as_jax_calls(batch_norm_backward)),
    "lstm cell": (lstm_cell, lstm_cell_backward),
    "logsumexp": (logsumexp, logsumexp_backward),
    "gelu": (gelu, gelu_backward),
    "huber": (huber, huber_backward),
    "cosine": (cosine, as_jax_calls(cosine_backward)),
    "group norm": (group_norm, as_jax_calls(group_norm_backward)),
    "rope": (rope, rope_backward),
    "cholesky solve": (cholesky_solve, cholesky_solve_backward),
    "gaussian": (gaussian, gaussian_backward),
    "embedding": (embedding, embedding_backward),
    "cumulative": (cumulative, cumulative_backward),
}


def example(name: str, dtype: str) -> tuple[Any, list[Any]]:
    """Return a function with its own derivative, new, and its inputs."""
    forward, backward = RULES[name]
    function = jax.custom_vjp(lambda *x: forward(*x)[0])
    function.defvjp(forward, backward)
    return function, inputs(name, dtype)


def inputs(name: str, dtype: str) -> list[Any]:
    """Draw the inputs of a function: numpy's arrays."""
    rng = np.random.default_rng(0)

    def normal(*shape: int) -> Any:
        return rng.normal(size=shape).astype(dtype)

    def index(most: int, *shape: int) -> Any:
        return rng.integers(0, most, shape).astype("int32")

    found: dict[str, Callable[[], list[Any]]] = {
        "layer norm": lambda: [normal(3, 8), normal(8), normal(8)],
        "cross entropy": lambda: [normal(4, 6), index(6, 4)],
        "attention": lambda: [normal(2, 3, 4), normal(2, 3, 4), normal(2, 3, 4)],
        "convolution": lambda: [normal(2, 2, 4, 4), normal(3, 2, 3, 3), normal(3)],
        "batch norm": lambda: [normal(5, 4), normal(4), normal(4)],
        "lstm cell": lambda: [
            normal(2, 3),
            normal(2, 2),
            normal(2, 2),
            normal(3, 8),
            normal(2, 8),
            normal(8),
        ],
        "logsumexp": lambda: [normal(3, 5)],
        "gelu": lambda: [normal(4, 3)],
        "huber": lambda: [normal(4, 3), normal(4, 3)],
        "cosine": lambda: [normal(3, 5), normal(3, 5)],
        "group norm": lambda: [normal(2, 4, 3), normal(4), normal(4)],
        "rope": lambda: [normal(2, 3, 4)],
        "cholesky solve": lambda: [normal(3, 3), normal(3, 2)],
        "gaussian": lambda: [normal(4, 3), normal(3), normal(3, 3)],
        "embedding": lambda: [normal(5, 3), index(5, 2, 4)],
        "cumulative": lambda: [normal(3, 6)],
    }
    return found[name]()
