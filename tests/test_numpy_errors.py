"""What numpy refuses is refused of nodes too, by an error of numpy's class that names the operation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from nn_from_scratch import Node

numpy: Any = np  # whose hints refuse what is asked here, as numpy does
A = np.arange(1.0, 7.0).reshape(2, 3) / 7
CUBE = np.ones((2, 3, 4))
ROW = np.array([3.0, 1.0, 2.0])
SQUARE = np.array([[2.0, 1.0], [0.0, 3.0]])


@pytest.mark.parametrize(
    ("call", "value"),
    [
        (lambda x: numpy.linalg.matrix_power(x, 1.5), SQUARE),
        (lambda x: numpy.linalg.matrix_power(x, 1), A),
        (lambda x: numpy.interp(x, [0.0, 1.0], [1.0, 2.0, 3.0]), ROW),
        (lambda x: numpy.interp(x, [], []), ROW),
        (numpy.diag, CUBE),
        (numpy.tril, 1.0),
        (numpy.diff, 1.0),
        (lambda x: numpy.diff(x, n=-1), ROW),
        (lambda x: numpy.quantile(x, -1), A),
        (lambda x: numpy.quantile(x, [0.5, np.nan]), A),
        (lambda x: numpy.percentile(x, 200), A),
        (lambda x: numpy.quantile(x, 0.5), np.zeros(0)),
        (lambda x: numpy.convolve(x, x, mode="bad"), ROW),
        (lambda x: numpy.convolve(x, x, mode=3), ROW),
        (lambda x: numpy.convolve(x, x), np.zeros(0)),
        (lambda x: numpy.linalg.norm(x, 1), 2.0),
        (lambda x: numpy.linalg.norm(x, 1), CUBE),
        (lambda x: numpy.linalg.norm(x, "fro"), ROW),
        (lambda x: numpy.linalg.norm(x, "bad"), A),
        (lambda x: numpy.linalg.norm(x, 3), A),
        (numpy.linalg.cholesky, -np.eye(2)),
        (numpy.linalg.inv, np.zeros((2, 2))),
        (numpy.linalg.inv, A),
        (numpy.linalg.det, A),
        (numpy.linalg.slogdet, A),
        (numpy.linalg.eigvalsh, A),
        (lambda x: numpy.linalg.eigh(x, "X"), SQUARE),
        (lambda x: numpy.linalg.solve(x, [1.0, 2.0]), np.zeros((2, 2))),
        (lambda x: numpy.linalg.multi_dot([x]), A),
        (lambda x: numpy.linalg.multi_dot([x, x, x]), ROW),
        (lambda x: numpy.linalg.outer(x, x), A),
        (lambda x: numpy.linalg.vecdot(x, np.ones((3, 4)), axis=0), CUBE),
        (lambda x: numpy.linalg.vecdot(x, [1.0]), ROW),
        (lambda x: numpy.tensordot(x, x, axes=3), A),
        (lambda x: numpy.tensordot(x, x, axes=([0], [7])), A),
        (lambda x: numpy.tensordot(x, x, axes=(None, None)), A),
        (lambda x: numpy.einsum("ii", x), A),
        (lambda x: numpy.einsum("ii", x), np.zeros((0, 3))),
        (lambda x: numpy.correlate(x, [1.0]), 2.0),
        (lambda x: numpy.trapezoid([1.0, 2.0, 3.0, 4.0], x), A),
        (lambda x: numpy.cumsum(x, True), A),
        (lambda x: numpy.rollaxis(x, 1), 1.0),
        (lambda x: numpy.take_along_axis(x, np.zeros((1, 1), int), 1), 1.0),
        (lambda x: numpy.pad(x, 1, strange=2), A),
        (lambda x: numpy.std(x, ddof=None), A),
        (lambda x: numpy.vecdot(x, x, strange=1), A),
        (lambda x: numpy.average(x, axis=1, weights=[1.0]), A),
        (lambda x: numpy.average(x, weights=[1.0, 2.0]), A),
        (lambda x: numpy.average(x, weights=[1.0, -1.0, 0.0]), ROW),
        (lambda x: numpy.compress([[True, False]], x), A),
        (lambda x: numpy.select([], []) + x, 1.0),
        (lambda x: numpy.select([x > 1], [x, x]), ROW),
        (lambda x: numpy.where(x, 1.0), ROW),
        (lambda x: numpy.clip(x, 0, 1, min=2), ROW),
        (lambda x: numpy.sum(x, where=np.ones((2, 2, 3), bool)), A),
        (lambda x: numpy.sum(x, where=np.ones(3)), A),
        (lambda x: numpy.max(x, where=[True, False, True]), A),
        (lambda x: numpy.split(x, 2, axis=1), A),
        (numpy.vsplit, ROW),
        (lambda x: numpy.dsplit(x, 2), A),
        (lambda x: numpy.pad(x, 1, "bad"), A),
        (lambda x: numpy.sort(x, order="a"), ROW),
        (lambda x: numpy.transpose(x, (0, 0)), A),
        (lambda x: x.transpose(0), A),
        (lambda x: x.trace(), ROW),
        (lambda x: numpy.concatenate([x, x], dtype=np.float32, casting="safe"), ROW),
        (lambda x: numpy.add(x, 1.0, dtype=int), ROW),
    ],
)
def test_what_numpy_refuses_is_refused_by_its_class(call: Callable[[Any], Any], value: Any) -> None:
    kinds = (ValueError, TypeError, IndexError, ZeroDivisionError)
    with pytest.raises(kinds) as theirs:
        call(np.asarray(value))
    with pytest.raises(kinds) as ours:
        call(Node(value))
    for kind in (numpy.linalg.LinAlgError, np.exceptions.AxisError, *kinds):
        assert not isinstance(theirs.value, kind) or isinstance(ours.value, kind)
    assert "<" not in str(ours.value)


@pytest.mark.skipif(not hasattr(np, "matvec"), reason="numpy 2.2 has it")
def test_vectors_are_no_matrices() -> None:
    with pytest.raises(ValueError, match=r"np\.matvec of shapes \(3,\), \(3,\)"):
        numpy.matvec(Node(ROW), ROW)
    with pytest.raises(ValueError, match=r"np\.vecmat of shapes \(3,\), \(3,\)"):
        numpy.vecmat(ROW, Node(ROW))


def _function(name: str) -> Callable[[Any, int], Any]:
    return lambda x, axis: getattr(np, name)(x, axis=axis)


ALONG_AN_AXIS: dict[str, Callable[[Any, int], Any]] = {
    **{
        name: _function(name)
        for name in (
            *("sum", "mean", "prod", "max", "min", "ptp", "var", "std", "average", "median", "nansum"),
            *("nanmean", "nanmax", "nanstd", "cumsum", "cumprod", "diff", "trapezoid", "sort", "flip"),
            *("squeeze", "expand_dims"),
        )
    },
    "quantile": lambda x, axis: numpy.quantile(x, 0.5, axis=axis),
    "partition": lambda x, axis: numpy.partition(x, 0, axis=axis),
    "norm": lambda x, axis: numpy.linalg.norm(x, axis=axis),
    "norm of two": lambda x, axis: numpy.linalg.norm(x, 1, axis=axis),
    "transpose": lambda x, axis: numpy.transpose(x, (0, axis)),
    "transpose of a method": lambda x, axis: x.transpose(0, axis),
    "moveaxis": lambda x, axis: numpy.moveaxis(x, 0, axis),
    "swapaxes": lambda x, axis: x.swapaxes(0, axis),
    "roll": lambda x, axis: numpy.roll(x, 1, axis=axis),
    "repeat": lambda x, axis: numpy.repeat(x, 2, axis=axis),
    "take": lambda x, axis: numpy.take(x, [0], axis=axis),
    "delete": lambda x, axis: numpy.delete(x, 0, axis=axis),
    "concatenate": lambda x, axis: numpy.concatenate([x, x], axis=axis),
    "stack": lambda x, axis: numpy.stack([x, x], axis=axis),
    "append": lambda x, axis: numpy.append(x, x, axis=axis),
    "split": lambda x, axis: numpy.split(x, 1, axis=axis),
    "array_split": lambda x, axis: numpy.array_split(x, 1, axis=axis),
    "cross": lambda x, axis: numpy.cross(x, x, axis=axis),
    "vecdot": lambda x, axis: numpy.linalg.vecdot(x, x, axis=axis),
    "add.reduce": lambda x, axis: numpy.add.reduce(x, axis=axis),
    "add.accumulate": numpy.add.accumulate,
    "maximum.accumulate": lambda x, axis: numpy.maximum.accumulate(x, axis=axis),
    "logaddexp.reduce": lambda x, axis: numpy.logaddexp.reduce(x, axis=axis),
    "diagonal": lambda x, axis: x.diagonal(0, 0, axis),
    "weights": lambda x, axis: numpy.average(x, axis=axis, weights=ROW),
    "size": numpy.size,
}


@pytest.mark.parametrize("name", ALONG_AN_AXIS)
@pytest.mark.parametrize("axis", [5, -5])
def test_axis_that_there_is_not_is_numpys_error(name: str, axis: int) -> None:
    with pytest.raises(np.exceptions.AxisError, match=rf"axis {axis} is out of bounds"):
        ALONG_AN_AXIS[name](Node(A), axis)


def test_numpys_errors_name_the_operation_and_its_shapes() -> None:
    calls: list[tuple[Callable[[], Any], type[Exception], str]] = [
        (
            lambda: numpy.linalg.cholesky(Node(-np.eye(2))),
            numpy.linalg.LinAlgError,
            r"cholesky of shapes \(2, 2\)",
        ),
        (lambda: numpy.linalg.slogdet(Node(A)), numpy.linalg.LinAlgError, r"slogdet of shapes \(2, 3\)"),
        (lambda: Node(A).sum(5), IndexError, r"sum of shapes \(2, 3\): axis 5"),
        (lambda: numpy.diff(Node(A), axis=5), IndexError, r"np\.diff of shape \(2, 3\): axis 5"),
        (lambda: numpy.einsum("ii", Node(A)), ValueError, r"einsum of shapes \(2, 3\)"),
    ]
    for call, kind, message in calls:
        with pytest.raises(kind, match=message):
            call()
