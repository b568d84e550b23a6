from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

import nn_from_scratch
from nn_from_scratch.verify.benchmark import imports

if TYPE_CHECKING:
    from pathlib import Path


def test_import_seconds_imports_numpy_and_this_engine_afresh(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert min(imports.import_seconds()) > 0
    package = tmp_path / "nn_from_scratch"
    package.mkdir()
    (package / "__init__.py").write_text("import sys\nassert 'numpy' in sys.modules\nsys.exit('planted')\n")
    monkeypatch.setattr(nn_from_scratch, "__file__", str(package / "__init__.py"))
    with pytest.raises(subprocess.CalledProcessError) as caught:
        imports.import_seconds()
    assert caught.value.stderr.strip() == "planted"
