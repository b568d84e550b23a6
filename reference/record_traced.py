"""Record which operations of numpy and scipy are traced: python reference/record_traced.py."""

# ruff: noqa: PLW0108 - in a lambda a function is looked up when it is traced, and found replaced

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import scipy.linalg
import scipy.special

from nn_from_scratch.verify.campaign.environment import environment
from nn_from_scratch.verify.functions.tracing.arrays.ended import TraceEndedError
from nn_from_scratch.verify.functions.tracing.arrays.runs import Subject
from nn_from_scratch.verify.functions.tracing.constants import Reading
from nn_from_scratch.verify.functions.tracing.local import LocalCheck
from nn_from_scratch.verify.functions.tracing.rules import truth_along
from nn_from_scratch.verify.functions.tracing.shadows import exactly_computing

HERE = Path(__file__).parent
RNG = np.random.default_rng(0)
UNIT = RNG.uniform(0.1, 0.9, (3, 4))
ABOVE_ONE = 1 + UNIT
SQUARE = UNIT[:3, :3] + 2 * np.eye(3)
SYMMETRIC = SQUARE @ SQUARE.T
STACK = RNG.uniform(0.1, 0.9, (2, 3, 4))
VECTOR = UNIT[0]
INDEX = np.array([2, 0, 2])
MASK = UNIT > 0.5
OTHER = RNG.uniform(1, 2, (3, 4))

UNARY = """
    negative positive absolute fabs sqrt square cbrt reciprocal exp exp2 expm1 log log2 log10 log1p sin
    cos tan arcsin arccos arctan sinh cosh tanh arcsinh arctanh degrees radians deg2rad rad2deg conjugate
    sum prod mean std var cumsum cumprod max min ptp amax amin sort ravel transpose diff flip fliplr
    flipud rot90 squeeze real trace diagonal diag tril triu atleast_1d atleast_2d atleast_3d copy
    nan_to_num sinc i0 unwrap average nansum nanmean nanmax median angle conj imag ediff1d
    trapezoid nanprod nanmin nanvar nanstd
"""
BINARY = """
    add subtract multiply divide true_divide power float_power maximum minimum fmax fmin hypot arctan2
    logaddexp logaddexp2 remainder mod fmod copysign inner outer kron heaviside
"""
SPECIAL = """
    erf erfc erfinv expit logit log_expit ndtr log_ndtr gammaln gamma digamma psi exp10 cbrt log1p expm1
    xlogy rgamma erfcx dawsn ndtri i0 i1 j0 j1 entr kl_div rel_entr huber pseudo_huber boxcox betaln beta
    xlog1py zeta expi exprel sindg cosdg
"""


def operations() -> dict[str, tuple[Callable[[Any], Any], Any]]:
    """Return every operation that is asked, with a point of its domain."""
    asked: dict[str, tuple[Callable[[Any], Any], Any]] = {}
    for name in UNARY.split():
        point = SQUARE if name in {"trace", "diagonal", "diag"} else UNIT
        asked[name] = (getattr(np, name), point)
    asked["arccosh"] = (np.arccosh, ABOVE_ONE)
    for name in BINARY.split():
        asked[f"{name}, first operand"] = (_first(getattr(np, name)), UNIT)
        asked[f"{name}, second operand"] = (_second(getattr(np, name)), UNIT)
    for name in SPECIAL.split():
        function = getattr(scipy.special, name)
        if name in {
            "xlogy",
            "kl_div",
            "rel_entr",
            "huber",
            "pseudo_huber",
            "boxcox",
            "betaln",
            "beta",
            "xlog1py",
        }:
            asked[f"scipy.special.{name}"] = (_second(function), UNIT)
        elif name == "zeta":
            asked[f"scipy.special.{name}"] = (_with_order(function), ABOVE_ONE)
        else:
            asked[f"scipy.special.{name}"] = (function, UNIT)
    return asked | MOVEMENTS | PRODUCTS | SCIPY | LINEAR | IN_PLACE


def _first(function: Callable[..., Any]) -> Callable[[Any], Any]:
    return lambda x: function(x, OTHER)


def _second(function: Callable[..., Any]) -> Callable[[Any], Any]:
    return lambda x: function(OTHER, x)


def _with_order(function: Callable[..., Any]) -> Callable[[Any], Any]:
    return lambda x: function(2, x)


MOVEMENTS: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "reshape": (lambda x: np.reshape(x, (4, 3)), UNIT),
    "swapaxes": (lambda x: np.swapaxes(x, 0, 1), UNIT),
    "moveaxis": (lambda x: np.moveaxis(x, 0, 1), UNIT),
    "rollaxis": (lambda x: np.rollaxis(x, 1), UNIT),
    "concatenate": (lambda x: np.concatenate([x, 2 * x], axis=1), UNIT),
    "stack": (lambda x: np.stack([x, 2 * x]), UNIT),
    "vstack": (lambda x: np.vstack([x, OTHER]), UNIT),
    "hstack": (lambda x: np.hstack([x, OTHER]), UNIT),
    "dstack": (lambda x: np.dstack([x, OTHER]), UNIT),
    "column_stack": (lambda x: np.column_stack([x, OTHER]), UNIT),
    "block": (lambda x: np.block([[x, x], [x, x]]), UNIT),
    "append": (lambda x: np.append(x, OTHER, axis=0), UNIT),
    "insert": (lambda x: np.insert(x, 1, 0.5, axis=0), UNIT),
    "delete": (lambda x: np.delete(x, 1, axis=0), UNIT),
    "split": (lambda x: np.split(x, 2, axis=1)[1], UNIT),
    "array_split": (lambda x: np.array_split(x, 2)[1], UNIT),
    "hsplit": (lambda x: np.hsplit(x, 2)[0], UNIT),
    "vsplit": (lambda x: np.vsplit(x, 3)[0], UNIT),
    "expand_dims": (lambda x: np.expand_dims(x, 1), UNIT),
    "broadcast_to": (lambda x: np.broadcast_to(x, (2, 3, 4)), UNIT),
    "broadcast_arrays": (lambda x: np.broadcast_arrays(x, STACK)[0], UNIT),
    "take": (lambda x: np.take(x, INDEX, axis=0), UNIT),
    "take_along_axis": (lambda x: np.take_along_axis(x, np.argsort(x, 1), 1), UNIT),
    "compress": (lambda x: np.compress([True, False, True], x, axis=0), UNIT),
    "extract": (lambda x: np.extract(MASK, x), UNIT),
    "choose": (lambda x: np.choose([0, 1, 0, 1], [x[0], x[1]]), UNIT),
    "select": (lambda x: np.select([MASK, ~MASK], [x, 2 * x]), UNIT),
    "where": (lambda x: np.where(MASK, x, OTHER), UNIT),
    "repeat": (lambda x: np.repeat(x, 2, axis=1), UNIT),
    "tile": (lambda x: np.tile(x, (2, 1)), UNIT),
    "roll": (lambda x: np.roll(x, 1, axis=1), UNIT),
    "pad": (lambda x: np.pad(x, 1), UNIT),
    "pad, edge": (lambda x: np.pad(x, 1, mode="edge"), UNIT),
    "pad, reflect": (lambda x: np.pad(x, 1, mode="reflect"), UNIT),
    "resize": (lambda x: np.resize(x, (2, 2)), UNIT),
    "sliding_window_view": (lambda x: np.lib.stride_tricks.sliding_window_view(x, 2, axis=1), UNIT),
    "clip": (lambda x: np.clip(x, 0.3, 0.7), UNIT),
    "partition": (lambda x: np.partition(x, 1), UNIT),
    "array": (lambda x: np.array(x), UNIT),
    "array of a list": (lambda x: np.array([x[0, 0], 2 * x[1, 1]]), UNIT),
    "asarray": (lambda x: np.asarray(x), UNIT),
    "ascontiguousarray": (lambda x: np.ascontiguousarray(x), UNIT),
    "slices": (lambda x: x[1:, ::-2], UNIT),
    "indices": (lambda x: x[INDEX, INDEX], UNIT),
    "mask": (lambda x: x[MASK], UNIT),
    "newaxis and ellipsis": (lambda x: x[..., None, 1], UNIT),
    "astype": (lambda x: x.astype(np.float64), UNIT),
    "flatten": (lambda x: x.flatten(), UNIT),
    "T": (lambda x: x.T, UNIT),
    "iteration": (lambda x: sum(row * row for row in x), UNIT),
    "zeros_like": (lambda x: np.zeros_like(x) + x, UNIT),
    "full_like": (lambda x: np.full_like(x, 0.5) * x, UNIT),
}
PRODUCTS: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "matmul": (lambda x: x @ OTHER.T, UNIT),
    "matmul, right": (lambda x: OTHER.T @ x, UNIT),
    "matmul, stacks": (lambda x: x @ OTHER.T, STACK),
    "dot": (lambda x: np.dot(x, OTHER.T), UNIT),
    "vdot": (lambda x: np.vdot(x, OTHER), UNIT),
    "tensordot": (lambda x: np.tensordot(x, OTHER, axes=([0], [0])), UNIT),
    "einsum": (lambda x: np.einsum("bij,kj->bik", x, OTHER), STACK),
    "einsum, one operand": (lambda x: np.einsum("bij->ji", x), STACK),
    "einsum, diagonal": (lambda x: np.einsum("ii->i", x), SQUARE),
    "convolve": (lambda x: np.convolve(x, OTHER[0]), VECTOR),
    "correlate": (lambda x: np.correlate(x, OTHER[0], "full"), VECTOR),
    "cross": (lambda x: np.cross(x[:, :3], OTHER[:, :3]), UNIT),
    "average, weights": (lambda x: np.average(x, axis=1, weights=OTHER), UNIT),
    "sum, axes": (lambda x: np.sum(x, axis=(0, 2), keepdims=True), STACK),
    "max, axis": (lambda x: np.max(x, axis=1), UNIT),
    "var, ddof": (lambda x: np.var(x, axis=0, ddof=1), UNIT),
    "divmod": (lambda x: np.divmod(x, OTHER)[1], UNIT),
    "modf": (lambda x: np.modf(3 * x)[0], UNIT),
    "sum, where and initial": (lambda x: np.sum(x, axis=1, where=MASK, initial=2.0), UNIT),
    "mean, where": (lambda x: np.mean(x, where=MASK), UNIT),
    "var, where": (lambda x: np.var(x, where=MASK), UNIT),
    "max, where and initial": (lambda x: np.max(x, axis=0, where=MASK, initial=0.2), UNIT),
    "nansum, with NaN": (lambda x: np.nansum(np.where(MASK, x, np.nan), axis=1), UNIT),
    "nanmean, with NaN": (lambda x: np.nanmean(np.where(MASK, x, np.nan), axis=0), UNIT),
    "nanstd, with NaN": (lambda x: np.nanstd(np.where(MASK, x, np.nan)), UNIT),
    "diff, prepend and append": (lambda x: np.diff(x, axis=1, prepend=0.0, append=1.0), UNIT),
    "gradient": (lambda x: np.gradient(x)[0], UNIT),
    "gradient, axis": (lambda x: np.gradient(x, 0.5, axis=1), UNIT),
    "trapezoid, of x": (lambda x: np.trapezoid(OTHER[0], x), VECTOR),
    "quantile": (lambda x: np.quantile(x, [0.1, 0.35, 1.0], axis=1), UNIT),
    "percentile": (lambda x: np.percentile(x, 30), UNIT),
    "bincount, weights": (lambda x: np.bincount([0, 2, 0, 1], x), VECTOR),
    "interp, of the ordinates": (lambda x: np.interp([0.3, 1.7, 2.6], [0.0, 1.0, 2.0, 3.0], x), VECTOR),
    "interp, of the knots": (lambda x: np.interp([0.3, 0.5], np.cumsum(x), [0.0, 1.0, 3.0, 2.0]), VECTOR),
    "ravel, columns first": (lambda x: np.ravel(x, order="F"), UNIT),
    "reshape, columns first": (lambda x: np.reshape(x, (2, 6), order="F"), UNIT),
    "flatten, columns first": (lambda x: x.flatten("F"), UNIT),
    "interp": (lambda x: np.interp(x, [0.0, 1.0], [0.0, 2.0]), UNIT),
    "fft": (lambda x: np.fft.fft(x).real, UNIT),
    "polyval": (lambda x: np.polyval([1.0, 2.0, 3.0], x), UNIT),
    "apply_along_axis": (lambda x: np.apply_along_axis(np.cumsum, 0, x), UNIT),
    "vander": (lambda x: np.vander(x, 3), VECTOR),
    "cov": (np.cov, UNIT),
    "corrcoef": (np.corrcoef, UNIT),
    "meshgrid": (lambda x: np.meshgrid(x, x)[0], VECTOR),
}
SCIPY: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "scipy.special.logsumexp": (lambda x: scipy.special.logsumexp(x, axis=1), UNIT),
    "scipy.special.polygamma": (lambda x: scipy.special.polygamma(2, x), ABOVE_ONE),
    "scipy.special.softmax": (lambda x: scipy.special.softmax(x, axis=1), UNIT),
    "scipy.special.log_softmax": (lambda x: scipy.special.log_softmax(x, axis=1), UNIT),
}
LINEAR: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "linalg.inv": (np.linalg.inv, SQUARE),
    "linalg.solve": (lambda x: np.linalg.solve(x, OTHER), SQUARE),
    "linalg.solve, right side": (lambda x: np.linalg.solve(SQUARE, x), UNIT),
    "linalg.det": (np.linalg.det, SQUARE),
    "linalg.slogdet": (lambda x: np.linalg.slogdet(x)[1], SQUARE),
    "linalg.cholesky": (np.linalg.cholesky, SYMMETRIC),
    "linalg.norm": (np.linalg.norm, UNIT),
    "linalg.norm, axis": (lambda x: np.linalg.norm(x, axis=1), UNIT),
    "linalg.norm, nuclear": (lambda x: np.linalg.norm(x, "nuc"), UNIT),
    "linalg.norm, 1": (lambda x: np.linalg.norm(x, 1), UNIT),
    "linalg.multi_dot": (lambda x: np.linalg.multi_dot([x, OTHER.T, x]), UNIT),
    "linalg.matrix_power": (lambda x: np.linalg.matrix_power(x, 3), SQUARE),
    "linalg.outer": (lambda x: np.linalg.outer(x, OTHER[0]), VECTOR),
    "linalg.eigh": (lambda x: np.linalg.eigh(x)[0], SYMMETRIC),
    "linalg.eigh, vectors": (lambda x: np.linalg.eigh(x)[1] ** 2, SYMMETRIC),
    "linalg.eigvalsh, the upper triangle": (lambda x: np.linalg.eigvalsh(x, "U"), SQUARE),
    "linalg.svd": (lambda x: np.linalg.svd(x, compute_uv=False), UNIT),
    "linalg.svd, left vectors": (lambda x: np.linalg.svd(x, full_matrices=False)[0] ** 2, UNIT),
    "linalg.svd, right vectors": (lambda x: np.linalg.svd(x, full_matrices=False)[2] ** 2, UNIT),
    "linalg.qr": (lambda x: np.linalg.qr(x)[1], SQUARE),
    "linalg.qr, Q": (lambda x: np.linalg.qr(x)[0], SQUARE),
    "linalg.norm, 2 of a matrix": (lambda x: np.linalg.norm(x, 2), UNIT),
    "linalg.norm, inf": (lambda x: np.linalg.norm(x, np.inf), UNIT),
    "linalg.norm, 3": (lambda x: np.linalg.norm(x, 3, axis=1), UNIT),
    "linalg.vector_norm": (lambda x: np.linalg.vector_norm(x, axis=1), UNIT),
    "linalg.matrix_norm": (np.linalg.matrix_norm, UNIT),
    "linalg.vecdot": (lambda x: np.linalg.vecdot(x, OTHER), UNIT),
    "linalg.trace": (np.linalg.trace, SQUARE),
    "linalg.pinv": (np.linalg.pinv, UNIT),
    "linalg.lstsq": (lambda x: np.linalg.lstsq(x, OTHER[:, 0])[0], SQUARE),
    "scipy.linalg.solve": (lambda x: scipy.linalg.solve(x, OTHER), SQUARE),
    "scipy.linalg.inv": (lambda x: scipy.linalg.inv(x), SQUARE),
    "scipy.linalg.cholesky": (lambda x: scipy.linalg.cholesky(x), SYMMETRIC),
    "scipy.linalg.cho_solve": (
        lambda x: scipy.linalg.cho_solve(scipy.linalg.cho_factor(x), OTHER),
        SYMMETRIC,
    ),
    "scipy.linalg.solve_triangular": (lambda x: scipy.linalg.solve_triangular(x, OTHER, lower=True), SQUARE),
    "scipy.linalg.expm": (lambda x: scipy.linalg.expm(x), SQUARE),
}


def _assigned(x: Any) -> Any:
    y = np.zeros((3, 4))
    y[1:] = x[1:]
    y[0] += x[1]
    return y


def _added_at(x: Any) -> Any:
    y = np.zeros((3, 4))
    np.add.at(y, INDEX, x)
    return y


def _multiplied_in_place(x: Any) -> Any:
    y = x.copy()
    y *= OTHER
    np.exp(y, out=y)
    return y


def _put(x: Any) -> Any:
    y = np.zeros((3, 4))
    np.put_along_axis(y, np.argsort(OTHER, 1), x, 1)
    np.fill_diagonal(y, 0.5)
    np.copyto(y, 2 * x, where=MASK)
    return y


IN_PLACE: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "assigned slices": (_assigned, UNIT),
    "add.at": (_added_at, UNIT),
    "in-place operators and out=": (_multiplied_in_place, UNIT),
    "put_along_axis, fill_diagonal, copyto": (_put, UNIT),
    "add.reduce": (lambda x: np.add.reduce(x, axis=1), UNIT),
    "add.accumulate": (lambda x: np.add.accumulate(x, axis=1), UNIT),
    "multiply.outer": (lambda x: np.multiply.outer(x, OTHER[0]), VECTOR),
    "maximum.accumulate": (lambda x: np.maximum.accumulate(x, axis=1), UNIT),
    "add.reduceat": (lambda x: np.add.reduceat(x, [0, 2], axis=1), UNIT),
}

STEP = 1e-6
"""Of the differences."""


def asked(function: Callable[[Any], Any], point: Any) -> str | None:
    """Trace an operation; return why that is not possible, or None if it agrees with the operation's numbers.

    Raises
    ------
    AssertionError
        If the trace is not of what was computed: a number or a derivative differs.

    """
    direction = np.random.default_rng(1).normal(size=point.shape)
    subject = Subject(lambda x: (function(x), None), lambda g, _: g, [point], users=[function])
    try:
        with exactly_computing():
            outputs, _ = subject.derivative([direction], Reading.RECOGNISED)
            weights = np.random.default_rng(2).normal(size=outputs[0].shape)
            slope = float(truth_along(outputs, [weights])[0].mid())
            local = LocalCheck()
            traced = Subject(
                subject.forward, lambda *_: np.zeros_like(point), [point], [np.asarray(weights)]
            ).balls(Reading.RECOGNISED, local)
    except TraceEndedError as error:
        return str(error).split(" (record_traced.py")[0]
    own = function(point)
    if not np.allclose(traced.outputs[0], own, rtol=1e-14, atol=0):
        raise AssertionError("its numbers differ")
    if local.failed is not None:
        raise AssertionError(local.failed)
    change = (function(point + STEP * direction) - function(point - STEP * direction)) / (2 * STEP)
    expected = float(np.sum(weights * change))
    if not abs(slope - expected) < 1e-7 * float(np.sum(np.abs(weights * change))) + 1e-8:
        raise AssertionError(f"the slope is {slope}, by differences {expected}")
    return None


def main() -> None:
    """Write traced.json."""
    found = {name: asked(function, point) for name, (function, point) in operations().items()}
    record = {
        "about": "Which operations of numpy and scipy are traced: the numbers of each agree with its exact "
        "value, and its slope with differences of its numbers. Of the others, why not: functions that use "
        "one are not traced, and say so.",
        "provenance": {
            "script": "reference/record_traced.py",
            **environment(),
            "scipy": metadata.version("scipy"),
        },
        "traced": [name for name, why in found.items() if why is None],
        "not traced": {name: why for name, why in found.items() if why is not None},
    }
    text = json.dumps(record, indent=1, allow_nan=False, ensure_ascii=False)
    (HERE / "traced.json").write_text(text + "\n", encoding="utf-8")
    print(len(found), "asked,", len(record["traced"]), "traced")


if __name__ == "__main__":
    main()
