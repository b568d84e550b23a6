"""MyGrad, by Ryan Soklaski (https://github.com/rsokl/MyGrad)."""

from typing import Any

import mygrad
import numpy as np
from mygrad.nnet import activations

from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.engines.source import TapeSource
from nn_from_scratch.verify.questions.operations import CATALOGUE, FUNCTIONS_OF_NUMPY, as_index

FUNCTIONS = (
    *(
        name
        for name, operation in (CATALOGUE | FUNCTIONS_OF_NUMPY).items()
        # What is numpy's own there takes constants alone.
        if not operation.symbol and getattr(mygrad, name, None) not in (None, getattr(np, name, None))
    ),
    *("sum", "mean", "prod", "max", "min", "broadcast_to", "squeeze", "expand_dims"),
    *("matmul", "einsum", "cumsum"),
)

APART = ("where", "clip", "einsum", "sign")
"""Functions that are called in another way, or, as sign, take no tensors that are differentiated."""


def _variable(x: Any) -> mygrad.Tensor:
    return mygrad.tensor(np.array(x, dtype=np.float64))


engine = Engine.from_tape(
    name="MyGrad",
    variable=_variable,
    value="data",
    gradient="grad",
    arrays=True,
    operations={
        **{name: getattr(mygrad, name) for name in FUNCTIONS if name not in APART},
        "sigmoid": activations.sigmoid,
        "relu": activations.relu,
        "softmax": activations.softmax,
        "log_softmax": activations.logsoftmax,
        "where": lambda c, x, y: mygrad.where(np.asarray(c) > 0, x, y),
        "clip": mygrad.clip,
        "einsum": lambda *operands, subscripts: mygrad.einsum(subscripts, *operands),
        "reshape": lambda x, shape: x.reshape(shape),
        "transpose": lambda x, axes: mygrad.transpose(x, *axes),
        "index": lambda x, index: x[as_index(index)],
        "concatenate": lambda *xs, axis: mygrad.concatenate(xs, axis=axis),
        "stack": lambda *xs, axis: mygrad.stack(xs, axis=axis),
    },
    source=TapeSource(
        imports="import mygrad\nimport numpy as np\nfrom mygrad.nnet import activations",
        variable="mygrad.tensor(np.array({}, dtype=np.float64))",
        gradient="(np.zeros_like({0}.data) if {0}.grad is None else {0}.grad)",
        call="mygrad.{name}({arguments})",
        operations={
            "where": "mygrad.where(np.asarray({0}) > 0, {1}, {2})",
            **dict.fromkeys(("sigmoid", "relu", "softmax"), "activations.{name}({arguments})"),
            "log_softmax": "activations.logsoftmax({arguments})",
            "einsum": "mygrad.einsum({subscripts!r}, {operands})",
            "reshape": "mygrad.reshape({0}, {shape})",
            "transpose": "mygrad.transpose({0}, *{axes})",
        },
    ),
)
