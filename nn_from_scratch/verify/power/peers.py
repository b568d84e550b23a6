"""Other tools that check derivatives, each through its own interface and at its defaults."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from nn_from_scratch.verify.power.functions import Array, Function


@dataclass(frozen=True)
class Peer:
    """A tool: its name, the package it comes from, and how it checks a function at some arrays."""

    name: str
    package: str
    accuses: Callable[[Function, tuple[Array, ...]], bool]


def _gradcheck(function: Function, arrays: tuple[Array, ...], *, fast: bool) -> bool:
    import torch  # noqa: PLC0415  an optional package, and slow to import

    class Planted(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, *xs: Any) -> Any:
            ctx.save_for_backward(*xs)
            return torch.from_numpy(function.value(*(x.detach().numpy() for x in xs)))

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            arrays = [x.detach().numpy() for x in ctx.saved_tensors]
            parts = function.pull(g.numpy(), *arrays)
            if [part.shape for part in parts] != [x.shape for x in arrays]:
                raise ValueError("a gradient of the wrong shape")  # PyTorch would sum it, and hide the fault
            return tuple(map(torch.from_numpy, parts))

    inputs = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in arrays]
    return not torch.autograd.gradcheck(Planted.apply, inputs, raise_exception=False, fast_mode=fast)


def _check_grads(function: Function, arrays: tuple[Array, ...]) -> bool:
    import jax  # noqa: PLC0415
    from jax.test_util import check_grads  # noqa: PLC0415

    jax.config.update("jax_enable_x64", True)

    @jax.custom_vjp  # type: ignore[untyped-decorator]
    def planted(*xs: Any) -> Any:
        return jax.numpy.asarray(function.value(*xs))  # nothing traces it: the arrays are numbers

    def forward(*xs: Any) -> Any:
        return planted(*xs), xs

    def backward(xs: Any, g: Any) -> Any:
        return tuple(map(jax.numpy.asarray, function.pull(g, *xs)))

    planted.defvjp(forward, backward)
    try:
        check_grads(planted, tuple(map(jax.numpy.asarray, arrays)), order=1, modes=["rev"])
    except AssertionError:
        return True
    return False


def _numdifftools(function: Function, arrays: tuple[Array, ...]) -> bool:
    import numdifftools  # noqa: PLC0415

    weights = np.random.default_rng(0).normal(size=function.value(*arrays).shape)
    sizes = np.cumsum([x.size for x in arrays])[:-1]

    def weighed(flat: Any) -> Any:
        parts = np.split(np.asarray(flat), sizes)
        return np.sum(
            weights * function.value(*(p.reshape(x.shape) for p, x in zip(parts, arrays, strict=True)))
        )

    flat = np.concatenate([x.ravel() for x in arrays])
    estimate = np.ravel(numdifftools.Gradient(weighed)(flat))
    pulled = function.pull(weights, *arrays)
    if [part.shape for part in pulled] != [x.shape for x in arrays]:
        return True
    return not np.allclose(np.concatenate([part.ravel() for part in pulled]), estimate)


def _or_raises(check: Callable[[Function, tuple[Array, ...]], bool]) -> Callable[..., bool]:
    """Take what a tool raises for an accusation."""

    def accuses(function: Function, arrays: tuple[Array, ...]) -> bool:
        try:
            with np.errstate(all="ignore"):
                return check(function, arrays)
        except Exception:  # noqa: BLE001  a gradient of the wrong shape, say
            return True

    return accuses


PEERS: tuple[Peer, ...] = (
    Peer("gradcheck", "torch", _or_raises(lambda f, xs: _gradcheck(f, xs, fast=False))),
    Peer("gradcheck, fast mode", "torch", _or_raises(lambda f, xs: _gradcheck(f, xs, fast=True))),
    Peer("check_grads", "jax", _or_raises(_check_grads)),
    Peer("numdifftools", "numdifftools", _or_raises(_numdifftools)),
)
"""Functions are given in float64. numdifftools estimates only; its estimate is compared as numpy's allclose
does at its defaults."""
