"""The site is built without a warning, asks for nothing from outside, and fits a browser of any width."""

from __future__ import annotations

import html
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.resources import files
from itertools import cycle, product
from pathlib import Path
from typing import Any

import chromium
import pytest
from accessible import require_accessible

import nn_from_scratch.verify
from nn_from_scratch.statuses import MEANINGS
from nn_from_scratch.verify.cli.commands import command_line

pytestmark = pytest.mark.once

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site as `tox -e docs` does, and return its folder."""
    pytest.importorskip("sphinx")
    folder = tmp_path_factory.mktemp("docs")
    command = ["-W", "--keep-going", "-q", "-b", "html", "-d", str(folder / "doctrees"), "docs"]
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *command, str(folder / "site")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "site"


def test_pages_load_nothing_from_outside(site: Path) -> None:
    pages = [path for path in site.rglob("*.html") if "_static" not in path.parts]
    assert len(pages) > 10
    for path in pages:
        text = path.read_text(encoding="utf-8")
        loaded = re.findall(r'<(?:script|img|iframe)\b[^>]*\bsrc="([^"]+)"', text)
        loaded += re.findall(r'<link\b[^>]*rel="(?:stylesheet|preload|icon)"[^>]*href="([^"]+)"', text)
        assert loaded, path.name
        assert not [url for url in loaded if re.match(r"(?:https?:)?//", url)], path.name
    styles = "".join(path.read_text(encoding="utf-8") for path in site.rglob("*.css"))
    assert not re.findall(r"@import|url\([\"']?(?:https?:)?//", styles)


def read(site: Path, page: str) -> str:
    """Return what a reader sees of a page, with single spaces."""
    (article,) = re.findall(r"<article.*?</article>", (site / f"{page}.html").read_text("utf-8"), re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", article)).split())


def test_commands_and_statuses_are_told(site: Path) -> None:
    told = read(site, "commands")
    assert all(f"{status} {meaning}" in told for status, meaning in MEANINGS.items())
    (subparsers,) = command_line()._subparsers._group_actions  # type: ignore[union-attr]
    assert isinstance(subparsers.choices, dict)
    assert len(subparsers.choices) > 8
    for name, command in subparsers.choices.items():
        part = told[told.index(f"usage: nn-from-scratch {name} ") :].partition("usage: ")[2]
        part = part.partition("usage: ")[0]
        options = [option for action in command._actions for option in action.option_strings]
        assert all(part.count(option) > 1 for option in options if option not in {"-h", "--help"}), name


def test_findings_are_told(site: Path) -> None:
    told = read(site, "found")
    findings = [path for path in (ROOT / "reference" / "findings").glob("*.md") if path.name != "README.md"]
    assert len(findings) > 10
    for path in findings:
        title = path.read_text("utf-8").partition("\n")[0]
        assert html.unescape(title.removeprefix("# ").replace("`", "")) in told, path.name


def test_keys_of_results_are_told_before_their_parts(site: Path) -> None:
    told = read(site, "results")
    for name in ("verify", "check"):
        schema = json.loads((files("nn_from_scratch.verify.results") / f"{name}.schema.json").read_text())
        whole = told[told.index(f"{name}.schema.json") :].partition(f"({name})")[0]
        assert all(f" {key} " in whole for key in schema["properties"])
        parts = [title for title, part in schema["$defs"].items() if "properties" in part]
        assert all(f"{title} ({name})" in told for title in parts)


def test_documents_beside_the_code_are_told(site: Path) -> None:
    told = read(site, "languages")
    for path in ("nn_from_scratch/verify/engines/wire/PROTOCOL.md", "reference/vectors/VECTORS.md"):
        headings = re.findall(r"^#+ (.+)$", (ROOT / path).read_text("utf-8"), re.MULTILINE)
        assert headings
        assert all(heading in told for heading in headings)


def test_public_names_are_told(site: Path) -> None:
    told = read(site, "reference")
    assert all(f"nn_from_scratch. {name}" in told for name in nn_from_scratch.__all__)
    assert all(f"nn_from_scratch.verify. {name}" in told for name in nn_from_scratch.verify.__all__)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium.started() as browser:
        yield browser


BEYOND = """() => {
    const scrolls = (one) =>
        one.tagName !== "ARTICLE" &&
        (/auto|scroll/.test(getComputedStyle(one).overflowX) || scrolls(one.parentElement));
    return [...document.querySelectorAll("article *")]
        .filter((one) => one.getBoundingClientRect().right > innerWidth + 1 && !scrolls(one))
        .map((one) => `${one.tagName} ${one.className}: ${one.textContent.slice(0, 40)}`);
}"""
"""Finds what the text would have to be scrolled sideways for; code and tables scroll by themselves."""


def test_pages_are_read_in_a_browser(site: Path, browser: Any) -> None:
    said: list[str] = []
    asked: list[str] = []
    page = browser.new_page()
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    for path in sorted(site.glob("*.html")):
        page.goto(path.as_uri())
        colours = set()
        for scheme, width in product(("light", "dark"), (1280, 390)):
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": width, "height": 800})
            beyond = page.evaluate(BEYOND)
            assert not beyond, f"{path.name} is too wide for {width} pixels: {beyond}"
            colours.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        assert len(colours) == 2, path.name
    page.close()
    assert not said
    assert not [url for url in asked if not url.startswith(("file:", "data:"))]


LONG = ("course", "reference", "results")
"""Pages that repeat what is on others hundreds of times, on which axe-core takes seconds."""


def test_pages_are_accessible(site: Path, browser: Any) -> None:
    page = browser.new_page()
    paths = [path for path in sorted(site.glob("*.html")) if path.stem not in LONG]
    assert len(paths) > 10
    for path, scheme in zip(paths, cycle(("light", "dark"))):
        page.emulate_media(color_scheme=scheme)
        page.goto(path.as_uri())
        require_accessible(page)
    page.close()
