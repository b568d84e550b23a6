"""What a page in Chromium has to be for everybody: axe-core finds no violation."""

from typing import Any

import pytest


def require_accessible(view: Any) -> None:
    """Unfold everything in a page and ask axe-core, which is run beside the page's own policy."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-core is not installed")
    view.evaluate("for (const folded of document.querySelectorAll('details')) folded.open = true")
    found = axe.Axe().run(view)
    assert not found.response["violations"], found.generate_report()
    assert found.response["passes"], "axe-core looked at nothing"
