"""The command that writes an adapter: what it writes is loaded, and right engines are right by it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import spelled_engines
from without_torch import environment

from nn_from_scratch.verify import load
from nn_from_scratch.verify.cli.commands import main
from nn_from_scratch.verify.engines.adapting import asking
from nn_from_scratch.verify.judging.examine import examine
from nn_from_scratch.verify.questions.direct import direct_questions

pytestmark = pytest.mark.once
TESTS = Path(spelled_engines.__file__).parent
CLOSURES = """\
import math


class {name}:
    def __init__(self, value, children=()):
        self.value, self.children, self.derivative = value, children, 0.0
        self.push = lambda: None

    def __add__(self, other):
        other = other if isinstance(other, {name}) else {name}(other)
        out = {name}(self.value + other.value, (self, other))

        def push():
            self.derivative += out.derivative
            other.derivative += out.derivative
        out.push = push
        return out

    def __mul__(self, other):
        other = other if isinstance(other, {name}) else {name}(other)
        out = {name}(self.value * other.value, (self, other))

        def push():
            self.derivative += other.value * out.derivative
            other.derivative += self.value * out.derivative{fault}
        out.push = push
        return out

    __radd__, __rmul__ = __add__, __mul__

    def Tanh(self):
        out = {name}(math.tanh(self.value), (self,))

        def push():
            self.derivative += (1 - out.value**2) * out.derivative
        out.push = push
        return out

    def {backprop}(self):
        order, known = [], set()

        def visit(node):
            if node not in known:
                known.add(node)
                for child in node.children:
                    visit(child)
                order.append(node)
        visit(self)
        self.derivative = 1.0
        for node in reversed(order):
            node.push()
"""


def closures(folder: Path, module: str, *, backprop: str = "backpropagate", fault: str = "") -> Path:
    path = folder / f"{module}.py"
    path.write_text(CLOSURES.format(name="Scalar", backprop=backprop, fault=fault))
    return path


def failures(path: Path, every: int) -> tuple[int, list[str]]:
    """Return how many questions the engine of an adapter answers, and which it fails."""
    engine, answered, failed = load(path), 0, []
    for question in list(direct_questions(engine.forms, engine.array_forms))[::every]:
        if engine.lacking(question.case):
            continue
        seen = examine(engine, question.case)
        if seen.is_lacking or (seen.error and engine.lack(question.case)):
            continue
        answered += 1
        failed += [f"{question.case}: {seen.message}"] if seen.verdict.accuses else []
    return answered, failed


def test_an_engine_of_closures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "closures_adapter.py"
    assert main(["adapter", str(closures(tmp_path, "closures_of_mine")), "--output", str(path)]) == 0
    said = capsys.readouterr().out
    for line in (
        "a leaf is made by Scalar(3.0)",
        "its value is `value`",
        "output.backpropagate() runs the reverse pass, and a leaf's gradient is then in `derivative`",
        "a second reverse pass adds to gradients",
        "numbers are scalars, no arrays",
        "names={'tanh': 'Tanh'}",
        "operations: add, mul, tanh",
        f"nn-from-scratch verify --engine {path}",
    ):
        assert line in said
    answered, failed = failures(path, 1)
    assert answered > 50
    assert not failed


def test_its_fault_is_still_seen_by_the_command(tmp_path: Path) -> None:
    module = closures(tmp_path, "closures_with_fault", fault=" * 2")
    command = [sys.executable, "-m", "nn_from_scratch"]
    made = subprocess.run([*command, "adapter", module.name], cwd=tmp_path, check=False, capture_output=True)
    assert made.returncode == 0, made.stderr
    asked = [
        *command,
        "verify",
        "--engine",
        "closures_with_fault_adapter.py",
        "--graphs",
        "20",
        "--grade",
        "rules",
    ]
    done = subprocess.run(
        asked, cwd=tmp_path, check=False, capture_output=True, text=True, env=environment(tmp_path)
    )
    assert done.returncode == 1, done.stderr
    assert "mul" in done.stdout


def test_micrograd(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    pytest.importorskip("micrograd")
    assert main(["adapter", "micrograd.engine", "--output", "-"]) == 0
    told = capsys.readouterr()
    assert "numbers are scalars, no arrays" in told.err
    assert told.out.splitlines()[1:] == [
        "from micrograd.engine import Value",
        "from nn_from_scratch.verify import Engine",
        "",
        "engine = Engine.from_tape(",
        "    variable=Value,",
        '    value="data",',
        '    gradient="grad",',
        ")",
    ]
    path = tmp_path / "micrograd_adapter.py"
    path.write_text(told.out)
    answered, failed = failures(path, 3)
    assert answered > 50
    assert all("** 0" in text for text in failed)  # a fault that it has


KINDS = (
    *("Torchlike", "Permuting", "Whole", "ById", "ByNode", "OneDimensional", "Closed"),
    *("Functional", "Dezero", "Asked", "Listed", "Matrix", "Masked"),
)
MODULES = {
    "Functional": "from spelled_engines import Functional, ops\nglobals().update(vars(ops))\n",
    "Dezero": "from spelled_engines import F, Dezero\nglobals().update(vars(F))\n",
    "Asked": "from spelled_engines import Asked, grad\n",
}
"""Those that have functions, in modules of their own."""
GUESSED = {
    "Asked": ("grad(output, [leaf, ...]) returns a list of gradients", "axis='axes'"),
    "Listed": ("a leaf is made by Listed([1.0, 2.0])", "index_arrays='tuple'", "negative_axes=False"),
    "Matrix": ("ranks=(2,)", "axis=None", "transpose='reversed'"),
    "Masked": ("index=('integer', 'slice', 'step')", "names={'maximum': 'max'}", "lacks=('max',)"),
    "Dezero": ("leaves='array'", "the reverse pass takes no cotangent, and runs from single numbers"),
}


def test_every_stand_in_is_adapted() -> None:
    assert len(KINDS) == len(spelled_engines.ADAPTERS)


@pytest.mark.parametrize("kind", KINDS)
def test_array_engines(kind: str, tmp_path: Path) -> None:
    path, module = tmp_path / f"written_{kind}.py", f"{spelled_engines.__file__}:{kind}"
    if kind in MODULES:
        file = tmp_path / f"module_of_{kind.lower()}.py"
        file.write_text(f"import sys\n\nsys.path.insert(0, {str(TESTS)!r})\n{MODULES[kind]}")
        module = str(file)
    found = asking.written_adapter(module, path)
    path.write_text(found.text)
    assert "arrays=True" in found.text
    assert not set(GUESSED.get(kind, ())) - set(found.guesses)
    answered, failed = failures(path, 7)
    assert answered > 5
    assert not failed


WITHOUT_REVERSE = """\
class A:
    def __init__(self, x):
        self.data = x

    def __mul__(self, other):
        return self

    __add__ = __mul__
"""


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import os\nos._exit(0)", "was not probed to the end: the process exited with status 0"),
        ("raise SystemExit(0)", "cannot be imported: ExitError: SystemExit: 0"),
        ("import os\nos.abort()", "the process died of SIGABRT"),
        ("while True: pass", "no answer within 2 s"),
        ("import not_there_at_all", "No module named 'not_there_at_all'"),
        ("x = = 1", "SyntaxError"),
        ("x = 1", "nothing in .* looks like a number"),
        (WITHOUT_REVERSE, "is its `data`, but no method or function"),
        (f"{WITHOUT_REVERSE}\nclass B(A): pass", "several classes look like numbers; give .*:A or .*:B"),
    ],
)  # fmt: skip
def test_what_cannot_be_adapted_is_told(
    code: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if code.startswith("while"):
        monkeypatch.setattr(asking, "_SECONDS", 2.0)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hostile.py").write_text(code)
    assert main(["adapter", "hostile.py"]) == 4
    assert re.search(said, capsys.readouterr().err)
    assert not (tmp_path / "hostile_adapter.py").exists()


def test_nothing_is_overwritten_without_being_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    module = closures(tmp_path, "closures_written_twice", backprop="backward")
    path = tmp_path / "closures_written_twice_adapter.py"
    path.write_text("mine")
    assert main(["adapter", module.name]) == 4
    assert "is there already: --force overwrites it" in capsys.readouterr().err
    assert path.read_text() == "mine"
    assert main(["adapter", module.name, "--force"]) == 0
    assert "from closures_written_twice import Scalar" in path.read_text()


def test_a_file_that_cannot_be_imported_by_name_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = closures(tmp_path, "my-engine")
    assert main(["adapter", str(path), "--output", str(tmp_path / "adapter.py")]) == 4
    assert "has a name that no `import` can have" in capsys.readouterr().err
