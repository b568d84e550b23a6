"""The drop-in for PyTorch's gradcheck: right functions pass, broken ones are told what they break."""

import inspect
import math
import subprocess
import sys
import warnings
from typing import Any

import pytest

torch: Any = pytest.importorskip("torch")

from torch import library  # noqa: E402
from torch_functions import draw  # noqa: E402

from nn_from_scratch.verify import GradientError  # noqa: E402
from nn_from_scratch.verify import UndecidedError as OurUndecidedError  # noqa: E402
from nn_from_scratch.verify.judging.verdicts import Verdict  # noqa: E402
from nn_from_scratch.verify.torch import (  # noqa: E402
    GradcheckError,
    UndecidedError,
    examine,
    gradcheck,
    gradgradcheck,
)

Function: Any = torch.autograd.Function
Module: Any = torch.nn.Module

CONTRACT = [
    "twice the same",
    "nothing changed",
    "nothing shared",
    "cotangents of every layout",
    "each input alone",
    "nothing kept from an earlier call",
    "cotangents of nothing",
    "linear in the cotangent",
    "shapes and dtypes",
]


def function(forward: Any, backward: Any, *, once: bool = False) -> Any:
    """Make a custom function of a forward that returns the output and what to save, and of a backward."""

    class Custom(Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, *inputs: Any) -> Any:
            output, saved = forward(*inputs)
            ctx.save_for_backward(*saved)
            return output

    if once:
        backward = torch.autograd.function.once_differentiable(backward)
    Custom.backward = staticmethod(backward)
    return Custom.apply


def sine(backward: Any) -> Any:
    return function(lambda x: (x.sin(), (x,)), backward)


def rows(report: Any) -> dict[str, Any]:
    return {row.name: row for row in report.rows}


SINE = sine(lambda ctx, g: g * ctx.saved_tensors[0].cos())


@pytest.mark.parametrize(("ours", "theirs"), [("gradcheck", gradcheck), ("gradgradcheck", gradgradcheck)])
def test_signature_is_pytorchs(ours: str, theirs: Any) -> None:
    expected = inspect.signature(getattr(torch.autograd, ours)).parameters
    got = inspect.signature(theirs).parameters
    own, beyond = list(got.values())[: len(expected)], list(got.values())[len(expected) :]
    assert [(x.name, x.kind, x.default) for x in own] == [
        (x.name, x.kind, x.default) for x in expected.values()
    ]
    assert all(x.kind is x.KEYWORD_ONLY and x.default is not x.empty for x in beyond)


def test_importing_the_suite_does_not_import_pytorch() -> None:
    code = "import sys, nn_from_scratch.verify; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_right_function_passes_in_every_dtype(dtype: Any) -> None:
    report = examine(SINE, draw(3, 4, dtype=dtype), transforms=[])
    assert [row.name for row in report.rows] == ["rules", "numbers", "other shapes", *CONTRACT]
    assert all(row.verdict is Verdict.RIGHT for row in report.rows), str(report)
    assert gradcheck(SINE, draw(3, 4, dtype=dtype)) is True


def test_function_of_float32_alone_passes() -> None:
    def narrow(x: Any) -> Any:
        assert x.dtype == torch.float32
        return torch.from_numpy(x.detach().numpy() * 0) + SINE(x)

    def wordless(x: Any) -> Any:
        if x.dtype != torch.float32:
            raise AssertionError
        return by_item(x)

    by_item = sine(lambda ctx, g: torch.stack([g[k] * math.cos(ctx.saved_tensors[0][k]) for k in range(3)]))
    for function in (narrow, wordless):
        assert gradcheck(function, draw(3, dtype=torch.float32))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_wrong_numbers_are_wrong(dtype: Any) -> None:
    wrong = sine(lambda ctx, g: g * ctx.saved_tensors[0].cos() * 1.001)
    with pytest.raises(GradcheckError, match="rules: wrong") as caught:
        gradcheck(wrong, draw(3, 4, dtype=dtype))
    assert isinstance(caught.value, GradientError)
    assert gradcheck(wrong, draw(3, 4, dtype=dtype), raise_exception=False) is False


def test_ignored_cotangent_is_wrong() -> None:
    report = rows(examine(sine(lambda ctx, g: ctx.saved_tensors[0].cos()), draw(3), transforms=[]))
    assert report["rules"].verdict is Verdict.WRONG
    assert report["numbers"].verdict is Verdict.WRONG
    assert "is not multiplied" in report["cotangents of nothing"].said


def test_adding_to_the_last_result_is_not_deterministic() -> None:
    kept: list[Any] = []

    def backward(ctx: Any, g: Any) -> Any:
        kept.append(g * ctx.saved_tensors[0].cos())
        return sum(kept)

    with pytest.raises(GradcheckError, match="not deterministic: a second backward"):
        gradcheck(sine(backward), draw(3))


@pytest.mark.parametrize("parity", [0, 1])
def test_every_second_call_that_differs_is_seen(parity: int) -> None:
    calls: list[int] = []

    def backward(ctx: Any, g: Any) -> Any:
        calls.append(1)
        return g * ctx.saved_tensors[0].cos() * (1 + 2.0**-52 * ((len(calls) + parity) % 2))

    with pytest.raises(GradcheckError, match="not deterministic"):
        gradcheck(sine(backward), draw(3))


def test_small_nondeterminism_is_allowed_if_the_caller_allows_it() -> None:
    calls: list[int] = []

    def backward(ctx: Any, g: Any) -> Any:
        calls.append(1)
        return g * ctx.saved_tensors[0].cos() * (1 + 2.0**-52 * (len(calls) % 2))

    with pytest.raises(GradcheckError, match="not deterministic"):
        gradcheck(sine(backward), draw(3))
    assert gradcheck(sine(backward), draw(3), nondet_tol=1e-12)


def test_backward_that_draws_is_allowed_within_what_the_caller_allows() -> None:
    def drawing(size: float) -> Any:
        def backward(ctx: Any, g: Any) -> Any:
            (x,) = ctx.saved_tensors
            return g * x.cos() * (1 + size * torch.randn_like(x))

        return sine(backward)

    assert gradcheck(drawing(1e-9), draw(3), nondet_tol=1e-6)
    for size, allowed in ((1e-9, 0.0), (1e-9, 1e-11), (1e-3, 1e-6)):
        with pytest.raises(GradcheckError, match="formula proved to differ"):
            gradcheck(drawing(size), draw(3), nondet_tol=allowed)


def test_dropout_is_not_deterministic_in_those_words() -> None:
    with pytest.raises(UndecidedError, match="not deterministic"):
        gradcheck(torch.nn.functional.dropout, draw(8))


def writes_into_cotangent(ctx: Any, g: Any) -> Any:
    return g.mul_(ctx.saved_tensors[0].cos())


def writes_into_input(ctx: Any, g: Any) -> Any:
    (x,) = ctx.saved_tensors
    slope = g * x.cos()
    x.data.zero_()
    return slope


def test_writing_into_what_is_given_is_wrong() -> None:
    into_cotangent = rows(examine(sine(writes_into_cotangent), draw(3), transforms=[]))["nothing changed"]
    assert into_cotangent.verdict is Verdict.WRONG
    assert "the cotangent" in into_cotangent.said
    into_input = rows(examine(sine(writes_into_input), draw(3), transforms=[]))["nothing changed"]
    assert into_input.verdict is Verdict.WRONG
    assert "input 0" in into_input.said


def test_writing_into_a_saved_tensor_is_wrong() -> None:
    def backward(ctx: Any, g: Any) -> Any:
        return ctx.saved_tensors[0].mul_(g)

    wrong = function(lambda x: (x.sin(), (x.cos(),)), backward)
    row = rows(examine(wrong, draw(3), transforms=[]))["nothing changed"]
    assert row.verdict is Verdict.WRONG
    assert "saved" in row.said


def test_forward_that_changes_its_input_is_wrong() -> None:
    def forward(x: Any) -> Any:
        y = x.sin()
        x.data.mul_(1.0)
        x.data.add_(1.0)
        return y, (x - 1,)

    row = rows(
        examine(function(forward, lambda ctx, g: g * ctx.saved_tensors[0].cos()), draw(3), transforms=[])
    )["nothing changed"]
    assert row.verdict is Verdict.WRONG
    assert row.said == "the forward changes input 0"


def test_gradient_stored_in_the_input_is_wrong() -> None:
    half_square = function(
        lambda x: (x.square().sum() / 2, (x,)), lambda ctx, g: ctx.saved_tensors[0].view(-1)
    )
    row = rows(examine(half_square, draw(3), transforms=[]))["nothing shared"]
    assert row.verdict is Verdict.WRONG
    assert "input 0" in row.said


def test_views_of_the_cotangent_are_right() -> None:
    assert gradcheck(lambda x: x.view(6), draw(2, 3))
    assert gradcheck(function(lambda x: (x.clone(), ()), lambda _, g: g), draw(2, 3))


def test_backward_that_needs_contiguous_cotangents_is_told() -> None:
    needy = function(lambda x: (x * 2, ()), lambda ctx, g: g.view(-1).mul(2).view(2, 3))
    with pytest.raises(GradcheckError, match="raises for a cotangent that is not contiguous"):
        gradcheck(needy, draw(2, 3))


def test_backward_that_reads_the_storage_is_told() -> None:
    def backward(_: Any, g: Any) -> Any:
        return torch.as_strided(g, (2, 3), (3, 1)) * 2 if g.stride() != (0, 0) else g * 2

    with pytest.raises(GradcheckError, match="not contiguous"):
        gradcheck(function(lambda x: (x * 2, ()), backward), draw(2, 3))


def test_batch_norm_whose_gradient_vanishes_for_a_constant_cotangent_is_right() -> None:
    for dtype in (torch.float32, torch.float64):
        module = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.BatchNorm1d(4)).to(
            dtype
        )
        assert gradcheck(module, torch.randn(5, 3, dtype=dtype, generator=torch.Generator().manual_seed(1)))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_gradients_that_are_zero_but_for_rounding_are_right(dtype: Any) -> None:
    x = draw(7, dtype=dtype)
    for vanishing in (lambda x: (x - x.mean()).sum(), lambda x: torch.softmax(x, 0).sum()):
        report = rows(examine(vanishing, x, transforms=["forward mode", "vmap", "batched cotangents"]))
        assert not [row for row in report.values() if row.accuses], list(map(str, report.values()))


def test_each_input_alone() -> None:
    def backward(ctx: Any, g: Any) -> Any:
        x, y = ctx.saved_tensors
        found = [g * other for other, needed in zip((y, x), ctx.needs_input_grad, strict=True) if needed]
        return (*found, None)[:2]  # the second alone comes first

    wrong = function(lambda x, y: (x * y, (x, y)), backward)
    row = rows(examine(wrong, (draw(3), draw(3, seed=1)), transforms=[]))["each input alone"]
    assert row.verdict in {Verdict.WRONG, Verdict.ERROR}


def test_inputs_of_every_kind_are_passed_through() -> None:
    def mixed(pair: Any, table: Any, scale: int, nothing: None, index: Any) -> Any:
        assert nothing is None
        return {"a": pair[0][index] * scale, "b": (table["w"] @ pair[1], "text", 3)}

    arguments = ([draw(4), draw(3)], {"w": draw(2, 3, seed=1)}, 3, None, torch.tensor([0, 2, 2]))
    report = examine(mixed, arguments, transforms=[])
    assert report, str(report)

    def wrong(pair: Any, *others: Any) -> Any:
        return mixed([function(lambda x: (x * 2, ()), lambda ctx, g: g * 3)(pair[0]), pair[1]], *others)

    with pytest.raises(GradcheckError, match=r"input 0\[0\]\[0\]: the formula has"):
        gradcheck(wrong, arguments)


def test_tensors_that_require_no_gradient_are_held() -> None:
    assert gradcheck(lambda x, y: x * y.round(), (draw(3), draw(3).detach() * 3))


def test_parameters_that_a_function_closes_over_are_moved_and_put_back() -> None:
    layer = torch.nn.Linear(3, 2, dtype=torch.float64)
    x, before = draw(4, 3), layer.weight.detach().clone()
    assert gradcheck(lambda x, *parameters: layer(x).tanh(), (x, *layer.parameters()))
    assert torch.equal(layer.weight, before)
    wrong = sine(lambda ctx, g: g * ctx.saved_tensors[0].cos() * 1.01)
    with pytest.raises(GradcheckError, match="numbers: wrong"):
        gradcheck(lambda x, *parameters: wrong(layer(x)), (x, *layer.parameters()))


def test_function_that_closes_over_its_inputs_is_excused_like_any_other() -> None:
    x, layer = draw(4, 3).detach(), torch.nn.Linear(3, 2, dtype=torch.float64)
    with pytest.raises(UndecidedError, match="the function detaches"):
        gradcheck(lambda *_: layer(x) * layer(x).detach(), tuple(layer.parameters()))
    steep = sine(lambda ctx, g: g * ctx.saved_tensors[0].cos() * 1.01)
    with pytest.raises(GradcheckError, match="numbers: wrong"):  # what is detached there is no input
        gradcheck(lambda *_: steep(layer(draw(4, 3).detach())), tuple(layer.parameters()))
    matrix = (torch.eye(3, dtype=torch.float64) * 4 + draw(3, 3).detach() * 0.1).requires_grad_()
    with pytest.raises(UndecidedError, match="symmetric"):
        gradcheck(lambda _: torch.linalg.cholesky(matrix), matrix)
    point = draw(3)
    wrong = sine(lambda ctx, g: g * ctx.saved_tensors[0].detach().cos())
    assert gradgradcheck(lambda _: SINE(point), point)
    with pytest.raises(GradcheckError, match="numbers: wrong"):
        gradgradcheck(lambda _: wrong(point), point)


def test_function_that_reads_its_inputs_beside_what_it_is_given_is_asked_for_both() -> None:
    point = draw(3)
    wrong = sine(lambda ctx, g: g * ctx.saved_tensors[0].cos() * 1.01)
    assert gradcheck(lambda x: x.exp() + SINE(point), point)
    with pytest.raises(GradcheckError, match="numbers: wrong"):
        gradcheck(lambda x: x.exp() + wrong(point), point)
    with pytest.raises(UndecidedError, match="the function detaches"):
        gradcheck(lambda _: point.detach().sin(), point)
    with pytest.raises(UndecidedError, match="the function detaches"):
        gradcheck(lambda _: torch.from_numpy(point.detach().numpy() * 2), point)
    halves = draw(6)
    assert gradcheck(lambda x: x * halves.detach()[3:], halves[:3])  # other numbers of the same storage
    with pytest.raises(GradcheckError, match="numbers: wrong"):
        gradcheck(lambda x: wrong(x) * halves.detach()[3:], halves[:3])


@pytest.mark.filterwarnings("ignore:The reduce argument:UserWarning")
def test_derivative_that_pytorch_does_not_have_is_not_supported() -> None:
    index = torch.tensor([0, 1, 1])
    for function, inputs in (
        (lambda x, y: x.scatter(0, index, y, reduce="add"), (draw(3), draw(3, seed=1))),
        (torch.special.zeta, (draw(3).detach().abs().add(1.5).requires_grad_(), 2.0)),
        (library.custom_op("nn_from_scratch_tests::bare", by_torch, mutates_args=()), (draw(3),)),
    ):
        report = examine(function, inputs, transforms=[])
        assert [row.verdict for row in report.rows] == [None], str(report)
        with pytest.raises(UndecidedError, match="not supported"):
            gradcheck(function, inputs)
        with pytest.raises(UndecidedError, match="not supported"):
            gradgradcheck(function, inputs)


def by_torch(x: torch.Tensor) -> torch.Tensor:
    return x * 2


def test_whatever_a_backward_raises_is_a_gradcheck_error() -> None:
    def fails(ctx: Any, g: Any) -> Any:
        raise ZeroDivisionError(f"of its own, for {g.dtype} and {ctx.needs_input_grad}")

    def fails_the_second_time(ctx: Any, g: Any) -> Any:
        return failing(ctx.saved_tensors[0]) * g

    failing = sine(fails)
    for check in (gradcheck, gradgradcheck):
        with pytest.raises(GradcheckError, match="raises ZeroDivisionError: of its own"):
            check(failing, draw(3))
        assert check(failing, draw(3), raise_exception=False) is False
    with pytest.raises(GradcheckError, match="raises ZeroDivisionError: of its own"):
        gradgradcheck(sine(fails_the_second_time), draw(3))

    def narrow(ctx: Any, g: Any) -> Any:
        if g.dtype is torch.float64:
            raise TypeError("of float32 only")
        return g * ctx.saved_tensors[0].cos()

    assert gradcheck(sine(narrow), draw(3, dtype=torch.float32))
    with pytest.raises(ZeroDivisionError):  # the function itself fails: there is nothing to be checked
        gradcheck(lambda x: x / (1 // 0), draw(3))


def test_function_that_asks_more_of_its_inputs_than_one_alone_has_is_right() -> None:
    def slope_of_the_first(x: Any, y: Any) -> Any:
        return torch.autograd.grad((x * x * y).sum(), x, create_graph=True)[0]

    assert gradcheck(slope_of_the_first, (draw(3), draw(3, seed=1)))


def test_hook_that_takes_no_none_accuses_nobody() -> None:
    def hooked(x: Any) -> Any:
        y = x.sin()
        y.register_hook(lambda g: g * 1)
        return y * 1

    report = rows(examine(hooked, draw(3), transforms=[]))
    assert report["cotangents of nothing"].verdict is None
    assert gradcheck(hooked, draw(3))


def test_bugs_of_pytorch_are_found() -> None:
    x, part = draw(4), draw(2, seed=1)
    scattered = examine(lambda x, y: torch.as_strided_scatter(x, y, (2,), (1,), 0), (x, part), transforms=[])
    y = torch.as_strided_scatter(x, part, (2,), (1,), 0)
    (kept,) = torch.autograd.grad(y.sum(), x)
    if kept[0] != 0:  # the gradient is there where the input was overwritten
        assert rows(scattered)["rules"].verdict is Verdict.WRONG
    x = draw(1, 6, 3)
    _, mean, scale = torch.native_group_norm(x, None, None, 1, 6, 3, 2, 1e-5)
    (got,) = torch.autograd.grad(scale, x, torch.ones_like(scale), allow_unused=True)
    if got is None:  # the one statistic has no gradient if the other is not used
        report = examine(lambda x: torch.native_group_norm(x, None, None, 1, 6, 3, 2, 1e-5), x, transforms=[])
        assert rows(report)["cotangents of nothing"].verdict is Verdict.WRONG
    assert mean.requires_grad


def test_parameters_of_a_module_are_checked() -> None:
    class Scaled(Module):  # type: ignore[misc]
        def __init__(self, slope: float) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(draw(3).detach())
            self.scale = function(
                lambda x, w: (x * w, (x, w)),
                lambda ctx, g: (g * ctx.saved_tensors[1], g * ctx.saved_tensors[0] * slope),
            )

        def forward(self, x: Any) -> Any:
            return self.scale(x, self.weight.expand_as(x))

    x = draw(2, 3).detach()
    assert gradcheck(Scaled(1.0), x)
    with pytest.raises(GradcheckError, match="parameter weight"):
        gradcheck(Scaled(1.5), x)


def test_complex_and_sparse_are_refused_by_name() -> None:
    with pytest.raises(UndecidedError, match="input 0 is complex"):
        gradcheck(torch.abs, torch.ones(2, dtype=torch.complex128, requires_grad=True))
    with pytest.raises(UndecidedError, match="input 0 is sparse"):
        gradcheck(lambda x: x.to_dense(), torch.eye(2, dtype=torch.float64).to_sparse().requires_grad_())
    with pytest.raises(UndecidedError, match="output 0 is complex"):
        gradcheck(lambda x: torch.complex(x, x), draw(2))
    z = torch.ones(2, dtype=torch.complex128)
    with pytest.raises(
        UndecidedError, match=r"input 1 is complex.* function of the real and imaginary parts"
    ):
        gradcheck(lambda x, z: x * z.real, (draw(2), z.clone().requires_grad_()))
    with pytest.raises(UndecidedError, match="output 1 is complex"):
        gradcheck(lambda x: (x, x * 1j), draw(2))
    assert gradcheck(lambda x, z: (x * z).abs(), (draw(2), z)), "a constant may be complex"


def test_nothing_to_check_is_never_right() -> None:
    with pytest.raises(ValueError, match="requires a gradient"):
        gradcheck(torch.sin, torch.ones(3))
    with pytest.raises(UndecidedError, match="nothing was checked"):
        gradcheck(lambda x: x.detach().long(), draw(3))
    with pytest.raises(ValueError, match="nothing to check"):
        gradcheck(torch.sin, draw(3), check_backward_ad=False)


@pytest.mark.parametrize(
    ("function", "inputs", "what"),
    [
        (torch.sin, (draw(0, 3),), "every input that requires a gradient is empty"),
        (torch.mul, (draw(0), draw(0, seed=1)), "every input that requires a gradient is empty"),
        (lambda x: x[:0].sin(), (draw(3),), "every output is empty"),
    ],
)
def test_comparing_no_number_is_never_right(function: Any, inputs: Any, what: str) -> None:
    for check in (gradcheck, gradgradcheck):
        with pytest.raises(UndecidedError, match=what):
            check(function, inputs)
        with pytest.warns(UserWarning, match=what):
            assert check(function, inputs, raise_exception=False) is False
    assert what in str(examine(function, inputs))
    assert gradcheck(lambda x, y: (x.sin(), y), (draw(3), draw(0)))


def test_gradient_that_the_user_cuts_off_is_not_decided() -> None:
    with pytest.raises(UndecidedError, match="the function detaches"):
        gradcheck(lambda x: x.detach().sin(), draw(3))
    with pytest.raises(UndecidedError, match="computes without gradients"):
        gradcheck(torch.no_grad()(lambda x: x.sin()), draw(3))
    wrong = sine(lambda ctx, g: g * ctx.saved_tensors[0].cos() * 1.01)

    def asks_for_shapes(x: Any) -> Any:
        with torch.no_grad():
            count = x.shape[0] + x.dim()
        return through_numpy(wrong(x)) * count

    through_numpy = function(lambda x: (x.exp(), (x,)), by_numpy_exp)
    with pytest.raises(GradcheckError, match="numbers: wrong"):  # a shape has no derivative to be cut off
        gradcheck(asks_for_shapes, draw(3))
    assert gradcheck(lambda x: x.sign() + 0 * x.detach(), draw(3))


def test_undecided_is_an_error_or_a_warning() -> None:
    with pytest.raises(UndecidedError) as caught:
        gradcheck(torch.nn.functional.dropout, draw(8))
    assert isinstance(caught.value, OurUndecidedError)
    with pytest.warns(UserWarning, match="not decided"):
        assert gradcheck(torch.nn.functional.dropout, draw(8), raise_exception=False) is False


def test_steps_and_tolerances_are_not_needed() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert gradcheck(SINE, draw(3), eps=1e-6, atol=1e-5, rtol=1e-3, fast_mode=True, masked=True)
    with pytest.warns(UserWarning, match="eps, atol not needed"):
        assert gradcheck(SINE, draw(3), eps=1e-4, atol=1e-2)


def test_undefined_cotangents() -> None:
    class Pair(Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.set_materialize_grads(False)
            return x * 2, x * 3

        @staticmethod
        def backward(_: Any, g: Any, h: Any) -> Any:
            return g * 2 + h * 3

    with pytest.raises(GradcheckError, match="raises where output 0 is not used"):
        gradcheck(Pair.apply, draw(3))
    assert gradcheck(Pair.apply, draw(3), check_undefined_grad=False)


def test_dtypes_that_the_backward_returns() -> None:
    widens = sine(lambda ctx, g: (g * ctx.saved_tensors[0].cos()).double())
    assert gradcheck(widens, draw(3, dtype=torch.float32))
    with pytest.raises(GradcheckError, match="which PyTorch converts"):
        gradcheck(widens, draw(3, dtype=torch.float32), check_grad_dtypes=True)


def test_transformations_that_are_not_claimed_are_not_supported() -> None:
    report = rows(examine(SINE, draw(3)))
    assert {name: report[name].verdict for name in report if name not in CONTRACT} == {
        "rules": Verdict.RIGHT,
        "numbers": Verdict.RIGHT,
        "other shapes": Verdict.RIGHT,
        "batched cotangents": Verdict.RIGHT,
        "vmap": None,
        "forward mode": None,
        "batched forward mode": None,
        "double backward": Verdict.RIGHT,
        "compiled": Verdict.RIGHT,
    }
    assert gradcheck(SINE, draw(3), check_batched_grad=True)
    with pytest.raises(GradcheckError, match="forward mode: not supported"):
        gradcheck(SINE, draw(3), check_forward_ad=True)


class Claims(Function):  # type: ignore[misc]
    """A sine with forward mode, whose rule may be wrong, and vmap."""

    generate_vmap_rule = True
    slope = 1.0

    @staticmethod
    def forward(x: Any) -> Any:
        return x.sin()

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, _: Any) -> None:
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return g * ctx.saved_tensors[0].cos()

    @staticmethod
    def jvp(ctx: Any, v: Any) -> Any:
        return v * ctx.saved_tensors[0].cos() * Claims.slope


def test_forward_mode_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    report = examine(Claims.apply, draw(3), transforms=["vmap", "forward mode", "batched forward mode"])
    assert all(row.verdict is Verdict.RIGHT for row in report.rows), str(report)
    assert gradcheck(Claims.apply, draw(3), check_forward_ad=True, check_batched_forward_grad=True)
    assert gradcheck(Claims.apply, draw(3), check_forward_ad=True, check_backward_ad=False)
    monkeypatch.setattr(Claims, "slope", 1.001)
    with pytest.raises(GradcheckError, match="forward mode: wrong"):
        gradcheck(Claims.apply, draw(3), check_forward_ad=True)
    with pytest.raises(GradcheckError, match="forward mode: wrong"):
        gradcheck(Claims.apply, draw(3, dtype=torch.float32), check_forward_ad=True)


def by_numpy(ctx: Any, g: Any) -> Any:
    return torch.from_numpy(g.detach().numpy() * ctx.saved_tensors[0].detach().cos().numpy())


def by_numpy_exp(ctx: Any, g: Any) -> Any:
    return torch.from_numpy(g.detach().numpy() * ctx.saved_tensors[0].detach().exp().numpy())


def test_promise_of_once_differentiable() -> None:
    silent = rows(examine(sine(by_numpy), draw(3), transforms=["double backward"]))["double backward"]
    assert silent.verdict is Verdict.WRONG
    assert "once_differentiable" in silent.said
    honest = function(lambda x: (x.sin(), (x,)), by_numpy, once=True)
    row = rows(examine(honest, draw(3), transforms=["double backward"]))["double backward"]
    assert row.verdict is None
    assert "once_differentiable" in row.said
    with pytest.raises(GradcheckError, match="once_differentiable"):
        gradgradcheck(honest, draw(3))
    with pytest.raises(GradcheckError, match="numbers: wrong"):
        gradgradcheck(sine(by_numpy), draw(3))


def test_second_derivatives() -> None:
    assert gradgradcheck(SINE, draw(3))
    assert gradgradcheck(SINE, draw(2, 3), gen_non_contig_grad_outputs=True)
    assert gradgradcheck(SINE, draw(3), draw(3, seed=2))
    assert gradgradcheck(
        torch.mul, (draw(3), draw(3, seed=1)), check_fwd_over_rev=True, check_batched_grad=True
    )
    assert gradgradcheck(SINE, draw(3, dtype=torch.float32))

    class Cosine(Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x.cos()

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return -g * ctx.saved_tensors[0].sin() * 1.01

    wrong = sine(lambda ctx, g: g * Cosine.apply(ctx.saved_tensors[0]))
    assert gradcheck(wrong, draw(3))
    with pytest.raises(GradcheckError, match="rules: wrong"):
        gradgradcheck(wrong, draw(3))


def test_second_derivatives_that_cannot_be_asked() -> None:
    with pytest.raises(UndecidedError, match="input 0 is complex"):
        gradgradcheck(torch.abs, torch.ones(2, dtype=torch.complex128, requires_grad=True))
    with pytest.raises(UndecidedError, match="no output has a gradient"):
        gradgradcheck(lambda x: x.detach().sin(), draw(3))
    with torch.no_grad():
        assert gradgradcheck(SINE, draw(3))


def test_part_of_a_gradient_that_is_taken_for_a_constant_is_wrong() -> None:
    def backward(ctx: Any, g: Any) -> Any:
        x, y = ctx.saved_tensors
        return g * y, (g * x).detach()

    wrong = function(lambda x, y: (x * y, (x, y)), backward)
    assert gradcheck(wrong, (draw(3), draw(3, seed=1)))
    with pytest.raises(GradcheckError, match="rules: wrong"):
        gradgradcheck(wrong, (draw(3), draw(3, seed=1)))


def test_random_state_is_left_alone() -> None:
    before = torch.random.get_rng_state()
    gradcheck(lambda x: x + math.pi, draw(3))
    with pytest.raises(UndecidedError):
        gradcheck(torch.nn.functional.dropout, draw(8))
    with pytest.raises(UndecidedError):
        gradgradcheck(torch.nn.functional.dropout, draw(8))
    assert torch.equal(torch.random.get_rng_state(), before)


def test_what_is_computed_for_one_number_alone_is_no_proof() -> None:
    """Of pow the gradient by the base is a constant 0 where the exponent is 0: a derivative of one point."""
    x, y = (torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in (2.0, 0.0))
    with pytest.raises(GradcheckError, match=r"the derivative for x1 is .*, expected"):
        gradgradcheck(torch.pow, (x, y))
    assert gradgradcheck(torch.pow, (x, y + 1.5))
    assert gradcheck(torch.pow, (x, y))
    points = torch.tensor([0.0, 1.0], dtype=torch.float64, requires_grad=True)
    with pytest.raises(GradcheckError, match=r"the derivative for x\[0\] is 0.0, expected"):
        gradcheck(lambda x: torch.where(x == 0, x * x, torch.sin(x)), (points,))
    assert gradcheck(torch.sinc, (points,))


def test_a_gradient_without_memory_is_0() -> None:
    # PyTorch's own where a derivative is 0 everywhere: to read its numbers in place ends the process.
    def nothing(saved: Any, cotangent: Any) -> Any:
        del saved
        return torch._efficientzerotensor(cotangent.shape, dtype=cotangent.dtype)

    x = torch.tensor([1.0, -2.0], dtype=torch.float64, requires_grad=True)
    assert gradgradcheck(torch.abs, (x,))
    assert gradcheck(function(lambda x: (x.detach() * 0 + 1, (x,)), nothing), (x,))
    with pytest.raises(GradientError, match="is 0"):
        gradcheck(function(lambda x: (x * x, (x,)), nothing), (x,))


def test_checkpoint_that_gives_no_gradient_of_ones_choice_is_not_accused() -> None:
    def checkpointed(x: Any) -> Any:
        return torch.utils.checkpoint.checkpoint(torch.sin, x, use_reentrant=True)

    with pytest.raises(UndecidedError, match="use_reentrant=False"):
        gradcheck(checkpointed, draw(3))


def test_narrower_dtype_inside_of_a_backward_is_inaccurate() -> None:
    narrow = sine(lambda ctx, g: (g.float() * ctx.saved_tensors[0].float().cos()).double())
    with pytest.raises(GradcheckError, match=r"inaccurate: \d\.\d digits .*: float32 inside, at test_torch_"):
        gradcheck(narrow, draw(4))
    assert gradcheck(narrow, draw(4, dtype=torch.float32))
    assert gradcheck(lambda x: x.float().sin().double(), draw(4))


@pytest.mark.parametrize("number", [0.0, 1.0])
def test_factor_that_an_input_of_one_number_hides_is_seen_with_other_numbers(number: float) -> None:
    class Shifted(torch.autograd.Function):  # type: ignore[misc]
        forgets = False
        part = 1.0

        @staticmethod
        def forward(ctx: Any, x: Any, b: Any) -> Any:
            ctx.save_for_backward(x, b)
            return x * (1 + (b - number) * Shifted.part)

        @classmethod
        def backward(cls, ctx: Any, g: Any) -> Any:
            x, b = ctx.saved_tensors
            shift = 1 + (b - number) * Shifted.part
            return g if Shifted.forgets else g * shift, (g * x).sum(0) * Shifted.part

    inputs = draw(4, 3), torch.full((3,), number, dtype=torch.float64, requires_grad=True)
    assert gradcheck(Shifted.apply, inputs)
    Shifted.forgets = True
    with pytest.raises(GradcheckError, match="other numbers: wrong: right where input 1"):
        gradcheck(Shifted.apply, inputs)
    assert gradcheck(Shifted.apply, inputs, shapes=False)
    Shifted.part = 1 / 512
    with pytest.raises(UndecidedError, match="other numbers: undecided: right where input 1"):
        gradcheck(Shifted.apply, inputs)


def test_a_backward_that_overwrites_what_it_returned_is_wrong() -> None:
    """A sum of two such functions has twice the gradient of one of them."""
    buffer = torch.empty(3, dtype=torch.float64)
    overwriting = sine(lambda ctx, g: torch.mul(g, ctx.saved_tensors[0].cos(), out=buffer))
    with pytest.raises(GradcheckError, match="overwrites what it returned"):
        gradcheck(overwriting, draw(3))


def test_a_backward_that_zeroes_its_cotangent_is_told_so() -> None:
    def backward(ctx: Any, g: Any) -> Any:
        found = g * ctx.saved_tensors[0].cos()
        g.zero_()
        return found

    with pytest.raises(GradcheckError, match="the backward changes the cotangent"):
        gradcheck(sine(backward), draw(3))


@pytest.mark.filterwarnings("ignore:Sparse")
def test_a_sparse_argument_is_passed_through() -> None:
    graph = torch.eye(3, dtype=torch.float64)
    x = torch.ones(3, 2, dtype=torch.float64, requires_grad=True)
    for layout in (graph.to_sparse(), graph.to_sparse_csr()):
        assert gradcheck(lambda x, graph: torch.sparse.mm(graph, x), (x, layout))


def test_cotangents_of_another_shape_are_the_callers_mistake() -> None:
    with pytest.raises(ValueError, match=r"grad_outputs must be a tensor .*: \[\(3,\)\], got \[\(5,\)\]"):
        gradgradcheck(SINE, draw(3), draw(5))
    with pytest.raises(ValueError, match="check_batched_grad needs check_rev_over_rev"):
        gradgradcheck(
            SINE, draw(3), check_rev_over_rev=False, check_fwd_over_rev=True, check_batched_grad=True
        )


def test_what_is_not_needed_is_said_where_it_is_asked() -> None:
    for check in (gradcheck, gradgradcheck):
        with pytest.warns(UserWarning, match="eps not needed") as told:
            check(SINE, draw(3), eps=1e-4)
        assert [warning.filename for warning in told] == [__file__]
