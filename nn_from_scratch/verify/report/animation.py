"""Watching training: the boundary and the loss over the iterations, as one piece of HTML."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from markupsafe import Markup


def html(animation: Mapping[str, Any]) -> Markup:
    """Return the animation as HTML to put into a page: no file, no network, no name that a page may have.

    Parameters
    ----------
    animation
        What the moons results hold under "animation".

    """
    # in a script element, only "<" could end the data early
    data = json.dumps(animation, allow_nan=False).replace("<", "\\u003c")
    return Markup(_template().replace("DATA", data))  # noqa: S704 - our own file, and JSON without "<"


def script_hash() -> str:
    """Return the SHA-256 of the animation's script, in base64: a content policy lets it run by this."""
    script = _template().rpartition("<script>")[2].partition("</script>")[0]
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _template() -> str:
    return (files(__package__) / "templates" / "animation.html").read_text(encoding="utf-8")
