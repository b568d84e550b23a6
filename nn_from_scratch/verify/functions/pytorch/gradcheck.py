"""`gradcheck` and `gradgradcheck` with PyTorch's signatures."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch.autograd.gradcheck import GradcheckError

from nn_from_scratch.verify.functions.pytorch.examine import Report, demand_numbers, examine, raised
from nn_from_scratch.verify.functions.pytorch.measured import NAME
from nn_from_scratch.verify.functions.pytorch.question import (
    NotAskedError,
    Question,
    Tensors,
    cotangents,
    once_only,
)
from nn_from_scratch.verify.functions.rows import Row
from nn_from_scratch.verify.judging import checking
from nn_from_scratch.verify.judging.verdicts import Verdict


class WrongGradientError(checking.GradientError, GradcheckError):  # type: ignore[misc]
    """A gradient is wrong, or its contract is broken."""


class UndecidedError(checking.UndecidedError, GradcheckError):  # type: ignore[misc]
    """Nothing can be said of a gradient, for the reason that is told."""


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
    expected: Callable[..., Any] | None = None,
    reference: Callable[..., Any] | None = None,
    compute: str | None = None,
    shapes: bool = True,
) -> bool:
    """Check the gradient of a function; in place of `torch.autograd.gradcheck`.

    Parameters
    ----------
    func, inputs
        The function and its arguments. Inputs of every floating dtype that require a gradient are checked,
        also in tuples, lists and dicts, and the parameters of a `torch.nn.Module`.
    eps, atol, rtol
        Not needed: steps and tolerances are derived from the function. Another value than PyTorch's default
        is answered with a warning.
    raise_exception
        Whether to raise if the gradient is not right; otherwise False is returned, with a warning where
        nothing could be said.
    nondet_tol
        By how much two backward passes of the same inputs may differ.
    check_undefined_grad
        Whether the backward must take cotangents that are undefined for zeros.
    check_grad_dtypes
        Whether the backward itself must return the dtypes of its inputs (PyTorch would convert).
    check_batched_grad, check_batched_forward_grad, check_forward_ad
        Whether to check these as well; then they must be supported.
    check_backward_ad
        Whether to check the backward.
    fast_mode
        Makes no difference: the number of evaluations does not grow with the inputs in either.
    masked
        Makes no difference: it speaks of sparse inputs, of which a check is refused.
    expected, reference, compute, shapes
        As `examine` has them, beyond PyTorch's: what the gradient is meant to be the derivative of, a plain
        version of a kernel and the format that it computes in, and whether other shapes are drawn.

    Returns
    -------
    bool
        True, or False if `raise_exception` is false and the gradient is not right.

    Raises
    ------
    WrongGradientError
        A `GradcheckError`: the gradient is wrong, or the contract of a backward is broken.
    UndecidedError
        A `GradcheckError`: nothing can be said, and why.
    ValueError
        If no input requires a gradient, or nothing is to be checked.

    """
    _say_what_is_not_needed(eps, atol, rtol)
    if not (check_forward_ad or check_backward_ad):
        raise ValueError("nothing to check: check_forward_ad and check_backward_ad are both false")
    if check_batched_grad and not check_backward_ad:
        raise ValueError("check_batched_grad needs check_backward_ad")
    if check_batched_forward_grad and not check_forward_ad:
        raise ValueError("check_batched_forward_grad needs check_forward_ad")
    del fast_mode, masked
    wanted = {
        "batched cotangents": check_batched_grad,
        "forward mode": check_forward_ad,
        "batched forward mode": check_batched_forward_grad,
    }
    report = examine(
        func,
        inputs,
        transforms=[name for name, asked in wanted.items() if asked],
        backward=check_backward_ad,
        nondeterminism=nondet_tol,
        undefined=check_undefined_grad,
        dtypes=check_grad_dtypes,
        expected=expected,
        reference=reference,
        compute=compute,
        shapes=shapes,
        progress=_shown if sys.stderr.isatty() else None,
    )
    return _answer(report, raise_exception)


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
    expected: Callable[..., Any] | None = None,
) -> bool:
    """Check the gradient of a function's gradient; in place of `torch.autograd.gradgradcheck`.

    The parameters are those of `gradcheck`, and

    Parameters
    ----------
    func, inputs, eps, atol, rtol, raise_exception, nondet_tol, fast_mode, masked
        As `gradcheck` has them.
    check_undefined_grad, check_grad_dtypes, check_batched_grad
        As `gradcheck` has them, of the gradient's gradient.
    grad_outputs
        A cotangent for each differentiable output; drawn if it is None.
    gen_non_contig_grad_outputs
        Whether those that are drawn are not contiguous.
    expected
        A function of the same inputs of whose derivative the gradient is to have the derivative.
    check_fwd_over_rev, check_rev_over_rev
        Whether to differentiate the gradient in forward mode, and by a backward.

    Returns
    -------
    bool
        As `gradcheck`.

    Raises
    ------
    WrongGradientError, UndecidedError, ValueError
        As `gradcheck`; a `WrongGradientError` too where the gradient cannot be differentiated.

    """
    _say_what_is_not_needed(eps, atol, rtol)
    if not (check_fwd_over_rev or check_rev_over_rev):
        raise ValueError("nothing to check: check_fwd_over_rev and check_rev_over_rev are both false")
    if check_batched_grad and not check_rev_over_rev:
        raise ValueError("check_batched_grad needs check_rev_over_rev")
    del fast_mode, masked
    try:
        with torch.random.fork_rng(devices=[]), torch.enable_grad():
            question = Question(func, inputs, expected)
            given = _cotangents(question, grad_outputs, gen_non_contig_grad_outputs)
            found = question.run()
            demand_numbers(question.tensors, found.outputs)
    except NotAskedError as reason:
        return _answer(Report((Row(NAME, Verdict.UNDECIDED, str(reason)),)), raise_exception)
    try:
        once = once_only(found.gradient(given, create_graph=True))
    except Exception as error:  # noqa: BLE001  whatever a backward raises
        return _answer(Report((raised(NAME, error),)), raise_exception)
    if once:
        row = Row("double backward", None, "marked with once_differentiable")
        return _answer(Report((row,)), raise_exception)
    wanted = {"batched cotangents": check_batched_grad, "forward mode": check_fwd_over_rev}
    report = examine(
        _gradient_of(question, len(given)),
        (*question.tensors, *given),
        transforms=[name for name, asked in wanted.items() if asked],
        backward=check_rev_over_rev,
        nondeterminism=nondet_tol,
        undefined=check_undefined_grad,
        dtypes=check_grad_dtypes,
        expected=None if question.meant is None else _gradient_of(question.meant, len(given)),
        shapes=False,
        progress=_shown if sys.stderr.isatty() else None,
    )
    return _answer(report, raise_exception)


def _cotangents(question: Question, given: Any, strided: bool) -> Tensors:
    """Return the caller's cotangents, or draw some that require a gradient."""
    outputs = question.run().outputs
    if not outputs:
        raise NotAskedError("no output has a gradient: nothing was checked")
    if given is not None:
        parts = list(given) if isinstance(given, (tuple, list)) else [given]
        shapes = [[tuple(getattr(x, "shape", ())) for x in some] for some in (parts, outputs)]
        if shapes[0] != shapes[1] or not all(isinstance(x, torch.Tensor) for x in parts):
            raise ValueError(
                f"grad_outputs must be a tensor for each output, of its shape: {shapes[1]}, got {shapes[0]}"
            )
        return parts
    drawn = cotangents(outputs, seed=1)
    if strided:
        drawn = [torch.stack([x, x], dim=-1)[..., 0] for x in drawn]
    return [x.requires_grad_() for x in drawn]


def _gradient_of(question: Question, count: int) -> Callable[..., torch.Tensor]:
    """Return the function from inputs and cotangents to the gradient, as one vector.

    As one vector a part that autograd takes for a constant is differentiated with the rest.
    """

    def gradient(*arguments: torch.Tensor) -> torch.Tensor:
        tensors = [x if x.requires_grad else x.requires_grad_() for x in arguments]
        inputs, given = tensors[:-count], tensors[-count:]
        wide = inputs[0].dtype != question.tensors[0].dtype
        asked = question.widened() if wide else question
        with asked.holding(inputs):
            found = asked.run(inputs).gradient(given, create_graph=True)
            return torch.cat([x.reshape(-1) for x in found])

    return gradient


def _answer(report: Report, raise_exception: bool) -> bool:
    unsupported = [row for row in report.rows if row.verdict is None and row.name in _PROMISED]
    if report and not unsupported:
        return True
    if report.verdict.accuses or unsupported:
        if not raise_exception:
            return False
        rows = [row for row in report.rows if row.accuses or row in unsupported]
        raise WrongGradientError("\n".join(map(str, rows)))
    open_rows = [row for row in report.rows if row.verdict is Verdict.UNDECIDED] or report.rows
    undecided = "\n".join(map(str, open_rows))
    if raise_exception:
        raise UndecidedError(undecided)
    warnings.warn(f"the gradient was not decided: {undecided}", stacklevel=3)
    return False


_PROMISED = {"batched cotangents", "forward mode", "batched forward mode", "double backward"}
"""What is only asked here if the caller says that it is supported."""


def _shown(numbers: int, line: str) -> None:
    """Say on a terminal how far a long trace is."""
    sys.stderr.write(f"\rtraced {numbers:,} numbers ({line})\033[K\r")
    sys.stderr.flush()


def _say_what_is_not_needed(eps: float, atol: float, rtol: float) -> None:
    defaults = {"eps": 1e-6, "atol": 1e-5, "rtol": 1e-3}
    given = [
        name for name, value in {"eps": eps, "atol": atol, "rtol": rtol}.items() if value != defaults[name]
    ]
    if given:
        warnings.warn(
            f"{', '.join(given)} not needed, and not used: steps and tolerances are derived", stacklevel=3
        )
