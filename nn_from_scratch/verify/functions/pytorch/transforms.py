"""The same gradient in other ways: batched, forward mode, differentiated again, under vmap, compiled.

A function need not claim them. What PyTorch refuses to do with it is "not supported", and no failure.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from nn_from_scratch.verify.functions.pytorch.differences import difference, half_of_the_digits
from nn_from_scratch.verify.functions.pytorch.measured import differences_along
from nn_from_scratch.verify.functions.pytorch.question import Tensors, cotangents, numbers, once_only
from nn_from_scratch.verify.functions.pytorch.ways import Asked
from nn_from_scratch.verify.functions.rows import Row, first_line
from nn_from_scratch.verify.judging.verdicts import Verdict

_STREAM = 0x74616E67656E7473
"""Nobody's inputs are drawn from this stream."""


def _batched(name: str, asked: Asked) -> Row:
    """Ask for the gradients of two cotangents at once (`is_grads_batched`)."""
    other = cotangents(asked.found.outputs, asked.seed + 1)
    both = [torch.stack(pair) for pair in zip(asked.cotangents, other, strict=True)]
    got = torch.autograd.grad(
        asked.found.outputs,
        asked.found.inputs,
        both,
        retain_graph=True,
        allow_unused=True,
        is_grads_batched=True,
    )
    for k, given in enumerate((asked.cotangents, other)):
        expected = asked.found.gradient(given)
        parts = [torch.zeros_like(y) if x is None else x[k] for x, y in zip(got, expected, strict=True)]
        row = asked.same(name, parts, given, expected, "batched and one by one differ")
        if row.verdict is not Verdict.RIGHT:
            return row
    return Row(name, Verdict.RIGHT)


def _vmap(name: str, asked: Asked) -> Row:
    """Ask for the gradients at two points at once, by `torch.func`: here, and with all entries in reverse."""
    question = asked.question
    given = question.fresh()
    other = [x.flip(list(range(x.dim()))) for x in given]
    try:
        alone = question.run([x.detach().requires_grad_() for x in other]).gradient(asked.cotangents)
    except Exception:  # noqa: BLE001  the function is not defined there
        other, alone = given, asked.gradient

    def outputs(*points: torch.Tensor) -> Any:
        found = question.run(points)
        return tuple(found.outputs or found.plain)

    def both_passes(*tensors: torch.Tensor) -> Any:
        values, pull = torch.func.vjp(outputs, *tensors)
        return values, pull(tuple(asked.cotangents))

    both = [torch.stack([x.detach(), y.detach()]) for x, y in zip(given, other, strict=True)]
    values, got = torch.func.vmap(both_passes)(*both)
    for k, inputs in enumerate((given, other)):
        alone_there = outputs(*[x.detach().requires_grad_() for x in inputs])
        differing = _other_values([y[k] for y in values], alone_there)
        if differing:
            return Row(name, Verdict.WRONG, f"under vmap {differing}")
    what = "vmap and one by one differ"
    row = asked.same(name, [x[0] for x in got], asked.cotangents, asked.gradient, what)
    if row.verdict is not Verdict.RIGHT:
        return row
    there = question.at(other)
    return replace(asked, question=there, gradient=alone).same(
        name, [x[1] for x in got], asked.cotangents, alone, what
    )


_NO_TANGENT = "no tangent comes out of it in forward mode"


def _forward_mode(name: str, asked: Asked) -> Row:
    """Ask for the derivative along a drawn direction by dual numbers, and compare it with the gradient's."""
    question = asked.question
    forward = torch.autograd.forward_ad
    directions = _directions(asked)
    with forward.dual_level():
        duals = [
            forward.make_dual(x.detach(), v) for x, v in zip(asked.found.inputs, directions, strict=True)
        ]
        found = question.run(duals)
        outputs = found.outputs + found.plain
        tangents = [forward.unpack_dual(x).tangent for x in outputs]
    if len(outputs) != len(asked.cotangents):
        return Row(name, None, "other outputs are differentiable in forward mode")
    if all(tangent is None for tangent in tangents):
        return Row(name, None, _NO_TANGENT)
    pairs = zip(asked.cotangents, tangents, strict=True)
    got = sum((float((c * t.detach()).double().sum()) for c, t in pairs if t is not None), 0.0)
    return _product(name, got, asked, directions)


def _batched_forward(name: str, asked: Asked) -> Row:
    """Ask `torch.func` for forward mode along two directions at once."""
    question = asked.question
    inputs = [x.detach() for x in asked.found.inputs]

    def outputs(*points: torch.Tensor) -> Any:
        found = question.run(points)
        return tuple(found.outputs or found.plain)

    def pushed(*directions: torch.Tensor) -> Any:
        return torch.func.jvp(outputs, tuple(inputs), directions)[1]

    if _forward_mode(name, asked).said == _NO_TANGENT:
        return Row(name, None, _NO_TANGENT)
    directions = _directions(asked)
    tangents = torch.func.vmap(pushed)(*[torch.stack([-v, v]) for v in directions])
    pairs = list(zip(asked.cotangents, tangents, strict=True))
    backwards, got = (sum(float((c * t[k].detach()).double().sum()) for c, t in pairs) for k in (0, 1))
    row = _product(name, got, asked, directions)
    return row if row.verdict is not Verdict.RIGHT else _product(name, -backwards, asked, directions)


def _twice(name: str, asked: Asked) -> Row:
    """Differentiate the gradient: a function that cannot must say so, or its second derivatives are lost."""
    question = asked.question
    found = question.run()
    given = [c.clone().requires_grad_() for c in asked.cotangents]
    gradient = found.gradient(given, create_graph=True)
    constant = [
        what
        for what, x in zip(question.names, gradient, strict=True)
        if not x.requires_grad and bool(x.count_nonzero())
    ]
    if constant:
        return Row(
            name,
            Verdict.WRONG,
            f"the gradient of {constant[0]} is taken for a constant when it is differentiated again: second "
            "derivatives are lost without a word; decorate the backward with once_differentiable",
        )
    if once_only(gradient):
        return Row(name, None, "the backward is marked with once_differentiable")
    ones = [torch.ones_like(x) for x in gradient]
    torch.autograd.grad(gradient, [*found.inputs, *given], ones, allow_unused=True)
    return Row(name, Verdict.RIGHT, "can be differentiated again; gradgradcheck asks for the numbers")


def _compiled(name: str, asked: Asked) -> Row:
    """Compile the function by `torch.compile(backend="aot_eager")`."""
    # After eight functions PyTorch would run the ninth eagerly, and its row be right whatever it does.
    torch.compiler.reset()
    compiled = copy.copy(asked.question)
    compiled.call = torch.compile(compiled.call, backend="aot_eager")
    found = compiled.run()
    differing = _other_values(found.outputs, asked.found.outputs)
    if differing:
        return Row(name, Verdict.WRONG, f"compiled {differing}")
    got = found.gradient(asked.cotangents)
    return asked.same(name, got, asked.cotangents, asked.gradient, "compiled and eager differ")


def _other_values(got: Sequence[torch.Tensor], expected: Sequence[torch.Tensor]) -> str:
    """Say which output has another value, in the first half of its digits; nothing where all agree.

    Outputs that are differentiable in one of two ways only cannot be told apart.
    """
    for k, (value, true) in enumerate(zip(got, expected, strict=True) if len(got) == len(expected) else ()):
        gap = difference(value.detach(), true.detach())
        if gap > half_of_the_digits(true.dtype):
            return f"the value of output {k} is another, by {gap:.2g} of its size"
    return ""


def _directions(asked: Asked) -> Tensors:
    """Draw a direction that moves every number by about the size of its tensor."""
    draw = np.random.default_rng([asked.seed, _STREAM])
    directions = []
    for x in asked.found.inputs:
        found = numbers(x)
        size = float(np.sqrt(np.mean(found * found))) if found.any() else 1.0
        vector = draw.uniform(0.5, 1.5, found.shape) * np.where(draw.random(found.shape) < 0.5, -1, 1) * size
        directions.append(torch.from_numpy(np.asarray(vector)).to(x.device, x.dtype))
    return directions


def _product(name: str, got: float, asked: Asked, directions: Tensors) -> Row:
    """Compare a derivative along a direction with the gradient's; where they differ, ask differences."""
    products = [(g * v).double() for g, v in zip(asked.gradient, directions, strict=True)]
    expected = sum(float(x.sum()) for x in products)
    summed = sum(float(x.abs().sum()) for x in products)
    said = f"forward mode gives {got:.9g} along a direction, the backward {expected:.9g}"
    if abs(got - expected) <= half_of_the_digits(asked.gradient[0].dtype) * summed:
        return Row(name, Verdict.RIGHT)
    if any(x.dtype != torch.float64 for x in asked.question.tensors):
        return Row(name, Verdict.UNDECIDED, said)
    row = differences_along(asked.question, asked.cotangents, [numbers(v) for v in directions], got)
    return replace(row, name=name, said=said if row.verdict is Verdict.RIGHT else f"{said}\n{row.said}")


def _asked(check: Callable[[str, Asked], Row]) -> Callable[[str, Asked], Row]:
    """Turn what PyTorch refuses to do into "not supported"."""

    def ask(name: str, asked: Asked) -> Row:
        if asked.question.inside and check is not _twice:
            return Row(name, None, "not asked of a function that closes over its inputs")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # PyTorch's own, of the ways that it takes
                return check(name, asked)
        except Exception as error:  # noqa: BLE001  PyTorch has no one error for what it does not support
            return Row(name, None, f"{type(error).__name__}: {first_line(error)[:200]}")

    return ask


TRANSFORMS: dict[str, Callable[[str, Asked], Row]] = {
    "batched cotangents": _asked(_batched),
    "vmap": _asked(_vmap),
    "forward mode": _asked(_forward_mode),
    "batched forward mode": _asked(_batched_forward),
    "double backward": _asked(_twice),
    "compiled": _asked(_compiled),
}
"""The transformations, by the names of their rows."""
