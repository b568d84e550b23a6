"""The scripts that show failures are run: they fail with the faulty engine and pass with a healthy one."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from nn_from_scratch.verify import Case, Engine, Expression, Step, Verdict, load
from nn_from_scratch.verify.failures.reproduce import reproducer, written
from nn_from_scratch.verify.faults import Victim
from nn_from_scratch.verify.judging.examine import Examination, examine
from nn_from_scratch.verify.questions.cases import single
from nn_from_scratch.verify.questions.generate import case as scalar_case
from nn_from_scratch.verify.questions.generate import seeded
from nn_from_scratch.verify.questions.generate_arrays import array_case
from nn_from_scratch.verify.questions.operations import ALL_FORMS

PACKAGE = Path(__file__).parents[3] / "nn_from_scratch"
SHARED = Expression(2, (2.0,), (Step("mul", (0, 1)), Step("exp", (3,)), Step("add", (4, 4))), 5)
ADAPTERS = {"nn_from_scratch": "numpy", "autograd": "autograd", "jax": "jax"}
ADAPTERS |= {"micrograd": "micrograd", "pytorch": "torch"}


def run(script: str, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a script in an interpreter of its own, which finds packages in `path` first."""
    environment = os.environ | ({"PYTHONPATH": str(path)} if path else {})
    command = [sys.executable, "-P", "-c", script]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def engine_or_skip(name: str) -> Engine:
    if importlib.util.find_spec(ADAPTERS[name]) is None:
        pytest.skip(f"{ADAPTERS[name]} is not installed")
    return load(name)


PLANTED = {
    "sin": "RULES['sin'].replace(derivatives=[lambda z, x: -np.cos(x)])",
    "sqrt": "RULES['sqrt'].replace(derivatives=[lambda z, x: 0.5 * z])",
    "matmul": "RULES['matmul'].replace(derivatives=RULES['matmul'].derivatives[:1] * 2)",
    "softmax": "RULES['softmax'].replace(derivatives=[lambda g, z, x, axis: g * z])",
}


@pytest.fixture(scope="module")
def faulty_package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a copy of the package whose table of rules has the faults."""
    path = tmp_path_factory.mktemp("faulty")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PACKAGE, path / "nn_from_scratch", ignore=ignored)
    (path / "reference").symlink_to(PACKAGE.parent / "reference")
    with (path / "nn_from_scratch" / "rules.py").open("a") as rules:
        rules.write("\n")
        rules.writelines(f"RULES[{name!r}] = {row}\n" for name, row in PLANTED.items())
    return path


@pytest.fixture(scope="module")
def scripts(faulty_package: Path) -> dict[str, str]:
    """Return what a campaign gives to reproduce each fault."""
    code = (
        "import json, sys\nsys.modules['torch'] = None  # slow to import\n"
        "from nn_from_scratch.verify import load, verify\n"
        "results = verify(load('nn_from_scratch'), graphs=800, directly=False, grades=('rules',))\n"
        "print(json.dumps(results['failures']))"
    )
    campaign = run(code, faulty_package)
    assert campaign.returncode == 0, campaign.stderr
    return {failure["operation"]: failure["reproducer"] for failure in json.loads(campaign.stdout)}


@pytest.mark.once
@pytest.mark.parametrize("operation", PLANTED)
def test_reproducer_of_a_planted_fault_fails_by_itself(
    operation: str, scripts: dict[str, str], faulty_package: Path
) -> None:
    script = scripts[operation]
    assert "verify" not in script
    failed = run(script, faulty_package)
    assert failed.returncode == 1
    assert "Error" in failed.stderr.splitlines()[-1]
    passed = run(script)
    assert passed.returncode == 0, passed.stderr


THIRD_PARTY = '''
"""A small engine, whose multiplication has a fault."""
class Value:
    def __init__(self, data, edges=()):
        self.data, self.edges, self.grad = data, edges, 0.0
    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data + other.data, [(self, 1.0), (other, 1.0)])
    def __mul__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data * other.data, [(self, other.data), (other, FAULT self.data)])
    def backward(self, g=1.0):
        self.grad += g
        for node, slope in self.edges:
            node.backward(g * slope)
'''

THIRD_PARTY_ADAPTER = """
from small import Value
from nn_from_scratch.verify import Engine
from nn_from_scratch.verify.engines.source import TapeSource
engine = Engine.from_tape(
    name="small", variable=Value, backward=Value.backward,
    value=lambda node: node.data, gradient=lambda node: node.grad,
    source=TapeSource(imports="from small import Value"),
)
"""


def test_reproducer_of_a_third_party_engine_fails_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faulty, healthy = tmp_path / "faulty", tmp_path / "healthy"
    for path, sign in ((faulty, "-"), (healthy, "")):
        path.mkdir()
        (path / "small.py").write_text(THIRD_PARTY.replace("FAULT ", sign))
    adapter = faulty / "adapter.py"
    adapter.write_text(THIRD_PARTY_ADAPTER)
    monkeypatch.syspath_prepend(str(faulty))
    engine = load(f"{adapter}:engine")
    script = reproducer(engine, examine(engine, single("mul", "xx", [0.5, -1.25])))
    assert "y = x0 * x1\ny.backward()\n" in script
    failed = run(script, faulty)
    assert failed.returncode == 1
    assert "AssertionError: the derivative for x1 is -0.5, expected 0.5" in failed.stderr
    assert run(script, healthy).returncode == 0


@pytest.mark.once
@pytest.mark.parametrize("name", ADAPTERS)
def test_reproducer_in_the_syntax_of_each_adapter_passes_while_it_is_right(name: str) -> None:
    engine = engine_or_skip(name)
    if name == "jax":  # which compiles every operation it is asked
        engine = replace(engine, complete=True)
    drawn = [scalar_case(seeded(7, k), engine.forms) for k in range(10)]
    if engine.arrays:
        drawn += [array_case(seeded(7, k), engine.array_forms) for k in range(20)]
    drawn += [single(*form, [0.5, 0.25, 2.0][: len(form[1])]) for form in engine.forms]
    if name == "jax":
        drawn = drawn[::12]
    found = [seen for one in drawn if not (seen := examine(engine, one)).verdict.accuses]
    scripts = [script for seen in found if (script := written(engine, seen))]
    assert len(scripts) >= 5
    separate = [f"def check_{k}():\n" + indented(script) for k, script in enumerate(scripts)]
    calls = "\n".join(f"check_{k}()" for k in range(len(scripts)))
    done = run("\n".join([*separate, calls]))
    assert done.returncode == 0, done.stderr


def indented(script: str) -> str:
    return "\n".join(f"    {line}" for line in script.splitlines())


def test_reproducer_names_what_is_used_more_than_once() -> None:
    script = written(load("nn_from_scratch"), Examination(Case(SHARED, (0.5, 2.0)), Verdict.RIGHT))
    assert "u0 = np.exp(x0 * x1)\ny = u0 + u0\n" in script


@pytest.mark.once
def test_reproducer_accepts_anything_between_the_slopes_at_a_kink() -> None:
    engine = load("nn_from_scratch")
    script = written(engine, examine(engine, single("maximum", "xx", [2.0, 2.0])))
    assert run(script).returncode == 0
    both = "from nn_from_scratch.rules import RULES\n"
    assert "the sum of all derivatives" in script
    one_each = script.replace("float(x0.grad)", "1.0").replace("float(x1.grad)", "1.0")
    assert run(both + one_each.replace("x0.grad + x1.grad", "2.0")).returncode == 1


@pytest.mark.once
def test_reproducer_asks_the_suite_where_only_choices_at_kinks_tell(tmp_path: Path) -> None:
    """All of it for each of max(x, -y): between the slopes for each, and in their sum."""
    adapter = tmp_path / "adapter.py"
    adapter.write_text(MASS_OF_2.format(mass="1.0"))
    engine = load(f"{adapter}:engine")
    tie = Case(Expression(2, (), (Step("neg", (1,)), Step("maximum", (0, 2))), 3), (0.0, 0.0))
    script = reproducer(engine, examine(engine, tie))
    done = run(script)
    assert done.returncode == 1
    assert "no choice at the kinks gives it and the others together" in done.stderr
    # Of another length: by size and time, in seconds, Python tells whether to compile a file anew.
    adapter.write_text(MASS_OF_2.format(mass="0.500"))
    assert run(script).returncode == 0


MASS_OF_2 = """
from dataclasses import replace
from nn_from_scratch.verify import load
from nn_from_scratch.verify.engines.answers import Answer
from nn_from_scratch.verify.engines.driver import Driver


class Sharing(Driver):
    def __init__(self, engine):
        self.engine = engine

    def answer(self, operations, case):
        answer = self.engine.driver.answer(operations, case)
        return Answer(answer.value, ({mass}, -{mass}))

    def forward(self, operations, case):
        return self.engine.driver.forward(operations, case)


ours = load("nn_from_scratch")
engine = replace(ours, driver=Sharing(ours), spec=__file__ + ":engine")
"""


@pytest.mark.once
def test_reproducer_without_a_syntax_loads_the_engine(tmp_path: Path) -> None:
    adapter = tmp_path / "adapter.py"
    adapter.write_text(
        "from nn_from_scratch.verify.faults import FAULTS\n"
        "engine = next(f for f in FAULTS if f.name.startswith('sub: its operands')).engine()\n"
    )
    engine = load(f"{adapter}:engine")
    script = reproducer(engine, examine(engine, single("sub", "xx", [1.0, 3.0])))
    done = run(script)
    assert done.returncode == 1
    assert "GradientError" in done.stderr
    adapter.write_text("from nn_from_scratch.verify.faults import Victim\nengine = Victim().engine('well')\n")
    assert run(script).returncode == 0
    assert Victim().engine("well").spec == ""


def test_every_form_is_written_by_our_adapter() -> None:
    assert set(load("nn_from_scratch").forms) >= set(ALL_FORMS)
