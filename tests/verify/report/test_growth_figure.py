from __future__ import annotations

import math
import re
from itertools import pairwise
from typing import Any

import pytest
from pages import text_of
from rich.console import Console

from nn_from_scratch.verify.report import page
from nn_from_scratch.verify.report.figures.growth import growth
from nn_from_scratch.verify.report.figures.speed import ratios
from nn_from_scratch.verify.results.tables import show_benchmark

pytestmark = pytest.mark.once


def curve(peer: str, unit: str = "seconds", **more: Any) -> dict[str, Any]:
    return {"peer": peer, "unit": unit, "sizes": [10, 100, 1000], "medians": [1e-6, 1e-5, 1e-4], **more}


CURVES = [
    curve("ours", exponent=1.02, low=0.99, high=1.05),
    curve("theirs", sizes=[10], medians=[3e-6]),
    curve("ours", "bytes", exponent=0.97, low=0.96, high=0.98),
]


def test_drawing_names_every_curve_of_its_unit_with_its_exponent() -> None:
    drawing = str(growth(CURVES, "seconds"))
    assert "for 2 engines" in drawing
    assert ">ours  n^1.02<" in drawing
    assert ">theirs<" in drawing
    assert "0.97" not in drawing
    assert len(re.findall("<svg", drawing)) == 2


def test_names_at_one_height_do_not_cover_one_another() -> None:
    drawing = str(growth([curve(f"engine{k}") for k in range(5)], "seconds"))
    wide = drawing.split("</svg>", maxsplit=1)[0]
    heights = sorted(map(float, re.findall(r'y="([-\d.]+)">engine\d', wide)))
    assert len(heights) == 5
    assert min(heights) >= 0
    assert max(heights) <= 420
    assert min(b - a for a, b in pairwise(heights)) >= 14


@pytest.mark.parametrize("curves", [[], [{}], [curve("ours", medians=[math.nan, 0, None])]])
def test_nothing_to_draw_is_no_drawing(curves: list[dict[str, Any]]) -> None:
    assert growth(curves, "seconds") is None


def run(**more: Any) -> dict[str, Any]:
    return {
        "schema": 1,
        "kind": "benchmark",
        "verdict": "measured",
        "seconds": 1.0,
        "interrupted": False,
        "environment": {},
        "rows": [],
        "growth": CURVES,
        **more,
    }


def test_page_has_curves_and_changes() -> None:
    change = {"name": "work", "baseline": "them", "old": 4.25, "new": 2.125}
    change |= {"change": 0.5, "low": 0.4, "high": 0.6, "word": "regressed"}
    noisy = {**change, "name": "other work", "word": "within noise"}
    drawn = page(benchmark=run(comparison={"rows": [change, noisy], "missing": ["lost: a and b"]}))
    assert "Of 2 figures 0 improved, 1 regressed, 0 no change, 1 within noise." in drawn
    assert "In the earlier run alone: lost: a and b." in drawn
    assert "other work" not in drawn
    assert "Time of a chain" in drawn
    assert "Memory of a chain" in drawn
    assert "0.96 to 0.98" in drawn
    (row,) = re.findall(r'<th scope="row">work</th>.*?</tr>', drawn, re.DOTALL)
    assert text_of(row) == "work them 4.25 2.12 0.5× 0.4 to 0.6 regressed"
    assert "tone-inaccurate" in row


CATCHING = [
    {"tool": "ours", "faults": 4, "faults_caught": 3, "checks": 8, "caught": 6, "false_alarms": 0}
    | {"seconds": 0.012, "seconds_per_catch": 0.002},
    {"tool": "blind", "faults": 4, "faults_caught": 0, "checks": 8, "caught": 0, "false_alarms": 1}
    | {"seconds": 0.3, "seconds_per_catch": None, "ratio": None, "low": None, "high": None},
    {"tool": "theirs", "faults": 4, "faults_caught": 2, "checks": 8, "caught": 3, "false_alarms": 0}
    | {"seconds": 0.03, "seconds_per_catch": 0.01, "ratio": 5.0, "low": 4.0, "high": 6.0},
]


def test_page_and_table_say_what_a_catch_costs_and_nothing_where_there_was_none() -> None:
    drawn = page(benchmark=run(catching=CATCHING))
    assert "What it costs to catch a fault" in drawn
    assert ">3 of 4<" in drawn
    assert "None" not in re.findall(r'<th scope="row">blind</th>.*?</tr>', drawn, flags=re.DOTALL)[0]
    console = Console(record=True, width=120)
    show_benchmark(console, run(catching=CATCHING))
    told = console.export_text()
    assert re.search(r"ours +3 of 4 +6 of 8 +0 +2\.00 ms", told)
    assert re.search(r"theirs +2 of 4 +3 of 8 +0 +10\.00 ms +5\.00 +4\.00 to 6\.00", told)
    assert "None" not in told


def test_page_and_table_have_resident_memory() -> None:
    rows = [{"peer": "ours", "operations": 99_999, "bytes": 197.4, "least": 189.0, "most": 197.5}]
    text = text_of(page(benchmark=run(resident=rows)))
    assert "One number in 99,999 products and sums" in text
    assert "ours 197 bytes 189 to 198" in text
    assert "Resident memory of an operation" not in text_of(page(benchmark=run()))
    console = Console(record=True, width=120)
    show_benchmark(console, run(resident=rows))
    assert re.search(r"ours +99,999 +197 bytes +189 to 198 bytes", console.export_text())


def test_page_and_table_tell_what_compiling_took() -> None:
    row = {"name": "work", "subject": "us", "baseline": "them", "ratio": 2.0, "low": 1.5, "high": 3.0}
    compiled = row | {"baseline": "jit", "baseline_compile_seconds": 3.42}
    told = run(rows=[row, compiled])
    text = text_of(page(benchmark=told))
    assert "work them 2×" in text
    assert "work jit compiled in 3.42 s 2×" in text
    assert "What a baseline took to compile" in text
    assert "to compile" not in text_of(page(benchmark=run(rows=[row])))
    console = Console(record=True, width=120)
    show_benchmark(console, told)
    assert re.search(r"work +us +jit, compiled in 3\.4 s +2\.00", console.export_text())


def test_of_many_ratios_those_with_an_aim_are_drawn() -> None:
    rows = [
        {"name": f"work {k}", "subject": "us", "baseline": "them", "ratio": 2.0, "low": 1.5, "high": 3.0}
        for k in range(30)
    ]
    assert "24 ratios" in str(ratios(rows))
    rows[7]["mark"] = 3.0
    drawing = str(ratios(rows))
    assert "1 ratios" in drawing
    assert "work 7" in drawing
    assert "30 ratios" not in drawing
    assert "12 ratios" in str(ratios(rows[:12]))


def test_table_has_exponents_and_what_an_operation_takes() -> None:
    console = Console(record=True, width=120)
    show_benchmark(console, run())
    told = console.export_text()
    assert re.search(r"time +ours +1\.02 +0\.99 to 1\.05 +1,000 +100 ns", told)
    assert re.search(r"time +theirs +10 +300 ns", told)
    assert re.search(r"memory +ours +0\.97", told)
