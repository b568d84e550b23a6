"""The steps of a failing graph and the function around its point: what is computed, and that it works."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from narrowed import narrowed

from nn_from_scratch.verify import load
from nn_from_scratch.verify.failures.blame import diagnose
from nn_from_scratch.verify.failures.telling import failure as failing
from nn_from_scratch.verify.judging.examine import examine
from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.expressions import Expression, Step
from nn_from_scratch.verify.report import page
from nn_from_scratch.verify.report.figures.around import around
from nn_from_scratch.verify.report.steps import steps

pytestmark = pytest.mark.once

Results = dict[str, Any]


@pytest.fixture
def failure(wrong_runs: dict[str, Results]) -> Results:
    return wrong_runs["verify"]["failures"][0]  # type: ignore[no-any-return]


def test_steps_go_forward_and_then_in_reverse(failure: Results) -> None:
    found = steps(failure)
    assert [(row.backward, row.node) for row in found.rows] == [
        *((False, k) for k in range(5)),
        *((True, k) for k in (4, 3, 2, 1, 0)),
    ]
    assert found.rows[2].what == "div of x0 and x1"
    assert found.rows[8].what == "x1, handed down by div"


def test_the_first_that_differs_lights_what_is_to_blame(failure: Results) -> None:
    found = steps(failure)
    assert found.first == 9
    assert found.rows[8].lit == (2,)
    assert [row.word for row in found.rows[6:]] == ["agrees", "agrees", "differs", "agrees"]
    failure["graph"]["nodes"][3]["value"]["wrong"] = True
    assert steps(failure).first == 4
    assert steps(failure).rows[3].lit == (3,)


def test_steps_tell_what_the_engine_does_not(failure: Results) -> None:
    assert not steps(failure).is_silent
    failure["graph"]["nodes"][3]["adjoint"]["got"] = None
    found = steps(failure)
    assert found.is_silent
    assert found.rows[6].word == "not told"
    html = page(verify={"verdict": "wrong", "failures": [failure]})
    assert "The engine tells no adjoints of inner nodes" in html
    assert "The engine gave no answer here" not in html
    for node in failure["graph"]["nodes"]:
        node["value"]["got"] = node["adjoint"]["got"] = None
    html = page(verify={"verdict": "wrong", "failures": [failure]})
    assert "The engine tells no adjoints of inner nodes" not in html
    assert "The engine gave no answer here" in html


def test_of_a_second_derivative_the_curve_is_the_first(failure: Results) -> None:
    html = page(verify={"verdict": "wrong", "failures": [failure | {"tangent": [1.0, 2.0]}]})
    assert "the derivative along the tangent</li>" in html
    assert "the function</li>" not in html
    assert "the function</li>" in page(verify={"verdict": "wrong", "failures": [failure]})


def test_constants_have_a_value_in_the_graph_and_no_steps(failure: Results) -> None:
    nodes = failure["graph"]["nodes"]
    nodes[1] |= {"label": "2.0", "adjoint": {"got": None, "expected": []}}
    assert 1 not in {row.node for row in steps(failure).rows}


def test_nodes_of_one_name_are_told_apart(failure: Results) -> None:
    failure["graph"]["nodes"][3]["label"] = "div"
    assert steps(failure).rows[3].what == "div (2) of div (1)"


@pytest.mark.parametrize("failure", [{}, {"graph": None, "around": None}, {"around": {"x": [1.0]}}])
def test_nothing_is_shown_of_what_is_not_there(failure: Results) -> None:
    assert steps(failure).rows == ()
    assert around(failure, "x0") is None


def test_drawing_has_both_tangents_through_the_point(failure: Results) -> None:
    found = around(failure, "x1")
    assert found is not None
    root = ET.fromstring(str(found.drawing))  # noqa: S314
    shapes = {one.get("class"): one for one in root}
    true, engine = shapes["tangent reference"], shapes["tangent engine"]
    fall = float(true.get("y2", "")) - float(true.get("y1", ""))
    assert fall > 0, "the function falls: downwards is positive"
    assert float(engine.get("y2", "")) - float(engine.get("y1", "")) == pytest.approx(-fall, rel=1e-3)
    assert float(shapes["point"].get("cx", "")) == pytest.approx(170)
    assert found.said == "At x1 = 2 the engine’s slope is 0.117502, the true one -0.117502."
    assert json.loads(found.places)[-1][4] is None
    assert "slope is not told" in json.loads(found.says)[-1]


def test_another_value_is_another_curve(failure: Results) -> None:
    found = around(failure, "x1")
    assert found is not None
    assert not found.has_other_curve
    failure["around"]["value"]["got"] = [1.1] * 21
    found = around(failure, "x1")
    assert found is not None
    assert found.has_other_curve
    root = ET.fromstring(str(found.drawing))  # noqa: S314
    other = next(one for one in root if one.get("class") == "curve engine")
    assert 0 < float(other.get("d", "").partition(" ")[2].partition("L")[0].partition("C")[0]) < 200


def test_a_value_is_told_only_beyond_rounding(failure: Results) -> None:
    values = failure["around"]["value"]
    failure["tolerance"] = [8e-16, 2e-16, 2e-16]
    for off, told in ((0.0, False), (3e-16, False), (1e-14, True)):
        values["got"] = [value * (1 + off) for value in values["expected"]]
        found = around(failure, "x1")
        assert found is not None
        assert ("the engine’s value is" in found.said) is told
        assert ("value is" in found.says) is told
    values["got"] = [None] * 21
    found = around(failure, "x1")
    assert found is not None
    assert "the engine’s value is not told" in found.said


def test_a_value_far_away_does_not_flatten_the_curve(failure: Results) -> None:
    one = around(failure, "x1")
    failure["around"]["value"]["got"] = [1e9] * 21
    other = around(failure, "x1")
    assert one is not None
    assert other is not None
    assert [place[:3] for place in json.loads(one.places)] == [
        place[:3] for place in json.loads(other.places)
    ]


def test_numbers_that_look_alike_are_told_with_all_digits(failure: Results) -> None:
    held = failure["around"]
    held["slope"]["got"] = [slope * (1 + 1e-12) for slope in held["slope"]["expected"]]
    found = around(failure, "x1")
    assert found is not None
    one, _, other = found.said.removesuffix(".").partition("slope is ")[2].partition(", the true one ")
    assert float(one) != float(other)


def test_an_engine_that_is_asked_is_told_so_too() -> None:
    ours = narrowed(load("nn_from_scratch"), "add", "mul", "sin")
    engine = replace(ours, operations={**ours.operations, "sin": lambda x: np.sin(x) * 2})
    found = examine(engine, Case(Expression(1, (), (Step("sin", (0,)), Step("mul", (1, 1))), 2), (0.5,)))
    told = json.loads(json.dumps(failing(engine, found, diagnose(engine, found))))
    assert steps(told).first == 2
    assert [row.what for row in steps(told).rows[:3]] == ["x0", "sin of x0", "mul of sin and sin"]
    html = page(verify={"engine": "e", "verdict": "wrong", "failures": [told]})
    assert html.count('class="steps"') == html.count('class="near"') == 1


def test_page_without_script_has_every_step(visit: Callable[..., Any], browser: Any, tmp_path: Any) -> None:
    visit("wrong")
    context = browser.new_context(java_script_enabled=False)
    view = context.new_page()
    view.goto((tmp_path / "wrong.html").as_uri())
    part = view.locator("#failure-1 .steps")
    part.locator("summary").click()
    assert part.locator("tbody tr").count() == 10
    assert part.locator("tbody tr.at-fault th").inner_text() == "9. adjoint of x1, handed down by div"
    assert not part.locator(".controls").is_visible()
    assert not view.locator("#failure-1 .near input").is_visible()
    assert view.locator("#failure-1 .near svg").is_visible()
    assert "0.1175" in part.locator(".node.wrong").text_content()
    context.close()


def shown(view: Any) -> list[str]:
    """Return the texts of the graph that can be seen, but for labels."""
    texts = view.locator("#failure-1 .graph text:not(.label)")
    seen = "texts => texts.filter(t => getComputedStyle(t).visibility === 'visible').map(t => t.textContent)"
    return texts.evaluate_all(seen)  # type: ignore[no-any-return]


def test_graph_is_stepped_by_keyboard(visit: Callable[..., Any]) -> None:
    view = visit("wrong")
    part = view.locator("#failure-1 .steps")
    everything = shown(view)
    assert len(everything) == 11
    following, said = part.get_by_role("button", name="Next"), part.locator(".controls output")
    following.focus()
    view.keyboard.press("Enter")  # from the end to the start
    assert shown(view) == []
    assert part.locator(".lit").count() == 0
    view.keyboard.press("Enter")
    assert shown(view) == ["value 0.5"]
    for _ in range(7):
        view.keyboard.press("Enter")
    assert part.locator(".lit").count() == 0
    view.keyboard.press("Enter")
    assert part.locator(".lit .label").text_content() == "div ← to blame"
    assert said.text_content().startswith("Reverse pass, 9. adjoint of x1, handed down by div: engine 0.117")
    assert said.text_content().endswith("it differs.")
    assert part.locator("tr[aria-current=step] th").text_content().startswith("9.")
    slider = part.get_by_role("slider", name="Step")
    slider.focus()
    view.keyboard.press("Home")
    assert shown(view) == []
    assert part.get_by_role("button", name="Back").is_disabled()
    part.get_by_role("button", name="First that differs").click()
    assert slider.get_attribute("aria-valuetext") == "9 of 10"


def test_the_node_of_a_step_is_in_sight_on_a_phone(visit: Callable[..., Any]) -> None:
    view = visit("wrong", 390)
    part = view.locator("#failure-1 .steps")
    part.get_by_role("button", name="First that differs").click()
    ends = (
        "one => [one.closest('.scroller'), one].map(box => box.getBoundingClientRect())"
        ".flatMap(box => [box.left, box.right])"
    )
    first, last, left, right = part.locator(".current").evaluate(ends)
    assert first - 1 <= left < right <= last + 1


def test_slider_moves_the_point_and_both_tangents(visit: Callable[..., Any]) -> None:
    view = visit("wrong")
    figure = view.locator("#failure-1 .near")
    slider, said = figure.get_by_role("slider", name="x1"), figure.locator("output")
    before = said.text_content()
    where = "line => [line.getAttribute('y1'), line.getAttribute('y2')].map(Number)"
    tangents = [figure.locator(f".tangent.{kind}") for kind in ("engine", "reference")]
    engine, true = (one.evaluate(where) for one in tangents)
    slider.focus()
    view.keyboard.press("ArrowLeft")
    assert said.text_content().startswith("At x1 = 1.9 ")
    assert slider.get_attribute("aria-valuetext") == said.text_content()
    assert said.text_content() != before
    assert tangents[0].evaluate(where) != engine
    assert tangents[1].evaluate(where) != true
    view.keyboard.press("End")
    assert tangents[0].get_attribute("visibility") == "hidden", "the engine did not answer here"
    assert tangents[1].get_attribute("visibility") == "visible"


def test_print_shows_the_whole_graph(visit: Callable[..., Any]) -> None:
    view = visit("wrong")
    everything = shown(view)
    view.get_by_role("button", name="First that differs").click()
    assert shown(view) != everything
    view.emulate_media(media="print")
    assert shown(view) == everything
    assert not view.locator("#failure-1 .controls").first.is_visible()
