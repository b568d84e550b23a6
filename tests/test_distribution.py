"""Nobody is told to install a stranger's package, and who did is told so."""

import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from nn_from_scratch import distribution

ROOT = Path(__file__).parents[1]
NAME = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["name"]
REQUIREMENT = re.compile(
    r"(?<![\w./-])(nn[-_.]from[-_.]scratch[\w.-]*)\s*(?=\[\w|[=<>~!]=|\s@\s)", re.IGNORECASE
)
INSTALLED = re.compile(r"\b(?:pip|pipx|uv|uvx|poetry|conda)\b[^\n]*?\b(?:install|add|run)\b([^\n`&;]*)")


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("this is no checkout")
    texts = {".py", ".md", ".toml", ".ini", ".txt", ".yml", ".yaml", ".html", ".cfg", ""}
    paths = [ROOT / name for name in listed.stdout.splitlines()]
    return [path for path in paths if path.suffix in texts and path.is_file() and path != Path(__file__)]


def strange(text: str) -> list[str]:
    """Return what a text calls a distribution of ours that is not the name in pyproject."""
    named = REQUIREMENT.findall(text)
    for arguments in INSTALLED.findall(text):
        named += re.findall(r"(?<![\w./-])nn[-_.]from[-_.]scratch[\w.-]*", arguments)
    return [name for name in named if re.sub(r"[-_.]+", "-", name.rstrip(".")).lower() != NAME]


def test_name_is_that_of_pyproject() -> None:
    assert NAME == distribution.NAME
    assert NAME != distribution.STRANGER


def test_nothing_tells_anybody_to_install_another_name() -> None:
    paths = tracked()
    assert {"README.md", "__main__.py", "distribution.py"} <= {path.name for path in paths}
    found = {str(path): strange(path.read_text()) for path in paths}
    assert not {path: names for path, names in found.items() if names}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('pip install "nn-from-scratch[verify]"', True),
        ("pip install nn_from_scratch", True),
        ("uv add nn-from-scratch", True),
        ("nn-from-scratch>=0.1", True),
        (f'pip install "{NAME}[verify]"', False),
        ('pip install ".[verify]" && nn-from-scratch report', False),
        ("pip install .", False),
        ("nn-from-scratch verify", False),
    ],
)
def test_a_strange_name_is_found(text: str, named: bool) -> None:
    assert bool(strange(text)) is named


def test_repository_is_named_in_one_place_of_the_code() -> None:
    places = [path.name for path in tracked() if distribution.REPOSITORY in path.read_text()]
    assert places == ["README.md", "distribution.py"]


def with_installed(monkeypatch: pytest.MonkeyPatch, **versions: str) -> None:
    def version(name: str) -> str:
        if name.replace("-", "_") not in versions:
            raise metadata.PackageNotFoundError(name)
        return versions[name.replace("-", "_")]

    monkeypatch.setattr(metadata, "version", version)


def test_stranger_under_this_package_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with_installed(monkeypatch, nn_from_scratch="0.4.2", nn_from_scratch_verified="0.1.0")
    said = distribution.stranger_warning()
    assert said
    assert "nn-from-scratch 0.4.2 is installed, another project's" in said
    assert distribution.install_command("verify") in said


def test_without_the_stranger_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with_installed(monkeypatch, nn_from_scratch_verified="0.1.0")
    assert distribution.stranger_warning() is None


def test_import_of_the_suite_warns_of_the_stranger(tmp_path: Path) -> None:
    info = tmp_path / "nn_from_scratch-0.4.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: nn-from-scratch\nVersion: 0.4.2\n")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import nn_from_scratch.verify"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "nn-from-scratch 0.4.2 is installed" in done.stderr
