"""The page of campaigns: one, or several side by side, from their JSON alone."""

import copy
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from accessible import require_accessible
from pages import require_ids_once_and_links_to_them, require_nothing_outside, require_strict_html, text_of

from nn_from_scratch.verify.report import page_of_campaigns

pytestmark = pytest.mark.once

Results = dict[str, Any]
HOSTILE = (
    """<script>document.title='owned'</script>"><img src=x onerror="document.title='owned'">$x_$ & {{7}}"""
)


def failure(operation: str) -> Results:
    return {
        "first": 0,
        "chunks": 2,
        "grade": "rules",
        "operation": operation,
        "verdict": "wrong",
        "kind": "wrong sign",
        "message": f"{operation} is wrong",
        "text": f"{operation}(x0)",
        "point": [0.5],
        "got": [0.5, -1.0],
        "expected": [0.5, 1.0],
        "tolerance": [1e-16, 1e-16],
        "reproducer": "raise SystemExit(1)\n",
    }


def campaign(name: str = "mine", *blamed: str, seed: int = 0, **others: Any) -> Results:
    wrong = 7 * len(blamed)
    return {
        "schema": 1,
        "kind": "campaign",
        "plan": {
            "engine": name,
            "name": name,
            "dtype": "float64",
            "seed": seed,
            "suite": "0.1.0",
            "flint": "0.9.0",
        },
        "verdict": "wrong" if blamed else "right",
        "complete": True,
        "graphs": {"requested": 1000, "checked": 1000, "right": 1000 - wrong, "wrong": wrong},
        "second order": {"right": 500},
        "operations": {
            "add": {"checked": 400, "undecided": 0, "in accused graphs": wrong, "largest error": 1e12},
            "sin": {"checked": 300, "undecided": 1, "in accused graphs": wrong, "largest error": 0.25},
        },
        "oracles": {"taylor": {"agrees": 1000 - wrong, "differs": wrong}},
        "contradicted": {},
        "deaths": {},
        "given up": {},
        "failures": [failure(operation) for operation in blamed],
    } | others


def hostile() -> Results:
    told = campaign(HOSTILE, HOSTILE, deaths={HOSTILE: 1})
    told["operations"] = {HOSTILE: told["operations"]["sin"]}
    return told


PAGES: dict[str, Callable[[], list[Results]]] = {
    "one": lambda: [campaign("mine", "sin", "sin")],
    "two": lambda: [campaign("mine", "sin"), campaign("theirs", complete=False, deaths={"Crashed": 2})],
    "seeds": lambda: [campaign(seed=0), campaign(seed=1)],
    "none": list,
    "empty": lambda: [{}],
    "hollow": lambda: [dict.fromkeys(campaign())],
    "hostile": lambda: [hostile(), hostile()],
}


@cache
def made(name: str) -> str:
    return page_of_campaigns(PAGES[name]())


@pytest.fixture
def page_of() -> Callable[[str], str]:
    return made


@pytest.mark.parametrize("name", PAGES)
def test_page_stands_alone(name: str) -> None:
    html = made(name)
    require_ids_once_and_links_to_them(html)
    require_nothing_outside(html)
    require_strict_html(html)


def test_page_is_the_same_for_the_same_results() -> None:
    before = PAGES["two"]()
    given = copy.deepcopy(before)
    assert page_of_campaigns(given) == made("two")
    assert given == before


def test_the_gravest_verdict_is_that_of_the_page() -> None:
    text = text_of(made("two"))
    assert "Wrong Of 2 campaigns: 1 wrong and 1 right." in text
    assert "mine Wrong 1,000 graphs: to blame is sin." in text
    assert "processes of the engine that ended 0 Crashed: 2" in text
    assert "failure, with its script 1" in text
    assert "failures, each with its script 2" in text_of(made("one"))


def test_a_campaign_that_goes_on_says_so() -> None:
    text = text_of(page_of_campaigns([campaign(complete=False, graphs={"requested": 5000, "checked": 1000})]))
    assert "1,000 graphs of 5,000. Not all graphs that were asked for have been asked." in text


def test_only_what_is_to_blame_is_called_so() -> None:
    html = made("one")
    add, sin = (
        html.partition(f"<code>{name}</code></th>")[2].partition("</tr>")[0] for name in ("add", "sin")
    )
    assert "not blamed" in add
    assert "wrong" not in add
    assert "10" not in add, "the largest error is another's"
    assert "to blame" in sin


def test_runs_of_one_engine_are_told_apart() -> None:
    assert "mine, seed 0" in text_of(made("seeds"))
    assert "mine, seed 1" in text_of(made("seeds"))
    assert "mine (2)" in text_of(page_of_campaigns([campaign(), campaign()]))


def test_nothing_is_no_pass() -> None:
    assert "Nothing checked" in text_of(made("none"))
    assert "Right" not in text_of(made("empty"))


@pytest.mark.parametrize(("name", "width", "scheme"), [("two", 1280, "dark"), ("one", 390, "light")])
def test_page_is_accessible_and_fits(visit: Callable[..., Any], name: str, width: int, scheme: str) -> None:
    view = visit(name, width, scheme)
    assert view.evaluate("document.documentElement.scrollWidth") <= width
    require_accessible(view)


def test_page_runs_no_text_of_an_engine(visit: Callable[..., Any]) -> None:
    view = visit("hostile", 320)
    assert view.title() != "owned"
    assert view.evaluate("document.documentElement.scrollWidth") <= 320
