"""micrograd, by Andrej Karpathy (https://github.com/karpathy/micrograd)."""

from micrograd.engine import Value

from nn_from_scratch.verify.engines.engine import Engine

engine = Engine.from_tape(variable=Value, value="data", gradient="grad")
