"""What the command line says of answers by convention."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from nn_from_scratch.verify import Case, Expression, Step, Verdict, load, verify
from nn_from_scratch.verify.campaign.convention_examples import MOST_EXAMPLES, example
from nn_from_scratch.verify.campaign.statistics import Statistics
from nn_from_scratch.verify.judging.examine import examine
from nn_from_scratch.verify.questions.cases import single
from nn_from_scratch.verify.results.tables import show_verify

pytestmark = pytest.mark.once

CLIPPED = single("clip", "xcc", [1.0, 1.0, 1.0])


def shown(results: dict[str, Any]) -> str:
    console = Console(file=io.StringIO(), width=400)
    show_verify(console, results)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


@pytest.fixture(scope="module")
def results() -> dict[str, Any]:
    return verify(replace(load("nn_from_scratch"), spec=""), graphs=20, directly=False, grades=["rules"])


def test_an_example_holds_what_was_asked_got_and_chosen() -> None:
    steps = (Step("relu", (0,)), Step("neg", (0,)), Step("relu", (2,)), Step("sub", (1, 3)))
    found = example(examine(load("nn_from_scratch"), Case(Expression(1, (), steps, 4), (0.0,))))
    assert found["text"] == "relu(x0) - relu(-x0) at x0 = 0.0"
    assert (found["got"], found["between"]) == ([0.0], [[1.0, 1.0]])
    assert [(one["kink"], one["operands"], one["weights"]) for one in found["choices"]] == [
        ("relu(x0)", ["x0", "0"], [0.0, 1.0]),
        ("relu(-x0)", ["-x0", "0"], [0.0, 1.0]),
    ]
    assert Expression.from_json(found["expression"]).to_json() == found["expression"]
    json.dumps(found, allow_nan=False)


def test_statistics_count_conventions_and_keep_some_examples() -> None:
    seen = examine(load("nn_from_scratch"), CLIPPED)
    assert seen.verdict is Verdict.CONVENTION
    found, other = Statistics(), Statistics()
    for _ in range(MOST_EXAMPLES):
        found.add(seen)
        other.add(examine(load("nn_from_scratch"), replace(CLIPPED, tangent=(1.0,))))
    found.merge(other)
    assert found.verdicts == found.second_order == {Verdict.CONVENTION: MOST_EXAMPLES}
    assert len(found.conventions) == MOST_EXAMPLES
    assert not found.accused
    assert found.largest == {}  # its error is no rounding
    assert not found.contradicted


def test_summary_tells_of_conventions_only_where_there_are_some(results: dict[str, Any]) -> None:
    none = {
        "graphs": results["graphs"] | {"convention": 0},
        "second_order": results["second_order"] | {"convention": 0},
    }
    assert "one choice at each" not in shown(results | none)
    some = {
        "graphs": results["graphs"] | {"convention": 2},
        "second_order": results["second_order"] | {"convention": 1},
        "convention_examples": [example(examine(load("nn_from_scratch"), CLIPPED))],
    }
    text = shown(results | some)
    assert "at kinks of 3 graphs it gives no derivative, but what one choice at each gives" in text
    assert (
        "clip(x0, 1.0, 1.0) at x0 = 1.0 (maximum(x0, 1.0) as x0; clip(x0, 1.0, 1.0) as maximum(x0, 1.0))"
        in text
    )


def test_results_have_the_counts_and_examples(results: dict[str, Any]) -> None:
    for part in ("graphs", "second_order"):
        assert results[part]["convention"] >= 0
        assert sum(results[part][one.value] for one in Verdict) == results[part]["checked"]
    assert len(results["convention_examples"]) <= MOST_EXAMPLES
