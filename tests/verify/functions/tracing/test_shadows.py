import numpy as np
import pytest
from flint import arb, ctx

from nn_from_scratch.verify.functions.tracing.elementwise import ENTRIES
from nn_from_scratch.verify.functions.tracing.operations import apply, supports
from nn_from_scratch.verify.functions.tracing.shadows import (
    exact,
    exactly_computing,
    moved,
    nearest,
    select,
    series,
    slope,
    values,
)
from nn_from_scratch.verify.oracles.taylor import working

SECOND = dict.fromkeys(
    ("add", "subtract", "multiply", "divide", "power", "arctan2", "hypot", "logaddexp"), 0.7
) | {"polygamma": 2}
"""The second operand of operations that take one."""
CONTRACTIONS = [
    ("bij,bjk->bik", [(2, 3, 4), (2, 4, 5)]),
    ("ij->ji", [(2, 3)]),
    ("ii->i", [(3, 3)]),
    ("ii", [(3, 3)]),
    ("iii->i", [(3, 3, 3)]),
    ("iji->j", [(3, 2, 3)]),
    ("...ij,jk->...ik", [(2, 2, 3), (3, 4)]),
    ("nohw,oc->nchw", [(1, 2, 3, 3), (2, 4)]),
    ("ij,jk,kl->il", [(2, 3), (3, 2), (2, 4)]),
    ("i,j", [(2,), (3,)]),
    ("bhqk,bhkd->bqhd", [(2, 2, 3, 4), (2, 2, 4, 2)]),
    ("ij,ij->", [(2, 3), (2, 3)]),
]


@pytest.mark.parametrize("name", ENTRIES)
def test_slope_is_the_derivative_of_the_value(name: str) -> None:
    point = 1.3 if name == "arccosh" else 0.3
    step = 1e-20
    with exactly_computing():
        second = [exact([SECOND[name]])] if name in SECOND else []
        found = apply(name, series([point], [1.0]), *second)[0]
        ahead, back = (apply(name, np.array([arb(point) + s]), *second)[0] for s in (step, -step))
        difference = (ahead - back) / (2 * step)
        assert abs(slope(found) - difference) < 1e-30 * (1 + abs(difference))
        assert slope(found).rad() < 1e-60


@pytest.mark.parametrize(("subscripts", "shapes"), CONTRACTIONS)
def test_einsum_contracts_as_numpy_does(subscripts: str, shapes: list[tuple[int, ...]]) -> None:
    rng = np.random.default_rng(0)
    operands = [rng.normal(size=shape) for shape in shapes]
    with exactly_computing():
        found = nearest(apply("einsum", subscripts, *map(exact, operands)))
    np.testing.assert_allclose(found, np.einsum(subscripts, *operands), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ["sum", "mean"])
@pytest.mark.parametrize("axis", [None, 0, (0, 1)])
def test_reductions_in_a_few_bits_enclose_the_truth(name: str, axis: int | tuple[int, ...] | None) -> None:
    x = np.random.default_rng(1).normal(size=(3, 4))
    with exactly_computing():
        exactly = apply(name, exact(x), axis=axis)
    with working(20, 2):
        rounded = apply(name, exact(x), axis=axis)
    assert rounded.shape == exactly.shape
    pairs = zip(rounded.ravel().tolist(), exactly.ravel().tolist(), strict=True)
    assert all(ball.contains(truth) for ball, truth in pairs)


def test_linear_algebra_is_numpys() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(2, 4, 4)), rng.normal(size=(2, 4, 3))
    spd = a @ a.swapaxes(1, 2) + np.eye(4)
    with exactly_computing():
        close = np.testing.assert_allclose
        close(nearest(apply("solve", a, b)), np.linalg.solve(a, b), rtol=1e-9)
        close(nearest(apply("inv", a)), np.linalg.inv(a), rtol=1e-9)
        close(nearest(apply("det", a)), np.linalg.det(a), rtol=1e-9)
        close(nearest(apply("logabsdet", a)), np.linalg.slogdet(a)[1], rtol=1e-9)
        close(nearest(apply("cholesky", spd)), np.linalg.cholesky(spd), rtol=1e-9)
        close(nearest(apply("var", a, axis=1, correction=1)), np.var(a, axis=1, ddof=1), rtol=1e-9)


@pytest.mark.parametrize("name", ["solve", "inv", "det", "logabsdet", "cholesky"])
def test_linear_algebra_differentiates(name: str) -> None:
    rng = np.random.default_rng(2)
    a = rng.normal(size=(3, 3))
    a, direction = a @ a.T + np.eye(3), rng.normal(size=(3, 3))
    direction += direction.T
    rest = [exact(rng.normal(size=(3, 2)))] if name == "solve" else []
    step = arb(2) ** -60
    with exactly_computing():
        found = apply(name, series(a, direction), *rest)
        ahead, back = (apply(name, exact(a) + exact(direction) * s, *rest) for s in (step, -step))
        difference = (ahead - back) / (2 * step)
        for entry, expected in zip(found.ravel(), np.ravel(difference), strict=True):
            assert abs(slope(entry) - expected) < 1e-25 * (1 + abs(expected))


def test_movement_runs_on_positions() -> None:
    with exactly_computing():
        shadow = exact(np.arange(6.0).reshape(2, 3))
        positions = np.arange(6).reshape(2, 3).T[::-1]
        assert nearest(moved(shadow, positions)).tolist() == np.arange(6.0).reshape(2, 3).T[::-1].tolist()


def test_selection_follows_the_mask() -> None:
    with exactly_computing():
        chosen = select([True, False], series([1.0, 2.0], [3.0, 4.0]), 5.0)
        assert [float(slope(x).mid()) for x in chosen] == [3.0, 0.0]
        assert nearest(values(chosen)).tolist() == [1.0, 5.0]


def test_a_square_root_at_0_has_a_value_and_no_slope() -> None:
    with exactly_computing():
        entry = apply("sqrt", series([0.0], [1.0]))[0]
        assert entry[0] == 0
        assert not slope(entry).is_finite()


def test_precision_is_restored_on_every_way_out() -> None:
    before = ctx.prec, ctx.cap
    with pytest.raises(KeyError), exactly_computing():
        apply("no such operation", [1.0])
    assert (ctx.prec, ctx.cap) == before
    with exactly_computing():
        apply("digamma", series([1.5], [1.0]))
        assert (ctx.prec, ctx.cap) == (256, 2)
    assert (ctx.prec, ctx.cap) == before
    assert supports("matmul")
    assert not supports("no such operation")
