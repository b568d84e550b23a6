"""Losses of labels and samples of a grid, whose kernels PyTorch has no decomposition of: traced by rules."""

from collections.abc import Callable
from typing import Any

import pytest

torch: Any = pytest.importorskip("torch")

from torch.nn import functional  # noqa: E402
from torch_functions import custom, draw, require_all_digits, rules  # noqa: E402

from nn_from_scratch.verify.judging.verdicts import Verdict  # noqa: E402
from nn_from_scratch.verify.torch import UndecidedError, gradcheck  # noqa: E402

pytestmark = pytest.mark.once

TARGETS = torch.tensor([[1, 2, 2], [3, 1, 0]])
LABELS = torch.tensor([0, 2, 1])
MANY_LABELS = torch.tensor([[0, 3, -1, 1], [1, 0, 2, -1], [2, -1, 0, 1]])
WEIGHTS = torch.tensor([1.0, 2.0, 3.0, 4.0], dtype=torch.float64)


def classified(x: Any, **options: Any) -> Any:
    """Return the losses of two sequences, of which one repeats a label."""
    return functional.ctc_loss(x.log_softmax(-1), TARGETS, [7, 6], [3, 2], **options)


PATHS: dict[str, Callable[[Any], Any]] = {
    "mean": classified,
    "each, a blank of 3": lambda x: functional.ctc_loss(
        x.log_softmax(-1), TARGETS % 3, torch.tensor([7, 6]), torch.tensor([3, 1]), blank=3, reduction="none"
    ),
    "too short for its target": lambda x: functional.ctc_loss(
        x.log_softmax(-1), TARGETS, [3, 6], [3, 2], zero_infinity=True
    ),
}
MARGINS: dict[str, Callable[[Any], Any]] = {
    "label": lambda x: functional.multi_margin_loss(x, LABELS),
    "label, squared": lambda x: functional.multi_margin_loss(
        x, LABELS, p=2, margin=0.5, weight=WEIGHTS, reduction="none"
    ),
    "labels": lambda x: functional.multilabel_margin_loss(x, MANY_LABELS),
    "labels, summed": lambda x: functional.multilabel_margin_loss(x, MANY_LABELS, reduction="sum"),
    "median": lambda x: torch.where(x > 1, torch.nan, x).nanmedian(1).values.sin(),
    "median of all": lambda x: x.nanmedian().sin(),
}


@pytest.mark.parametrize("name", PATHS)
def test_paths_of_labels_are_traced(name: str) -> None:
    require_all_digits(PATHS[name], draw(7, 2, 4))


@pytest.mark.parametrize("name", MARGINS)
def test_margins_and_medians_are_traced(name: str) -> None:
    require_all_digits(MARGINS[name], draw(3, 4))


@pytest.mark.parametrize(("aligned", "padding"), [(False, "zeros"), (True, "border")])
def test_samples_of_a_grid_are_traced(aligned: bool, padding: str) -> None:
    def sampled(x: Any, places: Any) -> Any:
        return functional.grid_sample(x, places, align_corners=aligned, padding_mode=padding)

    require_all_digits(sampled, draw(1, 2, 3, 4), draw(1, 3, 2, 2, seed=1))
    require_all_digits(lambda places: sampled(draw(1, 2, 3, 4).detach(), places), draw(1, 3, 2, 2, seed=1))


def test_memory_that_a_kernel_leaves_as_it_was_ends_no_trace() -> None:
    """Of `ctc_loss` that is what lies behind the ends of the sequences."""

    def backward(g: Any, scale: float, x: Any) -> Any:
        with torch.enable_grad():
            given = x.detach().requires_grad_()
            return g * scale * torch.autograd.grad(classified(given), given)[0]

    function = custom(lambda x: (classified(x), (x,)), backward, 1.0)
    for _ in range(8):
        infinite = [torch.full((size,), torch.inf, dtype=torch.float64) for size in range(1, 200)]
        del infinite
        assert rules(function, draw(7, 2, 4)).verdict is Verdict.RIGHT


@pytest.mark.parametrize(
    ("function", "shape"), [(classified, (7, 2, 4)), (MARGINS["label"], (3, 4)), (MARGINS["labels"], (3, 4))]
)
def test_wrong_backward_of_a_kernel_is_wrong_by_its_formula(
    function: Callable[[Any], Any], shape: tuple[int, ...]
) -> None:
    def backward(g: Any, scale: float, x: Any) -> Any:
        with torch.enable_grad():
            given = x.detach().requires_grad_()
            (found,) = torch.autograd.grad(function(given), given)
        return g * found * scale

    assert rules(custom(lambda x: (function(x), (x,)), backward, 1.0), draw(*shape)).verdict is Verdict.RIGHT
    wrong = rules(custom(lambda x: (function(x), (x,)), backward, 1 + 1e-9), draw(*shape))
    assert wrong.verdict is Verdict.WRONG, str(wrong)


@pytest.mark.parametrize("before", [lambda x: x * 1, torch.log])
def test_paths_of_what_is_no_log_softmax_accuse_nobody(before: Callable[[Any], Any]) -> None:
    probabilities = draw(7, 2, 4).detach().softmax(-1)
    x = (probabilities if before is torch.log else probabilities.log()).requires_grad_()
    with pytest.raises(UndecidedError, match="call log_softmax within"):
        gradcheck(lambda x: functional.ctc_loss(before(x), TARGETS, [7, 6], [3, 2]), x)
