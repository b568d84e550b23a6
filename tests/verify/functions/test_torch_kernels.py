"""Kernels judged by a plain version, other shapes, and derivatives that differ on purpose."""

import ctypes
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

torch: Any = pytest.importorskip("torch")

from torch import library  # noqa: E402
from torch_functions import custom, draw  # noqa: E402

from nn_from_scratch.verify.judging.verdicts import Verdict  # noqa: E402
from nn_from_scratch.verify.torch import (  # noqa: E402
    GradcheckError,
    UndecidedError,
    examine,
    gradcheck,
    gradgradcheck,
)

Function: Any = torch.autograd.Function

SOURCE = r"""
#include <math.h>
void forward(const float *x, float *y, int n, int m) {
  for (int i = 0; i < n; i++) {
    float top = x[i * m], sum = 0;
    for (int j = 1; j < m; j++) top = fmaxf(top, x[i * m + j]);
    for (int j = 0; j < m; j++) sum += y[i * m + j] = expf(x[i * m + j] - top);
    for (int j = 0; j < m; j++) y[i * m + j] /= sum;
  }
}
void backward(const float *g, const float *y, float *dx, int n, int m, float by) {
  for (int i = 0; i < n; i++) {
    float dot = 0;
    for (int j = 0; j < m; j++) dot += g[i * m + j] * y[i * m + j];
    for (int j = 0; j < m; j++) dx[i * m + j] = y[i * m + j] * (g[i * m + j] - by * dot);
  }
}
"""


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler")
    folder: Path = tmp_path_factory.mktemp("kernel")
    (folder / "kernel.c").write_text(SOURCE)
    built = folder / "kernel.so"
    subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", built, folder / "kernel.c", "-lm"], check=True)
    return ctypes.CDLL(str(built))


def pointer(x: Any) -> ctypes.c_void_p:
    return ctypes.c_void_p(x.data_ptr())


def softmax_in_c(compiled: ctypes.CDLL, by: float) -> Any:
    """Return a softmax that computes in float32, and stores what its inputs are stored in."""

    class InC(Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            given = x.detach().float().contiguous()
            y = torch.empty_like(given)
            compiled.forward(pointer(given), pointer(y), *given.shape)
            ctx.save_for_backward(y)
            return y.to(x.dtype)

        @staticmethod
        @torch.autograd.function.once_differentiable  # type: ignore[untyped-decorator]
        def backward(ctx: Any, g: Any) -> Any:
            (y,) = ctx.saved_tensors
            given = g.float().contiguous()
            found = torch.empty_like(given)
            compiled.backward(pointer(given), pointer(y), pointer(found), *y.shape, ctypes.c_float(by))
            return found.to(g.dtype)

    return InC.apply


def plain(x: Any) -> Any:
    return torch.softmax(x, -1)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_kernel_in_c_is_judged_by_its_plain_version(compiled: ctypes.CDLL, dtype: Any) -> None:
    x = draw(4, 6, dtype=dtype)
    right, wrong = softmax_in_c(compiled, 1.0), softmax_in_c(compiled, 1.05)
    report = examine(right, x, reference=plain, compute="float32", transforms=[])
    assert report, str(report)
    assert [row.name for row in report.rows][:3] == ["reference", "values", "numbers"]
    assert gradcheck(right, x, reference=plain, compute="float32")
    with pytest.raises(GradcheckError, match=r"numbers: .* by the reference, computing in float32"):
        gradcheck(wrong, x, reference=plain, compute="float32")
    with pytest.raises(GradcheckError, match="values: wrong"):
        gradcheck(right, x, reference=lambda x: torch.softmax(1.25 * x, -1), compute="float32")


def test_smallest_error_that_the_digits_of_a_kernel_show_is_seen(compiled: ctypes.CDLL) -> None:
    x = draw(4, 6, dtype=torch.float32)
    with pytest.raises(GradcheckError, match="numbers: inaccurate"):
        gradcheck(softmax_in_c(compiled, 1 + 2e-5), x, reference=plain)
    with pytest.raises(
        GradcheckError, match="say compute= if another format"
    ):  # of float32 it has the digits
        gradcheck(softmax_in_c(compiled, 1.0), draw(4, 6), reference=plain)


def test_reference_that_tells_nothing_is_undecided_or_refused(compiled: ctypes.CDLL) -> None:
    kernel, x = softmax_in_c(compiled, 1.0), draw(4, 6, dtype=torch.float32)
    with pytest.raises(UndecidedError, match="the reference itself is not traced"):
        gradcheck(kernel, x, reference=kernel)
    mistaken = custom(lambda x: (torch.softmax(x, -1), ()), lambda g, _: g, 1.0)
    with pytest.raises(UndecidedError, match="the reference itself is wrong"):
        gradcheck(kernel, x, reference=mistaken)
    with pytest.raises(GradcheckError, match=r"shapes \[\(4, 6\)\], its reference \[\(4,\)\]"):
        gradcheck(kernel, x, reference=lambda x: x.sum(-1))
    with pytest.raises(ValueError, match="compute must be one of"):
        gradcheck(kernel, x, reference=plain, compute="float8")


DEVICES = [
    "cpu",
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")),
]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_custom_operation_is_judged_by_its_plain_version(dtype: Any, device: str) -> None:
    def scaled_product(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return (a.float() @ b.float() * 0.5).to(a.dtype)

    def operation(by: float) -> Any:
        name = f"nn_from_scratch_tests::product_{device}_{str(dtype)[6:]}_{str(by).replace('.', '_')}"
        found = library.custom_op(name, scaled_product, mutates_args=())

        def backward(ctx: Any, g: Any) -> Any:
            a, b = ctx.saved_tensors
            wide = g.float() * 0.5
            return (wide @ b.float().mT).to(a.dtype), (a.float().mT @ wide * by).to(b.dtype)

        def setup(ctx: Any, inputs: Any, output: Any) -> None:
            del output
            ctx.save_for_backward(*inputs)

        found.register_autograd(backward, setup_context=setup)
        return found

    drawn = (draw(3, 5, dtype=dtype), draw(5, 2, dtype=dtype, seed=1))
    inputs = tuple(x.detach().to(device).requires_grad_() for x in drawn)
    options: dict[str, Any] = {"reference": lambda a, b: a @ b / 2, "compute": "float32"}
    assert gradcheck(operation(1.0), inputs, **options)
    with pytest.raises(GradcheckError, match="the gradient of input 1"):
        gradcheck(operation(1.25), inputs, **options)


def straight_through(by: float) -> Any:
    return custom(lambda x: (x.round(), ()), lambda g, _: g * by, 1.0)


def reversed_by(scale: float) -> Any:
    return custom(lambda x: (x.clone(), ()), lambda g, _: -scale * g, 1.0)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_backward_that_differs_on_purpose_says_what_is_expected(dtype: Any) -> None:
    x = draw(5, dtype=dtype)
    assert gradcheck(straight_through(1.0), x, expected=lambda x: x)
    assert gradcheck(reversed_by(0.5), x, expected=lambda x: -0.5 * x)
    assert gradgradcheck(reversed_by(0.5), x, expected=lambda x: -0.5 * x)
    for wrong, expected in (
        (straight_through(1.25), lambda x: x),
        (reversed_by(0.5), lambda x: -x),
        (reversed_by(0.5), lambda x: x),
    ):
        with pytest.raises(GradcheckError, match="rules: wrong"):
            gradcheck(wrong, x, expected=expected)
    with pytest.raises(GradcheckError, match="rules: wrong"):
        gradcheck(reversed_by(0.5), x)


def test_what_is_expected_is_asked_of_what_is_not_traced_too() -> None:
    def backward(g: Any, _: float) -> Any:
        return torch.from_numpy(-0.5 * g.detach().numpy())

    x, reversing = draw(5), custom(lambda x: (x.clone(), ()), backward, 1.0)
    assert gradcheck(reversing, x, expected=lambda x: -0.5 * x)
    with pytest.raises(GradcheckError, match="numbers: wrong"):
        gradcheck(reversing, x, expected=lambda x: -0.75 * x)
    with pytest.raises(ValueError, match="expected returns outputs of shapes"):
        gradcheck(reversing, x, expected=lambda x: x.sum())


def rows(function: Any, inputs: Any) -> dict[str, Any]:
    return {row.name: row for row in examine(function, inputs, transforms=[]).rows}


def test_size_taken_for_a_constant_shows_at_other_shapes() -> None:
    mean = custom(lambda x: (x.mean(0), ()), lambda g, _: (g / 4).expand(4, *g.shape), 1.0)
    by_four = custom(lambda x: (x.mean(0), (x,)), lambda g, _, x: (g / 4).expand(x.shape), 1.0)
    assert not rows(mean, draw(4, 3))["other shapes"].accuses  # of other sizes it raises
    found = rows(by_four, draw(4, 3))
    assert found["rules"].verdict is Verdict.RIGHT
    assert found["other shapes"].verdict is Verdict.WRONG
    assert "is a size taken for a constant?" in found["other shapes"].said
    assert gradcheck(by_four, draw(4, 3), shapes=False)
    transposed = custom(lambda a, b: (a @ b, (a, b)), lambda g, _, a, b: (g @ b.mT, a.mT @ g), 1.0)
    assert "(1, 3), (3, 3)" in rows(transposed, (draw(2, 3), draw(3, 3, seed=1)))["other shapes"].said


def test_tensor_that_a_function_closes_over_keeps_its_shape() -> None:
    target = draw(5, 3, seed=1).detach()
    loss = custom(
        lambda x: (((x - target) ** 2).mean(), (x,)),
        lambda g, _, x: 2 * g * (x - target) / x.numel(),
        1.0,
    )
    found = rows(loss, draw(5, 3))  # of one row it would be wrong, but for five targets it is never asked
    assert not found["other shapes"].accuses
    assert gradcheck(loss, draw(5, 3))
