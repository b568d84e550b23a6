"""The animation and the band of curves within the page."""

import base64
import hashlib
import re
from typing import Any

from nn_from_scratch.verify.report import page

ANIMATION: dict[str, Any] = {
    "iterations": [0, 1],
    "losses": [4.0, 2.0],
    "points": [[0.0, 0.0], [1.0, 1.0]],
    "classes": [0, 1],
    "left": -1.0,
    "bottom": -1.0,
    "spacing": 1.0,
    "columns": 2,
    "rows": 2,
    "frames": [base64.b64encode(bytes(4)).decode()] * 2,
}
MOONS: dict[str, Any] = {
    "verdict": "right",
    "interrupted": False,
    "losses": [4.0, 2.0],
    "reference": [4.0, 2.0],
    "tolerance": [1e-12, 1e-12],
    "animation": ANIMATION,
    "band": {
        "about": "Quantiles.",
        "quantiles": [0.0, 0.5, 1.0],
        "losses": [[1.0, 1.0], [4.0, 3.0], [9.0, 8.0]],
    },
    "planted": [{"description": "a <b>bug", "iteration": None, "message": "unseen"}],
}


def test_every_script_of_the_page_is_allowed_by_its_hash() -> None:
    html = page(moons=MOONS)
    scripts = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    assert len(scripts) == 2
    for script in scripts:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in html


def test_page_shows_the_animation_the_band_and_the_planted_bugs() -> None:
    html = page(moons=MOONS)
    assert 'class="training-animation"' in html
    assert "Is the recorded curve plausible?" in html
    assert "a &lt;b&gt;bug" in html


def test_page_without_them_shows_none() -> None:
    html = page(
        moons={key: value for key, value in MOONS.items() if key not in ("animation", "band", "planted")}
    )
    assert "training-animation" not in html
    assert "plausible" not in html
