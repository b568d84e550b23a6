import copy
import functools
import re
from collections.abc import Callable
from typing import Any

import pytest
from accessible import require_accessible
from pages import require_ids_once_and_links_to_them, require_nothing_outside, require_strict_html, text_of

from nn_from_scratch.verify.report import page_of_functions
from nn_from_scratch.verify.report.functions import grids, shown

pytestmark = pytest.mark.once

Results = dict[str, Any]


def entry(place: int, verdict: str, **numbers: Any) -> Results:
    error = 1.0 if verdict == "wrong" else 3e-15
    return {
        "name": f"x[{place // 3}, {place % 3}]",
        "input": 0,
        "place": place,
        "got": 1.5 + error,
        "expected": 1.5,
        "error": error,
        "tolerance": 2e-13,
        "digits": 0 if verdict == "wrong" else 14,
        "verdict": verdict,
        **numbers,
    }


def function(verdict: str = "right", name: str = "softmax") -> Results:
    entries = [entry(place, "right") for place in range(6)]
    rows = [
        {"name": "rules", "verdict": "right", "said": "formula equal at this point to 77 digits"},
        {"name": "numbers", "verdict": "right", "said": "1.5 along a random direction"},
        {"name": "vmap", "verdict": "not supported", "said": "it refuses"},
    ]
    failures = []
    if verdict == "wrong":
        entries[1] = entry(1, "wrong")
        entries[2] = entry(2, "wrong", got="nan", error="nan")
        rows[0] |= {"verdict": "wrong", "said": "formula proved to differ"}
        rows[1] |= {"verdict": "wrong", "said": "the derivative for x[0, 1] is 2.5"}
        script = "import sys\n\nsys.exit(1)\n"
        failures = [
            {"row": row["name"], "verdict": "wrong", "message": row["said"], "script": script}
            for row in rows[:2]
        ]
    return {
        "name": name,
        "door": "numpy",
        "verdict": verdict,
        "said": "",
        "seconds": 0.5,
        "inputs": [{"name": "x", "shape": [2, 3], "dtype": "float64"}],
        "numbers": 6,
        "rows": rows,
        "entries": entries,
        "causes": ["a constant factor: it is 2 times the derivative"] if failures else [],
        "measured": {"noise": 1e-16},
        "failures": failures,
    }


def results(*functions: Results) -> Results:
    wrong = any(one["verdict"] == "wrong" for one in functions)
    return {
        "schema": 1,
        "kind": "functions",
        "spec": "layers.py:softmax",
        "command": ["check", "layers.py:softmax", "--seed=3"],
        "verdict": "wrong" if wrong else "right" if functions else "nothing checked",
        "seed": 3,
        "seconds": 0.5,
        "interrupted": False,
        "environment": {"python": "3.11", "torch": None},
        "functions": list(functions),
    }


HOSTILE = "</script><img src=x onerror=alert(1)>\x00\u202e\udfff"
PAGES: dict[str, list[Results]] = {
    "right": [results(function())],
    "wrong": [results(function("wrong"))],
    "several": [results(function("wrong"), function(name="relu"), function("undecided", "dropout"))],
    "nothing": [results()],
    "empty": [{}],
    "hostile": [
        results(
            function("wrong", HOSTILE) | {"causes": [HOSTILE], "entries": [entry(0, "wrong", name=HOSTILE)]}
        )
    ],
    "no run": [],
    "two runs": [results(function("wrong")), results(function())],
    "two places": [results(function("wrong")), results(function()) | {"spec": "torch_layers.py:softmax"}],
}


@functools.cache
def made(name: str) -> str:
    return page_of_functions(PAGES[name])


@pytest.fixture
def page_of() -> Callable[[str], str]:
    return made


@pytest.fixture(params=PAGES)
def html(request: pytest.FixtureRequest) -> str:
    return made(request.param)


def test_page_stands_alone(html: str) -> None:
    require_ids_once_and_links_to_them(html)
    require_nothing_outside(html)
    require_strict_html(html)


def test_page_is_the_same_for_the_same_results() -> None:
    before = copy.deepcopy(PAGES["wrong"])
    assert page_of_functions(before) == made("wrong")
    assert before == PAGES["wrong"]


def test_drawings_take_every_colour_from_the_page(html: str) -> None:
    drawings = "".join(re.findall(r'<svg class="(?:wide|narrow)".*?</svg>', html, flags=re.DOTALL))
    colours = set(re.findall(r"(?:fill|stroke): ?([^;\"]+)", drawings))
    assert not {colour for colour in colours if not re.fullmatch(r"none|var\(--[a-z]+\)", colour)}


def test_a_wrong_function_is_told_with_its_entries_and_its_script_once() -> None:
    html = made("wrong")
    text = text_of(html)
    assert "Not right: rules and numbers. Likely cause: a constant factor" in text
    (wrong,) = copy.deepcopy(PAGES["wrong"])
    (uncaused,) = wrong["functions"]
    uncaused["causes"], uncaused["rows"][0]["said"] = [], "formula proved to differ\nby half"
    assert "Not right: rules and numbers. Formula proved to differ. " in text_of(page_of_functions([wrong]))
    assert "nn-from-scratch check layers.py:softmax --seed=3" in text
    assert ">nan<" in html
    assert html.count("sys.exit(1)") == 1
    assert "The script above shows this as well" in text
    assert html.count('class="cell-wrong"') == 2
    assert 'aria-label="The errors of 6 entries of the gradient, 2 of them wrong' in html


def test_every_failure_can_be_cited_and_is_linked_from_its_promise() -> None:
    html = made("wrong")
    for k, promise in enumerate(("rules", "numbers"), 1):
        anchor = f"function-1-failure-{k}"
        assert f'<article class="failure" id="{anchor}">' in html
        assert f'<a class="anchor" href="#{anchor}"' in html
        row = re.search(rf'<th scope="row">{promise}</th>.*?</tr>', html, re.DOTALL)
        assert row is not None
        assert f'<a href="#{anchor}">told above</a>' in row[0]


def test_a_right_function_has_no_grid_and_no_script() -> None:
    html = made("right")
    text = text_of(html)
    assert "Right" in text
    assert "Formula equal at this point to 77 digits." in text
    assert 'class="grid"' not in html
    assert "<pre class=" not in html
    assert 'class="wide"' in html


def test_several_functions_are_counted() -> None:
    text = text_of(made("several"))
    assert "Of 3 functions: 1 wrong, 1 undecided and 1 right." in text


def test_several_runs_stand_side_by_side() -> None:
    html = made("two runs")
    text = text_of(html)
    assert "Of 2 functions: 1 wrong and 1 right." in text
    assert 'class="tone-wrong"' in html
    assert re.search(
        r"promise softmax \(run 1\) softmax \(run 2\) rules wrong right numbers wrong right", text
    )
    assert html.count('<a href="#function-2">') >= 2
    assert html.count('<a href="#function-1-failure-1"><span class="badge tone-wrong">') == 1
    assert "The gradient of layers.py:softmax (seed 3), in 2 runs, in 1" in text
    assert "softmax (torch_layers.py:softmax)" in text_of(made("two places"))
    assert 'id="beside"' not in made("right")


@pytest.mark.parametrize(
    ("verdicts", "word"),
    [(("right", "undecided"), "Undecided"), (("right", "right"), "Right"), (("undecided", "wrong"), "Wrong")],
)
def test_the_gravest_run_speaks_for_the_page(verdicts: tuple[str, str], word: str) -> None:
    runs = [results(function(verdict)) | {"verdict": verdict} for verdict in verdicts]
    assert f'<span class="verdict">{word}</span>' in page_of_functions(runs)
    stopped = page_of_functions([runs[0] | {"interrupted": True}, runs[1]])
    shown = "Wrong" if word == "Wrong" else "Interrupted"
    assert f'<span class="verdict">{shown}</span>' in stopped


@pytest.mark.parametrize("page", ["nothing", "empty", "no run"])
def test_nothing_checked_is_no_pass(page: str) -> None:
    html = made(page)
    assert "this is not a pass" in text_of(html)
    assert 'class="tone-right"' not in html


def test_an_interrupted_run_is_no_pass() -> None:
    text = text_of(page_of_functions([PAGES["right"][0] | {"interrupted": True}]))
    assert "Stopped before its end: this is not a pass." in text


def test_wrong_entries_lead_the_table() -> None:
    rows = shown([entry(0, "right"), entry(1, "wrong"), entry(2, "undecided")])["rows"]
    assert [row["verdict"] for row in rows] == ["wrong", "undecided", "right"]
    assert shown([entry(0, "right")] * 300)["more"] == 200


def test_a_grid_has_the_shape_of_its_array() -> None:
    (grid,) = grids(function("wrong"))
    assert [len(row["cells"]) for row in grid["rows"]] == [3, 3]
    assert [row["name"] for row in grid["rows"]] == ["[0, :]", "[1, :]"]
    partly = function("wrong")
    partly["entries"].pop()
    assert not grids(partly)


def test_every_number_is_whole_on_a_phone(visit: Callable[..., Any]) -> None:
    view = visit("wrong", 390)
    view.evaluate("for (const folded of document.querySelectorAll('details')) folded.open = true")
    right = "cells => Math.max(...cells.map(cell => cell.getBoundingClientRect().right))"
    cells = view.locator(".stacked td")
    assert {"got", "true", "what was seen"} <= set(
        cells.evaluate_all("cells => cells.map(cell => cell.dataset.label)")
    )
    assert 100 < cells.evaluate_all(right) <= 390


def test_page_is_accessible(visit: Callable[..., Any]) -> None:
    require_accessible(visit("two runs", scheme="light"))
