"""Record training runs: PyTorch's curve, the certified one, and what rounding may do to them.

    python reference/record_training.py            # all runs, takes about an hour
    python reference/record_training.py readme     # those whose name begins so

Every run starts from stored weights. PyTorch trains (`pytorch_training`), and FLINT balls enclose the true
loss at every iteration. The spread of each loss under rounding is derived to first order: what one step may
round off (`nn_from_scratch.verify.training.rounding`) times how much the loss depends on each weight after
that step (PyTorch's Jacobians), steps being independent.
"""

from __future__ import annotations

import argparse
import json
import platform
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import flint
import numpy as np
import torch
from pytorch_training import Training

from nn_from_scratch.verify.oracles.reference import read
from nn_from_scratch.verify.training.balls import enclose
from nn_from_scratch.verify.training.formula import flatten, step, unflatten
from nn_from_scratch.verify.training.recorded import Configuration, data
from nn_from_scratch.verify.training.rounding import Rounding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

HERE = Path(__file__).parent
DIGITS, BITS_PER_DIGIT = 40, 3.33  # of the certified losses that are kept
JUDGED_WEIGHTS = 512  # final weights whose spread is derived, at most


@dataclass(frozen=True)
class Case:
    """What to record; the defaults are the configuration of the seed README."""

    name: str
    about: str
    seed: int = 0
    sizes: tuple[int, ...] = (2, 16, 16, 1)
    activations: tuple[str, ...] = ()
    learning_rate: float = 1e-3
    batch: int | None = None
    iterations: int = 101
    dtype: str = "float64"
    bits: int = 1024

    def configuration(self) -> Configuration:
        """Return what is trained; it starts as `MLP(sizes, seed=seed)` does, or from the solved weights."""
        if self.name == "readme":
            start = np.array(read("readme_start.json")["start"])
        else:
            start = drawn(self.sizes, self.seed).astype(self.dtype).astype(np.float64)
        x, y = data(self.dtype)
        activations = self.activations or ("tanh",) * (len(self.sizes) - 1)
        return Configuration(
            self.sizes, activations, self.learning_rate, self.batch, self.iterations, x, y, start
        )


def drawn(sizes: Sequence[int], seed: int) -> NDArray[np.float64]:
    """Return the flat initial weights of `MLP(sizes, seed=seed)`."""
    generator = np.random.default_rng(seed)
    layers = [generator.uniform(-1, 1, (neurons, inputs + 1)) for inputs, neurons in pairwise(sizes)]
    return flatten(layers)


SEEDS = [Case(f"seed-{seed:02}", f"MLP([2, 16, 16, 1], seed={seed}).", seed) for seed in range(20)]
CASES = [
    Case("readme", "The start solved for, from which the log of the seed README is printed."),
    *SEEDS,
    Case("sizes-2-1", "One neuron.", sizes=(2, 1)),
    Case("sizes-2-4-1", "One small hidden layer.", sizes=(2, 4, 1)),
    Case("sizes-2-4-3-1", "Two small hidden layers.", sizes=(2, 4, 3, 1)),
    Case("sizes-2-8-8-8-8-1", "Four hidden layers.", sizes=(2, 8, 8, 8, 8, 1)),
    Case("sizes-2-64-64-64-1", "8,577 weights.", 5, (2, 64, 64, 64, 1), learning_rate=1e-4),
    Case("relu", "Two layers of relu, then tanh.", activations=("relu", "relu", "tanh")),
    Case("relu-2-4-1", "One small hidden layer of relu.", sizes=(2, 4, 1), activations=("relu", "tanh")),
    Case(
        "sigmoid-2-4-1",
        "Small, of sigmoid.",
        sizes=(2, 4, 1),
        activations=("sigmoid",) * 2,
        learning_rate=1e-2,
    ),
    Case("sigmoid", "Three layers of sigmoid.", activations=("sigmoid",) * 3, learning_rate=1e-2),
    Case("rate-1e-4", "A small learning rate.", learning_rate=1e-4),
    Case("rate-3e-3", "A learning rate past the fastest.", learning_rate=3e-3),
    Case("rate-1e-2", "Training no longer settles.", learning_rate=1e-2, bits=2048),
    Case("rate-3e-2", "Training diverges.", learning_rate=3e-2, bits=2048),
    Case("rate-1e-1", "Training diverges at once.", learning_rate=1e-1, bits=2048),
    Case("batches-of-10", "Ten samples per iteration, in order.", learning_rate=1e-2, batch=10),
    Case("float32", "Start, data and arithmetic in float32.", learning_rate=2.0**-10, dtype="float32"),
    Case("iterations-2000", "2,000 iterations.", sizes=(2, 4, 1), iterations=2000, bits=4096),
]


def record(case: Case) -> dict[str, Any]:
    """Run, certify and analyse one case."""
    configuration = case.configuration()
    losses, thetas = in_pytorch(configuration, case.dtype).run(configuration.start, case.iterations)
    unit = float(np.finfo(case.dtype).eps) / 2
    spread, positions, final_spread = spreads(configuration, unit)
    return {
        "about": case.about,
        "provenance": {
            "script": "reference/record_training.py",
            "seed": None if case.name == "readme" else case.seed,
            "dtype": case.dtype,
            "certified bits": case.bits,
            "python": platform.python_version(),
            "platform": platform.platform(),
            "numpy": np.__version__,
            "torch": torch.__version__,
            "python-flint": flint.__version__,
        },
        "sizes": list(configuration.sizes),
        "activations": list(configuration.activations),
        "learning_rate": configuration.learning_rate,
        "batch": configuration.batch,
        "start": configuration.start.tolist(),
        "losses": losses.double().tolist(),
        "final": thetas[-1].double().tolist(),
        "spread": short(spread),
        "final_positions": positions,
        "final_spread": short(final_spread),
        "true_losses": certify(configuration, case.bits),
    }


def in_pytorch(configuration: Configuration, dtype: str = "float64") -> Training:
    """Return the same training for PyTorch."""
    return Training(
        configuration.sizes,
        configuration.activations,
        torch.tensor(configuration.x, dtype=getattr(torch, dtype)),
        torch.tensor(configuration.y, dtype=getattr(torch, dtype)),
        configuration.learning_rate,
        configuration.batch,
    )


def spreads(
    configuration: Configuration, unit: float
) -> tuple[NDArray[np.float64], list[int], NDArray[np.float64]]:
    """Return the spread of every loss, positions of final weights, and the spread of those."""
    iterations, weights = configuration.iterations, len(configuration.start)
    positions = list(range(0, weights, -(-weights // JUDGED_WEIGHTS)))
    training, arithmetic = in_pytorch(configuration), Rounding(unit)
    _, thetas = training.run(configuration.start, iterations)
    squared = np.zeros(iterations + len(positions))
    rows = training.sensitivities(thetas, range(iterations), positions)
    _, sensitivity = next(rows)
    for j, earlier in rows:
        layers = [arithmetic.exact(layer) for layer in unflatten(thetas[j].numpy(), configuration.sizes)]
        x, y = map(arithmetic.exact, configuration.samples(j))
        loss, layers = step(arithmetic, layers, x, y, **configuration.descent)
        squared += (abs(sensitivity.numpy()) @ flatten([layer.error for layer in layers])) ** 2
        squared[j] += loss.error.item() ** 2
        sensitivity = earlier
    spread = np.sqrt(squared)
    return spread[:iterations], positions, spread[iterations:]


def certify(configuration: Configuration, bits: int) -> list[str]:
    """Return the true losses as decimals, as long as balls of this precision know DIGITS digits."""
    truth = []
    for loss, _ in enclose(configuration, bits):
        if loss.rel_accuracy_bits() < DIGITS * BITS_PER_DIGIT:
            break
        with flint.ctx.workprec(bits):
            truth.append(loss.str(DIGITS, radius=False))
    return truth


def short(values: NDArray[np.float64]) -> list[float]:
    """Return numbers to four digits; what overflows is the largest power of ten."""
    return [float(f"{value:.3e}") for value in np.minimum(np.nan_to_num(values, nan=np.inf), 1e300)]


def main() -> None:
    """Record the runs whose names begin with one of the arguments, or all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("prefixes", nargs="*", default=[""])
    chosen = parser.parse_args().prefixes
    torch.set_num_threads(1)
    for case in CASES:
        if case.name.startswith(tuple(chosen)):
            text = json.dumps(record(case), allow_nan=False)
            path = HERE / "training" / f"{case.name}.json"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text.replace(', "', ',\n"') + "\n", encoding="utf-8")
            print(case.name, flush=True)


if __name__ == "__main__":
    main()
