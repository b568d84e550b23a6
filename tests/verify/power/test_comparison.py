import numpy as np
import pytest

from nn_from_scratch.verify.faults import FAULTS, Fault, Victim
from nn_from_scratch.verify.faults.array_rules import PULLS
from nn_from_scratch.verify.faults.rules import RULES
from nn_from_scratch.verify.power import curve, detection_power
from nn_from_scratch.verify.power.comparison import POINTED, SUITE, Score, by_peer, by_suite
from nn_from_scratch.verify.power.functions import Function, trials
from nn_from_scratch.verify.power.peers import PEERS, Peer

GRADCHECK, FAST, CHECK_GRADS, NUMDIFFTOOLS = PEERS


def named(name: str) -> Fault:
    return next(fault for fault in FAULTS if fault.name == name)


@pytest.fixture(params=PEERS, ids=lambda peer: peer.name)
def peer(request: pytest.FixtureRequest) -> Peer:
    pytest.importorskip(request.param.package)
    found: Peer = request.param
    return found


@pytest.mark.parametrize("rule", [*RULES, *PULLS])
def test_trials_ask_every_rule_inside_its_domain(rule: str) -> None:
    asked = list(trials(Victim(), rule, np.random.default_rng(0)))
    assert asked
    for trial in asked:
        value = trial.function.value(*trial.arrays)
        parts = trial.function.pull(np.ones(value.shape), *trial.arrays)
        assert np.isfinite(value).all()
        assert [part.shape for part in parts] == [x.shape for x in trial.arrays]
        assert all(np.isfinite(part).all() for part in parts)
        assert trial.function.evaluations == 2


def test_trials_ask_broadcasting_and_several_axes() -> None:
    shapes = [
        tuple(x.shape for x in trial.arrays) for trial in trials(Victim(), "mul", np.random.default_rng(0))
    ]
    assert len({one == other for one, other in shapes}) == 2
    assert len(list(trials(Victim(), "sum", np.random.default_rng(0)))) >= 3


def test_trials_refuse_an_unknown_rule() -> None:
    with pytest.raises(ValueError, match="no rule 'nonsense'"):
        next(trials(Victim(), "nonsense", np.random.default_rng(0)))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("rule", ["sin", "mul", "matmul", "softmax", "index"])
def test_peer_accepts_a_right_rule(peer: Peer, rule: str) -> None:
    for trial in trials(Victim(), rule, np.random.default_rng(0)):
        assert not peer.accuses(trial.function, trial.arrays)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    "name",
    [
        "sin: its derivative times -1.0",
        "mul: swapped operands",
        "mul: a broadcast operand's gradient averaged",
        "softmax: the Jacobian's diagonal only",
        "index: a repeated entry overwritten",
        "rsub: the slope of a - 2",
        "sub: its operands swapped",
        "hypot: no sum over broadcast axes",
    ],
)
def test_peer_catches_a_plain_fault(peer: Peer, name: str) -> None:
    outcome, evaluations, seconds = by_peer(named(name), peer)
    assert outcome == "caught"
    assert evaluations > 0
    assert seconds > 0


def test_peer_is_not_asked_what_no_function_shows() -> None:
    assert by_peer(named("breadth first"), GRADCHECK) == ("not applicable", 0, 0.0)


def test_suite_catches_blind_and_pointed() -> None:
    for blind in (False, True):
        outcome, graphs, _ = by_suite(named("tanh: its derivative times 1.000000001"), blind=blind)
        assert outcome == "caught"
        assert graphs >= 1


def test_score_counts_outcomes() -> None:
    score = Score()
    score.add("caught", 3, 0.5)
    score.add("not applicable", 0, 0.0)
    assert (score.row()["caught"], score.row()["missed"], score.row()["not applicable"]) == (1, 0, 1)
    assert (score.row()["evaluations"], score.row()["seconds"]) == (3, 0.5)


def test_suite_detects_a_smaller_error_than_any_tolerance_of_a_thousandth() -> None:
    x = np.random.default_rng(0).normal(size=50)
    assert curve.by_suite(x, 7, 1e-9)
    assert not curve.by_suite(x, 7, 1e-16)


def test_smallest_error_is_where_detection_begins() -> None:
    assert curve.smallest(lambda x, k, error: error > 1.1e-7, 3) == pytest.approx(10**-6.75)
    assert curve.smallest(lambda x, k, error: False, 3) is None


def test_peers_curve_sees_a_wrong_entry() -> None:
    calls = []

    def accuses(function: Function, arrays: tuple[np.ndarray[tuple[int], np.dtype[np.float64]], ...]) -> bool:
        (pulled,) = function.pull(1.0, *arrays)
        calls.append(np.flatnonzero(pulled != np.cos(arrays[0])).tolist())
        return True

    assert curve.by_peer(Peer("stub", "none", accuses))(np.arange(4.0), 2, 0.5)
    assert calls == [[2]]


def test_recorded_comparison_is_of_these_faults() -> None:
    recorded = detection_power()
    assert [fault["name"] for fault in recorded["faults"]] == [fault.name for fault in FAULTS]
    assert [tool["name"] for tool in recorded["tools"]] == [SUITE, POINTED, *(peer.name for peer in PEERS)]


def test_recorded_comparison_has_the_suite_catch_everything_and_accuse_nobody() -> None:
    recorded = detection_power()
    for tool in recorded["tools"][:2]:
        assert (tool["caught"], tool["missed"], tool["false alarms"]) == (len(FAULTS), 0, 0)
    assert recorded["tools"][0]["clean"] >= 5000


def test_recorded_comparison_adds_up() -> None:
    recorded = detection_power()
    for tool in recorded["tools"]:
        outcomes = [fault["outcomes"][tool["name"]] for fault in recorded["faults"]]
        for outcome in ("caught", "missed", "not applicable"):
            by_kind = sum(row["tools"][tool["name"]][outcome] for row in recorded["kinds"])
            assert tool[outcome] == outcomes.count(outcome) == by_kind
    inputs = recorded["curve"]["inputs"]
    assert all(len(column) == len(inputs) for column in recorded["curve"]["smallest"].values())
