from collections import Counter
from collections.abc import Iterator

import pytest

from nn_from_scratch.verify import state, verify
from nn_from_scratch.verify.campaign.chunks import checked
from nn_from_scratch.verify.failures.shrink import REVERSE_PASS
from nn_from_scratch.verify.faults import CORE, EQUIVALENTS, FAULTS, RULES, Fault, Victim, hunt
from nn_from_scratch.verify.faults.hunt import campaign_graphs
from nn_from_scratch.verify.judging.examine import examine
from nn_from_scratch.verify.oracles import pytorch
from nn_from_scratch.verify.questions.generate import seeded
from nn_from_scratch.verify.questions.generate_arrays import array_case
from nn_from_scratch.verify.questions.graphs import is_by_turns
from nn_from_scratch.verify.questions.operations import ARRAYS, CATALOGUE

pytestmark = pytest.mark.once

GRAPHS = 300
OF_GRAPHS = ("rules", "accuracy")


@pytest.fixture(scope="module", autouse=True)
def without_pytorch() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pytorch, "version", lambda: None)
        yield


def named(name: str) -> Fault:
    return next(fault for fault in FAULTS if fault.name == name)


@pytest.mark.once
def test_the_victim_without_a_fault_is_right() -> None:
    results = verify(Victim().engine("victim"), graphs=GRAPHS)
    assert results["verdict"] == "right"
    assert results["failures"] == []


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_fault_is_caught_and_blamed(fault: Fault) -> None:
    caught = hunt(fault, seed=2)
    assert caught is not None
    assert fault.explains(caught.blamed)
    assert caught.message


@pytest.mark.parametrize("fault", CORE[::16], ids=lambda fault: fault.name)
def test_fault_is_caught_and_blamed_in_a_campaign(fault: Fault) -> None:
    results = verify(fault.engine(), graphs=GRAPHS, grades=OF_GRAPHS)
    assert results["verdict"] == "wrong"
    assert fault.blamed in {failure["operation"] for failure in results["failures"]}


@pytest.mark.parametrize(("change", "reason"), EQUIVALENTS, ids=lambda one: getattr(one, "name", ""))
def test_equivalent_is_not_accused(change: Fault, reason: str) -> None:
    assert reason.endswith(".")
    assert hunt(change, graphs=60) is None


def test_faults_of_rules_are_blamed_on_nothing_else() -> None:
    fault = named("sin: its derivative times -1.0")
    results = verify(fault.engine(), graphs=GRAPHS, grades=OF_GRAPHS)
    of_graphs = {one["operation"] for one in results["failures"] if one["grade"] in ("rules", "accuracy")}
    assert of_graphs == {"sin"}


def test_faults_are_many_and_have_distinct_names() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) >= 150
    assert len({fault.description for fault in FAULTS}) >= 0.95 * len(FAULTS)
    assert FAULTS[: len(CORE)] == CORE


def test_faults_are_of_many_kinds_and_operations() -> None:
    kinds = Counter(fault.kind for fault in FAULTS)
    assert len(kinds) >= 10
    assert min(kinds.values()) >= 3
    blamed = {fault.blamed for fault in FAULTS}
    assert set(CATALOGUE | ARRAYS) <= blamed
    assert {REVERSE_PASS} < blamed - set(CATALOGUE | ARRAYS)
    assert len(blamed & set(state.CHECKS)) >= 8


def test_small_faults_are_inaccurate_and_no_wrong_rules() -> None:
    results = verify(named("exp: its derivative times 1.000000001").engine(), graphs=GRAPHS, grades=OF_GRAPHS)
    assert (results["grades"]["rules"], results["grades"]["accuracy"]) == ("right", "wrong")
    assert results["graphs"]["inaccurate"] > 0
    assert results["operations"]["exp"]["wrong"] > 0


def test_hunt_of_a_right_engine_catches_nothing() -> None:
    assert hunt(Fault("none", "no fault", "mul", Victim(), "none"), graphs=50) is None


def test_blind_hunt_draws_the_graphs_of_a_campaign() -> None:
    fault = named("sin: its derivative times -1.0")
    caught = hunt(fault, blind=True, graphs=GRAPHS)
    chunk = checked(fault.engine(), 0, range(50))
    assert caught is not None
    assert chunk.checks["verdict"].index("wrong") + 1 == caught.graphs


def test_graphs_by_turns_catch_what_hides_in_random_ones() -> None:
    fault = named("assigned in sum")
    engine = fault.engine()
    drawn = [one for k, one in enumerate(campaign_graphs(engine, GRAPHS, seed=0)) if is_by_turns(k)]
    random = [array_case(seeded(0, k), engine.array_forms) for k in range(1, GRAPHS, 2)]
    assert any(examine(engine, one).verdict.accuses for one in drawn)
    assert not any(examine(engine, one).verdict.accuses for one in random)


def test_reflected_operation_has_its_own_rule() -> None:
    victim = Victim({**RULES, "rsub": (lambda x, y: 42.0, lambda z, x, y: (0.0, 0.0))})
    leaf = victim.leaf(2.0)
    assert victim.apply("sub", 1.0, leaf).data == 42.0
    assert victim.apply("sub", leaf, 1.0).data == 1.0
