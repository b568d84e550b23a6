"""The published table of PyTorch's own operations: what it says holds."""

import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
from long_runs import WHOLE

torch: Any = pytest.importorskip("torch")

from nn_from_scratch.verify.oracles import reference  # noqa: E402
from nn_from_scratch.verify.torch import UndecidedError, examine, gradcheck  # noqa: E402

sys.path.insert(0, str(Path(__file__).parents[3] / "reference"))
import record_traced_torch  # noqa: E402

pytestmark = pytest.mark.once

RECORD = reference.read("traced_torch.json")
FOUND: dict[str, str] = RECORD["found"]
EQUAL = "right: formula equal at this point to "
BUGS = {"torch.as_strided_scatter(x, y[:2], (2,), (1,), 1)"}
"""Where PyTorch's gradient is wrong: this input's is 1 where it was overwritten, and 0 where it was kept."""


def test_no_right_operation_is_accused_and_597_are_equal_to_50_digits() -> None:
    accused = {x for x, said in FOUND.items() if said.startswith(("wrong", "inaccurate"))}
    assert accused == BUGS
    digits = [int(x.removeprefix(EQUAL).split()[0]) for x in FOUND.values() if x.startswith(EQUAL)]
    assert len(digits) == RECORD["equal"] >= 597
    assert min(digits) >= 50


def test_table_holds_what_is_asked() -> None:
    assert list(FOUND) == record_traced_torch.variants()


@pytest.mark.parametrize("variant", [*(FOUND if WHOLE else list(FOUND)[::40]), *BUGS])
def test_recorded_operations_are_found_so_again(variant: str) -> None:
    if FOUND[variant].startswith("not asked") or torch.__version__ != RECORD["provenance"]["torch"]:
        pytest.skip("PyTorch has no derivative of it, or another version recorded it")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert record_traced_torch.asked(variant) == FOUND[variant]


def test_what_pytorch_leaves_out_of_a_gradient_on_purpose_is_no_fault() -> None:
    index = torch.tensor([0, 2, 2])
    table = record_traced_torch.OPERANDS["r"].clone().requires_grad_()
    functional = torch.nn.functional
    assert gradcheck(lambda w: functional.embedding(index, w, padding_idx=2), table)
    start = torch.tensor([0, 1])
    assert gradcheck(lambda w: functional.embedding_bag(index, w, start, padding_idx=2, mode="sum"), table)
    with pytest.raises(UndecidedError, match="as scale_grad_by_freq asks for"):
        gradcheck(lambda w: functional.embedding(index, w, scale_grad_by_freq=True), table)
    points = record_traced_torch.OPERANDS["t"].clone().requires_grad_()
    lengths = torch.tensor([2] * 3), torch.tensor([1] * 3)
    with pytest.raises(UndecidedError, match="call log_softmax within"):
        gradcheck(lambda x: functional.ctc_loss(x, torch.tensor([[1, 2]] * 3), *lengths), points)


def test_norm_at_a_kink_accuses_nobody() -> None:
    x = torch.tensor([1.0, -1.0, 0.0], dtype=torch.float64, requires_grad=True)
    for order in (1, 3, float("inf")):
        report = examine(lambda x, n=order: torch.linalg.vector_norm(x, n), x, transforms=[])
        assert not report.verdict.accuses, str(report)


@pytest.mark.parametrize(
    "variant",
    [
        "torch.nanmean(x)",
        "F.hinge_embedding_loss(x, torch.tensor([1.0, -1.0, 1.0, 1.0, -1.0]))",
        "F.cosine_embedding_loss(r, r.flip(0), torch.tensor([1.0, -1.0, 1.0]))",
        "F.scaled_dot_product_attention(t, t, t, is_causal=True)",
    ],
)
def test_labels_and_masks_that_are_compared_are_not_of_one_point(variant: str) -> None:
    assert record_traced_torch.asked(variant).startswith(EQUAL)


@pytest.mark.parametrize("asked", [lambda x: x == 0, lambda x: x.detach() == 0, lambda x: x * x == 0])
def test_formula_that_holds_for_one_number_alone_proves_nothing(asked: Any) -> None:
    point = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    report = examine(lambda x: torch.where(asked(x), x * x, x.sin()), point, transforms=[], shapes=False)
    assert report.rows[0].verdict is None, str(report)
    assert "its formula is of this point alone: eq" in report.rows[0].said
    assert not report


class Tabled(torch.autograd.Function):  # type: ignore[misc]
    """A table that the forward and the backward round in two ways."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:  # noqa: ARG004
        return x * torch.logspace(0.0, 1.0, 5, dtype=torch.float64)

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:  # noqa: ARG004
        return g * 10 ** torch.linspace(0.0, 1.0, 5, dtype=torch.float64)


def test_tables_that_are_rounded_otherwise_accuse_nobody() -> None:
    point = torch.linspace(0.7, -1.3, 5, dtype=torch.float64, requires_grad=True)
    report = examine(Tabled.apply, point, transforms=[], shapes=False)
    assert "equal up to the rounding of its constants" in report.rows[0].said, str(report)
    assert not report.verdict.accuses
