"""The course tells of every check that the suite makes of an engine, and of no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from nn_from_scratch.verify import state
from nn_from_scratch.verify.questions import direct, roles

pytestmark = pytest.mark.once

COURSE = (Path(__file__).parents[2] / "docs" / "course.md").read_text(encoding="utf-8")
SHAPES = "Shapes"
"""The one section that is of many questions, which are named by their shapes."""


def sections(title: str) -> list[str]:
    """Return what a part of the course has sections of; a heading may name several."""
    (part,) = re.findall(rf"^## {title}$(.*?)(?=^## |\Z)", COURSE, re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^### (.+)$", part, re.MULTILINE)
    return [name for heading in headings for name in heading.split(" and ")]


def test_every_role_has_a_section() -> None:
    named = {
        value
        for module in (roles, direct)
        for name, value in vars(module).items()
        if name.isupper() and isinstance(value, str)
    }
    assert len(named) > 10
    assert sections("Direct questions").count(SHAPES) == 1
    assert {*sections("Direct questions")} - {SHAPES} == named


@pytest.mark.parametrize("grade", ["state", "limits"])
def test_every_check_has_a_section(grade: str) -> None:
    checks = [name for name, check in state.CHECKS.items() if check.grade == grade]
    assert sorted(sections(grade.capitalize())) == sorted(checks)


def test_every_section_shows_what_a_wrong_engine_is_told() -> None:
    for section in re.split(r"^### ", COURSE, flags=re.MULTILINE)[1:]:
        assert "```text\nGradientError: " in section, section.splitlines()[0]
