import pytest

from nn_from_scratch.verify.benchmark import judging
from nn_from_scratch.verify.benchmark.measuring import DifferentResultsError, require_same_results
from nn_from_scratch.verify.benchmark.workloads import SUBJECT, Workload
from nn_from_scratch.verify.faults import FAULTS

pytest.importorskip("torch")


def test_graphs_have_3_to_30_operations() -> None:
    sizes = [len(one.expression.live_steps()) for one in judging.graphs()]
    assert len(sizes) == judging.GRAPHS
    assert min(sizes) >= 3
    assert 10 < max(sizes) <= 30


@pytest.mark.parametrize("workload", judging.JUDGING, ids=lambda workload: str(workload.name))
def test_all_contenders_come_to_the_same_verdicts(workload: Workload) -> None:
    subject = workload.contenders[SUBJECT]()
    assert all(subject.result(subject.run()))
    for baseline in workload.baselines:
        require_same_results(subject, workload.contenders[baseline]())


def test_a_wrong_engine_is_no_contender(monkeypatch: pytest.MonkeyPatch) -> None:
    fault = next(fault for fault in FAULTS if fault.name == "sin: its derivative times -1.0")
    monkeypatch.setattr(judging, "load", lambda spec: fault.engine())
    contenders = judging.WITHOUT_WITNESSES.contenders
    with pytest.raises(DifferentResultsError):
        require_same_results(contenders[SUBJECT](), contenders["gradcheck"]())
