"""The programs that every peer differentiates: each described once."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from nn_from_scratch.verify.benchmark.measuring import Contender
from nn_from_scratch.verify.benchmark.peers import PEERS, LeftOutError
from nn_from_scratch.verify.benchmark.workloads import Workload

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from nn_from_scratch.verify.benchmark.peers import Array, Peer, Program, Spelling


@dataclass(frozen=True)
class Question:
    """A program and where it is differentiated.

    Attributes
    ----------
    name
        What is done.
    program
        A function of a spelling, leaves and constants.
    leaves, constants
        Arrays of float64, the same for every peer.
    long
        Peers that compile it for so long that only the whole benchmark asks them.
    without
        Peers that are not asked, each with the reason.
    by_hand
        Value and gradients written by hand in numpy, if they are.
    """

    name: str
    program: Program
    leaves: Sequence[Array]
    constants: Sequence[Array] = ()
    long: Collection[str] = ()
    without: Mapping[str, str] = field(default_factory=dict)
    by_hand: Callable[[Sequence[Array], Sequence[Array]], Sequence[Any]] | None = None

    def contenders(self, *, whole: bool = True) -> dict[str, Callable[[], Contender]]:
        """Return, by name, everybody who could be asked, the subject first; who is left out says why."""
        arrays = any(leaf.ndim for leaf in self.leaves)
        later = {} if whole else dict.fromkeys((*COMPILED, *self.long), LATER)
        left_out = later | dict(self.without)
        found: dict[str, Callable[[], Contender]] = {
            name: partial(_left_out, peer, left_out[name])
            if name in left_out
            else partial(peer.contender, self.program, self.leaves, self.constants)
            for name, peer in PEERS.items()
            if peer.arrays or not arrays
        }
        if self.by_hand is not None:
            found["numpy by hand"] = partial(_by_hand, self.by_hand, self.leaves, self.constants)
        return found


def _left_out(peer: Peer, why: str) -> Contender:
    peer.spelling()  # which says so if it is not even installed
    raise LeftOutError(why)


def _by_hand(
    function: Callable[[Sequence[Array], Sequence[Array]], Sequence[Any]],
    leaves: Sequence[Array],
    constants: Sequence[Array],
) -> Contender:
    return Contender(lambda: function(leaves, constants), list)


# Networks -----------------------------------------------------------------------------------------


def network(sizes: Sequence[int]) -> list[Array]:
    """Return weights (n_out, n_in) and biases (n_out,), layer by layer."""
    generator = np.random.default_rng(0)
    return [
        array
        for inputs, outputs in pairwise(sizes)
        for array in (
            generator.uniform(-1, 1, (outputs, inputs)) / np.sqrt(inputs),
            generator.uniform(-1, 1, outputs),
        )
    ]


def batch(samples: int, sizes: Sequence[int]) -> tuple[Array, Array]:
    """Return inputs (samples, n_in) and targets (samples, n_out)."""
    generator = np.random.default_rng(1)
    return generator.uniform(0, 1, (samples, sizes[0])), generator.uniform(-1, 1, (samples, sizes[-1]))


def _outputs(spelling: Spelling, parameters: Sequence[Any], x: Any) -> Any:
    for k in range(0, len(parameters), 2):
        x = spelling.tanh(x @ parameters[k].T + parameters[k + 1])
    return x


def batch_loss(spelling: Spelling, parameters: Sequence[Any], data: Sequence[Any]) -> Any:
    """Compute the sum of squared residuals of a tanh network over a batch."""
    x, y = data
    return ((y - _outputs(spelling, parameters, x)) ** 2).sum()


def loss_by_sample(spelling: Spelling, parameters: Sequence[Any], data: Sequence[Any]) -> Any:
    """Compute the same as the README does: sample by sample, then Python's sum."""
    samples = len(data) // 2
    residuals = [
        ((y - _outputs(spelling, parameters, x)) ** 2).sum()
        for x, y in zip(data[:samples], data[samples:], strict=True)
    ]
    return sum(residuals[1:], residuals[0])


def batch_by_hand(parameters: Sequence[Array], data: Sequence[Array]) -> list[Any]:
    """Return what `batch_loss` and its gradient come to."""
    x, y = data
    activations = [x]
    for k in range(0, len(parameters), 2):
        activations.append(np.tanh(activations[-1] @ parameters[k].T + parameters[k + 1]))
    residual = y - activations[-1]
    gradients: list[Array] = []
    g = -2 * residual
    for k in range(len(parameters) - 2, -1, -2):
        after, before = activations[k // 2 + 1], activations[k // 2]
        g = g * (1 - after**2)
        gradients[:0] = [g.T @ before, g.sum(axis=0)]
        if k:
            g = g @ parameters[k]
    return [(residual**2).sum(), *gradients]


def training(name: str, samples: int, sizes: Sequence[int], **others: Any) -> Question:
    """Return the question of a batch."""
    return Question(name, batch_loss, network(sizes), batch(samples, sizes), by_hand=batch_by_hand, **others)


def by_sample(name: str, samples: int, sizes: Sequence[int], **others: Any) -> Question:
    """Return the question of the README's loop."""
    x, y = batch(samples, sizes)
    return Question(name, loss_by_sample, network(sizes), [*x, *y], **others)


# Graphs of scalars --------------------------------------------------------------------------------


def scalars(count: int) -> list[Array]:
    """Return numbers near 1/2, each an array of no dimension."""
    return [np.array(x) for x in np.random.default_rng(2).uniform(0.3, 0.7, count)]


def mixed(operations: int, _: Spelling, leaves: Sequence[Any], __: Sequence[Any]) -> Any:
    """Compute `operations` of `*`, `+` and `-` in turn, in a strand for each leaf; add those up."""
    strands = list(leaves)
    width = len(strands)
    for k in range(operations - width + 1):
        x, y = strands[k % width], leaves[(k + 1) % width]
        strands[k % width] = x * y if k % 3 == 0 else x + y if k % 3 == 1 else y - x
    return sum(strands[1:], strands[0])


def chain(operations: int, _: Spelling, leaves: Sequence[Any], __: Sequence[Any]) -> Any:
    """Compute `operations` one after the other, each on the one before: x -> x * a, x -> x + b."""
    x, a, b = leaves
    for k in range(operations):
        x = x + b if k % 2 else x * a
    return x


def fan_out(uses: int, _: Spelling, leaves: Sequence[Any], __: Sequence[Any]) -> Any:
    """Use one number in `uses` products, and add them up two by two."""
    x, factor = leaves
    terms = [x * factor for _ in range(uses)]
    while len(terms) > 1:
        rest = terms[len(terms) // 2 * 2 :]
        terms = [a + b for a, b in zip(terms[::2], terms[1::2], strict=False)] + rest
    return terms[0]


def mixed_graph(operations: int, **others: Any) -> Question:
    """Return the question of a graph of scalars."""
    name = f"Scalar graph of {operations:,} mixed operations"
    return Question(name, partial(mixed, operations), scalars(8), **others)


def chained(operations: int, **others: Any) -> Question:
    """Return the question of a deep chain."""
    return Question(f"Chain of {operations:,} scalars", partial(chain, operations), scalars(3), **others)


def fanned_out(uses: int, **others: Any) -> Question:
    """Return the question of one number with many uses."""
    return Question(f"One scalar used {uses:,} times", partial(fan_out, uses), scalars(2), **others)


COMPILED = ("PyTorch, compile",)
"""What compiles for many seconds whatever it is asked."""
LATER = "compiling takes it long, nn-from-scratch benchmark --whole measures it"
MINUTES = "it takes minutes for as many operations"
INTERPRETED = "without clang it interprets its kernels, and takes minutes"

_TINYGRAD = {} if shutil.which("clang") else {"tinygrad": INTERPRETED}
SMALL, MIDDLE, LARGE = (2, 16, 16, 1), (64, 64, 64, 10), (784, 256, 128, 10)
_BATCH: dict[str, Any] = {"long": ("tinygrad",), "without": _TINYGRAD}
_GRAPH: dict[str, Any] = {"long": ("tinygrad", "JAX, jit"), "without": {"PyTorch, compile": MINUTES}}
_LOOP: dict[str, Any] = {
    "long": ("JAX, jit",),
    "without": dict.fromkeys(("tinygrad", "PyTorch, compile"), MINUTES),
}
QUESTIONS = (
    by_sample("The README's loss, sample by sample", 100, SMALL, **_LOOP),
    training("Batch of 100 through [2, 16, 16, 1]", 100, SMALL, **_BATCH),
    training("Batch of 128 through [64, 64, 64, 10]", 128, MIDDLE, **_BATCH),
    training("Batch of 256 through [784, 256, 128, 10]", 256, LARGE, **_BATCH),
    mixed_graph(100),
    mixed_graph(2000, **_GRAPH),
    chained(300, long=("tinygrad",)),
    fanned_out(1000, **_GRAPH),
)


def workloads(*, whole: bool) -> list[Workload]:
    """Return the questions as workloads; unless `whole`, who compiles for many seconds only says so."""
    return [Workload(question.name, question.contenders(whole=whole)) for question in QUESTIONS]
