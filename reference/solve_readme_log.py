"""Solve for initial weights from which the seed README's code prints its log, digit for digit.

    python reference/solve_readme_log.py

The author's start is unknown: the log was printed from unseeded weights. Eleven printed losses cannot
determine 337 weights, so there are many starts inside (-1, 1) that print it; this finds one, near
`MLP([2, 16, 16, 1], seed=s)` for the seed whose curve is nearest of 10,000. Gauss-Newton on the logarithms of
the eleven losses; each step is the shortest one in atanh of the weights, which keeps them inside (-1, 1).
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from pytorch_training import Training
from record_training import Case

from nn_from_scratch.verify.training.formula import Floats, step, unflatten

HERE = Path(__file__).parent
PRINTED = [83.8247, 11.5137, 9.0155, 7.0642, 5.4826, 4.4820, 3.8770, 3.4857, 3.2109, 3.0044, 2.8409]
ITERATIONS = range(0, 101, 10)
SEEDS, TOGETHER = 10_000, 500


def nearest_seed(x: np.ndarray, y: np.ndarray) -> int:
    """Return the seed whose curve is nearest to the printed one, in the 2-norm of the log losses."""
    distances = []
    for first in range(0, SEEDS, TOGETHER):
        starts = np.stack([Case("", "", seed).start() for seed in range(first, first + TOGETHER)])
        layers, printed = unflatten(starts, [2, 16, 16, 1]), []
        for k in range(101):
            loss, layers = step(Floats(), layers, x, y[:, None], learning_rate=1e-3, activations=["tanh"] * 3)
            if k in ITERATIONS:
                printed.append(loss[:, 0, 0])
        distances.append(np.linalg.norm(np.log(printed) - np.log(PRINTED)[:, None], axis=0))
    return int(np.argmin(np.concatenate(distances)))


def solve(training: Training, theta: torch.Tensor) -> torch.Tensor:
    """Return weights near `theta` from which the printed losses follow."""
    z = torch.atanh(theta)
    for iteration in range(50):
        losses, thetas = training.run(torch.tanh(z), 101)
        residual = losses[ITERATIONS].log() - torch.tensor(PRINTED, dtype=losses.dtype).log()
        print(f"Gauss-Newton iteration {iteration}: largest error of a log loss {residual.abs().max():.1e}")
        if residual.abs().max() < 1e-14:
            return torch.tanh(z)
        *_, (_, sensitivities) = training.sensitivities(thetas, ITERATIONS)
        jacobian = sensitivities / losses[ITERATIONS, None] * (1 - torch.tanh(z) ** 2)
        z = z - torch.linalg.lstsq(jacobian, residual, driver="gelsd").solution
    raise ArithmeticError("Gauss-Newton did not converge")


def main() -> None:
    """Write readme_start.json."""
    torch.set_num_threads(1)
    data = json.loads((HERE / "moons.json").read_text(encoding="utf-8"))
    x, y = np.array(data["x"]), np.array(data["y"], dtype=np.float64)
    seed = nearest_seed(x, y)
    print(f"nearest: seed {seed} of {SEEDS}")
    training = Training([2, 16, 16, 1], ["tanh"] * 3, torch.tensor(x), torch.tensor(y), 1e-3)
    near = torch.tensor(Case("", "", seed).start())
    start = solve(training, near)
    losses, _ = training.run(start, 101)
    record = {
        "about": "Initial weights solved for: from them the code of the seed README prints its log digit for "
        "digit. They are not the author's, which are unknown, and not the only such weights.",
        "provenance": {
            "script": "reference/solve_readme_log.py",
            "torch": torch.__version__,
            "numpy": np.__version__,
            "nearest seed": seed,
            "largest change of a weight": float((start - near).abs().max()),
            "largest weight": float(start.abs().max()),
            "largest distance from the printed losses": float(
                np.max(np.abs(losses[ITERATIONS].numpy() - PRINTED))
            ),
        },
        "log": [f"Iter {k}: Loss {loss:.4f}" for k, loss in zip(ITERATIONS, PRINTED, strict=True)],
        "start": start.tolist(),
    }
    (HERE / "readme_start.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
