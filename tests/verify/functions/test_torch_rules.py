"""The rules of a backward, traced: right ones equal to all digits, planted faults proved."""

import itertools
import math
import re
from typing import Any

import pytest

torch: Any = pytest.importorskip("torch")

import flint  # noqa: E402
import numpy as np  # noqa: E402
from torch import library  # noqa: E402
from torch_functions import FUNCTIONS, custom, draw, question  # noqa: E402

from nn_from_scratch.verify.functions.pytorch.tracing import moves, tracer  # noqa: E402
from nn_from_scratch.verify.functions.pytorch.tracing.rules import RULES  # noqa: E402
from nn_from_scratch.verify.judging.verdicts import Verdict  # noqa: E402
from nn_from_scratch.verify.torch import GradcheckError, UndecidedError, examine, gradcheck  # noqa: E402

NO_BFLOAT16 = {"Cholesky solve", "likelihood"}  # PyTorch has no Cholesky there
RUNS = [
    (name, dtype)
    for dtype in (torch.float32, torch.float64, torch.bfloat16)
    for name in FUNCTIONS
    if not (dtype is torch.bfloat16 and name in NO_BFLOAT16)
]


def rows(function: Any, inputs: Any, **options: Any) -> dict[str, Any]:
    return {row.name: row for row in examine(function, inputs, transforms=[], **options).rows}


@pytest.mark.parametrize(("name", "dtype"), RUNS)
def test_right_formula_is_equal_to_all_digits(name: str, dtype: Any) -> None:
    report = examine(*question(name, dtype), transforms=[])
    assert all(row.verdict is Verdict.RIGHT for row in report.rows), str(report)
    digits = int(report.rows[0].said.split(" digits")[0].split()[-1])
    assert digits >= 70


@pytest.mark.parametrize(("name", "dtype"), [run for run in RUNS if run[1] is not torch.bfloat16])
def test_relative_change_of_1e_14_is_proved_wrong(name: str, dtype: Any) -> None:
    row = rows(*question(name, dtype, scale=1 + 1e-14))["rules"]
    assert row.verdict is Verdict.WRONG, str(row)
    assert "proved to differ" in row.said


CONSTANTS: dict[str, Any] = {
    "a number": lambda x, c: x * c,
    "a tensor": lambda x, c: x * torch.tensor(c, dtype=x.dtype),
    "divided": lambda x, c: x / torch.tensor(1 / c, dtype=x.dtype),
    "in two steps": lambda x, c: x * (torch.tensor(c / 7, dtype=x.dtype) * 7),
}
"""Ways to multiply by a constant, which a format rounds in each in its own way."""


IN_TWO_WAYS = [
    *((dtype, 1 / math.sqrt(2 * math.pi)) for dtype in (torch.float32, torch.bfloat16, torch.float16)),
    (torch.float32, 429.142857),  # nearly 3004 / 7
    (torch.float32, math.e),  # a seventh of which is 0.388326 in float32
]


@pytest.mark.parametrize(("dtype", "constant"), IN_TWO_WAYS)
def test_rounding_of_a_constant_in_its_own_format_is_no_fault(dtype: Any, constant: float) -> None:
    x = torch.linspace(-1, 2, 6, dtype=dtype, requires_grad=True)

    def verdict(forward: str, backward: str, scale: float) -> Any:
        function = custom(
            lambda x: (CONSTANTS[forward](x, constant), ()),
            lambda g, scale: CONSTANTS[backward](g, scale * constant),
            scale,
        )
        return rows(function, (x,), shapes=False)["rules"].verdict

    for one, other in itertools.combinations(CONSTANTS, 2):
        assert verdict(one, other, 1.0) is Verdict.RIGHT, (one, other)
        assert verdict(other, one, 1.0) is Verdict.RIGHT, (other, one)
    assert verdict("a number", "a number", 1.2) is Verdict.WRONG


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("count", [8, 50])
def test_evenly_spaced_numbers_may_be_written_down(dtype: Any, count: int) -> None:
    table = np.linspace(1, 1000, count).tolist()

    def spaced(x: Any) -> Any:
        return x * torch.linspace(1, 1000, count, dtype=x.dtype)

    def written(x: Any) -> Any:
        return x * torch.tensor(table, dtype=x.dtype)

    x = torch.linspace(-1, 1, count, dtype=dtype, requires_grad=True)
    for forward, pull in ((spaced, written), (written, spaced)):
        function = custom(lambda x, f=forward: (f(x), ()), lambda g, scale, f=pull: f(g), 1.0)
        assert rows(function, (x,), shapes=False)["rules"].verdict is Verdict.RIGHT


def test_wrong_formula_names_the_input_and_an_entry() -> None:
    with pytest.raises(GradcheckError, match=r"input 0\[0, 0, 0\]: the formula has") as caught:
        gradcheck(*question("attention", torch.float32, scale=1.001))
    assert "input 1[" in str(caught.value)
    assert "input 2[" not in str(caught.value)  # of the values' gradient the formula is right


def damped_slope(g: Any, x: Any) -> Any:
    slope = x.cos()
    slope = slope * 1.25
    return g * slope


@pytest.mark.parametrize(
    ("forward", "backward", "said"),
    [
        (torch.sin, damped_slope, r"with 1.0 in place of 1.25|times 0.8"),
        (torch.sin, lambda g, x: -g * x.cos(), "of the other sign"),
        (
            lambda x: x.sin() * x,
            lambda g, x: g * (x.cos() * x - x.sin()),
            "sub .* times|sin .* of the other sign",
        ),
        (lambda x: x.sin() * x, lambda g, x: g * (x.cos() * x + x.sin() + x.exp()), "exp .* left out"),
        (
            lambda x: (x * x + 1e-5).sqrt(),
            lambda g, x: g * x / (x * x + 1.05e-5).sqrt(),
            r"with 1e-05 in place of 1.05e-05 \(test_torch_rules.py:\d+, in <lambda>\) it is equal",
        ),
    ],
)
def test_operation_or_constant_that_makes_a_formula_wrong_is_named(
    forward: Any, backward: Any, said: str
) -> None:
    wrong = custom(lambda x: (forward(x), (x,)), lambda g, _, x: backward(g, x), 1.0)
    row = rows(wrong, draw(4))["rules"]
    assert row.verdict is Verdict.WRONG
    assert re.search(said, row.said), row.said
    assert "test_torch_rules.py:" in row.said


def test_no_operation_is_named_where_none_alone_explains_it() -> None:
    wrong = custom(lambda x: (x.sin() * x, (x,)), lambda g, _, x: g * x.cos() * x, 1.0)
    row = rows(wrong, draw(4))["rules"]
    assert row.verdict is Verdict.WRONG
    assert "it would be equal" not in row.said


def sine(backward: Any) -> Any:
    return custom(lambda x: (x.sin(), (x,)), lambda g, _, x: backward(g, x), 1.0)


def test_what_is_not_traced_is_named_with_the_line() -> None:
    def by_numpy(g: Any, x: Any) -> Any:
        return torch.from_numpy(g.numpy() * x.detach().cos().numpy())

    found = rows(sine(by_numpy), draw(3))
    assert found["rules"].verdict is None
    assert "comes from outside of the trace (test_torch_rules.py:" in found["rules"].said
    assert found["numbers"].verdict is Verdict.RIGHT


def test_number_that_leaves_and_comes_back_is_seen() -> None:
    def by_item(g: Any, x: Any) -> Any:
        return torch.stack([g[k] * math.cos(x[k].item()) for k in range(3)])

    found = rows(sine(by_item), draw(3))
    assert found["rules"].verdict is None
    assert "a number that depends on the inputs" in found["rules"].said
    assert "in by_item" in found["rules"].said or "in <listcomp>" in found["rules"].said
    assert found["numbers"].verdict is Verdict.RIGHT


def test_writing_past_pytorch_is_seen() -> None:
    def behind(g: Any, x: Any) -> Any:
        result = torch.zeros_like(x)
        result.numpy()[...] = (g * x.cos()).numpy()
        return result

    found = rows(sine(behind), draw(3))
    assert found["rules"].verdict is None
    assert found["numbers"].verdict is Verdict.RIGHT


def test_output_from_outside_of_the_trace_is_told() -> None:
    sines = custom(
        lambda x: (torch.from_numpy(np.sin(x.detach().numpy())), (x,)), lambda g, _, x: g * x.cos(), 1.0
    )
    found = rows(sines, draw(3))
    assert found["rules"].verdict is None
    assert "an output comes from outside of the trace" in found["rules"].said
    assert found["numbers"].verdict is Verdict.RIGHT


def test_custom_operation_is_a_black_box() -> None:
    def double(x: torch.Tensor) -> torch.Tensor:
        return x * 2

    doubled = library.custom_op("nn_from_scratch_tests::doubled", double, mutates_args=())
    doubled.register_autograd(lambda ctx, g: g * 2)
    found = rows(doubled, draw(3))
    assert found["rules"].verdict is None
    assert "doubled has no formula here" in found["rules"].said
    assert found["numbers"].verdict is Verdict.RIGHT


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_fused_kernels_are_traced_by_their_decomposition(dtype: Any) -> None:
    functional = torch.nn.functional
    x, w, b = draw(3, 4, dtype=dtype), draw(4, dtype=dtype, seed=1), draw(4, dtype=dtype, seed=2)
    for function, inputs in (
        (lambda x, w, b: functional.layer_norm(x, (4,), w, b), (x, w, b)),
        (lambda x: functional.log_softmax(x, -1), (x,)),
        (lambda x: functional.cross_entropy(x, torch.tensor([0, 3, 1])), (x,)),
        (functional.gelu, (x,)),
        (functional.silu, (x,)),
        (lambda x, w, b: functional.group_norm(x, 2, w, b), (x, w, b)),
        (lambda x: functional.scaled_dot_product_attention(x[None], x[None], x[None]), (x,)),
    ):
        found = rows(function, inputs)
        assert found["rules"].verdict is Verdict.RIGHT, str(found["rules"])
        assert found["numbers"].verdict is Verdict.RIGHT


def test_what_is_detached_is_a_constant() -> None:
    straight_through = rows(lambda x: x * 2 + ((x * 2).round() - x * 2).detach(), draw(5))
    assert straight_through["rules"].verdict is Verdict.RIGHT, str(straight_through["rules"])
    weighed = rows(lambda x: (x.detach() * x.sin()).sum(), draw(5))
    assert weighed["rules"].verdict is Verdict.RIGHT, str(weighed["rules"])

    def with_no_grad(x: Any) -> Any:
        with torch.no_grad():
            scale = x.abs().max() + 1
        return (x / scale).sin() * scale

    assert rows(with_no_grad, draw(5))["rules"].verdict is Verdict.RIGHT


def test_change_in_place_without_gradients_keeps_the_derivative() -> None:
    functional = torch.nn.functional
    x, y = draw(3, 4), draw(3, 4, seed=1)
    found = rows(functional.cosine_similarity, (x, y))
    assert found["rules"].verdict is Verdict.RIGHT, str(found["rules"])
    spread = (draw(5, seed=2).detach().abs() + 0.1).requires_grad_()
    found = rows(functional.gaussian_nll_loss, (draw(5), draw(5, seed=1), spread))
    assert found["rules"].verdict is Verdict.RIGHT, str(found["rules"])

    def halved(x: Any) -> Any:
        y = x * 1.0
        with torch.no_grad():
            y.mul_(0.5)
        return y.sin()

    assert rows(halved, draw(4))["rules"].verdict is Verdict.RIGHT


def test_gradient_of_a_symmetric_matrix_by_convention_accuses_nobody() -> None:
    matrix = (torch.eye(3, dtype=torch.float64) * 4 + draw(3, 3).detach() * 0.1).requires_grad_()
    for function in (torch.linalg.cholesky, torch.linalg.eigvalsh, torch.cholesky_inverse):
        report = examine(function, matrix, transforms=[])
        assert not report.verdict.accuses, str(report)
    assert gradcheck(lambda a: torch.linalg.cholesky(a @ a.T + torch.eye(3)), matrix)


BLANK = torch.zeros(4, dtype=torch.float64)
TWICE = torch.tensor([0, 2, 2, 3])


def assigned(x: Any, index: Any) -> Any:
    y = torch.zeros_like(x)
    y[index] = x
    return y


@pytest.mark.parametrize(
    "write",
    [
        lambda x, i: torch.nn.functional.max_unpool1d(x[None], i[None], 1, 1, output_size=(4,)),
        lambda x, i: torch.nn.functional.max_unpool2d(x.view(1, 2, 2), i.view(1, 2, 2), 1, 1, 0, (2, 2)),
        lambda x, i: torch.nn.functional.max_unpool3d(
            x.view(1, 1, 2, 2), i.view(1, 1, 2, 2), 1, 1, 0, (1, 2, 2)
        ),
        assigned,
        lambda x, i: BLANK.index_put((i,), x),
        lambda x, i: BLANK.scatter(0, i, x),
        lambda x, i: BLANK.index_copy(0, i, x),
        lambda x, i: BLANK.put(i, x),
        custom(lambda x, i: (BLANK.index_put((i,), x), (i,)), lambda g, _, i: (g[i], None), 1.0),
    ],
)
def test_writing_twice_to_one_place_accuses_nobody_and_passes_nobody(write: Any) -> None:
    with pytest.raises(UndecidedError, match="writes to one place more than once"):
        gradcheck(write, (draw(4), TWICE))
    assert gradcheck(write, (draw(4), torch.tensor([3, 0, 2, 1])))


def test_planes_of_the_same_indices_write_nothing_twice() -> None:
    index = torch.tensor([0, 2, 4, 6]).expand(2, 3, 4)
    steep = sine(lambda g, x: 1.001 * g * x.cos())
    report = examine(lambda x: steep(torch.nn.functional.max_unpool1d(x, index, 2)), draw(2, 3, 4))
    assert report.verdict is Verdict.WRONG


def test_writing_twice_excuses_only_what_it_leaves_open() -> None:
    steep = sine(lambda g, x: 1.001 * g * x.cos())
    for harmless in (
        lambda x: x.index_put((TWICE,), BLANK),  # which zero stays is all the same
        lambda x: BLANK.index_put((TWICE,), x, accumulate=True),
        lambda x: BLANK.scatter(0, TWICE, 1.5) * x,
    ):
        with pytest.raises(GradcheckError, match="rules: wrong"):
            gradcheck(lambda x, harmless=harmless: steep(harmless(x)), draw(4))
    overwrites = custom(lambda x: (x[TWICE], ()), lambda g, _: BLANK.index_put((TWICE,), g), 1.0)
    with pytest.raises(GradcheckError, match="rules: wrong"):  # its backward should have added
        gradcheck(overwrites, draw(4))
    summed = custom(lambda x: (BLANK.index_put((TWICE,), x), ()), lambda g, _: g[TWICE].sum(), 1.0)
    with pytest.raises(GradcheckError, match="rules: wrong"):  # one number, whichever write of it stays
        gradcheck(summed, draw())


def test_inputs_and_outputs_of_no_dimensions() -> None:
    x, y = draw(), draw(seed=1)
    assert gradcheck(torch.mul, (x, y))
    assert gradcheck(torch.sin, x.detach().float().requires_grad_())


def test_empty_inputs_share_nothing() -> None:
    report = examine(torch.mm, (draw(0, 3), draw(3, 2)), transforms=[])
    assert not report.verdict.accuses, str(report)


def test_constants_as_people_write_them() -> None:
    for constant in (1 / math.sqrt(2 * math.pi), 0.3989422804014327, torch.tensor(0.3989422804014327)):

        def backward(g: Any, x: Any, constant: Any = constant) -> Any:
            return g * torch.exp(-x * x / 2) * constant

        density = custom(
            lambda x: (torch.erf(x / math.sqrt(2)) / 2, (x,)), lambda g, _, x, b=backward: b(g, x), 1.0
        )
        row = rows(density, draw(4, dtype=torch.float32))["rules"]
        assert row.verdict is Verdict.RIGHT, f"{constant}: {row}"


def test_constant_that_is_written_short_is_told_from_a_wrong_one() -> None:
    def density(constant: float) -> Any:
        return custom(
            lambda x: (torch.erf(x / math.sqrt(2)) / 2, (x,)),
            lambda g, _, x: g * torch.exp(-x * x / 2) * constant,
            1.0,
        )

    short = rows(density(0.39894228), draw(4))["rules"]
    assert short.verdict is Verdict.INACCURATE
    assert "written short" in short.said
    assert rows(density(0.39894228), draw(4, dtype=torch.float32))["rules"].verdict is Verdict.RIGHT
    assert rows(density(0.39894328), draw(4))["rules"].verdict is Verdict.WRONG


def test_epsilon_rounded_to_float32_is_no_other_epsilon() -> None:
    epsilon = torch.tensor(1e-5, dtype=torch.float32).item()
    root = custom(
        lambda x: ((x * x + 1e-5).sqrt(), (x,)), lambda g, _, x: g * x / (x * x + epsilon).sqrt(), 1.0
    )
    row = rows(root, draw(4, dtype=torch.float32))["rules"]
    assert row.verdict is Verdict.RIGHT, str(row)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_constant_that_pytorch_has_in_float32_is_said(dtype: Any) -> None:
    found = rows(torch.nn.functional.hardsigmoid, draw(20, dtype=dtype))
    assert found["rules"].verdict is Verdict.RIGHT, str(found["rules"])
    assert ("constants are rounded, so that 8 digits of it hold" in found["rules"].said) == (
        dtype is torch.float64
    )
    assert found["numbers"].verdict is Verdict.RIGHT


def test_kinks_accuse_nobody() -> None:
    def at_kinks(slope: float) -> Any:
        return custom(
            lambda x: (x.clamp(min=0), (x,)),
            lambda g, _, x: g * torch.where(x > 0, 1.0, slope * (x == 0)),
            1.0,
        )

    x = torch.tensor([-1.0, 0.0, 2.0], dtype=torch.float64, requires_grad=True)
    for slope in (0.0, 0.5, 1.0):
        assert not rows(at_kinks(slope), x)["rules"].accuses
    ties = torch.tensor([1.0, 1.0, 0.5], dtype=torch.float64, requires_grad=True)
    assert not rows(lambda x: x.amax(), ties)["rules"].accuses
    assert not rows(lambda x: x.max(0).values, ties)["rules"].accuses


def test_dropout_with_a_seed_within_is_a_constant_mask_and_said() -> None:
    def seeded(x: Any) -> Any:
        torch.manual_seed(3)
        return torch.nn.functional.dropout(x, 0.5) * x

    row = rows(seeded, draw(6))["rules"]
    assert row.verdict is Verdict.RIGHT, str(row)
    assert "random numbers are constants" in row.said


def test_overflow_of_a_gradient_whose_formula_is_finite_is_wrong() -> None:
    def backward(g: Any, x: Any) -> Any:
        e = x.exp()
        return g * (e / (1 + e))

    softplus = custom(
        lambda x: (x.clamp(min=0) + torch.log1p(torch.exp(-x.abs())), (x,)),
        lambda g, _, x: backward(g, x),
        1.0,
    )
    found = rows(softplus, torch.tensor([100.0, 1.0], requires_grad=True))
    assert found["rules"].verdict is Verdict.RIGHT, str(found["rules"])
    assert found["numbers"].verdict is Verdict.WRONG
    assert "is nan at entry 0" in found["numbers"].said


def test_precision_of_flint_is_restored_when_a_function_raises() -> None:
    before = flint.ctx.prec

    class BoomError(Exception):
        pass

    def fails_while_traced(x: Any) -> Any:
        if flint.ctx.prec != before:
            raise BoomError
        return x.sin()

    found = rows(fails_while_traced, draw(3))
    assert "raises BoomError while it is traced" in found["rules"].said
    assert found["numbers"].verdict is Verdict.RIGHT
    assert flint.ctx.prec == before


@pytest.mark.parametrize("operation", ["exp", "sum", "mul", "convolution", "linalg_cholesky_ex"])
def test_mistake_of_the_tracer_accuses_nobody(operation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    right = RULES[operation]

    def mistaken(call: Any) -> Any:
        return right(call) * flint.arb(1.001)

    monkeypatch.setitem(RULES, operation, mistaken)
    for name in FUNCTIONS:
        row = rows(*question(name, torch.float32))["rules"]
        assert not row.accuses, f"{name}: {row}"


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("operation", ["flip", "roll"])
def test_movement_that_is_mistaken_accuses_nobody(
    operation: str, dtype: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = moves.move

    def unmoved(function: Any, call: Any, in_place: bool) -> Any:
        return call.shadow("self") if call.name == operation else right(function, call, in_place)

    monkeypatch.setattr(tracer, "move", unmoved)
    weights = torch.tensor([1.0, 2.0, 5.0, 7.0], dtype=dtype)
    index = torch.arange(3, -1, -1) if operation == "flip" else torch.tensor([1, 2, 3, 0])

    def moved(x: Any) -> tuple[Any, tuple[()]]:
        return (x.flip(0) if operation == "flip" else x.roll(1)) * weights, ()

    row = rows(custom(moved, lambda g, _: (g * weights)[index], 1.0), draw(4, dtype=dtype))["rules"]
    assert not row.accuses, str(row)
    assert f"{operation} (" in row.said, str(row)
    assert "roundings from what it says" in row.said


def fixed_point(until: float, factor: float = 1.0) -> Any:
    """Return the solution of y = cos(x y), iterated until it moves by less than that, and its derivative."""

    def forward(x: Any) -> Any:
        y = torch.full_like(x, 0.5)
        for _ in range(300):
            new = torch.cos(x * y)
            if (new - y).abs().max() < until:
                break
            y = new
        return new, (x,)

    def backward(g: Any, _: Any, x: Any) -> Any:
        y = torch.full_like(x, 0.5)
        for _ in range(100):
            y = torch.cos(x * y)
        s = torch.sin(x * y)
        return -factor * g * y * s / (1 + x * s)

    return custom(forward, backward, 1.0)


@pytest.mark.parametrize("until", [1e-2, 1e-4])
def test_what_a_value_stops_far_from_its_limit_is_no_proof(until: float) -> None:
    x = torch.tensor([0.7, 0.4], dtype=torch.float64, requires_grad=True)
    found = rows(fixed_point(until), x)
    assert found["rules"].verdict is None
    assert "the forward may be stopped before it has what it computes" in found["rules"].said
    assert found["numbers"].verdict is Verdict.UNDECIDED


def test_wrong_gradient_of_what_a_value_stops_is_seen_by_its_numbers() -> None:
    x = torch.tensor([0.7, 0.4], dtype=torch.float64, requires_grad=True)
    assert rows(fixed_point(1e-4, 1.5), x)["numbers"].verdict is Verdict.WRONG
