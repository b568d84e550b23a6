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


NOT_TRACED = {
    "np.add.reduce(x) ()",
    "np.average(x, axis=(2, 0), weights=y) (2, 3, 4) (4, 2)",
    "np.ediff1d(x, y, 2.0) (2, 3) (2,)",
    "np.fmin.reduce(x) ()",
    "np.linalg.vecdot(x, y, axis=0) (3, 4) (3,)",
    "np.linalg.vecdot(x, y, axis=1) (2, 3, 4) (4, 3)",
    "np.logaddexp.reduce(x) ()",
    "np.logaddexp.reduce(x) (2, 3)",
    "np.logaddexp.reduce(x, 1, None, None, True, 0.5, numpy.array((True, False, True))) (2, 3)",
    "np.logaddexp.reduce(x, initial=0.5) (2, 3)",
    "np.max(x, axis=-1) ()",
    "np.max(x, axis=0) ()",
    "np.maximum.accumulate(x, 1, float) (2, 3)",
    "np.maximum.reduce(x) ()",
    "np.min(x, axis=-1) ()",
    "np.min(x, axis=0) ()",
    "np.multiply.reduce(x) ()",
    "np.nanmax(x, axis=-1) ()",
    "np.nanmax(x, axis=0) ()",
    "np.nansum(x, axis=-1) ()",
    "np.nansum(x, axis=0) ()",
    "np.prod(x, axis=-1) ()",
    "np.prod(x, axis=0) ()",
    "np.ptp(x, axis=-1) ()",
    "np.ptp(x, axis=0) ()",
    "np.sum(x, axis=-1) ()",
    "np.sum(x, axis=0) ()",
    "np.trace(x, 0, 0, 1, float) (2, 3)",
    "np.vecdot(x, y, axis=0) (3, 4) (3,)",
}
"""Reductions of a single number by an axis, logarithms of sums by a ufunc, and forms that few write."""


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
