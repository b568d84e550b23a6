"""micrograd, by Andrej Karpathy (https://github.com/karpathy/micrograd)."""

import operator

from micrograd.engine import Value

from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.engines.source import TapeSource

engine = Engine.from_tape(
    name="micrograd",
    variable=Value,
    backward=lambda output: output.backward(),
    value=operator.attrgetter("data"),
    gradient=operator.attrgetter("grad"),
    assign=lambda leaf, value: setattr(leaf, "data", value),
    reset=lambda leaf: setattr(leaf, "grad", 0.0),
    source=TapeSource(
        imports="from micrograd.engine import Value",
        assign="{leaf}.data = {value}",
        reset="{leaf}.grad = 0.0",
    ),
)
