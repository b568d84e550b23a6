"""Record which of all planted bugs a loss curve alone shows: python reference/record_planted.py."""

from __future__ import annotations

import json
from pathlib import Path

from nn_from_scratch.verify.campaign.environment import environment
from nn_from_scratch.verify.faults import FAULTS
from nn_from_scratch.verify.training.sensitivity import met, plant

HERE = Path(__file__).parent


def main() -> None:
    """Write planted.json."""
    bugs = met(FAULTS)
    planted = [plant(fault) for fault in bugs]
    shown = sum(bug["iteration"] is not None for bug in planted)
    missed = sum(bug["missed"] for bug in planted)
    record = {
        "about": f"Of {len(FAULTS)} planted bugs, training by scalars may meet {len(bugs)}. The curve alone "
        f"shows {shown} and misses {missed}; with the others every step on the way is right to rounding.",
        "provenance": {"script": "reference/record_planted.py", **environment()},
        "planted": planted,
    }
    (HERE / "planted.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(record["about"])


if __name__ == "__main__":
    main()
