"""The cells of a comparison: what one engine's results say of one thing, in a word that says no more."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

NOT_ASKED = "not asked"
_WORST_FIRST = ("wrong", "error", "inaccurate")
"""What is wrong and says so is better than what is wrong and does not."""
_OF_GRAPHS = ("rules", "accuracy")
_PHASES = ("direct questions", "random graphs", "failures")
"""What has to be asked in full before an operation is called right."""


def operation_cell(results: Mapping[str, Any] | None, name: str) -> dict[str, Any]:
    """Return the cell of an operation.

    Parameters
    ----------
    results
        What `verify` says of the engine; None where it was asked nothing.
    name
        The operation.

    Returns
    -------
    dict
        `word` is one of "right", "convention", "inaccurate", "wrong", "error", "undecided", "not settled",
        "not supported" and "not asked"; `note` says what of it is not supported, where something is;
        `failures` are positions in the failures of the results; `tolerances` and `ulps` the largest errors
        where it stands alone, and `worst` the question with the most ulps.

    """
    row = results["operations"].get(name) if results else None
    if results is None or row is None:
        return {"word": NOT_ASKED, "note": "", "failures": [], "tolerances": None, "ulps": None, "worst": ""}
    told = _told_of(results["failures"], name, _OF_GRAPHS)
    return {
        "word": _word(row, [results["failures"][k]["verdict"] for k in told], asked_all=asked_all(results)),
        "note": row["note"],
        "failures": told,
        "tolerances": row["alone"]["tolerances"],
        "ulps": row["alone"]["ulps"],
        "worst": row["alone"]["text"],
    }


def _word(row: Mapping[str, Any], verdicts: Sequence[str], *, asked_all: bool) -> str:
    """Return what is said of an operation: "right" only where all was asked and answered so."""
    if row["status"] == "wrong" or (row["status"] == "right" and verdicts):
        return next((verdict for verdict in _WORST_FIRST if verdict in verdicts), "wrong")
    if row["status"] == "not checked":
        return "undecided" if row["direct"] + row["checked"] else NOT_ASKED
    if row["status"] != "right":
        return str(row["status"])
    if not asked_all:
        return "not settled"
    return "convention" if row["conventions"] else "right"


def asked_all(results: Mapping[str, Any]) -> bool:
    """Whether an engine was asked all direct questions and graphs, and what failed was examined."""
    cut = results["interrupted"] or results["stopped by time"]
    return not cut and not any(phase in results["not asked"] for phase in _PHASES)


def state_cell(results: Mapping[str, Any] | None, name: str) -> dict[str, Any]:
    """Return the cell of a check of state or limits: its outcome, or "not asked"."""
    found = [row for row in results["state"] if row["name"] == name] if results else []
    if not found or results is None:
        return {"word": NOT_ASKED, "note": "", "failures": []}
    (row,) = found
    failures = _told_of(results["failures"], name, ("state", "limits"))
    return {"word": row["outcome"], "note": row["message"], "failures": failures}


def kink_cell(results: Mapping[str, Any] | None, at: str) -> dict[str, Any]:
    """Return the cell of a kink: the derivative that the engine gives, and in a word whether that can be.

    The word is the verdict on the whole answer, value and all derivatives: "undecided" where no derivative is
    known; "not supported" and "not asked" where there is none.
    """
    rows = results["conventions"] if results else []
    answers = [row["engine"] for row in rows if row["at"] == at and row["engine"] is not None]
    if not rows or results is None:
        return {"word": NOT_ASKED, "derivative": None}
    if not answers:
        return {"word": "not supported", "derivative": None}
    return {"word": results["kinks"].get(at, NOT_ASKED), "derivative": answers[0]}


def elsewhere(failures: Sequence[Mapping[str, Any]], names: Collection[str]) -> list[int]:
    """Return the failures of single graphs that none of these operations has to answer for."""
    of_graphs = [k for k, one in enumerate(failures) if one["grade"] in _OF_GRAPHS]
    return [k for k in of_graphs if _blamed(failures[k]).isdisjoint(names)]


def _blamed(failure: Mapping[str, Any]) -> set[str]:
    """Return the operations that a failure is told of: one, or all that a common cause has shown."""
    return {failure["operation"], *failure.get("operations", ())}


def _told_of(failures: Sequence[Mapping[str, Any]], name: str, grades: Sequence[str]) -> list[int]:
    return [k for k, one in enumerate(failures) if name in _blamed(one) and one["grade"] in grades]
