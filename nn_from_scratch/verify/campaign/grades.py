"""What is said of an engine in a word: a grade of each kind of check, and the verdict they make."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

from nn_from_scratch.verify import state
from nn_from_scratch.verify.judging.verdicts import Verdict

GRADES = ("rules", "accuracy", "state", "limits")
"""What is judged, and may be gated, apart."""


def grade(verdicts: Counter[Verdict], checks: list[state.Result], *, settled: bool = True) -> dict[str, str]:
    """Grade what was found.

    Parameters
    ----------
    verdicts
        Those of direct questions and of graphs, of first and second order.
    checks
        The outcomes of the named checks.
    settled
        Whether all was asked that was to be, and every failure was examined.

    Returns
    -------
    dict
        By grade "right", "wrong", "not settled", or "not checked" for one that rests on nothing.

    """

    def graded(outcomes: Collection[bool]) -> str:
        return "not checked" if not outcomes else "right" if all(outcomes) else "wrong"

    decided = verdicts.total() - verdicts[Verdict.UNDECIDED]
    wrong = verdicts[Verdict.WRONG] + verdicts[Verdict.ERROR]
    answered = decided > verdicts[Verdict.ERROR]  # an engine that only raised has answered nothing
    rules = [wrong == 0] * answered
    accuracy = [verdicts[Verdict.INACCURATE] == 0] * (decided > wrong)
    outcomes = {"rules": graded(rules), "accuracy": graded(accuracy)}
    if not settled:
        outcomes = {name: "not settled" if told == "right" else told for name, told in outcomes.items()}
    for name in ("state", "limits"):
        outcomes[name] = _grade_of_checks([one for one in checks if one.grade == name], name)
    return outcomes


def _grade_of_checks(checks: Collection[state.Result], grade: str) -> str:
    """Grade named checks: right only if each that applies was made, asked and answered right."""
    found = {one.outcome for one in checks}
    if found & {"wrong", "error"}:
        return "wrong"
    made = {one.name for one in checks}
    left_out = any(one.grade == grade and name not in made for name, one in state.CHECKS.items())
    return "right" if "right" in found and "not supported" not in found and not left_out else "not checked"


def overall_verdict(outcomes: Mapping[str, str]) -> str:
    """Return "right", "wrong", "not settled" or "nothing checked", given the outcomes of the gated grades."""
    for worst in ("wrong", "not settled"):
        if worst in outcomes.values():
            return worst
    # Without any gradient the other grades say little, unless they are all that was asked for.
    gradients = (outcomes.get(name) for name in ("rules", "accuracy"))
    vacuous = "not checked" in gradients or "right" not in outcomes.values()
    return "nothing checked" if vacuous else "right"
