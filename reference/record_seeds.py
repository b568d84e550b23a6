"""Record in how many of 20 seeds every planted bug is caught: python reference/record_seeds.py [EVERY].

Given a number, only every so manyth bug is looked for, and nothing is recorded.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from nn_from_scratch.verify.campaign.environment import environment
from nn_from_scratch.verify.faults import FAULTS
from nn_from_scratch.verify.faults.seeds import DEFAULT_GRAPHS, caught

HERE = Path(__file__).parent
SEEDS = range(20)


def main() -> None:
    """Write seeds.json."""
    every = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    rows, missed = {}, {True: 0, False: 0}
    for fault in FAULTS[::every]:
        found = caught(fault, SEEDS)
        with_them, without = (found.seeds(direct_questions=asked) for asked in (True, False))
        missed[True] += with_them < len(SEEDS)
        missed[False] += without < len(SEEDS)
        rows[fault.name] = {
            "direct questions": found.directly,
            "seeds with direct questions": with_them,
            "seeds without": without,
            "first graphs": list(found.by_graphs.values()),
        }
        if without < len(SEEDS):
            print(f"{fault.name}: {with_them} of {len(SEEDS)} with direct questions, {without} without")
    about = (
        f"{len(rows)} planted bugs, {len(SEEDS)} seeds, {DEFAULT_GRAPHS} graphs: {len(rows) - missed[True]} "
        f"are caught with every seed, without direct questions {len(rows) - missed[False]}."
    )
    print(about)
    if every == 1:
        record = {
            "about": about,
            "provenance": {"script": "reference/record_seeds.py", **environment()},
            "faults": rows,
        }
        (HERE / "seeds.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
