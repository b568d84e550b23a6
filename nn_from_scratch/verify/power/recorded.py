"""The recorded comparison."""

from __future__ import annotations

from typing import Any

from nn_from_scratch.verify.training.recorded import read


def detection_power() -> dict[str, Any]:
    """Return what reference/record_detection_power.py recorded.

    Raises
    ------
    FileNotFoundError
        If it is not there.

    """
    recorded: dict[str, Any] = read("detection_power.json")
    return recorded
