"""What the command line says of an engine: briefly, and of answers by convention."""

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
from nn_from_scratch.verify.results.raised import by_what_is_raised, the_others
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


def test_what_an_engine_lacks_is_one_line(results: dict[str, Any]) -> None:
    names = [*results["operations"]]
    absent = {"status": "not supported", "note": "TypeError: " * 50}
    few = {
        name: row if name in {"add", "tanh"} else row | absent for name, row in results["operations"].items()
    }
    few["add"] = few["add"] | {"note": "arrays of 4 axes: " * 50}
    console = Console(file=io.StringIO(), width=80)
    show_verify(console, results | {"operations": few, "alarms": []})
    printed = console.file.getvalue()  # type: ignore[attr-defined]
    assert f"{len(names) - 2} operations are not supported (--json and --html say why): " in printed
    assert "TypeError" not in printed
    assert len(printed.splitlines()) < 80


def test_an_error_that_is_anothers_is_not_an_operations(results: dict[str, Any]) -> None:
    row = {"status": "right", "largest_error_in_tolerances": 1e17, "checked": 9}
    rows = results["operations"] | {"add": results["operations"]["add"] | row}
    assert "1e+17" not in shown(results | {"operations": rows})
    rows["add"] |= {"status": "wrong", "wrong": 3}
    assert "1e+17" in shown(results | {"operations": rows})


def test_one_exception_in_many_failures_is_told_once() -> None:
    whole = load("micrograd")
    assert whole.tape is not None
    passes = iter(range(10**6))

    def backward(output: Any) -> None:
        if next(passes) > 50:  # else it is taken for a mistake of the adapter
            output.bakward()
        output.backward()

    engine = replace(whole, driver=replace(whole.tape, backward=backward), spec="")
    found = verify(engine, graphs=5, grades=["rules", "state"])
    raising = [one for one in found["failures"] if "bakward" in one["message"]]
    assert len(raising) > 30
    text = shown(found)
    assert text.count("the engine raised AttributeError") == 1
    assert (
        f"the same is raised in {len(raising) - 1} more failures (--json and --html tell each): add (" in text
    )
    assert "; a second backward of one output, " in text


def test_failures_that_raise_something_else_or_nothing_are_told_apart() -> None:
    told = {"grade": "rules", "operation": "add", "verdict": "error", "kind": "raises TypeError, in a role"}
    failures = [
        told | {"message": "add fails: in x0 + x1\nraises TypeError\nthe engine raised TypeError: one"},
        told | {"message": "add fails: in x0 + x0\nraises TypeError\nthe engine raised TypeError: two"},
        told | {"verdict": "wrong", "message": "add is wrong: TypeError: one", "kind": "another derivative"},
        told | {"operation": "a chain", "grade": "limits", "message": "a chain: TypeError: one"},
        told | {"verdict": "wrong", "message": "add is wrong: TypeError: one", "kind": "another derivative"},
    ]
    assert by_what_is_raised(failures) == [
        [failures[0], failures[3]],
        [failures[1]],
        [failures[2]],
        [failures[4]],
    ]
    assert the_others([failures[0], failures[3], failures[0]]) == "add (2); a chain"


def test_a_check_that_does_not_apply_is_named_and_several_are_counted(results: dict[str, Any]) -> None:
    not_made = [("a leaf", "no leaves"), ("rows", "no arrays"), ("columns", "no arrays")]
    rows = [{"name": name, "outcome": "does not apply", "message": why} for name, why in not_made]
    text = shown(results | {"state": rows})
    assert "\na leaf: does not apply: no leaves\n2 checks: does not apply: no arrays\n" in text
