from typing import Any
from xml.etree import ElementTree as ET

import pytest

from nn_from_scratch.verify.report import page
from nn_from_scratch.verify.report.figures.graph import graph

Results = dict[str, Any]


def node(label: str, *operands: int, **parts: Any) -> Results:
    held = {"value": {"got": [1.0], "expected": [1.0]}, "adjoint": {"got": [2.0], "expected": [2.0]}}
    return {"label": label, "operands": list(operands), "wrong": False, "blamed": False} | held | parts


def drawn(*nodes: Results) -> ET.Element:
    return ET.fromstring(str(graph({"text": "x0 < 1 & 2", "graph": {"nodes": list(nodes)}})))  # noqa: S314


def lines(box: ET.Element) -> list[str]:
    return [text.text or "" for text in box.iter("text")]


def test_graph_shows_what_each_node_holds_and_marks_the_one_to_blame() -> None:
    wrong = node("x0", wrong=True, adjoint={"got": [-0.54], "expected": [0.54]})
    root = drawn(wrong, node("sin", 0, blamed=True))
    boxes = root.findall("g")
    assert [box.get("class") for box in boxes] == ["node wrong", "node blamed"]
    assert lines(boxes[0]) == ["x0", "value 1", "adjoint -0.54", "expected 0.54"]
    assert lines(boxes[1]) == ["sin ← to blame", "value 1", "adjoint 2"]


def test_graph_tells_a_fault_in_digits_that_are_not_shown() -> None:
    wrong = node("x0", wrong=True, adjoint={"got": [2.0 + 1e-12], "expected": [2.0]})
    assert lines(drawn(wrong).findall("g")[0])[-1] == "wrong in later digits"


def test_graph_shows_the_truth_where_the_engine_keeps_nothing() -> None:
    silent = node(
        "mul", 0, 0, adjoint={"got": None, "expected": [3.0]}, value={"got": None, "expected": [None]}
    )
    box = drawn(node("x0"), silent).findall("g")[1]
    assert lines(box) == ["mul", "value none", "adjoint 3"]


def test_graph_draws_an_edge_for_every_use_and_no_box_over_another() -> None:
    root = drawn(node("x0"), node("x1"), node("mul", 0, 0), node("add", 2, 1), node("sub", 3, 0))
    assert len(root.findall("path")) == 6
    corners = [(float(r.get("x", "")), float(r.get("y", ""))) for r in root.iter("rect")]
    assert len(set(corners)) == 5
    assert all(0 <= x < float(root.get("width", "")) for x, _ in corners)
    below = [corners[k][1] for k in (0, 2, 3, 4)]
    assert below == sorted(below)


def test_graph_escapes_text() -> None:
    svg = str(graph({"text": '"><script>', "graph": {"nodes": [node("<b>&")]}}))
    assert "<script>" not in svg
    assert "&lt;b&gt;&amp;" in svg


def test_page_shows_graph_and_kind_of_a_failure() -> None:
    failure = {"operation": "sin", "grade": "rules", "kind": "wrong sign", "graph": {"nodes": [node("x0")]}}
    html = page(verify={"engine": "e", "verdict": "wrong", "failures": [failure]})
    assert "rules: wrong sign" in html
    assert 'class="graph" role="img"' in html


@pytest.mark.parametrize("failure", [{}, {"graph": None}, {"graph": {"nodes": [node("x0")] * 13}}])
def test_graph_is_not_drawn_without_nodes_or_with_too_many(failure: Results) -> None:
    assert graph(failure) == ""
