"""The operations that the tests of the rules are about, each said three times.

For nodes; for plain numpy, which finite differences are taken of; and for PyTorch.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Function = Callable[..., Any]
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Case:
    """One operation, on operands of these shapes drawn uniformly from `low` to `high`.

    `torch` makes the function from the module, so that nothing is imported before it is needed. The last
    `zeros` elements of each operand are 0.
    """

    name: str
    nodes: Function
    plain: Function
    torch: Callable[[Any], Function]
    shapes: tuple[Shape, ...]
    low: float = -2.0
    high: float = 2.0
    note: str = ""
    zeros: int = 0

    def __str__(self) -> str:
        return (
            f"{self.name}{self.note}-{'-'.join('x'.join(map(str, shape)) or '0d' for shape in self.shapes)}"
        )

    @property
    def generator(self) -> np.random.Generator:
        """Always the same for the same case."""
        return np.random.default_rng(zlib.crc32(str(self).encode()))

    def operands(self) -> list[Array]:
        """Draw the operands."""
        generator = self.generator
        operands = [generator.uniform(self.low, self.high, shape) for shape in self.shapes]
        for x in operands:
            if self.zeros:
                x.flat[-self.zeros :] = 0
        return [np.asarray(x) for x in operands]


def _method(name: str) -> Function:
    return lambda x: -x if name == "neg" else getattr(x, name)()


def _torch_function(name: str) -> Callable[[Any], Function]:
    return lambda torch: torch.nn.functional.softplus if name == "softplus" else getattr(torch, name)


def unary() -> Iterator[Case]:
    """Elementwise functions of one operand."""
    everywhere: dict[str, Function] = {
        "abs": np.abs,
        "arctan": np.arctan,
        "cos": np.cos,
        "cosh": np.cosh,
        "exp": np.exp,
        "expm1": np.expm1,
        "neg": np.negative,
        "relu": lambda x: x * (x > 0),
        "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
        "sign": np.sign,
        "sin": np.sin,
        "sinh": np.sinh,
        "softplus": lambda x: np.log(1 + np.exp(x)),
        "square": np.square,
        "tanh": np.tanh,
    }
    positive: dict[str, Function] = {
        "log": np.log,
        "log1p": np.log1p,
        "reciprocal": np.reciprocal,
        "sqrt": np.sqrt,
    }
    inner: dict[str, Function] = {"arccos": np.arccos, "arcsin": np.arcsin, "tan": np.tan}
    for low, high, functions in ((-2, 2, everywhere), (0.2, 3, positive), (-0.9, 0.9, inner)):
        for name, plain in functions.items():
            for shape in ((), (3,), (2, 3)):
                yield Case(name, _method(name), plain, _torch_function(name), (shape,), low, high)


PAIRS: tuple[tuple[Shape, Shape], ...] = (
    ((), ()),
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((2, 1), (1, 3)),
    ((), (2, 2)),
    ((2, 2), (2, 2)),
    ((2, 1, 3), (4, 1)),
    ((1,), (2, 3)),
)


def binary() -> Iterator[Case]:
    """Elementwise functions of two and three operands, broadcast against one another."""
    operators: dict[str, Function] = {
        "add": lambda x, y: x + y,
        "sub": lambda x, y: x - y,
        "mul": lambda x, y: x * y,
        "div": lambda x, y: x / y,
        "pow": lambda x, y: x**y,
    }
    for shapes in PAIRS:
        for name, f in operators.items():
            yield _same_everywhere(name, f, shapes)
        for name in ("arctan2", "hypot", "logaddexp", "maximum", "minimum"):
            yield Case(name, getattr(np, name), getattr(np, name), _torch_function(name), shapes)
    for shape in ((), (5,), (3, 4)):
        yield Case("clip", np.clip, np.clip, lambda torch: torch.clamp, (shape,) * 3)
    for shapes in (((), ()), ((3,), (3,)), ((2, 3), (3,)), ((2, 1), ()), ((2, 2, 1), (2, 1, 3))):
        yield Case("where", _choose, _choose, _torch_choose, shapes)


def _same_everywhere(name: str, f: Function, shapes: tuple[Shape, ...]) -> Case:
    return Case(name, f, f, lambda _: f, shapes, 0.3, 2)


CONDITION = np.array([True, False, True])


def _choose(x: Any, y: Any) -> Any:
    return np.where(CONDITION, x, y)


def _torch_choose(torch: Any) -> Function:
    return lambda x, y: torch.where(torch.tensor(CONDITION), x, y)


def reductions() -> Iterator[Case]:
    """Reductions over no axis, one, several and all, with and without keepdims."""
    for shape in ((), (1,), (4,), (2, 3), (3, 3), (2, 3, 4)):
        for axis in (None, *range(-1, len(shape)), (0, 1), (-1, 0)):
            if axis is not None and len(shape) <= np.max(axis):
                continue
            if isinstance(axis, tuple) and len(shape) < 2:
                continue
            if axis == -1 and not shape:
                continue
            for keepdims in (False, True):
                for name, torch_name in (("sum", "sum"), ("mean", "mean"), ("max", "amax"), ("min", "amin")):
                    yield _reduction(name, torch_name, shape, axis, keepdims)
                yield _reduction("logsumexp", "logsumexp", shape, axis, keepdims)
                for zeros in (0, 1, 2):
                    yield _product(shape, axis, keepdims, zeros)
            if isinstance(axis, int):
                yield _normalization("softmax", shape, axis)
                yield _normalization("log_softmax", shape, axis)


def _reduction(name: str, torch_name: str, shape: Shape, axis: Any, keepdims: bool) -> Case:
    def plain(x: Array) -> Any:
        if name == "logsumexp":
            return np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims))
        return getattr(np, name)(x, axis=axis, keepdims=keepdims)

    def in_torch(x: Any) -> Any:
        axes = tuple(range(x.ndim)) if axis is None else axis
        return getattr(x, torch_name)(axes, keepdim=keepdims and x.ndim > 0)

    return Case(
        name,
        lambda x: getattr(x, name)(axis, keepdims=keepdims),
        plain,
        lambda _: in_torch,
        (shape,),
        note=f"-{axis}-{keepdims}",
    )


def _normalization(name: str, shape: Shape, axis: int) -> Case:
    def plain(x: Array) -> Any:
        total = np.sum(np.exp(x), axis=axis, keepdims=True)
        return np.exp(x) / total if name == "softmax" else x - np.log(total)

    return Case(
        name,
        lambda x: getattr(x, name)(axis),
        plain,
        lambda torch: lambda x: getattr(torch, name)(x, axis),
        (shape,),
        note=f"-{axis}",
    )


def _product(shape: Shape, axis: Any, keepdims: bool, zeros: int) -> Case:
    def in_torch(x: Any) -> Any:
        axes = range(x.ndim) if axis is None else sorted(int(a) % x.ndim for a in np.atleast_1d(axis))
        for a in reversed(axes):
            x = x.prod(a, keepdim=keepdims)
        return x

    return Case(
        "prod",
        lambda x: x.prod(axis, keepdims=keepdims),
        lambda x: np.prod(x, axis=axis, keepdims=keepdims),
        lambda _: in_torch,
        (shape,),
        0.5,
        2,
        f"-{axis}-{keepdims}-{zeros}zeros",
        zeros,
    )


def products() -> Iterator[Case]:
    """Every shape that numpy multiplies matrices in."""
    for pair in (
        ((3,), (3,)),
        ((2, 3), (3,)),
        ((3,), (3, 4)),
        ((2, 3), (3, 4)),
        ((3, 3), (3, 3)),
        ((5, 2, 3), (3, 4)),
        ((2, 3), (5, 3, 4)),
        ((3,), (5, 3, 4)),
        ((5, 2, 3), (3,)),
        ((1, 2, 3), (5, 3, 4)),
        ((6, 1, 2, 3), (5, 3, 4)),
        ((6, 5, 2, 3), (3,)),
    ):
        yield Case("matmul", np.matmul, np.matmul, lambda torch: torch.matmul, pair)


CUBE = (2, 3, 4)
INDICES = np.array([0, 1, 1])
KEYS: dict[str, Any] = {
    "integer": 1,
    "negative": -1,
    "step": slice(None, None, 2),
    "column": (slice(None), 1),
    "mixed": (0, slice(1, 3), 2),
    "scalar": (1, 2, 3),
    "newaxis": (None, 0),
    "ellipsis": (Ellipsis, 0),
    "repeated": INDICES,
    "columns": (slice(None), INDICES),
    "pairs": (INDICES, np.array([2, 2, 0])),
    "boolean": np.arange(24).reshape(CUBE) % 3 == 0,
}


def shapes() -> Iterator[Case]:
    """What moves elements about."""
    for note, key in KEYS.items():
        yield _index(note, key)
    yield _moved("index", "reverse", lambda x: x[..., ::-1], lambda _, x: x.flip(-1), CUBE)
    for order in ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0), (-1, 0, 1)):
        yield _transposition(order)
    for axis in (0, 1, -1):
        yield from _along(axis)
    yield _moved("stack", "scalars", lambda *xs: np.stack(xs), lambda torch, *xs: torch.stack(xs), (), ())
    yield _moved("transpose", "T", lambda x: x.T, lambda _, x: x.permute(2, 1, 0), CUBE)
    yield _moved("transpose", "matrix", np.matrix_transpose, lambda _, x: x.swapaxes(-1, -2), CUBE)
    yield _moved("reshape", "", lambda x: np.reshape(x, (4, 6)), lambda _, x: x.reshape(4, 6), CUBE)
    yield _moved("reshape", "inferred", lambda x: x.reshape(-1, 6), lambda _, x: x.reshape(-1, 6), CUBE)
    yield _moved("reshape", "ravel", np.ravel, lambda _, x: x.reshape(-1), CUBE)
    yield _moved("squeeze", "", np.squeeze, lambda _, x: x.squeeze(), (1, 3, 1))
    yield _moved("squeeze", "one", lambda x: np.squeeze(x, 0), lambda _, x: x.squeeze(0), (1, 3, 1))
    for shape in ((), (3, 1), (1, 4), (4,)):
        yield _moved(
            "broadcast_to",
            "",
            lambda x: np.broadcast_to(x, (2, 3, 4)),
            lambda _, x: x.broadcast_to(2, 3, 4),
            shape,
        )


def _moved(name: str, note: str, f: Function, in_torch: Function, *shapes: Shape) -> Case:
    return Case(name, f, f, lambda torch: lambda *xs: in_torch(torch, *xs), shapes, note=f"-{note}")


def _index(note: str, key: Any) -> Case:
    def in_torch(torch: Any, x: Any) -> Any:
        parts = key if isinstance(key, tuple) else (key,)
        return x[tuple(torch.tensor(part) if isinstance(part, np.ndarray) else part for part in parts)]

    return _moved("index", note, lambda x: x[key], in_torch, CUBE)


def _transposition(order: tuple[int, ...]) -> Case:
    name = "transpose"
    return _moved(name, f"{order}", lambda x: np.transpose(x, order), lambda _, x: x.permute(order), CUBE)


def _along(axis: int) -> Iterator[Case]:
    thin = tuple(1 if a == axis % 3 else size for a, size in enumerate(CUBE))
    yield _moved(
        "concatenate",
        f"{axis}",
        lambda x, y: np.concatenate([x, y, x], axis),
        lambda torch, x, y: torch.cat([x, y, x], axis),
        CUBE,
        thin,
    )
    yield _moved(
        "stack",
        f"{axis}",
        lambda x, y: np.stack([x, y, x], axis),
        lambda torch, x, y: torch.stack([x, y, x], axis),
        CUBE,
        CUBE,
    )
    yield _moved(
        "expand_dims", f"{axis}", lambda x: np.expand_dims(x, axis), lambda _, x: x.unsqueeze(axis), CUBE
    )


CASES = [*unary(), *binary(), *reductions(), *products(), *shapes()]
