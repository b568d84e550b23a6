import copy
import json
import pickle

import pytest
from narrowed import narrowed

from nn_from_scratch.verify import Engine, GradientError, Results, check_engine, load, verify
from nn_from_scratch.verify.faults import FAULTS

RULES = ("rules", "accuracy")


def with_a_wrong_cosine() -> Engine:
    faulty = next(fault for fault in FAULTS if fault.name == "cos: its derivative times -1.0").engine()
    return narrowed(faulty, "add", "mul", "neg", "cos", "tanh", "sum")


@pytest.fixture(scope="module")
def right() -> Results:
    return verify(load("nn_from_scratch"), graphs=40, jobs=1, grades=RULES)


@pytest.fixture(scope="module")
def wrong() -> Results:
    return verify(with_a_wrong_cosine(), graphs=40, grades=RULES)


@pytest.mark.once
def test_truth_is_the_verdict(right: Results, wrong: Results) -> None:
    assert right
    assert not wrong
    assert not verify(load("nn_from_scratch"), graphs=0, grades=RULES), "nothing checked is no pass"


def test_interrupted_run_is_no_pass(right: Results) -> None:
    assert not Results({**right, "interrupted": True})


@pytest.mark.parametrize("indent", [None, 1])
def test_results_are_written_and_compared_as_a_dict(
    indent: int | None, right: Results, wrong: Results
) -> None:
    for results in (right, wrong):
        assert isinstance(results, dict)
        assert json.dumps(results, indent=indent) == json.dumps(dict(results), indent=indent)
        assert len(json.dumps(results, indent=indent)) > 10_000
        assert results == dict(results)
        again = pickle.loads(pickle.dumps(results))  # noqa: S301  our own
        assert again == copy.deepcopy(results) == results


def test_text_is_the_verdict_and_the_first_failures(right: Results, wrong: Results) -> None:
    assert repr(right).startswith("<nn_from_scratch: right (rules right, accuracy right, ")
    assert "cos is wrong: in cos(x0)" in repr(wrong)
    many = Results({**wrong, "failures": wrong["failures"] * 5})
    assert f"and {5 * len(wrong['failures']) - 3} more failures" in repr(many)


@pytest.mark.once
def test_check_engine_returns_the_results_or_raises_the_first_failures() -> None:
    found = check_engine(load("nn_from_scratch"), graphs=20, jobs=1, grades=RULES)
    assert found["graphs"]["checked"] == 20
    with pytest.raises(
        GradientError, match=r"times -1.0: wrong \(rules wrong[\s\S]*\nrules: cos is wrong: in cos"
    ):
        check_engine(with_a_wrong_cosine(), graphs=40, grades=RULES)


def test_check_engine_raises_where_nothing_was_checked() -> None:
    with pytest.raises(
        GradientError, match=r"nothing checked[\s\S]*operation add is supported but was asked nothing"
    ):
        check_engine(load("nn_from_scratch"), graphs=0, grades=RULES)
