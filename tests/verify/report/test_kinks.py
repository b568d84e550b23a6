import re
from collections.abc import Callable
from typing import Any

import pytest

from nn_from_scratch.verify.report import page
from nn_from_scratch.verify.report.margins import margins

Results = dict[str, Any]


def cells(html: str, at: str) -> list[tuple[bool, str]]:
    """Return whether each cell of a kink's row is marked as different, and its text."""
    row = re.search(rf'<tr><th scope="row"><code>{re.escape(at)}</code></th>(.*?)</tr>', html, re.DOTALL)
    assert row
    found = re.findall(r'<td class="number([^"]*)"[^>]*>(.*?)</td>', row[1])
    return [("differs" in marks, text) for marks, text in found]


@pytest.fixture
def html(page_of: Callable[[str], str]) -> str:
    return page_of("everything")


@pytest.mark.parametrize(
    ("at", "texts", "differs"),
    [
        ("relu(x) at x = 0", ["0", "0", "0", "0 and 1"], []),
        ("abs(x) at x = 0", ["0", "0", "1", "-1 and 1"], ["1"]),
        ("x ** 0 at x = 0", ["0", "0", "not a number", "0"], ["not a number"]),
        ("sqrt(x) at x = 0", ["∞", "∞", "∞", "not enclosed"], []),
        ("max(x) at x = [1, 1], by x[0]", ["no such operation", "0.5", "0.5", "0 and 1"], []),
        (
            "hypot(x, y) at x = 0, y = 0, by x",
            ["raises ZeroDivisionError", "not a number", "0.5", "not enclosed"],
            ["not a number", "0.5"],
        ),
    ],
)
def test_row_shows_the_engine_beside_the_others_and_marks_differences(
    at: str, texts: list[str], differs: list[str], html: str
) -> None:
    row = cells(html, at)
    assert [text for _, text in row] == texts
    assert [text for marked, text in row if marked] == differs


def test_kinks_of_what_the_engine_lacks_are_folded(html: str) -> None:
    section = html[html.index('<section id="kinks"') :]
    shown, folded = section[: section.index("</section>")].split("<details>")
    assert "relu(x) at x = 0" in shown
    assert "no such operation" not in shown
    assert "1 kink of operations that it does not have" in folded
    assert "max(x) at x = [1, 1], by x[0]" in folded
    alone = page(verify={"conventions": [{"at": "relu(x) at x = 0", "engine": None, "pytorch": 0.0}]})
    assert "It has no operation with a kink." in alone
    assert cells(alone, "relu(x) at x = 0")[:2] == [(False, "no such operation"), (False, "0")]


def test_page_shows_answers_by_convention_with_what_was_chosen(html: str) -> None:
    row = re.search(r"<code>relu\(x0\) - relu\(-x0\) at x0 = 0.0</code></th>(.*?)</tr>", html, re.DOTALL)
    assert row
    assert re.findall(r'<td class="number">(.*?)</td>', row[1]) == ["0", "1"]
    assert re.findall(r"<code>(.*?)</code>", row[1]) == ["relu(x0) as 0", "relu(-x0) as 0"]
    assert "Answers by convention" not in page(verify={"convention_examples": []})


def test_page_counts_checks_by_their_distance_from_a_kink(html: str) -> None:
    for where in ("on a kink", "within 10<sup>−12</sup> of one", "farther away", "no branch"):
        assert re.search(rf'<th scope="row">{where}</th>\s*<td [^>]*>500</td>', html)


def test_margins_count_verdicts() -> None:
    columns = {
        "margin": [None, 0.0, 0.0, 1e-13, 0.5, 0.5],
        "verdict": ["right", "undecided", "right", "wrong", "right", "right"],
    }
    assert [(where, dict(verdicts)) for where, verdicts in margins(columns)] == [
        ("on a kink", {"undecided": 1, "right": 1}),
        ("within 10⁻¹² of one", {"wrong": 1}),
        ("farther away", {"right": 2}),
        ("no branch", {"right": 1}),
    ]


@pytest.mark.parametrize("columns", [None, {}, [], {"margin": []}, {"margin": [None], "verdict": ["right"]}])
def test_margins_are_left_out_where_none_is_known(columns: Any) -> None:
    assert margins(columns) == []


def test_page_bears_conventions_that_lack_something() -> None:
    html = page(verify={"conventions": [{"at": "relu(x) at x = 0"}, {}, {"between": [None, None]}]})
    assert cells(html, "relu(x) at x = 0") == [(False, text) for text in ("–", "–", "–", "not enclosed")]
    assert "No kink was asked about." in page(verify={"conventions": []})
