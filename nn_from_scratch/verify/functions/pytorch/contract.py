"""The contract of a backward, whatever its numbers are: what PyTorch's engine relies on.

Each check asks for the same gradient in another way, and looks at what has changed.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch.autograd.function import BackwardCFunction

from nn_from_scratch.verify.functions.contract import TIMES, UNDERFLOWS
from nn_from_scratch.verify.functions.pytorch.differences import difference, largest_entry
from nn_from_scratch.verify.functions.pytorch.earlier import nothing_kept
from nn_from_scratch.verify.functions.pytorch.question import Pass, Question, Tensors, copied, share_memory
from nn_from_scratch.verify.functions.pytorch.tracing.lines import raised_by_a_hook
from nn_from_scratch.verify.functions.pytorch.ways import Asked
from nn_from_scratch.verify.functions.rows import Row, first_line
from nn_from_scratch.verify.judging.verdicts import Verdict


def _twice(name: str, asked: Asked) -> Row:
    """Ask for the gradient again, twice: what changes at every second call is seen too."""
    for again in (asked.found.gradient([copied(c) for c in asked.cotangents]) for _ in range(2)):
        for x, second, first in zip(asked.question.names, again, asked.gradient, strict=True):
            gap = _largest_gap(second, first)
            if gap > asked.allowed.nondeterminism:
                return Row(
                    name,
                    Verdict.WRONG,
                    f"not deterministic: a second backward gives {x} a gradient that differs by {gap:.3g}; "
                    f"a backward adds to what it keeps, or draws (allowed: {asked.allowed.nondeterminism:g})",
                )
    return Row(name, Verdict.RIGHT)


def gradient_and_changes(
    question: Question, found: Pass, before: Tensors, given: Tensors
) -> tuple[Tensors, str]:
    """Ask a pass for its gradient, for the first time, and say what its forward or its backward changed.

    Parameters
    ----------
    question, found
        Of what the gradient is asked, and the pass.
    before
        What the tensors that are differentiated were before it.
    given
        The cotangents, which a backward may change.

    """
    changed = [
        f"the forward changes {what}"
        for what, x, old in zip(question.names, found.inputs, before, strict=True)
        if difference(x, old)
    ]
    kept = [(f"{what}, which it was given", x) for what, x in zip(question.names, found.inputs, strict=True)]
    kept += [("a tensor that it was given", x) for x in _in_memory(found.others)]
    kept += [("the cotangent, which others may still need", x) for x in given]
    kept += [(f"a tensor that the forward saved ({where})", x) for where, x in saved(found)]
    values = [copied(x) for _, x in kept]
    gradient = found.gradient(given)
    changed += [
        f"the backward changes {what}"
        for (what, x), old in zip(kept, values, strict=True)
        if x.dtype.is_floating_point and difference(x, old)
    ]
    return gradient, changed[0] if changed else ""


def _unchanged(name: str, asked: Asked) -> Row:
    """Say whether a forward or a backward writes into what it is given, or has saved."""
    return Row(name, Verdict.WRONG if asked.changed else Verdict.RIGHT, asked.changed)


def _unshared(name: str, asked: Asked) -> Row:
    """Look whether `.grad` shares memory with an input or a saved tensor, or is overwritten by another call.

    Sharing it with the cotangent is no fault: PyTorch's own views do.
    """
    question = asked.question
    if question.inside:
        return Row(name, None, "not asked of a function that closes over its inputs")
    found = asked.found
    returned = found.gradient([copied(x) for x in asked.cotangents])
    first = [copied(x) for x in returned]
    found.gradient([2 * x for x in asked.cotangents])
    for what, x, old in zip(question.names, returned, first, strict=True):
        if difference(x, old):
            return Row(
                name,
                Verdict.WRONG,
                f"the backward overwrites what it returned: after another call the gradient of {what}, which "
                "a caller kept, holds other numbers",
            )
    kept = [*zip(question.names, found.inputs, strict=True)]
    kept += [("a tensor that it was given", x) for x in _in_memory(found.others)]
    kept += [(f"a tensor that the forward saved ({where})", x) for where, x in saved(found)]
    torch.autograd.backward(
        found.outputs, [copied(x) for x in asked.cotangents], retain_graph=True, inputs=found.inputs
    )
    for what, x in zip(question.names, found.inputs, strict=True):
        given, x.grad = x.grad, None
        if given is None or given.layout != torch.strided:
            continue
        for other, y in kept:
            if x.numel() and share_memory(given, y):
                return Row(
                    name,
                    Verdict.WRONG,
                    f"the gradient of {what} is stored where {other} is: adding to the one changes the other",
                )
    return Row(name, Verdict.RIGHT)


def _in_memory(tensors: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """Return those whose numbers lie in memory, which can be compared: none that is sparse, or meta."""
    return [x for x in tensors if x.layout == torch.strided and not x.is_meta]


def _layouts(name: str, asked: Asked) -> Row:
    """Give cotangents that are expanded, and that are not contiguous."""
    for kind, lay in (("expanded (of stride 0)", _expanded), ("not contiguous", _strided)):
        odd = [lay(x) for x in asked.cotangents]
        plain = [x.contiguous() for x in odd]
        try:
            got = asked.found.gradient(odd)
        except RuntimeError as error:
            said = f"raises for a cotangent that is {kind}: {first_line(error)}"
            return Row(name, Verdict.ERROR, said)
        what = f"a cotangent that is {kind} and its contiguous copy differ"
        row = asked.same(name, got, plain, asked.found.gradient(plain), what)
        if row.verdict is not Verdict.RIGHT:
            return row
    return Row(name, Verdict.RIGHT)


def _alone(name: str, asked: Asked) -> Row:
    """Let each input alone require a gradient."""
    question = asked.question
    if question.inside:
        return Row(name, None, "not asked of a function that closes over its inputs")
    if len(question.names) == 1:
        return Row(name, Verdict.RIGHT)  # it does
    for k, x in enumerate(question.names):
        if not bool(asked.gradient[k].count_nonzero()):
            continue
        try:
            found = question.run(question.fresh([k]))
        except Exception:  # noqa: BLE001, S112  the function itself asks for more than this input
            continue
        if len(found.outputs) != len(asked.cotangents):
            continue  # an output that does not depend on this input
        alone = list(asked.gradient)
        alone[k] = found.gradient(asked.cotangents)[k]
        what = f"what {x} has where it alone requires a gradient differs"
        row = asked.same(name, alone, asked.cotangents, asked.gradient, what)
        if row.verdict is not Verdict.RIGHT:
            return row
    return Row(name, Verdict.RIGHT)


def _nothing(name: str, asked: Asked) -> Row:
    """Give zeros, and nothing at all, for cotangents: each must give zeros."""
    zeros = [torch.zeros_like(x) for x in asked.cotangents]
    found = zip(asked.question.names, asked.found.gradient(zeros), asked.gradient, strict=True)
    for x, part, gradient in found:
        if bool((part.isfinite() & (part != 0)).any()):
            said = f"the gradient of {x} for a cotangent of zeros is not zero: it is not multiplied by it"
            return Row(name, Verdict.WRONG, said)
        if bool((~part.isfinite() & gradient.isfinite()).any()):
            said = f"the gradient of {x} for a cotangent of zeros, as of an unused output, is not finite"
            return Row(name, Verdict.WRONG, said)
    if not asked.allowed.undefined:
        return Row(name, Verdict.RIGHT)
    for k in range(len(asked.cotangents)):
        row = _without(name, asked, k)
        if row is not None:
            return row
    return Row(name, Verdict.RIGHT)


def _linear(name: str, asked: Asked) -> Row:
    """Give cotangents many times as large, and as small: so must the gradient be. What is clipped is not."""
    narrow = any(x.dtype == torch.float16 for x in asked.cotangents)
    least = min(torch.finfo(x.dtype).tiny for x in asked.gradient)
    vanishes = max(map(largest_entry, asked.gradient)) < UNDERFLOWS * least
    for times in (2.0**4, 2.0**-4) if narrow else TIMES:
        if times < 1 and vanishes:
            continue
        many = [x / times for x in asked.found.gradient([x * times for x in asked.cotangents])]
        if not all(bool(x.isfinite().all()) for x in many):
            return Row(name, None, f"it overflows for a cotangent {times:g} times as large")
        what = f"for {times:g} times the cotangent it is not {times:g} times as large, as where it is clipped"
        row = asked.same(name, many, asked.cotangents, asked.gradient, what)
        if row.verdict is not Verdict.RIGHT:
            return row
    return Row(name, Verdict.RIGHT)


def _without(name: str, asked: Asked, k: int) -> Row | None:
    """Leave the cotangent of one output undefined, as it is where nobody uses that output."""
    found = asked.found
    undefine = torch._C._functions.UndefinedGrad()  # noqa: SLF001  gradcheck's own way to do this
    outputs = [undefine(x) if j == k else x for j, x in enumerate(found.outputs)]
    partial = Pass(found.inputs, found.others, outputs, [])
    given = [torch.zeros_like(c) if j == k else c for j, c in enumerate(asked.cotangents)]
    try:
        got = partial.gradient(given)
    except (RuntimeError, TypeError, AttributeError) as error:
        blame = None if raised_by_a_hook(error) else Verdict.ERROR
        return Row(name, blame, f"raises where output {k} is not used: {first_line(error)}")
    what = f"leaving output {k} out and giving it zeros differ"
    row = asked.same(name, got, given, asked.found.gradient(given), what)
    return None if row.verdict is Verdict.RIGHT else row


def _returned(name: str, asked: Asked) -> Row:
    """Look at what the backward itself returns: the engine converts dtypes, and sums what is not reduced."""
    found = asked.found
    with recorded(found) as calls:
        found.gradient(asked.cotangents)
    notes = []
    for node, parts in calls:
        for (following, place), part in zip(node.next_functions, parts, strict=False):
            if not isinstance(part, torch.Tensor) or following is None:
                continue
            expected = following._input_metadata[place]  # noqa: SLF001  nowhere else
            where = f"{type(node).__name__.removesuffix('Backward')} returns"
            if part.dtype != expected.dtype:
                notes.append(f"{where} {part.dtype} for an input of {expected.dtype}, which PyTorch converts")
            if tuple(part.shape) != tuple(expected.shape):
                shapes = f"{tuple(part.shape)} for an input of {tuple(expected.shape)}"
                notes.append(f"{where} the shape {shapes}, which PyTorch sums")
    said = "; ".join(dict.fromkeys(notes))
    return Row(name, Verdict.WRONG if asked.allowed.dtypes and "converts" in said else Verdict.RIGHT, said)


def saved(found: Pass) -> Iterator[tuple[str, torch.Tensor]]:
    """Yield each tensor that a custom function of the graph keeps for its backward, and where."""
    for node in found.nodes():
        if not isinstance(node, BackwardCFunction):
            continue
        name = type(node).__name__.removesuffix("Backward")
        for k, x in enumerate(node.saved_tensors):
            if isinstance(x, torch.Tensor):
                yield f"{name}: saved tensor {k}", x
        for attribute, x in vars(node).items():
            if isinstance(x, torch.Tensor):
                yield f"{name}: ctx.{attribute}", x


@contextmanager
def recorded(found: Pass) -> Iterator[list[tuple[Any, Sequence[Any]]]]:
    """Record what the backwards of custom functions return, before the engine mends it."""
    calls: list[tuple[Any, Sequence[Any]]] = []
    classes = {type(x)._forward_cls for x in found.nodes() if isinstance(x, BackwardCFunction)}  # noqa: SLF001
    own = {cls: cls.__dict__["backward"] for cls in classes if "backward" in cls.__dict__}
    try:
        for cls in own:
            cls.backward = staticmethod(_recording(cls.backward, calls))
        yield calls
    finally:
        for cls, backward in own.items():
            cls.backward = backward


def _recording(backward: Callable[..., Any], calls: list[tuple[Any, Sequence[Any]]]) -> Callable[..., Any]:
    def record(node: Any, *cotangents: Any) -> Any:
        found = backward(node, *cotangents)
        calls.append((node, found if isinstance(found, tuple) else (found,)))
        return found

    return record


def _largest_gap(x: torch.Tensor, y: torch.Tensor) -> float:
    """Return the largest absolute difference; infinite where only one is a finite number."""
    if torch.equal(x, y):
        return 0.0
    gap = (x - y).detach().double().abs()[~((x == y) | (x.isnan() & y.isnan()))]
    return float(gap.nan_to_num(float("inf")).max()) if gap.numel() else 0.0


def _expanded(x: torch.Tensor) -> torch.Tensor:
    return x.ravel()[:1].reshape(()).expand(x.shape) if x.numel() else x


def _strided(x: torch.Tensor) -> torch.Tensor:
    """Return the same numbers, columns first, with a gap after each."""
    room = x.new_empty((*reversed(x.shape), 2))[..., 0].permute(tuple(reversed(range(x.dim()))))
    return room.copy_(x)


def _raising(check: Callable[[str, Asked], Row]) -> Callable[[str, Asked], Row]:
    """Turn what a backward raises into a row; a hook may not take all that a backward must."""

    def ask(name: str, asked: Asked) -> Row:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # PyTorch's own, of the ways that it takes
                return check(name, asked)
        except Exception as error:  # noqa: BLE001  whatever a backward raises
            blame = None if raised_by_a_hook(error) else Verdict.ERROR
            return Row(name, blame, f"raises {type(error).__name__}: {first_line(error)}")

    return ask


CONTRACT: dict[str, Callable[[str, Asked], Row]] = {
    "twice the same": _raising(_twice),
    "nothing changed": _raising(_unchanged),
    "nothing shared": _raising(_unshared),
    "cotangents of every layout": _raising(_layouts),
    "each input alone": _raising(_alone),
    "nothing kept from an earlier call": _raising(nothing_kept),
    "cotangents of nothing": _raising(_nothing),
    "linear in the cotangent": _raising(_linear),
    "shapes and dtypes": _raising(_returned),
}
"""The promises of a backward, by the names of their rows."""
