"""Record what checks of gradients answer about hard functions: python reference/record_functions.py.

Every row of `function_rows.py` is asked with its right gradient, and with gradients that are off by 1e-3 and
by a tenth of their norm: in one entry with odd seeds, in all with even ones. An error in a gradient that is
0 is relative to the row's scale.
"""

from __future__ import annotations

import json
import platform
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numdifftools
import numpy as np
import scipy
import torch
from function_rows import ROWS, Question, Row
from jax.test_util import check_grads
from scipy.optimize import check_grad
from torch.autograd.gradcheck import GradcheckError

from nn_from_scratch.verify import GradientError, UndecidedError, check_gradient

HERE = Path(__file__).parent
SEEDS = {"right": 50, "off by 1e-3": 20, "off by 10%": 20}  # of `check_gradient`
PEERS_SEEDS = 2
SIZES = {"right": 0.0, "off by 1e-3": 1e-3, "off by 10%": 1e-1}
LENIENT = 1e-5  # for scipy and numdifftools, which return numbers: relative to the gradient's norm

Floats = np.ndarray[Any, np.dtype[np.float64]]


def main() -> None:
    """Write functions.json, row by row; what it holds already is not asked again: delete it to start anew."""
    jax.config.update("jax_enable_x64", True)
    warnings.simplefilter("ignore")
    path = HERE / "functions.json"
    rows = json.loads(path.read_text())["rows"] if path.exists() else {}
    for row in ROWS:
        known = rows.get(row.name, {})
        rows[row.name] = {"must": row.must, **answers_about(row, known)}
        print(row.name, rows[row.name]["check_gradient"], flush=True)
        _write(path, {row.name: rows[row.name] for row in ROWS if row.name in rows})


def _write(path: Path, rows: dict[str, Any]) -> None:
    record = {
        "about": "What checks of gradients answer about functions that are hard to check, by "
        "how far the gradient is off.",
        "provenance": {
            "script": "reference/record_functions.py",
            "seeds of check_gradient, at least": _least_seeds(rows),
            "seeds of the others": PEERS_SEEDS,
            "python": platform.python_version(),
            "numpy": np.__version__,
            "scipy": scipy.__version__,
            "torch": torch.__version__,
            "jax": jax.__version__,
            "numdifftools": numdifftools.__version__,
        },
        "rows": rows,
    }
    path.write_text(json.dumps(record, indent=1) + "\n")


def _least_seeds(rows: dict[str, Any]) -> dict[str, int]:
    """Return of how many seeds every row is at least recorded."""
    return {
        size: min(
            sum(row["check_gradient"][size].values()) for row in rows.values() if "check_gradient" in row
        )
        for size in SIZES
    }


def answers_about(
    row: Row,
    known: dict[str, Any],
    checks: dict[str, Check] | None = None,
    seeds: dict[str, int] | None = None,
) -> dict[str, dict[str, dict[str, int]]]:
    """Count the answers of each check about a row, by how far the gradient is off.

    Parameters
    ----------
    row
        The row.
    known
        What was recorded of it; it is kept where it is of as many seeds as are asked for.
    checks, seeds
        Which checks, all by default, and of how many seeds, if not those of the record.

    """
    found: dict[str, dict[str, dict[str, int]]] = {}
    for name, check in (checks or CHECKS).items():
        found[name] = {}
        for size_name, size in SIZES.items():
            count = (seeds or SEEDS)[size_name] if check is ours or seeds else PEERS_SEEDS
            counts = known.get(name, {}).get(size_name, {})
            if sum(counts.values()) != count:
                counts = dict(Counter(_answer_for(row, check, size, seed) for seed in range(count)))
            found[name][size_name] = counts
    return found


def _answer_for(row: Row, check: Check, size: float, seed: int) -> str:
    function, gradient, inputs = row.make(np.random.default_rng(seed))
    wrong = off_by(gradient, size, seed, row.scale, row.apart) if size else gradient
    return check((function, wrong, inputs), seed)


def off_by(
    gradient: Callable[..., Any], size: float, seed: int, scale: float, apart: tuple[int, ...] = ()
) -> Callable[..., Any]:
    """Return a gradient that is off by a part of its norm, in other entries than some."""

    def wrong(*inputs: Any) -> Any:
        found = gradient(*inputs)
        parts = [np.asarray(part) for part in (found if isinstance(found, tuple) else (found,))]
        numbers = np.concatenate([part.ravel() for part in parts]).astype(np.float64)
        norm = float(np.linalg.norm(numbers))
        rng = np.random.default_rng([seed, 9])
        error = rng.normal(size=len(numbers))
        if seed % 2:
            error = np.zeros(len(numbers))
            others = np.delete(np.arange(len(numbers)), apart)
            error[others[rng.integers(len(others))]] = 1.0
        error[list(apart)] = 0.0
        error *= size * (norm if norm > 1e-10 * scale else scale) / np.linalg.norm(error)
        ends = np.cumsum([part.size for part in parts])[:-1]
        pieces = zip(parts, np.split(error, ends), strict=True)
        off = [
            (part + piece.reshape(part.shape)).astype(part.dtype if part.dtype.kind == "f" else float)
            for part, piece in pieces
        ]
        return tuple(off) if isinstance(found, tuple) else off[0]

    return wrong


def ours(question: Question, seed: int) -> str:
    """Ask `check_gradient`."""
    function, gradient, inputs = question
    try:
        check_gradient(function, gradient, inputs, seed=seed)
    except UndecidedError:
        return "undecided"
    except GradientError:
        return "wrong"
    return "right"


class Flat:
    """A question about one vector of float64 numbers, as other tools ask it."""

    def __init__(self, question: Question) -> None:
        self.function, self.gradient, inputs = question
        parts = [np.asarray(x) for x in (inputs if isinstance(inputs, tuple) else (inputs,))]
        self.shapes, self.kinds = [x.shape for x in parts], [x.dtype for x in parts]
        self.point = np.concatenate([x.ravel() for x in parts]).astype(np.float64)

    def split(self, point: Any) -> list[Any]:
        """Return the arguments."""
        ends = np.cumsum([int(np.prod(shape)) for shape in self.shapes])[:-1]
        pieces = zip(np.split(np.asarray(point, np.float64), ends), self.shapes, self.kinds, strict=True)
        return [
            piece.reshape(shape).astype(kind if kind.kind == "f" else float) for piece, shape, kind in pieces
        ]

    def value(self, point: Any) -> float:
        """Return the function's value."""
        return float(self.function(*self.split(point)))

    def slopes(self, point: Any) -> Floats:
        """Return the gradient."""
        found = self.gradient(*self.split(point))
        parts = found if isinstance(found, tuple) else (found,)
        return np.concatenate([np.asarray(part, np.float64).ravel() for part in parts])


def in_gradcheck(*, fast: bool) -> Check:
    """Ask PyTorch's gradcheck, with its own tolerances."""

    def check(question: Question, _: int) -> str:
        flat = Flat(question)

        class Function(torch.autograd.Function):  # type: ignore[misc]
            @staticmethod
            def forward(ctx: Any, x: Any) -> Any:
                ctx.save_for_backward(x)
                return torch.tensor(flat.value(x.detach().numpy()), dtype=torch.float64)

            @staticmethod
            def backward(ctx: Any, cotangent: Any) -> Any:
                return torch.from_numpy(flat.slopes(ctx.saved_tensors[0].detach().numpy())) * cotangent

        point = torch.tensor(flat.point, requires_grad=True)
        return _answer(lambda: torch.autograd.gradcheck(Function.apply, (point,), fast_mode=fast))

    return check


def in_jax(question: Question, _: int) -> str:
    """Ask JAX's check_grads in reverse mode, with its own tolerances."""
    flat = Flat(question)

    @jax.custom_vjp  # type: ignore[untyped-decorator]
    def function(x: Any) -> Any:
        return jax.pure_callback(lambda p: np.float64(flat.value(p)), jax.ShapeDtypeStruct((), np.float64), x)

    def forward(x: Any) -> Any:
        return function(x), x

    def backward(x: Any, cotangent: Any) -> Any:
        slopes = jax.pure_callback(flat.slopes, jax.ShapeDtypeStruct(flat.point.shape, np.float64), x)
        return (slopes * cotangent,)

    function.defvjp(forward, backward)
    return _answer(lambda: check_grads(function, (flat.point,), 1, modes=("rev",)))


def in_scipy(question: Question, _: int) -> str:
    """Ask scipy's check_grad, which returns the norm of the difference."""
    flat = Flat(question)

    def close() -> bool:
        size = max(float(np.linalg.norm(flat.slopes(flat.point))), LENIENT)
        return bool(check_grad(flat.value, flat.slopes, flat.point) <= LENIENT * size)

    return _answer(close)


def in_numdifftools(question: Question, _: int) -> str:
    """Ask numdifftools for the gradient, and compare."""
    flat = Flat(question)

    def close() -> bool:
        expected, found = (
            np.atleast_1d(numdifftools.Gradient(flat.value)(flat.point)),
            flat.slopes(flat.point),
        )
        size = max(float(np.linalg.norm(found)), LENIENT)
        return bool(np.linalg.norm(expected - found) <= LENIENT * size)

    return _answer(close)


def _answer(check: Callable[[], Any]) -> str:
    """Return "right" for a check that passes, "wrong" for one that fails, "error" for one that breaks."""
    with np.errstate(all="ignore"):
        try:
            passed = check()
        except (AssertionError, GradcheckError):
            return "wrong"
        except Exception:  # noqa: BLE001  # the function raises at a neighbour
            return "error"
    return "wrong" if passed is False else "right"


Check = Callable[[Question, int], str]
CHECKS: dict[str, Check] = {
    "check_gradient": ours,
    "gradcheck": in_gradcheck(fast=False),
    "gradcheck, fast": in_gradcheck(fast=True),
    "check_grads": in_jax,
    "scipy check_grad": in_scipy,
    "numdifftools": in_numdifftools,
}


if __name__ == "__main__":
    main()
