"""Smooth functions that are computed coarsely, with the gradients of the smooth functions that are meant.

No such gradient may be accused: the values of the function are those of what is meant only to a few digits,
and show it, somewhere, by noise, stairs, jumps or bends. `COARSE` has a row for each way of computing and
each coarseness. Errors that show nowhere, as those of a fixed mesh, are not of this kind: what is computed is
then another smooth function, whose derivative is another.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from function_rows import Question, Row
from scipy import integrate, optimize, sparse
from scipy.sparse import linalg
from scipy.special import j1

Floats = np.ndarray[Any, np.dtype[np.float64]]
Make = Callable[[np.random.Generator], Question]


def differential_equation(method: str, tolerance: float) -> Make:
    """Return the question of the end of dy/dt = -p y + q sin(t), whose gradient is known."""

    def made(rng: np.random.Generator) -> Question:
        def end(x: Any) -> float:
            found = integrate.solve_ivp(
                lambda t, y: -x[0] * y + x[1] * np.sin(t),
                (0, 2),
                [1.0],
                method=method,
                rtol=tolerance,
                atol=tolerance * 1e-3,
            )
            return float(found.y[0, -1])

        def gradient(x: Any) -> Any:
            p, q = float(x[0]), float(x[1])
            k, dk = q / (1 + p * p), -2 * p * q / (1 + p * p) ** 2
            wave, decay = p * math.sin(2) - math.cos(2), math.exp(-2 * p)
            return np.array(
                [dk * (wave + decay) + k * math.sin(2) - 2 * (1 + k) * decay, (wave + decay) / (1 + p * p)]
            )

        return end, gradient, rng.uniform(0.5, 2, 2)

    return made


def six_parameters(method: str, tolerance: float) -> Make:
    """Return the question of two equations with four rates and two beginnings; gradient by sensitivities."""

    def flow(t: float, y: Any, x: Any) -> Any:
        return np.array([x[0] * np.tanh(y[1]) - x[1] * y[0], x[2] * np.cos(t) - x[3] * y[1] + np.sin(y[0])])

    def with_sensitivities(t: float, z: Any, x: Any) -> Any:
        y, s = z[:2], z[2:].reshape(2, 6)
        jacobian = np.array([[-x[1], x[0] / np.cosh(y[1]) ** 2], [np.cos(y[0]), -x[3]]])
        forcing = np.zeros((2, 6))
        forcing[0, :2] = np.tanh(y[1]), -y[0]
        forcing[1, 2:4] = np.cos(t), -y[1]
        return np.concatenate([flow(t, y, x), (jacobian @ s + forcing).ravel()])

    def made(rng: np.random.Generator) -> Question:
        def function(x: Any) -> float:
            found = integrate.solve_ivp(
                flow, (0, 3), x[4:], method=method, args=(x,), rtol=tolerance, atol=tolerance * 1e-3
            )
            return float(found.y[0, -1] + 0.5 * found.y[1, -1] ** 2)

        def gradient(x: Any) -> Any:
            start = np.concatenate([x[4:], np.eye(2, 6, 4).ravel()])
            end = integrate.solve_ivp(
                with_sensitivities, (0, 3), start, method="DOP853", args=(x,), rtol=1e-11, atol=1e-12
            ).y[:, -1]
            s = end[2:].reshape(2, 6)
            return s[0] + end[1] * s[1]

        return function, gradient, rng.uniform(0.5, 1.5, 6)

    return made


def steps_in_time(step: float) -> Make:
    """Return the question of steps of a fixed length by Heun's method until a time that is an input."""

    def made(rng: np.random.Generator) -> Question:
        def function(x: Any) -> float:
            rate, until = float(x[0]), float(x[1])
            y, t = 1.0, 0.0
            while t < until:
                k = rate * y * (1 - y / 3)
                after = y + step * k
                y += step / 2 * (k + rate * after * (1 - after / 3))
                t += step
            return y

        def gradient(x: Any) -> Any:
            e = math.exp(-float(x[0] * x[1]))
            slope = 6 * e / (1 + 2 * e) ** 2
            return slope * np.array([x[1], x[0]])

        return function, gradient, rng.uniform(0.5, 1.5, 2)

    return made


def fixed_point(tolerance: float) -> Make:
    """Return the question of the solution of y = cos(x y), iterated until it moves by less than that."""

    def solve(x: float, until: float) -> float:
        y = 0.5
        for _ in range(10_000):
            new = math.cos(x * y)
            if abs(new - y) < until:
                break
            y = new
        return new

    def made(rng: np.random.Generator) -> Question:
        def gradient(x: Any) -> float:
            y = solve(float(x), 1e-15)
            s = math.sin(float(x) * y)
            return -y * s / (1 + float(x) * s)

        return lambda x: solve(float(x), tolerance), gradient, float(rng.uniform(0.3, 1.0))

    return made


def fixed_points(tolerance: float) -> Make:
    """Return the question of y = tanh(W y + x) of five numbers, iterated; weighed."""

    def made(rng: np.random.Generator) -> Question:
        w = rng.normal(size=(5, 5)) * 0.25
        c = rng.normal(size=5)

        def solve(x: Any, until: float) -> Any:
            y = np.zeros(5)
            for _ in range(10_000):
                new = np.tanh(w @ y + x)
                if np.abs(new - y).max() < until:
                    break
                y = new
            return new

        def gradient(x: Any) -> Any:
            d = 1 - solve(x, 1e-15) ** 2
            return d * np.linalg.solve((np.eye(5) - d[:, None] * w).T, c)

        return lambda x: float(c @ solve(np.asarray(x, float), tolerance)), gradient, rng.normal(size=5)

    return made


def root(finder: str, tolerance: float) -> Make:
    """Return the question of the root of y^3 + x0 y = x1, found to a tolerance."""

    def made(rng: np.random.Generator) -> Question:
        def find(x: Any, until: float) -> float:
            def left(y: float) -> float:
                return y**3 + float(x[0]) * y - float(x[1])

            if finder == "newton":
                return float(optimize.newton(left, 1.0, lambda y: 3 * y * y + float(x[0]), tol=until))
            if finder == "secant":
                return float(optimize.newton(left, 1.0, tol=until))
            found: float = getattr(optimize, finder)(left, 0.0, 3.0, xtol=until, rtol=max(until, 1e-15))
            return found

        def gradient(x: Any) -> Any:
            y = float(optimize.brentq(lambda y: y**3 + x[0] * y - x[1], 0.0, 3.0, xtol=1e-14, rtol=1e-14))
            return np.array([-y, 1.0]) / (3 * y * y + x[0])

        return lambda x: find(x, tolerance), gradient, rng.uniform(0.5, 2, 2)

    return made


def quadrature(tolerance: float) -> Make:
    """Return the question of an integral with a peak that moves, by adaptive quadrature."""

    def integral(inner: Callable[[float], float], until: float) -> float:
        return float(integrate.quad(inner, 0, 3, epsabs=until, epsrel=until, limit=500)[0])

    def made(rng: np.random.Generator) -> Question:
        def function(x: Any) -> float:
            a, b = float(x[0]), float(x[1])
            return integral(lambda t: math.sin(5 * a * t) / (0.01 + (t - b) ** 2), tolerance)

        def gradient(x: Any) -> Any:
            a, b = float(x[0]), float(x[1])

            def to_a(t: float) -> float:
                return 5 * t * math.cos(5 * a * t) / (0.01 + (t - b) ** 2)

            def to_b(t: float) -> float:
                return 2 * (t - b) * math.sin(5 * a * t) / (0.01 + (t - b) ** 2) ** 2

            return np.array([integral(to_a, 1e-11), integral(to_b, 1e-11)])

        return function, gradient, rng.uniform(0.5, 2, 2)

    return made


def simpson(tolerance: float) -> Make:
    """Return the question of an integral by Simpson's rule, halved until it moves by less than that."""

    def rule(x: float, count: int) -> float:
        t = np.linspace(0, 2, count + 1)
        return float(integrate.simpson(np.exp(-x * t * t) * np.sin(3 * t), x=t))

    def made(rng: np.random.Generator) -> Question:
        def function(x: Any) -> float:
            count, old = 2, 0.0
            while count < 2**16:
                new = rule(float(x), count)
                if abs(new - old) < tolerance:
                    return new
                count, old = 2 * count, new
            return old

        def gradient(x: Any) -> float:
            t = np.linspace(0, 2, 2001)
            return float(integrate.simpson(-t * t * np.exp(-float(x) * t * t) * np.sin(3 * t), x=t))

        return function, gradient, float(rng.uniform(0.5, 2))

    return made


def table(count: int, *, nearest: bool) -> Make:
    """Return the question of sines looked up in a table, between its entries or at the nearest."""
    nodes = np.linspace(-6, 6, count)
    sines = np.sin(nodes)

    def made(rng: np.random.Generator) -> Question:
        def function(x: Any) -> float:
            if nearest:
                places = np.round((np.asarray(x) + 6) / 12 * (count - 1)).astype(int)
                return float(sines[np.clip(places, 0, count - 1)].sum())
            return float(np.interp(x, nodes, sines).sum())

        return function, np.cos, rng.normal(size=3)

    return made


def short_sum(count: int) -> Make:
    """Return the question of a float16 sum, term by term, of so many sines."""

    def made(rng: np.random.Generator) -> Question:
        phases = rng.uniform(0, 1, count)

        def function(x: Any) -> float:
            total = np.float16(0)
            for phase in phases:
                total = np.float16(total + np.float16(math.sin(float(x) * phase)))
            return float(total)

        return (
            function,
            lambda x: float(np.sum(phases * np.cos(float(x) * phases))),
            float(rng.uniform(0.5, 1.5)),
        )

    return made


def linear_solver(solver: str, tolerance: float) -> Make:
    """Return the question of c . A(x)^-1 b by an iterative solver; the inputs are added to the diagonal."""

    def made(rng: np.random.Generator) -> Question:
        count = 20
        q = rng.normal(size=(count, count))
        fixed = q @ q.T / count
        b, c = rng.normal(size=count), rng.normal(size=count)

        def matrix(x: Any) -> Any:
            return fixed + np.diag(np.repeat(np.asarray(x, float), 5))

        def function(x: Any) -> float:
            found, _ = getattr(linalg, solver)(sparse.csr_matrix(matrix(x)), b, rtol=tolerance)
            return float(c @ found)

        def gradient(x: Any) -> Any:
            left, right = np.linalg.solve(matrix(x), c), np.linalg.solve(matrix(x), b)
            return -(left * right).reshape(4, 5).sum(axis=1)

        return function, gradient, rng.uniform(0.5, 2, 4)

    return made


def power_iteration(tolerance: float) -> Make:
    """Return the question of the largest eigenvalue, iterated until it moves by less than that."""

    def made(rng: np.random.Generator) -> Question:
        q = rng.normal(size=(6, 6))
        fixed = q + q.T
        fixed += np.eye(6) * 6

        def function(x: Any) -> float:
            m, v, old = fixed + np.diag(x), np.ones(6), 0.0
            for _ in range(10_000):
                v = m @ v
                v = v / np.linalg.norm(v)
                new = float(v @ m @ v)
                if abs(new - old) < tolerance * abs(new):
                    break
                old = new
            return new

        def gradient(x: Any) -> Any:
            values, vectors = np.linalg.eigh(fixed + np.diag(x))
            return vectors[:, np.abs(values).argmax()] ** 2

        return function, gradient, rng.normal(size=6)

    return made


def share_of_samples(count: int) -> Make:
    """Return the question of the share of normal numbers, always the same, that are less than x."""

    def made(rng: np.random.Generator) -> Question:
        samples = rng.normal(size=count)

        def gradient(x: Any) -> float:
            return math.exp(-(float(x) ** 2) / 2) / math.sqrt(2 * math.pi)

        return lambda x: float(np.mean(samples < float(x))), gradient, float(rng.uniform(-1, 1))

    return made


def walk_on_samples(count: int) -> Make:
    """Return the question of a mean payoff max(x exp(z) - 1, 0) over few samples that are always the same."""

    def made(rng: np.random.Generator) -> Question:
        samples = np.exp(rng.normal(size=count) * 0.5)
        x = float(rng.uniform(0.7, 1.4))
        return (
            lambda x: float(np.mean((float(x) * samples > 1) * float(np.mean(samples)))),
            lambda x: (
                math.exp(0.125)
                / (0.5 * float(x) * math.sqrt(2 * math.pi))
                * math.exp(-2 * math.log(float(x)) ** 2)
            ),
            x,
        )

    return made


def quantized(step: float) -> Make:
    """Return the question of a sum of sines of quantized numbers: straight through."""

    def made(rng: np.random.Generator) -> Question:
        return (
            lambda x: float(np.sin(np.round(np.asarray(x) / step) * step).sum()),
            np.cos,
            rng.normal(size=4),
        )

    return made


def rounded(decimals: int) -> Make:
    """Return the question of Python's round, straight through."""

    def made(rng: np.random.Generator) -> Question:
        return lambda x: round(float(x), decimals), lambda x: 1.0, float(rng.normal() * 3)

    return made


def written(digits: int) -> Make:
    """Return the question of a function whose value was written as text with a few digits."""

    def made(rng: np.random.Generator) -> Question:
        def function(x: Any) -> float:
            return float(f"{float(np.sum(np.exp(np.sin(x)))):.{digits}g}")

        return function, lambda x: np.exp(np.sin(x)) * np.cos(x), rng.normal(size=5)

    return made


def optimum(tolerance: float, *, place: bool) -> Make:
    """Return the question of the minimum over y of (y - x0)^2 + exp(x1 y), by a stopped descent."""

    def derivative(x: Any, y: float) -> float:
        return 2 * (y - float(x[0])) + float(x[1]) * math.exp(float(x[1]) * y)

    def descend(x: Any, until: float) -> float:
        y = 0.0
        for _ in range(10_000):
            slope = derivative(x, y)
            if abs(slope) < until:
                break
            y -= 0.15 * slope
        return y

    def value(x: Any) -> float:
        y = descend(x, tolerance)
        return (y - float(x[0])) ** 2 + math.exp(float(x[1]) * y)

    def slopes_of_value(x: Any) -> Any:
        y = descend(x, 1e-14)
        return np.array([-2 * (y - float(x[0])), y * math.exp(float(x[1]) * y)])

    def slopes_of_place(x: Any) -> Any:
        y = descend(x, 1e-14)
        e = math.exp(float(x[1]) * y)
        return np.array([2.0, -e * (1 + float(x[1]) * y)]) / (2 + float(x[1]) ** 2 * e)

    def made(rng: np.random.Generator) -> Question:
        x = rng.uniform(0.3, 1.2, 2)
        if place:
            return lambda x: descend(x, tolerance), slopes_of_place, x
        return value, slopes_of_value, x

    return made


def simplex(tolerance: float) -> Make:
    """Return the question of a minimum's value by Nelder and Mead's simplex."""

    def made(rng: np.random.Generator) -> Question:
        def inner(y: Any, x: Any) -> float:
            return float((y[0] - x[0]) ** 2 + 2 * (y[1] - x[1] * y[0]) ** 2 + 0.1 * y[0] ** 4 + x[0] * x[1])

        def function(x: Any) -> float:
            options = {"xatol": tolerance, "fatol": tolerance}
            return float(
                optimize.minimize(inner, np.ones(2), args=(x,), method="Nelder-Mead", options=options).fun
            )

        def gradient(x: Any) -> Any:
            y0 = float(optimize.brentq(lambda y: 2 * (y - x[0]) + 0.4 * y**3, -5, 5, xtol=1e-15))
            return np.array([-2 * (y0 - x[0]) + x[1], x[0]])

        return function, gradient, rng.uniform(0.5, 1.5, 2)

    return made


def series(tolerance: float) -> Make:
    """Return the question of a power series that stops at its first small term."""

    def made(rng: np.random.Generator) -> Question:
        def function(x: Any) -> float:
            total, term, n = 0.0, 1.0, 0
            while abs(term) > tolerance:
                total += term
                n += 1
                term *= -(float(x) ** 2) / (4 * n * n)
            return total

        def gradient(x: Any) -> float:
            return -float(j1(float(x)))

        return function, gradient, float(rng.uniform(1, 4))

    return made


def cut_off(radius: float) -> Make:
    """Return the question of an energy of pairs that leaves out those farther apart than a radius."""

    def made(rng: np.random.Generator) -> Question:
        def distances(x: Any) -> Any:
            return np.asarray(x)[:, None] - np.asarray(x)[None]

        def function(x: Any) -> float:
            d = distances(x)
            return float(np.where(np.abs(d) < radius, np.exp(-d * d), 0.0).sum())

        def gradient(x: Any) -> Any:
            d = distances(x)
            return (-4 * d * np.exp(-d * d)).sum(axis=1)

        return function, gradient, rng.normal(size=8) * 2

    return made


def with_noise(size: float) -> Make:
    """Return the question of a smooth function with noise that is the same for the same numbers."""

    def made(rng: np.random.Generator) -> Question:
        def function(x: Any) -> float:
            value = float(np.sum(np.sin(x) * x))
            noise = np.random.default_rng(np.asarray(x, float).view(np.uint64)).uniform(-1, 1)
            return value + size * float(noise)

        return function, lambda x: np.cos(x) * x + np.sin(x), rng.normal(size=4)

    return made


def balanced(tolerance: float) -> Make:
    """Return the question of the cost of entropic transport, by Sinkhorn's iteration."""

    def made(rng: np.random.Generator) -> Question:
        cost = rng.uniform(0, 1, size=(4, 5))
        a, b = rng.dirichlet(np.ones(4) * 3), rng.dirichlet(np.ones(5) * 3)

        def plan(c: Any, until: float) -> Any:
            k = np.exp(-np.asarray(c) / 0.1)
            v = np.ones(5)
            for _ in range(100_000):
                u = a / (k @ v)
                v = b / (k.T @ u)
                p = u[:, None] * k * v
                if np.abs(p.sum(axis=1) - a).sum() < until:
                    break
            return p

        def function(c: Any) -> float:
            p = plan(c, tolerance)
            return float((p * c).sum() + 0.1 * (p * (np.log(p) - 1)).sum())

        return function, lambda c: plan(c, 1e-13), cost

    return made


def _rows(name: str, make: Callable[[Any], Make], *sizes: Any) -> list[Row]:
    return [Row(f"{name} {size:g}", make(size), "not wrong") for size in sizes]


COARSE = [
    *[
        row
        for method in ("RK45", "RK23", "LSODA", "BDF", "Radau")
        for row in _rows(f"ODE by {method} at", partial(differential_equation, method), 1e-2, 1e-3, 1e-4)
    ],
    *[
        row
        for method in ("RK45", "LSODA")
        for row in _rows(
            f"ODE of six parameters by {method} at", partial(six_parameters, method), 1e-2, 1e-3, 1e-4
        )
    ],
    *_rows("steps in time of", steps_in_time, 0.1, 0.01),
    *_rows("fixed point to", fixed_point, 1e-2, 1e-3, 1e-5),
    *_rows("five fixed points to", fixed_points, 1e-2, 1e-3, 1e-5),
    *[
        row
        for finder in ("brentq", "bisect", "ridder", "newton", "secant")
        for row in _rows(f"root by {finder} to", partial(root, finder), 1e-2, 1e-3, 1e-5)
    ],
    *_rows("quadrature to", quadrature, 1e-2, 1e-4, 1e-6),
    *_rows("Simpson's rule to", simpson, 1e-2, 1e-3, 1e-5),
    *_rows("straight lines in a table of", partial(table, nearest=False), 20, 100, 1000),
    *_rows("nearest in a table of", partial(table, nearest=True), 10, 100, 1000),
    *_rows("sum in float16 of", short_sum, 10, 100),
    *[
        row
        for solver in ("cg", "gmres")
        for row in _rows(
            f"linear equations by {solver} to", partial(linear_solver, solver), 1e-1, 1e-2, 1e-3, 1e-5
        )
    ],
    *_rows("power iteration to", power_iteration, 1e-2, 1e-3, 1e-5),
    *_rows("share of samples,", share_of_samples, 100, 1000),
    *_rows("payoff over samples,", walk_on_samples, 100, 1000),
    *_rows("quantized by", quantized, 0.5, 0.1, 1 / 128),
    *_rows("rounded to decimals,", rounded, 0, 1, 3),
    *_rows("written with digits,", written, 3, 5),
    *_rows("optimum's value, to", partial(optimum, place=False), 1e-1, 1e-2, 1e-4),
    *_rows("optimum's place, to", partial(optimum, place=True), 1e-1, 1e-2, 1e-4),
    *_rows("simplex to", simplex, 1e-2, 1e-4),
    *_rows("series to", series, 1e-2, 1e-3, 1e-5),
    *_rows("pairs within", cut_off, 1.5, 2.0, 3.0),
    *_rows("noise of", with_noise, 1e-2, 1e-4),
    *_rows("transport to", balanced, 1e-2, 1e-4),
]
