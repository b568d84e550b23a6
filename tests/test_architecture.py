"""The import rules of the house."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

from nn_from_scratch.rules import RULES
from nn_from_scratch.verify.operations import ARRAYS, CATALOGUE

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "nn_from_scratch"
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
ENGINE = sorted(path for path in PACKAGE.glob("*.py") if path.name != "__main__.py")


def test_imports_run_one_way() -> None:
    command = [sys.executable, "-c", "import importlinter.cli as c; raise SystemExit(c.lint_imports())"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(CONTRACTS)} kept, 0 broken" in done.stdout


def test_import_rules_name_every_module_of_the_engine() -> None:
    modules = {f"nn_from_scratch.{path.stem}" for path in ENGINE if path.name != "__init__.py"}
    assert modules == set(CONTRACTS[0]["source_modules"])
    for contract in CONTRACTS[1:]:
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


def test_every_rule_is_asked_by_the_suite_and_every_question_has_a_rule() -> None:
    assert set(RULES) == set(CATALOGUE | ARRAYS)
