"""Functions as people write them, in every dtype: no right one is accused, no wrong one passes."""

import math
from collections.abc import Callable
from typing import Any

import pytest

torch: Any = pytest.importorskip("torch")

from torch import library  # noqa: E402
from torch.autograd.function import once_differentiable  # noqa: E402
from torch.utils.checkpoint import checkpoint  # noqa: E402
from torch_functions import draw  # noqa: E402

from nn_from_scratch.verify.functions.pytorch.by_forward import numbers_by_forward  # noqa: E402
from nn_from_scratch.verify.functions.pytorch.question import Question, cotangents  # noqa: E402
from nn_from_scratch.verify.judging.verdicts import Verdict  # noqa: E402
from nn_from_scratch.verify.torch import examine  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")

Function: Any = torch.autograd.Function
Module: Any = torch.nn.Module
DTYPES = [torch.float64, torch.float32, torch.bfloat16, torch.float16]

Case = Callable[[Any, float], tuple[Callable[..., Any], tuple[Any, ...]]]
"""Takes a dtype and a factor of some part of the backward (1 is right); gives a function and its inputs."""

CASES: dict[str, Case] = {}


def case(make: Case) -> Case:
    CASES[make.__name__] = make
    return make


def saving(forward: Any, backward: Any) -> Any:
    """Make a function that saves its inputs; the backward takes the context and the cotangents."""

    class Saving(Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, *inputs: Any) -> Any:
            ctx.save_for_backward(*[x for x in inputs if isinstance(x, torch.Tensor)])
            return forward(*inputs)

    Saving.backward = staticmethod(backward)
    return Saving.apply


def sine(by: float) -> Any:
    return saving(torch.sin, lambda ctx, g: g * ctx.saved_tensors[0].cos() * by)


@case
def view_within(dtype: Any, by: float) -> Any:
    f = saving(lambda x: x.view(-1) * 2, lambda ctx, g: (g * (2 * by)).view(ctx.saved_tensors[0].shape))
    return f, (draw(2, 3, dtype=dtype),)


@case
def of_a_view(dtype: Any, by: float) -> Any:
    f = sine(by)
    return (lambda x: f(x[:, 1:].t())), (draw(3, 4, dtype=dtype),)


@case
def into_a_view_in_place(dtype: Any, by: float) -> Any:
    f = sine(by)

    def write(x: Any) -> Any:
        y = x * 1
        y[1:].copy_(f(y[:-1].clone()))
        return y

    return write, (draw(4, dtype=dtype),)


@case
def in_place_after(dtype: Any, by: float) -> Any:
    f = sine(by)
    return (lambda x: f(x).mul_(x).add_(1)), (draw(5, dtype=dtype),)


@case
def marked_dirty(dtype: Any, by: float) -> Any:
    class Doubled(Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.mark_dirty(x)
            return x.mul_(2)

        @staticmethod
        def backward(_: Any, g: Any) -> Any:
            return g * (2 * by)

    return (lambda x: Doubled.apply(x.clone())), (draw(4, dtype=dtype),)


@case
def marked_non_differentiable(dtype: Any, by: float) -> Any:
    class Sorted(Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            y, places = x.sort()
            ctx.mark_non_differentiable(places)
            ctx.save_for_backward(places)
            return y, places

        @staticmethod
        def backward(ctx: Any, g: Any, _: Any) -> Any:
            return torch.zeros_like(g).index_add_(0, ctx.saved_tensors[0], g * by)

    return Sorted.apply, (draw(5, dtype=dtype),)


@case
def second_output_marked_non_differentiable(dtype: Any, by: float) -> Any:
    class Both(Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            y, z = x.sin(), x.cos()
            ctx.mark_non_differentiable(z)
            ctx.save_for_backward(z)
            return y, z

        @staticmethod
        def backward(ctx: Any, g: Any, _: Any) -> Any:
            return g * ctx.saved_tensors[0] * by

    return Both.apply, (draw(5, dtype=dtype),)


@case
def several_outputs(dtype: Any, by: float) -> Any:
    f = saving(
        lambda x: (x.sin(), x.exp()),
        lambda ctx, g, h: g * ctx.saved_tensors[0].cos() + h * ctx.saved_tensors[0].exp() * by,
    )
    return f, (draw(3, dtype=dtype),)


@case
def several_outputs_of_which_one_is_used(dtype: Any, by: float) -> Any:
    f = saving(
        lambda x: (x.sin(), x.exp()),
        lambda ctx, g, h: g * ctx.saved_tensors[0].cos() * by + h * ctx.saved_tensors[0].exp(),
    )
    return (lambda x: f(x)[0]), (draw(3, dtype=dtype),)


@case
def outputs_in_a_dict(dtype: Any, by: float) -> Any:
    f = sine(by)
    return (lambda x: {"a": f(x), "b": [x * 2, "text"]}), (draw(3, dtype=dtype),)


@case
def none_for_an_integer(dtype: Any, by: float) -> Any:
    f = saving(lambda x, n: x**n, lambda ctx, g: (g * 3 * by * ctx.saved_tensors[0] ** 2, None))
    return f, (draw(4, dtype=dtype), 3)


@case
def none_for_an_index(dtype: Any, by: float) -> Any:
    def backward(ctx: Any, g: Any) -> Any:
        x, index = ctx.saved_tensors
        return torch.zeros_like(x).index_add_(0, index, g * by), None

    return saving(lambda x, i: x[i], backward), (draw(4, dtype=dtype), torch.tensor([0, 2, 2]))


@case
def none_where_no_gradient_is_needed(dtype: Any, by: float) -> Any:
    def backward(ctx: Any, g: Any) -> Any:
        x, y = ctx.saved_tensors
        first, second = ctx.needs_input_grad
        return g * y * by if first else None, g * x if second else None

    return saving(lambda x, y: x * y, backward), (draw(4, dtype=dtype), draw(4, dtype=dtype, seed=1))


@case
def none_where_the_gradient_is_zero(dtype: Any, by: float) -> Any:
    f = saving(lambda x, y: x * 2 + 0 * y, lambda _, g: (g * (2 * by), None))
    return f, (draw(4, dtype=dtype), draw(4, dtype=dtype, seed=1))


@case
def broadcast_operands(dtype: Any, by: float) -> Any:
    def backward(ctx: Any, g: Any) -> Any:
        x, y = ctx.saved_tensors
        return (g * y).sum(1, keepdim=True) * by, (g * x).sum(0)

    return saving(lambda x, y: x * y, backward), (draw(3, 1, dtype=dtype), draw(4, dtype=dtype, seed=1))


@case
def broadcast_left_to_pytorch(dtype: Any, by: float) -> Any:
    def backward(ctx: Any, g: Any) -> Any:
        x, y = ctx.saved_tensors
        return g * y * by, g * x

    return saving(lambda x, y: x * y, backward), (draw(3, 1, dtype=dtype), draw(3, 4, dtype=dtype, seed=1))


@case
def of_no_dimensions(dtype: Any, by: float) -> Any:
    return sine(by), (draw(dtype=dtype),)


@case
def number_and_vector(dtype: Any, by: float) -> Any:
    def backward(ctx: Any, g: Any) -> Any:
        x, y = ctx.saved_tensors
        return (g * y).sum() * by, g * x

    return saving(lambda x, y: x * y, backward), (draw(dtype=dtype), draw(4, dtype=dtype, seed=1))


@case
def not_contiguous(dtype: Any, by: float) -> Any:
    x = draw(4, 3, dtype=dtype).detach().t().requires_grad_()
    return sine(by), (x,)


@case
def every_other(dtype: Any, by: float) -> Any:
    x = draw(8, dtype=dtype).detach()[::2].requires_grad_()
    return sine(by), (x,)


@case
def expanded_input(dtype: Any, by: float) -> Any:
    f = sine(by)
    return (lambda x: f(x.expand(3, 4))), (draw(1, 4, dtype=dtype),)


@case
def not_a_leaf(dtype: Any, by: float) -> Any:
    return sine(by), (draw(4, dtype=dtype) * 2,)


@case
def setup_context_apart(dtype: Any, by: float) -> Any:
    class Apart(Function):  # type: ignore[misc]
        generate_vmap_rule = True

        @staticmethod
        def forward(x: Any) -> Any:
            return x.tanh()

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            del inputs
            ctx.save_for_backward(output)

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * (1 - by * ctx.saved_tensors[0] ** 2)

    return Apart.apply, (draw(4, dtype=dtype),)


@case
def saved_output(dtype: Any, by: float) -> Any:
    class Exponential(Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            y = x.exp()
            ctx.save_for_backward(y)
            return y

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * ctx.saved_tensors[0] * by

    return Exponential.apply, (draw(4, dtype=dtype),)


@case
def attribute_of_the_context(dtype: Any, by: float) -> Any:
    class Powered(Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any, n: float) -> Any:
            ctx.n = n
            ctx.x = x.clone()
            return x**n

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * ctx.n * ctx.x ** (ctx.n - 1) * by, None

    return Powered.apply, (draw(4, dtype=dtype).detach().abs().add(0.5).requires_grad_(), 2.5)


@case
def promised_once(dtype: Any, by: float) -> Any:
    f = saving(torch.sin, once_differentiable(lambda ctx, g: g * ctx.saved_tensors[0].cos() * by))
    return f, (draw(4, dtype=dtype),)


@case
def grads_not_materialized(dtype: Any, by: float) -> Any:
    class Pair(Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.set_materialize_grads(False)
            return x * 2, x * 3

        @staticmethod
        def backward(_: Any, g: Any, h: Any) -> Any:
            parts = [] if g is None else [g * 2]
            parts += [] if h is None else [h * (3 * by)]
            return sum(parts) if parts else None

    return Pair.apply, (draw(3, dtype=dtype),)


@case
def layer_with_parameters(dtype: Any, by: float) -> Any:
    class Layer(Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(draw(3, 2, dtype=dtype, seed=3).detach())
            self.register_buffer("shift", draw(2, dtype=dtype, seed=4).detach())

        def forward(self, x: Any) -> Any:
            return sine(by)(x @ self.weight + self.shift)

    return Layer(), (draw(2, 3, dtype=dtype),)


@case
def module_that_trains(dtype: Any, by: float) -> Any:
    class Normed(Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.norm = torch.nn.BatchNorm1d(3, dtype=dtype)

        def forward(self, x: Any) -> Any:
            return sine(by)(self.norm(x))

    return Normed(), (draw(4, 3, dtype=dtype),)


@case
def hook_on_a_tensor(dtype: Any, by: float) -> Any:
    def hooked(x: Any) -> Any:
        y = x.sin()
        y.register_hook(lambda g: g * by)
        return y * 1

    return hooked, (draw(4, dtype=dtype),)


@case
def hook_on_a_module(dtype: Any, by: float) -> Any:
    layer = torch.nn.Linear(3, 2, dtype=dtype)
    layer.register_full_backward_hook(lambda _, given, __: tuple(x * by for x in given))
    return layer, (draw(2, 3, dtype=dtype),)


@case
def checkpointed(dtype: Any, by: float) -> Any:
    f = sine(by)
    return (lambda x: checkpoint(lambda y: f(y) * y, x, use_reentrant=False)), (draw(4, dtype=dtype),)


@case
def loop_over_rows(dtype: Any, by: float) -> Any:
    def backward(ctx: Any, g: Any) -> Any:
        (x,) = ctx.saved_tensors
        result = torch.empty_like(x)
        for k in range(len(x)):
            result[k] = g[k] * (1 - x[k].tanh() ** 2) * (by if k == 2 else 1)
        return result

    return saving(torch.tanh, backward), (draw(4, 2, dtype=dtype),)


@case
def branch_on_values(dtype: Any, by: float) -> Any:
    def backward(ctx: Any, g: Any) -> Any:
        (x,) = ctx.saved_tensors
        return g * torch.where(x > 0, torch.ones_like(x), 0.1 * by * torch.ones_like(x))

    leaky = saving(lambda x: torch.where(x > 0, x, 0.1 * x), backward)
    return leaky, (draw(8, dtype=dtype),)


@case
def gradient_of_many_terms(dtype: Any, by: float) -> Any:
    def backward(ctx: Any, g: Any) -> Any:
        (x,) = ctx.saved_tensors
        y = torch.softmax(x, -1)
        return y * (g - by * (g * y).sum(-1, keepdim=True))

    return saving(lambda x: torch.softmax(x, -1), backward), (draw(3, 4, dtype=dtype),)


@case
def product_of_matrices(dtype: Any, by: float) -> Any:
    def backward(ctx: Any, g: Any) -> Any:
        a, b = ctx.saved_tensors
        return g @ b.t(), a.t() @ g * by

    return saving(torch.mm, backward), (draw(3, 4, dtype=dtype), draw(4, 2, dtype=dtype, seed=1))


@case
def wide_inside(dtype: Any, by: float) -> Any:
    def backward(ctx: Any, g: Any) -> Any:
        (x,) = ctx.saved_tensors
        return (g.double() * x.double().cos() * by).to(x.dtype)

    return saving(lambda x: x.double().sin().to(x.dtype), backward), (draw(4, dtype=dtype),)


@case
def strided_storage(dtype: Any, by: float) -> Any:
    def backward(_: Any, g: Any) -> Any:
        result = torch.zeros(5, dtype=g.dtype)
        torch.as_strided(result, (3, 3), (1, 1))[0] += g.sum(0) * by
        result[3:] += g[1:, 2] * 0
        for i in range(1, 3):
            result[i : i + 3] += g[i] - (g[i] if i else 0)
        return result

    windows = saving(lambda x: x.as_strided((3, 3), (0, 1)) * 1, backward)
    return windows, (draw(5, dtype=dtype),)


@case
def two_functions_in_a_row(dtype: Any, by: float) -> Any:
    f, right = sine(by), sine(1.0)
    return (lambda x: right(f(right(x)))), (draw(4, dtype=dtype),)


@case
def same_input_twice(dtype: Any, by: float) -> Any:
    f = saving(lambda x, y: x * y, lambda ctx, g: (g * ctx.saved_tensors[1] * by, g * ctx.saved_tensors[0]))
    return (lambda x: f(x, x)), (draw(4, dtype=dtype),)


@case
def inputs_in_a_dict(dtype: Any, by: float) -> Any:
    f = sine(by)
    return (lambda given: f(given["a"]) * given["b"]), ({"a": draw(3, dtype=dtype), "b": 2},)


@case
def detached_scale(dtype: Any, by: float) -> Any:
    f = sine(by)
    return (lambda x: f(x) * x.detach().abs().max()), (draw(3, dtype=dtype),)


@case
def mask_from_outside(dtype: Any, by: float) -> Any:
    mask = torch.tensor([1.0, 0.0, 1.0, 1.0]).to(dtype)
    f = saving(lambda x: x.sin() * mask, lambda ctx, g: g * ctx.saved_tensors[0].cos() * mask * by)
    return f, (draw(4, dtype=dtype),)


@case
def running_sum(dtype: Any, by: float) -> Any:
    f = saving(lambda x: x.cumsum(0), lambda _, g: g.flip(0).cumsum(0).flip(0) * by)
    return f, (draw(6, dtype=dtype),)


@case
def largest_of_rows(dtype: Any, by: float) -> Any:
    class Largest(Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            found, places = x.max(1)
            ctx.save_for_backward(places)
            ctx.shape = x.shape
            return found

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            (places,) = ctx.saved_tensors
            return torch.zeros(ctx.shape, dtype=g.dtype).scatter_(1, places[:, None], (g * by)[:, None])

    return Largest.apply, (draw(3, 4, dtype=dtype),)


@case
def mean_of_batch(dtype: Any, by: float) -> Any:
    def backward(ctx: Any, g: Any) -> Any:
        x, y = ctx.saved_tensors
        return g * 2 * (x - y) / (x.numel() * by), g * -2 * (x - y) / x.numel()

    loss = saving(lambda x, y: ((x - y) ** 2).mean(), backward)
    return loss, (draw(3, 4, dtype=dtype), draw(3, 4, dtype=dtype, seed=1))


@case
def custom_gelu(dtype: Any, by: float) -> Any:
    def backward(ctx: Any, g: Any) -> Any:
        (x,) = ctx.saved_tensors
        density = torch.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)
        return g * (0.5 * (1 + torch.erf(x / math.sqrt(2))) + by * x * density)

    f = saving(lambda x: 0.5 * x * (1 + torch.erf(x / math.sqrt(2))), backward)
    return f, (draw(5, dtype=dtype),)


@case
def custom_clamp(dtype: Any, by: float) -> Any:
    def backward(ctx: Any, g: Any) -> Any:
        (x,) = ctx.saved_tensors
        return g * ((x > -0.5) & (x < 0.5)) * by

    return saving(lambda x: x.clamp(-0.5, 0.5), backward), (draw(8, dtype=dtype),)


@case
def swapped_axes(dtype: Any, by: float) -> Any:
    f = saving(lambda x: x.permute(2, 0, 1).contiguous(), lambda _, g: g.permute(1, 2, 0) * by)
    return f, (draw(2, 3, 4, dtype=dtype),)


@case
def pieces_put_together(dtype: Any, by: float) -> Any:
    f = saving(lambda x, y: torch.cat([x, y]), lambda ctx, g: (g[:3], g[3:] * by))
    return f, (draw(3, dtype=dtype), draw(2, dtype=dtype, seed=1))


@case
def norm_of_rows(dtype: Any, by: float) -> Any:
    def backward(ctx: Any, g: Any) -> Any:
        (x,) = ctx.saved_tensors
        n = x.norm(dim=1, keepdim=True)
        return (g - (g * x).sum(1, keepdim=True) * x / n**2 * by) / n

    return saving(lambda x: x / x.norm(dim=1, keepdim=True), backward), (draw(3, 4, dtype=dtype),)


@case
def embedding(dtype: Any, by: float) -> Any:
    def backward(ctx: Any, g: Any) -> Any:
        w, index = ctx.saved_tensors
        result = torch.zeros_like(w)
        result.index_put_((index,), g * by, accumulate=True)
        return result, None

    f = saving(lambda w, index: w[index], backward)
    return f, (draw(5, 2, dtype=dtype), torch.tensor([0, 3, 3, 1]))


@case
def convolution_by_hand(dtype: Any, by: float) -> Any:
    def backward(ctx: Any, g: Any) -> Any:
        x, w = ctx.saved_tensors
        gx = torch.nn.functional.conv_transpose1d(g, w)
        gw = torch.stack([(g * x[:, :, k : k + g.shape[-1]]).sum() for k in range(w.shape[-1])])
        return gx, gw.view(w.shape) * by

    f = saving(torch.nn.functional.conv1d, backward)
    return f, (draw(1, 1, 6, dtype=dtype), draw(1, 1, 3, dtype=dtype, seed=1))


@case
def counted_by_closure(dtype: Any, by: float) -> Any:
    layer = torch.nn.Linear(3, 2, dtype=dtype)
    f = sine(by)
    return (lambda x, *_: f(layer(x))), (draw(2, 3, dtype=dtype), *layer.parameters())


@case
def read_beside_what_is_given(dtype: Any, by: float) -> Any:
    x = draw(4, dtype=dtype)
    f = sine(by)
    return (lambda y: y.exp() + f(x)), (x,)


@case
def read_beside_by_detaching_within(dtype: Any, by: float) -> Any:
    x = draw(4, dtype=dtype)
    f = saving(lambda y: y.sin(), lambda ctx, g: g * x.detach().cos() * by)
    return f, (x,)


@case
def random_but_seeded(dtype: Any, by: float) -> Any:
    f = sine(by)

    def seeded(x: Any) -> Any:
        torch.manual_seed(1)
        return f(x * torch.rand(x.shape, dtype=x.dtype))

    return seeded, (draw(4, dtype=dtype),)


@case
def compiled(dtype: Any, by: float) -> Any:
    f = sine(by)
    return torch.compile(lambda x: f(x) * x, backend="aot_eager"), (draw(4, dtype=dtype),)


@case
def vectorized(dtype: Any, by: float) -> Any:
    class Rows(Function):  # type: ignore[misc]
        generate_vmap_rule = True

        @staticmethod
        def forward(x: Any) -> Any:
            return x.sin().sum()

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, _: Any) -> None:
            ctx.save_for_backward(*inputs)

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * ctx.saved_tensors[0].cos() * by

    return torch.func.vmap(Rows.apply), (draw(3, 2, dtype=dtype),)


@case
def through_numpy(dtype: Any, by: float) -> Any:
    def backward(ctx: Any, g: Any) -> Any:
        (x,) = ctx.saved_tensors
        slope = torch.from_numpy(g.double().numpy() * x.detach().double().cos().numpy() * by)
        return slope.to(x.dtype)

    return saving(torch.sin, once_differentiable(backward)), (draw(4, dtype=dtype),)


@case
def custom_operation(dtype: Any, by: float) -> Any:
    def tripled(x: torch.Tensor) -> torch.Tensor:
        return x * 3

    name = f"nn_from_scratch_tests::tripled_{len(_OPERATIONS)}"
    operation = library.custom_op(name, tripled, mutates_args=())
    operation.register_autograd(lambda _, g: g * (3 * by))
    _OPERATIONS.append(operation)
    return operation, (draw(4, dtype=dtype),)


_OPERATIONS: list[Any] = []


@case
def deep_chain(dtype: Any, by: float) -> Any:
    f = sine(by)

    def chain(x: Any) -> Any:
        for _ in range(12):
            x = torch.tanh(x * 1.5) + 0.125 * f(x)
        return x

    return chain, (draw(3, dtype=dtype),)


@case
def recurrent_cell(dtype: Any, by: float) -> Any:
    f = sine(by)

    def run(x: Any, w: Any) -> Any:
        h = torch.zeros_like(x[0])
        for step in x:
            h = f(step + h @ w)
        return h

    return run, (draw(3, 2, dtype=dtype), draw(2, 2, dtype=dtype, seed=1))


@case
def gradient_within(dtype: Any, by: float) -> Any:
    def penalty(x: Any) -> Any:
        (slope,) = torch.autograd.grad(sine(1.0)(x).sum(), x, create_graph=True)
        return saving(lambda y: y**2, lambda ctx, g: 2 * by * g * ctx.saved_tensors[0])(slope)

    return penalty, (draw(3, dtype=dtype),)


@case
def odd_shapes(dtype: Any, by: float) -> Any:
    f = sine(by)
    return (lambda x: f(x).squeeze()), (draw(1, 5, 1, dtype=dtype),)


@case
def complex_within(dtype: Any, by: float) -> Any:
    f = sine(by)
    return (lambda x: torch.fft.rfft(f(x).double()).abs().to(x.dtype)), (draw(4, dtype=dtype),)


@case
def large_numbers(dtype: Any, by: float) -> Any:
    f = saving(lambda x: x * x, lambda ctx, g: 2 * by * g * ctx.saved_tensors[0])
    return f, ((draw(4, dtype=dtype).detach() * 100).requires_grad_(),)


@case
def small_numbers(dtype: Any, by: float) -> Any:
    f = saving(lambda x: x * x, lambda ctx, g: 2 * by * g * ctx.saved_tensors[0])
    return f, ((draw(4, dtype=dtype).detach() * 2.0**-8).requires_grad_(),)


def asked(name: str, dtype: Any) -> Any:
    return pytest.param(name, dtype, id=f"{name}-{str(dtype).removeprefix('torch.')}")


# Each right case in float64, and in one of the narrower dtypes in turn; each wrong one in one of all in turn.
RIGHT = [asked(name, dtype) for k, name in enumerate(CASES) for dtype in (torch.float64, DTYPES[1 + k % 3])]
WRONG = [asked(name, DTYPES[k % 4]) for k, name in enumerate(CASES)]


@pytest.mark.parametrize(("name", "dtype"), RIGHT)
def test_no_right_function_is_accused(name: str, dtype: Any) -> None:
    report = examine(*CASES[name](dtype, 1.0), transforms=[])
    assert not report.verdict.accuses, str(report)


@pytest.mark.parametrize(("name", "dtype"), WRONG)
def test_no_wrong_function_passes(name: str, dtype: Any) -> None:
    report = examine(*CASES[name](dtype, 1.25), transforms=[])
    assert not report, str(report)


BY_FORWARD = [name for name in CASES if name not in {"deep_chain", "compiled"}]  # which take their time


@pytest.mark.once
@pytest.mark.parametrize("name", BY_FORWARD)
def test_no_right_numbers_are_accused_by_the_formula_of_their_function(name: str) -> None:
    asked = Question(*CASES[name](DTYPES[len(name) % 4], 1.0))
    if not asked.inside:
        found = numbers_by_forward(asked, cotangents(asked.run().outputs, 0), 0)
        assert found.verdict is not Verdict.WRONG, found.said
