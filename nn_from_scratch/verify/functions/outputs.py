"""What a function returns, as one number: itself, or the sum of all entries, each times a drawn cotangent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from nn_from_scratch.verify.engines.answers import real_numbers
from nn_from_scratch.verify.oracles.noise import unit_roundoff

Floats = npt.NDArray[np.float64]


class Outputs:
    """The outputs of a function, and the cotangent that its gradient is called with.

    Parameters
    ----------
    value
        What the function returned at the point: a number, an array, or a nesting of them.
    asks_cotangent
        Whether the gradient takes a cotangent.
    seed
        Which one is drawn: every entry has a random sign and is between 1/2 and 3/2 in size.

    Attributes
    ----------
    value
        As it was given.

    Raises
    ------
    ValueError
        If the value is complex, or no number and the gradient takes no cotangent.

    """

    def __init__(self, value: Any, *, asks_cotangent: bool, seed: int) -> None:
        leaves = list(_leaves(value))
        if any(map(np.iscomplexobj, leaves)):
            raise ValueError(
                "the function is complex: return the real and the imaginary part as two real outputs "
                "(numpy.real, numpy.imag), and let the gradient take a cotangent for each; inputs likewise"
            )
        numbers = [real_numbers(leaf, "the value") for leaf in leaves]
        size = sum(x.size for x in numbers)
        self.asks_cotangent = asks_cotangent
        if not asks_cotangent and (size != 1 or len(leaves) != 1):
            shape = numbers[0].shape if len(numbers) == 1 else [x.shape for x in numbers]
            raise ValueError(
                f"the function must return a number, not shape {shape}: sum its entries, each times a "
                "weight, and give the gradient of that; or let the gradient take a cotangent of that shape "
                "after the inputs"
            )
        kinds = [np.asarray(leaf).dtype for leaf in leaves]
        self._kinds = [
            kind if kind.kind == "f" and kind.itemsize <= 8 else np.dtype(np.float64) for kind in kinds
        ]
        self.dtype = max(self._kinds, key=unit_roundoff)
        self._shapes = [x.shape for x in numbers]
        self.value = value
        rng = np.random.default_rng([seed, 1])
        self._weights = [
            (rng.choice([-1.0, 1.0], shape) * rng.uniform(0.5, 1.5, shape)).astype(kind)
            if asks_cotangent
            else np.ones(shape, kind)
            for shape, kind in zip(self._shapes, self._kinds, strict=True)
        ]

    def number(self, value: Any) -> float:
        """Return what a value of the function comes to.

        Raises
        ------
        ValueError
            If it is nested or shaped in another way than at the point.

        """
        numbers = [real_numbers(leaf, "the value") for leaf in _leaves(value)]
        if [x.shape for x in numbers] != self._shapes:
            raise ValueError("the function returned another shape at another point")
        if not self.asks_cotangent:
            return float(numbers[0].reshape(()))
        total = 0.0
        for x, weight in zip(numbers, self._weights, strict=True):
            total += float(np.sum(x * weight.astype(np.float64)))
        return total

    def cotangents(self, factor: float) -> list[Any]:
        """Return new arrays of the cotangent times a power of two, as an argument list of one or none."""
        return [self.nested(self.weights(factor))] if self.asks_cotangent else []

    def weights(self, factor: float = 1.0) -> list[npt.NDArray[Any]]:
        """Return new arrays of what each array of a value is weighed by, times a power of two."""
        return [np.asarray(w * w.dtype.type(factor)).copy() for w in self._weights]

    def layouts(self) -> list[tuple[str, list[Any]]]:
        """Return cotangents that lie in memory as those of other operations do: each with its name."""
        spread = []
        for weight in self._weights:
            wide = np.zeros((*weight.shape, 2), weight.dtype)
            wide[..., 0] = weight
            spread.append(wide[..., 0])
        constant = [np.broadcast_to(np.ones((), w.dtype), w.shape) for w in self._weights]
        found = [("non-contiguous", [self.nested(spread)]), ("zero-stride", [self.nested(constant)])]
        return found if any(shape for shape in self._shapes) else []

    def flat(self, value: Any) -> list[Any]:
        """Return the arrays of a value of the function, in order; each may be traced."""
        return [
            part if isinstance(part, np.ndarray) else np.stack(part) if isinstance(part, list) else part
            for part in _like(self.value, value)
        ]

    def nested(self, parts: Any) -> Any:
        """Return arrays nested as the function's value is."""
        return _rebuilt(self.value, iter(parts))


def is_one_number(value: Any) -> bool:
    """Say whether a function returned a number, or an array of one."""
    leaves = list(_leaves(value))
    return len(leaves) == 1 and np.size(leaves[0]) == 1


def _leaves(value: Any) -> Any:
    if isinstance(value, Mapping):
        for child in value.values():
            yield from _leaves(child)
    elif isinstance(value, (tuple, list)) and not _is_numbers(value):
        for child in value:
            yield from _leaves(child)
    else:
        yield value


def _like(tree: Any, value: Any) -> Any:
    """Yield the leaves of a value that is nested as a tree is."""
    if isinstance(tree, Mapping):
        for key, child in tree.items():
            yield from _like(child, value[key])
    elif isinstance(tree, (tuple, list)) and not _is_numbers(tree):
        for child, part in zip(tree, value, strict=True):
            yield from _like(child, part)
    else:
        yield value


def _rebuilt(tree: Any, parts: Any) -> Any:
    if isinstance(tree, Mapping):
        return {key: _rebuilt(child, parts) for key, child in tree.items()}
    if isinstance(tree, (tuple, list)) and not _is_numbers(tree):
        children = [_rebuilt(child, parts) for child in tree]
        return children if isinstance(tree, list) else tuple(children)
    part = next(parts)
    return part if isinstance(tree, (np.ndarray, list)) or np.ndim(tree) else part[()]


def _is_numbers(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(x, (int, float)) for x in value)
