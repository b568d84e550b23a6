"""A function as numbers in and one number out, whosever arrays it takes, with the gradient that it has."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from nn_from_scratch.verify.functions.black_box import BlackBox
from nn_from_scratch.verify.functions.inputs import Arguments
from nn_from_scratch.verify.functions.named.target import Door, Target
from nn_from_scratch.verify.functions.outputs import Outputs, is_one_number
from nn_from_scratch.verify.functions.signatures import takes_one_more

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Input:
    """An input that is differentiated: what it is called, its shape and its dtype."""

    name: str
    shape: tuple[int, ...]
    dtype: str

    def entry(self, place: int) -> str:
        """Name one number, by its place in the ravelled array."""
        if not self.shape:
            return self.name
        return f"{self.name}[{', '.join(str(int(i)) for i in np.unravel_index(place, self.shape))}]"


@dataclass(frozen=True, slots=True)
class Numeric:
    """A function of arrays, its inputs, and its gradient there.

    Attributes
    ----------
    value
        Maps arrays, one an input, to the sum of all outputs, each times its cotangent.
    inputs, point, gradient
        The inputs, their numbers, and the derivative for each, as the function's own gradient has it.
    cotangents
        What outputs are multiplied by, as the gradient takes it: a list, empty where it takes none.
    paths, leaves
        Python text for each input: what stands after what the gradient returns to give its derivative (None
        where that is not known), and the input itself, after the arguments ``x0``, ``x1`` ...
    spare
        By how much a derivative may be off beside what differences are, relative to the largest one: where
        `value` computes in a wider dtype than the gradient did.

    """

    value: Callable[..., float]
    inputs: tuple[Input, ...]
    point: tuple[npt.NDArray[Any], ...]
    gradient: tuple[Floats, ...]
    cotangents: list[Any]
    paths: tuple[str | None, ...]
    leaves: tuple[str, ...] = ()
    spare: float = 0.0

    @property
    def size(self) -> int:
        """How many numbers are differentiated."""
        return sum(x.size for x in self.point)

    def located(self, index: int) -> tuple[int, int]:
        """Return which input holds a number, and its place in there."""
        for k, x in enumerate(self.point):
            if index < x.size:
                return k, index
            index -= x.size
        raise IndexError(index)

    def black_box(self, seed: int) -> BlackBox:
        """Return the same as a question of values; its gradient is known already, and is not asked again."""

        def answer(*_: Any) -> Any:
            copies = tuple(x.copy() for x in self.gradient)
            return copies if len(copies) > 1 else copies[0]

        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        names = [inspect.Parameter(f"x{k}", kind) for k in range(len(self.point))]
        answer.__signature__ = inspect.Signature(names)  # type: ignore[attr-defined]  # it takes no cotangent
        return BlackBox(self.value, answer, self.point, seed)


def numeric(target: Target, seed: int) -> Numeric:
    """Ask a function for its gradient, with cotangents that are drawn.

    Whatever the function or its gradient raises goes through.
    """
    match target.door:
        case Door.NUMPY:
            return _of_numpy(target, seed)
        case Door.PYTORCH:
            from nn_from_scratch.verify.functions.named.in_pytorch import numeric_of  # noqa: PLC0415  slow

            return numeric_of(target, seed)
        case Door.JAX:
            from nn_from_scratch.verify.functions.named.in_jax import numeric_of  # noqa: PLC0415  likewise

            return numeric_of(target, seed)


def _of_numpy(target: Target, seed: int) -> Numeric:
    gradient = target.gradient
    if gradient is None:
        raise TypeError(f"{target.name} has no gradient")
    arguments = Arguments(target.function, target.inputs)
    value = arguments.call(target.function, arguments.point)
    asks = takes_one_more(gradient, len(arguments.trees), needed=not is_one_number(value))
    outputs = Outputs(value, asks_cotangent=asks, seed=seed)
    cotangents = outputs.cotangents(1.0)
    returned = arguments.call(gradient, arguments.point, *outputs.cotangents(1.0))
    slopes, parts = arguments.gradient(returned)
    leaves = arguments.leaves
    places = [slice(leaf.start, leaf.stop) for leaf in leaves]

    def at(*arrays: Any) -> float:
        point = np.concatenate([np.asarray(x, np.float64).ravel() for x in arrays])
        return outputs.number(arguments.call(target.function, point))

    point = [arguments.point[k].reshape(leaf.shape) for leaf, k in zip(leaves, places, strict=True)]
    return Numeric(
        at,
        tuple(Input(leaf.name, leaf.shape, str(leaf.dtype)) for leaf in leaves),
        tuple(x.astype(leaf.dtype) for x, leaf in zip(point, leaves, strict=True)),
        tuple(slopes[k].reshape(leaf.shape) for leaf, k in zip(leaves, places, strict=True)),
        cotangents,
        tuple(None if part is None else _path(returned, part) for part in parts),
    )


def _path(tree: Any, part: Any) -> str | None:
    """Return the text that picks a part of a nesting, such as ``[0]['w']``."""
    if tree is part:
        return ".toarray()" if hasattr(part, "toarray") else ""
    children = (
        tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, (tuple, list)) else ()
    )
    for key, child in children:
        path = _path(child, part)
        if path is not None:
            return f"[{key!r}]{path}"
    return None


def weighed(cotangents: list[Floats], outputs: list[Floats]) -> float:
    """Return the sum of all outputs, each times its cotangent."""
    products = [c * y for c, y in zip(cotangents, outputs, strict=True)]
    return math.fsum(float(x) for product in products for x in np.ravel(product))
