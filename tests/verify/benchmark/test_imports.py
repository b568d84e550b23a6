from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import nn_from_scratch
from nn_from_scratch.verify.benchmark import imports

pytestmark = pytest.mark.once

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Put another module in the engine's place, for fresh interpreters."""
    module = tmp_path / "nn_from_scratch" / "__init__.py"
    module.parent.mkdir()
    monkeypatch.setattr(nn_from_scratch, "__file__", str(module))
    return module


def test_import_pairs_measures_both_in_each_interpreter() -> None:
    pairs = imports.import_pairs(seconds=0)
    assert len(pairs.subject) == 7
    assert min(*pairs.subject, *pairs.baseline) > 0


def test_import_seconds_imports_numpy_and_then_this_engine_afresh(planted: Path) -> None:
    planted.write_text("import sys\nsys.exit('planted' if 'numpy' in sys.modules else 'too early')\n")
    with pytest.raises(ImportError, match="cannot import numpy and nn_from_scratch:\nplanted"):
        imports.import_seconds(str(planted.parent))


def test_import_seconds_reads_bytecode_whatever_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, planted: Path, tmp_path: Path
) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    planted.write_text("MLP = Node = 1\n")
    imports.import_seconds(str(tmp_path / "bytecode"))
    assert [path.parent.name for path in tmp_path.rglob("bytecode/**/__init__*.pyc")].count(
        "nn_from_scratch"
    ) == 1
    assert not list(planted.parent.rglob("*.pyc"))


def test_a_peer_is_imported_in_the_engines_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "slow_peer.py").write_text("import time\ntime.sleep(0.05)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(imports.MODULES, "it", "slow_peer")
    pairs = imports.peer_import_pairs("it", seconds=0)
    assert min(pairs.baseline) > 0.05
    assert min(pairs.subject) < 0.05


def test_a_peer_that_is_not_installed_is_not_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(imports.MODULES, "it", "nothing_of_this_name.part")
    with pytest.raises(ModuleNotFoundError) as raised:
        imports.peer_import_pairs("it", seconds=0)
    assert raised.value.name == "nothing_of_this_name"
