"""Calls of numpy's functions, each written once: for nodes, for plain arrays, and for JAX's."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Call = Callable[..., Any]


@dataclass(frozen=True)
class Asked:
    """A call ``f(np, *operands)`` on operands of these shapes, drawn uniformly from `low` to `high`.

    `jax` says whether JAX can be asked the same; `prepare` makes of a drawn operand what the call needs.
    """

    text: str
    shapes: tuple[tuple[int, ...], ...]
    low: float = -2.0
    high: float = 2.0
    jax: bool = True
    names: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.text} {' '.join(map(str, self.shapes))}".replace("[", "(").replace("]", ")")

    def __call__(self, namespace: Any, *operands: Any) -> Any:
        names = {"np": namespace, "numpy": np, **dict(zip("xyz", operands, strict=False)), **self.names}
        return eval(self.text, names)  # noqa: S307 - the calls below

    def operands(self) -> list[Any]:
        """Draw the operands: always the same ones."""
        generator = np.random.default_rng(zlib.crc32(str(self).encode()))
        drawn = [generator.uniform(self.low, self.high, shape) for shape in self.shapes]
        return [x if x.ndim else float(x) for x in drawn]


A, B, M, V, S = (2, 3), (3, 4), (3, 3), (4,), ()
CUBE = (2, 3, 4)
Shapes = tuple[tuple[int, ...], ...]
POSITIVE = "x @ np.swapaxes(x, -1, -2) + 2 * numpy.eye(3)"


def _elementwise() -> Iterator[Asked]:
    for name in ("exp2", "cbrt", "arcsinh", "sinc", "deg2rad", "radians", "rad2deg", "degrees"):
        for shape in (S, A):
            yield Asked(f"np.{name}(x)", (shape,))
    for name in ("positive", "fabs", "conjugate", "nan_to_num", "real"):
        yield Asked(f"np.{name}(x)", (A,))
    yield Asked("np.sinc(x)", (V,), -0.2, 0.2)
    for name, low, high in (("log2", 0.2, 3), ("log10", 0.2, 3), ("arccosh", 1.1, 3), ("arctanh", -0.9, 0.9)):
        for shape in (S, A):
            yield Asked(f"np.{name}(x)", (shape,), low, high)
    for name in ("fmax", "fmin", "fmod", "mod", "remainder", "copysign", "logaddexp2"):
        for shapes in ((A, A), (A, (3,)), (S, S)):
            yield Asked(f"np.{name}(x, y)", shapes)
    yield Asked("np.float_power(x, y)", (A, A), 0.3, 2)
    yield Asked("np.clip(x, -1, 1)", (A,))
    yield Asked("np.clip(x, min=-1)", (A,))
    yield Asked("np.select([numpy.array([1, 0, 0]) > 0, numpy.array([1, 1, 0]) > 0], [x, y], 2.0)", (A, A))
    yield Asked("np.add(x, y, dtype=float)", (A, A), jax=False)
    for text in ("x % y", "x % 1.5", "7.5 % x", "divmod(x, y)[1]", "divmod(7.5, x)[1]", "+x * y"):
        yield Asked(text, (A, A), 0.6, 2, jax=False)
    yield Asked("np.divmod(x, y)[1]", (A, (3,)), 0.6, 2, jax=False)


def _products() -> Iterator[Asked]:
    shapes: Shapes
    for shapes in (((3,), (3,)), (A, (3,)), (A, B), (CUBE, V), (CUBE, (2, 4, 5)), (S, A), ((3,), B)):
        yield Asked("np.dot(x, y)", shapes)
    for shapes in (((3,), (3,)), (A, (4, 3)), (CUBE, V), (S, A)):
        yield Asked("np.inner(x, y)", shapes)
    for text, shapes in (
        ("np.outer(x, y)", ((2,), (3,))),
        ("np.outer(x, y)", (A, (2,))),
        ("np.vdot(x, y)", (A, (3, 2))),
        ("np.tensordot(x, y, 1)", (A, B)),
        ("np.tensordot(x, y, 0)", ((2,), (3,))),
        ("np.tensordot(x, y)", (CUBE, (3, 4, 2))),
        ("np.tensordot(x, y, ((0, 2), (1, 0)))", (CUBE, (4, 2, 5))),
        ("np.tensordot(x, y, (-1, 0))", (CUBE, (4, 2))),
        ("np.kron(x, y)", ((2,), (3,))),
        ("np.kron(x, y)", (A, (2, 2))),
        ("np.kron(x, y)", ((2,), A)),
        ("np.cross(x, y)", ((3,), (3,))),
        ("np.cross(x, y)", ((2, 3), (3,))),
        ("np.cross(x, y, axis=0)", ((3, 2), (3, 2))),
        ("np.convolve(x, y)", ((5,), (3,))),
        ("np.convolve(x, y, 'same')", ((5,), (3,))),
        ("np.convolve(x, y, 'valid')", ((3,), (5,))),
        ("np.correlate(x, y)", ((5,), (3,))),
        ("np.correlate(x, y, 'full')", ((3,), (5,))),
        ("np.correlate(x, y, 'same')", ((6,), (4,))),
        ("np.correlate(x, y, 'same')", ((4,), (7,))),
        ("np.convolve(x, y, 'same')", ((4,), (6,))),
        ("np.linalg.multi_dot([x, y, z])", (A, B, (4, 2))),
        ("np.linalg.outer(x, y)", ((2,), (3,))),
        ("np.linalg.vecdot(x, y)", (A, A)),
        ("np.linalg.vecdot(x, y, axis=0)", (B, (3,))),
        ("np.linalg.vecdot(x, y, axis=1)", (CUBE, (4, 3))),
        ("np.einsum('ij,jk->ik', x, y)", (A, B)),
        ("np.einsum('ij,jk', x, y)", (A, B)),
        ("np.einsum('ii', x)", (M,)),
        ("np.einsum('ii->i', x)", (M,)),
        ("np.einsum('ij->ji', x)", (A,)),
        ("np.einsum('ij->', x)", (A,)),
        ("np.einsum('ij,ij->', x, y)", (A, A)),
        ("np.einsum('i,j,k->kji', x, y, z)", ((2,), (3,), V)),
        ("np.einsum('ij,jk,kl->il', x, y, z)", (A, B, (4, 2))),
        ("np.einsum('...ij,...jk->...ik', x, y)", ((2, 2, 3), (2, 3, 4))),
        ("np.einsum('...i,i', x, y)", (CUBE, V)),
        ("np.einsum('iij,jk->ik', x, y)", ((2, 2, 3), (3, 2))),
        ("np.einsum('ij,kj->k', x, y)", (A, (4, 3))),
        ("np.einsum('b...,bi->...i', x, y)", (CUBE, (2, 3))),
    ):
        yield Asked(text, shapes)
    for mode in range(3):
        yield Asked(f"np.convolve(x, y, {mode})", ((5,), (3,)), jax=False)
    if hasattr(np, "vecdot"):
        yield Asked("np.vecdot(x, y, axis=0)", (B, (3,)))
    for name, shapes in (("vecdot", (A, A)), ("matvec", (CUBE, (2, 4))), ("vecmat", ((2, 3), CUBE))):
        if hasattr(np, name):
            yield Asked(f"np.{name}(x, y)", shapes)


def _reductions() -> Iterator[Asked]:
    mask = "where=numpy.array([True, False, True])"
    for name in ("var", "std", "median", "ptp", "nansum", "nanmean", "nanmax", "nanmin", "nanprod", "nanvar"):
        for options in ("", ", axis=0", ", axis=(0, 1)", ", axis=-1, keepdims=True"):
            yield Asked(f"np.{name}(x{options})", (A,))
    for text in (
        "np.var(x, ddof=1)",
        "np.std(x, 0, ddof=1)",
        f"np.sum(x, {mask})",
        f"np.sum(x, axis=1, {mask}, initial=2.0)",
        "np.sum(x, 1, None, None, True)",
        f"np.mean(x, axis=1, {mask})",
        f"np.var(x, axis=1, {mask})",
        f"np.std(x, axis=1, keepdims=True, {mask})",
        f"np.prod(x, {mask}, initial=3.0)",
        f"np.max(x, axis=0, initial=0.5, {mask})",
        f"np.min(x, initial=-0.5, {mask})",
        f"np.nanmean(x, {mask})",
        f"np.nanvar(x, axis=1, ddof=1, {mask})",
        f"np.nanstd(x, axis=1, keepdims=True, {mask})",
        f"np.nansum(x, axis=1, {mask})",
        "np.average(x)",
        "np.average(x, axis=1, weights=numpy.array([1.0, 2.0, 4.0]))",
        "np.average(x, weights=numpy.arange(1.0, 7).reshape(2, 3))",
        "np.quantile(x, 0.3)",
        "np.quantile(x, 0.3, axis=1)",
        "np.percentile(x, numpy.array([10.0, 40.0, 95.0]), axis=0)",
        "np.quantile(x, 0.7, axis=0, keepdims=True)",
    ):
        yield Asked(text, (A,))
    yield Asked("np.average(x, axis=0, weights=y)", (A, (2,)), 0.5, 2)
    yield Asked("np.average(x, axis=(2, 0), weights=y)", (CUBE, (4, 2)), 0.5, 2)
    for name in ("sum", "prod", "max", "min", "ptp", "nanmax", "nansum"):
        yield Asked(f"np.{name}(x, axis=0)", (S,))
        yield Asked(f"np.{name}(x, axis=-1)", (S,))
    for name in ("add", "multiply", "maximum", "fmin", "logaddexp"):
        yield Asked(f"np.{name}.reduce(x)", (S,), jax=False)
    for text in (
        "np.add.reduce(x)",
        "np.add.reduce(x, axis=1, keepdims=True)",
        "np.multiply.reduce(x, axis=None)",
        "np.maximum.reduce(x, 1)",
        "np.minimum.reduce(x)",
        "np.logaddexp.reduce(x)",
        "np.logaddexp.reduce(x, initial=0.5)",
        "np.logaddexp.reduce(x, 1, None, None, True, 0.5, numpy.array([True, False, True]))",
        "np.maximum.accumulate(x, 1, float)",
        "np.add.accumulate(x)",
        "np.add.accumulate(x, 1)",
        "np.multiply.accumulate(x, axis=1)",
        "np.maximum.accumulate(x, axis=1)",
        "np.minimum.accumulate(x)",
        "np.multiply.outer(x, numpy.arange(3.0))",
    ):
        yield Asked(text, (A,), jax=False)
    yield Asked("np.subtract.outer(x, y)", (A, (2,)), jax=False)


def _scans() -> Iterator[Asked]:
    for name in ("cumsum", "cumprod"):
        for options in ("", ", 0", ", axis=-1"):
            yield Asked(f"np.{name}(x{options})", (A,))
    for text, shapes in (
        ("np.diff(x)", (A,)),
        ("np.diff(x, 2, axis=1)", (CUBE,)),
        ("np.diff(x, axis=0, prepend=numpy.zeros((1, 3)))", (A,)),
        ("np.diff(x, prepend=0.0, append=1.0)", (V,)),
        ("np.ediff1d(x)", (A,)),
        ("np.ediff1d(x, y, 2.0)", (A, (2,))),
        ("np.trapezoid(x)", (A,)),
        ("np.trapezoid(x, dx=0.5, axis=0)", (A,)),
        ("np.trapezoid(y, x)", (V, V)),
        ("np.trapezoid(y, x, axis=0)", ((2,), A)),
        ("np.trapezoid(y, x)", (CUBE, V)),
        ("np.interp(x, numpy.array([-1.5, 0.0, 1.0, 1.5]), y)", ((5,), V)),
        ("np.interp(x, (-1.5, 0.0, 1.5), [1.0, 3.0, 2.0])", ((5,),)),
        ("np.interp(x, numpy.array([-1.0, 0.0, 1.0]), numpy.array([1.0, 3.0, 2.0]), -1.0, 4.0)", ((5,),)),
    ):
        yield Asked(text, shapes)
    yield Asked("np.interp(x, np.cumsum(y), z)", ((5,), V, V), 0.1, 1.0)


def _rearrangements() -> Iterator[Asked]:
    for text in (
        "np.sort(x)",
        "np.sort(x, axis=0)",
        "np.sort(x, axis=None)",
        "np.take(x, numpy.array([0, 2, 2]), axis=1)",
        "np.take(x, numpy.array([0, 5]))",
        "np.take(x, 1, axis=0)",
        "np.take_along_axis(x, numpy.array([[0], [2]]), 1)",
        "np.diag(x)",
        "np.diag(x, 1)",
        "np.diagonal(x)",
        "np.diagonal(x, 1)",
        "np.trace(x)",
        "np.trace(x, 1)",
        "np.tril(x)",
        "np.tril(x, -1)",
        "np.triu(x)",
        "np.triu(x, 1)",
        "np.swapaxes(x, 0, 1)",
        "np.moveaxis(x, 0, -1)",
        "np.rollaxis(x, 1)",
        "np.roll(x, 1)",
        "np.roll(x, (1, 2), axis=(0, 1))",
        "np.flip(x)",
        "np.flip(x, 0)",
        "np.fliplr(x)",
        "np.flipud(x)",
        "np.rot90(x)",
        "np.rot90(x, -1)",
        "np.repeat(x, 2)",
        "np.repeat(x, 2, axis=0)",
        "np.repeat(x, numpy.array([1, 0, 2]), axis=1)",
        "np.tile(x, 2)",
        "np.tile(x, (2, 1, 3))",
        "np.resize(x, (3, 5))",
        "np.delete(x, 1, axis=1)",
        "np.compress(numpy.array([True, False, True]), x, axis=1)",
        "np.pad(x, 1)",
        "np.pad(x, ((0, 1), (2, 0)), constant_values=3.0)",
        "np.pad(x, 1, mode='edge')",
        "np.pad(x, ((1, 0), (0, 2)), mode='reflect')",
        "np.pad(x, 1, 'wrap')",
        "np.split(x, 3, axis=1)[1]",
        "np.array_split(x, 2, axis=1)[0]",
        "np.vsplit(x, 2)[1]",
        "np.hsplit(x, numpy.array([1]))[1]",
        "np.ravel(x)",
        "np.ravel(x, order='F')",
        "np.reshape(x, (3, 2), order='F')",
        "np.reshape(x, -1)",
        "np.atleast_1d(x)",
        "np.atleast_2d(x)",
        "np.atleast_3d(x)",
        "np.hstack([x, x])",
        "np.vstack([x, 2 * x, numpy.ones((1, 3))])",
        "np.dstack([x, x])",
        "np.column_stack([x, x])",
        "np.append(x, 2 * x)",
        "np.append(x, 2 * x, axis=0)",
        "np.block([[x, 2 * x], [numpy.ones((1, 6))]])",
        "np.copy(x)",
        "np.broadcast_arrays(x, numpy.ones((4, 1, 1)))[0]",
        "np.concatenate([x, 3 * x], axis=None)",
        "np.concatenate([x, 3 * x], dtype=float)",
        "np.trace(x, 0, 0, 1, float)",
    ):
        yield Asked(text, (A,))
    for text, shape in (
        ("np.tril(x)", V),
        ("np.tril(x, 1)", V),
        ("np.triu(x)", V),
        ("np.triu(x, -1)", V),
        ("np.diag(x)", V),
        ("np.diag(x, -2)", V),
        ("np.diagflat(x)", A),
        ("np.flip(x, (0, 2))", CUBE),
        ("np.rot90(x, axes=(1, 2))", CUBE),
        ("np.trace(x, axis1=1, axis2=2)", CUBE),
        ("np.tril(x)", CUBE),
        ("np.atleast_2d(x)", S),
        ("np.atleast_3d(x)", V),
        ("np.hstack([x, 2.0, x * x])", S),
        ("np.hstack([x, x * x])", V),
        ("np.vstack([x, x * x])", V),
        ("np.column_stack([x, x * x])", V),
        ("np.repeat(x, 3)", S),
        ("np.dsplit(x, 2)[1]", CUBE),
    ):
        yield Asked(text, (shape,))
    yield Asked("np.partition(x, 2)", ((5,),), jax=False)
    yield Asked("np.lib.stride_tricks.sliding_window_view(x, 3)", ((6,),), jax=False)
    yield Asked("np.lib.stride_tricks.sliding_window_view(x, (2, 2))", (B,), jax=False)
    if hasattr(np, "unstack"):
        yield Asked("np.unstack(x, axis=1)[2]", (A,))


def _composed() -> Iterator[Asked]:
    for text, shapes in (
        ("np.cov(x)", (A,)),
        ("np.cov(x)", (V,)),
        ("np.cov(x, y)", (A, A)),
        ("np.cov(x, y, rowvar=False)", (V, V)),
        ("np.cov(x, rowvar=False, ddof=0)", (A,)),
        ("np.cov(x, None, True, True)", (A,)),
        ("np.corrcoef(x)", (A,)),
        ("np.corrcoef(x, y)", (V, V)),
        ("np.gradient(x)", (V,)),
        ("np.gradient(x, 0.5)", (V,)),
        ("np.gradient(x, 0.5, edge_order=2)", (V,)),
        ("np.gradient(x, numpy.array([0.0, 0.5, 2.0, 2.5]))", (V,)),
        ("np.gradient(x, numpy.array([0.0, 0.5, 2.0, 2.5]), edge_order=2)", (V,)),
        ("np.gradient(x, axis=1)", (A,)),
        ("np.gradient(x)[0]", (A,)),
        ("np.gradient(x, 0.5, 2.0)[1]", (A,)),
        ("np.gradient(x, 0.5, axis=(1, 2))[0]", (CUBE,)),
        ("np.linspace(x, y, 4)", (S, S)),
        ("np.linspace(x, 3.0, 4, False)", (S,)),
        ("np.linspace(x, y, 1)", (S, S)),
        ("np.linspace(x, y, 5, axis=1)", (V, V)),
        ("np.linspace(x, y, num=5)", (A, (3,))),
        ("np.add(*np.meshgrid(x, y))", (V, (3,))),
        ("np.multiply(*np.meshgrid(x, y, indexing='ij'))", (V, (3,))),
        ("sum(np.meshgrid(x, y, 2 * numpy.ones(2), sparse=True))", (V, (3,))),
        ("np.meshgrid(x)[0]", (V,)),
        ("np.polyval(x, y)", (V, S)),
        ("np.polyval(x, y)", (V, A)),
        ("np.polyval([1.0, -2.0, 0.5], x)", (A,)),
        ("np.vander(x)", (V,)),
        ("np.vander(x, 3, True)", (V,)),
        ("np.insert(x, 1, y)", (V, S)),
        ("np.insert(x, 1, y, axis=1)", (A, (2,))),
        ("np.insert(x, 1, y, axis=0)", (A, (3,))),
        ("np.insert(x, [0, 2], y, axis=1)", (A, (2, 2))),
        ("np.insert(x, [1, 1, 4], y)", (V, (3,))),
        ("np.insert(x, 2, [5.0, 6.0])", (A,)),
        ("np.apply_along_axis(lambda row: row * row.sum(), 0, x)", (A,)),
        ("np.apply_along_axis(lambda row: row.sum(), 1, x)", (CUBE,)),
        ("np.apply_along_axis(lambda row, by: np.outer(row, row) * by, 1, x, 2.0)", (CUBE,)),
        ("np.piecewise(x, [x < 0, x >= 0], [lambda v: v * v, lambda v: np.sin(v)])", (A,)),
        ("np.piecewise(x, [x < -1, x < 0], [-1.0, lambda v: v * v, np.sin])", (V,)),
        ("np.piecewise(x, x < 0, [np.exp, 2.0])", (V,)),
        ("np.piecewise(x, [x < 0, x >= 0], [np.exp, np.sin])", (S,)),
        ("np.unwrap(x)", (V,)),
        ("np.unwrap(4 * x, axis=0)", (A,)),
        ("np.unwrap(x, period=1.5)", (A,)),
        ("np.nancumsum(x)", (A,)),
        ("np.nancumsum(x, axis=1)", (A,)),
        ("np.nancumprod(x, axis=0)", (A,)),
        ("np.extract(numpy.array([[True, False, True], [False, True, True]]), x)", (A,)),
    ):
        yield Asked(text, shapes, jax=False)
    if hasattr(np, "cumulative_sum"):
        yield Asked("np.cumulative_sum(x)", (V,), jax=False)
        yield Asked("np.cumulative_sum(x, axis=1, include_initial=True)", (A,), jax=False)
        yield Asked("np.cumulative_prod(x, axis=0, include_initial=True)", (A,), jax=False)


def _linear_algebra() -> Iterator[Asked]:
    for text in (
        "np.linalg.norm(x)",
        "np.linalg.norm(x, axis=0)",
        "np.linalg.norm(x, axis=1, keepdims=True)",
        "np.linalg.norm(x, 1, axis=1)",
        "np.linalg.norm(x, 3, axis=1)",
        "np.linalg.norm(x, numpy.inf, axis=0)",
        "np.linalg.norm(x, -numpy.inf, axis=0)",
        "np.linalg.norm(x, 'fro')",
        "np.linalg.norm(x, 1)",
        "np.linalg.norm(x, -1)",
        "np.linalg.norm(x, numpy.inf)",
        "np.linalg.vector_norm(x)",
        "np.linalg.matrix_norm(x)",
        "np.linalg.diagonal(x)",
        "np.linalg.trace(x)",
        "np.linalg.matrix_transpose(x)",
    ):
        yield Asked(text, (A,))
    for text, shapes in (
        ("np.linalg.solve(x, y)", (M, (3,))),
        ("np.linalg.solve(x, y)", (M, (3, 2))),
        ("np.linalg.solve(x, y)", ((2, 3, 3), (3,))),
        ("np.linalg.solve(x, y)", ((2, 3, 3), (2, 3, 2))),
        ("np.linalg.inv(x)", (M,)),
        ("np.linalg.inv(x)", ((2, 2, 2),)),
        ("np.linalg.det(x)", (M,)),
        ("np.linalg.det(x)", ((2, 3, 3),)),
        ("np.linalg.slogdet(x)[1]", (M,)),
        ("np.linalg.matrix_power(x, 3)", (M,)),
        ("np.linalg.matrix_power(x, -2)", (M,)),
        ("np.linalg.matrix_power(x, 1)", (M,)),
        (f"np.linalg.cholesky({POSITIVE})", (M,)),
        (f"np.linalg.cholesky({POSITIVE})", ((2, 3, 3),)),
        (f"np.linalg.eigh({POSITIVE})[0]", (M,)),
        (f"np.linalg.eigh({POSITIVE})[1] ** 2", (M,)),
        (f"np.linalg.eigvalsh({POSITIVE})", (M,)),
        ("np.linalg.eigh(x + np.swapaxes(x, -1, -2))[1] ** 2", ((2, 3, 3),)),
    ):
        yield Asked(text, shapes)
    yield Asked("np.linalg.cholesky(x * x.T + 9 * numpy.eye(3), upper=True)", (M,), jax=False)
    yield Asked("np.linalg.cholesky(x + 9 * numpy.eye(3))", (M,), jax=False)
    yield Asked("np.linalg.eigvalsh(x)", (M,), jax=False)
    yield Asked("np.linalg.eigvalsh(x, 'U')", (M,), jax=False)


def _methods() -> Iterator[Asked]:
    for text in (
        "x.dot(x.T)",
        "x.var(0)",
        "x.std()",
        "x.std(axis=1, ddof=1)",
        "x.cumsum(1)",
        "x.cumprod()",
        "x.trace()",
        "x.ravel()",
        "x.flatten()",
        "x.swapaxes(0, 1)",
        "x.repeat(2, axis=1)",
        "x.take(numpy.array([1, 1]), axis=1)",
        "x.compress(numpy.array([True, False, True]), axis=1)",
        "x.diagonal()",
        "x.copy()",
        "x.conj()",
        "x.mT",
        "x.real",
    ):
        yield Asked(text, (A,), jax=False)


CALLS = [
    *_elementwise(),
    *_products(),
    *_reductions(),
    *_scans(),
    *_rearrangements(),
    *_composed(),
    *_linear_algebra(),
    *_methods(),
]
