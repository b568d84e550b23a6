"""nn_from_scratch's `replay`: every function is recorded at other inputs than those it is asked at."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nn_from_scratch import replay
from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.engines.source import METHOD, TransformSource
from nn_from_scratch.verify.questions.operations import as_index


def _value_and_gradient(function: Callable[..., Any], inputs: Sequence[Any]) -> tuple[Any, Sequence[Any]]:
    replayed = replay(function)
    with np.errstate(all="ignore"):  # of those inputs
        replayed.record(*(np.zeros(np.shape(x)) + 0.5 for x in inputs))
    value, gradient = replayed(*inputs)
    return value, gradient if len(inputs) > 1 else [gradient]


def _method(name: str) -> Callable[..., Any]:
    return lambda x, *arguments, **options: getattr(x, name)(*arguments, **options)


_METHODS = ("relu", "sigmoid", "softplus", "logsumexp", "softmax", "log_softmax")

engine = Engine.from_transform(
    name="nn_from_scratch replay",
    namespace=np,
    value_and_gradient=_value_and_gradient,
    arrays=True,
    complete=True,
    operations={
        **{name: _method(name) for name in _METHODS},
        "where": lambda c, x, y: np.where(c > 0, x, y),
        "index": lambda x, index: x[as_index(index)],
        "concatenate": lambda *xs, axis: np.concatenate(xs, axis),
        "stack": lambda *xs, axis: np.stack(xs, axis),
    },
    source=TransformSource(
        imports="import numpy as np\n\nfrom nn_from_scratch import replay",
        transform="replay({function})({inputs})",
        call="np.{name}({arguments})",
        operations={"where": "np.where({0} > 0, {1}, {2})", **dict.fromkeys(_METHODS, METHOD)},
    ),
)
