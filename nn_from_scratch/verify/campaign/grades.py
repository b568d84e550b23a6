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
    left_out = {state.CHECKS[name][0] for name in state.CHECKS.keys() - {one.name for one in checks}}
    for grade in ("state", "limits"):
        decisive = [one.outcome for one in checks if one.grade == grade and one.outcome != "not supported"]
        outcome = graded([outcome == "right" for outcome in decisive])
        outcomes[grade] = "not checked" if outcome == "right" and grade in left_out else outcome
    return outcomes


def overall_verdict(outcomes: Mapping[str, str]) -> str:
    """Return "right", "wrong" or "nothing checked", given the outcomes of the grades that are gated."""
    if "wrong" in outcomes.values():
        return "wrong"
    # Without any gradient the other grades say little, unless they are all that was asked for.
    vacuous = outcomes.get("rules") == "not checked" or "right" not in outcomes.values()
    return "nothing checked" if vacuous else "right"
