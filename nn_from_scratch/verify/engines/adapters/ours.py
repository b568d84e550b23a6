"""nn_from_scratch itself."""

import operator
from functools import partial

import numpy as np

from nn_from_scratch import Node, gradients
from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.engines.source import METHOD, TapeSource
from nn_from_scratch.verify.questions.expressions import Arithmetic
from nn_from_scratch.verify.questions.operations import ARRAYS, CATALOGUE, as_index

# numpy's own functions, which take constants on either side; what numpy has not is a method.
_OPERATIONS: Arithmetic = {
    **{
        name: getattr(np, name)
        for name, operation in (CATALOGUE | ARRAYS).items()
        if not operation.symbol and hasattr(np, name)
    },
    "where": lambda c, x, y: np.where(c > 0, x, y),
    "matmul": operator.matmul,
    "index": lambda x, index: x[as_index(index)],
    "concatenate": lambda *xs, axis: np.concatenate(xs, axis),
    "stack": lambda *xs, axis: np.stack(xs, axis),
}

engine = Engine.from_tape(
    name="nn_from_scratch",
    variable=Node,
    backward=Node.backprop,
    value=operator.attrgetter("value"),
    gradient=operator.attrgetter("grad"),
    assign=lambda leaf, value: setattr(leaf, "value", value),
    reset=lambda leaf: setattr(leaf, "grad", 0),
    gradients=partial(gradients, create_graph=True),
    operations=_OPERATIONS,
    arrays=True,
    complete=True,
    source=TapeSource(
        imports="import numpy as np\n\nfrom nn_from_scratch import Node, gradients",
        variable="Node({})",
        backward="{output}.backprop()",
        backward_from="{output}.backprop({cotangent})",
        value="{}.value",
        assign="{leaf}.value = {value}",
        reset="{leaf}.grad = 0",
        gradients="gradients({output}, [{leaves}], create_graph=True)",
        gradients_from="gradients({output}, [{leaves}], {cotangent}, create_graph=True)",
        call="np.{name}({arguments})",
        operations={
            "where": "np.where({0} > 0, {1}, {2})",
            **dict.fromkeys(("sigmoid", "softplus", "relu", "logsumexp", "softmax", "log_softmax"), METHOD),
        },
    ),
)
