"""Record which derivatives PyTorch and JAX give at kinks: python reference/record_conventions.py."""

from __future__ import annotations

import json
from importlib import metadata
from pathlib import Path

from nn_from_scratch.verify import load
from nn_from_scratch.verify.campaign.environment import environment
from nn_from_scratch.verify.judging.conventions import KINKS

HERE = Path(__file__).parent


def main() -> None:
    """Write conventions.json."""
    engines = {name: load(name) for name in ("pytorch", "jax")}
    record = {
        "about": "The derivative that PyTorch and JAX give, in float64, at every kink, tie and zero of the "
        "catalogue. null: no such operation.",
        "provenance": {
            "script": "reference/record_conventions.py",
            **environment(),
            "jax": metadata.version("jax"),
        },
        "conventions": {
            kink.at: {name: kink.answer(engine) for name, engine in engines.items()} for kink in KINKS
        },
    }
    text = json.dumps(record, indent=1, allow_nan=False, ensure_ascii=False)
    (HERE / "conventions.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
