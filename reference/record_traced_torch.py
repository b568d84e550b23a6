"""Record which of PyTorch's own operations are traced, and whether their backwards' formulas are the truth.

Run ``python reference/record_traced_torch.py``, a minute; it writes traced_torch.json beside this file. Each
variant is an expression over the operands of `OPERANDS`, asked in float64.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nn_from_scratch.verify.functions.pytorch.conventions import convention
from nn_from_scratch.verify.functions.pytorch.formula import trace
from nn_from_scratch.verify.functions.pytorch.question import Question, cotangents
from nn_from_scratch.verify.functions.pytorch.traced import rules
from nn_from_scratch.verify.functions.pytorch.triangles import one_triangle

PATH = Path(__file__).with_name("traced_torch.json")

_DRAW = np.random.default_rng(0)


def _normal(*shape: int) -> Any:
    return torch.from_numpy(np.round(_DRAW.normal(size=shape), 3) + 2.0**-12)


OPERANDS: dict[str, Any] = {
    "x": _normal(5),
    "y": _normal(5),
    "p": _normal(5).abs() + 0.5,
    "q": _normal(5).abs() + 0.75,
    "u": torch.tensor([0.125, 0.3, 0.47, 0.71, 0.9], dtype=torch.float64),
    "w": torch.tensor([1.25, 1.5, 2.25, 3.5, 1.125], dtype=torch.float64),
    "m": _normal(3, 3),
    "n": _normal(3, 3),
    "r": _normal(3, 4),
    "c": _normal(4, 2),
    "t": _normal(2, 3, 4),
    "g": _normal(1, 2, 6, 6),
    "k": _normal(3, 2, 3, 3),
    "h": _normal(1, 2, 8),
    "l": _normal(3, 2, 3),
    "v": _normal(1, 2, 4, 4, 4),
}
"""What x, y, p... are: p and q are positive, u lies between 0 and 1, w beyond 1."""

UNARY = {
    "x": (
        "sin cos tan atan sinh cosh tanh asinh exp exp2 expm1 abs neg positive square sinc sign sgn floor "
        "ceil trunc frac round deg2rad rad2deg sigmoid erf erfc relu selu celu sum prod mean var "
        "std max min amax amin median nanmedian nansum nanmean sort diff ravel "
        "flipud atleast_1d atleast_2d atleast_3d nan_to_num norm clone diag diag_embed diagflat vander "
        "trapezoid cumulative_trapezoid special.expit special.erf special.erfc special.erfcx special.i0 "
        "special.i0e special.i1 special.i1e special.ndtr special.log_ndtr special.sinc special.exp2 "
        "special.expm1 special.bessel_j0"
    ),
    "p": (
        "log log2 log10 log1p sqrt rsqrt reciprocal lgamma digamma special.gammaln special.digamma "
        "special.psi special.entr special.log1p"
    ),
    "u": "asin acos atanh logit erfinv special.erfinv special.ndtri special.logit arcsin arccos arctanh",
    "w": "acosh arccosh",
    "m": (
        "t trace diagonal tril triu fliplr rot90 det logdet slogdet inverse pinverse cov corrcoef "
        "matrix_exp linalg.det linalg.inv linalg.norm linalg.matrix_norm linalg.vector_norm linalg.cond "
        "linalg.svdvals linalg.eigvals linalg.qr linalg.lu linalg.lu_factor linalg.matrix_exp "
        "linalg.pinv linalg.diagonal nuclear_norm"
    ),
    "t": (
        "squeeze sum prod max min mean var std ravel flatten median amax amin aminmax var_mean std_mean norm"
    ),
}
"""Functions of torch of one operand."""

FUNCTIONAL = {
    "x": (
        "relu relu6 elu selu celu leaky_relu gelu silu mish softplus softsign softmin softmax log_softmax "
        "logsigmoid hardtanh hardswish hardsigmoid hardshrink softshrink tanhshrink threshold sigmoid tanh "
        "normalize"
    ),
    "r": "glu softmax log_softmax normalize pdist",
    "h": "softmax instance_norm",
    "g": "instance_norm",
}
"""Functions of torch.nn.functional of one operand, with arguments that they need."""

NEEDED = {
    "threshold": ", 0.1, 0.5",
    **dict.fromkeys(("softmax", "log_softmax", "softmin"), ", -1"),
    "normalize": ", 2, -1",
}

BINARY = {
    "x, y": (
        "add sub mul div true_divide maximum minimum fmax fmin hypot logaddexp logaddexp2 atan2 dot inner "
        "outer vdot kron copysign remainder fmod dist rsub "
        "ldexp xlogy"
    ),
    "p, q": "pow float_power atan2 hypot logaddexp remainder fmod igamma igammac",
    "m, n": "matmul mm inner kron tensordot add mul maximum linalg.solve chain_matmul cdist block_diag",
    "r, c": "matmul mm",
    "x, p": "xlogy special.xlogy special.xlog1py special.zeta",
}
"""Functions of torch of two operands."""

LOSSES = {
    "x, y": (
        "mse_loss l1_loss smooth_l1_loss huber_loss kl_div poisson_nll_loss binary_cross_entropy_with_logits"
    ),
    "r, r.flip(0)": "cosine_similarity pairwise_distance mse_loss",
    "u, u.flip(0)": "binary_cross_entropy",
}
"""Functions of torch.nn.functional of two operands."""

OTHERS = """
torch.cross(x[:3], y[:3], 0)
torch.stack([x, y])
torch.stack([x, y], 1)
torch.cat([x, y])
torch.hstack([x, y])
torch.vstack([x, y])
torch.dstack([x, y])
torch.column_stack([x, y])
torch.logsumexp(x, 0)
torch.logcumsumexp(x, 0)
torch.cumsum(x, 0)
torch.cumprod(x, 0)
torch.transpose(t, 0, 1)
F.soft_margin_loss(x, (y > 0).double() * 2 - 1)
torch.cat([r, r], 1)
torch.tensordot(r, c, 1)
torch.tensordot(t, t, ([2, 0], [2, 0]))
torch.einsum("ij,jk->ik", r, c)
torch.einsum("bij,bkj->bik", t, t)
torch.einsum("ii->i", m)
torch.einsum("ij->", m)
torch.einsum("i,j,k->ijk", x, y, p)
torch.bilinear(m, n, t[:, :, :3], p[:2])
torch.where(x > 0, x, y)
torch.where(x > y, x * y, x + y)
torch.clamp(x, -0.5, 0.5)
torch.clamp(x, min=0)
torch.clamp(x, max=0.25)
torch.clamp(x, y - 1, y + 1)
torch.lerp(x, y, 0.3)
torch.lerp(x, y, u)
torch.addcmul(x, y, p, value=0.5)
torch.addcdiv(x, y, p, value=0.5)
torch.addmm(m, m, n, beta=0.5, alpha=2)
torch.addmv(x[:3], m, y[:3])
torch.addr(m, x[:3], y[:3])
torch.addbmm(m, t[:, :, :3], t[:, :, 1:])
torch.baddbmm(t[:, :, :3], t[:, :, :3], t[:, :, 1:])
torch.bmm(t, t.mT)
torch.mv(m, x[:3])
torch.matmul(t, c)
torch.add(x, y, alpha=0.3)
torch.sub(x, y, alpha=0.3)
torch.pow(p, 2.5)
torch.pow(x, 3)
torch.pow(2.0, x)
torch.pow(p, x)
torch.sum(t, (0, 2))
torch.sum(t, 1, keepdim=True)
torch.mean(t, (0, 2))
torch.prod(t, 1)
torch.var(t, 1)
torch.var(t, (0, 2), correction=0)
torch.std(t, 2, correction=0)
torch.var_mean(t, 1)
torch.std_mean(t, 1)
torch.logsumexp(t, 1)
torch.logcumsumexp(t, 1)
torch.cumsum(t, 1)
torch.cumprod(t, 1)
torch.cummax(t, 1)[0]
torch.cummin(t, 1)[0]
torch.amax(t, (0, 2))
torch.amin(t, 1)
torch.aminmax(t, dim=1)
torch.max(t, 1)[0]
torch.min(t, 1)[0]
torch.median(t, 1)[0]
torch.mode(t, 1)[0]
torch.kthvalue(t, 2, 1)[0]
torch.quantile(x, 0.3)
torch.nanquantile(x, 0.3)
torch.topk(x, 3)[0]
torch.sort(t, 1, descending=True)[0]
torch.msort(r)
torch.argsort(x) * x
torch.norm(x, 1)
torch.norm(x, 3)
torch.norm(x, float("inf"))
torch.norm(r, 2, 1)
torch.linalg.vector_norm(t, 2, (0, 1))
torch.linalg.vector_norm(x, 1)
torch.linalg.vector_norm(x, 3.5)
torch.linalg.vector_norm(x, float("inf"))
torch.linalg.matrix_norm(m, 1)
torch.linalg.matrix_norm(m, 2)
torch.linalg.matrix_norm(m, "nuc")
torch.dist(x, y, 3)
torch.renorm(r, 2, 0, 1.0)
torch.cdist(r, r + 1)
torch.cdist(r, r + 1, 1)
torch.index_select(t, 1, torch.tensor([0, 2, 2]))
torch.gather(r, 1, torch.tensor([[0, 1], [3, 3], [2, 0]]))
torch.take(r, torch.tensor([0, 5, 5]))
torch.take_along_dim(r, torch.tensor([[0, 1], [3, 3], [2, 0]]), 1)
torch.masked_select(x, x > 0)
torch.masked_fill(x, x > 0, 0.5)
torch.masked_fill(x, x > 0, y[0])
torch.masked_scatter(x, x > 0, y)
torch.scatter(x, 0, torch.tensor([3, 1]), y[:2])
torch.scatter(x, 0, torch.tensor([3, 1]), 0.5)
torch.scatter_add(x, 0, torch.tensor([3, 1, 3]), y[:3])
torch.scatter_reduce(x, 0, torch.tensor([3, 1, 3]), y[:3], "sum")
torch.scatter_reduce(x, 0, torch.tensor([3, 1, 3]), y[:3], "prod")
torch.scatter_reduce(x, 0, torch.tensor([3, 1, 3]), y[:3], "mean")
torch.scatter_reduce(x, 0, torch.tensor([3, 1, 3]), y[:3], "amax")
torch.scatter_reduce(x, 0, torch.tensor([3, 1, 3]), y[:3], "amin")
torch.index_add(r, 0, torch.tensor([0, 2, 2]), r * 2)
torch.index_copy(r, 0, torch.tensor([2, 0, 1]), r * 2)
torch.index_fill(r, 0, torch.tensor([2, 0]), 0.5)
torch.index_fill(r, 0, torch.tensor([2, 0]), x[0])
torch.index_put(x, (torch.tensor([3, 1]),), y[:2])
torch.index_put(x, (torch.tensor([3, 3]),), y[:2], accumulate=True)
torch.index_reduce(r, 0, torch.tensor([0, 2, 2]), r * 2, "prod")
torch.put(x, torch.tensor([3, 1]), y[:2])
torch.select_scatter(r, x[:4], 0, 1)
torch.slice_scatter(r, r[:2] * 2, 0, 1, 3)
torch.diagonal_scatter(m, x[:3])
torch.as_strided_scatter(x, y[:2], (2,), (1,), 1)
torch.as_strided(x, (3, 3), (1, 1))
torch.select(t, 1, 2)
torch.narrow(t, 2, 1, 2)
torch.split(x, 2)
torch.tensor_split(x, 3)
torch.chunk(x, 2)
torch.hsplit(r, 2)
torch.vsplit(c, 2)
torch.unbind(r)
torch.unsqueeze(x, 1)
torch.squeeze(t[:1], 0)
torch.reshape(t, (4, 6))
torch.permute(t, (2, 0, 1))
torch.transpose(t, 0, 2)
torch.swapaxes(t, 0, 2)
torch.movedim(t, 0, 2)
torch.moveaxis(t, 0, 2)
torch.roll(x, 2)
torch.roll(t, (1, 2), (0, 2))
torch.flip(t, (0, 2))
torch.rot90(m, 2)
torch.tile(x, (3,))
torch.repeat_interleave(x, 2)
torch.repeat_interleave(x, torch.tensor([1, 0, 2, 1, 3]))
torch.broadcast_to(x, (3, 5))
torch.meshgrid(x, y, indexing="ij")
torch.cartesian_prod(x, y)
torch.combinations(x)
torch.block_diag(m, r)
torch.diff(r, dim=1)
torch.diff(x, 2)
torch.gradient(x)
torch.trapezoid(x, p.cumsum(0))
torch.tril(m, -1)
torch.triu(m, 1)
torch.diagonal(t, 1, 1, 2)
torch.diag_embed(r)
torch.view_as_real(torch.complex(x, y))
torch.complex(x, y).abs()
torch.unfold_copy(x, 0, 3, 1)
torch.special.polygamma(1, p)
torch.polygamma(2, p)
torch.special.multigammaln(w, 2)
torch.mvlgamma(w, 2)
torch.special.logsumexp(x, 0)
torch.special.softmax(x, 0)
torch.special.log_softmax(x, 0)
torch.nan_to_num(x, 1.0)
torch.heaviside(x, y)
torch.floor_divide(x, p)
torch.div(x, p, rounding_mode="floor")
torch.remainder(x, 0.7)
torch.fmod(x, 0.7)
torch.round(x, decimals=1)
torch.frexp(p)[0]
torch.linalg.solve(m, x[:3])
torch.linalg.solve(m, n, left=False)
torch.linalg.cholesky(m @ m.T + torch.eye(3))
torch.linalg.cholesky(m @ m.T + torch.eye(3), upper=True)
torch.cholesky_solve(n, torch.linalg.cholesky(m @ m.T + torch.eye(3)))
torch.cholesky_inverse(torch.linalg.cholesky(m @ m.T + torch.eye(3)))
torch.linalg.solve_triangular(m, n, upper=False)
torch.linalg.solve_triangular(m, n, upper=True, unitriangular=True)
torch.linalg.solve_triangular(m, n, upper=True, left=False)
torch.triangular_solve(n, m)[0]
torch.linalg.slogdet(m)[1]
torch.logdet(m @ m.T + torch.eye(3))
torch.linalg.lu(r)
torch.linalg.qr(r.T)
torch.linalg.svd(r, full_matrices=False)
torch.linalg.eigh(m + m.T)
torch.linalg.solve(t[:, :, :3], t[:, :, 1:])
torch.linalg.pinv(r)
torch.linalg.inv(t[:, :, :3])
torch.linalg.det(t[:, :, :3])
torch.linalg.matrix_power(m, 3)
torch.linalg.matrix_power(m, -2)
torch.linalg.multi_dot([r, c, c.T])
torch.linalg.eigvalsh(m + m.T)
torch.linalg.eigh(m + m.T)[1].abs()
torch.linalg.svd(m)[1]
torch.linalg.lstsq(r.T, x[:4, None])[0]
torch.linalg.lu_solve(*torch.linalg.lu_factor(m), n)
torch.linalg.tensorsolve(m, x[:3])
torch.linalg.tensorinv(m, 1)
torch.linalg.vecdot(r, r)
torch.linalg.cross(x[:3], y[:3])
torch.linalg.vander(x)
torch.linalg.householder_product(c, x[:2])
torch.lu_solve(n, *torch.linalg.lu_factor(m))
torch.ormqr(m, x[:3], n)
x.view(5, 1)
x.expand(3, 5)
x.unfold(0, 3, 1)
x.repeat(2, 3)
x.fill_diagonal_(0.5) if x.dim() > 1 else x * 2
m.clone().fill_diagonal_(0.5)
x.to(torch.float32).double()
x.type(torch.float32)
x.clone().add_(y).mul_(y)
x.clone().copy_(y)
x.clone().sub_(y, alpha=2).div_(p)
x.clone().exp_().sqrt_()
x.clone().clamp_(-0.5, 0.5)
x.clone().masked_fill_(x > 0, 0.5)
x.clone().zero_().add_(y)
x.clone().pow_(2)
x[[0, 2, 2]]
x[x > 0]
x[1:4:2]
r[:, None, 1]
r[torch.tensor([0, 2]), torch.tensor([1, 3])]
t[..., 1]
t.unflatten(2, (2, 2))
t.mT @ t
m @ n
r @ c + 0.5
x**3
2**x
p**x
1 / p
-x % 0.7
abs(x)
F.linear(t, r, x[:3])
F.bilinear(r[:2, :3], m[:2], t[:, :, :3].permute(0, 1, 2), p[:2])
F.embedding(torch.tensor([0, 2, 2]), r)
F.embedding(torch.tensor([0, 2, 2]), r, padding_idx=2)
F.embedding_bag(torch.tensor([0, 2, 2]), r, torch.tensor([0, 1]))
F.embedding_bag(torch.tensor([0, 2, 2]), r, torch.tensor([0, 1]), mode="sum")
F.layer_norm(t, (4,), x[:4], y[:4])
F.layer_norm(t, (3, 4))
F.rms_norm(t, (4,), x[:4])
F.group_norm(h, 2, x[:2], y[:2])
F.group_norm(g, 1)
F.batch_norm(r, None, None, x[:4], y[:4], True)
F.batch_norm(g, p[:2].detach().clone(), q[:2].detach().clone(), x[:2], y[:2], True)
F.batch_norm(r, p[:4].detach(), q[:4].detach(), x[:4], y[:4])
F.instance_norm(h, None, None, x[:2], y[:2])
F.local_response_norm(g, 2)
F.prelu(x, y[:1])
F.rrelu(x, 0.2, 0.2)
F.gelu(x, approximate="tanh")
F.elu(x, 0.7)
F.celu(x, 0.7)
F.softplus(x, 2.0, 0.5)
F.leaky_relu(x, 0.3)
F.hardtanh(x, -0.3, 0.4)
F.gumbel_softmax(x)
F.softmax(t, 1)
F.log_softmax(t, 1)
F.cross_entropy(r, torch.tensor([0, 3, 1]))
F.cross_entropy(r, torch.tensor([0, 3, 1]), label_smoothing=0.1)
F.cross_entropy(r, torch.tensor([0, 3, 1]), weight=p[:4].detach())
F.cross_entropy(r, r.detach().softmax(1))
F.cross_entropy(r, r.flip(0).detach().softmax(1))
F.nll_loss(r, torch.tensor([0, 3, 1]))
F.nll_loss(t.mT.contiguous(), torch.tensor([[0, 3, 1], [1, 1, 2]]))
F.kl_div(x, u, log_target=False)
F.kl_div(x, y, log_target=True)
F.gaussian_nll_loss(x, y, p)
F.smooth_l1_loss(x, y, beta=0.5)
F.huber_loss(x, y, delta=0.7)
F.mse_loss(x, y, reduction="sum")
F.margin_ranking_loss(x, y, torch.tensor([1.0, -1.0, 1.0, 1.0, -1.0]))
F.hinge_embedding_loss(x, torch.tensor([1.0, -1.0, 1.0, 1.0, -1.0]))
F.cosine_embedding_loss(r, r.flip(0), torch.tensor([1.0, -1.0, 1.0]))
F.triplet_margin_loss(r, r.flip(0), r.roll(1, 1))
F.multi_margin_loss(r, torch.tensor([0, 3, 1]))
F.multilabel_margin_loss(x, torch.tensor([0, 3, -1, 1, 2]))
F.multilabel_soft_margin_loss(r, (r > 0).double())
F.ctc_loss(t.log_softmax(2), torch.tensor([[1, 2]] * 3), torch.tensor([2] * 3), torch.tensor([1] * 3))
F.cosine_similarity(r, r.flip(0), 0)
F.pairwise_distance(r, r.flip(0), 3.0)
F.conv1d(h, l)
F.conv1d(h, l, x[:3], stride=2, padding=1)
F.conv2d(g, k)
F.conv2d(g, k, x[:3], stride=2, padding=1, dilation=2)
F.conv2d(g, k[:2, :1], groups=2)
F.conv2d(g, k, padding="same")
F.conv3d(v, k[:, :, None])
F.conv_transpose1d(h, l[:2])
F.conv_transpose2d(g, k[:2], stride=2, padding=1, output_padding=1)
F.conv_transpose3d(v, k[:2, :, None])
F.unfold(g, 2)
F.fold(F.unfold(g, 2), (6, 6), 2)
F.max_pool1d(h, 2)
F.max_pool2d(g, 2)
F.max_pool2d(g, 3, stride=2, padding=1)
F.max_pool2d(g, (2, 3), 1, ceil_mode=True)
F.max_pool2d(g, 2, dilation=2)
F.max_pool3d(v, 2)
F.avg_pool1d(h, 2)
F.avg_pool2d(g, 2)
F.avg_pool2d(g, 3, stride=2, padding=1, count_include_pad=False)
F.avg_pool2d(g, 3, stride=2, padding=1, ceil_mode=True)
F.avg_pool2d(g, 3, divisor_override=7)
F.avg_pool3d(v, 2)
F.lp_pool1d(h, 3, 2)
F.lp_pool1d(h.abs(), 3, 2)
F.lp_pool2d(g.abs(), 3, 2)
F.adaptive_avg_pool1d(h, 3)
F.adaptive_avg_pool2d(g, (3, 4))
F.adaptive_avg_pool3d(v, 2)
F.adaptive_max_pool1d(h, 3)
F.adaptive_max_pool2d(g, (3, 4))
F.adaptive_max_pool3d(v, 3)
F.max_unpool1d(h, torch.tensor([[[1, 3, 5, 7, 9, 11, 13, 15], [0, 2, 4, 6, 8, 10, 12, 14]]]), 2)
F.pad(r, (1, 1))
F.pad(h, (1, 2), mode="reflect")
F.pad(h, (1, 2), mode="replicate")
F.pad(h, (1, 2), mode="circular")
F.pad(g, (1, 2, 0, 1), mode="reflect")
F.pad(g, (1, 2, 0, 1), mode="replicate")
F.interpolate(h, 12)
F.interpolate(h, 12, mode="linear")
F.interpolate(g, (8, 9))
F.interpolate(g, (8, 9), mode="nearest-exact")
F.interpolate(g, scale_factor=1.7, mode="bilinear")
F.interpolate(g, (8, 9), mode="bilinear")
F.interpolate(g, (8, 9), mode="bilinear", align_corners=True)
F.interpolate(g, (8, 9), mode="bicubic")
F.interpolate(g, (3, 4), mode="area")
F.interpolate(v, (5, 5, 5), mode="trilinear")
F.pixel_shuffle(g.repeat(1, 2, 1, 1), 2)
F.pixel_unshuffle(g, 2)
F.channel_shuffle(g, 2)
F.grid_sample(g, g.tanh().reshape(1, 6, 6, 2), align_corners=False)
F.affine_grid(r[None, :2, :3], (1, 1, 3, 3), align_corners=False)
F.one_hot(torch.tensor([0, 2])).double() @ r
F.scaled_dot_product_attention(t, t, t)
F.scaled_dot_product_attention(t, t, t, is_causal=True)
torch.fft.fft(x).real
torch.fft.irfft(torch.fft.rfft(x))
torch.fft.irfft(torch.fft.rfft(x, n=8) * torch.fft.rfft(y, n=8))
torch.fft.fft(x).abs()
torch.fft.ifft(torch.fft.fft(x) * torch.fft.fft(y).conj()).real
torch.view_as_real(torch.fft.fft2(r, norm="ortho"))
torch.fft.irfftn(torch.fft.rfftn(t), t.shape)
torch.fft.fftshift(torch.fft.fft(x)).abs()
torch.fft.hfft(torch.complex(x, y))
torch.polar(p, x).imag
(torch.complex(x, y) / torch.complex(p, q)).angle()
torch.complex(x, y).exp().real
torch.complex(x, y).pow(2).real
torch.istft(torch.stft(x.repeat(4), 4, return_complex=True), 4)
torch.stft(x, 4, return_complex=True).abs()
torch.lstm_cell(r[:, :2], (m, n), t.reshape(12, 2), torch.cat([m, n, m, n]))
torch.gru_cell(r[:, :2], m, t.reshape(12, 2)[:9], torch.cat([m, n, m]))
torch.rnn_tanh_cell(r[:, :2], m, c[:3], n)
torch.rnn_relu_cell(r[:, :2], m, c[:3], n)
torch.utils.checkpoint.checkpoint(torch.sin, x, use_reentrant=False)
torch.func.vmap(torch.dot)(m, n)
torch.func.grad(lambda a: a.sin().sum())(x)
torch.compile(torch.tanh, backend="aot_eager")(x)
"""
"""Expressions over the operands, one a line."""


def variants() -> list[str]:
    """Return every expression."""
    found = [f"torch.{name}({x})" for x, names in UNARY.items() for name in names.split()]
    found += [f"torch.{name}({pair})" for pair, names in BINARY.items() for name in names.split()]
    found += [
        f"F.{name}({x}{NEEDED.get(name, '')})" for x, names in FUNCTIONAL.items() for name in names.split()
    ]
    found += [f"F.{name}({pair})" for pair, names in LOSSES.items() for name in names.split()]
    return [*dict.fromkeys([*found, *OTHERS.split("\n")[1:-1]])]


def function_of(variant: str) -> tuple[Any, list[Any]]:
    """Return an expression as a function of the operands that it names, and those."""
    names = compile(variant, "variant", "eval").co_names
    used = [name for name in OPERANDS if name in names]
    space = {"torch": torch, "F": torch.nn.functional}
    return eval(f"lambda {', '.join(used)}: {variant}", space), [OPERANDS[name] for name in used]  # noqa: S307


def asked(variant: str) -> str:
    """Return what is found of an expression's rules: as `gradcheck` says it, without the line."""
    function, operands = function_of(variant)
    question = Question(function, [x.clone().requires_grad_() for x in operands])
    given = cotangents(question.run().outputs, 0)
    found = rules(trace(question, given, 0), question)
    triangle = one_triangle(question) if found.accuses else None
    if triangle is not None and triangle.along is not None and triangle.fits:
        found = rules(trace(triangle.along, given, 0), triangle.along)
    meant = convention(question) if found.accuses else None
    said = (meant or found.said).split(";")[0].split(" (")[0]
    return said if found.verdict is None else f"{'undecided' if meant else found.verdict}: {said}"


def main() -> None:
    """Ask every variant, and write what was found."""
    found: dict[str, str] = {}
    for variant in variants():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found[variant] = asked(variant)
        except Exception as error:  # noqa: BLE001  PyTorch itself has no derivative of some
            found[variant] = f"not asked: {type(error).__name__}: {str(error).splitlines()[0][:100]}"
        print(f"{variant}: {found[variant]}")
    record = {
        "about": "Which variants of PyTorch's operations are traced, and what is said of the rules of each.",
        "provenance": {"script": "reference/record_traced_torch.py", "torch": torch.__version__},
        "variants": len(found),
        "equal": sum(said.startswith("right: formula equal at this point") for said in found.values()),
    }
    PATH.write_text(json.dumps({**record, "found": found}, indent=1) + "\n")
    print(record)


if __name__ == "__main__":
    main()
