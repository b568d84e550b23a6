"""PyTorch in float64, as a second witness."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.util import find_spec

import numpy as np
import numpy.typing as npt

from nn_from_scratch.verify.questions.cases import Case


@cache
def version() -> str | None:
    """Return PyTorch's version, or None where it is not installed.

    It is imported by another thread: an import that Ctrl-C interrupts could not be made again.
    """
    return ThreadPoolExecutor(1).submit(_imported).result()


def is_installed() -> bool:
    """Whether it is there; it is not imported for that."""
    return find_spec("torch") is not None


def import_beside() -> None:
    """Begin to import it, beside what this thread waits for: `version` waits until it is there."""
    ThreadPoolExecutor(1).submit(_imported)


def _imported() -> str | None:
    try:
        import torch  # noqa: PLC0415  an optional package, and slow to import
    except ImportError:
        return None
    return str(torch.__version__)


ROUGH = frozenset({"digamma", "log_ndtr"})
"""Operations whose derivative PyTorch does not know to the last digits.

That of digamma has nine, 1.64493406763 at 1; that of log_ndtr is the exponential of a difference of squares,
which loses digits below 0.
"""
LACKING = frozenset({"jv", "iv", "betainc"})
"""Operations that PyTorch has not, and of which it has nothing to compose them of."""


def testifies(case: Case) -> bool:
    """Whether it is installed, and knows the derivatives of all that a case has."""
    return version() is not None and (ROUGH | LACKING).isdisjoint(
        step.operation for step in case.expression.steps
    )


def gradient(case: Case) -> npt.NDArray[np.float64]:
    """Return PyTorch's gradient: a float64 array with a derivative for each number of the point."""
    import torch  # noqa: PLC0415

    from nn_from_scratch.verify.oracles.pytorch_operations import AS_A_WITNESS, OPERATIONS  # noqa: PLC0415

    inputs = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in case.inputs()]
    output = case.expression.function({**OPERATIONS, **AS_A_WITNESS})(inputs)
    if case.shapes:  # grad would take the cotangent as well, but imports sympy first, for half a second
        output = (output * torch.tensor(case.cotangent, dtype=torch.float64).reshape(output.shape)).sum()
    gradient = torch.autograd.grad(output, inputs, allow_unused=True)
    parts = zip(inputs, gradient, strict=True)
    return np.concatenate(
        [np.zeros(x.numel()) if part is None else part.clone().numpy().ravel() for x, part in parts]
    )
