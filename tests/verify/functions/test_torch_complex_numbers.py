"""Complex numbers between real ones in PyTorch, traced: Fourier transforms, parts, conjugates."""

from typing import Any

import numpy as np
import pytest

torch: Any = pytest.importorskip("torch")

from torch_functions import custom, draw, require_all_digits, rules  # noqa: E402

from nn_from_scratch.verify.functions.tracing.complexes import (  # noqa: E402
    paired,
    parts,
    to_reals,
    transformed,
)
from nn_from_scratch.verify.functions.tracing.shadows import exact, exactly_computing, nearest  # noqa: E402
from nn_from_scratch.verify.judging.verdicts import Verdict  # noqa: E402

pytestmark = pytest.mark.once

fft = torch.fft
complex_of = torch.complex


WINDOW = torch.tensor([0.5, 1.0, 1.0, 0.5], dtype=torch.float64)
OPERATIONS: dict[str, tuple[Any, tuple[int, ...]]] = {
    "parts of a transform": (lambda x: torch.view_as_real(fft.fft(x)), (5,)),
    "there and back": (lambda x: fft.irfft(fft.rfft(x) * 2, n=6), (6,)),
    "cut and filled": (lambda x: fft.irfft(fft.rfft(x, n=7), n=9), (5,)),
    "of several axes": (lambda x: fft.fft2(x, norm="ortho").abs(), (3, 4)),
    "real, of several axes": (lambda x: fft.irfftn(fft.rfftn(x, norm="forward") * 2j), (3, 4)),
    "convolution": (lambda x: fft.ifft(fft.fft(x[0]) * fft.fft(x[1]).conj()).real, (2, 5)),
    "product of matrices": (lambda x: (fft.fft(x) @ fft.fft(x).mT.conj()).abs(), (3, 4)),
    "sizes and angles": (lambda x: complex_of(x[0], x[1]).abs() * complex_of(x[1], x[2]).angle(), (3, 4)),
    "polar": (lambda x: torch.view_as_real(torch.polar(x[0].abs(), x[1])), (2, 4)),
    "quotient": (lambda x: (complex_of(x[0], x[1]) / complex_of(x[1], x[2])).imag, (3, 4)),
    "powers": (lambda x: complex_of(x[0], x[1]).pow(3).real, (2, 4)),
    "exponential": (lambda x: complex_of(x[0], x[1]).exp().real, (2, 4)),
    "conjugate in place": (lambda x: complex_of(x[0], x[1]).conj().clone().mul_(2j).imag, (2, 4)),
    "part of a conjugate": (lambda x: torch.view_as_complex(x * 1.0).conj().imag.exp(), (4, 2)),
    "moved": (lambda x: fft.fftshift(fft.fft(x)).flip(0)[1:4].roll(1).abs(), (5,)),
    "chosen": (lambda x: torch.where(x > 0, fft.fft(x), fft.ifft(x)).abs(), (5,)),
    "spectrogram": (lambda x: torch.stft(x, 4, window=WINDOW, return_complex=True).abs(), (7,)),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_operation_is_equal_to_all_digits(name: str) -> None:
    function, shape = OPERATIONS[name]
    require_all_digits(function, draw(*shape))


KERNEL = torch.tensor([0.5, -1.0, 0.25, 0.0, 0.125], dtype=torch.float64)


def circular(x: Any) -> Any:
    return fft.irfft(fft.rfft(x) * fft.rfft(KERNEL.to(x)), n=5)


BACKWARDS: dict[str, tuple[Any, Verdict]] = {
    "right": (lambda g: fft.irfft(fft.rfft(g) * fft.rfft(KERNEL.to(g)).conj(), n=5), Verdict.RIGHT),
    "without the conjugate": (lambda g: fft.irfft(fft.rfft(g) * fft.rfft(KERNEL.to(g)), n=5), Verdict.WRONG),
    "conjugate of the other": (
        lambda g: fft.irfft(fft.rfft(g).conj() * fft.rfft(KERNEL.to(g)), n=5),
        Verdict.WRONG,
    ),
    "a little too large": (
        lambda g: fft.irfft(fft.rfft(g) * fft.rfft(KERNEL.to(g)).conj(), n=5) * (1 + 1e-14),
        Verdict.WRONG,
    ),
}


@pytest.mark.parametrize(
    ("name", "dtype"), [*((name, torch.float64) for name in BACKWARDS), ("right", torch.float32)]
)
def test_own_backward_of_a_circular_convolution(name: str, dtype: Any) -> None:
    backward, verdict = BACKWARDS[name]
    function = custom(lambda x: (circular(x), (x,)), lambda g, scale, x: backward(g) * scale, 1.0)
    row = rules(function, draw(5, dtype=dtype))
    assert row.verdict is verdict, str(row)


def test_size_at_zero_accuses_nobody() -> None:
    x = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    row = rules(lambda x: complex_of(x, x).abs(), x)
    assert not (row.verdict is not None and row.verdict.accuses), str(row)


def test_transforms_are_numpys() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3, 4)) + 1j * rng.normal(size=(3, 4))
    with exactly_computing():
        shadow = paired(exact(x.real), exact(x.imag))
        real, imag = map(nearest, parts(transformed(shadow, (0, 1), -1)))
        np.testing.assert_allclose(real + 1j * imag, np.fft.fft2(x), rtol=1e-13)
        for size in (6, 7):
            found = nearest(to_reals(shadow, 1, size))
            np.testing.assert_allclose(found, np.fft.irfft(x, size) * size, rtol=1e-13)
