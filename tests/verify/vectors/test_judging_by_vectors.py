"""Engines answer the vectors, those in C and JavaScript whole; a reader of vectors alone judges."""

import ast
import json
import subprocess
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import vector_judge
from long_runs import WHOLE
from vector_judge import Line, can_answer, judge, judged, numbers, vectors
from wire_engines import JAVASCRIPT, C, command_of

from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.engines.loading import load
from nn_from_scratch.verify.engines.session import MoveError
from nn_from_scratch.verify.questions import programs

pytestmark = pytest.mark.once

FOLDER = Path(__file__).parents[3] / "reference" / "vectors"
READER = Path(__file__).parent / "reader.js"
SOURCES = [pytest.param(JAVASCRIPT, id="JavaScript"), pytest.param(C, id="C")]
SCALARS = ("scalars.jsonl.gz", "graphs.jsonl.gz")


@cache
def every(*names: str) -> list[Line]:
    return [one for name in names for one in vectors(FOLDER / name)]


def hello_of(command: list[str]) -> Line:
    done = subprocess.run(command, input="", capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def answers(command: list[str], asked: list[Line]) -> dict[int, Line]:
    """Feed the lines as they are, and return what comes back, by number."""
    text = "".join(json.dumps(one, separators=(",", ":")) + "\n" for one in asked)
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
    found = [json.loads(line) for line in done.stdout.splitlines()[1:]]
    return {one["id"]: one for one in found}


def test_the_judge_needs_nothing_of_this_project() -> None:
    tree = ast.parse(Path(vector_judge.__file__).read_text(encoding="utf-8"))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    assert imported <= {"gzip", "json", "collections", "collections.abc", "fractions", "pathlib", "typing"}


@pytest.mark.parametrize("source", SOURCES)
def test_an_engine_in_another_language_answers_all_vectors_of_scalars(source: Path) -> None:
    command = command_of(source)
    hello = hello_of(command)
    asked = [one for one in every(*SCALARS) if can_answer(hello, one)]
    found = judged(hello, answers(command, asked), every(*SCALARS), "float64")
    assert found["wrong"] == 0
    assert found["right"] > 3000
    assert found["convention"] > 0
    assert found["undecided"] < 0.05 * found["right"]
    assert found.total() == len(every(*SCALARS))


@pytest.mark.parametrize("options", [[], ["--bug"]], ids=["right", "planted"])
def test_a_reader_in_javascript_says_the_same(options: list[str]) -> None:
    """Two readers that share no line agree about every vector, so that one needs no Python."""
    command = command_of(JAVASCRIPT, *options)
    reader = [command[0], str(READER), str(FOLDER / "scalars.jsonl.gz"), *command]
    done = subprocess.run(reader, capture_output=True, text=True, check=True)
    hello, vectors_ = hello_of(command), every("scalars.jsonl.gz")
    asked = [one for one in vectors_ if can_answer(hello, one)]
    found = judged(hello, answers(command, asked), vectors_, "float64")
    assert json.loads(done.stdout) == {verdict: count for verdict, count in found.items() if count}
    assert found["right"] > 1000


@pytest.mark.parametrize("source", SOURCES)
def test_what_is_planted_is_found(source: Path) -> None:
    command = command_of(source, "--bug")
    hello = hello_of(command)
    asked = [one for one in every("scalars.jsonl.gz") if can_answer(hello, one)]
    said = answers(command, asked)
    wrong = [one for one in asked if judge(one, numbers(one, said[one["id"]]["said"])) == "wrong"]
    assert len(wrong) > 50
    if source == JAVASCRIPT:  # its derivative of tanh is another one
        assert {"tanh" in one["operations"] for one in wrong} == {True}
    else:  # a node that is used twice has the gradient of one use
        assert all(uses(one) > 1 for one in wrong)


def uses(vector: Line) -> int:
    """Return how often the node is used that is used most."""
    operands: Counter[Any] = Counter()
    for move in vector["program"]:
        if move[0] == "apply":
            operands.update(operand for operand in move[2:] if isinstance(operand, int))
    return max(operands.values())


class Verdicts(Counter[str]):
    """Counts of verdicts, and the vectors that were answered wrongly."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong: list[Line] = []


def verdicts(engine: Engine, step: int) -> Verdicts:
    """Judge an engine in this process; where it raises, it lacks what is asked."""
    found = Verdicts()
    for vector in part(engine, step):
        try:
            with np.errstate(all="ignore"):
                said = engine.session().run(vector["program"])
        except MoveError:
            found["raised"] += 1
            continue
        written = [
            None if one is None else programs.number(np.asarray(one, dtype=np.float64)) for one in said
        ]
        verdict = judge(vector, numbers(vector, written))
        found[verdict] += 1
        if verdict == "wrong":
            found.wrong.append(vector)
    return found


def part(engine: Engine, step: int) -> list[Line]:
    hello = {
        "operations": list(engine.operations),
        "moves": ["variable", "apply", "value", "backward", "gradient"]
        + ["differentiate"] * engine.second_order,
    }
    names = SCALARS if not engine.arrays else (*SCALARS, "arrays.jsonl.gz")
    found = [one for one in every(*names) if can_answer(hello, one)]
    return found if WHOLE else found[::step]


def test_our_engine_is_right() -> None:
    found = verdicts(load("nn_from_scratch"), 30)
    assert not found.wrong
    assert not found["raised"]
    assert found["right"] > 250
    assert found["undecided"] < 0.05 * found["right"]


def test_micrograd_is_right() -> None:
    pytest.importorskip("micrograd")
    found = verdicts(load("micrograd"), 5)
    assert found["right"] > 100
    assert not found["wrong"]


def test_pytorch_is_right_but_for_what_is_known() -> None:
    pytest.importorskip("torch")
    found = verdicts(load("pytorch"), 30)
    assert found["right"] > 200
    assert not [one for one in found.wrong if not known_of_pytorch(one)]


def known_of_pytorch(vector: Line) -> bool:
    """Whether a vector asks what PyTorch 2 gets wrong.

    Its slope of digamma has nine digits; the second derivative of x ** y by x and y is 0 at y = 0;
    the derivative of a determinant is wrong at a singular matrix and near one.
    """
    operations, second = set(vector["operations"]), "differentiate" in vector["moves"]
    if operations & {"digamma", "det"} or ("lgamma" in operations and second):
        return True
    return "pow" in operations and second


def find(**wanted: str) -> Line:
    """Return the first vector of scalars whose reasons are these."""
    return next(
        one for one in every("scalars.jsonl.gz") if wanted.items() <= one["why"].items() and "choices" in one
    )


@pytest.mark.parametrize(
    ("gradient", "verdict"),
    [
        ([1.0, 0.0], "right"),
        ([0.0, 1.0], "right"),
        ([0.5, 0.5], "right"),
        ([0.25, 0.75], "right"),
        ([1.0, 1.0], "wrong"),
        ([0.0, 0.0], "wrong"),
        ([0.5, 0.25], "wrong"),
        ([2.0, -1.0], "wrong"),
    ],
)
def test_a_tie_is_judged_as_a_whole(gradient: list[float], verdict: str) -> None:
    tie = find(operation="maximum", operands="xx", role="alone", point="special numbers")
    value = float(tie["truth"][0][0])
    assert judge(tie, [value, *gradient]) == verdict
    assert judge(tie, [value + 1.0, *gradient]) == "wrong"


def test_between_two_choices_there_is_a_line() -> None:
    tie = next(
        one
        for one in every("scalars.jsonl.gz")
        if "choices" in one
        and one["why"]["role"] == "something before it"
        and one["operations"][0] == "maximum"
    )
    first, second = ([float(number) for number, _ in choice] for choice in tie["choices"])
    assert sorted([first, second]) == [[0.0, 1.0], [0.5, 0.0]]
    value = float(tie["truth"][0][0])
    assert [judge(tie, [value, *g]) for g in ((0.5, 0.0), (0.25, 0.5), (0.4, 0.2))] == ["right"] * 3
    assert judge(tie, [value, 0.4, 0.4]) == "wrong"  # between them number by number, and in sum


def test_a_tie_of_three_is_judged_by_the_sum_as_well() -> None:
    tie = next(
        one for one in every("scalars.jsonl.gz") if one["why"]["role"] == "a tie of three, the largest"
    )
    assert [judge(tie, [2.5, *g]) for g in ((0, 1, 0), (1 / 3,) * 3)] == ["right", "right"]
    assert judge(tie, [2.5, 0.25, 0.25, 0.5]) == "undecided"  # weights that nobody is known to choose
    assert [judge(tie, [2.5, *g]) for g in ((1, 1, 1), (1, 1, 0), (0, 0, 0))] == ["wrong"] * 3


def test_a_derivative_that_exists_is_told_from_a_convention() -> None:
    cancelling = next(
        one for one in every("scalars.jsonl.gz") if one["why"]["role"].endswith("relu(x) - relu(-x)")
    )
    assert judge(cancelling, [0.0, 1.0]) == "right"
    assert judge(cancelling, [0.0, 0.0]) == "convention"
    assert judge(cancelling, [0.0, 2.5]) == "wrong"


def test_what_lies_outside_of_the_sides_is_wrong() -> None:
    used_twice = find(operation="relu", role="its operand used before as well")
    below, above = used_twice["sides"][0]
    assert below != above
    value = float(used_twice["truth"][0][0])
    assert judge(used_twice, [value, float(below[0])]) == "right"
    assert judge(used_twice, [value, float(above[0])]) == "right"
    assert judge(used_twice, [value, 7.0]) == "wrong"


def test_what_is_off_by_little_more_than_the_tolerance_is_wrong() -> None:
    seen = 0
    for one in every("scalars.jsonl.gz")[::40]:
        tolerances = one["tolerance"].get("float64")
        if "choices" in one or tolerances is None or None in tolerances:
            continue
        true = [float(number) for number, _ in one["truth"]]
        assert judge(one, true) == "right"
        for k, tolerance in enumerate(tolerances):
            beyond = true[k] + 2 * float(tolerance)
            if beyond != true[k]:
                assert judge(one, [*true[:k], beyond, *true[k + 1 :]]) == "wrong"
                seen += 1
        assert judge(one, true[:-1]) == "wrong"
        assert judge(one, [*true[:-1], float("nan")]) == "wrong"
        assert judge(one, true, "float8") == "undecided"
    assert seen > 200
