"""A compiled kernel, in C through ctypes, judged by the trace of its plain version."""

import ctypes
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hand_written_gradients import layer_norm, layer_norm_backward

from nn_from_scratch.verify import GradientError, NotTraced, Verdict, check_gradient
from nn_from_scratch.verify.functions.kernels import Judged, check_kernel

SOURCE = r"""
#include <math.h>
void forward(const float *x, const float *w, const float *b, float *y, int n, int m, float eps) {
  for (int i = 0; i < n; i++) {
    float s = 0, q = 0;
    for (int j = 0; j < m; j++) s += x[i * m + j];
    s /= m;
    for (int j = 0; j < m; j++) { float d = x[i * m + j] - s; q += d * d; }
    float r = 1.0f / sqrtf(q / m + eps);
    for (int j = 0; j < m; j++) y[i * m + j] = (x[i * m + j] - s) * r * w[j] + b[j];
  }
}
void backward(const float *g, const float *x, const float *w, float *dx,
              float *dw, float *db, int n, int m, float eps) {
  for (int j = 0; j < m; j++) dw[j] = db[j] = 0;
  for (int i = 0; i < n; i++) {
    float s = 0, q = 0, a = 0, c = 0;
    for (int j = 0; j < m; j++) s += x[i * m + j];
    s /= m;
    for (int j = 0; j < m; j++) { float d = x[i * m + j] - s; q += d * d; }
    float r = 1.0f / sqrtf(q / m + eps);
    for (int j = 0; j < m; j++) {
      float h = (x[i * m + j] - s) * r, t = g[i * m + j] * w[j];
      a += t; c += t * h; dw[j] += g[i * m + j] * h; db[j] += g[i * m + j];
    }
    for (int j = 0; j < m; j++)
      dx[i * m + j] = r * (g[i * m + j] * w[j] - a / m - (x[i * m + j] - s) * r * c / m);
  }
}
"""
RNG = np.random.default_rng(0)
INPUTS = [RNG.normal(size=(4, 16)).astype(np.float32), *RNG.normal(size=(2, 16)).astype(np.float32)]
REFERENCE = (layer_norm, layer_norm_backward)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler")
    folder: Path = tmp_path_factory.mktemp("kernel")
    (folder / "kernel.c").write_text(SOURCE)
    built = folder / "kernel.so"
    subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", built, folder / "kernel.c", "-lm"], check=True)
    return ctypes.CDLL(str(built))


def pointer(array: Any) -> Any:
    return array.ctypes.data_as(ctypes.POINTER(ctypes.c_float))


def kernel(
    library: ctypes.CDLL, eps: float, eps_backward: float
) -> tuple[Callable[..., Any], Callable[..., Any]]:
    def forward(x: Any, w: Any, b: Any) -> Any:
        y = np.empty_like(x)
        library.forward(*map(pointer, (x, w, b, y)), *x.shape, ctypes.c_float(eps))
        return y, (x, w)

    def backward(g: Any, saved: Any) -> Any:
        x, w = saved
        dx, dw, db = np.empty_like(x), np.empty_like(w), np.empty_like(w)
        library.backward(*map(pointer, (g, x, w, dx, dw, db)), *x.shape, ctypes.c_float(eps_backward))
        return dx, dw, db

    return forward, backward


def judged(found: Judged | NotTraced) -> Judged:
    assert isinstance(found, Judged), found
    return found


def test_a_right_kernel_is_right_within_its_own_rounding(library: ctypes.CDLL) -> None:
    found = judged(check_kernel(*kernel(library, 1e-5, 1e-5), INPUTS, reference=REFERENCE))
    assert found.verdict is Verdict.RIGHT
    assert 0 < found.ratio < 1


@pytest.mark.parametrize(("eps", "eps_backward", "what"), [(1e-5, 1e-3, "gradient of x"), (1e-3, 1e-5, "y0")])
def test_a_wrong_epsilon_is_seen_and_the_entry_named(
    library: ctypes.CDLL, eps: float, eps_backward: float, what: str
) -> None:
    found = judged(check_kernel(*kernel(library, eps, eps_backward), INPUTS, reference=REFERENCE))
    assert found.verdict.accuses
    assert what in found.message


def test_a_kernel_cannot_be_traced_by_itself(library: ctypes.CDLL) -> None:
    itself = kernel(library, 1e-5, 1e-5)
    found = check_kernel(*itself, INPUTS, reference=itself)
    assert isinstance(found, NotTraced)
    assert "the reference" in found.reason


def doubled(x: Any) -> Any:
    return 2 * x, None


def doubled_backward(g: Any, _: Any) -> Any:
    return 2 * g


@pytest.mark.parametrize(
    ("forward", "stored", "why"),
    [
        (lambda x: ((2 * x).astype(int), None), None, "the rounding of int64 is not known"),
        (doubled, "float8", "the rounding of float8 is not known"),
        (lambda x: ((2 * x, 2 * x), None), None, "the kernel has 2 outputs, its reference 1"),
    ],
)
def test_what_cannot_be_compared_with_the_reference_is_not_judged(
    forward: Callable[..., Any], stored: str | None, why: str
) -> None:
    def backward(g: Any, _: Any) -> Any:
        return 2.0 * (g[0] if isinstance(g, tuple) else g)

    found = check_kernel(
        forward, backward, [np.ones(3)], reference=(doubled, doubled_backward), stored=stored
    )
    assert found == NotTraced(why)


def test_results_stored_in_bfloat16_are_judged_so(library: ctypes.CDLL) -> None:
    def shortened(x: Any) -> Any:
        bits = x.view(np.uint32)
        return ((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000).astype(np.uint32).view(np.float32)

    def stored(eps: float) -> tuple[Callable[..., Any], Callable[..., Any]]:
        forward, backward = kernel(library, 1e-5, eps)

        def short_forward(*inputs: Any) -> Any:
            y, saved = forward(*inputs)
            return shortened(y), saved

        def short_backward(g: Any, saved: Any) -> Any:
            return tuple(map(shortened, backward(g, saved)))

        return short_forward, short_backward

    inputs = [shortened(x) for x in INPUTS]
    right = check_kernel(*stored(1e-5), inputs, reference=REFERENCE, compute="float32", stored="bfloat16")
    assert judged(right).verdict is Verdict.RIGHT
    asked_as_float32 = check_kernel(*stored(1e-5), inputs, reference=REFERENCE)
    assert judged(asked_as_float32).verdict.accuses
    wrong = check_kernel(*stored(0.1), inputs, reference=REFERENCE, compute="float32", stored="bfloat16")
    assert judged(wrong).verdict.accuses


@pytest.mark.once
@pytest.mark.parametrize(("eps", "right"), [(1e-5, True), (1e-3, False)])
def test_a_kernel_is_judged_by_a_plain_function_alone(library: ctypes.CDLL, eps: float, right: bool) -> None:
    forward, backward = kernel(library, 1e-5, eps)

    def value(x: Any, w: Any, b: Any) -> Any:
        return forward(*map(np.ascontiguousarray, (x, w, b)))[0]

    def gradient(x: Any, w: Any, _: Any, cotangent: Any) -> Any:
        return backward(np.ascontiguousarray(cotangent), (x, w))

    def plain(x: Any, w: Any, b: Any) -> Any:
        return layer_norm(x, w, b)[0]

    if right:
        assert check_gradient(value, gradient, tuple(INPUTS), reference=plain, compute="float32")
        return
    with pytest.raises(GradientError, match=r"the gradient of x\d\[[\d, ]+\] is "):
        check_gradient(value, gradient, tuple(INPUTS), reference=plain)
