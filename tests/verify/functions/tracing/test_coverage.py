"""The published table of what is traced holds, each row checked against the operation's own numbers."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

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


def test_at_least_a_hundred_and_sixteen_are_traced() -> None:
    assert len(RECORD["traced"]) >= 116
    assert all(RECORD["not traced"].values())
