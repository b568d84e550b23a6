"""Engines side by side: what a cell says, and what is kept when an engine dies or somebody interrupts."""

import json
import math
from collections.abc import Iterator
from typing import Any

import pytest
from compared_engines import ENGINES

from nn_from_scratch.verify.campaign import compare as module
from nn_from_scratch.verify.campaign.cells import elsewhere, kink_cell, operation_cell
from nn_from_scratch.verify.campaign.compare import beside, compare, depth
from nn_from_scratch.verify.campaign.kinks import ask_at_kinks
from nn_from_scratch.verify.campaign.largest_errors import LargestErrors, ulp
from nn_from_scratch.verify.campaign.verify import verify
from nn_from_scratch.verify.engines.engine import Engine, EngineError
from nn_from_scratch.verify.engines.installed import installed, versions
from nn_from_scratch.verify.engines.loading import load
from nn_from_scratch.verify.engines.wire.isolated import CAN_ISOLATE, isolated
from nn_from_scratch.verify.judging.conventions import KINKS
from nn_from_scratch.verify.judging.examine import examine
from nn_from_scratch.verify.questions.cases import single
from nn_from_scratch.verify.questions.formats import FORMATS
from nn_from_scratch.verify.questions.operations import OPERATIONS
from nn_from_scratch.verify.state import CHAINS, CHECKS

pytestmark = [pytest.mark.once, pytest.mark.skipif(not CAN_ISOLATE, reason="no processes of POSIX")]

QUICK: dict[str, Any] = {"graphs": 8, "grades": ("rules", "accuracy")}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("engines") / "engines.py"
    path.write_text(ENGINES)
    return str(path)


@pytest.fixture(scope="module")
def results(file: str) -> dict[str, Any]:
    specs = [f"{file}:{name}" for name in ("number", "wrong", "exits", "few")]
    *_, last = compare(specs, isolated, **QUICK)
    return last


def words(results: dict[str, Any], name: str) -> list[str]:
    (row,) = (row for row in results["operations"] if row["name"] == name)
    return [cell["word"] for cell in row["cells"]]


def test_each_engine_has_its_word(results: dict[str, Any]) -> None:
    assert words(results, "square") == ["right", "wrong", "error", "not supported"]
    assert words(results, "add") == ["right"] * 4
    assert words(results, "tanh") == ["not supported"] * 4
    assert [row["name"] for row in results["operations"]] == [*OPERATIONS]
    assert [engine["outcome"] for engine in results["engines"]] == ["asked"] * 4
    json.dumps(results, allow_nan=False)


def test_comparisons_and_runs_are_set_side_by_side(results: dict[str, Any]) -> None:
    run = results["engines"][3]["results"] | {"engine": "another"}
    found = beside([results, results | {"seed": 1}, run])
    labels = [engine["label"] for engine in found["engines"]]
    assert labels[3] == "Few (run 1)"
    assert labels[4] == labels[0].replace("run 1", "run 2") != labels[0]
    assert labels[-1] == "another"
    assert words(found, "square")[:8] == words(results, "square") * 2
    for kind in ("operations", "state", "kinks"):
        both = zip(results[kind], found[kind], strict=True)
        assert all(one["cells"] * 2 == joined["cells"][:8] for one, joined in both)
    assert (found["graphs"], found["seed"]) == (8, None)
    first, second, third = found["commands"]
    assert first == ["compare", *(engine["spec"] for engine in results["engines"]), "--graphs=8", "--seed=0"]
    assert second == [*first[:-1], "--seed=1"]
    assert third == ["verify", f"--engine={run['spec']}", "--graphs=8", "--seed=0"]
    (named_alike,) = beside([run, run | {"spec": "another.py"}])["engines"][1:]
    assert named_alike["label"] == "another (another.py)"


def test_a_wrong_cell_has_its_counterexample_and_script(results: dict[str, Any]) -> None:
    (row,) = (row for row in results["operations"] if row["name"] == "square")
    for k, verdict in ((1, "wrong"), (2, "error")):
        failures = results["engines"][k]["results"]["failures"]
        told = [failures[position] for position in row["cells"][k]["failures"]]
        assert told
        assert {one["verdict"] for one in told} == {verdict}
        assert all(one["reproducer"] for one in told)
    assert not row["cells"][0]["failures"]


def test_an_engine_that_exits_spoils_no_other(results: dict[str, Any]) -> None:
    number, _, exits, few = results["engines"]
    assert exits["results"]["deaths"]
    assert exits["verdict"] == "wrong"
    assert number["results"]["graphs"]["checked"] == few["results"]["graphs"]["checked"] == 8
    assert number["verdict"] == few["verdict"] == "right"


def test_what_nobody_asked_is_not_asked(results: dict[str, Any]) -> None:
    for length in (100_000, 1_000_000):  # left out, as limits decide nothing here
        (row,) = (row for row in results["state"] if row["name"] == CHAINS[length])
        assert [cell["word"] for cell in row["cells"]] == ["not asked"] * 4
    assert {row["name"] for row in results["state"]} == set(CHECKS)


def test_kinks_have_derivative_and_verdict(results: dict[str, Any]) -> None:
    (row,) = (row for row in results["kinks"] if row["at"] == "relu(x) at x = 0")
    assert row["between"] == (0.0, 1.0)
    assert row["cells"][0] == {"word": "right", "derivative": 0.0}
    assert row["cells"][3] == {"word": "not supported", "derivative": None}
    assert len(results["kinks"]) == len(KINKS)


def test_results_come_after_each_engine(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "verify", stopping_at("Wrong"))
    first, last = compare([f"{file}:{name}" for name in ("few", "wrong", "number")], isolated, **QUICK)
    assert [engine["outcome"] for engine in first["engines"]] == ["asked", "not asked", "not asked"]
    assert [engine["outcome"] for engine in last["engines"]] == ["asked", "interrupted", "not asked"]
    assert not first["interrupted"]
    assert last["interrupted"]
    assert words(last, "add") == ["right", "not asked", "not asked"]
    assert last["engines"][0]["results"] == first["engines"][0]["results"]


def stopping_at(name: str) -> Any:
    """Return a `verify` that is interrupted when it asks an engine of this name."""

    def asked(engine: Engine, **options: Any) -> Any:
        if engine.name == name:
            raise KeyboardInterrupt
        return verify(engine, **options)

    return asked


def test_an_engine_that_cannot_be_loaded_is_told_and_the_next_one_asked(file: str) -> None:
    *_, last = compare([f"{file}:nothing", f"{file}:few"], isolated, **QUICK)
    broken, few = last["engines"]
    assert broken["outcome"] == "cannot be asked"
    assert "there is no 'nothing'" in broken["message"]
    assert broken["verdict"] == "nothing checked"
    assert few["verdict"] == "right"
    assert words(last, "add") == ["not asked", "right"]


def row(status: str = "right", **others: Any) -> dict[str, Any]:
    alone = {"questions": 3, "tolerances": 0.5, "ulps": 1.0, "text": "sin(x0) at x0 = 1.0"}
    numbers = {"direct": 3, "checked": 2, "conventions": 0, "note": "", "alone": alone}
    return {"operations": {"sin": {"status": status, **numbers, **others}}}


COMPLETE = {"interrupted": False, "stopped by time": False, "not asked": {}, "failures": [], "kinds": []}
FAILURE: dict[str, Any] = {"operation": "sin", "grade": "rules", "verdict": "wrong"}


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({}, "right"),
        ({"interrupted": True}, "not settled"),
        ({"stopped by time": True}, "not settled"),
        ({"not asked": {"direct questions": "it died"}}, "not settled"),
        ({"not asked": {"random graphs": "it died"}}, "not settled"),
        ({"not asked": {"conventions at kinks": "it died"}}, "right"),
        (row(conventions=1), "convention"),
        (row("not settled"), "not settled"),
        (row("not supported"), "not supported"),
        (row("not checked", direct=0, checked=0), "not asked"),
        (row("not checked"), "undecided"),
        (row("wrong"), "wrong"),
        ({"failures": [FAILURE]}, "wrong"),  # told of it, though its status is right
        ({"failures": [FAILURE | {"verdict": "inaccurate", "grade": "accuracy"}]}, "inaccurate"),
        (row("wrong") | {"failures": [FAILURE | {"verdict": "error"}]}, "error"),
        (row("wrong") | {"failures": [FAILURE | {"verdict": "error"}, FAILURE]}, "wrong"),
        (
            row("wrong") | {"failures": [FAILURE | {"operation": "add", "operations": ["add", "sin"]}]},
            "wrong",
        ),
        ({"failures": [FAILURE | {"operation": "cos"}]}, "right"),
    ],
)
def test_a_cell_never_says_more_than_was_asked(changed: dict[str, Any], word: str) -> None:
    cell = operation_cell({**row(), **COMPLETE, **changed}, "sin")
    assert cell["word"] == word
    assert cell["ulps"] == 1.0
    assert operation_cell(None, "sin")["word"] == "not asked"


def test_failures_of_no_operation_are_told_elsewhere() -> None:
    reverse = FAILURE | {"operation": "the reverse pass"}
    failures: list[dict[str, Any]] = [
        FAILURE,
        reverse,
        reverse | {"operations": ["sin", "add"]},
        reverse | {"grade": "state"},
    ]
    assert elsewhere(failures, OPERATIONS) == [1]


def test_a_kink_without_a_verdict_is_not_asked() -> None:
    asked = {"conventions": [{"at": "here", "engine": 1.0}, {"at": "there", "engine": None}], "kinks": {}}
    assert kink_cell(asked, "here") == {"word": "not asked", "derivative": 1.0}
    assert kink_cell(asked | {"kinks": {"here": "wrong"}}, "here")["word"] == "wrong"
    assert kink_cell(asked, "there")["word"] == kink_cell(asked, "nowhere")["word"] == "not supported"
    assert kink_cell(asked | {"conventions": []}, "here")["word"] == "not asked"


def outcomes(*words: str) -> list[dict[str, str]]:
    return [
        {"name": name, "outcome": word, "message": ""}
        for name, word in zip(CHAINS.values(), words, strict=False)
    ]


def test_depth_is_the_longest_chain_that_was_right() -> None:
    assert depth(outcomes("right", "error", "right"))["reached"] == 3_000
    assert depth(outcomes("right", "right", "right")) == {
        "reached": 1_000_000,
        "next": None,
        "outcome": None,
        "message": "",
    }
    assert depth(outcomes("right", "right"))["outcome"] == "not asked"
    assert depth(outcomes("not supported"))["reached"] is None


def test_an_engine_wrong_at_a_kink_only_is_wrong() -> None:
    engine = sharp()
    assert examine(engine, single("abs", "x", [2.0])).verdict == "right"
    found = ask_at_kinks(engine)
    assert found.verdicts["abs(x) at x = 0"] == "wrong"
    (failure,) = (one for one in found.failures if one["operation"] == "abs")
    assert "5.0" in failure["message"]
    found.failures[:] = [failure]
    told: dict[str, Any] = {"failures": [], "verdict": "right", "grades": {"rules": "right"}}
    module._add_kinks(told, found)
    assert told["verdict"] == told["grades"]["rules"] == "wrong"
    module._add_kinks(told, found)  # an operation that is told of is not told of again
    assert len(told["failures"]) == 1


def sharp() -> Engine:
    """Return an engine whose absolute value has the derivative 5 at 0."""

    def value_and_gradient(function: Any, inputs: Any) -> Any:
        x = inputs[0]
        return function(x), [5.0 if x == 0 else math.copysign(1.0, x)]

    return Engine.from_transform(
        name="sharp", namespace=math, value_and_gradient=value_and_gradient, operations={"abs": abs}
    )


def answers(engine: Engine, *points: float) -> Iterator[Any]:
    for point in points:
        yield examine(engine, single("exp", "x", [point]))


def test_errors_are_counted_in_ulps_of_the_true_number() -> None:
    float64 = FORMATS["float64"]
    assert ulp(1.0, float64) == 2.0**-52
    assert ulp(-3.0, float64) == 2.0**-51
    assert ulp(1e-320, float64) == 5e-324
    assert ulp(1.0, FORMATS["float32"]) == 2.0**-23
    assert ulp(0.0, float64) == ulp(math.inf, float64) == 0.0
    errors = LargestErrors()
    for seen in answers(load("nn_from_scratch"), 0.3, 1.7):
        errors.add(seen, float64)
    told = errors.told()
    assert told["questions"] == 2
    assert 0 < told["ulps"] < 1
    assert 0 < told["tolerances"] < 1
    assert told["text"].startswith("exp(x0) at")


def test_installed_engines_can_be_loaded_and_have_a_version() -> None:
    assert "nn_from_scratch" in installed()
    assert [*versions(load("nn_from_scratch"))] == ["nn-from-scratch-verified"]


def test_a_missing_package_is_no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    import nn_from_scratch.verify.engines.installed as engines

    monkeypatch.setattr(engines, "find_spec", lambda name: None if name == "torch" else object())
    assert "pytorch" not in installed()
    assert "jax" in installed()


def test_an_unknown_engine_is_told() -> None:
    with pytest.raises(EngineError, match="known names are"):
        isolated("no_such_engine")
