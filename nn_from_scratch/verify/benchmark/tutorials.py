"""The short programs of tutorials, by this engine and by autograd: the very same code, with another numpy."""

from __future__ import annotations

from functools import partial
from types import FunctionType
from typing import TYPE_CHECKING, Any

import numpy as np

from nn_from_scratch import value_and_gradient
from nn_from_scratch.trees import leaves
from nn_from_scratch.verify.benchmark.measuring import Contender
from nn_from_scratch.verify.benchmark.peers import CannotError
from nn_from_scratch.verify.benchmark.tutorial_programs import PROGRAMS
from nn_from_scratch.verify.benchmark.workloads import SUBJECT, Workload

if TYPE_CHECKING:
    from collections.abc import Callable


def _ours(program: Callable[[Any], Any], point: Any) -> Contender:
    return _called(value_and_gradient(program), point)


def _by_autograd(program: FunctionType, point: Any) -> Contender:
    import autograd  # noqa: PLC0415  perhaps not installed
    from autograd import numpy  # noqa: PLC0415

    differentiated = autograd.value_and_grad(_with(program, numpy))
    try:
        differentiated(point)
    except Exception as error:  # of its rules, which do not cover all of numpy
        raise CannotError(f"autograd raises {type(error).__name__} in it") from error
    return _called(differentiated, point)


def _with(program: FunctionType, numpy: Any) -> Callable[[Any], Any]:
    """Return a program whose numpy is another one; its code stays as it is."""
    others = {"np": numpy, "linalg": numpy.linalg, "array": numpy.array}
    return FunctionType(program.__code__, {**program.__globals__, **others})


def _called(function: Callable[[Any], tuple[Any, Any]], point: Any) -> Contender:
    return Contender(
        partial(function, point), lambda found: [np.asarray(found[0]), *map(np.asarray, leaves(found[1]))]
    )


TUTORIALS = tuple(
    Workload(
        f"Tutorial: {program.__name__.replace('_', ' ')}",
        {SUBJECT: partial(_ours, program, point), "autograd": partial(_by_autograd, program, point)},
    )
    for program, point in PROGRAMS
    if isinstance(program, FunctionType)
)
