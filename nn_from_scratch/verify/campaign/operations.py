"""The table of operations: what is known of each, and in a word whether it is right."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from nn_from_scratch.verify.campaign.direct import Direct
from nn_from_scratch.verify.campaign.largest_errors import LargestErrors
from nn_from_scratch.verify.campaign.statistics import Statistics
from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.judging.avoidable import Loss
from nn_from_scratch.verify.questions.operations import OPERATIONS

_MOST_LACKS = 6  # that are named of one operation


def operations_table(
    engine: Engine,
    found: Statistics,
    direct: Direct,
    wrong: Collection[str],
    unsettled: Collection[str],
) -> dict[str, dict[str, Any]]:
    """Return a row for each operation of the catalogue.

    Parameters
    ----------
    engine
        The engine.
    found, direct
        What random graphs and direct questions found.
    wrong
        The operations that a fault is told of.
    unsettled
        Those with failures that were not examined.

    Returns
    -------
    dict
        By name: `status` is "right", "wrong", "not settled", "not checked" or "not supported"; `direct`
        and `checked` count direct questions and random graphs; `wrong` counts the failing graphs with an
        operation that is wrong; `conventions` the direct questions that only choices at kinks explain;
        `alone` says how far answers are off where it stands alone (`LargestErrors`); `note` says what of it
        is not supported.

    """
    supported = {name for name, _ in (*engine.forms, *engine.array_forms)}
    table = {}
    for name in OPERATIONS:
        undecided = found.undecided[name]
        decided = direct.checked[name] - direct.undecided[name] + found.checked[name] - undecided
        asked = direct.checked[name] + found.checked[name] + found.accusing[name]
        lacks = _lacks(engine, name, direct)
        died = any(case.expression.steps[0].operation == name for case in engine.deadly)
        if (name not in supported or (not asked and lacks)) and not died:
            status = "not supported"
        elif name in wrong or died:
            status = "wrong"
        elif name in unsettled:
            status = "not settled"
        else:
            status = "right" if decided else "not checked"
        table[name] = {
            "supported": status != "not supported",
            "status": status,
            "direct": direct.checked[name],
            "checked": found.checked[name],
            "wrong": found.accusing[name] if name in wrong else 0,
            "undecided": undecided,
            "conventions": direct.conventions[name],
            "alone": direct.alone.get(name, LargestErrors()).told(),
            "largest_error_in_tolerances": min(found.largest.get(name, 0.0), 1e300),
            "avoidable_digits_lost": round(found.losses[name].digits, 1) if name in found.losses else None,
            "avoidable_example": found.losses.get(name, Loss()).example,
            "note": "; ".join(lacks[:_MOST_LACKS])
            + (f"; and {len(lacks) - _MOST_LACKS} more" if len(lacks) > _MOST_LACKS else ""),
        }
    return table


def _lacks(engine: Engine, name: str, direct: Direct) -> list[str]:
    noted = engine.note(name)
    return [*([noted] if noted else []), *direct.lacks.get(name, [])]
