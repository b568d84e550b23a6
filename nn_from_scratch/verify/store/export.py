"""What a store says, as results JSON: the same whoever asked, in whatever order, in however many runs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from nn_from_scratch.verify.judging.verdicts import Verdict
from nn_from_scratch.verify.store.plan import Plan
from nn_from_scratch.verify.store.store import Store
from nn_from_scratch.verify.store.tally import LARGEST

SCHEMA = 1
_LARGEST = 1e300  # strict JSON has no infinity, which an answer is off by that is no number


def results_of(store: Store, plan: Plan, graphs: int) -> dict[str, Any]:
    """Return the results of a campaign so far.

    Parameters
    ----------
    store
        Where they are.
    plan
        What was asked.
    graphs
        How many graphs there were to be.

    Returns
    -------
    dict
        "verdict" is "wrong" if anything was accused; "not settled" if a process ended or an engine was given
        up; "nothing checked" if no graph was right; else "right", of the graphs that were asked: "complete"
        says whether those are all. Only random graphs are asked: no state, no limits, no direct questions.

    """
    total = store.total
    checked = sum(total.get("graphs", {}).values())
    operations = {
        name: {
            "checked": total["checked"][name],
            "undecided": total["undecided"].get(name, 0),
            "in accused graphs": total["accusing"].get(name, 0),
            "largest error": min(total[LARGEST][name], _LARGEST) if name in total[LARGEST] else None,
        }
        for name in sorted(total.get("checked", ()))
    }
    return {
        "schema": SCHEMA,
        "kind": "campaign",
        "plan": asdict(plan),
        "verdict": _verdict(total),
        "complete": checked >= graphs,
        "graphs": {"requested": graphs, "checked": checked, **_sorted(total.get("graphs", {}))},
        "second order": _sorted(total.get("second order", {})),
        "operations": operations,
        "oracles": {name: _sorted(counts) for name, counts in _sorted(total.get("oracles", {})).items()},
        "contradicted": _sorted(total.get("contradicted", {})),
        "deaths": _sorted(total.get("deaths", {})),
        "given up": _sorted(total.get("given up", {})),
        "failures": store.failures,
    }


def _verdict(total: dict[str, Any]) -> str:
    counts = [total.get(name, {}) for name in ("graphs", "second order")]
    accusing = [verdict.value for verdict in Verdict if verdict.accuses]
    if any(count.get(name) for count in counts for name in accusing):
        return "wrong"
    if total.get("deaths") or total.get("given up"):
        return "not settled"
    return "right" if any(count.get(Verdict.RIGHT.value) for count in counts) else "nothing checked"


def _sorted(counts: dict[str, Any]) -> dict[str, Any]:
    return dict(sorted(counts.items()))
