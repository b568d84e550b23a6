"""nn_from_scratch's `replay`: every function is recorded at other inputs than those it is asked at."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from nn_from_scratch import replay
from nn_from_scratch.verify.engines.adapters.ours import IMPORTS, OPERATIONS, WRITTEN
from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.engines.source import METHOD, TransformSource

BY_VALUES = ("sort", "median", "quantile", "percentile", "interp", "det", "slogdet")
"""What chooses by values, which are others when it is replayed: refused."""


def _value_and_gradient(function: Callable[..., Any], inputs: Sequence[Any]) -> tuple[Any, Sequence[Any]]:
    replayed = replay(function)
    with suppress(ValueError), np.errstate(all="ignore"):  # those may be a singular matrix: then these
        replayed.record(*map(_others, inputs))
    value, gradient = replayed(*inputs)
    return value, gradient if len(inputs) > 1 else [gradient]


def _others(x: Any) -> Any:
    """Return inputs of this shape, matrices with a diagonal that is larger than the rest."""
    shape = np.shape(x)
    return np.zeros(shape) + 0.5 + (2 * np.eye(*shape[-2:]) if len(shape) > 1 else 0.0)


def _method(name: str) -> Callable[..., Any]:
    return lambda x, *arguments, **options: getattr(x, name)(*arguments, **options)


engine = Engine.from_transform(
    name="nn_from_scratch replay",
    namespace=np,
    value_and_gradient=_value_and_gradient,
    arrays=True,
    complete=True,
    operations={
        **{name: one for name, one in OPERATIONS.items() if name not in BY_VALUES},
        **{name: _method(name) for name, text in WRITTEN.items() if text is METHOD and name not in BY_VALUES},
    },
    source=TransformSource(
        imports=f"{IMPORTS}\nfrom nn_from_scratch import replay",
        transform="replay({function})({inputs})",
        call="np.{name}({arguments})",
        operations=WRITTEN,
    ),
)
