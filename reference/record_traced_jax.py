"""Record which of JAX's own operations are traced, and whether their derivatives' formulas are the truth.

Run ``python reference/record_traced_jax.py``, some minutes; it writes traced_jax.json beside this file. Each
variant is an expression over the operands of `OPERANDS`, asked in float64 in forward and in reverse mode.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax, nn

from nn_from_scratch.verify.functions.jaxpr.formulas import trace
from nn_from_scratch.verify.functions.jaxpr.interpreter import NotTracedError
from nn_from_scratch.verify.functions.jaxpr.judging import formula_row
from nn_from_scratch.verify.functions.jaxpr.question import MODES, Question, drawn

PATH = Path(__file__).with_name("traced_jax.json")

_DRAW = np.random.default_rng(0)


def _normal(*shape: int) -> Any:
    return np.round(_DRAW.normal(size=shape), 3) + 2.0**-12


OPERANDS: dict[str, Any] = {
    "x": _normal(5),
    "y": _normal(5),
    "p": np.abs(_normal(5)) + 0.5,
    "q": np.abs(_normal(5)) + 0.75,
    "u": np.array([0.125, 0.3, 0.47, 0.71, 0.9]),
    "w": np.array([1.25, 1.5, 2.25, 3.5, 1.125]),
    "m": _normal(3, 3),
    "n": _normal(3, 3),
    "r": _normal(3, 4),
    "c": _normal(4, 2),
    "t": _normal(2, 3, 4),
    "g": _normal(1, 2, 6, 6),
    "k": _normal(3, 2, 3, 3),
    "h": _normal(1, 2, 8),
    "l": _normal(3, 2, 3),
}
"""What x, y, p... are: p and q are positive, u lies between 0 and 1, w beyond 1."""

UNARY = {
    "x": (
        "sin cos tan arctan sinh cosh tanh arcsinh exp exp2 expm1 abs absolute fabs negative positive "
        "square sinc sign floor ceil rint trunc cbrt deg2rad rad2deg degrees radians sum prod mean var "
        "std max min amax amin ptp median cumsum cumprod sort diff ravel flip atleast_1d atleast_2d "
        "atleast_3d nan_to_num real conj nansum nanmean nanvar nanstd nanmax nanmin nanprod nancumsum "
        "nancumprod trapezoid logspace ediff1d round zeros_like copy vander diag heaviside"
    ),
    "p": "log log2 log10 log1p sqrt reciprocal",
    "u": "arcsin arccos arctanh i0",
    "w": "arccosh",
    "m": "transpose trace diagonal tril triu fliplr flipud rot90 diag ravel cov corrcoef",
    "t": "squeeze sum prod max min mean var std cumsum cumprod sort transpose ravel flip median",
}
"""Functions of jax.numpy of one operand."""

BINARY = {
    "x, y": (
        "add subtract multiply divide true_divide maximum minimum fmax fmin hypot logaddexp logaddexp2 "
        "arctan2 dot inner outer vdot kron convolve correlate append hstack vstack dstack "
        "column_stack copysign remainder fmod mod heaviside polyval polymul polyadd "
        "polysub"
    ),
    "p, q": "power float_power arctan2 hypot logaddexp remainder",
    "m, n": "matmul dot inner outer vdot kron tensordot add multiply maximum",
    "r, c": "matmul dot",
}
"""Functions of jax.numpy of two operands."""

OTHERS = """
jnp.cross(x[:3], y[:3])
jnp.stack([x, y])
jnp.stack([x, y], 1)
jnp.concatenate([x, y])
jnp.hstack([x, y])
jnp.vstack([x, y])
jnp.dstack([x, y])
jnp.column_stack([x, y])
jnp.tensordot(r, c, 1)
jnp.interp(x, jnp.array([-3.0, 0.1, 3.0]), y[:3])
jnp.where(x > 0, x, y)
jnp.where(x > y, x * y, x + y)
jnp.select([x > 1, x > 0], [x, y], 0.5)
jnp.clip(x, -0.5, 0.5)
jnp.clip(x, y - 1, y + 1)
jnp.take(x, jnp.array([0, 2, 2]))
jnp.take(t, jnp.array([0, 2]), axis=1)
jnp.take_along_axis(r, jnp.array([[0, 1], [3, 3], [2, 0]]), 1)
jnp.repeat(x, 2)
jnp.repeat(r, jnp.array([1, 2, 0]), axis=0, total_repeat_length=3)
jnp.tile(x, 3)
jnp.roll(x, 2)
jnp.pad(r, 1)
jnp.pad(r, 1, mode="edge")
jnp.pad(r, 1, mode="reflect")
jnp.pad(r, 1, mode="symmetric")
jnp.pad(r, 1, mode="wrap")
jnp.pad(r, 1, mode="mean")
jnp.reshape(t, (4, 6))
jnp.swapaxes(t, 0, 2)
jnp.moveaxis(t, 0, 2)
jnp.expand_dims(x, 1)
jnp.broadcast_to(x, (3, 5))
jnp.split(x, [2])[1]
jnp.array_split(x, 2)[0]
jnp.insert(x, 2, 1.5)
jnp.delete(x, 2)
jnp.rot90(m, 2)
jnp.sum(t, axis=(0, 2))
jnp.sum(t, axis=1, keepdims=True)
jnp.mean(t, axis=1)
jnp.var(t, axis=(0, 1), ddof=1)
jnp.std(t, axis=2)
jnp.prod(t, axis=1)
jnp.max(t, axis=(0, 1))
jnp.min(t, axis=2)
jnp.cumsum(t, axis=1)
jnp.cumprod(t, axis=1)
jnp.sort(t, axis=1)
jnp.median(r, axis=1)
jnp.quantile(x, 0.3)
jnp.percentile(r, 40, axis=1)
jnp.average(x, weights=p)
jnp.diff(t, n=2)
jnp.gradient(x)
jnp.einsum("ij,jk->ik", r, c)
jnp.einsum("ij,ij->i", m, n)
jnp.einsum("ii->i", m)
jnp.einsum("ij->ji", r)
jnp.einsum("abc,ad,dbe->ce", t, jnp.ones((2, 2)) * x[0], t)
jnp.power(p, 3)
jnp.power(p, -2)
jnp.power(p, 0.5)
jnp.power(p, 1.7)
p**2
x**3
x**5
p**-1
2.0**x
p**x
x / p
1 / p
x % p
x // 1
x[1:4]
x[::-1]
x[::2]
x[jnp.array([0, 0, 3])]
t[:, 1]
t[..., None]
t[0, jnp.array([1, 2]), 1:3]
x.at[1].set(2.0)
x.at[jnp.array([1, 1])].add(y[:2])
x.at[1:3].multiply(y[:2])
x.at[0].max(y[0])
x.at[0].min(y[0])
x.at[2].get()
x.at[1].divide(p[1])
x.at[1].power(2)
t.at[:, 0].set(r[0])
jnp.linalg.norm(x)
jnp.linalg.norm(x, 1)
jnp.linalg.norm(x, 3)
jnp.linalg.norm(x, jnp.inf)
jnp.linalg.norm(m)
jnp.linalg.norm(m, axis=0)
jnp.linalg.norm(m, 1)
jnp.linalg.norm(m, 2)
jnp.linalg.norm(m, "nuc")
jnp.linalg.det(m)
jnp.linalg.slogdet(m)[1]
jnp.linalg.inv(m)
jnp.linalg.solve(m, n)
jnp.linalg.solve(m, x[:3])
jnp.linalg.cholesky(m @ m.T + jnp.eye(3))
jnp.linalg.matrix_power(m, 3)
jnp.linalg.matrix_power(m, -2)
jnp.linalg.multi_dot([r, c, c.T])
jnp.linalg.eigvalsh(m + m.T)
jnp.linalg.svd(m, compute_uv=False)
jnp.linalg.qr(m)[1]
jnp.linalg.pinv(r)
jnp.linalg.lstsq(r.T, x[:4])[0]
jnp.linalg.vecdot(r, r)
jnp.linalg.trace(m)
jnp.linalg.outer(x, y)
jnp.linalg.cross(x[:3], y[:3])
jnp.linalg.tensorsolve(m, x[:3])
jnp.linalg.matrix_norm(m)
jnp.linalg.vector_norm(x)
jax.scipy.linalg.cho_solve((jnp.linalg.cholesky(m @ m.T + jnp.eye(3)), True), n)
jax.scipy.linalg.solve_triangular(m, n, lower=True)
jax.scipy.linalg.solve_triangular(m, n, trans=1)
jax.scipy.linalg.solve_triangular(m, n, unit_diagonal=True)
jax.scipy.linalg.solve(m, n)
jax.scipy.linalg.solve(m @ m.T + jnp.eye(3), n, assume_a="pos")
jax.scipy.linalg.inv(m)
jax.scipy.linalg.det(m)
jax.scipy.linalg.lu(m)[2]
jax.scipy.linalg.lu_factor(m)[0]
jax.scipy.linalg.lu_solve(jax.scipy.linalg.lu_factor(m), n)
jax.scipy.linalg.expm(m)
jax.scipy.linalg.block_diag(m, r)
jax.scipy.linalg.cholesky(m @ m.T + jnp.eye(3))
jax.scipy.special.logsumexp(x)
jax.scipy.special.logsumexp(x, b=p)
jax.scipy.special.logit(u)
jax.scipy.special.expit(x)
jax.scipy.special.log_softmax(x)
jax.scipy.special.softmax(x)
jax.scipy.special.xlogy(x, p)
jax.scipy.special.xlog1py(x, p)
jax.scipy.special.entr(p)
jax.scipy.special.rel_entr(p, q)
jax.scipy.special.kl_div(p, q)
jax.scipy.special.erf(x)
jax.scipy.special.erfc(x)
jax.scipy.special.erfinv(u)
jax.scipy.special.ndtr(x)
jax.scipy.special.ndtri(u)
jax.scipy.special.log_ndtr(x)
jax.scipy.special.gammaln(p)
jax.scipy.special.gamma(p)
jax.scipy.special.digamma(p)
jax.scipy.special.polygamma(1, p)
jax.scipy.special.betaln(p, q)
jax.scipy.special.beta(p, q)
jax.scipy.special.betainc(p, q, u)
jax.scipy.special.gammainc(p, q)
jax.scipy.special.gammaincc(p, q)
jax.scipy.special.factorial(p)
jax.scipy.special.multigammaln(w, 2)
jax.scipy.special.i0(x)
jax.scipy.special.i0e(x)
jax.scipy.special.i1(x)
jax.scipy.special.i1e(x)
jax.scipy.special.expi(p)
jax.scipy.special.exp1(p)
jax.scipy.special.expn(2, p)
jax.scipy.special.zeta(w, p)
jax.scipy.special.spence(p)
jax.scipy.special.poch(p, q)
jax.scipy.stats.norm.logpdf(x, y, p)
jax.scipy.stats.norm.cdf(x)
jax.scipy.stats.norm.logcdf(x)
jax.scipy.stats.norm.ppf(u)
jax.scipy.stats.gamma.logpdf(p, q)
jax.scipy.stats.beta.logpdf(u, p, q)
jax.scipy.stats.cauchy.logpdf(x)
jax.scipy.stats.laplace.logpdf(x)
jax.scipy.stats.logistic.logpdf(x)
jax.scipy.stats.t.logpdf(x, p)
jax.scipy.stats.poisson.logpmf(3, p)
jax.scipy.stats.expon.logpdf(p)
jax.scipy.stats.pareto.logpdf(w, p)
jax.scipy.stats.multivariate_normal.logpdf(x[:3], y[:3], m @ m.T + jnp.eye(3))
jax.scipy.stats.dirichlet.logpdf(u / u.sum(), p)
jax.scipy.signal.convolve(x, y)
jax.scipy.signal.correlate(x, y)
jax.scipy.ndimage.map_coordinates(r, [u * 2, u * 3], 1)
nn.relu(x)
nn.relu6(x)
nn.sigmoid(x)
nn.softplus(x)
nn.sparse_plus(x)
nn.soft_sign(x)
nn.silu(x)
nn.swish(x)
nn.log_sigmoid(x)
nn.leaky_relu(x)
nn.hard_sigmoid(x)
nn.hard_silu(x)
nn.hard_tanh(x)
nn.elu(x)
nn.celu(x)
nn.selu(x)
nn.gelu(x)
nn.gelu(x, approximate=False)
nn.glu(t)
nn.squareplus(x)
nn.mish(x)
nn.softmax(r)
nn.softmax(r, axis=0)
nn.log_softmax(r)
nn.logsumexp(r, axis=1)
nn.standardize(r)
nn.tanh(x)
nn.logmeanexp(x)
nn.dot_product_attention(t[None], t[None], t[None])
lax.add(x, y)
lax.sub(x, y)
lax.mul(x, y)
lax.div(x, p)
lax.rem(x, p)
lax.pow(p, x)
lax.integer_pow(x, 4)
lax.max(x, y)
lax.min(x, y)
lax.atan2(x, y)
lax.nextafter(x, y)
lax.exp(x)
lax.exp2(x)
lax.expm1(x)
lax.log(p)
lax.log1p(p)
lax.sin(x)
lax.cos(x)
lax.tan(x)
lax.tanh(x)
lax.logistic(x)
lax.asin(u)
lax.acos(u)
lax.atan(x)
lax.sinh(x)
lax.cosh(x)
lax.asinh(x)
lax.acosh(w)
lax.atanh(u)
lax.sqrt(p)
lax.rsqrt(p)
lax.cbrt(p)
lax.square(x)
lax.reciprocal(p)
lax.abs(x)
lax.sign(x)
lax.floor(x)
lax.ceil(x)
lax.round(x)
lax.erf(x)
lax.erfc(x)
lax.erf_inv(u)
lax.lgamma(p)
lax.digamma(p)
lax.igamma(p, q)
lax.bessel_i0e(x)
lax.bessel_i1e(x)
lax.clamp(-0.5, x, 0.5)
lax.select(x > 0, x, y)
lax.cumsum(x, reverse=True)
lax.cumprod(x, reverse=True)
lax.cummax(x)
lax.cummin(x)
lax.cumlogsumexp(x)
lax.reduce_precision(x, 8, 23)
lax.stop_gradient(x) * x
lax.rev(t, (0, 2))
lax.transpose(t, (2, 0, 1))
lax.slice(t, (0, 1, 0), (2, 3, 4), (1, 1, 2))
lax.dynamic_slice(t, (0, 1, 1), (2, 2, 2))
lax.dynamic_update_slice(x, y[:2], (1,))
lax.pad(x, 0.5, [(1, 2, 1)])
lax.pad(x, y[0], [(1, -1, 0)])
lax.broadcast(x, (2,))
lax.broadcast_in_dim(x, (2, 5), (1,))
lax.concatenate([x, y], 0)
lax.expand_dims(x, (0,))
lax.squeeze(t[:1], (0,))
lax.sort(x)
lax.sort([x, y], num_keys=1)[1]
lax.top_k(x, 3)[0]
lax.dot(r, c)
lax.dot_general(t, t, (((2,), (2,)), ((0,), (0,))))
lax.batch_matmul(t, t.mT)
lax.reduce(x, 0.0, lax.add, (0,))
lax.reduce(x, 1.0, lax.mul, (0,))
lax.reduce_max(t, (0, 2))
lax.reduce_min(t, (1,))
lax.reduce_sum(t, (0,))
lax.reduce_prod(t, (1,))
lax.conv(g, k, (1, 1), "SAME")
lax.conv(g, k, (2, 2), "VALID")
lax.conv_general_dilated(g, k, (1, 1), "SAME", rhs_dilation=(2, 2))
lax.conv_general_dilated(g, k, (1, 1), ((1, 2), (0, 1)), lhs_dilation=(2, 1))
lax.conv_general_dilated(h, l, (2,), "SAME")
lax.conv_general_dilated(g, k[:2, :1], (1, 1), "VALID", feature_group_count=2)
lax.conv_transpose(g, k, (2, 2), "SAME", dimension_numbers=("NCHW", "OIHW", "NCHW"))
lax.conv_general_dilated_patches(g, (2, 2), (1, 1), "VALID")
lax.reduce_window(g, 0.0, lax.add, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")
lax.reduce_window(g, -jnp.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")
lax.reduce_window(g, 0.0, lax.add, (1, 1, 3, 3), (1, 1, 2, 2), "SAME")
lax.reduce_window(g, -jnp.inf, lax.max, (1, 1, 3, 3), (1, 1, 2, 2), "SAME")
lax.reduce_window(g, jnp.inf, lax.min, (1, 1, 3, 3), (1, 1, 1, 1), "VALID")
lax.linalg.cholesky(m @ m.T + jnp.eye(3))
lax.linalg.triangular_solve(m, n, left_side=True, lower=True)
lax.linalg.triangular_solve(m, n, left_side=False, transpose_a=True)
lax.linalg.lu(m)[0]
lax.linalg.eigh(m + m.T)[1]
lax.linalg.qr(m)[1]
lax.linalg.svd(m)[1]
lax.linalg.tridiagonal_solve(x, p + 5, y, r[0, :1] * jnp.ones((5, 1)))
lax.cond(x[0] > 0, jnp.sin, jnp.cos, x)
lax.switch(1, [jnp.sin, jnp.cos], x)
lax.scan(lambda a, b: (a * b, a + b), x[0], y)[1]
lax.map(lambda a: a * jnp.sin(a), x)
lax.fori_loop(0, 3, lambda i, a: a * jnp.cos(a), x)
lax.associative_scan(lax.mul, x)
lax.custom_root(lambda a: a**3 - p, p, lambda f, a: p ** (1 / 3), lambda f, b: b / f(1.0))
lax.top_k(r, 2)[0]
jax.checkpoint(jnp.sin)(x)
jax.jit(jnp.tanh)(x)
jax.vmap(jnp.dot)(m, n)
jax.ops.segment_sum(x, jnp.array([0, 0, 1, 2, 1]), 3)
jax.ops.segment_max(x, jnp.array([0, 0, 1, 2, 1]), 3)
jax.ops.segment_prod(x, jnp.array([0, 0, 1, 2, 1]), 3)
jax.image.resize(r, (6, 8), "linear")
jax.image.resize(r, (6, 8), "cubic")
jax.image.resize(r, (6, 8), "nearest")
jnp.fft.rfft(x).real
jnp.fft.irfft(x + 0j)
jnp.fft.irfft(jnp.fft.rfft(x) * jnp.fft.rfft(y))
jnp.abs(jnp.fft.fft(x))
jnp.fft.ifft(jnp.fft.fft(x) * jnp.conj(jnp.fft.fft(y))).real
jnp.fft.fft2(r).imag
jnp.fft.irfftn(jnp.fft.rfftn(t))
jnp.fft.fftshift(jnp.fft.fft(x)).real
jnp.exp(lax.complex(x, y)).real
(lax.complex(x, y) / lax.complex(p, q)).imag
jnp.abs(lax.complex(m, n) @ lax.complex(n, m))
"""
"""Expressions over the operands, one a line."""


def variants() -> list[str]:
    """Return every expression."""
    found = [f"jnp.{name}({operand})" for operand, names in UNARY.items() for name in names.split()]
    found += [f"jnp.{name}({pair})" for pair, names in BINARY.items() for name in names.split()]
    return [*dict.fromkeys([*found, *OTHERS.split("\n")[1:-1]])]


def function_of(variant: str) -> tuple[Any, list[Any]]:
    """Return an expression as a function of the operands that it names, and those."""
    names = compile(variant, "variant", "eval").co_names
    used = [name for name in OPERANDS if name in names]
    space = {"jax": jax, "jnp": jnp, "lax": lax, "nn": nn}
    return eval(f"lambda {', '.join(used)}: {variant}", space), [OPERANDS[name] for name in used]  # noqa: S307


def asked(variant: str) -> dict[str, Any]:
    """Return what is found of an expression in each mode, and the primitives that were traced."""
    function, arguments = function_of(variant)
    found: dict[str, Any] = {"primitives": []}
    primitives: set[str] = set()
    with jax.enable_x64(True):
        question = Question.of(function, arguments)
        outputs, inputs = drawn(question.outputs(wide=True), 0), drawn(question.point, 1)
        for mode in ("fwd", "rev"):
            traced = trace(question, MODES[mode](question), wide=True, by_outputs=mode == "rev")
            try:
                row = formula_row(mode, mode, traced, outputs, inputs)
                found[mode] = f"{row.verdict}: {row.said.splitlines()[0]}"
            except NotTracedError as error:
                found[mode] = f"not traced: {str(error).split(' (')[0]}"
            primitives |= traced.primitives
    found["primitives"] = sorted(primitives)
    return found


def main() -> None:
    """Ask every variant, and write what was found."""
    results: dict[str, Any] = {}
    for variant in variants():
        try:
            results[variant] = asked(variant)
        except Exception as error:  # noqa: BLE001  JAX itself has no derivative of some
            results[variant] = {"not asked": f"{type(error).__name__}: {str(error).splitlines()[0][:100]}"}
        print(variant, results[variant])
    equal = [name for name, found in results.items() if _is_equal(found)]
    traced = {p for name in equal for p in results[name]["primitives"]}
    record = {
        "about": "Which variants of JAX's operations are traced, and what is said of each.",
        "provenance": {"script": "reference/record_traced_jax.py", "jax": jax.__version__},
        "variants": len(results),
        "equal": len(equal),
        "primitives": sorted(traced),
    }
    PATH.write_text(json.dumps({**record, "found": results}, indent=1) + "\n")
    print(record)


def _is_equal(found: dict[str, Any]) -> bool:
    return all(found.get(mode, "").startswith("right: formula equal") for mode in ("fwd", "rev"))


if __name__ == "__main__":
    main()
