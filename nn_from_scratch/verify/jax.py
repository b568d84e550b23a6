"""The door for JAX, which it needs: `check_grads` in place of that of `jax.test_util`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from nn_from_scratch.verify.functions.jaxpr.checking import Options, require_right

__all__ = ["check_grads"]


def check_grads(  # noqa: PLR0917  the signature is JAX's
    f: Callable[..., Any],
    args: Sequence[Any],
    order: int,
    modes: Sequence[str] = ("fwd", "rev"),
    atol: float | None = None,
    rtol: float | None = None,
    eps: float | None = None,
    *,
    expected: Callable[..., Any] | None = None,
    reference: Callable[..., Any] | None = None,
    compute: str | None = None,
    shapes: bool = True,
) -> None:
    """Check the derivatives of a function of JAX's arrays, up to an order.

    The jaxprs of the function (of `jax.custom_vjp` and `jax.custom_jvp` the primal) and of its derivative are
    run over balls at 256 bits, at the point and along one drawn direction: their formulas are equal to many
    digits, or proved to differ. Constants count as rounded; what `jax.lax.stop_gradient` holds is a constant.
    The derivative of a derivative is compared with what JAX itself makes of the primal, without custom rules.
    The numbers, eagerly, under `jax.jit` and under `jax.vmap`, are compared with what their formula has, and
    each operation's with its exact value at its own operands. What is not traced, and kinks, are judged by
    differences of the function's own values in float64.

    Parameters
    ----------
    f
        Takes `args`, and returns an array, or any tree of arrays.
    args
        A tuple of arguments: trees of arrays and numbers. Those of floating point are differentiated, in
        their own dtype; integers, None and anything else are passed through.
    order
        Derivatives of derivatives are checked up to this order, each as a function of its own.
    modes
        Of "fwd", "rev" and "lin". One that `f` does not claim to have, as a `jax.custom_vjp` has no forward
        mode, is passed over, unless no other is asked for.
    atol, rtol, eps
        Taken for compatibility, and not needed: tolerances are derived, and a formula needs no step.
    expected
        A function of `args` whose derivative `f` is meant to have in place of its own: ``lambda x: x`` for a
        rounding with a straight-through gradient, ``lambda x: -x`` for a reversed one.
    reference
        A plain version of an `f` that cannot be traced, as a kernel: values and derivatives of `f` are judged
        by the exact ones of this, within the rounding of its operations.
    compute
        The format that such an `f` computes in: "float64", "float32", "float16" or "bfloat16". By default the
        widest dtype of its inputs.
    shapes
        Whether drawn inputs of other shapes are asked as well, where `f` takes them: a rule that takes a size
        for a constant is wrong there. A rule that reads a copy of an input in its place, and so is right at
        this point alone, is undecided then.

    Raises
    ------
    GradientError
        An AssertionError: a derivative, or the value that a custom rule computes, is not right.
    UndecidedError
        A GradientError: something could be shown neither right nor wrong, and why. Complex numbers are not
        asked.
    TypeError
        If `f` has a derivative of no mode that was asked for.
    ValueError
        If no argument, or no output, is of floating point, or `order`, `modes` or `compute` is none.

    """
    del atol, rtol, eps
    require_right(f, args, order, modes, Options(expected, reference, compute, shapes))
