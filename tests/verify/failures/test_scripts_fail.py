"""Every script that is given for a failure fails by itself, in a process of its own, from another folder."""

import json
import subprocess
import sys
from collections.abc import Collection, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from long_runs import WHOLE, part

from nn_from_scratch.verify import Case, Engine, Expression, Step, load, state
from nn_from_scratch.verify.failures import failing_checks, failing_graphs
from nn_from_scratch.verify.failures.again import TIMES, UNSTEADY, answers
from nn_from_scratch.verify.failures.kinds import kind
from nn_from_scratch.verify.failures.reproduce import reproducer
from nn_from_scratch.verify.failures.reproduce_check import reproducer_of_check
from nn_from_scratch.verify.faults import FAULTS, Fault
from nn_from_scratch.verify.judging.examine import examine
from nn_from_scratch.verify.questions.generate import case, seeded
from nn_from_scratch.verify.questions.generate_arrays import array_case
from nn_from_scratch.verify.questions.operations import Form
from nn_from_scratch.verify.state import checks

pytestmark = pytest.mark.once
PART = part(FAULTS)
RUN = """
import json, os, sys
import numpy as np
import nn_from_scratch.verify  # once: each script is run by a copy of this process
scripts = json.load(sys.stdin)
for name, script in scripts:
    sys.stdout.flush()
    process = os.fork()
    if process == 0:
        raised = ""
        try:
            with np.errstate(all="ignore"):
                exec(compile(script, "script.py", "exec"), {"__name__": "__main__"})
        except Exception as error:
            raised = type(error).__name__
        print(json.dumps([name, raised]), flush=True)
        os._exit(0)
    os.waitpid(process, 0)
"""
NOT_THE_ENGINES = {"", "EngineError", "ModuleNotFoundError", "ImportError", "NameError", "SyntaxError"}

BY_THE_SUITE = """\
from nn_from_scratch.verify.faults import FAULTS
engine = next(fault for fault in FAULTS if fault.name == {name!r}).engine()
"""
IN_ITS_SYNTAX = """\
from dataclasses import replace
from nn_from_scratch.verify.engines.source import TapeSource
from nn_from_scratch.verify.faults import FAULTS
plain = next(fault for fault in FAULTS if fault.name == {name!r}).engine()
tape = plain.tape
listed = dict.fromkeys(("concatenate", "stack"), "ask['{{name}}'](*{{0}}, axis={{axis}})")
source = TapeSource(
    imports="import numpy as np\\nfrom {module} import ask, tape",
    variable="tape.variable({{}})",
    backward="tape.backward({{output}})",
    backward_from="tape.backward({{output}}, {{cotangent}})",
    value="tape.value({{}})",
    gradient="tape.gradient({{}})",
    assign="tape.assign({{leaf}}, {{value}})",
    operations={{name: "ask['{{name}}']({{arguments}})" for name in plain.operations}},
)
ask = {{
    **plain.operations,
    "concatenate": lambda xs, axis: plain.operations["concatenate"](*xs, axis=axis),
    "stack": lambda xs, axis: plain.operations["stack"](*xs, axis=axis),
}}
engine = replace(plain, source=source)
"""


def accused(engine: Engine, fault: Fault, graphs: int = 400) -> Iterator[Case]:
    def of(forms: Collection[Form]) -> tuple[Form, ...]:
        return tuple(form for form in forms if form[0] in fault.operations)

    for index in range(graphs):
        choose = seeded(6, index)
        one = array_case(choose, of(engine.array_forms)) if fault.arrays else case(choose, of(engine.forms))
        if examine(engine, one).verdict.accuses:
            yield one


def failures_of(engine: Engine, fault: Fault) -> list[dict[str, Any]]:
    """Return the failures of a few graphs, and of the checks of state where those may fail."""
    found = [*failing_graphs(engine, list(islice(accused(engine, fault), 3)))]
    if fault.blamed in state.LONG:
        return found
    quick = [name for name in state.CHECKS if name not in state.LONG]
    between = fault.kind in ("state", "accumulation", "upstream", "order") or fault.blamed in state.CHECKS
    return found + failing_checks(engine, state.run(engine, quick) if between else [])


def raised_by(scripts: list[tuple[str, str]], folder: Path) -> dict[str, str]:
    """Run each script by itself from a folder, and return what it raised."""
    done = subprocess.run(
        [sys.executable, "-c", RUN],
        input=json.dumps(scripts),
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(map(json.loads, done.stdout.splitlines()))


@pytest.mark.parametrize("adapter", [BY_THE_SUITE, IN_ITS_SYNTAX], ids=["by the suite", "in its syntax"])
def test_every_script_of_many_faulty_engines_fails(
    adapter: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, elsewhere = tmp_path / "here", tmp_path / "elsewhere"
    here.mkdir()
    elsewhere.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.syspath_prepend(str(here))
    scripts: list[tuple[str, str]] = []
    asked = PART if WHOLE else PART[::2] if adapter is BY_THE_SUITE else PART[1::2]
    for k, fault in enumerate(asked):
        module = f"faulty_by_{'suite' if adapter is BY_THE_SUITE else 'syntax'}{k}"  # one name, one module
        Path(f"{module}.py").write_text(adapter.format(name=fault.name, module=module))
        engine = load(f"{module}.py" if k % 2 and adapter is BY_THE_SUITE else f"{module}:engine")
        failures = failures_of(engine, fault)
        assert failures or fault.blamed in state.LONG, fault.name
        scripts += [(f"{fault.name}, {n}", one["reproducer"]) for n, one in enumerate(failures)]
    raised = raised_by(scripts, elsewhere)
    assert raised.keys() == dict(scripts).keys()
    assert [name for name, error in raised.items() if error in NOT_THE_ENGINES] == []
    if adapter is IN_ITS_SYNTAX:
        assert (
            sum("nn_from_scratch" not in script.partition("import")[2] for _, script in scripts)
            >= len(asked) // 2
        )


BY_A_SET = """\
from nn_from_scratch.verify.faults import Victim

def order(output):
    # depth first, by a set of parents: whether a node comes before all its consumers hangs on addresses
    found, stack = {}, [output]
    while stack:
        node = stack.pop()
        if node not in found:
            found[node] = None
            stack.extend(set(node.parents))
    return list(found)

engine = Victim(order=order).engine("by a set")
"""
# v * v * (u + v), where u = x0 * x1 and v = sin(u)
SHARED = Expression(
    2,
    (),
    tuple(
        Step(*one)
        for one in (("mul", (0, 1)), ("sin", (2,)), ("add", (2, 3)), ("mul", (3, 3)), ("mul", (4, 5)))
    ),
    6,
)


def test_script_repeats_what_hangs_on_the_order_of_a_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("by_a_set.py").write_text(BY_A_SET)
    engine = load("by_a_set.py")
    one = Case(SHARED, (0.3, 0.7))
    different = {str(answer) for answer in answers(engine, one, 100)}
    assert len(different) >= 2
    found = next(seen for _ in range(1000) if (seen := examine(engine, one)).verdict.accuses)
    assert kind(engine, found) == UNSTEADY
    script = reproducer(engine, found)
    assert f"range({TIMES})" in script
    scripts = [(str(k), script) for k in range(10)]
    assert set(raised_by(scripts, tmp_path.parent).values()) == {"GradientError"}


def test_script_shows_a_dead_branch() -> None:
    engine = next(fault for fault in FAULTS if fault.name == "waiting").engine()
    steps = (Step("mul", (0, 0)), Step("exp", (1,)), Step("mul", (1, 0)))
    found = examine(engine, Case(Expression(1, (), steps, 3), (2.0,)))
    assert found.verdict.accuses
    assert str(found.case.expression) == "u0 = x0 * x0\nu1 = exp(u0)\nu0 * x0"
    assert "# u1 = exp(u0)" in reproducer(engine, found)


ASSIGNED_BY_A_METHOD = """\
from dataclasses import replace
from nn_from_scratch.verify import Engine
from nn_from_scratch.verify.engines.source import TapeSource
from nn_from_scratch.verify.faults import Value, Victim

class Kept(Value):
    # A backward pass sees the new value only if it was set by this method.
    def set(self, value):
        self.data, self.changed = value, True

def seen(node):
    pairs = zip(node.operands, node.seen)
    return tuple(x.data if getattr(x, "changed", False) else before for x, before in pairs)

plain = Victim(seen=seen, leaf=Kept).engine("by a method")
multiply = plain.operations["mul"]
source = TapeSource(
    imports="from {module} import Kept, multiply, plain",
    variable="Kept({{}})",
    backward="plain.tape.backward({{output}})",
    operations={{"mul": "multiply({{arguments}})"}},
    {assign}
)
engine = replace(plain, driver=replace(plain.tape, assign=Kept.set), source=source)
"""


@pytest.mark.parametrize(
    ("assign", "syntax"),
    [
        ("", False),  # the adapter does not say how it assigns
        ('assign="{leaf}.data = {value}",', False),  # it says something else than it does
        ('assign="{leaf}.set({value})",', True),
    ],
)
def test_script_of_a_check_assigns_as_the_adapter_does(
    assign: str, syntax: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    module = f"assigned_{len(assign)}"
    Path(f"{module}.py").write_text(ASSIGNED_BY_A_METHOD.format(module=module, assign=assign))
    engine = load(f"{module}:engine")
    name = next(name for name, one in state.CHECKS.items() if one.check is checks.assigned_values)
    (result,) = state.run(engine, [name])
    assert result.outcome == "wrong"
    script = reproducer_of_check(engine, result)
    assert (".set(7.0)" in script) is syntax
    assert raised_by([("it", script)], tmp_path.parent) == {
        "it": "AssertionError" if syntax else "GradientError"
    }
