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

from nn_from_scratch.verify.training.balls import BallArithmetic, Balls
from nn_from_scratch.verify.training.formula import flatten, step, unflatten
from nn_from_scratch.verify.training.rounding import Rounding

if TYPE_CHECKING:
    from numpy.typing import NDArray

HERE = Path(__file__).parent
DIGITS = 40  # of the certified losses that are kept
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

    def start(self) -> NDArray[np.float64]:
        """Return the initial weights: those of `MLP(sizes, seed=seed)`, or the solved ones."""
        if self.name == "readme":
            solved = json.loads((HERE / "readme_start.json").read_text(encoding="utf-8"))
            return np.array(solved["start"])
        generator = np.random.default_rng(self.seed)
        layers = [generator.uniform(-1, 1, (neurons, inputs + 1)) for inputs, neurons in pairwise(self.sizes)]
        return flatten(layers).astype(self.dtype).astype(np.float64)


SEEDS = [Case(f"seed-{seed:02}", f"MLP([2, 16, 16, 1], seed={seed}).", seed) for seed in range(20)]
CASES = [
    Case("readme", "The start solved for, from which the log of the seed README is printed."),
    *SEEDS,
    Case("sizes-2-1", "One neuron.", sizes=(2, 1)),
    Case("sizes-2-4-1", "One small hidden layer.", sizes=(2, 4, 1)),
    Case("sizes-2-8-8-8-8-1", "Four hidden layers.", sizes=(2, 8, 8, 8, 8, 1)),
    Case("sizes-2-64-64-64-1", "8,577 weights.", sizes=(2, 64, 64, 64, 1), learning_rate=1e-4, bits=4096),
    Case("relu", "Two layers of relu, then tanh.", activations=("relu", "relu", "tanh")),
    Case("sigmoid", "Three layers of sigmoid.", activations=("sigmoid",) * 3, learning_rate=1e-2),
    Case("rate-1e-4", "A small learning rate.", learning_rate=1e-4),
    Case("rate-3e-3", "A learning rate past the fastest.", learning_rate=3e-3),
    Case("rate-1e-2", "Training no longer settles.", learning_rate=1e-2, bits=2048),
    Case("rate-3e-2", "Training diverges.", learning_rate=3e-2, bits=2048),
    Case("rate-1e-1", "Training diverges at once.", learning_rate=1e-1, bits=2048),
    Case("batches-of-10", "Ten samples per iteration, in order.", learning_rate=1e-2, batch=10),
    Case("float32", "Start, data and arithmetic in float32.", learning_rate=2.0**-10, dtype="float32"),
    Case("iterations-2000", "2,000 iterations.", iterations=2000, bits=8192),
]


def record(case: Case) -> dict[str, Any]:
    """Run, certify and analyse one case."""
    data = json.loads((HERE / "moons.json").read_text(encoding="utf-8"))
    x = np.array(data["x"]).astype(case.dtype).astype(np.float64)
    y = np.array(data["y"], dtype=np.float64)
    start = case.start()
    activations = case.activations or ("tanh",) * (len(case.sizes) - 1)

    def training(dtype: str) -> Training:
        kind = getattr(torch, dtype)
        return Training(
            case.sizes,
            activations,
            torch.tensor(x, dtype=kind),
            torch.tensor(y, dtype=kind),
            case.learning_rate,
            case.batch,
        )

    run = training(case.dtype)
    losses, thetas = run.run(torch.tensor(start, dtype=run.x.dtype), case.iterations)
    final = thetas[-1].double()
    exact_run = training("float64")
    _, thetas = exact_run.run(torch.tensor(start), case.iterations)
    spread, positions, final_spread = spreads(
        exact_run, thetas, 2.0 ** -(24 if case.dtype == "float32" else 53)
    )
    truth = certify(exact_run, start, case.iterations, case.bits)
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
        "sizes": list(case.sizes),
        "activations": list(activations),
        "learning_rate": case.learning_rate,
        "batch": case.batch,
        "start": start.tolist(),
        "losses": losses.double().tolist(),
        "final": final.tolist(),
        "spread": [float(f"{value:.3e}") for value in np.minimum(spread, 1e300)],
        "final_positions": positions,
        "final_spread": [float(f"{value:.3e}") for value in np.minimum(final_spread, 1e300)],
        "true_losses": truth,
    }


def spreads(
    run: Training, thetas: torch.Tensor, unit: float
) -> tuple[NDArray[np.float64], list[int], NDArray[np.float64]]:
    """Return the spread of every loss, positions of final weights, and the spread of those."""
    iterations, weights = len(thetas) - 1, thetas.shape[1]
    positions = list(range(0, weights, -(-weights // JUDGED_WEIGHTS)))
    arithmetic = Rounding(unit)
    squared = np.zeros(iterations + len(positions))
    rows = run.sensitivities(thetas, range(iterations), positions)
    _, sensitivity = next(rows)
    for j, earlier in rows:
        seen = run.samples(j)
        loss, layers = step(
            arithmetic,
            [arithmetic.exact(layer) for layer in unflatten(thetas[j].numpy(), run.sizes)],
            arithmetic.exact(run.x[seen].numpy()),
            arithmetic.exact(run.y[seen, None].numpy()),
            learning_rate=run.learning_rate,
            activations=run.activations,
        )
        squared += (abs(sensitivity.numpy()) @ flatten([layer.error for layer in layers])) ** 2
        squared[j] += loss.error.item() ** 2
        sensitivity = earlier
    spread = np.sqrt(squared)
    return spread[:iterations], positions, spread[iterations:]


def certify(run: Training, start: NDArray[np.float64], iterations: int, bits: int) -> list[str]:
    """Return the true losses as decimals, as long as balls of this precision know DIGITS digits."""
    truth = []
    arithmetic = BallArithmetic()
    with flint.ctx.workprec(bits):
        layers = [Balls.exact(layer) for layer in unflatten(start, run.sizes)]
        for k in range(iterations):
            seen = run.samples(k)
            x, y = Balls.exact(run.x[seen].numpy()), Balls.exact(run.y[seen, None].numpy())
            loss, layers = step(
                arithmetic, layers, x, y, learning_rate=run.learning_rate, activations=run.activations
            )
            ball = loss.matrix[0, 0]
            if ball.rel_accuracy_bits() < DIGITS * 3.33:
                break
            truth.append(ball.str(DIGITS, radius=False))
    return truth


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
