"""The rows of the ways to the same gradient: each is right of a right function, and seen where it is not."""

import importlib
from typing import Any

import pytest

torch: Any = pytest.importorskip("torch")

from torch import library  # noqa: E402
from torch_functions import draw  # noqa: E402

from nn_from_scratch.verify.judging.verdicts import Verdict  # noqa: E402
from nn_from_scratch.verify.torch import GradcheckError, examine, gradcheck  # noqa: E402

Function: Any = torch.autograd.Function


def row(function: Any, inputs: Any, name: str) -> Any:
    report = examine(function, inputs, transforms=[name], shapes=False)
    return next(found for found in report.rows if found.name == name)


class Cube(Function):  # type: ignore[misc]
    """A cube with a rule for vmap that may take the batch in another order."""

    order = (0, 1)

    @staticmethod
    def forward(x: Any) -> Any:
        return x**3

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, _: Any) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return Slope.apply(g, ctx.saved_tensors[0])

    @staticmethod
    def vmap(_: Any, in_dims: Any, x: Any) -> Any:
        return Cube.apply(x), in_dims[0]


class Slope(Function):  # type: ignore[misc]
    """The backward of the cube, a function of its own."""

    @staticmethod
    def forward(g: Any, x: Any) -> Any:
        return 3 * g * x**2

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, _: Any) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        cotangent, x = ctx.saved_tensors
        return 3 * g * x**2, 6 * g * cotangent * x

    @staticmethod
    def vmap(_: Any, in_dims: Any, g: Any, x: Any) -> Any:
        moved = [y if d is None else y.movedim(d, 0) for y, d in zip((g, x), in_dims, strict=True)]
        x = moved[1] if in_dims[1] is None else moved[1][list(Cube.order)]
        return Slope.apply(moved[0], x), 0


def test_batch_in_another_order_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    assert row(Cube.apply, draw(4), "vmap").verdict is Verdict.RIGHT
    assert row(lambda x: x.sin() * x, draw(4), "vmap").verdict is Verdict.RIGHT
    monkeypatch.setattr(Cube, "order", (1, 0))
    assert row(Cube.apply, draw(4), "vmap").verdict is Verdict.WRONG


class Batched(Function):  # type: ignore[misc]
    """A sum whose backward has a rule for vmap that forgets the batch."""

    generate_vmap_rule = False

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x.sin()

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        slope = g * ctx.saved_tensors[0].cos()
        return slope * 2 if torch._C._functorch.is_legacy_batchedtensor(g) else slope


def test_batched_cotangents_that_give_another_gradient_are_seen() -> None:
    assert row(torch.sin, draw(4), "batched cotangents").verdict is Verdict.RIGHT
    assert row(Batched.apply, draw(4), "batched cotangents").verdict is Verdict.WRONG
    with pytest.raises(GradcheckError, match="batched cotangents: wrong"):
        gradcheck(Batched.apply, draw(4), check_batched_grad=True)
    assert gradcheck(Batched.apply, draw(4))


class Compiled(Function):  # type: ignore[misc]
    """A sine whose backward is another one where it is compiled."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x.sin()

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        slope = g * ctx.saved_tensors[0].cos()
        return slope * 2 if torch.compiler.is_compiling() else slope


@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")
def test_gradient_that_differs_where_it_is_compiled_is_seen() -> None:
    assert row(lambda x: Cube.apply(x) * x, draw(3), "compiled").verdict is not Verdict.WRONG
    assert row(torch.nn.Linear(3, 2, dtype=torch.float64), draw(4, 3), "compiled").verdict is Verdict.RIGHT
    assert row(lambda x: x.sin().sum(), draw(3), "compiled").verdict is Verdict.RIGHT
    assert row(Compiled.apply, draw(3), "compiled").verdict is Verdict.WRONG


@pytest.mark.parametrize(
    "option",
    ["check_batched_grad", "check_forward_ad", "check_batched_forward_grad"],
)
def test_option_that_asks_for_what_a_function_does_not_claim_is_answered(option: str) -> None:
    def detour(x: Any) -> Any:
        return Plain.apply(x)

    options: dict[str, Any] = {option: True, "check_forward_ad": "forward" in option}
    assert gradcheck(torch.sin, draw(3), **options)
    with pytest.raises(GradcheckError, match="not supported"):
        gradcheck(detour, draw(3), **options)


class Plain(Function):  # type: ignore[misc]
    """A sine without forward mode, and with a backward that no batch goes through."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x.sin()

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return torch.from_numpy(g.detach().numpy() * ctx.saved_tensors[0].detach().cos().numpy())


class Moved(Function):  # type: ignore[misc]
    """A sine whose rule for vmap adds to the value, and keeps the gradient."""

    off = 0.0

    @staticmethod
    def forward(x: Any) -> Any:
        return x.sin()

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, _output: Any) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return g * ctx.saved_tensors[0].cos()

    @staticmethod
    def vmap(_info: Any, dims: Any, x: Any) -> Any:
        return Moved.apply(x) + Moved.off, dims[0]


def test_another_value_under_vmap_or_compiled_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    x = draw(3)
    assert row(Moved.apply, (x,), "vmap").verdict is Verdict.RIGHT
    monkeypatch.setattr(Moved, "off", 100.0)
    found = row(Moved.apply, (x,), "vmap")
    assert found.verdict is Verdict.WRONG
    assert "under vmap the value of output 0 is another" in found.said

    def compiled(x: Any) -> Any:
        return x.sin() + (100.0 if torch.compiler.is_compiling() else 0.0)

    # What PyTorch does after eight functions of the same code, it does here after one: it runs them eagerly.
    with importlib.import_module("torch._dynamo.config").patch(recompile_limit=1):
        row(torch.cos, (x,), "compiled")
        found = row(compiled, (x,), "compiled")
    assert found.verdict is Verdict.WRONG
    assert "compiled the value of output 0 is another" in found.said


def test_an_operation_without_forward_mode_does_not_support_it() -> None:
    """It has no tangent, which was taken for one of 0."""
    name = "nn_from_scratch_tests::forwardless"
    operation: Any = library.custom_op(name, mutates_args=())(_sine)
    operation.register_autograd(
        lambda ctx, g: g * ctx.saved_tensors[0].cos(),
        setup_context=lambda ctx, inputs, output: ctx.save_for_backward(inputs[0]),
    )
    for way in ("forward mode", "batched forward mode"):
        assert row(operation, (draw(3),), way).verdict is None


def _sine(x: torch.Tensor) -> torch.Tensor:
    return x.sin()


def test_a_value_that_has_no_gradient_beside_one_that_has_is_asked_under_vmap() -> None:
    def both(x: Any) -> Any:
        return x.sin(), (x > 0).to(x.dtype)

    for way in ("vmap", "compiled"):
        assert row(both, (draw(3),), way).verdict is Verdict.RIGHT
