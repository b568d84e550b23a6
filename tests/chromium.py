"""Chromium, headless, where it and what drives it are installed."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

PROGRAM = os.environ.get("CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)


@contextmanager
def started() -> Iterator[Any]:
    """Give a browser, or skip the test."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not PROGRAM:
        pytest.skip("no chromium is on the path")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=PROGRAM, args=["--headless", "--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()
