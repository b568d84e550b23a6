"""nn_from_scratch itself."""

import operator

import numpy as np

from nn_from_scratch.node import Node
from nn_from_scratch.verify.engines import Engine

engine = Engine.from_tape(
    name="nn_from_scratch",
    variable=Node,
    backward=lambda output: output.backprop(),
    value=operator.attrgetter("value"),
    gradient=operator.attrgetter("grad"),
    assign=lambda leaf, value: setattr(leaf, "value", value),
    operations={"maximum": np.maximum, "minimum": np.minimum},  # with a constant on either side
    complete=True,
)
