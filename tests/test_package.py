"""The wheel holds the package only, and works outside a checkout."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(out), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (path,) = out.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    zipfile.ZipFile(wheel).extractall(folder)
    return folder


def test_wheel_holds_the_package_and_its_reference_data_only(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert tops == {"nn_from_scratch", next(top for top in tops if top.endswith(".dist-info"))}
    recorded = {
        path.name
        for path in (ROOT / "reference").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    packed = {Path(name).name for name in names if name.startswith("nn_from_scratch/reference/")}
    assert recorded
    assert packed == recorded


def test_wheel_runs_the_moons_outside_a_checkout(unpacked: Path, tmp_path: Path) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(unpacked)!r}); from nn_from_scratch import __main__; "
        f"assert __main__.__file__.startswith({str(unpacked)!r}); sys.exit(__main__.main())"
    )
    out = tmp_path / "moons.json"
    command = [sys.executable, "-P", "-c", code, "moons", "--json", str(out)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(out.read_text())["verdict"] == "right"


def test_engine_alone_needs_numpy_only(unpacked: Path) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(unpacked)!r}); before = set(sys.modules); import numpy; from "
        "nn_from_scratch import MLP, Node; new = {name.split('.')[0] for name in set(sys.modules) - before}; "
        "print(sorted(new - set(sys.stdlib_module_names)))"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['nn_from_scratch', 'numpy']"


def test_command_says_what_to_install_without_the_extra(unpacked: Path) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(unpacked)!r}); sys.modules['flint'] = None; "
        "from nn_from_scratch.supervised import command; sys.exit(command())"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 4
    assert 'pip install "nn-from-scratch-verified[verify] @ git+https://' in done.stderr
