"""The page of a comparison: what each cell says and leads to, and how it behaves in a browser."""

import copy
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from accessible import require_accessible
from pages import require_ids_once_and_links_to_them, require_nothing_outside, require_strict_html, text_of

from nn_from_scratch.verify.report import page_of_comparison
from nn_from_scratch.verify.report.comparison import MEANINGS, SYMBOLS

pytestmark = pytest.mark.once

Results = dict[str, Any]

WORDS = ("right", "convention", "inaccurate", "wrong", "error", "undecided", "not settled", "not supported")
SCRIPT = "from engine import Value\n\nx = Value(0.0)\n"


def failure(operation: str, verdict: str = "wrong", grade: str = "rules") -> Results:
    return {
        "grade": grade,
        "operation": operation,
        "verdict": verdict,
        "kind": "another derivative",
        "message": f"{operation} is {verdict}: in {operation}(x0) at x0 = 2.0",
        "text": f"{operation}(x0)",
        "point": [2.0],
        "got": [0.5, 3.0],
        "expected": [0.5, 1.0],
        "tolerance": [1e-16, 1e-15],
        "reproducer": SCRIPT,
    }


def cell(word: str, *failures: int, note: str = "") -> Results:
    known = word not in ("not supported", "not asked")
    return {
        "word": word,
        "note": note,
        "failures": list(failures),
        "tolerances": 0.31 if known else None,
        "ulps": 1.25 if known else None,
        "worst": "tanh(x0) at x0 = 3.0" if known else "",
    }


def engine(label: str, failures: list[Results], **others: Any) -> Results:
    answers = {"direct": {"checked": 120}, "graphs": {"checked": 30}, "failures": failures, "deaths": []}
    return {
        "spec": label.lower(),
        "name": label,
        "label": label,
        "versions": {label.lower(): "1.2.3"},
        "outcome": "asked",
        "message": "",
        "verdict": "wrong" if failures else "right",
        "complete": True,
        "grades": {"rules": "wrong" if failures else "right", "accuracy": "right", "state": "right"},
        "counts": {"right": 5, "wrong": 1, "not supported": 2},
        "elsewhere": [],
        "largest": {"tolerances": {"error": 0.31, "operation": "tanh"}, "ulps": None},
        "depth": {"reached": 3000, "next": 100_000, "outcome": "error", "message": "RecursionError"},
        "seconds_per_graph": 0.0021,
        "results": answers,
        **others,
    }


def comparison(**others: Any) -> Results:
    """Return a comparison of three engines, of which the last was not asked."""
    failures = [failure("pow"), failure("a chain of 3,000 operations", "error", "limits")]
    unasked = engine("Later", [], outcome="not asked", results=None, verdict="nothing checked", versions={})
    unasked |= {"counts": {}, "grades": {}, "largest": {}, "depth": {}, "seconds_per_graph": None}
    operations = [
        {"name": f"op{k}", "group": "functions", "cells": [cell(word), cell("right"), cell("not asked")]}
        for k, word in enumerate(WORDS)
    ]
    lacking = [cell("not supported")] * 3
    operations += [
        {"name": "pow", "group": "operators", "cells": [cell("wrong", 0), cell("right"), cell("not asked")]},
        {
            "name": "div",
            "group": "operators",
            "cells": [cell("right", note="(constant / node): TypeError"), cell("right"), cell("not asked")],
        },
        {"name": "nowhere", "group": "operators", "cells": lacking},
    ]
    outcome = {"word": "error", "note": "RecursionError", "failures": [1]}
    unknown = {"word": "not asked", "note": "", "failures": []}
    return {
        "schema": 1,
        "kind": "comparison",
        "graphs": 30,
        "seed": 0,
        "seconds": 12.5,
        "interrupted": False,
        "environment": {"python": "3.11.7", "torch": None},
        "engines": [engine("Ours", failures), engine("Theirs", []), unasked],
        "operations": operations,
        "state": [
            {
                "name": "a chain of 3,000 operations",
                "grade": "limits",
                "cells": [outcome, unknown | {"word": "right"}, unknown],
            }
        ],
        "kinks": [
            {
                "at": "relu(x) at x = 0",
                "between": [0.0, 1.0],
                "cells": [
                    {"word": "right", "derivative": 0.5},
                    {"word": "wrong", "derivative": "nan"},
                    {"word": "not asked", "derivative": None},
                ],
            }
        ],
        **others,
    }


HOSTILE = (
    """<script>document.title='owned'</script>"><img src=x onerror="document.title='owned'">\x00\u202e"""
)


def hostile() -> Results:
    results = comparison()
    for one in results["engines"]:
        one |= {"name": HOSTILE, "label": HOSTILE, "versions": {HOSTILE: HOSTILE}, "message": HOSTILE}
    results["engines"][0]["results"]["failures"][0] |= {"message": HOSTILE, "reproducer": HOSTILE}
    results["operations"][0]["name"] = HOSTILE
    results["operations"][0]["cells"][0] |= {"note": HOSTILE, "word": HOSTILE}
    return results


def joined() -> Results:
    """Return two runs set side by side, of one engine in two environments."""
    runs = [["compare", "ours", "theirs", "--graphs=30", "--seed=0"], ["verify", "--engine=ours", "--seed=1"]]
    results = comparison(seed=None, commands=runs)
    for k, one in enumerate(results["engines"][:2]):
        one["label"] = f"Ours (run {k + 1})"
        one["results"]["environment"] = {"python": f"3.1{k + 1}"}
    return results


PAGES: dict[str, Callable[[], Results]] = {
    "three": comparison,
    "many": lambda: many(9),
    "joined": joined,
    "interrupted": lambda: comparison(interrupted=True),
    "hostile": hostile,
    "empty": dict,
}


def many(count: int) -> Results:
    results = comparison()
    results["engines"] = [engine(f"Engine {k}", []) for k in range(count)]
    for row in (*results["operations"], *results["state"], *results["kinks"]):
        row["cells"] = [row["cells"][1]] * count
    return results


@cache
def made(name: str) -> str:
    return page_of_comparison(PAGES[name]())


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
    results = comparison()
    before = copy.deepcopy(results)
    assert page_of_comparison(results) == made("three")
    assert before == results


def cells_of(html: str, row: str) -> list[str]:
    (found,) = re.findall(
        rf'<tr><th scope="row">(?:<code>)?{row}(?:</code>)?</th>(.*?)</tr>', html, re.DOTALL
    )
    return re.findall(r"<td.*?</td>", found, re.DOTALL)


@pytest.mark.parametrize("word", [*WORDS, "not asked"])
def test_every_word_has_a_symbol_and_stands_there_in_letters(word: str) -> None:
    html = made("three")
    row, column = (f"op{WORDS.index(word)}", 0) if word in WORDS else ("pow", 2)
    shown = re.sub(r'id="symbol-.*?"', "", html)
    (_, section) = shown.split('<section id="operations"', 1)
    found = cells_of(section.split('<section id="engines"')[0], row)[column]
    assert f'href="#symbol-{SYMBOLS[word]}"' in found
    assert text_of(found) == word
    assert MEANINGS[word] in html


def test_a_wrong_cell_leads_to_its_counterexample_and_script() -> None:
    html = made("three")
    section = html.split('<section id="operations"')[1].split('<section id="engines"')[0]
    (target,) = re.findall(r'href="#(engine-\w+-failure-\d+)"', cells_of(section, "pow")[0])
    (_, article) = html.split(f'id="{target}"')
    article = article.split("</article>")[0]
    assert "pow is wrong: in pow(x0) at x0 = 2.0" in article
    assert "x = Value(0.0)" in article
    assert "href" not in cells_of(section, "pow")[1].replace('href="#symbol-right', "")


def test_what_is_lacking_in_part_says_so() -> None:
    html = made("three")
    section = html.split('<section id="operations"')[1].split('<section id="engines"')[0]
    assert text_of(cells_of(section, "div")[0]) == "right in part"
    assert "(constant / node): TypeError" in section
    assert "In none of them: nowhere." in text_of(section)


def test_no_engine_that_was_not_asked_looks_right() -> None:
    text = text_of(made("three"))
    assert "Later Not asked It was asked nothing." in text
    assert "Not all was asked: nothing can be said." in text
    assert "Ours Wrong 5 of 6 operations right. Wrong in rules." in text


def test_an_engine_that_was_not_asked_all_has_no_right_operation_on_its_card() -> None:
    results = comparison()
    results["engines"][1]["complete"] = False
    text = text_of(page_of_comparison(results))
    assert "Theirs Right Not all was asked: no operation is called right." in text
    assert "30 not asked all" in text


def test_errors_depth_time_and_kinks_are_told() -> None:
    text = text_of(made("three"))
    assert "0.31 1.25 ulp" in text
    assert "3,000 100,000: error" in text
    assert "2.1 ms" in text
    assert "0.5 , right not a number , wrong not asked 0 and 1" in text
    assert "nn-from-scratch compare ours theirs later --graphs=30 --seed=0" in text


def test_a_failure_of_no_operation_is_told_of_its_engine() -> None:
    results = comparison()
    results["engines"][0]["elsewhere"] = [1]
    html = page_of_comparison(results)
    assert '<a href="#engine-1-failure-2">' in html.split('<section id="engines"')[1]
    assert "failures of no single operation 1 – –" in text_of(html)
    assert "failures of no single operation" not in text_of(made("three"))


def test_runs_that_were_joined_are_told_apart() -> None:
    text = text_of(made("joined"))
    assert "Ours (run 1), Ours (run 2) and Later, in runs that drew different random graphs." in text
    assert "nn-from-scratch compare ours theirs --graphs=30 --seed=0 nn-from-scratch verify" in text
    assert "Environment of Ours (run 1) python 3.11 Environment of Ours (run 2) python 3.12" in text


def test_an_interrupted_comparison_says_so() -> None:
    assert "Interrupted Stopped before its end" in text_of(made("interrupted"))


def test_nothing_compared_is_nothing() -> None:
    assert "Nothing compared No engine was asked anything." in text_of(made("empty"))


@pytest.mark.parametrize("name", ["joined", "many", "hostile"])
def test_page_has_no_horizontal_scroll(visit: Callable[..., Any], name: str) -> None:
    view = visit(name, 320)
    for width in (320, 390, 1280):
        view.set_viewport_size({"width": width, "height": 900})
        assert view.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_names_stay_in_sight(visit: Callable[..., Any], width: int, scheme: str) -> None:
    view = visit("many", width, scheme)
    box = view.locator("#operations .matrix")
    view.evaluate("document.documentElement.style.scrollBehavior = 'auto'")
    box.evaluate("box => { box.scrollIntoView(); box.scrollTop = 150; box.scrollLeft = 200; }")
    inside = box.evaluate(
        "box => { const at = box.getBoundingClientRect(), head = box.querySelector('thead th'),"
        " name = box.querySelectorAll('tbody th[scope=row]')[6];"
        " return [head, name].map(one => one.getBoundingClientRect()).flatMap(one =>"
        " [one.left - at.left, one.top - at.top]); }"
    )
    assert [abs(inside[k]) < 2 for k in (0, 1, 2)] == [True] * 3
    assert box.get_attribute("tabindex") == "0"


def test_a_cell_opens_its_script_by_keyboard(visit: Callable[..., Any]) -> None:
    view = visit("three")
    script = view.locator("#reproducer-1-1")
    assert not script.is_visible()
    view.locator("#operations td.word-wrong a").first.focus()
    view.keyboard.press("Enter")
    script.wait_for(state="visible")
    assert view.evaluate("document.querySelector('.failure:target') !== null")


def test_page_runs_no_text_of_an_engine(visit: Callable[..., Any]) -> None:
    view = visit("hostile")
    assert view.title() != "owned"
    assert view.evaluate("document.querySelectorAll('img').length") == 0


def test_it_reads_without_script(browser: Any, tmp_path: Any) -> None:
    path = tmp_path / "page.html"
    path.write_text(made("three"), encoding="utf-8")
    context = browser.new_context(java_script_enabled=False)
    view = context.new_page()
    view.goto(path.as_uri())
    view.locator("#operations td.word-wrong a").first.click()
    view.locator("#engine-1-failure-1 summary").click()
    assert view.locator("#reproducer-1-1").is_visible()
    context.close()


def test_page_is_accessible(visit: Callable[..., Any]) -> None:
    require_accessible(visit("joined", scheme="dark"))
