from collections.abc import Callable, Iterator
from typing import Any

import pytest

from nn_from_scratch.verify import verify
from nn_from_scratch.verify.faults import FAULTS, Fault, Victim
from nn_from_scratch.verify.oracles import finite_differences, pytorch, taylor
from nn_from_scratch.verify.shrink import REVERSE_PASS

GRAPHS = 300


def remembering(function: Callable[..., Any]) -> Callable[..., Any]:
    answers: dict[str, Any] = {}

    def ask(*question: Any, **options: Any) -> Any:
        key = repr((question, options))
        if key not in answers:
            answers[key] = function(*question, **options)
        return answers[key]

    return ask


@pytest.fixture(scope="module", autouse=True)
def asked_once() -> Iterator[None]:
    """Let the oracles remember: every fault is asked the same graphs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(taylor, "enclose", remembering(taylor.enclose))
        patch.setattr(finite_differences, "gradient", remembering(finite_differences.gradient))
        patch.setattr(pytorch, "version", lambda: None)
        yield


def test_the_victim_without_a_fault_is_right() -> None:
    results = verify(Victim().engine("victim"), graphs=GRAPHS)
    assert results["verdict"] == "right"
    assert results["failures"] == []


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_fault_is_caught_and_blamed(fault: Fault) -> None:
    results = verify(fault.engine(), graphs=GRAPHS)
    assert results["verdict"] == "wrong"
    assert fault.blamed in {failure["operation"] for failure in results["failures"]}
    of_graphs = {one["operation"] for one in results["failures"] if one["grade"] in ("rules", "accuracy")}
    assert of_graphs <= {fault.blamed, REVERSE_PASS}


def test_faults_are_many_and_have_distinct_names() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) >= 20
    assert all(fault.description for fault in FAULTS)


def test_small_faults_are_inaccurate_and_no_wrong_rules() -> None:
    fault = next(fault for fault in FAULTS if fault.name == "exp: its derivative times 1.000000001")
    results = verify(fault.engine(), graphs=GRAPHS)
    assert (results["grades"]["rules"], results["grades"]["accuracy"]) == ("right", "wrong")
    assert results["graphs"]["inaccurate"] > 0
    assert results["operations"]["exp"]["wrong"] > 0
