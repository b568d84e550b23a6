"""What others copy, and the workflows: pinned, of the least permissions, and each command runs in bash.

Only commands that install, build or run all tests (``python -m pip``, ``tox``, ``build``) are stubs, which
write down what they were asked; ``nn-from-scratch`` is the real one.
"""

import os
import re
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
ACTION = ROOT / ".github/actions/verify-gradients/action.yml"
README = (ROOT / "README.md").read_text("utf-8")
BASH = shutil.which("bash") or ""
PINNED = {
    "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1",
    "actions/setup-python@5fda3b95a4ea91299a34e894583c3862153e4b97",
    "actions/upload-artifact@bbbca2ddaa5d8feaa63e36b76fdaad77386f024f",
    "actions/download-artifact@3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c",
    "actions/upload-pages-artifact@fc324d3547104276b827a68afc52ff2a11cc49c9",
    "actions/deploy-pages@cd2ce8fcbc39b97be8ca5fce6e763baed58fa128",
    "pypa/gh-action-pypi-publish@81e9d935c883d0b210363ab89cf05f3894778450",
    "./.github/actions/verify-gradients",
}
ENGINE = """\
from dataclasses import replace

from micrograd.engine import Value
from nn_from_scratch.verify import Engine

engine = Engine.from_tape(variable=Value, value="data", gradient=lambda node: node.grad{})
engine = replace(engine, complete=False, operations={{"add": engine.operations["add"]}})
"""
pytestmark = [pytest.mark.once, pytest.mark.skipif(not BASH, reason="bash runs the steps")]


def read(path: Path) -> Any:
    return YAML(typ="safe").load(path)


def jobs() -> list[tuple[str, dict[str, Any]]]:
    return [(f"{path.stem}/{name}", job) for path in WORKFLOWS for name, job in read(path)["jobs"].items()]


def runs() -> dict[str, dict[str, Any]]:
    """Return each step that runs something, by its workflow, job and name."""
    steps = {f"{name}/{step['name']}": step for name, job in jobs() for step in job["steps"] if "run" in step}
    return steps | {f"action/{step['name']}": step for step in read(ACTION)["runs"]["steps"]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with two engines and the programs that steps find."""
    (tmp_path / "my_engine.py").write_text(ENGINE.format(""))
    (tmp_path / "wrong.py").write_text(ENGINE.format(" + 1"))
    (tmp_path / "bin").mkdir()
    stub = f"#!{BASH}\nprintf '%s\\n' \"$@\" >> asked\n"
    real = f'#!{BASH}\nexec "{sys.executable}" -m nn_from_scratch "$@" $ALSO\n'
    for name, text in {"python": stub, "nn-from-scratch": real}.items():
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    return tmp_path


def run(step: dict[str, Any], folder: Path, also: str = "", **given: str) -> subprocess.CompletedProcess[str]:
    """Run a step as GitHub does; what is an expression in its environment has to be given."""
    environment = {
        **os.environ,
        **{name: value for name, value in step.get("env", {}).items() if "${{" not in value},
        **given,
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
        "ALSO": also,
        "GITHUB_ACTIONS": "true",
        "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
        "GITHUB_WORKSPACE": str(folder),
    }
    assert {name for name, value in step.get("env", {}).items() if "${{" in value} <= set(given)
    command = [BASH, "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


STUBBED = {
    "tests/tox/Install tox": ["-m", "pip", "install", "--quiet", "tox"],
    "tests/tox/Test": ["-m", "tox", "-e", "lint"],
    "nightly/campaign/Install": [
        "-m",
        "pip",
        "install",
        "--quiet",
        "-c",
        "tests/constraints.txt",
        ".[verify]",
    ],
    "release/build/Install build": ["-m", "pip", "install", "--quiet", "build"],
    "release/build/Build": ["-m", "build"],
    "action/Install": ["-m", "pip", "install", "--quiet", f"{ACTION.parent}/../../..[verify]"],
}


@pytest.mark.parametrize("name", STUBBED)
def test_steps_that_install_and_test_ask_for_what_is_there(name: str, folder: Path) -> None:
    given = {"ENVIRONMENT": "lint"} if name == "tests/tox/Test" else {}
    given |= {"ACTION_PATH": str(ACTION.parent)} if name.startswith("action") else {}
    done = run(runs()[name], folder, **given)
    assert done.returncode == 0, done.stderr
    asked = (folder / "asked").read_text().splitlines()
    assert asked == STUBBED[name]
    for word in asked:
        if word.endswith("[verify]"):
            assert (ROOT / word.removesuffix("[verify]") / "pyproject.toml").is_file()
        if word.endswith(".txt"):
            assert (ROOT / word).is_file()


def test_the_nightly_run_leaves_a_page(folder: Path) -> None:
    step = runs()["nightly/campaign/Verify"]
    done = run(step, folder, also="--engine my_engine.py --grade rules --graphs 2", SEED="7")
    assert done.returncode == 0, done.stdout + done.stderr
    assert {path.name for path in (folder / "campaign").iterdir()} == {
        "results.json",
        "index.html",
        "badge.svg",
    }


def test_the_nightly_campaign_keeps_its_store(folder: Path) -> None:
    step = runs()["nightly/campaign/Campaign"]
    (folder / "campaign").mkdir()
    done = run(step, folder, GRAPHS="200", SEED="7")
    assert done.returncode == 0, done.stdout + done.stderr
    assert {path.name for path in (folder / "campaign").iterdir()} == {"store.db", "campaign.json"}


ACTIONS_OWN = {"FUNCTION": "", "ENGINE": "", "GRAPHS": "2", "SEED": "0", "RESULTS": "gradients"}


def test_the_action_tells_of_a_wrong_engine(folder: Path) -> None:
    done = run(runs()["action/Verify"], folder, **{**ACTIONS_OWN, "ENGINE": "wrong.py"})
    assert done.returncode == 1, done.stderr
    assert "\n::error file=wrong.py,line=6,title=rules%3A add::" in done.stdout
    assert "wrong" in (folder / "summary.md").read_text().splitlines()[0]
    names = {path.name for path in (folder / "gradients").iterdir()}
    assert names == {"results.json", "junit.xml", "results.sarif", "badge.svg"}


@pytest.mark.parametrize("given", [{}, {"ENGINE": "a.py", "FUNCTION": "b.py:f"}])
def test_the_action_takes_an_engine_or_a_function(given: dict[str, str], folder: Path) -> None:
    done = run(runs()["action/Verify"], folder, **{**ACTIONS_OWN, **given})
    assert (done.returncode, done.stdout) == (4, "::error::give either an engine or a function\n")


def test_what_is_given_to_the_action_is_no_command(folder: Path) -> None:
    done = run(
        runs()["action/Verify"], folder, **{**ACTIONS_OWN, "FUNCTION": "$(touch injected); touch injected"}
    )
    assert done.returncode == 4
    assert not (folder / "injected").exists()


def test_an_option_in_place_of_a_function_does_not_pass(folder: Path) -> None:
    done = run(runs()["action/Verify"], folder, **{**ACTIONS_OWN, "FUNCTION": "--help"})
    assert done.returncode == 4, done.stdout


def test_the_action_checks_a_function(folder: Path) -> None:
    (folder / "f.py").write_text(
        "import numpy as np\nf, f_gradient, f_inputs = np.sin, lambda x, c: c * np.cos(x), np.ones(2)\n"
    )
    done = run(runs()["action/Verify"], folder, **{**ACTIONS_OWN, "FUNCTION": "f.py:f"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "right" in (folder / "gradients/results.json").read_text()


def test_each_step_is_run_by_a_test() -> None:
    assert set(runs()) == {*STUBBED, "nightly/campaign/Verify", "nightly/campaign/Campaign", "action/Verify"}


def test_actions_are_pinned_and_permissions_are_the_least() -> None:
    assert {step["uses"] for _, job in jobs() for step in job["steps"] if "uses" in step} == PINNED
    for path in WORKFLOWS:
        assert read(path)["permissions"] == {}, path.name
    written = {name: job["permissions"] for name, job in jobs() if "write" in job["permissions"].values()}
    assert written == {
        "nightly/publish": {"pages": "write", "id-token": "write"},
        "release/publish": {"id-token": "write"},
    }


def test_all_workflows_and_actions_are_checked_by_tox() -> None:
    config = ConfigParser(interpolation=None)
    config.read(ROOT / "tox.ini")
    commands = config["testenv:workflows"]["commands"].split()
    for path in (*WORKFLOWS, ACTION, ROOT / ".pre-commit-hooks.yaml"):
        assert path.relative_to(ROOT).as_posix() in commands


def test_long_runs_ask_all_of_what_tests_ask_a_part_of() -> None:
    config = ConfigParser(interpolation=None)
    config.read(ROOT / "tox.ini")
    asked = {ROOT / word for word in config["testenv:long"]["commands"].split()}
    parts = [path for path in (ROOT / "tests").rglob("test_*.py") if "\nfrom long_runs" in path.read_text()]
    assert len(parts) > 10
    for path in parts:
        assert asked & {path, *path.parents}, f"{path.name} is not in tox -e long"


def snippet(language: str, word: str) -> str:
    (found,) = [text for text in re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL) if word in text]
    return str(found)


def validated(schema: str, text: str, tmp_path: Path) -> None:
    (tmp_path / "file.yml").write_text(text)
    command = [
        sys.executable,
        "-m",
        "check_jsonschema",
        "--builtin-schema",
        schema,
        str(tmp_path / "file.yml"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_github_snippet_fits_the_action(tmp_path: Path) -> None:
    text = snippet("yaml", "- uses:")
    (step,) = YAML(typ="safe").load(text)
    path = step["uses"].removeprefix("OWNER/REPOSITORY/").removesuffix("@REF")
    assert ROOT / path / "action.yml" == ACTION
    assert set(step["with"]) <= set(read(ACTION)["inputs"])
    lines = "".join(f"      {line}\n" for line in text.splitlines())
    workflow = f"on: push\njobs:\n  one:\n    runs-on: ubuntu-latest\n    steps:\n{lines}"
    validated("vendor.github-workflows", workflow, tmp_path)


def test_the_gitlab_snippet_is_valid_and_its_command_runs(folder: Path) -> None:
    text = snippet("yaml", "image:")
    validated("vendor.gitlab-ci", text, folder)
    install, verify = YAML(typ="safe").load(text)["gradients"]["script"]
    assert '"nn-from-scratch-verified[verify] @ git+https:' in install
    done = run({"run": verify}, folder, also="--graphs 2 --grade rules")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (folder / "gradients.xml").is_file()


def test_the_tox_snippet_is_tox_and_asks_what_gitlab_does() -> None:
    config = ConfigParser()
    config.read_string(snippet("ini", "testenv:gradients"))
    (_, verify) = YAML(typ="safe").load(snippet("yaml", "image:"))["gradients"]["script"]
    assert config["testenv:gradients"]["commands"] == verify


def test_the_pre_commit_snippet_names_the_hook_and_it_runs(folder: Path) -> None:
    ((hook,), (offered,)) = (
        YAML(typ="safe").load(snippet("yaml", "hooks:"))["repos"][0]["hooks"],
        read(ROOT / ".pre-commit-hooks.yaml"),
    )
    assert hook["id"] == offered["id"]
    arguments = " ".join(hook["args"]).replace("my_engine.py", "wrong.py")
    done = run({"run": f"{offered['entry']} {arguments}"}, folder)
    assert done.returncode == 1, done.stdout + done.stderr
