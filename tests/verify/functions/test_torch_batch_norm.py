"""Batch norm in training mode: running statistics are no input, and no part of the gradient."""

from typing import Any

import pytest

torch: Any = pytest.importorskip("torch")

import numpy as np  # noqa: E402
from torch_functions import draw  # noqa: E402

from nn_from_scratch.verify.judging.verdicts import Verdict  # noqa: E402
from nn_from_scratch.verify.torch import examine, gradcheck  # noqa: E402

nn = torch.nn


def rules(function: Any, *inputs: Any) -> Any:
    report = examine(function, inputs, transforms=[], shapes=False)
    assert not report.verdict.accuses, str(report)
    return report.rows[0]


def network() -> Any:
    torch.manual_seed(0)
    layers = nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(12, 2)
    return nn.Sequential(*layers)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("momentum", [0.1, None])
def test_module_in_training_mode_is_traced_to_all_digits(dtype: Any, momentum: float | None) -> None:
    norm = nn.BatchNorm2d(2, momentum=momentum).to(dtype)
    said = rules(norm, draw(2, 2, 3, 2, dtype=dtype)).said
    assert int(said.split(" digits")[0].split()[-1]) >= 70
    assert not int(norm.num_batches_tracked)  # the suite asks copies


def test_statistics_that_change_on_each_call_are_nothing_random() -> None:
    norm = nn.BatchNorm1d(4).double()
    row = rules(lambda x: norm(x).sin(), draw(5, 4))
    assert row.verdict is Verdict.RIGHT, str(row)
    assert int(norm.num_batches_tracked) > 1
    assert gradcheck(lambda x: norm(x).sin(), draw(5, 4))


def test_network_in_float32_is_right() -> None:
    assert gradcheck(network(), draw(2, 2, 6, 6, dtype=torch.float32))


class Wrong(torch.autograd.Function):  # type: ignore[misc]
    """The identity, with a slope that is wrong by as little as numbers can be."""

    @staticmethod
    def forward(_: Any, x: Any) -> Any:
        return x * 1.0

    @staticmethod
    def backward(_: Any, g: Any) -> Any:
        return g * (1 + 1e-14)


def test_fault_beside_batch_norm_is_proved() -> None:
    norm = nn.BatchNorm1d(4).double()
    report = examine(lambda x: Wrong.apply(norm(x).sin()) + x.sum(), draw(5, 4), transforms=[], shapes=False)
    assert report.rows[0].verdict is Verdict.WRONG, str(report)


def test_output_that_reads_what_was_just_written_is_not_traced() -> None:
    norm = nn.BatchNorm1d(4).double()
    report = examine(lambda x: norm(x) * norm.running_mean, draw(5, 4), transforms=[], shapes=False)
    assert report.verdict is Verdict.UNDECIDED
    assert "not deterministic" in str(report)


class ReadsStatistics(torch.nn.Module):  # type: ignore[misc]
    """Scales by the running mean that was just written: a constant, as far as autograd can see."""

    def __init__(self, slope: Any) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(4).double()
        self.slope = slope

    def forward(self, x: Any) -> Any:
        """Normalise."""
        assert self.norm.running_mean is not None
        return self.slope(self.norm(x)) * self.norm.running_mean


def test_statistics_that_are_read_after_they_are_written_accuse_nobody() -> None:
    report = examine(ReadsStatistics(torch.sin), draw(5, 4), transforms=[], shapes=False)
    assert report.verdict is Verdict.UNDECIDED, str(report)
    assert "comes from outside of the trace" in report.rows[0].said
    assert "computes without gradients" in report.rows[1].said


class Steep(torch.autograd.Function):  # type: ignore[misc]
    """A sine that cannot be traced, and whose slope is wrong."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return torch.from_numpy(np.sin(x.detach().numpy()))

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return 1.01 * g * ctx.saved_tensors[0].cos()


def test_fault_behind_batch_norm_that_cannot_be_traced_is_wrong() -> None:
    norm = nn.BatchNorm1d(4).double()
    report = examine(lambda x: Steep.apply(norm(x)), draw(5, 4), transforms=[], shapes=False)
    assert report.rows[0].verdict is None
    assert report.rows[1].verdict is Verdict.WRONG, str(report)


@pytest.mark.parametrize("seed", range(4))
def test_bias_before_a_batch_norm_is_0_but_for_rounding(seed: int) -> None:
    torch.manual_seed(seed)
    layers = nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), nn.BatchNorm2d(3), nn.SiLU())
    assert gradcheck(layers, (torch.randn(2, 2, 4, 4, requires_grad=True),))
