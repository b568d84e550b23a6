"""Files as a user writes them, for the command that checks functions; and the same files, mended."""

from __future__ import annotations

NUMPY = """\
import numpy as np


def loss(x, t):
    p = np.exp(x - x.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    return -np.mean(np.sum(t * np.log(p), axis=1))


def loss_gradient(x, t):
    p = np.exp(x - x.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    return (p - t)SLIP, -np.log(p) / len(x)


def loss_inputs():
    rng = np.random.default_rng(0)
    return rng.normal(size=(2, 3)), np.eye(3)[[0, 2]]


def affine_forward(x, w, b):
    return x @ w + b, (x, w)


def affine_backward(cotangent, saved):
    x, w = saved
    return cotangent @ w.T, x.T @ cotangent, cotangent.sum(axis=0)


affine_inputs = (np.ones((2, 3)), np.full((3, 2), 0.5), np.zeros(2))


class Tanh:
    def forward(self, x):
        self.y = np.tanh(x)
        return self.y

    def backward(self, cotangent):
        return cotangent * (1 - self.yPOWER)


Tanh_inputs = np.linspace(-1, 1, 4)


def square(x):
    return np.sum(x * x)


def square_grad(x):
    COPYx *= 2
    return x


square_inputs = np.array([1.0, 2.0])


def nested(point):
    return np.sum(np.sin(point["w"])) + point["b"] ** 3


def d_nested(point):
    return {"w": np.cos(point["w"]), "b": CUBE * point["b"] ** 2}


nested_input = {"w": np.array([[0.5, 1.5]]), "b": 2.0}


def narrow(x):
    return np.sum(np.log(np.sqrt(x * x + 0.25)))


def narrow_gradient(x):
    return x / (x * x + EPSILON)


narrow_inputs = np.array([0.5, -2.0, 3.0], np.float32)
"""
NUMPY_SLIPS = {"SLIP": "", "POWER": "", "COPY": "", "CUBE": "2", "EPSILON": "0.2500001"}
NUMPY_MENDED = {
    "SLIP": " / len(x)",
    "POWER": "**2",
    "COPY": "x = x.copy()\n    ",
    "CUBE": "3",
    "EPSILON": "0.25",
}

PYTORCH = """\
import torch


class Swish(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * torch.sigmoid(x)

    @staticmethod
    def backward(ctx, cotangent):
        (x,) = ctx.saved_tensors
        s = torch.sigmoid(x)
        return cotangent * (s + x * sSLIP)


Swish_inputs = torch.linspace(-1, 1, 4)


class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, cotangent):
        (x,) = ctx.saved_tensors
        return cotangent.MULTIPLIED(2 * x)


Square_inputs = torch.linspace(-1, 1, 4, dtype=torch.float64)


def test_swish():
    x = torch.ones(2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: Swish.apply(x).sum(), (x,))
"""
PYTORCH_SLIPS = {"SLIP": "", "MULTIPLIED": "mul_"}
PYTORCH_MENDED = {"SLIP": " * (1 - s)", "MULTIPLIED": "mul"}

JAX = """\
import jax
import jax.numpy as jnp


@jax.custom_vjp
def swish(x):
    return x * jax.nn.sigmoid(x)


def forward_rule(x):
    return swish(x), x


def backward_rule(x, cotangent):
    s = jax.nn.sigmoid(x)
    return (cotangent * (s + x * sSLIP),)


swish.defvjp(forward_rule, backward_rule)
swish_inputs = jnp.linspace(-1, 1, 4)


def plain(x, w):
    return jnp.sum(jnp.tanh(x @ w["w"]))


plain_inputs = (jnp.ones((2, 3)), {"w": jnp.full((3, 1), 0.25)})
"""
JAX_SLIPS = {"SLIP": ""}
JAX_MENDED = {"SLIP": " * (1 - s)"}


def written(text: str, words: dict[str, str]) -> str:
    """Return a file with its placeholders filled in."""
    for place, word in words.items():
        text = text.replace(place, word)
    return text
