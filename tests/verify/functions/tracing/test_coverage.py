"""The published table of what is traced holds, each row checked against the operation's own numbers."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy_cases import CALLS, Asked

REFERENCE = Path(__file__).parents[4] / "reference"
RECORD = json.loads((REFERENCE / "traced.json").read_text())


def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("record_traced", REFERENCE / "record_traced.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.once
def test_table_is_what_is_traced() -> None:
    module = script()
    found = {name: module.asked(function, point) for name, (function, point) in module.operations().items()}
    missing = set(RECORD["traced"]) - {name for name, why in found.items() if why is None}
    # What a version of numpy or scipy refuses itself is not traced, and says so.
    assert not [name for name in missing if not (found[name] or "").startswith("it raises")]
    assert set(found) == set(RECORD["traced"]) | set(RECORD["not traced"])


NOT_TRACED = {"np.logaddexp.reduce(x) (2, 3)"}


@pytest.mark.once
def test_calls_of_numpy_that_take_nodes_are_traced_too() -> None:
    module = script()
    not_traced = set()
    for call in CALLS:
        operands = call.operands()
        for place, operand in enumerate(operands):

            def function(x: Any, call: Asked = call, given: list[Any] = operands, place: int = place) -> Any:
                return call(np, *given[:place], x, *given[place + 1 :])

            if module.asked(function, np.asarray(operand)) is not None:
                not_traced.add(str(call))
    assert not_traced == NOT_TRACED


def test_at_least_a_hundred_and_sixteen_are_traced() -> None:
    assert len(RECORD["traced"]) >= 116
    assert all(RECORD["not traced"].values())
