"""Failures of one cause are one entry, and each keeps its anchor."""

from collections.abc import Callable
from typing import Any

import pytest

from nn_from_scratch.verify.report import page
from nn_from_scratch.verify.report.causes import causes

pytestmark = pytest.mark.once

Results = dict[str, Any]


def failure(grade: str, operation: str, kind: str = "") -> Results:
    script = "raise SystemExit(1)\n"
    return {"grade": grade, "operation": operation, "kind": kind, "message": "wrong", "reproducer": script}


FAILURES = [
    failure("rules", "div", "wrong sign"),
    failure("limits", "a chain of 3,000 operations", "raises RecursionError"),
    failure("rules", "pow", "wrong sign"),
    failure("rules", "div", "another derivative"),
    failure("accuracy", "div", "digits lost"),
    failure("limits", "a chain of 100,000 operations", "raises RecursionError"),
    failure("limits", "tanh at 800"),
    failure("limits", "tanh at -800"),
    failure("limits", "exp at 800"),
]


def grouped(page_or_failures: list[Results]) -> list[list[int]]:
    return [[example.number for example in examples] for examples in causes(page_or_failures)]


def test_one_operation_or_one_kind_of_fault_is_one_cause() -> None:
    assert grouped(FAILURES) == [[1, 4], [2, 6], [3], [5], [7, 8], [9]]


def test_failures_that_say_nothing_are_not_lost() -> None:
    assert grouped([{}, {"grade": None}]) == [[1, 2]]
    assert grouped([]) == []


@pytest.fixture
def page_of() -> Callable[[str], str]:
    return lambda _: page(verify={"engine": "e", "verdict": "wrong", "failures": FAILURES})


def test_every_failure_is_linked_to_and_opens(visit: Callable[..., Any]) -> None:
    view = visit("grouped", 390)
    assert view.locator("article.failure").count() == 6
    assert "9 failures of 6 causes" in view.locator("#failures").inner_text()
    for number in range(1, len(FAILURES) + 1):
        view.evaluate(f"location.hash = '#failure-{number}'")
        target = view.locator(f"#failure-{number}")
        assert (
            target.get_by_label(f"Link to failure {number}", exact=True).get_attribute("href")
            == f"#failure-{number}"
        )
        assert view.locator(f"#reproducer-{number}").is_visible()
    assert view.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_check_that_is_told_as_a_failure_has_its_first_line_in_the_table() -> None:
    rows = [
        {"name": name, "grade": "state", "outcome": "wrong", "message": f"{name}: first\nsecond of {name}"}
        for name in ("told", "untold")
    ]
    html = page(verify={"state": rows, "failures": [failure("state", "told")]})
    assert "told: first" in html
    assert "second of told" not in html
    assert "untold: first\nsecond of untold" in html
