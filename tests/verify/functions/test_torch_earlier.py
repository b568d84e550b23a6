"""Backwards of PyTorch's that keep something from an earlier call."""

from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from nn_from_scratch.verify.torch import examine  # noqa: E402

NAME = "nothing kept from an earlier call"
POINT = (0.3, 1.2, -0.7)


def point() -> Any:
    return torch.tensor(POINT, dtype=torch.float64, requires_grad=True)


def keeping() -> Callable[[Any], Any]:
    """Return a function whose backward keeps the first input that it was ever given."""

    class Keeping(torch.autograd.Function):  # type: ignore[misc, name-defined]
        kept: Any = None

        @staticmethod
        def forward(context: Any, x: Any) -> Any:
            context.save_for_backward(x)
            return torch.sin(x) * x

        @staticmethod
        def backward(context: Any, cotangent: Any) -> Any:
            if Keeping.kept is None:
                (Keeping.kept,) = context.saved_tensors
            x = Keeping.kept
            return cotangent * (torch.cos(x) * x + torch.sin(x))

    applied: Callable[[Any], Any] = Keeping.apply
    return applied


def verdicts(function: Callable[..., Any], *inputs: Any) -> dict[str, str]:
    report = examine(function, inputs, transforms=[])
    return {row.name: f"{row.verdict}: {row.said}" for row in report.rows}


def test_a_backward_that_keeps_its_first_input_is_wrong() -> None:
    found = verdicts(keeping(), point())
    assert found["rules"].startswith("wrong")
    assert found[NAME].startswith("wrong")
    assert "and right: something is kept from an earlier call" in found[NAME]


def test_one_that_was_asked_at_the_very_point_before_is_of_that_point_and_not_right() -> None:
    function = keeping()
    function(point()).sum().backward()
    found = verdicts(function, point())
    assert found["rules"].startswith("right")
    assert found[NAME].startswith("undecided")
    assert "it was computed for this point, or keeps its inputs" in found[NAME]


@pytest.mark.parametrize(
    "function",
    [torch.nn.Linear(3, 2, dtype=torch.float64), torch.sin, torch.sum],
    ids=["linear", "sin", "sum"],
)
def test_functions_that_keep_nothing_are_right(function: Callable[..., Any]) -> None:
    assert verdicts(function, point())[NAME].startswith("right")


def test_a_module_is_asked_elsewhere_without_a_change_of_its_buffers() -> None:
    module = torch.nn.BatchNorm1d(3, dtype=torch.float64)
    before = module.running_mean.clone()
    batch = torch.tensor([POINT, POINT[::-1]], dtype=torch.float64, requires_grad=True)
    assert verdicts(module, batch)[NAME].startswith("right")
    assert torch.equal(module.running_mean, before)


def test_a_function_without_a_value_elsewhere_is_not_asked() -> None:
    def only_here(x: Any) -> Any:
        assert torch.equal(x, point())
        return torch.sin(x)

    assert verdicts(only_here, point())[NAME].startswith("None")


def test_a_function_that_reads_what_it_closes_over_is_not_asked() -> None:
    x = point()
    assert verdicts(lambda y: torch.sin(x.detach()) * y, x)[NAME].startswith("None: not asked")
