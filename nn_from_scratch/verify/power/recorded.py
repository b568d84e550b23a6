"""The recorded comparison."""

from __future__ import annotations

from typing import Any

from nn_from_scratch.verify.oracles.reference import read


def detection_power() -> dict[str, Any]:
    """Return what reference/record_detection_power.py recorded, and the `false_alarms` beside it.

    Raises
    ------
    FileNotFoundError
        If it is not there.

    """
    recorded: dict[str, Any] = read("detection_power.json")
    return recorded | {"false_alarms": read("false_alarms.json")}
