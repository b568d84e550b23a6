"""What is said of an engine in a word: a grade of each kind of check, and the verdict they make."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from nn_from_scratch.verify import state
from nn_from_scratch.verify.campaign.statistics import Statistics
from nn_from_scratch.verify.judging.verdicts import Verdict

GRADES = ("rules", "accuracy", "state", "limits")
"""What is judged, and may be gated, apart."""


def grade(found: Statistics, checks: list[state.Result]) -> dict[str, str]:
    """Grade what was found; a grade that rests on nothing is "not checked"."""

    def graded(outcomes: Collection[bool]) -> str:
        return "not checked" if not outcomes else "right" if all(outcomes) else "wrong"

    verdicts = found.verdicts + found.second_order
    decided = verdicts.total() - verdicts[Verdict.UNDECIDED]
    wrong = verdicts[Verdict.WRONG] + verdicts[Verdict.ERROR]
    rules = [wrong == 0] * (decided > 0)
    accuracy = [verdicts[Verdict.INACCURATE] == 0] * (decided > wrong)
    outcomes = {"rules": graded(rules), "accuracy": graded(accuracy)}
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
    """Return "right", "wrong" or "nothing checked", given the outcomes of the grades that are gated."""
    if "wrong" in outcomes.values():
        return "wrong"
    # Without any gradient the other grades say little, unless they are all that was asked for.
    vacuous = outcomes.get("rules") == "not checked" or "right" not in outcomes.values()
    return "nothing checked" if vacuous else "right"
