"""Solve for initial weights from which the seed README's code prints its log, digit for digit.

    python reference/solve_readme_log.py

The author's start is unknown: the log was printed from unseeded weights. Eleven printed losses cannot
determine 337 weights, so there are many starts inside (-1, 1) that print it; this finds one, near
`MLP([2, 16, 16, 1], seed=s)` for the seed whose curve is nearest of 10,000. Gauss-Newton on the logarithms of
the eleven losses; each step is the shortest one in atanh of the weights, which keeps them inside (-1, 1).
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from record_training import Case, drawn, in_pytorch

from nn_from_scratch.verify.training.formula import descend

if TYPE_CHECKING:
    from pytorch_training import Training

HERE = Path(__file__).parent
PRINTED = [83.8247, 11.5137, 9.0155, 7.0642, 5.4826, 4.4820, 3.8770, 3.4857, 3.2109, 3.0044, 2.8409]
ITERATIONS = range(0, 101, 10)
SEEDS, TOGETHER = 10_000, 500


def nearest_seed() -> int:
    """Return the seed whose curve is nearest to the printed one, in the 2-norm of the log losses."""
    seeds = Case("seeds", "").configuration()
    distances = []
    for first in range(0, SEEDS, TOGETHER):
        starts = np.stack([drawn(seeds.sizes, seed) for seed in range(first, first + TOGETHER)])
        losses = np.stack([loss for loss, _ in descend(replace(seeds, start=starts))])
        distances.append(np.linalg.norm(np.log(losses[ITERATIONS]) - np.log(PRINTED)[:, None], axis=0))
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
    seed = nearest_seed()
    print(f"nearest: seed {seed} of {SEEDS}")
    near = Case("near", "", seed).configuration()
    training = in_pytorch(near)
    start = solve(training, torch.tensor(near.start))
    losses, _ = training.run(start, 101)
    record = {
        "about": "Initial weights solved for: from them the code of the seed README prints its log digit for "
        "digit. They are not the author's, which are unknown, and not the only such weights.",
        "provenance": {
            "script": "reference/solve_readme_log.py",
            "torch": torch.__version__,
            "numpy": np.__version__,
            "nearest seed": seed,
            "largest change of a weight": float(np.max(abs(start.numpy() - near.start))),
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
