"""Sample results, as the runs write them, and the pages made of them."""

import math
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import chromium
import numpy as np
import pytest

from nn_from_scratch.verify.report import page

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
        "environment": dict(ENVIRONMENT),
        "grades": dict.fromkeys(["rules", "accuracy", "state", "limits"], "right"),
        "gated": ["rules", "accuracy", "state", "limits"],
        "graphs": {
            "requested": graphs,
            "checked": graphs,
            "right": graphs - 10,
            "convention": 0,
            "inaccurate": 0,
            "wrong": 0,
            "undecided": 10,
            "error": 0,
        },
        "second_order": {
            "supported": True,
            "checked": 1000,
            "right": 980,
            "convention": 0,
            "inaccurate": 0,
            "wrong": 0,
            "undecided": 20,
            "error": 0,
        },
        "operations": {
            name: {
                "supported": name != "matmul",
                "checked": int(rng.integers(300, 900)),
                "wrong": 0,
                "undecided": int(rng.integers(0, 3)),
                "largest_error_in_tolerances": round(float(rng.uniform(0.05, 0.3)), 3),
                "avoidable_digits_lost": 14.0 if name == "tanh" else 0.0,
                "avoidable_example": "tanh(x0) at x0 = 40.0: the derivative is 0.0" if name == "tanh" else "",
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
            "margin": [(None, 0.0, 1e-15, 0.25)[index % 4] for index in range(graphs)],
        },
        "conventions": [
            convention("relu(x) at x = 0", 0.0, 0.0, 0.0, [0.0, 1.0]),
            convention("abs(x) at x = 0", 0.0, 0.0, 1.0, [-1.0, 1.0]),
            convention("x ** 0 at x = 0", 0.0, 0.0, "nan", [0.0, 0.0]),
            convention("sqrt(x) at x = 0", "inf", "inf", "inf", None),
            convention("max(x) at x = [1, 1], by x[0]", None, 0.5, 0.5, [0.0, 1.0]),
            convention("hypot(x, y) at x = 0, y = 0, by x", "raises ZeroDivisionError", "nan", 0.5, None),
        ],
        "convention_examples": [convention_example()],
        "failures": [],
        "alarms": [],
    }


def convention_example() -> Results:
    texts = ("relu(x0) as 0", "relu(-x0) as 0")
    choices = [
        {
            "text": text,
            "node": k,
            "kink": text[:-5],
            "operands": ["x0", "0"],
            "weights": [0.0, 1.0],
            "again": False,
        }
        for k, text in enumerate(texts)
    ]
    return {
        "text": "relu(x0) - relu(-x0) at x0 = 0.0",
        "expression": {},
        "point": [0.0],
        "shapes": [],
        "cotangent": [],
        "tangent": [],
        "got": [0.0],
        "between": [[1.0, 1.0]],
        "choices": choices,
        "more_choices": 0,
    }


def convention(at: str, engine: Any, pytorch: Any, jax: Any, between: Any) -> Results:
    operation = at.partition("(")[0]
    return {
        "at": at,
        "operation": operation,
        "engine": engine,
        "pytorch": pytorch,
        "jax": jax,
        "between": between,
    }


def power_results() -> Results:
    """A comparison of two tools by three bugs."""
    tools = {
        "this suite": {"caught": 3, "missed": 0, "not applicable": 0},
        "gradcheck": {"caught": 1, "missed": 1, "not applicable": 1},
    }
    outcomes = (("caught", "caught"), ("caught", "missed"), ("caught", "not applicable"))
    costs = {"package": "torch", "clean": 40, "false alarms": 0, "evaluations": 900, "seconds": 2.5}
    return {
        "provenance": {"script": "reference/record_detection_power.py", "torch": "2.13.0+cpu"},
        "tools": [{"name": name, **counts, **costs} for name, counts in tools.items()],
        "kinds": [{"kind": "a wrong sign", "faults": 3, "tools": tools}],
        "faults": [
            {
                "description": f"bug {k}",
                "kind": "a wrong sign",
                "outcomes": dict(zip(tools, pair, strict=True)),
            }
            for k, pair in enumerate(outcomes)
        ],
        "equivalents": [{"name": "sin as cos", "reason": "The same function."}],
        "curve": {
            "inputs": [1, 10, 100],
            "smallest": {"this suite": [1e-15, 1e-15, 1e-14], "gradcheck": [1e-3, 1e-3, None]},
        },
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
            "graph": failing_graph(),
            "around": around_the_point(),
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


def _beside(got: Any, expected: float, **more: bool) -> Results:
    return {"got": got if got is None else [got], "expected": [expected], **more}


def failing_graph() -> Results:
    """The nodes of tanh(x0 / x1) + x0 at (0.5, 2), of which div gives x1 the wrong sign."""
    slope = 1 - math.tanh(0.25) ** 2

    def node(label: str, operands: list[int], value: float, got: float, expected: float) -> Results:
        parts = {"value": _beside(value, value, wrong=False), "adjoint": _beside(got, expected)}
        bad = got != expected
        return {"label": label, "operands": operands, "wrong": bad, "blamed": label == "div", **parts}

    return {
        "nodes": [
            node("x0", [], 0.5, 1 + slope / 2, 1 + slope / 2),
            node("x1", [], 2.0, slope / 8, -slope / 8),
            node("div", [0, 1], 0.25, slope, slope),
            node("tanh", [2], math.tanh(0.25), 1.0, 1.0),
            node("add", [3, 0], math.tanh(0.25) + 0.5, 1.0, 1.0),
        ]
    }


def around_the_point() -> Results:
    """The same function by x1 from 1 to 3; at the last place the engine does not answer."""
    x = [1 + k / 10 for k in range(21)]
    value = [math.tanh(0.5 / at) + 0.5 for at in x]
    slope = [-0.5 / at**2 * (1 - math.tanh(0.5 / at) ** 2) for at in x]
    got = [*(-at for at in slope[:-1]), None]
    return {
        "coordinate": 1,
        "x": x,
        "value": {"got": [*value[:-1], None], "expected": value},
        "slope": {"got": got, "expected": slope},
    }


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
    log = [f"Iter {k}: Loss {losses[k]:.4f}" for k in range(0, iterations, 10)]
    return {
        "schema": 1,
        "kind": "moons",
        "verdict": "right",
        "seconds": 3.1,
        "interrupted": False,
        "environment": dict(ENVIRONMENT),
        "configuration": {
            "sizes": [2, 16, 16, 1],
            "learning_rate": 0.001,
            "iterations": iterations,
            "samples": 100,
            "noise": 0.1,
        },
        "log": log,
        "losses": [float(loss) for loss in losses + noise],
        "reference": [float(loss) for loss in losses],
        "tolerance": [1e-13 * 1.02**k for k in range(iterations)],
        "note": "The tolerance bounds what rounding may add in each iteration.",
        "first_difference": None,
        "start": "Initial weights that were solved for.",
        "checks": [
            {
                "name": "losses",
                "outcome": "right",
                "message": "101 losses, the largest error 0.05 of the tolerance",
                "first_difference": None,
                "largest_error_in_tolerances": 0.05,
            },
            {"name": "log", "outcome": "right", "message": "", "largest_error_in_tolerances": None},
        ],
        "digits": {
            name: [float(value) for value in rng.uniform(15, 17, iterations)]
            for name in ("nn_from_scratch", "PyTorch", "numpy")
        },
        "logs": {"PyTorch": log, "ball arithmetic": log},
        "data": {"x": data.tolist(), "y": label.tolist()},
        "boundary": {"x": x.tolist(), "y": y.tolist(), "value": value.tolist(), "certified": value.tolist()},
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
        "environment": dict(ENVIRONMENT),
        "rows": [
            dict(zip(names, row, strict=True)) | {"subject": "nn_from_scratch", "pairs": 25} for row in rows
        ],
    }


def everything() -> dict[str, Results]:
    return {
        "verify": verify_results(),
        "moons": moons_results(),
        "benchmark": benchmark_results(),
        "power": power_results(),
    }


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
    return {"verify": {}, "moons": {}, "benchmark": {}, "power": {}}


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

    runs = {part: attack(results) for part, results in wrong().items()}
    for key in ("operations", "oracles", "grades", "environment"):
        runs["verify"][key] = {
            HOSTILE + str(n): entry for n, entry in enumerate(runs["verify"][key].values())
        }
    return runs


def wrong() -> dict[str, Results]:
    return everything() | {"verify": wrong_results()}


ALL = {build.__name__: build for build in (everything, wrong, interrupted, empty, hollow, hostile)}


@cache
def _page(name: str) -> str:
    return page(**ALL[name]())


@pytest.fixture(params=ALL)
def html(request: pytest.FixtureRequest) -> str:
    return _page(request.param)


@pytest.fixture
def page_of() -> Callable[[str], str]:
    """Return the function that makes the page of one of the samples, once."""
    return _page


@pytest.fixture
def runs() -> dict[str, Results]:
    """Return the results of every run, everything right."""
    return everything()


@pytest.fixture
def wrong_runs() -> dict[str, Results]:
    """Return the results of every run, gradients wrong."""
    return wrong()


@pytest.fixture(name="long_campaign")
def _long_campaign() -> Results:
    return verify_results(graphs=200_000)


@pytest.fixture
def hostile_text() -> str:
    """Return the text that stands for every text in the hostile sample."""
    return HOSTILE


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Start Chromium, where it and what drives it are installed."""
    with chromium.started() as browser:
        yield browser


@pytest.fixture
def complaints() -> list[str]:
    """Return what the console, errors, dialogs and requests of a page say; a test leaves it empty."""
    return []


@pytest.fixture
def visit(
    browser: Any, page_of: Callable[[str], str], tmp_path: Path, complaints: list[str]
) -> Iterator[Callable[..., Any]]:
    """Open a sample's page and, when the test is over, require that it complained of nothing."""
    contexts = []

    def open_page(name: str, width: int = 1280, scheme: str = "light") -> Any:
        path = tmp_path / f"{name}.html"
        path.write_text(page_of(name), encoding="utf-8")
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        view = context.new_page()
        view.on("console", lambda message: complaints.append(message.text))
        view.on("pageerror", lambda error: complaints.append(str(error)))
        view.on("dialog", lambda dialog: complaints.append(dialog.message))
        view.on("request", lambda request: complaints.extend({request.url} - {path.as_uri()}))
        view.goto(path.as_uri())
        return view

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []
