import copy
import re
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
import pytest
from pages import require_ids_once_and_links_to_them, require_strict_html, text_of

from nn_from_scratch.verify.report import page

pytestmark = pytest.mark.once

Results = dict[str, Any]
Runs = dict[str, Results]
Pages = Callable[[str], str]


def test_page_is_strict_html(html: str) -> None:
    require_strict_html(html)


def test_page_has_no_id_twice_and_no_link_to_nowhere(html: str) -> None:
    require_ids_once_and_links_to_them(html)


def test_page_is_the_same_for_the_same_results(page_of: Pages, wrong_runs: Runs) -> None:
    before = copy.deepcopy(wrong_runs)
    assert page(**wrong_runs) == page_of("wrong")
    assert wrong_runs == before


def test_page_leaves_matplotlib_as_it_was(page_of: Pages, runs: Runs) -> None:
    before = dict(mpl.rcParams)
    with mpl.rc_context({"text.parse_math": True, "axes.facecolor": "red", "font.size": 31}):
        changed = page(**runs)
    assert changed == page_of("everything")
    assert dict(mpl.rcParams) == before


def test_drawings_take_every_colour_from_the_page(html: str) -> None:
    drawings = "".join(re.findall(r'<svg class="(?:wide|narrow)".*?</svg>', html, flags=re.DOTALL))
    colours = set(re.findall(r"(?:fill|stroke): ?([^;\"]+)", drawings))
    assert not {colour for colour in colours if not re.fullmatch(r"none|var\(--[a-z]+\)", colour)}
    assert all("fill: var(--" in text for text in re.findall("<text[^>]*>", drawings))


def test_page_names_no_address_outside_itself(html: str, hostile_text: str) -> None:
    assert not re.findall(
        r"(?:src|href)=\"(?!#)|url\((?!#)|@import|https?://", html.replace(hostile_text, "")
    )
    assert "default-src 'none'" in html


def test_page_of_2000_graphs_is_below_500_kilobytes(page_of: Pages) -> None:
    assert len(page_of("wrong").encode()) < 500_000


def test_page_of_a_long_campaign_stays_small(long_campaign: Results) -> None:
    assert len(page(verify=long_campaign).encode()) < 1_000_000


def test_page_needs_no_results() -> None:
    assert "Nothing checked" in text_of(page())


@pytest.mark.parametrize("part", ["verify", "moons", "benchmark"])
def test_page_shows_one_part_alone(part: str, runs: Runs) -> None:
    html = page(**{part: runs[part]})
    sections = {"verify": "operations", "moons": "training", "benchmark": "speed"}
    for other, anchor in sections.items():
        assert (f'id="{anchor}"' in html) == (other == part)


def test_page_escapes_the_text_of_an_engine(page_of: Pages) -> None:
    html = page_of("hostile")
    assert "<script>document" not in html
    assert "<img" not in html
    assert "&lt;script&gt;document.title=" in html
    assert "{{7}}" in html
    assert html.count("$x_$") > 20
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e\ud800-\udfff]", html)


def test_page_escapes_text_within_drawings(runs: Runs) -> None:
    results = runs["benchmark"]
    results["rows"][0]["name"] = "<script>alert(1)</script> $x_$ \u6f22"
    drawing = re.findall(r'<svg class="wide".*?</svg>', page(benchmark=results), flags=re.DOTALL)[0]
    assert "&lt;script&gt;alert(1)&lt;/script&gt; $x_$ \u6f22" in drawing


@pytest.mark.parametrize(
    ("changes", "headline"),
    [
        ({}, "Right"),
        ({"verify": {"verdict": "wrong"}}, "Wrong"),
        ({"verify": {"verdict": "nothing checked"}}, "Nothing checked"),
        ({"verify": {"interrupted": True}}, "Interrupted"),
        ({"verify": {"interrupted": True, "verdict": "wrong"}}, "Wrong"),
        ({"moons": {"verdict": "wrong", "first_difference": 37}}, "Wrong"),
        ({"moons": {"verdict": "wrong"}, "verify": {"interrupted": True}}, "Wrong"),
        ({"moons": {"interrupted": True}}, "Interrupted"),
        ({"verify": {"verdict": "splendid"}}, "Splendid"),
    ],
)
def test_top_says_the_gravest_verdict(changes: dict[str, Results], headline: str, runs: Runs) -> None:
    for part, change in changes.items():
        runs[part] |= change
    html = page(**runs)
    assert re.findall(r'<span class="verdict">([^<]*)</span>', html) == [headline]
    assert ("tone-right" in html.split("<body")[1][:40]) == (headline == "Right")


def test_top_says_what_is_wrong_though_it_is_not_gated(runs: Runs) -> None:
    results = runs["verify"]
    results["grades"]["state"] = "wrong"
    results["gated"] = ["rules", "accuracy"]
    assert "Wrong, but not gated: state." in text_of(page(verify=results))


def test_top_says_what_was_checked(runs: Runs) -> None:
    assert (
        "The gradients of nn_from_scratch on 2,000 random graphs (seed 0), "
        "against taylor and finite differences, in 41.3 s."
    ) in text_of(page(verify=runs["verify"]))


def test_page_tells_second_derivatives_apart(page_of: Pages) -> None:
    html = page_of("everything")
    assert "of them to second order: gradients of gradients</h3>" in html


def test_failures_come_before_the_tables_with_numbers_and_script(page_of: Pages) -> None:
    html = page_of("wrong")
    assert html.index('id="failures"') < html.index('id="errors"') < html.index('id="operations"')
    text = text_of(html)
    for shown in ("tanh(x0 / x1) + x0", "x1 = 2.0 0.1175018566 -0.1175018566 0.235", "assert x1.grad &lt; 0"):
        assert shown in text


def test_failures_beyond_the_limit_are_counted(wrong_runs: Runs) -> None:
    results = wrong_runs["verify"]
    results["failures"] *= 20
    assert "15 more are in the results’ JSON." in text_of(page(verify=results))


def test_alarms_and_missing_oracles_are_shown(page_of: Pages) -> None:
    text = text_of(page_of("wrong"))
    assert "2 failures 2 alarms" in text
    assert "2 alarms operation pow was never generated PyTorch was never asked" in text
    assert "torch is not installed" in text
    assert "1 operation is not supported matmul scalar engine" in text
    assert (
        "Lost digits, and what is supported in part tanh tanh(x0) at x0 = 40.0: the derivative is 0.0" in text
    )


def test_strictness_is_no_praise_of_what_is_wrong(page_of: Pages) -> None:
    assert "times as strict as gradcheck" in text_of(page_of("everything"))
    assert "times as strict as gradcheck" not in text_of(page_of("wrong"))


def test_a_fault_of_another_operation_is_not_drawn_in_red(wrong_runs: Runs) -> None:
    results = wrong_runs["verify"]
    results["operations"]["add"] |= {"status": "right", "wrong": 0, "largest_error_in_tolerances": 1e9}
    assert "another’s fault" in text_of(page(verify=results))


def test_training_says_where_the_curves_part(runs: Runs) -> None:
    results = runs["moons"] | {"verdict": "wrong", "first_difference": 37}
    assert "They differ first at iteration 37." in text_of(page(moons=results))


def test_training_shows_its_checks_and_the_logs_of_others(runs: Runs) -> None:
    runs["moons"]["logs"]["numpy"] = ["Iter 0: Loss 1.0000"]
    text = text_of(page(moons=runs["moons"]))
    assert "losses right 0.05 101 losses, the largest error 0.05 of the tolerance" in text
    assert "Digits of the loss that are right" in text
    assert "The same lines come from PyTorch and ball arithmetic." in text
    assert "Other lines come from numpy: Iter 0: Loss 1.0000" in text


def test_training_survives_divergence(runs: Runs) -> None:
    results = runs["moons"]
    results["losses"] = [1e300, None, 0.0, -1.0, *results["losses"][4:60]]
    results["tolerance"] = [None] * 101
    assert "Loss by iteration" in text_of(page(moons=results))


def test_speed_shows_units_aims_and_notes(runs: Runs) -> None:
    results = runs["benchmark"]
    memory = {
        "unit": "bytes",
        "subject_bytes": 96.0,
        "baseline_bytes": 400.0,
        "mark": 2.0,
        "outcome": "reached",
    }
    results["rows"][0] |= memory
    results["notes"] = ["micrograd is not installed"]
    text = text_of(page(benchmark=results))
    assert "3.7 to 4.2 reached 2× 25 96 bytes 400 bytes" in text
    assert "4 ratios measured; 1 of 1 aims reached." in text
    assert "micrograd is not installed" in text


def test_reproduce_quotes_the_engine_for_a_shell(runs: Runs) -> None:
    html = page(verify=runs["verify"] | {"engine": "a b; rm -rf ~"})
    assert "--engine &#39;a b; rm -rf ~&#39; --graphs 2000 --seed 0" in html


def test_environments_are_told_apart_where_they_differ(runs: Runs) -> None:
    assert "Environment of" not in text_of(page(**runs))
    runs["moons"]["environment"] |= {"numpy": "2.1.0"}
    assert "Environment of verify and benchmark" in text_of(page(**runs))
