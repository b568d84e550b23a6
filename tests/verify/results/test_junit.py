from typing import Any
from xml.etree import ElementTree as ET

import pytest
from narrowed import narrowed

from nn_from_scratch.verify import Engine, load, verify
from nn_from_scratch.verify.faults import FAULTS
from nn_from_scratch.verify.results.junit import junit


def suite_of(
    engine: Engine, grades: tuple[str, ...] = ("rules", "accuracy")
) -> tuple[ET.Element, dict[str, Any]]:
    results = verify(engine, graphs=60, grades=grades)
    return ET.fromstring(junit(results)), results  # noqa: S314  our own text


def faulty(name: str) -> Engine:
    return next(fault for fault in FAULTS if fault.name == name).engine()


def case_of(suite: ET.Element, name: str) -> ET.Element:
    (found,) = (test for test in suite if test.get("name") == name)
    return found


@pytest.mark.once
def test_right_engine_has_no_failures() -> None:
    suite, results = suite_of(load("nn_from_scratch"))
    assert suite.get("name") == "gradients of nn_from_scratch"
    assert (suite.get("failures"), len(suite.findall("testcase/failure"))) == ("0", 0)
    names = {test.get("name") for test in suite}
    assert names == {*results["operations"], *(one["name"] for one in results["state"]), "verdict"}
    assert suite.get("tests") == str(len(suite))


@pytest.fixture(scope="module")
def wrong() -> tuple[ET.Element, dict[str, Any]]:
    return suite_of(faulty("cos: its derivative times -1.0"))


@pytest.mark.once
def test_failure_has_message_and_reproducer(wrong: tuple[ET.Element, dict[str, Any]]) -> None:
    suite, results = wrong
    failure = case_of(suite, "cos").find("failure")
    assert failure is not None
    assert failure.get("message", "").startswith("cos is wrong: in cos(x0)")
    assert results["failures"][0]["reproducer"].strip() in (failure.text or "")
    verdict = case_of(suite, "verdict").find("failure")
    assert verdict is not None
    says = "wrong: rules wrong, accuracy right, state not checked, limits not checked"
    assert verdict.get("message") == says
    assert suite.get("failures") == str(len(suite.findall("testcase/failure")))


@pytest.mark.once
def test_checks_of_state_fail_under_their_name() -> None:
    results = verify(faulty("left over"), graphs=20, grades=("rules", "state"))
    suite = ET.fromstring(junit(results))  # noqa: S314  our own text
    test = case_of(suite, "two outputs that share a node")
    assert test.get("classname") == "state"
    assert test.find("failure") is not None
    assert case_of(suite, "verdict").find("failure") is not None


@pytest.mark.once
def test_what_fails_of_a_grade_that_was_not_asked_for_is_no_failure() -> None:
    suite, results = suite_of(faulty("left over"))
    assert (results["verdict"], suite.get("failures")) == ("right", "0")
    skipped = case_of(suite, "two outputs that share a node").find("skipped")
    assert skipped is not None
    assert skipped.get("message", "").startswith("the grade state was not asked for, but fails: ")


@pytest.mark.once
def test_an_interrupted_run_fails() -> None:
    _, results = suite_of(load("nn_from_scratch"))
    suite = ET.fromstring(junit({**results, "interrupted": True}))  # noqa: S314  our own text
    assert suite.get("failures") == "1"


@pytest.mark.once
def test_faults_of_no_operation_have_a_case_of_their_own() -> None:
    suite, _ = suite_of(narrowed(faulty("every path"), "add", "mul", "tanh"))
    assert case_of(suite, "reverse pass").find("failure") is not None


@pytest.mark.once
def test_what_is_not_supported_is_skipped() -> None:
    engine = Engine.from_transform(
        name="poor",
        namespace=object(),
        value_and_gradient=lambda function, point: (function(*point), [1.0] * len(point)),
        operations={},
    )
    suite, _ = suite_of(engine, grades=("state",))
    skipped = case_of(suite, "tanh").find("skipped")
    assert skipped is not None
    assert "no such operation" in skipped.get("message", "")
    assert case_of(suite, "two outputs that share a node").find("skipped") is not None
    assert suite.get("skipped") == str(len(suite.findall("testcase/skipped")))


@pytest.mark.parametrize("text", ["<b>&amp;\"'", "\x1b[31mred\x1b[0m", "nul \x00", "lone \ud800", "]]>"])
def test_whatever_an_engine_says_is_legal_xml(text: str, wrong: tuple[ET.Element, dict[str, Any]]) -> None:
    _, results = wrong
    failure = {**results["failures"][0], "message": f"cos raised {text}"}
    xml = junit({**results, "engine": text, "failures": [failure]}).encode()
    failures = case_of(ET.fromstring(xml), "cos").findall("failure")  # noqa: S314  our own text
    assert [(one.text or "").partition(" r")[0] for one in failures] == ["cos"]
