import copy
import math
import re
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest

from nn_from_scratch.verify.report import page
from nn_from_scratch.verify.report.figures.errors import Checks
from nn_from_scratch.verify.report.formats import number, seconds

Results = dict[str, Any]

ENVIRONMENT = {
    "nn_from_scratch": "0.1.0",
    "python": "3.11.7",
    "platform": "Linux-6.1-x86_64",
    "numpy": "2.4.0",
    "torch": None,
    "python-flint": "0.9.0",
}

OPERATIONS = ["add", "sub", "mul", "div", "pow", "exp", "log", "sqrt", "tanh", "relu", "maximum", "matmul"]

HOSTILE = (
    """<script>document.title='owned'</script>"><img src=x onerror="document.title='owned'">$x_$ & {{7}}"""
)


def verify_results(graphs: int = 2000) -> Results:
    """A run in which every graph was right or undecided."""
    rng = np.random.default_rng(0)
    gradient = rng.normal(size=graphs) * 10 ** rng.uniform(-3, 3, graphs)
    tolerance = np.abs(gradient) * 10 ** (rng.gamma(2.0, 0.6, graphs) - 15.5)
    error = tolerance * 10 ** (-0.6 - rng.gamma(2.0, 0.4, graphs))
    error[rng.random(graphs) < 0.15] = 0.0
    verdicts = ["right"] * (graphs - 10) + ["undecided"] * 10
    return {
        "schema": 1,
        "engine": "nn_from_scratch",
        "verdict": "right",
        "seed": 0,
        "seconds": 41.3,
        "interrupted": False,
        "environment": ENVIRONMENT,
        "grades": dict.fromkeys(["rules", "accuracy", "state", "limits"], "right"),
        "gated": ["rules", "accuracy", "state", "limits"],
        "graphs": {
            "requested": graphs,
            "checked": graphs,
            "right": graphs - 10,
            "inaccurate": 0,
            "wrong": 0,
            "undecided": 10,
            "error": 0,
        },
        "operations": {
            name: {
                "supported": name != "matmul",
                "checked": int(rng.integers(300, 900)),
                "wrong": 0,
                "undecided": int(rng.integers(0, 3)),
                "largest_error_in_tolerances": round(float(rng.uniform(0.05, 0.3)), 3),
                "note": "scalar engine" if name == "matmul" else "",
            }
            for name in OPERATIONS
        },
        "oracles": {
            "taylor": {
                "available": True,
                "note": "FLINT power series, 256 bits",
                "asked": graphs,
                "agrees": graphs - 10,
                "differs": 0,
                "no answer": 10,
            },
            "pytorch": {
                "available": False,
                "note": "torch is not installed",
                "asked": 0,
                "agrees": 0,
                "differs": 0,
                "no answer": 0,
            },
            "finite differences": {
                "available": True,
                "note": "Richardson extrapolation, with its own error estimate",
                "asked": graphs,
                "agrees": graphs - 31,
                "differs": 0,
                "no answer": 31,
            },
        },
        "state": [
            {
                "name": "a second backward accumulates once more",
                "grade": "state",
                "outcome": "right",
                "message": "",
            },
            {"name": "two outputs share a node", "grade": "state", "outcome": "right", "message": ""},
            {
                "name": "a freed graph is refused",
                "grade": "state",
                "outcome": "not supported",
                "message": "no free",
            },
            {"name": "a chain of 100,000 nodes", "grade": "limits", "outcome": "right", "message": ""},
        ],
        "checks": {
            "steps": [5] * graphs,
            "gradient": [float(value) for value in gradient],
            "error": [float(value) for value in error],
            "tolerance": [float(value) for value in tolerance],
            "verdict": verdicts,
        },
        "failures": [],
        "alarms": [],
    }


def wrong_results() -> Results:
    """A run that found a wrong rule, a lost digit and an engine that raised."""
    results = verify_results()
    checks = results["checks"]
    for index in range(0, 600, 5):
        verdict = "wrong" if index % 2 else "inaccurate"
        checks["verdict"][index] = verdict
        checks["error"][index] = checks["tolerance"][index] * (
            10 ** (index % 13) if verdict == "wrong" else 40
        )
    checks["error"][7] = checks["tolerance"][7] = checks["gradient"][7] = None
    checks["verdict"][7] = "error"
    results["verdict"] = "wrong"
    results["grades"] |= {"rules": "wrong", "accuracy": "wrong", "limits": "not checked"}
    results["graphs"] |= {"right": 1869, "inaccurate": 60, "wrong": 60, "undecided": 10, "error": 1}
    results["operations"]["div"] |= {"wrong": 60, "largest_error_in_tolerances": 3.1e11}
    results["operations"]["tanh"] |= {"wrong": 0, "largest_error_in_tolerances": 40.0}
    results["alarms"] = ["operation pow was never generated", "PyTorch was never asked"]
    results["state"][1] |= {
        "outcome": "wrong",
        "message": "after the second output's backward:\n  got 4.0, expected 3.0",
    }
    results["failures"] = [
        {
            "grade": "rules",
            "operation": "div",
            "message": "div is wrong:\nthe derivative for x1 has the wrong sign",
            "text": "tanh(x0 / x1) + x0",
            "expression": {"inputs": 2, "steps": [["div", 0, 1]]},
            "point": [0.5, 2.0],
            "got": [1.4700074264, 0.1175018566],
            "expected": [1.4700074264, -0.1175018566],
            "tolerance": [8.9e-16, 2.2e-16],
            "reproducer": "x0, x1 = Node(0.5), Node(2.0)\n(x0 / x1).backprop()\nassert x1.grad < 0\n",
        },
        {
            "grade": "accuracy",
            "operation": "tanh",
            "message": "tanh loses digits near 0",
            "text": "tanh(x0)",
            "point": [1e-9],
            "got": [1.0000000827],
            "expected": [1.0],
            "tolerance": [4.4e-16],
        },
    ]
    return results


def moons_results(iterations: int = 101) -> Results:
    rng = np.random.default_rng(1)
    losses = 84 * np.exp(-np.arange(iterations) / 4) + 11 / (1 + np.arange(iterations) / 25)
    angle = rng.uniform(0, math.pi, 100)
    label = np.repeat([0, 1], 50)
    side = 1 - 2 * label
    data = np.column_stack([side * np.cos(angle) + label, side * np.sin(angle) + label / 2])
    data += rng.normal(scale=0.1, size=data.shape)
    x, y = np.arange(-2.1, 3.1, 0.05), np.arange(-1.6, 2.1, 0.05)
    value = np.tanh(1.5 * (0.4 - y[:, None] + 0.9 * np.sin(2.2 * x[None, :] - 0.9) * -1)) * 0.5 + 0.5
    noise = np.abs(rng.normal(size=iterations)) * 1e-14
    noise[:3] = 0
    return {
        "schema": 1,
        "kind": "moons",
        "verdict": "right",
        "seconds": 3.1,
        "interrupted": False,
        "environment": ENVIRONMENT,
        "configuration": {
            "sizes": [2, 16, 16, 1],
            "learning_rate": 0.001,
            "iterations": iterations,
            "samples": 100,
            "noise": 0.1,
        },
        "log": [f"Iter {k}: Loss {losses[k]:.4f}" for k in range(0, iterations, 10)],
        "losses": [float(loss) for loss in losses + noise],
        "reference": [float(loss) for loss in losses],
        "tolerance": [1e-13 * 1.02**k for k in range(iterations)],
        "note": "The tolerance bounds what rounding may add in each iteration.",
        "first_difference": None,
        "data": {"x": data.tolist(), "y": label.tolist()},
        "boundary": {"x": x.tolist(), "y": y.tolist(), "value": value.tolist()},
    }


def benchmark_results() -> Results:
    rows = [
        ("README loop, one iteration", "PyTorch", 3.9, 3.7, 4.2, 0.0052, 0.0203),
        ("README loop, one iteration", "closures per operation", 160.0, 151.0, 171.0, 0.0052, 0.83),
        ("batched training, one iteration", "PyTorch", 2.1, 2.0, 2.3, 9.1e-5, 1.9e-4),
        ("batched training, one iteration", "hand-written numpy", 0.78, 0.74, 0.81, 9.1e-5, 7.1e-5),
    ]
    names = ("name", "baseline", "ratio", "low", "high", "subject_seconds", "baseline_seconds")
    return {
        "schema": 1,
        "kind": "benchmark",
        "verdict": "measured",
        "seconds": 12.0,
        "interrupted": False,
        "environment": ENVIRONMENT,
        "rows": [
            dict(zip(names, row, strict=True)) | {"subject": "nn_from_scratch", "pairs": 25} for row in rows
        ],
    }


def everything() -> dict[str, Results]:
    return {"verify": verify_results(), "moons": moons_results(), "benchmark": benchmark_results()}


def interrupted() -> dict[str, Results]:
    runs = everything()
    runs["verify"] |= {
        "interrupted": True,
        "verdict": "nothing checked",
        "checks": {},
        "graphs": {"checked": 0},
    }
    runs["moons"] |= {"interrupted": True, "boundary": None, "losses": runs["moons"]["losses"][:7]}
    runs["benchmark"] |= {"interrupted": True, "rows": runs["benchmark"]["rows"][:1]}
    return runs


def empty() -> dict[str, Results]:
    return {"verify": {}, "moons": {}, "benchmark": {}}


def hollow() -> dict[str, Results]:
    """Every value null, every list and dictionary there."""
    return {part: dict.fromkeys(results) for part, results in everything().items()}


def hostile() -> dict[str, Results]:
    """Every text and every key that an engine may have written is an attack."""

    def attack(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: attack(entry) for key, entry in value.items()}
        if isinstance(value, list):
            return [attack(entry) for entry in value]
        return HOSTILE + "\x1b[31m\u202e\ud800" if isinstance(value, str) else value

    runs = {"verify": wrong_results(), "moons": moons_results(), "benchmark": benchmark_results()}
    runs = {part: attack(results) for part, results in runs.items()}
    for key in ("operations", "oracles", "grades", "environment"):
        runs["verify"][key] = {
            HOSTILE + str(n): entry for n, entry in enumerate(runs["verify"][key].values())
        }
    return runs


def wrong() -> dict[str, Results]:
    return everything() | {"verify": wrong_results()}


ALL = [everything, wrong, interrupted, empty, hollow, hostile]


@pytest.fixture(params=ALL, ids=lambda build: build.__name__)
def runs(request: pytest.FixtureRequest) -> dict[str, Results]:
    build = request.param
    return build()  # type: ignore[no-any-return]


def text_of(html: str) -> str:
    """Return what a reader reads, without marks and surplus blanks."""
    body = re.sub(r"<(style|script)>.*?</\1>", "", html, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", body).split())


def test_page_is_strict_html(runs: dict[str, Results]) -> None:
    html5lib = pytest.importorskip("html5lib")
    html5lib.HTMLParser(strict=True).parse(page(**runs))


def test_page_has_no_id_twice_and_no_link_to_nowhere(runs: dict[str, Results]) -> None:
    html = page(**runs)
    ids = re.findall(r'\sid="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    targets = re.findall(r'(?:href="#|url\(#|aria-labelledby=")([\w.-]+)', html)
    assert targets
    assert set(targets) <= set(ids)


def test_page_is_the_same_for_the_same_results(runs: dict[str, Results]) -> None:
    assert page(**copy.deepcopy(runs)) == page(**runs)


def test_page_leaves_matplotlib_as_it_was() -> None:
    before = dict(mpl.rcParams)
    with mpl.rc_context({"text.parse_math": True, "axes.facecolor": "red", "font.size": 31}):
        changed = page(**everything())
    assert changed == page(**everything())
    assert dict(mpl.rcParams) == before


def test_page_names_no_address_outside_itself(runs: dict[str, Results]) -> None:
    html = page(**runs)
    assert not re.findall(r"(?:src|href)=\"(?!#)|url\((?!#)|@import|https?://", html.replace(HOSTILE, ""))
    assert "default-src 'none'" in html


def test_page_of_2000_graphs_is_below_500_kilobytes() -> None:
    assert len(page(**wrong()).encode()) < 500_000


def test_page_of_a_long_campaign_stays_small() -> None:
    assert len(page(verify=verify_results(graphs=200_000)).encode()) < 1_000_000


def test_page_needs_no_results() -> None:
    assert "Nothing checked" in text_of(page())


@pytest.mark.parametrize("part", ["verify", "moons", "benchmark"])
def test_page_shows_one_part_alone(part: str) -> None:
    html = page(**{part: everything()[part]})
    sections = {"verify": "operations", "moons": "training", "benchmark": "speed"}
    for other, anchor in sections.items():
        assert (f'id="{anchor}"' in html) == (other == part)


def test_page_escapes_the_text_of_an_engine() -> None:
    html = page(**hostile())
    assert "<script>document" not in html
    assert "<img" not in html
    assert "&lt;script&gt;document.title=" in html
    assert "{{7}}" in html
    assert html.count("$x_$") > 20
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e\ud800-\udfff]", html)


def test_page_escapes_text_within_drawings() -> None:
    results = benchmark_results()
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
def test_top_says_the_gravest_verdict(changes: dict[str, Results], headline: str) -> None:
    runs = everything()
    for part, change in changes.items():
        runs[part] |= change
    html = page(**runs)
    assert re.findall(r'<span class="verdict">([^<]*)</span>', html) == [headline]
    assert ("tone-right" in html.split("<body")[1][:40]) == (headline == "Right")


def test_top_says_what_is_wrong_though_it_is_not_gated() -> None:
    results = verify_results()
    results["grades"]["state"] = "wrong"
    results["gated"] = ["rules", "accuracy"]
    assert "Wrong, but not gated: state." in text_of(page(verify=results))


def test_top_says_what_was_checked() -> None:
    assert (
        "The gradients of nn_from_scratch on 2,000 random graphs (seed 0), "
        "against taylor and finite differences, in 41.3 s."
    ) in text_of(page(verify=verify_results()))


def test_failures_come_before_the_tables_with_numbers_and_script() -> None:
    html = page(**wrong())
    assert html.index('id="failures"') < html.index('id="errors"') < html.index('id="operations"')
    text = text_of(html)
    for shown in ("tanh(x0 / x1) + x0", "x1 = 2.0 0.1175018566 -0.1175018566 0.235", "assert x1.grad &lt; 0"):
        assert shown in text


def test_failures_beyond_the_limit_are_counted() -> None:
    results = wrong_results()
    results["failures"] *= 20
    assert "15 more are in the results’ JSON." in text_of(page(verify=results))


def test_alarms_and_missing_oracles_are_shown() -> None:
    text = text_of(page(**wrong()))
    assert "2 alarms operation pow was never generated PyTorch was never asked" in text
    assert "torch is not installed" in text
    assert "not supported: scalar engine" in text


def test_training_says_where_the_curves_part() -> None:
    results = moons_results() | {"verdict": "wrong", "first_difference": 37}
    assert "The curves part at iteration 37." in text_of(page(moons=results))


def test_training_survives_divergence() -> None:
    results = moons_results()
    results["losses"] = [1e300, None, 0.0, -1.0, *results["losses"][4:60]]
    results["tolerance"] = [None] * 101
    assert "Loss by iteration" in text_of(page(moons=results))


def test_speed_shows_units_aims_and_notes() -> None:
    results = benchmark_results()
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
    assert "2.0× reached 25 96 bytes 400 bytes" in text.replace("2×", "2.0×")
    assert "micrograd is not installed" in text


def test_reproduce_quotes_the_engine_for_a_shell() -> None:
    html = page(verify=verify_results() | {"engine": "a b; rm -rf ~"})
    assert "--engine &#39;a b; rm -rf ~&#39; --graphs 2000 --seed 0" in html


def test_environments_are_told_apart_where_they_differ() -> None:
    runs = everything()
    assert "Environment of" not in text_of(page(**runs))
    runs["moons"]["environment"] = ENVIRONMENT | {"numpy": "2.1.0"}
    assert "Environment of verify and benchmark" in text_of(page(**runs))


def test_checks_keep_only_what_can_be_drawn() -> None:
    checks = Checks.of(
        {
            "gradient": [2.0, 0.0, None, 1.0],
            "error": [1e-16, 0.0, 1.0, None],
            "tolerance": [1e-15, 0.0, 0.0, 1.0],
            "verdict": ["right", "right", "wrong", "error"],
        }
    )
    assert checks.verdict.tolist() == ["right", "right", "wrong"]
    assert checks.scale.tolist() == [2.0, 1.0, 1.0]
    assert checks.ratio.tolist() == [pytest.approx(0.1), 0.0, math.inf]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1990, "1,990"),
        (0.2099, "0.21"),
        (3.2e-15, "3.2×10⁻¹⁵"),
        (123456.7, "1.23×10⁵"),
        (None, "–"),
        (0.0, "0"),
    ],
)
def test_number_is_short(value: float | None, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (41.3, "41.3 s"),
        (0.0052, "5.2 ms"),
        (9.1e-5, "91 µs"),
        (119.7, "2 min 0 s"),
        (11400, "3 h 10 min"),
        (0, "0 s"),
    ],
)
def test_seconds_have_the_unit_that_suits_them(value: float, text: str) -> None:
    assert seconds(value) == text
