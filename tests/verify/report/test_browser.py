"""The page in Chromium: nothing leaves it, nothing overflows, and its few scripts work by keyboard."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

Pages = Callable[[str], str]

CHROMIUM = os.environ.get("CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)

pytestmark = [pytest.mark.once, pytest.mark.skipif(not CHROMIUM, reason="no chromium is on the path")]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--headless", "--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture
def complaints() -> list[str]:
    """Return what the console, errors, dialogs and requests of a page say; a test leaves it empty."""
    return []


@pytest.fixture
def visit(
    browser: Any, page_of: Pages, tmp_path: Path, complaints: list[str]
) -> Iterator[Callable[..., Any]]:
    """Open a sample's page and, when the test is over, require that it complained of nothing."""
    contexts = []

    def open_page(name: str, width: int = 1280, scheme: str = "light") -> Any:
        path = tmp_path / f"{name}.html"
        path.write_text(page_of(name), encoding="utf-8")
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        view = context.new_page()
        view.on("console", lambda message: complaints.append(message.text))
        view.on("pageerror", lambda error: complaints.append(str(error)))
        view.on("dialog", lambda dialog: complaints.append(dialog.message))
        view.on("request", lambda request: complaints.extend({request.url} - {path.as_uri()}))
        view.goto(path.as_uri())
        return view

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


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
