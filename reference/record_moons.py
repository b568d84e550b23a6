"""Record the moons, so that every machine trains on the same bits: python reference/record_moons.py."""

from __future__ import annotations

import json
from pathlib import Path

import sklearn
from sklearn.datasets import make_moons


def main() -> None:
    """Write moons.json."""
    x, y = make_moons(n_samples=100, noise=0.1, random_state=42)
    record = {
        "about": "The data of the training runs: 100 points of two interleaving half circles.",
        "provenance": {
            "script": "reference/record_moons.py",
            "call": "make_moons(n_samples=100, noise=0.1, random_state=42)",
            "scikit-learn": sklearn.__version__,
        },
        "x": x.tolist(),
        "y": y.tolist(),
    }
    path = Path(__file__).parent / "moons.json"
    path.write_text(json.dumps(record).replace("], [", "],\n[") + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
