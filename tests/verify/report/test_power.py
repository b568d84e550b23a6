import re
from typing import Any

import pytest
from markupsafe import escape

from nn_from_scratch.verify.power import detection_power
from nn_from_scratch.verify.report import page
from nn_from_scratch.verify.report.figures.power import smallest_errors


@pytest.fixture(scope="module")
def html() -> str:
    return page(power=detection_power())


def test_page_shows_the_detection_power_with_its_contents_entry(html: str) -> None:
    assert '<a href="#power">Detection power</a>' in html
    assert '<section id="power"' in html


def test_page_leaves_the_section_out_without_results() -> None:
    assert "Detection power" not in page()


def test_page_says_what_each_tool_caught(html: str) -> None:
    for tool in detection_power()["tools"]:
        row = re.search(rf'<tr><th scope="row">{re.escape(tool["name"])}\b.*?</tr>', html, re.DOTALL)
        assert row
        assert f"<strong>{tool['caught']}</strong>" in row[0]
        assert f'data-value="{tool["missed"]}"' in row[0]


def test_page_lists_every_bug(html: str) -> None:
    assert html.count("out of reach") > 100
    assert all(f"{fault['kind']}</td>" in html for fault in detection_power()["faults"])
    assert html.count("</tr>") > len(detection_power()["faults"])


def test_page_says_how_often_a_right_engine_is_accused(html: str) -> None:
    campaign = detection_power()["false_alarms"]
    graphs = sum(row["scalar"] + row["arrays"] for row in campaign["engines"].values())
    assert graphs == 4_305_000
    assert (
        f"Of {graphs:,} random graphs and 430,500 by turns on engines held to be right, 27 are accused:"
        in html
    )
    assert {accused["engine"] for accused in campaign["accusations"]} == {
        "autograd",
        "jax under jit",
        "pytorch",
    }
    for name in campaign["engines"]:
        assert f'<tr><th scope="row">{name}</th>' in html
    for one in campaign["resolved"]:
        assert str(escape(one["cause"])) in html


def test_curve_names_every_tool() -> None:
    drawing = smallest_errors(detection_power())
    assert drawing is not None
    for name in detection_power()["curve"]["smallest"]:
        assert name.partition(",")[0] in drawing


@pytest.mark.parametrize(
    "hollow",
    [
        {},
        {"tools": [], "faults": [], "curve": {}},
        {"tools": [{"name": "x"}], "faults": [{"name": "f"}], "kinds": [{"kind": "k", "faults": 1}]},
        {"curve": {"inputs": [1, 10], "smallest": {"a": [None, None], "b": None}}},
    ],
)
def test_page_bears_results_that_lack_something(hollow: dict[str, Any]) -> None:
    assert "Detection power" in page(power=hollow)
    assert smallest_errors(hollow) is None
