"""Sixteen functions with a backward written by hand, as people write them for PyTorch.

Each backward has a constant that `scale` multiplies: 1 is right, anything else a planted fault.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from nn_from_scratch.verify.judging.verdicts import Verdict
from nn_from_scratch.verify.torch import examine

Tensor: Any = torch.Tensor


def draw(*shape: int, dtype: Any = torch.float64, seed: int = 0) -> Any:
    """Draw an input; the same for every dtype but for its rounding."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, dtype=torch.float64, generator=generator).to(dtype).requires_grad_()


def rules(function: Callable[..., Any], *inputs: Any) -> Any:
    """Return what is said of the formulas of a function's gradient, at these inputs alone."""
    return examine(function, inputs, transforms=[], shapes=False).rows[0]


def require_all_digits(function: Callable[..., Any], *inputs: Any) -> None:
    """Require that the formulas are the derivative's, to all digits."""
    row = rules(function, *inputs)
    assert row.verdict is Verdict.RIGHT, str(row)
    assert "formula equal at this point to 7" in row.said, str(row)


def custom(forward: Callable[..., Any], backward: Callable[..., Any], scale: float) -> Callable[..., Any]:
    """Make a custom function: `forward` gives output and what to save, `backward` takes scale and that."""

    class Custom(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, *inputs: Any) -> Any:
            output, saved = forward(*inputs)
            ctx.save_for_backward(*saved)
            return output

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return backward(g, scale, *ctx.saved_tensors)

    apply: Callable[..., Any] = Custom.apply
    return apply


def standardized(x: Tensor, axis: Any, epsilon: float) -> tuple[Tensor, Tensor]:
    centred = x - x.mean(axis, keepdim=True)
    r = torch.rsqrt((centred * centred).mean(axis, keepdim=True) + epsilon)
    return centred * r, r


def layer_norm(x: Tensor, w: Tensor, b: Tensor) -> Any:
    h, _ = standardized(x, -1, 1e-5)
    return h * w + b, (x, w)


def layer_norm_backward(g: Tensor, scale: float, x: Tensor, w: Tensor) -> Any:
    r = (x.var(-1, unbiased=False, keepdim=True) + 1e-5 * scale).rsqrt()
    h = (x - x.mean(-1, keepdim=True)) * r
    gh = g * w
    gx = r * (gh - gh.mean(-1, keepdim=True) - h * (gh * h).mean(-1, keepdim=True))
    return gx, (g * h).sum(0), g.sum(0)


def cross_entropy(z: Tensor, labels: Tensor) -> Any:
    shifted = z - z.max(-1, keepdim=True).values
    logp = shifted - shifted.exp().sum(-1, keepdim=True).log()
    loss = -0.9 * logp.gather(1, labels[:, None]).mean() - 0.1 * logp.mean(-1).mean()
    return loss, (logp, labels)


def cross_entropy_backward(g: Tensor, scale: float, logp: Tensor, labels: Tensor) -> Any:
    n, classes = logp.shape
    d = logp.exp()
    d.sub_(0.1 * scale / classes)
    d.scatter_add_(1, labels[:, None], torch.full((n, 1), -0.9, dtype=d.dtype))
    return g * d / n, None


def attention(q: Tensor, k: Tensor, v: Tensor) -> Any:
    p = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1]), -1)
    return p @ v, (q, k, v, p)


def attention_backward(g: Tensor, scale: float, *saved: Tensor) -> Any:
    q, k, v, p = saved
    dp = torch.einsum("bik,bjk->bij", g, v)
    ds = p * (dp - (dp * p).sum(-1, keepdim=True)) * scale / math.sqrt(q.shape[-1])
    return ds @ k, ds.transpose(-1, -2) @ q, p.transpose(-1, -2) @ g


def convolution(x: Tensor, w: Tensor, b: Tensor) -> Any:
    return torch.nn.functional.conv2d(x, w, b, stride=2, padding=1), (x, w)


def convolution_backward(g: Tensor, scale: float, x: Tensor, w: Tensor) -> Any:
    gx = torch.nn.grad.conv2d_input(x.shape, w, g, stride=2, padding=1)
    gw = torch.nn.grad.conv2d_weight(x, w.shape, g, stride=2, padding=1)
    return gx * scale, gw, g.sum((0, 2, 3))


def batch_norm(x: Tensor, w: Tensor, b: Tensor) -> Any:
    h, r = standardized(x, 0, 1e-5)
    return h * w + b, (h, r, w)


def batch_norm_backward(g: Tensor, scale: float, h: Tensor, r: Tensor, w: Tensor) -> Any:
    n = h.shape[0]
    gx = w * r / n * (n * g - g.sum(0) - h * (g * h).sum(0) * scale)
    return gx, (g * h).sum(0), g.sum(0)


def lstm(*inputs: Tensor) -> Any:
    x, h, c, w, u, b = inputs
    i, f, o, a = (x @ w + h @ u + b).chunk(4, -1)
    i, f, o, a = i.sigmoid(), f.sigmoid(), o.sigmoid(), a.tanh()
    new = f * c + i * a
    t = new.tanh()
    return torch.cat([o * t, new], -1), (x, h, c, w, u, i, f, o, a, t)


def lstm_backward(g: Tensor, scale: float, *saved: Tensor) -> Any:
    x, h, c, w, u, i, f, o, a, t = saved
    gh, gc = g.chunk(2, -1)
    gc = gc + gh * o * (1 - t * t * scale)
    gates = [gc * a * i * (1 - i), gc * c * f * (1 - f), gh * t * o * (1 - o), gc * i * (1 - a * a)]
    gz = torch.cat(gates, -1)
    return gz @ w.T, gz @ u.T, gc * f, x.T @ gz, h.T @ gz, gz.sum(0)


def logsumexp(x: Tensor) -> Any:
    m = x.amax(-1, keepdim=True)
    return (x - m).exp().sum(-1).log() + m.squeeze(-1), (x,)


def logsumexp_backward(g: Tensor, scale: float, x: Tensor) -> Any:
    return g[..., None] * torch.softmax(x, -1) * scale


def gelu(x: Tensor) -> Any:
    return 0.5 * x * (1 + torch.erf(x / math.sqrt(2))), (x,)


def gelu_backward(g: Tensor, scale: float, x: Tensor) -> Any:
    density = torch.exp(-0.5 * x * x) * (scale / math.sqrt(2 * math.pi))
    return g * (0.5 * (1 + torch.erf(x * 0.7071067811865476)) + x * density)


def huber(x: Tensor, y: Tensor) -> Any:
    d = x - y
    a = d.abs()
    return torch.where(a <= 0.7, 0.5 * d * d, 0.7 * (a - 0.5 * 0.7)).mean(), (d,)


def huber_backward(g: Tensor, scale: float, d: Tensor) -> Any:
    r = torch.clamp(d, -0.7 * scale, 0.7 * scale) * g / d.numel()
    return r, -r


def cosine(x: Tensor, y: Tensor) -> Any:
    nx, ny = x.norm(dim=-1), y.norm(dim=-1)
    d = (x * y).sum(-1)
    return d / (nx * ny + 1e-8), (x, y, nx, ny, d)


def cosine_backward(g: Tensor, scale: float, *saved: Tensor) -> Any:
    x, y, nx, ny, d = saved
    q = nx * ny + 1e-8 * scale

    def side(a: Tensor, b: Tensor, na: Tensor, nb: Tensor) -> Tensor:
        return g[:, None] * (b / q[:, None] - (d * nb / (q * q * na))[:, None] * a)

    return side(x, y, nx, ny), side(y, x, ny, nx)


def group_norm(x: Tensor, w: Tensor, b: Tensor) -> Any:
    h, r = standardized(x.reshape(len(x), 2, -1), -1, 1e-5)
    h = h.reshape(x.shape)
    return h * w[:, None] + b[:, None], (h, r, w)


def group_norm_backward(g: Tensor, scale: float, h: Tensor, r: Tensor, w: Tensor) -> Any:
    gh = (g * w[:, None]).reshape(len(h), 2, -1)
    hh = h.reshape(gh.shape)
    n = hh.shape[-1] * scale
    gx = r * (gh - gh.mean(-1, keepdim=True) - hh * (gh * hh).sum(-1, keepdim=True) / n)
    return gx.reshape(h.shape), (g * h).sum((0, 2)), g.sum((0, 2))


def rotated(x: Tensor, base: float, sign: int) -> Tensor:
    places, width = x.shape[-2:]
    angles = torch.arange(places, dtype=x.dtype)[:, None] * base ** (
        -torch.arange(0, width, 2, dtype=x.dtype) / width
    )
    c, s = angles.cos(), angles.sin() * sign
    y = torch.empty_like(x)
    y[..., 0::2] = x[..., 0::2] * c - x[..., 1::2] * s
    y[..., 1::2] = x[..., 0::2] * s + x[..., 1::2] * c
    return y


def rope(x: Tensor) -> Any:
    return rotated(x, 10000.0, 1), ()


def rope_backward(g: Tensor, scale: float) -> Any:
    return rotated(g, 10000.0 * scale, -1)


def cholesky_solve(a: Tensor, b: Tensor) -> Any:
    factor = torch.linalg.cholesky(a @ a.T + torch.eye(len(a), dtype=a.dtype))
    x = torch.cholesky_solve(b, factor)
    return x, (a, factor, x)


def cholesky_solve_backward(g: Tensor, scale: float, a: Tensor, factor: Tensor, x: Tensor) -> Any:
    gb = torch.cholesky_solve(g, factor)
    outer = -gb @ x.T
    return (outer + outer.T * scale) @ a, gb


def likelihood(x: Tensor, mean: Tensor, a: Tensor) -> Any:
    factor = torch.linalg.cholesky(a @ a.T + torch.eye(len(a), dtype=a.dtype))
    z = torch.linalg.solve_triangular(factor, (x - mean).T, upper=False)
    n, k = x.shape
    value = -0.5 * (z * z).sum() - n * factor.diagonal().log().sum() - 0.5 * n * k * math.log(2 * math.pi)
    return value, (a, factor, z)


def likelihood_backward(g: Tensor, scale: float, a: Tensor, factor: Tensor, z: Tensor) -> Any:
    y = torch.linalg.solve_triangular(factor.T, z, upper=True)
    gs = 0.5 * (y @ y.T - z.shape[1] * scale * torch.cholesky_inverse(factor)) * g
    return -y.T * g, y.sum(1) * g, (gs + gs.T) @ a


def embedding(w: Tensor, index: Tensor) -> Any:
    return w[index], (index, w)


def embedding_backward(g: Tensor, scale: float, index: Tensor, w: Tensor) -> Any:
    gw = torch.zeros_like(w)
    gw.index_put_((index,), g * scale, accumulate=True)
    return gw, None


def cumulative(x: Tensor) -> Any:
    return x.cumsum(-1), ()


def cumulative_backward(g: Tensor, scale: float) -> Any:
    total = torch.zeros_like(g[..., 0])
    result = torch.zeros_like(g)
    for k in reversed(range(g.shape[-1])):
        total += g[..., k]
        result[..., k] = total * scale
    return result


FUNCTIONS: dict[str, tuple[Callable[..., Any], Callable[..., Any], list[Any]]] = {
    "layer norm": (layer_norm, layer_norm_backward, [(3, 5), (5,), (5,)]),
    "cross entropy": (cross_entropy, cross_entropy_backward, [(4, 5), ("labels", 5, 4)]),
    "attention": (attention, attention_backward, [(2, 4, 3), (2, 4, 3), (2, 4, 3)]),
    "convolution": (convolution, convolution_backward, [(2, 2, 5, 4), (3, 2, 3, 3), (3,)]),
    "batch norm": (batch_norm, batch_norm_backward, [(5, 4), (4,), (4,)]),
    "LSTM cell": (lstm, lstm_backward, [(2, 3), (2, 3), (2, 3), (3, 12), (3, 12), (12,)]),
    "logsumexp": (logsumexp, logsumexp_backward, [(4, 6)]),
    "gelu": (gelu, gelu_backward, [(4, 5)]),
    "huber": (huber, huber_backward, [(4, 5), (4, 5)]),
    "cosine": (cosine, cosine_backward, [(4, 5), (4, 5)]),
    "group norm": (group_norm, group_norm_backward, [(2, 4, 3), (4,), (4,)]),
    "rope": (rope, rope_backward, [(2, 3, 4)]),
    "Cholesky solve": (cholesky_solve, cholesky_solve_backward, [(4, 4), (4, 2)]),
    "likelihood": (likelihood, likelihood_backward, [(5, 3), (3,), (3, 3)]),
    "embedding": (embedding, embedding_backward, [(5, 3), ("labels", 5, 6)]),
    "cumsum": (cumulative, cumulative_backward, [(3, 5)]),
}
"""Forward, backward, and the shapes of the inputs; labels are drawn below the first number."""


def question(
    name: str, dtype: Any, *, scale: float = 1.0, seed: int = 0
) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """Return one of the functions, with a fault unless `scale` is 1, and inputs for it."""
    forward, backward, shapes = FUNCTIONS[name]
    draw = np.random.default_rng(seed)
    inputs = [
        torch.from_numpy(draw.integers(0, shape[1], shape[2]))
        if isinstance(shape[0], str)
        else torch.from_numpy(draw.normal(size=shape)).to(dtype).requires_grad_()
        for shape in shapes
    ]
    return custom(forward, backward, scale), tuple(inputs)
