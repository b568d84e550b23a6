"""Record the band of loss curves over 1,000 random starts: python reference/record_band.py.

Is the curve of the seed README's log a plausible one? Hand-written numpy trains from 1,000 starts at once.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from record_training import Case, drawn

from nn_from_scratch.verify.training.formula import descend

HERE = Path(__file__).parent
STARTS = 1000
QUANTILES = [0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0]


def main() -> None:
    """Write band.json."""
    seeds = Case("seeds", "").configuration()
    starts = np.stack([drawn(seeds.sizes, seed) for seed in range(STARTS)])
    curves = np.stack([loss for loss, _ in descend(replace(seeds, start=starts))])
    log = json.loads((HERE / "readme_start.json").read_text(encoding="utf-8"))["log"]
    printed = np.array([float(line.split()[-1]) for line in log])[:, None]
    record = {
        "about": "Quantiles, per iteration, of the losses from MLP([2, 16, 16, 1], seed=s), s = 0 to 999.",
        "provenance": {
            "script": "reference/record_band.py",
            "seeds": [0, STARTS],
            "dtype": "float64",
            "numpy": np.__version__,
        },
        "quantiles": QUANTILES,
        "losses": np.quantile(curves, QUANTILES, axis=1).round(6).tolist(),
        "share of starts below the printed loss": np.mean(curves[::10] < printed, axis=1).tolist(),
    }
    (HERE / "band.json").write_text(json.dumps(record).replace("], [", "],\n[") + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
