"""The page in Chromium: nothing leaves it, nothing overflows, and its few scripts work by keyboard."""

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.once


@pytest.mark.parametrize("width", [320, 375, 1280])
@pytest.mark.parametrize("name", ["everything", "wrong", "interrupted", "hollow", "hostile"])
def test_page_has_no_horizontal_scroll(visit: Callable[..., Any], name: str, width: int) -> None:
    view = visit(name, width)
    assert view.evaluate("document.documentElement.scrollWidth") <= width
    drawings = "[...document.querySelectorAll('.drawing svg')].map(svg => svg.checkVisibility())"
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
    heading = view.locator("#operations thead th").nth(3)
    column = "rows => [...rows].map(row => Number(row.cells[3].dataset.value || NaN))"

    def values() -> list[float]:
        return view.locator("#operations tbody tr").evaluate_all(column)  # type: ignore[no-any-return]

    heading.locator("button").focus()
    for key, direction in (("Enter", "descending"), ("Space", "ascending")):
        view.keyboard.press(key)
        assert heading.get_attribute("aria-sort") == direction
        *known, last = values()
        assert known == sorted(known, reverse=direction == "descending")
        assert last != last  # noqa: PLR0124 - what has no value stays last
    view.locator("#operations thead th").first.locator("button").focus()
    view.keyboard.press("Enter")
    assert heading.get_attribute("aria-sort") is None
    names = view.locator("#operations tbody th").all_inner_texts()
    assert names == sorted(names)


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
