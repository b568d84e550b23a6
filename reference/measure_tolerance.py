"""Measure what the tolerance sees and costs: python reference/measure_tolerance.py [OUT.json [BEFORE.json]].

Without arguments it measures again what `tolerance.json` says of the tolerance as it is ("after"). To compare
another change, run it with PYTHONPATH set to the tree before, and then to the one after, given what was
measured before.

* power: of how many graphs with an operation an engine is accused whose derivative of that operation is too
  large by 1e-12, 1e-14 and 1e-15. Both trees are asked the same graphs.
* undecided: how many of a format's random graphs are, when answered by the truth, rounded; where several
  numbers tie, the middle of each derivative's interval is answered, which no choice gives together.
* tolerance: of what part of a derivative it is the median and the 90% quantile; and the time to derive it.
"""

from __future__ import annotations

import json
import math
import platform
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from nn_from_scratch.verify import Case, Engine, load
from nn_from_scratch.verify.engines.answers import Answer
from nn_from_scratch.verify.engines.driver import Driver
from nn_from_scratch.verify.faults.planting import scaled
from nn_from_scratch.verify.judging.examine import examine
from nn_from_scratch.verify.judging.question import Question
from nn_from_scratch.verify.judging.rounded_numbers import MARGIN
from nn_from_scratch.verify.questions.formats import FORMATS
from nn_from_scratch.verify.questions.generate import case, seeded
from nn_from_scratch.verify.questions.generate_arrays import array_case
from nn_from_scratch.verify.questions.operations import ALL_FORMS, CATALOGUE

BESIDE = ("add", "sub", "mul", "div", "exp", "sin", "tanh")
"""What graphs are made of, beside the operation that is too large."""
EXCESS = (1e-12, 1e-14, 1e-15)
GRAPHS = {"power": 300, "undecided": 1500, "tolerance": 1500}
FLAT = ("sign",)  # its derivative is 0: nothing is made too large


RECORD = Path(__file__).parent / "tolerance.json"


def main(out: Path = RECORD, before: Path | None = None) -> None:
    """Write what is measured."""
    warnings.simplefilter("ignore")
    earlier = read(RECORD)["before"] if out == RECORD else read(before) if before else None
    found = {"margin": MARGIN, "graphs": GRAPHS, "power": power(), "undecided": undecided(), **tolerances()}
    if earlier:
        found = {
            "about": "What the derived tolerance sees, before every rounding was charged and after.",
            "provenance": {
                "script": "reference/measure_tolerance.py",
                "python": platform.python_version(),
                "platform": platform.platform(),
                **{package: metadata.version(package) for package in ("numpy", "python-flint")},
            },
            "before": earlier,
            "after": found,
        }
    out.write_text(json.dumps(found, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def read(path: Path) -> dict[str, Any]:
    """Read what was measured."""
    return json.loads(path.read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def with_operation(name: str) -> Iterator[Case]:
    """Yield graphs of which the output depends on an operation."""
    forms = [form for form in ALL_FORMS if form[0] in (name, *BESIDE)]
    index = 0
    while True:
        drawn = case(seeded(17, index), forms)
        index += 1
        if any(step.operation == name for step in drawn.expression.live_steps()):
            yield drawn


def power() -> dict[str, dict[str, int]]:
    """Return, by operation and excess, of how many graphs the engine is accused."""
    table = {}
    for name in CATALOGUE:
        if name not in FLAT:
            drawn = [one for one, _ in zip(with_operation(name), range(GRAPHS["power"]), strict=False)]
            table[name] = {
                f"{excess:g}": sum(
                    examine(scaled(name, 1 + excess).engine(), one).verdict.accuses for one in drawn
                )
                for excess in EXCESS
            }
    return table


class _Truthful(Driver):
    """A driver that answers the truth, rounded."""

    def __init__(self, dtype: str) -> None:
        self.format = FORMATS[dtype]

    def answer(self, _operations: Any, one: Case) -> Answer:
        asked = Question.of(one).towards(None)
        value, truth = asked.truth()
        return Answer(self._nearest(value), tuple(map(self._nearest, truth)))

    def forward(self, operations: Any, one: Case) -> object:
        return one.expression.evaluate(operations, one.inputs())

    def _nearest(self, ball: Any) -> float:
        number = float(ball.mid())
        return self.format.nearest(number) if math.isfinite(number) else number


def truthful(dtype: str) -> Engine:
    """Return the engine."""
    return replace(load("nn_from_scratch"), driver=_Truthful(dtype), dtype=dtype, spec="")


def undecided() -> dict[str, dict[str, int]]:
    """Return verdicts by format."""
    return {
        dtype: dict(
            Counter(
                examine(truthful(dtype), drawn(index)).verdict.value for index in range(GRAPHS["undecided"])
            )
        )
        for dtype in FORMATS
    }


def drawn(index: int) -> Case:
    """Draw a scalar case or one of arrays, in turns."""
    choose = seeded(7, index)
    return array_case(choose) if index % 2 else case(choose)


def tolerances() -> dict[str, dict[str, float]]:
    """Return how wide tolerances are, and the milliseconds in which one is derived."""
    found = {}
    for kind, draw in (("scalar", case), ("arrays", array_case)):
        parts: list[float] = []
        spent = 0.0
        for index in range(GRAPHS["tolerance"]):
            asked = Question.of(draw(seeded(11, index)))
            value, truth = asked.truth()
            start = time.process_time()
            rounding = asked.rounding(value, truth, FORMATS["float64"])
            spent += time.process_time() - start
            sizes = (abs(float(ball.mid())) if ball.is_finite() else 0.0 for ball in truth)
            pairs = zip(rounding.derivatives, sizes, strict=True)
            ratios = (MARGIN * radius / size for radius, size in pairs if size)
            parts += filter(math.isfinite, ratios)
        found[kind] = {
            "median": float(np.median(parts)),
            "90%": float(np.quantile(parts, 0.9)),
            "milliseconds": round(1e3 * spent / GRAPHS["tolerance"], 3),
        }
    return found


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
