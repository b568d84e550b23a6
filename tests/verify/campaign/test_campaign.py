import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from typing import Any, NoReturn, cast

import pytest
from narrowed import narrowed

from nn_from_scratch.verify import Engine, load, state, verify
from nn_from_scratch.verify.campaign import chunks
from nn_from_scratch.verify.campaign.grades import GRADES, grade, overall_verdict
from nn_from_scratch.verify.failures.shrink import REVERSE_PASS
from nn_from_scratch.verify.faults import FAULTS, Victim
from nn_from_scratch.verify.judging.verdicts import Verdict
from nn_from_scratch.verify.oracles import pytorch
from nn_from_scratch.verify.questions import graphs as questions
from nn_from_scratch.verify.questions.graphs import SORTS
from nn_from_scratch.verify.questions.operations import CATALOGUE, FURTHER, OF_ARRAYS
from nn_from_scratch.verify.state import isolated

OF_GRAPHS = ("rules", "accuracy")
COUNTS = ("graphs", "operations", "checks", "oracles", "grades", "verdict", "failures", "alarms")


def faulty(name: str) -> Engine:
    return next(fault for fault in FAULTS if fault.name == name).engine()


@pytest.fixture(scope="module")
def right() -> dict[str, Any]:
    return verify(load("nn_from_scratch"), graphs=300, jobs=1)


@pytest.fixture(scope="module")
def wrong() -> dict[str, Any]:
    return verify(faulty("tanh: its derivative times 1.000000001"), graphs=300, grades=OF_GRAPHS)


def test_our_engine_is_right_and_complete(right: dict[str, Any]) -> None:
    assert right["verdict"] == "right"
    assert right["grades"] == dict.fromkeys(GRADES, "right")
    assert (right["failures"], right["interrupted"]) == ([], False)
    supported = {name for name, row in right["operations"].items() if row["supported"]}
    assert supported == {*CATALOGUE, *OF_ARRAYS, *(FURTHER if find_spec("scipy") else ())}
    assert all(right["operations"][name]["checked"] for name in CATALOGUE)


def test_graphs_are_all_counted(right: dict[str, Any]) -> None:
    graphs = right["graphs"]
    assert graphs["requested"] == graphs["checked"] == 300
    assert sum(graphs[name] for name in ("right", "inaccurate", "wrong", "undecided", "error")) == 300
    assert graphs["right"] > 250
    columns = right["checks"]
    assert set(columns) == {"steps", "gradient", "error", "tolerance", "verdict", "margin"}
    assert {len(column) for column in columns.values()} == {300}


def test_every_oracle_is_heard_and_none_differs(right: dict[str, Any]) -> None:
    engine = load("nn_from_scratch")
    sample = [chunks.Draft.of(engine, 0, index).first for index in range(300) if _is_sampled(index)]
    known = sum(map(pytorch.testifies, sample))  # it is not asked what it knows to few digits only
    asked = {"taylor": 300, "pytorch": known, "finite differences": len(sample)}
    assert set(right["oracles"]) == asked.keys()
    assert len(sample) >= 16
    for name, row in right["oracles"].items():
        if row["available"]:
            assert row["asked"] == row["agrees"] + row["differs"] + row["no answer"], name
            assert row["asked"] == asked[name]
            assert row["differs"] == 0
            if name != "finite differences":  # of a sample as small as this they may have few answers
                assert row["agrees"] > 0.8 * row["asked"]
    assert right["oracles"]["pytorch"]["available"] is (pytorch.version() is not None)


def test_every_witness_has_an_answer_about_most_graphs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "SAMPLE", 1)  # each is asked about every graph
    found = chunks.checked(load("nn_from_scratch"), 0, range(100)).oracles
    for name in ("taylor", "finite differences", *(["pytorch"] if pytorch.version() else [])):
        assert found[name]["differs"] == 0
        assert found[name]["agrees"] > 0.8 * found[name].total() > 70


def _is_sampled(index: int) -> bool:
    """Whether the witnesses are asked about a graph: they are about neighbours of all sorts."""
    return index // SORTS % chunks.SAMPLE == 0


def test_witnesses_are_asked_of_every_graph_that_accuses() -> None:
    chunk = chunks.checked(faulty("mul: its derivative times 1.000001"), 0, range(50))
    accused, asked = chunk.verdicts[Verdict.WRONG], chunk.oracles["finite differences"]
    assert accused >= 2
    assert asked["differs"] + asked["no answer"] >= accused
    assert asked.total() < 50 == chunk.oracles["taylor"].total()


@pytest.mark.parametrize("kind", ["right", "wrong"])
def test_results_are_strict_json_with_every_key(kind: str, request: pytest.FixtureRequest) -> None:
    results = request.getfixturevalue(kind)
    again = json.loads(json.dumps(results, allow_nan=False))
    keys = (
        "schema engine verdict seed seconds interrupted environment grades gated graphs operations oracles "
        "state checks failures alarms second_order conventions direct"
    )
    assert set(again) >= {*keys.split(), "not settled", "stopped by time"}
    assert again["schema"] == 2
    assert set(again["environment"]) >= {"nn_from_scratch", "python", "platform", "numpy", "torch"}
    for row in again["operations"].values():
        assert set(row) >= {
            "supported",
            "status",
            "direct",
            "checked",
            "wrong",
            "undecided",
            "largest_error_in_tolerances",
            "avoidable_digits_lost",
            "avoidable_example",
            "note",
        }
    for row in again["state"]:
        assert set(row) == {"name", "grade", "outcome", "message"}
    for row in again["failures"]:
        assert set(row) >= {"grade", "operation", "message", "text", "expression", "point", "reproducer"}
        assert len(row["got"]) == len(row["expected"]) == len(row["tolerance"])


def test_a_relative_error_of_1e_9_is_wrong(wrong: dict[str, Any]) -> None:
    assert wrong["verdict"] == "wrong"
    assert (wrong["grades"]["rules"], wrong["grades"]["accuracy"]) == ("right", "wrong")
    (failure,) = wrong["failures"]
    assert (failure["operation"], failure["grade"]) == ("tanh", "accuracy")
    assert wrong["operations"]["tanh"]["wrong"] == wrong["graphs"]["inaccurate"] > 0
    assert wrong["operations"]["add"]["wrong"] == 0
    assert wrong["operations"]["tanh"]["largest_error_in_tolerances"] > 1e4


@pytest.mark.once
def test_infinite_errors_are_kept_out_of_the_json() -> None:
    engine = Victim(table={**Victim().table, "exp": (lambda x: float("nan"), lambda z, x: (float("inf"),))})
    results = verify(engine.engine("not finite"), graphs=100, grades=OF_GRAPHS)
    json.dumps(results, allow_nan=False)
    assert results["verdict"] == "wrong"
    assert None in results["checks"]["error"]
    assert {failure["operation"] for failure in results["failures"]} == {"exp"}


@pytest.mark.once
def test_same_seed_gives_the_same_results_with_any_number_of_workers(right: dict[str, Any]) -> None:
    ours = load("nn_from_scratch")
    one, two = (verify(ours, directly=False, graphs=100, jobs=jobs, grades=OF_GRAPHS) for jobs in (1, 2))
    assert [two[key] for key in COUNTS] == [one[key] for key in COUNTS]
    assert one["checks"] == {column: entries[:100] for column, entries in right["checks"].items()}


def test_another_seed_gives_other_graphs(right: dict[str, Any]) -> None:
    other = verify(load("nn_from_scratch"), directly=False, graphs=10, seed=1, jobs=1, grades=OF_GRAPHS)
    assert other["checks"]["gradient"] != right["checks"]["gradient"][:10]


def test_progress_is_told_from_nothing_to_all() -> None:
    told: list[tuple[int, int, str]] = []
    ours = load("nn_from_scratch")
    verify(ours, directly=False, graphs=100, grades=OF_GRAPHS, progress=lambda *what: told.append(what))
    assert [what[0] for what in told] == sorted(what[0] for what in told)
    assert {what[1] for what in told} == {100}
    assert told[-1][0] == 100


@pytest.mark.once
def test_interruption_keeps_what_was_checked() -> None:
    def stop(done: int, of: int, words: str) -> None:  # noqa: ARG001
        if done >= 100:
            raise KeyboardInterrupt

    results = verify(load("nn_from_scratch"), directly=False, graphs=1000, jobs=1, progress=stop)
    assert results["interrupted"]
    assert results["graphs"]["checked"] == 100
    assert results["graphs"]["requested"] == 1000
    assert len(results["checks"]["verdict"]) == 100
    assert results["grades"]["rules"] == "not settled", "not all was asked"
    assert results["grades"]["state"] == "not checked"


@pytest.mark.once
def test_interruption_of_the_checks_keeps_those_made() -> None:
    def interrupt(_: object) -> NoReturn:
        raise KeyboardInterrupt

    ours = load("nn_from_scratch")
    assert ours.tape is not None
    engine = replace(ours, driver=replace(ours.tape, reset=interrupt), spec="")
    results = verify(engine, graphs=10)
    assert results["interrupted"]
    first = list(state.CHECKS).index("a second backward with another cotangent")
    assert [one["name"] for one in results["state"]] == list(state.CHECKS)[:first]
    assert {one["outcome"] for one in results["state"]} == {"right"}
    assert (results["grades"]["state"], results["grades"]["rules"]) == ("not checked", "right")


@pytest.mark.once
@pytest.mark.parametrize(
    ("last", "told"),
    [
        (1, "what the engine has was not found out: not asked, for the run was interrupted"),
        (15, "operation tanh is supported but was asked nothing"),
    ],
)
def test_interrupted_before_it_is_known_what_it_has_there_are_results_and_it_is_asked_no_more(
    last: int, told: str
) -> None:
    asked = 0

    def interrupt(output: Any, *cotangent: Any) -> None:
        nonlocal asked
        asked += 1
        if asked >= last:
            raise KeyboardInterrupt
        output.backprop(*cotangent)

    ours = narrowed(load("nn_from_scratch"), "add", "mul", "tanh")
    assert ours.tape is not None
    engine = replace(ours, driver=replace(ours.tape, backward=interrupt), spec="")
    results = verify(engine, graphs=10)
    assert (results["interrupted"], results["graphs"]["checked"], asked) == (True, 0, last)
    assert results["verdict"] == "nothing checked"
    assert {row["status"] for row in results["operations"].values()} <= {"not supported", "not checked"}
    assert told in results["alarms"]
    assert not any("cannot be called" in alarm for alarm in results["alarms"])


@pytest.mark.once
def test_processes_work_beside_the_graphs_and_end_with_an_interruption(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started: list[isolated._Process] = []

    class Watched(isolated._Process):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            started.append(self)

    def stop(*_: object) -> NoReturn:
        assert [one._process.poll() for one in started] == [None] * len(isolated.HASH_SEEDS)
        raise KeyboardInterrupt

    monkeypatch.setattr(isolated, "_Process", Watched)
    assert verify(load("nn_from_scratch"), directly=False, graphs=100, jobs=1, progress=stop)["interrupted"]
    assert all(one._process.poll() for one in started)


@pytest.mark.once
@pytest.mark.parametrize(
    ("name", "grades"),
    [
        ("left over", {"rules": "right", "accuracy": "right", "state": "wrong", "limits": "not checked"}),
        (
            "sigmoid: an exponential that overflows",
            {"rules": "right", "accuracy": "right", "state": "not checked", "limits": "wrong"},
        ),
        (
            "cos: its derivative times -1.0",
            {"rules": "wrong", "accuracy": "right", "state": "not checked", "limits": "not checked"},
        ),
    ],
)
def test_grades_are_told_apart_and_gated_apart(name: str, grades: dict[str, str]) -> None:
    results = verify(narrowed(faulty(name), "add", "mul", "cos", "sigmoid"), graphs=60)
    assert (results["verdict"], results["grades"]) == ("wrong", grades)
    assert results["gated"] == list(GRADES)
    for gated, outcome in grades.items():
        alone = overall_verdict({gated: outcome})
        assert alone == ("nothing checked" if outcome == "not checked" else outcome)


def results_of(**outcomes: str) -> list[state.Result]:
    """Return a result for every check: right, but for those named by their first word."""
    return [
        state.Result(name, one.grade, cast(Any, outcomes.get(name.split()[0], "right")))
        for name, one in state.CHECKS.items()
    ]


@pytest.mark.parametrize(
    ("outcomes", "grades"),
    [
        ({}, ("right", "right")),
        ({"sigmoid": "does not apply"}, ("right", "right")),
        ({"values": "not supported"}, ("not checked", "right")),
        ({"values": "not supported", "leaves": "wrong"}, ("wrong", "right")),
        ({"tanh": "not supported"}, ("right", "not checked")),
        ({"time": "error"}, ("right", "wrong")),
        (dict.fromkeys([name.split()[0] for name in state.CHECKS], "does not apply"), ("not checked",) * 2),
    ],
)
def test_check_that_could_not_be_asked_leaves_its_grade_not_checked(
    outcomes: dict[str, str], grades: tuple[str, str]
) -> None:
    found = grade(Counter(), results_of(**outcomes))
    assert (found["state"], found["limits"]) == grades


@pytest.mark.once
def test_verdict_depends_on_the_gated_grades_only() -> None:
    engine = narrowed(faulty("left over"), "add", "mul", "neg", "sin", "tanh")
    results = verify(engine, graphs=50, grades=("accuracy", "rules"))
    assert (results["verdict"], results["gated"]) == ("right", ["rules", "accuracy"])
    assert results["grades"]["state"] == "wrong"
    assert results["failures"], "what is not gated is told nevertheless"


def test_grade_that_is_not_gated_gets_quick_checks_and_is_not_called_right(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(isolated, "_Process", lambda *_: pytest.fail("a process was started"))
    results = verify(load("nn_from_scratch"), directly=False, graphs=20, grades=("rules",))
    assert {one["name"] for one in results["state"]} == set(state.CHECKS) - set(state.LONG)
    assert {one["outcome"] for one in results["state"]} == {"right"}
    assert (results["grades"]["state"], results["grades"]["limits"]) == ("not checked", "not checked")


@pytest.mark.parametrize(
    ("outcomes", "verdict"),
    [
        ({"rules": "right", "accuracy": "right", "state": "not checked"}, "right"),
        ({"rules": "not checked", "accuracy": "not checked", "state": "right"}, "nothing checked"),
        ({"rules": "not checked", "state": "wrong"}, "wrong"),
        ({"state": "right"}, "right"),
        ({"limits": "not checked"}, "nothing checked"),
        ({"rules": "wrong", "accuracy": "not checked"}, "wrong"),
    ],
)
def test_verdict_is_no_pass_where_nothing_was_checked(outcomes: dict[str, str], verdict: str) -> None:
    assert overall_verdict(outcomes) == verdict


def test_engine_without_operations_is_nothing_checked() -> None:
    class Bare:
        def __init__(self, data: float) -> None:
            self.data, self.grad = data, 0.0

    def backward(output: Bare) -> None:
        output.grad = 1.0

    engine = Engine.from_tape(
        name="bare",
        variable=Bare,
        backward=backward,
        value=lambda node: node.data,
        gradient=lambda node: node.grad,
    )
    results = verify(engine, graphs=100)
    assert results["verdict"] == "nothing checked"
    assert results["graphs"]["checked"] == 0
    assert "the engine supports no operation of the catalogue" in results["alarms"]
    assert not any(row["supported"] for row in results["operations"].values())
    assert "AttributeError" in results["operations"]["tanh"]["note"]


def test_no_graphs_are_no_pass() -> None:
    results = verify(load("nn_from_scratch"), graphs=0, grades=OF_GRAPHS)
    assert results["verdict"] == "nothing checked"
    assert results["grades"]["rules"] == "not checked"
    assert "operation tanh is supported but was asked nothing" in results["alarms"]


@pytest.mark.once
def test_vacuity_raises_alarms(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = load("nn_from_scratch")
    few = verify(engine, graphs=3, directly=False, grades=OF_GRAPHS)["alarms"]
    assert any("was asked nothing" in alarm for alarm in few)
    every = verify(engine, graphs=3, grades=OF_GRAPHS)["alarms"]
    assert not any("was asked nothing" in alarm for alarm in every)
    for generator in ("case", "array_case", "case_by_turns"):  # each leaves the domain
        monkeypatch.setattr(questions, generator, lambda choose, *_, **__: outside(choose))
    alarms = verify(engine, directly=False, graphs=20, jobs=1, grades=OF_GRAPHS)["alarms"]
    assert "operation log: every graph with it was undecided" in alarms
    assert "20 of 20 graphs were undecided" in alarms
    assert "the oracle taylor answered nothing" in alarms


def outside(choose: Callable[[int], int]) -> Any:
    from nn_from_scratch.verify.questions.cases import single

    return single("log", "x", [-1.0 - choose(10)])


def test_pytorch_absent_is_told_and_no_obstacle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pytorch, "version", lambda: None)
    monkeypatch.setattr(pytorch, "is_installed", lambda: False)
    results = verify(load("nn_from_scratch"), directly=False, graphs=50, jobs=1, grades=OF_GRAPHS)
    assert results["verdict"] == "right"
    row = results["oracles"]["pytorch"]
    assert (row["available"], row["asked"]) == (False, 0)
    assert row["note"] == "not asked: torch is not installed"
    assert results["oracles"]["taylor"]["agrees"] > 40


@pytest.mark.once
def test_reverse_pass_is_blamed_where_every_operation_is_right() -> None:
    engine = narrowed(faulty("every path"), "add", "mul", "tanh")
    results = verify(engine, graphs=60, grades=OF_GRAPHS)
    assert REVERSE_PASS in {failure["operation"] for failure in results["failures"]}


def test_verify_refuses_what_is_no_engine() -> None:
    given: Any = "nn_from_scratch"
    with pytest.raises(TypeError, match=r"got 'nn_from_scratch': load\(name\) gives one"):
        verify(given)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"graphs": -1}, "graphs must be at least 0 and jobs at least 1; got -1 and None"),
        ({"jobs": 0}, "got 2000 and 0"),
        ({"grades": ()}, "grades are rules, accuracy, state, limits"),
        ({"grades": ("speed",)}, r"got \['speed'\]"),
    ],
)
def test_verify_refuses_bad_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        verify(load("nn_from_scratch"), **arguments)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"grades": "rules"}, r"grades is a tuple of rules, accuracy, state, limits, such as \('rules',\)"),
        ({"grades": 3}, "grades is a tuple of"),
        ({"graphs": "many"}, "graphs is a whole number, got 'many'"),
        ({"graphs": 1e3}, "graphs is a whole number, got 1000.0"),
        ({"seed": "a"}, "seed is a whole number, got 'a'"),
        ({"jobs": 1.5}, "jobs is a whole number, got 1.5"),
        ({"seconds": "long"}, "seconds is a number, got 'long'"),
        ({"progress": 3}, r"progress is a function of \(done, graphs, words\), got 3"),
    ],
)
def test_verify_refuses_arguments_of_another_kind(options: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        verify(load("nn_from_scratch"), **options)


@pytest.mark.parametrize("seconds", [0, -1.0, float("nan")])
def test_verify_refuses_times_that_are_none(seconds: float) -> None:
    with pytest.raises(ValueError, match="seconds must be above 0"):
        verify(load("nn_from_scratch"), seconds=seconds)
