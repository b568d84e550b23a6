from typing import Any
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from nn_from_scratch.verify.results.functions import show_functions
from nn_from_scratch.verify.results.junit_functions import junit_of_functions

pytestmark = pytest.mark.once


def results(verdict: str, rows: dict[str, str]) -> dict[str, Any]:
    told = [{"name": name, "verdict": word, "said": f"{name}: why\nand more"} for name, word in rows.items()]
    failures = [
        {"row": name, "verdict": word, "message": "", "script": f"# shows {name}"}
        for name, word in rows.items()
        if word in ("wrong", "inaccurate", "error")
    ]
    function = {
        "name": "f",
        "verdict": verdict,
        "seconds": 0.1,
        "rows": told,
        "failures": failures,
        "inputs": [{"name": "x", "shape": [2, 3], "dtype": "float32"}],
    }
    overall = "wrong" if failures else "undecided" if verdict == "undecided" else "right"
    return {
        "spec": "a.py:f",
        "seconds": 0.1,
        "verdict": overall,
        "interrupted": False,
        "functions": [function],
    }


def outcomes(found: dict[str, Any]) -> dict[str | None, str]:
    root = ET.fromstring(junit_of_functions(found))  # noqa: S314  our own text
    words = {"failure": "failure", "skipped": "skipped"}
    return {
        test.get("name"): next((words[child.tag] for child in test), "passed")
        for test in root.iter("testcase")
    }


def test_each_row_is_a_test_case() -> None:
    rows = {"rules": "wrong", "numbers": "right", "vmap": "not supported", "accuracy": "undecided"}
    assert outcomes(results("wrong", rows)) == {
        "rules": "failure",
        "numbers": "passed",
        "vmap": "skipped",
        "accuracy": "failure",
        "verdict": "failure",
    }


def test_what_is_undecided_fails_unless_another_row_decides() -> None:
    assert outcomes(results("undecided", {"numbers": "undecided"})) == {
        "numbers": "failure",
        "verdict": "failure",
    }
    assert outcomes(results("right", {"rules": "right", "values": "undecided"})) == {
        "rules": "passed",
        "values": "skipped",
        "verdict": "passed",
    }
    assert outcomes(results("undecided", {"rules": "not supported"}))["verdict"] == "failure"


def test_a_failure_holds_its_script_and_counts_are_right() -> None:
    text = junit_of_functions(results("wrong", {"rules": "wrong", "vmap": "not supported"}))
    root = ET.fromstring(text)  # noqa: S314  our own text
    assert "# shows rules" in text
    assert (root.get("tests"), root.get("failures"), root.get("skipped")) == ("3", "2", "1")


@pytest.mark.parametrize(("word", "shown"), [("wrong", True), ("undecided", True), ("right", False)])
def test_terminal_tells_in_full_what_is_not_right(word: str, shown: bool) -> None:
    console = Console(record=True, width=60)
    show_functions(
        console, results(word, {"numbers": word, "twice the same": "right", "vmap": "not supported"})
    )
    text = console.export_text()
    assert ("and more" in text) is shown
    assert "also right: twice the same" in text
    assert "not supported: vmap" in text
    assert "x: 2×3 float32 (6 numbers)" in text
    assert f"{word.upper()} a.py:f" in text
