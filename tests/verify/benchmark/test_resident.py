"""Resident memory: of work whose size is known, and of peers in fresh processes."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from nn_from_scratch.verify.benchmark import resident
from nn_from_scratch.verify.benchmark.resident import Resident, peak_resident_bytes
from nn_from_scratch.verify.benchmark.workloads import SUBJECT

pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(not resident.is_measurable(), reason="Linux alone tells it"),
]
_MOST_OFF = 2**20  # what the interpreter itself may take meanwhile


def test_the_most_that_was_resident_is_told_though_it_is_freed() -> None:
    def work() -> str:
        block = np.ones(8 * 2**20)  # 64 MiB, which are written to
        del block
        return "done"

    taken, found = peak_resident_bytes(work)
    assert found == "done"
    assert abs(taken - 64 * 2**20) < _MOST_OFF
    taken, _ = peak_resident_bytes(lambda: None)
    assert abs(taken) < _MOST_OFF


def test_peers_are_measured_in_fresh_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resident, "ASKED", (SUBJECT, "closures"))
    monkeypatch.setattr(resident, "SAMPLES", 1)
    found = Resident()
    found.measure(uses=20_000)
    assert (found.notes, found.differ) == ([], False)
    ours, closures = found.rows
    assert (ours["peer"], closures["peer"], ours["operations"]) == (SUBJECT, "closures", 39_999)
    assert 50 < ours["bytes"] < 400 < closures["bytes"] < 1500  # each closure is an object, with its cells


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """By peer what its process prints, or the status that it ends with, or what comes of waiting for it."""
    found: dict[str, Any] = {SUBJECT: '{"bytes": 100, "result": [1.0, 2.0]}'}

    def run(command: list[str], **_: Any) -> Any:
        told = found[command[-2]]
        if isinstance(told, BaseException):
            raise told
        status = told if isinstance(told, int) else 0
        return SimpleNamespace(returncode=status, stdout=f"a word of the library\n{told}")

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(resident, "ASKED", (SUBJECT, "it"))
    return found


@pytest.mark.parametrize(
    ("told", "note"),
    [
        (-9, "Resident memory: it: not measured, its process ended with -9"),
        (subprocess.TimeoutExpired("it", 60), "Resident memory: it: not measured, it takes longer than 60 s"),
        ('{"why": "it: not installed: pip install it"}', "it: not installed: pip install it"),
        ('{"bytes": 1, "result": [1.0, 2.1]}', "Resident memory: it: not measured, they compute different"),
    ],
)
def test_who_is_not_measured_is_told(answers: dict[str, Any], told: Any, note: str) -> None:
    answers["it"] = told
    found = Resident()
    found.measure(uses=1)
    assert [row["peer"] for row in found.rows] == [SUBJECT]
    assert found.rows[0]["bytes"] == 100
    assert found.notes[0].startswith(note)
    assert found.differ is ("different" in note)


def test_a_process_says_what_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("micrograd", "micrograd.engine"):  # another test may have imported both
        monkeypatch.setitem(sys.modules, name, None)
    assert resident._told("micrograd", 10) == {"why": "micrograd: not installed: pip install micrograd"}


def test_elsewhere_than_on_linux_nothing_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resident, "is_measurable", lambda: False)
    found = Resident()
    found.measure()
    assert (found.rows, found.notes) == ([], ["Resident memory is measured on Linux alone"])
