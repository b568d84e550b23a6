"""Record the certified decision boundary of the `readme` run: python reference/record_boundary.py.

What training in 1,024-bit balls ends with is evaluated, still in balls, at every point of the seed
README's grid.
"""

from __future__ import annotations

import json
from pathlib import Path

import flint
import numpy as np
import torch
from record_training import in_pytorch
from torch.func import grad, vmap

from nn_from_scratch.verify.training.balls import BallArithmetic, Balls, enclose
from nn_from_scratch.verify.training.boundary import THRESHOLD, grid
from nn_from_scratch.verify.training.formula import forward, unflatten
from nn_from_scratch.verify.training.recorded import MARGIN, load
from nn_from_scratch.verify.training.rounding import Rounding

HERE = Path(__file__).parent
BITS, DECIMALS = 1024, 6


def main() -> None:
    """Write boundary.json."""
    run = load("readme")
    across, along = grid(run.x)
    points = np.stack(np.meshgrid(across, along), axis=-1).reshape(-1, 2)
    *_, (_, layers) = enclose(run, BITS)
    with flint.ctx.workprec(BITS):
        true = forward(BallArithmetic(), layers, Balls.exact(points), run.activations).matrix.entries()
    outputs = np.array([float(ball) for ball in true])
    distance = abs(outputs - THRESHOLD)

    network = in_pytorch(run)
    by_weights = vmap(grad(lambda theta, point: network.output(theta, point[None])[0]), (None, 0))
    jacobian = by_weights(torch.tensor(run.final), torch.tensor(points)).numpy()
    rounding = Rounding()
    exact = [rounding.exact(layer) for layer in unflatten(run.final, run.sizes)]
    output = forward(rounding, exact, rounding.exact(points), run.activations)
    spread = abs(jacobian) @ run.final_spread + output.error[:, 0]
    if np.any(distance <= MARGIN * spread + 10.0**-DECIMALS):
        raise ArithmeticError("a grid point is too near the threshold for its class to be recorded")

    record = {
        "about": "The certified output of the trained network at every point of the seed README's grid.",
        "provenance": {
            "script": "reference/record_boundary.py",
            "certified bits": BITS,
            "largest radius": f"{max(float(ball.rad()) for ball in true):.0e}",
            "python-flint": flint.__version__,
        },
        "points": len(points),
        "nearest to the threshold": float(distance.min()),
        "spread": float(f"{spread.max():.3e}"),
        "value": outputs.reshape(len(along), len(across)).round(DECIMALS).tolist(),
    }
    (HERE / "boundary.json").write_text(json.dumps(record).replace("], [", "],\n[") + "\n", encoding="utf-8")
    print({key: value for key, value in record.items() if key != "value"})


if __name__ == "__main__":
    main()
