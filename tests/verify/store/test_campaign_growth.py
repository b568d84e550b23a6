"""How a campaign's time grows: what is recorded is what its samples say, and can be measured again."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nn_from_scratch.verify import store
from nn_from_scratch.verify.oracles.reference import read
from nn_from_scratch.verify.store.asking import _forget

pytestmark = pytest.mark.once
SCRIPTS = Path(__file__).parents[3] / "reference"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(SCRIPTS)
    yield importlib.import_module("record_campaign_growth")
    sys.modules.pop("record_campaign_growth")
    _forget()


@pytest.mark.parametrize(("name", "largest"), [("asking", 12_800), ("committing", 10_000_000)])
def test_what_is_recorded_is_what_the_samples_say(name: str, largest: int, script: Any) -> None:
    recorded = read("campaign_growth.json")[name]
    samples = dict(zip(recorded["sizes"], recorded["processor seconds"], strict=True))
    assert len(samples) >= 5
    assert max(samples) == largest
    again = script.fitted(samples)
    for figure in ("exponent", "low", "high"):
        assert again[figure] == pytest.approx(recorded[figure], abs=1e-9)
    told = [f"{recorded[figure]:.2f}".replace("-0.00", "0.00") for figure in ("exponent", "low", "high")]
    words = " ".join(str(store.__doc__).split())
    assert f"the power of {told[0]}, " in words
    assert f"between {told[1]} and {told[2]}" in words


def test_it_can_be_measured_again(script: Any) -> None:
    plan = script.planned()
    by_graphs = script.asking(plan, sizes=(200, 600), samples=1)
    by_chunks = script.committing(plan, sizes=(300, 3_000), samples=1)
    assert (list(by_graphs), list(by_chunks)) == ([200, 600], [300, 3_000])
    assert all(seconds > 0 for (seconds,) in (*by_graphs.values(), *by_chunks.values()))
