"""The page in Chromium: nothing leaves it, nothing overflows, and its few scripts work by keyboard."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from accessible import require_accessible

from nn_from_scratch.verify.report import page
from nn_from_scratch.verify.report.page import FAILURES_SHOWN

pytestmark = pytest.mark.once

Results = dict[str, Any]


@pytest.mark.parametrize("name", ["everything", "wrong", "interrupted", "hollow", "hostile"])
def test_page_has_no_horizontal_scroll(visit: Callable[..., Any], name: str) -> None:
    view = visit(name, 320)
    drawings = "[...document.querySelectorAll('.drawing svg')].map(svg => svg.checkVisibility())"
    for width in (320, 375, 1280):
        view.set_viewport_size({"width": width, "height": 900})
        assert view.evaluate("document.documentElement.scrollWidth") <= width
        shown = view.evaluate(drawings)
        assert shown.count(True) * 2 == len(shown)


def test_page_runs_no_text_of_an_engine(visit: Callable[..., Any]) -> None:
    view = visit("hostile")
    assert view.title() != "owned"
    assert view.evaluate("document.querySelectorAll('img').length") == 0
    assert view.evaluate("document.querySelectorAll('script').length") == 1


def test_policy_stops_a_foreign_script(visit: Callable[..., Any], complaints: list[str]) -> None:
    view = visit("everything")
    view.evaluate(
        "const script = document.createElement('script');"
        "script.textContent = 'window.owned = true';"
        "document.body.append(script)"
    )
    assert view.evaluate("window.owned") is None
    assert "Content Security Policy" in complaints.pop()


def test_table_sorts_by_keyboard(visit: Callable[..., Any]) -> None:
    view = visit("everything")
    table = view.locator("#kinks table").first
    heading = table.locator("thead th").nth(4)
    column = "rows => [...rows].map(row => Number(row.cells[4].dataset.value || NaN))"

    def values() -> list[float]:
        return table.locator("tbody tr").evaluate_all(column)  # type: ignore[no-any-return]

    heading.locator("button").focus()
    for key, direction in (("Enter", "descending"), ("Space", "ascending")):
        view.keyboard.press(key)
        assert heading.get_attribute("aria-sort") == direction
        *known, one, other = values()
        assert known == sorted(known, reverse=direction == "descending")
        assert [math.isnan(one), math.isnan(other)] == [True, True], "what has no value stays last"
    table.locator("thead th").first.locator("button").focus()
    view.keyboard.press("Enter")
    assert heading.get_attribute("aria-sort") is None
    names = table.locator("tbody th").all_inner_texts()
    assert names == sorted(names)


def test_table_is_filtered_by_keyboard(visit: Callable[..., Any]) -> None:
    view = visit("everything")
    rows = view.locator("#operations table").first.locator("tbody tr")
    field = view.locator("#operations").get_by_role("searchbox", name="Filter: Operations")
    said = view.locator("#operations .filter output")
    shown = "rows => rows.filter(row => row.checkVisibility()).map(row => row.cells[0].textContent.trim())"
    whole = rows.evaluate_all(shown)
    assert len(whole) >= 10
    field.focus()
    view.keyboard.type("TANH 14")
    for width in (1280, 390):
        view.set_viewport_size({"width": width, "height": 900})
        assert rows.evaluate_all(shown) == ["tanh"]
    assert said.inner_text() == f"1 of {len(whole)} rows"
    view.keyboard.press("Control+A")
    view.keyboard.press("Delete")
    assert rows.evaluate_all(shown) == whole
    assert said.inner_text() == ""
    few = view.locator("#kinks").get_by_role("searchbox")
    assert few.count() == 0, "a table of few rows needs none"


def test_failures_are_two_clicks_away_and_can_be_cited(visit: Callable[..., Any]) -> None:
    view = visit("wrong")
    for place in ("#gradients .grades a", "#operations tbody th a"):
        view.locator(place).first.click()
        target = view.evaluate("location.hash")
        assert view.locator(f"{target}.failure .anchor").get_attribute("href") == target
        assert view.locator(f"{target} > details").first.get_attribute("open") is not None


def test_got_and_expected_are_whole_on_a_phone(visit: Callable[..., Any]) -> None:
    view = visit("wrong")
    view.set_viewport_size({"width": 390, "height": 900})
    cut = "cells => cells.filter(cell => cell.getBoundingClientRect().right > innerWidth).length"
    cells = view.locator(".failure .stacked td")
    assert cells.count() >= 4
    assert cells.evaluate_all(cut) == 0


def test_every_engine_is_in_the_table_of_kinks_on_a_phone(visit: Callable[..., Any]) -> None:
    view = visit("wrong", 320)
    cells = view.locator("#kinks tbody tr").first.locator("td")
    labels = cells.evaluate_all("cells => cells.map(cell => cell.dataset.label)")
    assert labels[1:3] == ["PyTorch", "JAX"]
    edges = "cells => cells.map(cell => cell.getBoundingClientRect()).map(box => [box.left, box.right])"
    for width in (320, 390):
        view.set_viewport_size({"width": width, "height": 900})
        assert all(0 <= left < right <= width for left, right in cells.evaluate_all(edges))


def test_a_long_campaign_with_many_failures_opens_at_once(
    browser: Any, long_campaign: Results, wrong_runs: dict[str, Results], tmp_path: Path
) -> None:
    failures = wrong_runs["verify"]["failures"][:1] * FAILURES_SHOWN
    told = [one | {"operation": f"operation {k}"} for k, one in enumerate(failures)]
    path = tmp_path / "long.html"
    path.write_text(page(verify=long_campaign | {"verdict": "wrong", "failures": told}), encoding="utf-8")
    assert path.stat().st_size < 3_000_000
    view = browser.new_page()
    took = []
    for _ in range(3):  # the machine may do something else meanwhile
        view.goto(path.as_uri())
        took.append(view.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd"))
    assert view.locator(".live").count() == FAILURES_SHOWN
    view.close()
    assert min(took) < 1000, "milliseconds"


@pytest.mark.parametrize(("scheme", "other"), [("light", "dark"), ("dark", "light")])
def test_theme_follows_the_system_until_toggled(visit: Callable[..., Any], scheme: str, other: str) -> None:
    view = visit("everything", scheme=scheme)
    toggle = view.get_by_role("button", name="Dark")
    brightness = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)[0]"
    for expected in (scheme, other, scheme):
        assert (view.evaluate(brightness) > 128) == (expected == "light")
        assert toggle.get_attribute("aria-pressed") == str(expected == "dark").lower()
        toggle.focus()
        view.keyboard.press("Enter")


def test_copy_copies_the_script(visit: Callable[..., Any]) -> None:
    view = visit("wrong")
    view.context.grant_permissions(["clipboard-read", "clipboard-write"])
    button = view.get_by_role("button", name="Copy script that shows failure 1")
    button.focus()
    view.keyboard.press("Enter")
    view.get_by_text("Copied").wait_for()
    assert view.evaluate("navigator.clipboard.readText()") == view.locator("#reproducer-1").text_content()


def test_print_unfolds_everything(visit: Callable[..., Any]) -> None:
    view = visit("wrong")
    view.emulate_media(media="print")
    view.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert view.evaluate("[...document.querySelectorAll('details')].every(details => details.open)")
    assert not view.locator("#contents").is_visible()


@pytest.mark.parametrize(
    ("name", "width", "scheme"),
    [("everything", 390, "light"), ("wrong", 1280, "dark")],
)
def test_page_is_accessible(visit: Callable[..., Any], name: str, width: int, scheme: str) -> None:
    require_accessible(visit(name, width, scheme))


def test_a_violation_is_found(visit: Callable[..., Any]) -> None:
    view = visit("wrong")
    view.evaluate("document.querySelector('.near input').removeAttribute('aria-label')")
    with pytest.raises(AssertionError, match="every form element has a label"):
        require_accessible(view)
