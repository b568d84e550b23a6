"""Pooling, traced: right formulas equal to all digits, planted faults proved, ties accuse nobody."""

from typing import Any

import pytest

torch: Any = pytest.importorskip("torch")

from torch_functions import custom, draw, rules  # noqa: E402

from nn_from_scratch.verify.judging.verdicts import Verdict  # noqa: E402
from nn_from_scratch.verify.torch import examine, gradcheck  # noqa: E402

functional = torch.nn.functional
POOLS: dict[str, tuple[Any, tuple[int, ...]]] = {
    "max 1-D": (lambda x: functional.max_pool1d(x, 3, 2, 1, 2, ceil_mode=True), (2, 2, 9)),
    "max 2-D": (lambda x: functional.max_pool2d(x, 3, 2, 1, ceil_mode=True), (2, 2, 6, 7)),
    "max 2-D, dilated": (lambda x: functional.max_pool2d(x, (2, 3), dilation=2), (2, 6, 7)),
    "max 3-D": (lambda x: functional.max_pool3d(x, 2), (1, 2, 4, 4, 4)),
    "average 1-D": (lambda x: functional.avg_pool1d(x, 3, 2, 1, True, False), (1, 2, 8)),
    "average 2-D": (lambda x: functional.avg_pool2d(x, 3, 2, 1, True, True), (1, 2, 6, 6)),
    "average 2-D, of what is there": (
        lambda x: functional.avg_pool2d(x, (2, 3), 1, (1, 0), True, False),
        (1, 2, 6, 5),
    ),
    "average 2-D over 7": (lambda x: functional.avg_pool2d(x, 3, 2, 1, divisor_override=7), (2, 6, 5)),
    "average 3-D": (lambda x: functional.avg_pool3d(x, 3, 2, 1, True), (1, 2, 4, 4, 4)),
    "adaptive average 1-D": (lambda x: functional.adaptive_avg_pool1d(x, 3), (1, 2, 8)),
    "adaptive average 2-D": (lambda x: functional.adaptive_avg_pool2d(x, (3, 4)), (1, 2, 7, 6)),
    "adaptive average 3-D": (lambda x: functional.adaptive_avg_pool3d(x, 2), (1, 2, 3, 3, 5)),
    "adaptive max 1-D": (lambda x: functional.adaptive_max_pool1d(x, 3), (1, 2, 8)),
    "adaptive max 2-D": (lambda x: functional.adaptive_max_pool2d(x, (3, 4)), (1, 2, 7, 6)),
    "power average": (lambda x: functional.lp_pool2d(x.abs(), 3, 2), (1, 2, 6, 6)),
}


@pytest.mark.parametrize("name", POOLS)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_right_formula_is_equal_to_all_digits(name: str, dtype: Any) -> None:
    pool, shape = POOLS[name]
    report = examine(pool, draw(*shape, dtype=dtype), transforms=[], shapes=False)
    assert all(row.verdict is Verdict.RIGHT for row in report.rows), str(report)
    assert int(report.rows[0].said.split(" digits")[0].split()[-1]) >= 70


def averaging(count_padding: bool) -> Any:
    """Return an average over three that counts padding, and a backward that may not."""
    return custom(
        lambda x: (functional.avg_pool1d(x, 3, 2, 1), (x[:, :, None],)),
        lambda g, _, x: torch.ops.aten.avg_pool2d_backward(
            g[:, :, None], x, [1, 3], [1, 2], [0, 1], False, count_padding, None
        )[:, :, 0],
        1.0,
    )


def test_backward_that_counts_padding_otherwise_is_proved_wrong() -> None:
    assert rules(averaging(True), draw(1, 2, 8)).verdict is Verdict.RIGHT
    assert rules(averaging(False), draw(1, 2, 8)).verdict is Verdict.WRONG


def spread(scale: float) -> Any:
    """Return the largest of each window, whose backward shares out among equal ones."""

    def wide(x: Any) -> Any:
        return x.repeat_interleave(2, -1).repeat_interleave(2, -2)

    def backward(g: Any, scale: float, x: Any, y: Any) -> Any:
        mask = (x == wide(y)).to(x.dtype)
        return mask * wide(g / (functional.avg_pool2d(mask, 2) * 4)) * scale

    def forward(x: Any) -> Any:
        y = functional.max_pool2d(x, 2)
        return y, (x, y)

    return custom(forward, backward, scale)


def test_equal_numbers_in_a_window_accuse_nobody() -> None:
    tied = torch.zeros(1, 1, 4, 4, dtype=torch.float64, requires_grad=True)
    assert gradcheck(spread(1.0), tied)
    assert "a kink: max_pool2d_with_indices" in rules(spread(1.0), tied).said
    assert gradcheck(lambda x: functional.max_pool2d(x.relu(), 2), tied)


def largest(scale: float) -> Any:
    """Return the largest of each window, whose backward adds where the indices say."""

    def forward(x: Any) -> Any:
        y, index = functional.max_pool2d(x, 3, 2, 1, return_indices=True)
        return y, (index, x)

    def backward(g: Any, scale: float, index: Any, x: Any) -> Any:
        planes = torch.zeros_like(x).flatten(2)
        return planes.scatter_add(2, index.flatten(2), g.flatten(2) * scale).reshape(x.shape)

    return custom(forward, backward, scale)


def test_backward_of_the_largest_is_judged_where_no_window_is_tied() -> None:
    assert rules(spread(1.0), draw(1, 2, 4, 6)).verdict is Verdict.RIGHT
    assert rules(largest(1.0), draw(1, 2, 5, 6)).verdict is Verdict.RIGHT
    assert rules(largest(1 + 1e-14), draw(1, 2, 5, 6)).verdict is Verdict.WRONG
