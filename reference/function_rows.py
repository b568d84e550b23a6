"""Functions with right gradients that gradient checks have been seen to fail on.

Each row makes a function, its gradient and a point from a seed. `must` says what a check must answer about
the right gradient: "right", or "not wrong" where values alone cannot show more.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import integrate
from scipy.special import erf, expit

Question = tuple[Callable[..., Any], Callable[..., Any], Any]


@dataclass(frozen=True)
class Row:
    """A named question for each seed.

    `scale` is what an error is relative to where the gradient is 0; `apart` are entries in which there is no
    error, for at a kink several numbers are right.
    """

    name: str
    make: Callable[[np.random.Generator], Question]
    must: str = "right"
    scale: float = 1.0
    apart: tuple[int, ...] = ()


def in_float32(make: Callable[[np.random.Generator], Question]) -> Callable[[np.random.Generator], Question]:
    """Return the same question about float32 numbers."""

    def made(rng: np.random.Generator) -> Question:
        function, gradient, inputs = make(rng)
        return function, gradient, tuple(np.asarray(x, np.float32) for x in inputs)

    return made


def cast_inside(make: Callable[[np.random.Generator], Question]) -> Callable[[np.random.Generator], Question]:
    """Return the question about float64 numbers of a function and a gradient that compute in float32."""

    def made(rng: np.random.Generator) -> Question:
        function, gradient, inputs = make(rng)

        def short(*xs: Any) -> tuple[Any, ...]:
            return tuple(np.asarray(x, np.float32) for x in xs)

        return lambda *xs: function(*short(*xs)), lambda *xs: gradient(*short(*xs)), inputs

    return made


def backward_in_float32(
    make: Callable[[np.random.Generator], Question],
) -> Callable[[np.random.Generator], Question]:
    """Return the question of a float64 function and of a gradient that computes in float32."""

    def made(rng: np.random.Generator) -> Question:
        function, gradient, inputs = make(rng)
        return function, lambda *xs: gradient(*(np.asarray(x, np.float32) for x in xs)), inputs

    return made


def layer_norm(rng: np.random.Generator) -> Question:
    """Ask layer norm of a batch with gain and bias, times weights."""
    w = rng.normal(size=(4, 6))

    def parts(x: Any) -> tuple[Any, Any]:
        mean = x.mean(axis=-1, keepdims=True)
        inverse = 1 / np.sqrt(((x - mean) ** 2).mean(axis=-1, keepdims=True) + x.dtype.type(1e-5))
        return (x - mean) * inverse, inverse

    def function(x: Any, gain: Any, bias: Any) -> Any:
        return np.sum((parts(x)[0] * gain + bias) * w.astype(x.dtype))

    def gradient(x: Any, gain: Any, _: Any) -> Any:
        normal, inverse = parts(x)
        d = w.astype(x.dtype)
        dn = d * gain
        dx = inverse * (
            dn - dn.mean(axis=-1, keepdims=True) - normal * (dn * normal).mean(axis=-1, keepdims=True)
        )
        return dx, (d * normal).sum(axis=0), d.sum(axis=0)

    return function, gradient, (rng.normal(size=(4, 6)), rng.normal(size=6), rng.normal(size=6))


def cross_entropy(rng: np.random.Generator) -> Question:
    """Ask softmax cross-entropy of a batch, its mean."""
    labels = rng.integers(0, 5, 8)

    def function(x: Any) -> Any:
        shifted = x - x.max(axis=1, keepdims=True)
        return (np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(8), labels]).mean()

    def gradient(x: Any) -> Any:
        e = np.exp(x - x.max(axis=1, keepdims=True))
        g = e / e.sum(axis=1, keepdims=True)
        g[np.arange(8), labels] -= 1
        return g / 8

    return function, gradient, (rng.normal(size=(8, 5)) * 2,)


def attention(rng: np.random.Generator) -> Question:
    """Ask scaled dot-product attention, times weights."""
    w = rng.normal(size=(4, 3))

    def weights(q: Any, k: Any) -> Any:
        s = q @ k.T / np.sqrt(q.dtype.type(3))
        e = np.exp(s - s.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    def function(q: Any, k: Any, v: Any) -> Any:
        return np.sum(weights(q, k) @ v * w.astype(q.dtype))

    def gradient(q: Any, k: Any, v: Any) -> Any:
        a, d = weights(q, k), w.astype(q.dtype)
        da = d @ v.T
        ds = a * (da - (da * a).sum(axis=1, keepdims=True)) / np.sqrt(q.dtype.type(3))
        return ds @ k, ds.T @ q, a.T @ d

    return function, gradient, tuple(rng.normal(size=(4, 3)) for _ in range(3))


def convolution(rng: np.random.Generator) -> Question:
    """Ask convolution in two dimensions, times weights."""
    w = rng.normal(size=(4, 4))

    def function(x: Any, k: Any) -> Any:
        windows = np.lib.stride_tricks.sliding_window_view(x, k.shape)
        return np.sum(np.einsum("ijkl,kl->ij", windows, k) * w.astype(x.dtype))

    def gradient(x: Any, k: Any) -> Any:
        d = w.astype(x.dtype)
        dx = np.zeros_like(x)
        for a in range(3):
            for b in range(3):
                dx[a : a + 4, b : b + 4] += k[a, b] * d
        windows = np.lib.stride_tricks.sliding_window_view(x, k.shape)
        return dx, np.einsum("ijkl,ij->kl", windows, d)

    return function, gradient, (rng.normal(size=(6, 6)), rng.normal(size=(3, 3)))


def batch_norm(rng: np.random.Generator) -> Question:
    """Ask batch norm in training, times weights."""
    w = rng.normal(size=(8, 3))

    def parts(x: Any) -> tuple[Any, Any]:
        mean = x.mean(axis=0)
        inverse = 1 / np.sqrt(((x - mean) ** 2).mean(axis=0) + x.dtype.type(1e-5))
        return (x - mean) * inverse, inverse

    def gradient(x: Any) -> Any:
        normal, inverse = parts(x)
        d = w.astype(x.dtype)
        return inverse * (d - d.mean(axis=0) - normal * (d * normal).mean(axis=0))

    return lambda x: np.sum(parts(x)[0] * w.astype(x.dtype)), gradient, (rng.normal(size=(8, 3)),)


def lstm_cell(rng: np.random.Generator) -> Question:
    """Ask one step of an LSTM: gates of a matrix product, times weights."""
    w, u = rng.normal(size=3), rng.normal(size=3)

    def gates(z: Any) -> tuple[Any, ...]:
        return 1 / (1 + np.exp(-z[:3])), 1 / (1 + np.exp(-z[3:6])), np.tanh(z[6:9]), 1 / (1 + np.exp(-z[9:]))

    def function(x: Any, m: Any, c: Any) -> Any:
        i, f, g, o = gates(m @ x)
        c2 = f * c + i * g
        return np.sum(o * np.tanh(c2) * w.astype(x.dtype)) + np.sum(c2 * u.astype(x.dtype))

    def gradient(x: Any, m: Any, c: Any) -> Any:
        i, f, g, o = gates(m @ x)
        t = np.tanh(f * c + i * g)
        dh, du = w.astype(x.dtype), u.astype(x.dtype)
        dc = dh * o * (1 - t * t) + du
        dz = np.concatenate(
            [dc * g * i * (1 - i), dc * c * f * (1 - f), dc * i * (1 - g * g), dh * t * o * (1 - o)]
        )
        return m.T @ dz, np.outer(dz, x), dc * f

    return function, gradient, (rng.normal(size=4), rng.normal(size=(12, 4)), rng.normal(size=3))


def logsumexp(rng: np.random.Generator) -> Question:
    """Ask the logarithm of a sum of exponentials."""

    def function(x: Any) -> Any:
        return x.max() + np.log(np.exp(x - x.max()).sum())

    def gradient(x: Any) -> Any:
        e = np.exp(x - x.max())
        return e / e.sum()

    return function, gradient, (rng.normal(size=10) * 3,)


def gelu(rng: np.random.Generator) -> Question:
    """Ask the exact gelu, summed."""

    def function(x: Any) -> Any:
        return np.sum(x * (1 + erf(x / np.sqrt(x.dtype.type(2)))) / 2)

    def gradient(x: Any) -> Any:
        two_pi = x.dtype.type(2 * math.pi)
        return (1 + erf(x / np.sqrt(x.dtype.type(2)))) / 2 + x * np.exp(-x * x / 2) / np.sqrt(two_pi)

    return function, gradient, (rng.normal(size=12),)


def huber(rng: np.random.Generator) -> Question:
    """Ask the Huber loss of residuals small and large."""

    def function(x: Any) -> Any:
        size = np.abs(x)
        return np.sum(np.where(size < 1, x * x / 2, size - x.dtype.type(0.5)))

    return function, lambda x: np.clip(x, -1, 1), (rng.normal(size=10) * 2,)


def cosine(rng: np.random.Generator) -> Question:
    """Ask the cosine between two vectors."""

    def function(x: Any, y: Any) -> Any:
        return x @ y / np.sqrt((x @ x) * (y @ y))

    def gradient(x: Any, y: Any) -> Any:
        a, b = np.sqrt(x @ x), np.sqrt(y @ y)
        c = x @ y / (a * b)
        return y / (a * b) - c * x / (a * a), x / (a * b) - c * y / (b * b)

    return function, gradient, (rng.normal(size=6), rng.normal(size=6))


BACKWARDS = {
    "layer norm": layer_norm,
    "softmax cross-entropy": cross_entropy,
    "attention": attention,
    "convolution": convolution,
    "batch norm": batch_norm,
    "LSTM cell": lstm_cell,
    "logsumexp": logsumexp,
    "gelu": gelu,
    "Huber loss": huber,
    "cosine": cosine,
}


def float32_sine(rng: np.random.Generator) -> Question:
    """Ask a sine that computes in float32, whatever it is given."""
    return lambda x: np.sin(x.astype(np.float32)).sum(), np.cos, rng.normal(size=3)


def ode(rng: np.random.Generator) -> Question:
    """Ask the end of dy/dt = -p y + q sin(t), solved at rtol 1e-6."""

    def end(p: float, q: float) -> float:
        found = integrate.solve_ivp(lambda t, y: -p * y + q * np.sin(t), (0, 2), [1.0], rtol=1e-6, atol=1e-9)
        return float(found.y[0, -1])

    def gradient(x: Any) -> Any:
        p, q = float(x[0]), float(x[1])
        dk = -2 * p * q / (1 + p * p) ** 2
        k = q / (1 + p * p)
        wave, decay = p * math.sin(2) - math.cos(2), math.exp(-2 * p)
        return np.array(
            [dk * wave + k * math.sin(2) + dk * decay - 2 * (1 + k) * decay, (wave + decay) / (1 + p * p)]
        )

    return lambda x: end(float(x[0]), float(x[1])), gradient, rng.uniform(0.5, 2, 2)


def fixed_point(rng: np.random.Generator) -> Question:
    """Ask the solution of y = cos(x y), iterated until it moves by less than 1e-8."""

    def solve(x: float, tolerance: float) -> float:
        y = 0.5
        for _ in range(10_000):
            new = math.cos(x * y)
            if abs(new - y) < tolerance:
                break
            y = new
        return new

    def gradient(x: Any) -> Any:
        y = solve(float(x), 1e-15)
        s = math.sin(float(x) * y)
        return -y * s / (1 + float(x) * s)

    return lambda x: solve(float(x), 1e-8), gradient, float(rng.uniform(0.3, 1.0))


def rounded(rng: np.random.Generator) -> Question:
    """Ask a sum of sines, rounded to 8 decimals."""
    return lambda x: round(float(np.sum(np.sin(x))), 8), np.cos, rng.normal(size=4)


def half(rng: np.random.Generator) -> Question:
    """Ask a sum of squares in float16."""
    return lambda x: np.sum(x.astype(np.float16) ** 2), lambda x: 2 * x, rng.normal(size=3)


def quadrature(rng: np.random.Generator) -> Question:
    """Ask an integral by adaptive quadrature to 1e-6."""

    def function(x: Any) -> float:
        return float(
            integrate.quad(
                lambda t: math.exp(-float(x) * t * t) * math.sin(5 * t), 0, 3, epsabs=1e-6, epsrel=1e-6
            )[0]
        )

    def gradient(x: Any) -> float:
        return float(
            integrate.quad(
                lambda t: -t * t * math.exp(-float(x) * t * t) * math.sin(5 * t),
                0,
                3,
                epsabs=1e-13,
                epsrel=1e-13,
            )[0]
        )

    return function, gradient, float(rng.uniform(0.5, 2))


def oscillation(
    amplitude: float, frequency: float, *, meant: bool
) -> Callable[[np.random.Generator], Question]:
    """Return exp(-x x) with a small oscillation; the gradient of what is meant, or of what is computed."""

    def made(rng: np.random.Generator) -> Question:
        def function(x: Any) -> Any:
            return np.exp(-x * x) + amplitude * np.sin(frequency * x)

        def gradient(x: Any) -> Any:
            slope = -2 * x * np.exp(-x * x)
            return slope if meant else slope + amplitude * frequency * np.cos(frequency * x)

        return function, gradient, float(rng.uniform(0.2, 1.5))

    return made


def at(
    point: Any, function: Callable[..., Any], gradient: Callable[..., Any]
) -> Callable[[np.random.Generator], Question]:
    """Return a question that no seed changes."""

    def made(_: np.random.Generator) -> Question:
        return function, gradient, point

    return made


def clouds(rng: np.random.Generator) -> Question:
    """Ask the squared distance between two equal clouds of points, whose gradient is 0."""
    x = rng.normal(size=(5, 2))

    def function(x: Any, y: Any) -> Any:
        return np.sum((x[:, None] - y[None]) ** 2, axis=2).min(axis=1).sum()

    return function, lambda x, y: (np.zeros_like(x), np.zeros_like(y)), (x, x.copy())


def minimum(rng: np.random.Generator) -> Question:
    """Ask a least-squares loss at its minimum."""
    a, b = rng.normal(size=(8, 3)), rng.normal(size=8)
    best = np.linalg.lstsq(a, b, rcond=None)[0]
    return lambda x: np.sum((a @ x - b) ** 2), lambda x: 2 * a.T @ (a @ x - b), best


def log_det(rng: np.random.Generator) -> Question:
    """Ask the logarithm of a determinant by Cholesky, near where the matrix stops to be positive."""
    a = rng.normal(size=(3, 3))
    q, _ = np.linalg.qr(a)
    near = q @ np.diag([1.0, 0.5, 1e-2]) @ q.T

    def function(m: Any) -> float:
        return 2 * float(np.log(np.diag(np.linalg.cholesky((m + m.T) / 2))).sum())

    return function, lambda m: np.linalg.inv((m + m.T) / 2), near


SQUARES = at(np.zeros(4), lambda x: np.sum(x * x), lambda x: 2 * x)
KINK = np.array([0.5, -0.3, 0.0, 1.2, 2.0])


def relu_slopes(slope: float) -> Callable[[Any], Any]:
    """Return the gradient of sum(relu(x) * (1, 2, 3, 4, 5)) with a choice at 0."""
    return lambda x: np.where(x > 0, 1.0, np.where(x == 0, slope, 0.0)) * np.arange(1.0, 6)


def weighted_relu(x: Any) -> Any:
    """Return sum(relu(x) * (1, 2, 3, 4, 5))."""
    return np.sum(np.maximum(x, 0) * np.arange(1.0, 6))


ROWS = [
    *[Row(f"{name}, float32", in_float32(make)) for name, make in BACKWARDS.items()],
    *[Row(f"{name}, float32 inside", cast_inside(make)) for name, make in BACKWARDS.items()],
    *[Row(f"{name}, float32 backward", backward_in_float32(make)) for name, make in BACKWARDS.items()],
    *[Row(f"{name}, float64", make) for name, make in BACKWARDS.items()],
    Row("sine in float32", float32_sine),
    Row("ODE at rtol 1e-6", ode, "not wrong"),
    Row("fixed point to 1e-8", fixed_point, "not wrong"),
    Row("rounded to 8 decimals", rounded, "not wrong"),
    Row("float16", half, "not wrong"),
    Row("quadrature to 1e-6", quadrature, "not wrong"),
    *[
        Row(
            f"exp(-x x), oscillation {a:g} of frequency {w:g}, {'meant' if m else 'computed'}",
            oscillation(a, w, meant=m),
            "not wrong",
        )
        for a in (1e-12, 1e-9)
        for w in (1e2, 1e4, 1e6)
        for m in (True, False)
    ],
    Row("sum(x x) at 0", SQUARES),
    Row("x y at (0, 0)", at((0.0, 0.0), lambda x, y: x * y, lambda x, y: (y, x))),
    Row("least squares at the minimum", minimum),
    Row(
        "scaled by 1e-12",
        at(np.array([0.3, 1.2]), lambda x: 1e-12 * np.sum(np.sin(x)), lambda x: 1e-12 * np.cos(x)),
        scale=1e-12,
    ),
    Row(
        "scaled by 1e-12, at 0",
        at(np.zeros(2), lambda x: 1e-12 * np.sum(x * x), lambda x: 2e-12 * x),
        scale=1e-12,
    ),
    *[
        Row(f"relu at 0, slope {s:g}", at(KINK, weighted_relu, relu_slopes(s)), apart=(2,))
        for s in (0, 0.5, 1)
    ],
    *[
        Row(f"sin(x) + x x at {p:g}", at(p, lambda x: np.sin(x) + x * x, lambda x: np.cos(x) + 2 * x))
        for p in (1e3, 1e4, 1e6)
    ],
    Row(
        "sin(x0) + x1^2 at (1, 1e6)",
        at(
            np.array([1.0, 1e6]),
            lambda x: np.sin(x[0]) + x[1] ** 2,
            lambda x: np.array([np.cos(x[0]), 2 * x[1]]),
        ),
    ),
    Row(
        "(x + 1e8)^2 - 1e16 at 1",
        at(1.0, lambda x: (x + 1e8) ** 2 - 1e16, lambda x: 2 * (x + 1e8)),
        "not wrong",
    ),
    Row(
        "1e10 + 1e-6 sum(sin(x))",
        at(np.linspace(0, 1, 5), lambda x: 1e10 + 1e-6 * np.sum(np.sin(x)), lambda x: 1e-6 * np.cos(x)),
        "not wrong",
        1e-6,
    ),
    Row(
        "sum(log(p)^2) at unlike sizes",
        at(np.array([1e-6, 1.0, 1e6]), lambda p: np.sum(np.log(p) ** 2), lambda p: 2 * np.log(p) / p),
    ),
    Row(
        "sum(x - mean(x))", lambda rng: (lambda x: np.sum(x - x.mean()), lambda x: 0 * x, rng.normal(size=7))
    ),
    Row("two equal clouds", clouds),
    Row("math.log at 0.01", at(0.01, math.log, lambda x: 1 / x)),
    Row("math.asin at 0.99", at(0.99, math.asin, lambda x: 1 / math.sqrt(1 - x * x))),
    Row("log det by Cholesky near its edge", log_det),
    Row(
        "sigmoid loss",
        lambda rng: (lambda x: -np.log(expit(x)).sum(), lambda x: expit(x) - 1, rng.normal(size=6)),
    ),
    Row("constant", at(np.array([1.0, 2.0]), lambda x: 3.0, np.zeros_like)),
]
