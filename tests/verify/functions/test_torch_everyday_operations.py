"""Operations that modules of everyday use need, traced."""

from typing import Any

import numpy as np
import pytest
import scipy.special

torch: Any = pytest.importorskip("torch")

from flint import arb, arb_series  # noqa: E402
from torch_functions import custom, draw, require_all_digits, rules  # noqa: E402

from nn_from_scratch.verify.functions.tracing.elementwise import ENTRIES  # noqa: E402
from nn_from_scratch.verify.functions.tracing.shadows import exactly_computing  # noqa: E402
from nn_from_scratch.verify.judging.verdicts import Verdict  # noqa: E402

pytestmark = pytest.mark.once

F = torch.nn.functional
INDEX = torch.tensor([0, 2, 2, 1, 4])
BAGS = torch.tensor([0, 2, 2])


OPERATIONS: dict[str, tuple[Any, tuple[int, ...]]] = {
    "remainder": (lambda x: torch.remainder(x, 0.7), (5,)),
    "fmod of two": (lambda x: torch.fmod(x, x.flip(0).exp()), (5,)),
    "gelu by tanh": (lambda x: F.gelu(x, approximate="tanh"), (5,)),
    "hardshrink": (F.hardshrink, (5,)),
    "softshrink": (F.softshrink, (5,)),
    "logcumsumexp": (lambda x: torch.logcumsumexp(x, 1), (3, 4)),
    "cdist": (lambda x: torch.cdist(x, x.flip(0) + 1), (3, 4)),
    "cdist of order 3": (lambda x: torch.cdist(x, x.flip(0) + 1, p=3.0), (3, 4)),
    "cdist of the largest": (lambda x: torch.cdist(x, x.flip(0) + 1, p=float("inf")), (3, 4)),
    "pdist": (F.pdist, (4, 3)),
    "scatter_reduce without self": (
        lambda x: x.scatter_reduce(0, INDEX, x.sin(), "mean", include_self=False),
        (5,),
    ),
    "index_reduce": (lambda x: x.index_reduce(0, INDEX, x.sin(), "amax"), (5, 2)),
    "take along an axis": (lambda x: x.take_along_dim(torch.tensor([[0, -1, 1]]), 1).sin(), (2, 3)),
    "cross": (lambda x: torch.linalg.cross(x[0], x[1], dim=0), (2, 3, 2)),
    "take": (lambda x: torch.take(x, INDEX), (2, 3)),
    "masked_scatter": (lambda x: x.masked_scatter(x > 0, x.sin()), (5,)),
    "bags": (lambda x: F.embedding_bag(INDEX, x, BAGS), (5, 2)),
    "bags with padding": (lambda x: F.embedding_bag(INDEX, x, BAGS, mode="mean", padding_idx=2), (5, 2)),
    "largest of bags": (lambda x: F.embedding_bag(INDEX, x, BAGS, mode="max"), (5, 2)),
    "weighed bags": (
        lambda x: F.embedding_bag(INDEX, x, BAGS, mode="sum", per_sample_weights=x[:, 0]),
        (5, 2),
    ),
    "bilinear": (
        lambda x: F.bilinear(x[:2], x[1:3], x.reshape(1, 3, 4).expand(2, 3, 4)[:, :, :].mT @ x),
        (3, 4),
    ),
    "replicated edges": (lambda x: F.pad(x, (1, 2, 2, 1), mode="replicate"), (1, 2, 3, 4)),
    **{
        f"{mode} to {size}": (
            lambda x, mode=mode, size=size: F.interpolate(x, size, mode=mode),
            (1, 2, 5, 4),
        )
        for mode in ("nearest", "nearest-exact", "bilinear", "bicubic")
        for size in ((7, 9), (2, 3))
    },
    "bilinear by a factor": (lambda x: F.interpolate(x, scale_factor=1.7, mode="bilinear"), (1, 2, 3, 4)),
    "nearest, with a step that is rounded": (lambda x: F.interpolate(x, 20), (1, 1, 14)),
    "bicubic, aligned": (
        lambda x: F.interpolate(x, (5, 7), mode="bicubic", align_corners=True),
        (1, 1, 3, 4),
    ),
}


@pytest.mark.filterwarnings("ignore:index_reduce")
@pytest.mark.parametrize("name", OPERATIONS)
def test_operation_is_equal_to_all_digits(name: str) -> None:
    function, shape = OPERATIONS[name]
    require_all_digits(function, draw(*shape))


def pulled(function: Any) -> Any:
    """Return PyTorch's own gradient of a function, times a number."""

    def backward(g: Any, scale: float, x: Any) -> Any:
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            (found,) = torch.autograd.grad(function(x), x, g)
        return found * scale

    return backward


OFF = ["remainder", "gelu by tanh", "cdist", "bags", "bilinear to (7, 9)", "take along an axis", "cross"]


@pytest.mark.parametrize("name", OFF)
def test_gradient_of_it_that_is_off_is_proved_wrong(name: str) -> None:
    function, shape = OPERATIONS[name]

    for scale, verdict in ((1.0, Verdict.RIGHT), (1 + 1e-14, Verdict.WRONG), (-1.0, Verdict.WRONG)):
        row = rules(custom(lambda x: (function(x), (x,)), pulled(function), scale), draw(*shape))
        assert row.verdict is verdict, str(row)


@pytest.mark.parametrize(
    ("function", "point"),
    [
        (lambda x: torch.remainder(x, 0.5), [1.0, 0.3]),
        (lambda x: torch.cdist(x[:, None], x[:, None] * 1.0), [1.0, 0.3]),
        (lambda x: x.scatter_reduce(0, torch.tensor([0, 0]), x * 1.0, "amax"), [1.0, 1.0]),
    ],
)
def test_kink_accuses_nobody(function: Any, point: list[float]) -> None:
    given = torch.tensor(point, dtype=torch.float64, requires_grad=True)
    for scale in (1.0, 0.5):
        row = rules(custom(lambda x: (function(x), (x,)), pulled(function), scale), given)
        assert row.verdict is not Verdict.WRONG, str(row)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("size", [(1, 1, 2, 3), (1, 1, 2, 3, 5)])
def test_grid_that_operation_and_gradient_space_in_two_ways_is_one(size: Any, dtype: Any) -> None:
    def grid(x: Any) -> Any:
        return F.affine_grid(x, size, align_corners=False)

    x = draw(1, len(size) - 2, len(size) - 1, dtype=dtype)
    require_all_digits(grid, x)
    row = rules(custom(lambda x: (grid(x), (x,)), pulled(grid), 1.001), x)
    assert row.verdict is Verdict.WRONG, str(row)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_evenly_spaced_numbers_are_those_that_somebody_wrote_or_made_before(dtype: Any) -> None:
    def spaced() -> Any:
        return torch.linspace(-0.7, 0.7, 11, dtype=dtype)

    made, written = spaced(), torch.tensor([round(k * 0.14 - 0.7, 2) for k in range(11)], dtype=dtype)
    for table in (made, written):
        for scale, verdict in ((1.0, Verdict.RIGHT), (1.001, Verdict.WRONG)):
            weighed = custom(lambda x: (x * spaced(), ()), lambda g, s, table=table: g * table * s, scale)
            row = rules(weighed, draw(11, dtype=dtype))
            assert row.verdict is verdict, str(row)


SPECIAL = {
    "erfcx": scipy.special.erfcx,
    "log_ndtr": scipy.special.log_ndtr,
    "ndtr": scipy.special.ndtr,
    "ndtri": scipy.special.ndtri,
    "i0": scipy.special.i0,
    "i1": scipy.special.i1,
    "i0e": scipy.special.i0e,
    "i1e": scipy.special.i1e,
    "j0": scipy.special.j0,
    "j1": scipy.special.j1,
}


@pytest.mark.parametrize("name", SPECIAL)
@pytest.mark.parametrize("point", [0.3, 0.875, -1.7])
def test_special_functions_are_scipys_and_their_slopes_differences(name: str, point: float) -> None:
    if name == "ndtri" and point < 0:
        return
    with exactly_computing():
        step = arb(2) ** -80
        found = ENTRIES[name](arb_series([point, 1], 2))
        ahead, behind = (ENTRIES[name](arb(point) + d) for d in (step, -step))
        assert float(found[0].mid()) == pytest.approx(float(SPECIAL[name](point)), rel=1e-13)
        assert abs(found[1] - (ahead - behind) / (2 * step)) < 2.0**-140
        assert found[0].overlaps(ENTRIES[name](arb(point)))


def test_polygamma_is_scipys_and_its_slope_the_next() -> None:
    with exactly_computing():
        for order in range(4):
            found = ENTRIES["polygamma"](arb_series([1.375, 1], 2), arb(order))
            assert float(found[0].mid()) == pytest.approx(scipy.special.polygamma(order, 1.375), rel=1e-13)
            assert found[1].overlaps(ENTRIES["polygamma"](arb(1.375), arb(order + 1)))
        assert np.isnan(float(ENTRIES["polygamma"](arb(-1.5), arb(0)).mid()))
