"""Sixteen functions with a backward written by hand, as people write them, each with a place for a fault.

``forward(*inputs)`` returns the output and what is saved; ``backward(cotangent, saved)`` the gradients. One
constant of each backward is `changed`, by a relative amount, while a fault is `planted`.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import scipy.linalg
from scipy.special import erf

FAULT: dict[str, float] = {}
Example = tuple[Callable[..., Any], Callable[..., Any], list[Any]]


@contextmanager
def planted(relative: float) -> Iterator[None]:
    """Change one constant of every backward by a relative amount inside the block."""
    FAULT["here"] = relative
    try:
        yield
    finally:
        FAULT.clear()


def changed(constant: float) -> float:
    """Return a constant of a backward, changed if a fault is planted."""
    return constant * (1 + FAULT["here"]) if FAULT else constant


def layer_norm(x: Any, weight: Any, bias: Any) -> Any:
    mean = x.mean(-1, keepdims=True)
    variance = x.var(axis=-1, keepdims=True)
    scale = 1 / np.sqrt(variance + 1e-5)
    return (x - mean) * scale * weight + bias, (x, weight)


def layer_norm_backward(g: Any, saved: Any) -> Any:
    x, weight = saved
    centred = x - np.mean(x, axis=-1, keepdims=True)
    scale = (np.mean(centred**2, -1, keepdims=True) + changed(1e-5)) ** -0.5
    normal = centred * scale
    inner = g * weight
    mean = inner.mean(-1, keepdims=True)
    dx = scale * (inner - mean - normal * (inner * normal).mean(-1, keepdims=True))
    return dx, (g * normal).sum(0), g.sum(0)


def cross_entropy(logits: Any, target: Any) -> Any:
    smoothing = 0.1
    logp = logits - logits.max(axis=-1, keepdims=True)
    logp = logp - np.log(np.exp(logp).sum(-1, keepdims=True))
    n = len(logits)
    loss = -(1 - smoothing) * logp[np.arange(n), target].mean() - smoothing * logp.mean()
    return loss, (logp, target)


def cross_entropy_backward(g: Any, saved: Any) -> Any:
    logp, target = saved
    smoothing = changed(0.1)
    n, classes = logp.shape
    d = np.exp(logp)
    d -= smoothing / classes
    d[np.arange(n), target] -= 1 - smoothing
    return g * d / n


def attention(q: Any, k: Any, v: Any) -> Any:
    scores = q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1])
    scores = scores - scores.max(-1, keepdims=True)
    p = np.exp(scores)
    p /= p.sum(-1, keepdims=True)
    return np.einsum("bij,bjk->bik", p, v), (q, k, v, p)


def attention_backward(g: Any, saved: Any) -> Any:
    q, k, v, p = saved
    dv = np.einsum("bij,bik->bjk", p, g)
    dp = g @ np.transpose(v, (0, 2, 1))
    ds = p * (dp - (dp * p).sum(-1, keepdims=True)) / changed(np.sqrt(q.shape[-1]))
    return ds @ k, np.swapaxes(ds, 1, 2) @ q, dv


def patches(x: Any, size: Any) -> Any:
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size), axis=(2, 3))
    return windows[:, :, ::2, ::2]


def convolution(x: Any, weight: Any, bias: Any) -> Any:
    columns = patches(x, weight.shape[2])
    y = np.tensordot(columns, weight, axes=((1, 4, 5), (1, 2, 3))).transpose(0, 3, 1, 2)
    return y + bias[:, None, None], (x, weight, columns)


def convolution_backward(g: Any, saved: Any) -> Any:
    x, weight, columns = saved
    dweight = np.tensordot(g, columns, axes=((0, 2, 3), (0, 2, 3)))
    n, channels, height, width = x.shape
    dx = np.zeros((n, channels, height + 2, width + 2), dtype=x.dtype)
    for i in range(weight.shape[2]):
        for j in range(weight.shape[3]):
            rows, columns = slice(i, i + 2 * g.shape[2], 2), slice(j, j + 2 * g.shape[3], 2)
            dx[:, :, rows, columns] += np.einsum("nohw,oc->nchw", g, weight[:, :, i, j])
    return dx[:, :, 1:-1, 1:-1] * changed(1.0), dweight, g.sum((0, 2, 3))


def batch_norm(x: Any, weight: Any, bias: Any) -> Any:
    scale = 1 / np.sqrt(x.var(0) + 1e-5)
    normal = (x - x.mean(0)) * scale
    return normal * weight + bias, (normal, scale, weight)


def batch_norm_backward(g: Any, saved: Any) -> Any:
    normal, scale, weight = saved
    n = changed(len(normal))
    dx = weight * scale / n * (n * g - g.sum(0) - normal * (g * normal).sum(0))
    return dx, (g * normal).sum(0), g.sum(0)


def sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def lstm_cell(  # noqa: PLR0917
    x: Any, h: Any, c: Any, w: Any, u: Any, b: Any
) -> Any:
    z = x @ w + h @ u + b
    i, f, o, new = np.split(z, 4, axis=-1)
    i, f, o, new = sigmoid(i), sigmoid(f), sigmoid(o), np.tanh(new)
    cell = f * c + i * new
    t = np.tanh(cell)
    return np.concatenate([o * t, cell], -1), (x, h, c, w, u, i, f, o, new, t)


def lstm_cell_backward(g: Any, saved: Any) -> Any:
    x, h, c, w, u, i, f, o, new, t = saved
    gh, gc = np.split(g, 2, -1)
    gc = gc + gh * o * (changed(1.0) - t * t)
    dz = np.hstack(
        [gc * new * i * (1 - i), gc * c * f * (1 - f), gh * t * o * (1 - o), gc * i * (1 - new * new)]
    )
    return dz.dot(w.T), dz @ u.T, gc * f, x.T @ dz, h.T.dot(dz), dz.sum(0)


def logsumexp(x: Any) -> Any:
    m = np.max(x, -1, keepdims=True)
    return np.log(np.exp(x - m).sum(-1)) + m[..., 0], x


def logsumexp_backward(g: Any, x: Any) -> Any:
    e = np.exp(x - x.max(-1, keepdims=True))
    return g[..., None] * e / e.sum(-1, keepdims=True) * changed(1.0)


def gelu(x: Any) -> Any:
    return 0.5 * x * (1 + erf(x / math.sqrt(2))), x


def gelu_backward(g: Any, x: Any) -> Any:
    density = np.exp(changed(-0.5) * x * x) / np.sqrt(2 * np.pi)
    return g * (0.5 * (1 + erf(x / np.sqrt(2))) + x * density)


def huber(x: Any, y: Any) -> Any:
    d = x - y
    a = np.abs(d)
    return np.where(a <= 0.7, 0.5 * d * d, 0.7 * (a - 0.5 * 0.7)).mean(), d


def huber_backward(g: Any, d: Any) -> Any:
    limit = changed(0.7)
    r = np.clip(d, -limit, limit) * g / d.size
    return r, -r


def cosine(x: Any, y: Any) -> Any:
    nx = np.linalg.norm(x, axis=-1)
    ny = np.sqrt(np.sum(y * y, -1))
    d = np.sum(x * y, axis=1)
    return d / (nx * ny + 1e-8), (x, y, nx, ny, d)


def cosine_backward(g: Any, saved: Any) -> Any:
    x, y, nx, ny, d = saved
    q = nx * ny + changed(1e-8)

    def one(a: Any, b: Any, na: Any, nb: Any) -> Any:
        return g[:, None] * (b / q[:, None] - (d * nb / (q * q * na))[:, None] * a)

    return one(x, y, nx, ny), one(y, x, ny, nx)


def group_norm(x: Any, weight: Any, bias: Any) -> Any:
    groups = x.reshape(x.shape[0], 2, -1)
    scale = 1 / np.sqrt(groups.var(-1, keepdims=True) + 1e-5)
    normal = ((groups - groups.mean(-1, keepdims=True)) * scale).reshape(x.shape)
    return normal * weight[:, None] + bias[:, None], (normal, scale, weight)


def group_norm_backward(g: Any, saved: Any) -> Any:
    normal, scale, weight = saved
    inner = (g * weight[:, None]).reshape(len(normal), 2, -1)
    groups = normal.reshape(inner.shape)
    n = changed(inner.shape[-1])
    dx = scale * (
        inner - inner.mean(-1, keepdims=True) - groups * (inner * groups).sum(-1, keepdims=True) / n
    )
    return dx.reshape(normal.shape), (g * normal).sum((0, 2)), g.sum((0, 2))


def rotate(x: Any, base: Any, sign: Any) -> Any:
    steps, width = x.shape[-2:]
    frequencies = base ** (-np.arange(0, width, 2, dtype=x.dtype) / width)
    angles = np.outer(np.arange(steps, dtype=x.dtype), frequencies)
    c, s = np.cos(angles), np.sin(angles) * sign
    y = np.empty_like(x)
    even, odd = x[..., 0::2], x[..., 1::2]
    y[..., 0::2] = even * c - odd * s
    y[..., 1::2] = even * s + odd * c
    return y


def rope(x: Any) -> Any:
    return rotate(x, 10000.0, 1), None


def rope_backward(g: Any, _: Any) -> Any:
    return rotate(g, changed(10000.0), -1)


def cholesky_solve(a: Any, b: Any) -> Any:
    matrix = a @ a.T + np.eye(len(a), dtype=a.dtype)
    factor = scipy.linalg.cho_factor(matrix, lower=True)
    x = scipy.linalg.cho_solve(factor, b)
    return x, (a, factor, x)


def cholesky_solve_backward(g: Any, saved: Any) -> Any:
    a, factor, x = saved
    db = scipy.linalg.cho_solve(factor, g)
    dmatrix = -db @ x.T
    return (dmatrix + dmatrix.T * changed(1.0)) @ a, db


def gaussian(x: Any, mean: Any, a: Any) -> Any:
    covariance = a @ a.T + np.eye(len(a), dtype=a.dtype)
    factor = np.linalg.cholesky(covariance)
    z = np.linalg.solve(factor, (x - mean).T)
    n, k = x.shape
    value = -0.5 * (z * z).sum() - n * np.log(np.diag(factor)).sum() - 0.5 * n * k * np.log(2 * np.pi)
    return value, (a, factor, z)


def gaussian_backward(g: Any, saved: Any) -> Any:
    a, factor, z = saved
    y = np.linalg.solve(factor.T, z)
    inverse = np.linalg.inv(factor)
    ds = 0.5 * (y @ y.T - changed(z.shape[1]) * (inverse.T @ inverse)) * g
    return -y.T * g, y.sum(1) * g, (ds + ds.T) @ a


def embedding(weight: Any, index: Any) -> Any:
    return weight[index], (index, weight.shape)


def embedding_backward(g: Any, saved: Any) -> Any:
    index, shape = saved
    d = np.zeros(shape, dtype=g.dtype)
    np.add.at(d, index, g * changed(1.0))
    return d


def cumulative(x: Any) -> Any:
    return np.cumsum(x, axis=-1), None


def cumulative_backward(g: Any, _: Any) -> Any:
    return np.cumsum(g[..., ::-1], -1)[..., ::-1] * changed(1.0)


def examples(dtype: str) -> dict[str, Example]:
    """Return each function with its backward and its inputs."""
    rng = np.random.default_rng(0)

    def normal(*shape: int) -> Any:
        return rng.normal(size=shape).astype(dtype)

    return {
        "layer norm": (layer_norm, layer_norm_backward, [normal(4, 16), normal(16), normal(16)]),
        "cross entropy": (cross_entropy, cross_entropy_backward, [normal(8, 10), rng.integers(0, 10, 8)]),
        "attention": (attention, attention_backward, [normal(2, 5, 4), normal(2, 5, 4), normal(2, 5, 4)]),
        "convolution": (
            convolution,
            convolution_backward,
            [normal(2, 3, 6, 6), normal(4, 3, 3, 3), normal(4)],
        ),
        "batch norm": (batch_norm, batch_norm_backward, [normal(8, 12), normal(12), normal(12)]),
        "lstm cell": (
            lstm_cell,
            lstm_cell_backward,
            [normal(3, 4), normal(3, 5), normal(3, 5), normal(4, 20), normal(5, 20), normal(20)],
        ),
        "logsumexp": (logsumexp, logsumexp_backward, [normal(6, 10)]),
        "gelu": (gelu, gelu_backward, [normal(8, 8)]),
        "huber": (huber, huber_backward, [normal(8, 6), normal(8, 6)]),
        "cosine": (cosine, cosine_backward, [normal(5, 8), normal(5, 8)]),
        "group norm": (group_norm, group_norm_backward, [normal(2, 6, 5), normal(6), normal(6)]),
        "rope": (rope, rope_backward, [normal(2, 4, 8)]),
        "cholesky solve": (cholesky_solve, cholesky_solve_backward, [normal(5, 5), normal(5, 3)]),
        "gaussian": (gaussian, gaussian_backward, [normal(6, 4), normal(4), normal(4, 4)]),
        "embedding": (embedding, embedding_backward, [normal(7, 4), rng.integers(0, 7, (3, 5))]),
        "cumulative": (cumulative, cumulative_backward, [normal(5, 9)]),
    }
