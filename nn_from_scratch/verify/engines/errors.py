"""What is raised about an engine before it is asked anything that is judged."""

from __future__ import annotations


class EngineError(Exception):
    """An engine cannot be loaded, or its adapter has a mistake."""
