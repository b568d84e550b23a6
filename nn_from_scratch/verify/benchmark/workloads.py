"""What is measured: pieces of work, and everybody who does them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from nn_from_scratch import MLP, Node
from nn_from_scratch.verify.benchmark import arithmetic, by_hand, scalar_engine
from nn_from_scratch.verify.benchmark.measuring import Contender, Pairs, compare, held_bytes, run_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from nn_from_scratch.verify.benchmark.by_hand import Array, Parameters

SUBJECT = "nn_from_scratch"


@dataclass(frozen=True)
class Workload:
    """One piece of work and who does it.

    Attributes
    ----------
    name
        What is done.
    contenders
        By name, how to make each one, from fresh parameters; one that is not installed raises
        ModuleNotFoundError. `SUBJECT` is among them, the others are its baselines.
    marks
        By baseline, the ratio (baseline / subject) that the engine is meant to reach.
    unit
        Of what is measured.
    measure
        Makes of a contender a function that measures it.
    collector
        Whether the garbage collector is on.
    """

    name: str
    contenders: Mapping[str, Callable[[], Contender]]
    marks: Mapping[str, float] = field(default_factory=dict)
    unit: str = "seconds"
    measure: Callable[[Contender], Callable[[], float]] = run_seconds
    collector: bool = True

    @property
    def baselines(self) -> list[str]:
        """Everybody but the subject."""
        return [name for name in self.contenders if name != SUBJECT]

    def against(self, baseline: str, *, seconds: float) -> Pairs:
        """Compare the subject with one baseline, for about `seconds`."""
        return compare(
            self.contenders[SUBJECT](),
            self.contenders[baseline](),
            seconds=seconds,
            measure=self.measure,
            collector=self.collector,
        )


# A graph of scalars -------------------------------------------------------------------------------


def scalar_graph(variable: Callable[[float], Any]) -> tuple[list[Any], Any]:
    """Build a graph of 2,000 operations on 40 leaves; return the leaves and the output.

    The operations are all that micrograd has: `-`, `*`, `relu`, `**`, `+` and `/` in turn (`-` and `/`
    take it two steps each), and a sum over the last values.
    """
    generator = np.random.default_rng(0)
    x = [variable(value) for value in generator.uniform(0, 1, 20).tolist()]
    divisors = [variable(value) for value in generator.uniform(1, 1.5, 20).tolist()]
    leaves = x + divisors
    for k in range(328):  # values stay near 1, and paths shorter than recursion can follow
        x.append((((x[k] - x[k + 1]) * x[k + 2]).relu() ** 2 + x[k + 3]) / divisors[k % 20])
    output = x[-33]
    for term in x[-32:]:
        output = output + term
    return leaves, output


def _our_scalars() -> Contender:
    return arithmetic.built(
        partial(scalar_graph, Node), Node.backprop, lambda node: node.value, lambda node: node.grad
    )


def _micrograd_scalars() -> Contender:
    from micrograd.engine import Value

    return arithmetic.built(
        partial(scalar_graph, Value), Value.backward, lambda node: node.data, lambda node: node.grad
    )


def _pytorch_scalars() -> Contender:
    import torch

    variable = partial(torch.tensor, dtype=torch.float64, requires_grad=True)
    return arithmetic.built(
        partial(scalar_graph, variable),
        torch.Tensor.backward,
        torch.Tensor.item,
        lambda leaf: leaf.grad.item(),
    )


# Training -----------------------------------------------------------------------------------------

MOONS_SIZES, MOONS_RATE = (2, 16, 16, 1), 1e-3
LARGE_SIZES, LARGE_RATE = (784, 256, 128, 10), 1e-5


@cache
def moons() -> tuple[Array, Array]:
    """Return the README's data: (100, 2) points and their classes, 100 integers."""
    from sklearn.datasets import make_moons

    x, y = make_moons(n_samples=100, noise=0.1, random_state=42)
    return x, y


def moons_batch() -> tuple[Array, Array]:
    """Return the README's data as a batch: inputs (100, 2) and targets (100, 1)."""
    x, y = moons()
    return x, y[:, None].astype(np.float64)


@cache
def large_batch() -> tuple[Array, Array]:
    """Return a batch as of small images: inputs (256, 784) and one-hot targets (256, 10)."""
    generator = np.random.default_rng(0)
    return generator.uniform(0, 1, (256, LARGE_SIZES[0])), np.eye(10)[generator.integers(10, size=256)]


def start(sizes: Sequence[int]) -> Parameters:
    """Return fresh weights (n_out, n_in) and biases (n_out,), small enough that no neuron saturates."""
    generator = np.random.default_rng(0)
    return [
        (generator.uniform(-1, 1, (outputs, inputs)) / np.sqrt(inputs), generator.uniform(-1, 1, outputs))
        for inputs, outputs in pairwise(sizes)
    ]


def readme_iteration(model: Any, x: Array, y: Array, learning_rate: float = MOONS_RATE) -> Any:
    """Run one iteration of the README's loop, for every model with its interface; return the loss."""
    ypred = [model(sample) for sample in x]
    loss = sum((y_a - y_p) ** 2 for y_a, y_p in zip(y, ypred, strict=True))
    for p in model.parameters():
        p.grad = 0
    loss.backprop()
    for p in model.parameters():
        p.value += -learning_rate * p.grad
    return loss


def _our_model(sizes: Sequence[int]) -> MLP:
    model = MLP(sizes)
    for layer, (weights, biases) in zip(model.layers, start(sizes), strict=True):
        layer.weights.value, layer.biases.value = weights, biases
    return model


def _our_result(model: MLP, loss: Node) -> list[Any]:
    return [loss.value, *(parameter.value for parameter in model.parameters())]


def _our_readme_loop() -> Contender:
    model = _our_model(MOONS_SIZES)
    return Contender(partial(readme_iteration, model, *moons()), partial(_our_result, model))


def _scalar_readme_loop() -> Contender:
    model = scalar_engine.MLP(start(MOONS_SIZES))

    def result(loss: scalar_engine.Node) -> list[Any]:
        layers = [
            ([[weight.value for weight in neuron.weights] for neuron in layer], [n.bias.value for n in layer])
            for layer in model.layers
        ]
        return [loss.value, *(parameter for layer in layers for parameter in layer)]

    return Contender(partial(readme_iteration, model, *moons()), result)


def _pytorch_readme_loop() -> Contender:
    import torch

    from nn_from_scratch.verify.benchmark import in_pytorch

    model = in_pytorch.MLP(start(MOONS_SIZES))
    x, y = moons()
    samples = list(torch.tensor(x))
    return Contender(
        partial(in_pytorch.train_step_by_sample, model, samples, y.tolist(), MOONS_RATE), model.result
    )


def _our_batch(sizes: Sequence[int], data: Callable[[], tuple[Array, Array]], rate: float) -> Contender:
    model = _our_model(sizes)
    x, y = data()
    if sizes[-1] == 1:
        y = y[:, 0]  # one neuron returns its single value

    def run() -> Node:
        loss: Node = ((y - model(x)) ** 2).sum()
        for parameter in model.parameters():
            parameter.grad = 0
        loss.backprop()
        for parameter in model.parameters():
            parameter.value += -rate * parameter.grad
        return loss

    return Contender(run, partial(_our_result, model))


def _numpy_batch(sizes: Sequence[int], data: Callable[[], tuple[Array, Array]], rate: float) -> Contender:
    parameters = start(sizes)
    return Contender(
        partial(by_hand.train_step, parameters, *data(), rate),
        lambda loss: [loss, *(parameter for layer in parameters for parameter in layer)],
    )


def _pytorch_batch(sizes: Sequence[int], data: Callable[[], tuple[Array, Array]], rate: float) -> Contender:
    import torch

    from nn_from_scratch.verify.benchmark import in_pytorch

    model = in_pytorch.MLP(start(sizes))
    x, y = map(torch.tensor, data())
    return Contender(partial(in_pytorch.train_step, model, x, y, rate), model.result)


def _batches(sizes: Sequence[int], data: Callable[[], tuple[Array, Array]], rate: float) -> dict[str, Any]:
    makers = {SUBJECT: _our_batch, "PyTorch": _pytorch_batch, "hand-written numpy": _numpy_batch}
    return {name: partial(maker, sizes, data, rate) for name, maker in makers.items()}


# The list -----------------------------------------------------------------------------------------

README_LOOP = Workload(
    "README loop, one iteration",
    {SUBJECT: _our_readme_loop, "PyTorch": _pytorch_readme_loop, "scalar engine": _scalar_readme_loop},
    {"PyTorch": 25, "scalar engine": 1000},
)
# Most of the scalar engine's time goes into garbage: its closures make cycles.
README_LOOP_WITHOUT_COLLECTOR = Workload(
    "README loop, garbage collector off",
    {SUBJECT: _our_readme_loop, "scalar engine": _scalar_readme_loop},
    collector=False,
)
BATCH = Workload(
    "Batched training of the same network",
    _batches(MOONS_SIZES, moons_batch, MOONS_RATE),
    {"PyTorch": 3, "hand-written numpy": 1 / 1.4},
)
LARGE_BATCH = Workload(
    "Batched training of [784, 256, 128, 10]",
    _batches(LARGE_SIZES, large_batch, LARGE_RATE),
    {"hand-written numpy": 1 / 1.1},
)
SCALARS = Workload(
    "Scalar graph of 2,000 operations",
    {SUBJECT: _our_scalars, "micrograd": _micrograd_scalars, "PyTorch": _pytorch_scalars},
    {"micrograd": 5, "PyTorch": 10},
)
ARITHMETIC = Workload(
    "Scalar graph of add, mul and relu",
    {SUBJECT: arithmetic.ours, "micrograd": arithmetic.in_micrograd},
    {"micrograd": 3},
)
REPLAY = Workload(
    "The same graph, replayed at new inputs",
    {
        SUBJECT: arithmetic.replayed,
        "CasADi": arithmetic.in_casadi,
        "recorded again": arithmetic.recorded_again,
    },
    {"CasADi": 1 / 3, "recorded again": 10},
)
SCALARS_MEMORY = Workload(
    "Memory of a scalar graph",
    {SUBJECT: _our_scalars, "micrograd": _micrograd_scalars},
    {"micrograd": 2},
    unit="bytes",
    measure=held_bytes,
)
WORKLOADS = (
    README_LOOP,
    README_LOOP_WITHOUT_COLLECTOR,
    BATCH,
    LARGE_BATCH,
    SCALARS,
    ARITHMETIC,
    REPLAY,
    SCALARS_MEMORY,
)
