import base64
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from nn_from_scratch.verify.report.animation import html
from nn_from_scratch.verify.training.animation import frames
from nn_from_scratch.verify.training.loop import Trajectory, at_once, network, train
from nn_from_scratch.verify.training.recorded import Recorded, load


@pytest.fixture(scope="module")
def recorded() -> Recorded:
    return load("readme")


@pytest.fixture(scope="module")
def run(recorded: Recorded) -> Trajectory:
    return train(network(recorded), recorded, iterations=101, loss_of=at_once)


def test_frames_show_what_the_network_gives(recorded: Recorded, run: Trajectory) -> None:
    shown = frames(run, recorded)
    assert shown["iterations"] == list(range(0, 101, 2))
    assert shown["losses"] == run.losses
    picture = np.frombuffer(base64.b64decode(shown["frames"][50]), dtype=np.uint8)
    picture = picture.reshape(shown["rows"], shown["columns"])
    row, column = 7, 20
    point = [shown["left"] + column * shown["spacing"], shown["bottom"] + row * shown["spacing"]]
    model = network(load("readme"))
    for parameter, start in zip(model.parameters(), _parameters(run, 100, recorded), strict=True):
        parameter.value = start
    assert picture[row, column] / 85 - 1 == pytest.approx(model(point).value, abs=0.5 / 85)


def _parameters(run: Trajectory, k: int, recorded: Recorded) -> list[np.ndarray]:
    from nn_from_scratch.verify.training.formula import unflatten

    layers = unflatten(run.weights[k], recorded.sizes)
    return [part for layer in layers for part in (layer[:, :-1], layer[:, -1])]


def test_a_short_run_has_fewer_frames(recorded: Recorded, run: Trajectory) -> None:
    short = frames(Trajectory(run.weights[:4], run.losses[:3]), recorded)
    assert short["iterations"] == [0, 1, 2]
    assert len(short["frames"]) == 3


def test_a_diverged_run_is_strict_json(recorded: Recorded, run: Trajectory) -> None:
    broken = Trajectory([*run.weights[:1], run.weights[0] * np.nan], [80.0, np.nan])
    assert json.loads(json.dumps(frames(broken, recorded), allow_nan=False))["losses"] == [80.0, None]


def test_the_animation_is_self_contained(recorded: Recorded, run: Trajectory) -> None:
    page = html(frames(run, recorded))
    assert not re.search(r"https?:|src=|href=|@import|url\(", page)
    assert len(page) < 250_000
    hostile = html({**frames(run, recorded), "classes": ["</script><b>"]})
    assert "</script><b>" not in hostile


@pytest.mark.once
def test_the_animation_plays(recorded: Recorded, run: Trajectory, tmp_path: Path) -> None:
    playwright = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no chromium")
    page = tmp_path / "animation.html"
    page.write_text(f"<!doctype html><meta charset=utf-8>{html(frames(run, recorded))}", encoding="utf-8")
    errors: list[str] = []
    with playwright.sync_playwright() as session:
        browser = session.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        tab = browser.new_page()
        tab.on("pageerror", lambda error: errors.append(str(error)))
        tab.goto(page.as_uri())
        assert tab.inner_text("output") == "Iter 0: Loss 83.8247"
        tab.click("button")
        tab.wait_for_function("document.querySelector('input').value > 2")
        assert tab.inner_text("button") == "Pause"
        tab.fill("input", "50")
        assert tab.inner_text("output") == "Iter 100: Loss 2.8409"
        assert tab.inner_text("button") == "Play"
        # the corners are of opposite classes, and so of different colours
        colours = tab.evaluate(
            "[[20, 20], [540, 380]].map(([x, y]) =>"
            " [...document.querySelector('canvas').getContext('2d').getImageData(x, y, 1, 1).data])"
        )
        browser.close()
    assert errors == []
    assert colours[0][2] > colours[0][0]  # blue
    assert colours[1][0] > colours[1][2]  # red
