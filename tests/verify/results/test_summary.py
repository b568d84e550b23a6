"""What CI systems are told: what fell, and where; and nothing that an engine says has a meaning in it."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from markdown_it import MarkdownIt
from narrowed import narrowed
from sarif_pydantic import Sarif

from nn_from_scratch.verify import verify
from nn_from_scratch.verify.faults import FAULTS
from nn_from_scratch.verify.results.annotations import workflow_commands
from nn_from_scratch.verify.results.badge import badge
from nn_from_scratch.verify.results.markdown import markdown
from nn_from_scratch.verify.results.sarif import sarif
from nn_from_scratch.verify.results.summary import (
    Finding,
    Place,
    Summary,
    place_of,
    summary_of_engine,
    summary_of_functions,
)

pytestmark = pytest.mark.once

HOSTILE = [
    "](javascript:alert(1))",
    "\n::error file=x::injected",
    "\r\n::stop-commands::x\r\n",
    "%0A::error::x",
    "| a | b |\n| --- | --- |",
    "```\n<script>alert(1)</script>\n```",
    "<img src=x onerror=alert(1)> & <!-- ]]>",
    "![x](http://example.org/x.png) www.example.org @everyone",
    "\x1b[31m \x00 \u2028::error::x \x85 lone \ud800",
    "# heading\n\n---\n\n`code` **bold** \\| \\",
    ",line=9,title=x::y",
]


def hostile(text: str) -> Summary:
    found = Finding(
        f"rules{text}", f"cos{text}", f"cos is wrong{text}", f"x = 1{text}", Place(f"a{text}.py", 3)
    )
    return Summary(f"engine{text}", "wrong", {"rules": f"wrong{text}"}, (found,), 1.0)


@pytest.fixture(scope="module")
def wrong() -> dict[str, Any]:
    fault = next(fault for fault in FAULTS if fault.name == "cos: its derivative times -1.0").engine()
    return verify(narrowed(fault, "cos", "add"), graphs=8, grades=("rules",))


def rendered(text: str) -> tuple[set[str], str]:
    """Return the elements that a text is rendered to, and its words."""
    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    html = parser.render(text)
    return set(re.findall(r"<(\w+|!)", html)), html


OWN = {"h3", "p", "table", "thead", "tbody", "tr", "th", "td", "pre", "code"}


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_that_an_engine_says_is_markup(text: str) -> None:
    elements, html = rendered(markdown(hostile(text)))
    assert elements <= OWN
    assert (html.count("<tr>"), html.count("<td>"), html.count("<pre>")) == (2, 4, 1)
    assert "cos is wrong" in html


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_that_an_engine_says_is_a_workflow_command(text: str) -> None:
    (line,) = workflow_commands(hostile(text)).splitlines()
    assert line.startswith("::error file=a")
    properties = line.removeprefix("::error ").split("::", 1)[0].split(",")
    assert [one.split("=")[0] for one in properties] == ["file", "line", "title"]


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_that_an_engine_says_is_a_link_of_sarif_or_markup_of_svg(text: str) -> None:
    written = sarif(hostile(text))
    (result,) = json.loads(written)["runs"][0]["results"]
    assert "](" not in result["message"]["text"]
    Sarif.model_validate_json(written)
    tags = [one.tag.rpartition("}")[2] for one in ET.fromstring(badge(hostile(text)))]  # noqa: S314  our own
    assert tags == ["title", "rect", "text", "rect", "text"]


def test_a_wrong_engine_is_told_with_its_operation_and_script(wrong: dict[str, Any]) -> None:
    summary = summary_of_engine(wrong)
    assert (summary.verdict, summary.parts) == ("wrong", {"rules": "wrong"})
    text = markdown(summary)
    assert "wrong" in text.splitlines()[0]
    first = wrong["failures"][0]
    assert first["reproducer"].strip() in text
    assert rendered(text)[0] <= OWN
    assert workflow_commands(summary).startswith("::error title=rules%3A cos::cos is wrong: in cos(x0)")


def test_sarif_is_read_back(wrong: dict[str, Any]) -> None:
    found = replace(summary_of_engine(wrong).findings[0], place=Place("my engine.py", 5))
    (run,) = Sarif.model_validate_json(sarif(replace(summary_of_engine(wrong), findings=(found,)))).runs
    (result,) = run.results or []
    assert (result.rule_id, result.level) == ("rules", "error")
    assert (result.message.text or "").startswith("cos: cos is wrong")
    (location,) = result.locations or []
    place = location.physical_location
    assert place is not None
    assert place.artifact_location is not None
    assert place.artifact_location.uri == "my%20engine.py"
    assert place.region is not None
    assert place.region.start_line == 5


def test_grades_nobody_asked_for_are_told_apart() -> None:
    fault = next(fault for fault in FAULTS if fault.name == "left over").engine()
    results = verify(narrowed(fault, "mul", "add"), graphs=4, grades=("rules",))
    summary = summary_of_engine(results)
    assert (summary.verdict, summary.gated) == ("right", ())
    assert summary.findings
    assert workflow_commands(summary) == ""
    assert "Not asked for, but it fails as well: state." in markdown(summary)
    assert {one["level"] for one in json.loads(sarif(summary))["runs"][0]["results"]} == {"note"}
    assert "#2e7d32" in badge(summary)


def test_lines_and_percent_signs_of_an_annotation_are_kept_as_github_decodes_them() -> None:
    found = Finding("rules", "cos", "100% off\nat 0", "", Place("a.py", 3))
    told = workflow_commands(Summary("a.py", "wrong", {}, (found,), 1.0))
    assert told == "::error file=a.py,line=3,title=rules%3A cos::100%25 off%0Aat 0\n"


def test_a_right_verdict_has_nothing_that_fell(wrong: dict[str, Any]) -> None:
    right = {"verdict": "right", "grades": {"rules": "right"}, "failures": [], "operations": {}}
    summary = summary_of_engine({**wrong, **right})
    assert (summary.verdict, summary.findings) == ("right", ())
    assert "| ---" not in markdown(summary)
    assert json.loads(sarif(summary))["runs"][0]["results"] == []
    assert workflow_commands(summary) == ""


def test_a_verdict_that_nothing_explains_is_told(wrong: dict[str, Any]) -> None:
    results = {**wrong, "verdict": "right", "interrupted": True, "failures": []}
    (found,) = summary_of_engine(results).gated
    assert found.message == "right, interrupted: rules wrong"


def test_the_adapters_line_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text("import numpy\n\nengine = 1\n\n\ndef other(): ...\n")
    (tmp_path / "broken.py").write_text("engine = = 1\n")
    assert place_of("mine.py") == place_of("mine") == place_of(f"{tmp_path}/mine.py") == Place("mine.py", 3)
    assert place_of("mine:other") == Place("mine.py", 6)
    assert place_of("broken.py") == Place("broken.py", 1)
    assert place_of("micrograd") is None


def test_functions_are_told_by_their_rows() -> None:
    rows = [
        {"name": "numbers", "verdict": "wrong", "said": "off by 2"},
        {"name": "shape", "verdict": "right", "said": ""},
    ]
    failures = [{"row": "numbers", "script": "assert False"}]
    results = {
        "spec": "layers.py",
        "verdict": "wrong",
        "interrupted": False,
        "seconds": 0.1,
        "functions": [{"name": "f", "verdict": "wrong", "rows": rows, "failures": failures}],
    }
    summary = summary_of_functions(results)
    assert [(one.rule, one.name, one.message, one.script) for one in summary.findings] == [
        ("numbers", "f", "wrong: off by 2", "assert False")
    ]
    undecided = [{"name": "values", "verdict": "undecided", "said": "noise"}]
    function = {"name": "f", "verdict": "right", "rows": undecided, "failures": []}
    assert not summary_of_functions({**results, "verdict": "right", "functions": [function]}).findings
