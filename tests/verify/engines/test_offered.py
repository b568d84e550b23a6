"""Engines that installed packages offer by name."""

import sys
from pathlib import Path

import pytest

from nn_from_scratch.verify import EngineError, isolated, load
from nn_from_scratch.verify.cli.commands import main
from nn_from_scratch.verify.engines.installed import installed
from nn_from_scratch.verify.engines.offered import GROUP, names
from nn_from_scratch.verify.questions.cases import single

pytestmark = pytest.mark.once
MODULE = """\
from nn_from_scratch import Node
from nn_from_scratch.verify import Engine

mine = Engine.from_tape(
    name="of a package", variable=Node, value="value", gradient="grad", backward="backprop"
)
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def install(site: Path, package: str, **entries: str) -> None:
    """Install a distribution of one module, which offers engines."""
    (site / f"{package}.py").write_text(MODULE)
    info = site / f"{package}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    lines = [f"{name} = {value}" for name, value in entries.items()]
    (info / "entry_points.txt").write_text("\n".join([f"[{GROUP}]", *lines, ""]))


def test_an_engine_is_loaded_by_the_name_under_which_a_package_offers_it(site: Path) -> None:
    install(site, "offering_package", tiny_engine="offering_package:mine")
    assert names() == ["tiny_engine"]
    engine = load("tiny_engine")
    assert (engine.name, engine.spec) == ("of a package", "tiny_engine")
    assert engine.answer(single("mul", "xx", [3.0, 5.0])).gradient == (5.0, 3.0)
    apart = isolated("tiny_engine")
    try:
        assert apart.name == "of a package"
    finally:
        apart.driver.close()


def test_it_is_listed_with_those_that_ship(
    site: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    install(site, "listed_package", listed_engine="listed_package:mine")
    assert main(["verify", "--help"]) == 0
    assert "tinygrad, listed_engine" in capsys.readouterr().out
    assert installed()[-1] == "listed_engine"
    with pytest.raises(EngineError, match=r"known names are .*tinygrad, listed_engine"):
        load("no_such_engine_at_all")


def test_a_clash_with_one_that_ships_is_an_error(site: Path) -> None:
    install(site, "clashing_package", micrograd="clashing_package:mine")
    match = (
        r"micrograd ships with the suite, and is offered by clashing_package \(clashing_package:mine\), too"
    )
    with pytest.raises(EngineError, match=match):
        load("micrograd")
    with pytest.raises(EngineError, match=match):
        isolated("micrograd")
    assert load("clashing_package:mine").name == "of a package"


def test_two_that_have_one_name_are_an_error(site: Path) -> None:
    install(site, "first_package", twice="first_package:mine")
    install(site, "second_package", twice="second_package:mine")
    with pytest.raises(EngineError, match=r"offered by first_package .* and second_package .*: load it as"):
        load("twice")


def test_a_package_that_is_found_twice_offers_once(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(site, "doubled_package", doubled="doubled_package:mine")
    monkeypatch.setattr(sys, "path", [str(site), *sys.path])
    assert load("doubled").name == "of a package"


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("not_there_at_all:mine", "No module named 'not_there_at_all'"),
        ("broken_package:others", "there is no 'others' in broken_package"),
        ("broken package!", "offers broken as no module:attribute"),
    ],
)
def test_a_broken_entry_is_told(site: Path, entry: str, message: str) -> None:
    install(site, "broken_package", broken=entry)
    with pytest.raises(EngineError, match=message):
        load("broken")
    assert main(["verify", "--engine", "broken"]) == 4
