"""A function of PyTorch's tensors that somebody named."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.utils import _pytree as pytree

from nn_from_scratch.verify.functions.named.importing import TargetError
from nn_from_scratch.verify.functions.named.numeric import Floats, Input, Numeric, weighed
from nn_from_scratch.verify.functions.named.target import Target, not_called
from nn_from_scratch.verify.functions.pytorch.differences import half_of_the_digits
from nn_from_scratch.verify.functions.pytorch.examine import examine
from nn_from_scratch.verify.functions.pytorch.gradcheck import (
    UndecidedError,
    WrongGradientError,
    gradgradcheck,
)
from nn_from_scratch.verify.functions.pytorch.measured import widened
from nn_from_scratch.verify.functions.pytorch.question import Question, cotangents, numbers
from nn_from_scratch.verify.functions.rows import Row
from nn_from_scratch.verify.judging.verdicts import Verdict

_NUMPY = {torch.float64: np.float64, torch.float32: np.float32, torch.float16: np.float16}


def tensors(inputs: Any) -> Any:
    """Return inputs with tensors for arrays; if none requires a gradient, all of floating point do.

    Those are tensors of their own: another target may have the same ones, and is asked about all of them.
    """
    arguments = inputs if isinstance(inputs, (tuple, list)) else (inputs,)
    found = pytree.tree_map(_tensor, tuple(arguments))
    leaves = [x for x in pytree.tree_leaves(found) if isinstance(x, torch.Tensor)]
    if any(x.requires_grad for x in leaves):
        return found
    own = {id(x): x.detach().requires_grad_() for x in leaves if x.is_floating_point()}
    return pytree.tree_map(lambda x: own.get(id(x), x), found)


def _tensor(x: Any) -> Any:
    return torch.from_numpy(np.array(x)) if isinstance(x, (np.ndarray, np.generic)) else x


def rows_of(target: Target, seed: int) -> list[Row]:
    """Ask PyTorch's door."""
    inputs = tensors(target.inputs)
    try:
        with torch.random.fork_rng(devices=[]), torch.enable_grad():
            target.function(*tensors(target.inputs))
    except Exception as error:
        raise not_called(target, error) from error
    try:
        rows = list(examine(target.function, inputs, seed=seed).rows)
    except ValueError as error:  # no input has a gradient
        raise TargetError(f"{target.name} cannot be asked: {error}") from error
    return [_of_second_order(target, row) if row.name == _TWICE else row for row in rows]


_TWICE = "double backward"


def _of_second_order(target: Target, row: Row) -> Row:
    """Ask for the numbers of a double backward, where second derivatives are asked for.

    One that is not supported is undecided then.
    """
    if target.order < 2 or (row.verdict is not None and row.verdict is not Verdict.RIGHT):
        return row
    if row.verdict is None:
        return Row(row.name, Verdict.UNDECIDED, row.said)
    try:
        gradgradcheck(target.function, tensors(target.inputs))
    except WrongGradientError as error:
        return Row(row.name, Verdict.WRONG, str(error))
    except UndecidedError as error:
        return Row(row.name, Verdict.UNDECIDED, str(error))
    return Row(row.name, Verdict.RIGHT, "its numbers are those of gradgradcheck")


def numeric_of(target: Target, seed: int) -> Numeric:
    """Return the function as numbers: in float64, where it takes that."""
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        question = Question(target.function, tensors(target.inputs))
        found = question.run()
        outputs = found.outputs or found.plain
        given = cotangents(outputs, seed)
        gradient = found.gradient(given)
        wide = widened(question)
    asked = wide if isinstance(wide, Question) else question
    weights = [numbers(c) for c in given]

    def value(*arrays: Any) -> float:
        with torch.random.fork_rng(devices=[]), torch.enable_grad():
            moved = [
                torch.from_numpy(np.array(array)).to(x.device, x.dtype).requires_grad_()
                for array, x in zip(arrays, asked.tensors, strict=True)
            ]
            there = asked.run(moved)
            return weighed(weights, [numbers(y) for y in there.outputs or there.plain])

    kinds = [_NUMPY.get(x.dtype, np.float64) for x in asked.tensors]
    point: list[Floats] = [numbers(x) for x in asked.tensors]
    narrow = [x.dtype for x in question.tensors if x.dtype != torch.float64]
    return Numeric(
        value,
        tuple(
            Input(name, tuple(x.shape), str(x.dtype).removeprefix("torch."))
            for name, x in zip(question.names, question.tensors, strict=True)
        ),
        tuple(x.astype(kind) for x, kind in zip(point, kinds, strict=True)),
        tuple(numbers(x) for x in gradient),
        given,
        tuple(f"[{k}]" for k in range(len(gradient))),
        tuple(map(_leaf, question.names)),
        max((half_of_the_digits(dtype) for dtype in narrow), default=0.0),
    )


def _leaf(name: str) -> str:
    """Return the text of an input, given what it is called: ``input 0['w']``, ``parameter weight``."""
    if name.startswith("parameter "):
        return f"function.get_parameter({name.removeprefix('parameter ')!r})"
    return f"x{name.removeprefix('input ')}"
