"""The import rules of the house."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "nn_from_scratch"
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
PACKAGE_ITSELF = ("__main__", "distribution", "pytest_plugin", "statuses", "supervised")
ENGINE = sorted(path for path in PACKAGE.glob("*.py") if path.stem not in PACKAGE_ITSELF)


@pytest.mark.once
def test_imports_run_one_way() -> None:
    command = [sys.executable, "-c", "import importlinter.cli as c; raise SystemExit(c.lint_imports())"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(CONTRACTS)} kept, 0 broken" in done.stdout


def test_import_rules_name_every_module_of_the_engine() -> None:
    modules = {f"nn_from_scratch.{path.stem}" for path in ENGINE if path.name != "__init__.py"}
    assert modules == set(CONTRACTS[0]["source_modules"])
    for contract in CONTRACTS[1:]:
        if contract["type"] == "forbidden":
            assert modules <= set(contract["forbidden_modules"]), contract["name"]


def test_engine_imports_numpy_and_the_standard_library_only() -> None:
    allowed = {"numpy", "nn_from_scratch", *sys.stdlib_module_names}
    for path in ENGINE:
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or "."] if isinstance(node, ast.ImportFrom) else []
            assert {name.split(".")[0] for name in names} <= allowed, path.name


def test_no_file_is_long() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in ROOT.glob("nn_from_scratch/**/*.py")}
    assert lengths
    assert not {path.name: length for path, length in lengths.items() if length > 400}


PICTURE = (ROOT / "ARCHITECTURE.md").read_text()
ROW = re.compile(r"^ *(\d+) (\w+) +([.x](?:  [.x])*)$", re.MULTILINE)
DOORS = {
    "nn_from_scratch.verify",
    "nn_from_scratch.verify.jax",
    "nn_from_scratch.verify.strategies",
    "nn_from_scratch.verify.torch",
}


def room(module: str) -> str:
    """Return the room of ARCHITECTURE.md that a module of the package stands in."""
    parts = module.split(".")
    if parts[1:] and parts[1] in PACKAGE_ITSELF:
        return "package"
    if parts[1:2] != ["verify"]:
        return "engine"
    return "doors" if module in DOORS else parts[2]


def imports() -> set[tuple[str, str]]:
    """Return each pair of rooms of which the first imports the second, read from the code."""
    modules = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for path in PACKAGE.rglob("*.py")
    }
    found: set[tuple[str, str]] = set()
    for module, path in modules.items():
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                inner = [f"{node.module}.{alias.name}" for alias in node.names]
                names = [name if name in modules else node.module for name in inner]
            found.update((room(module), room(name)) for name in names if name in modules)
    return {(importer, imported) for importer, imported in found if importer != imported}


def drawn() -> set[tuple[str, str]]:
    """Return the same pairs, read from the picture in ARCHITECTURE.md."""
    rows = ROW.findall(PICTURE)
    names = [name for _, name, _ in rows]
    assert [int(number) for number, _, _ in rows] == list(range(1, len(rows) + 1))
    return {
        (name, names[column])
        for _, name, marks in rows
        for column, mark in enumerate(marks.split())
        if mark == "x"
    }


@pytest.mark.once
def test_picture_shows_every_import_between_rooms_and_no_other() -> None:
    assert not imports() - drawn(), "not in the picture"
    assert not drawn() - imports(), "not in the code"


@pytest.mark.once
def test_picture_has_no_arrow_that_runs_back() -> None:
    rows = ROW.findall(PICTURE)
    assert all(len(marks.split()) == position for position, (_, _, marks) in enumerate(rows, 1))
    names = [name for _, name, _ in rows]
    assert all(names.index(importer) > names.index(imported) for importer, imported in imports())


def test_architecture_names_files_that_exist() -> None:
    named = set(
        re.findall(r"`(?:nn_from_scratch/)?((?:verify|tests|reference)/[\w/]+\.(?:py|json))`", PICTURE)
    )
    named |= {
        f"verify/{path}"
        for path in re.findall(
            r"`((?:questions|oracles|engines|judging|state|failures|campaign|results|report|cli)/\w+\.py)`",
            PICTURE,
        )
    }
    assert len(named) > 30
    missing = [path for path in named if not ((ROOT / path).is_file() or (PACKAGE / path).is_file())]
    assert not missing


def test_architecture_tells_of_every_room() -> None:
    rooms = {path.name for path in (PACKAGE / "verify").iterdir() if (path / "__init__.py").is_file()}
    assert rooms == {name for _, name, _ in ROW.findall(PICTURE)} - {"package", "engine", "doors"}
    assert all(f"| {name} | " in PICTURE for name in rooms)
