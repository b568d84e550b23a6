"""Chunks of which the answer is known: a campaign over them takes no engine and next to no time."""

import random
import time
from typing import Any

from nn_from_scratch.verify.store.asking import Found, Request
from nn_from_scratch.verify.store.plan import Plan

PLAN = Plan("fake", "fake", "float64", "", 0, 10, True, "1", "1")


def failure(name: str) -> dict[str, Any]:
    return {"operation": name, "kind": "a factor", "expression": [name], "shapes": [], "message": name}


def ask(request: Request) -> Found:
    """Answer as an engine would of which one operation is wrong now and then."""
    draw = random.Random(request.first)
    time.sleep(draw.uniform(0.0, 0.002))
    wrong = draw.choice([0, 0, 0, 1, 2])
    tally = {
        "graphs": {"right": PLAN.chunk - wrong, **({"wrong": wrong} if wrong else {})},
        "checked": {"add": draw.randrange(1, 9)},
        "undecided": {},
        "accusing": {},
        "largest": {"add": draw.random()},
    }
    return Found(request.first, tally, [failure(draw.choice("abc")) for _ in range(wrong)])
