"""What kind of fault it is that a check of state or limits shows."""

from __future__ import annotations

from collections.abc import Mapping

from nn_from_scratch.verify.failures.again import STATE_LEFT_OVER
from nn_from_scratch.verify.state import CHECKS, Result, checks, limits

_KINDS: Mapping[checks.Check, str] = {
    checks.second_backward: STATE_LEFT_OVER,
    checks.second_cotangent: STATE_LEFT_OVER,
    checks.inner_output: STATE_LEFT_OVER,
    checks.built_again: STATE_LEFT_OVER,
    checks.after_error: STATE_LEFT_OVER,
    checks.two_outputs: STATE_LEFT_OVER,
    checks.leaf_in_two_graphs: STATE_LEFT_OVER,
    checks.assigned_values: "values read afresh, after they were assigned",
    checks.arrays_apart: "memory shared",
    checks.hash_seeds: "another answer under another hash seed, as by the order of a set",
    limits.nothing_left: "memory left behind",
}


def kind_of_check(check: Result) -> str:
    """Tell the kind of fault in a few words; nothing where the check's name says it all."""
    if check.outcome == "error":
        return f"raises {check.message.partition(':')[0]}"
    return _KINDS.get(CHECKS[check.name].check, "") if check.outcome == "wrong" else ""
