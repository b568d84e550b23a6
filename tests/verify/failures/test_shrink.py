import pytest

from nn_from_scratch.verify import Engine, Verdict
from nn_from_scratch.verify.failures.blame import diagnose
from nn_from_scratch.verify.failures.shrink import REVERSE_PASS, minimal
from nn_from_scratch.verify.faults import FAULTS, Victim
from nn_from_scratch.verify.judging.examine import Examination, examine
from nn_from_scratch.verify.questions.generate import case, seeded


def accused(engine: Engine, least: int = 10) -> Examination:
    """Return the first large graph that the engine fails."""
    cases = (case(seeded(3, index), engine.forms) for index in range(2000))
    large = (one for one in cases if len(one.expression.steps) >= least)
    return next(found for one in large if (found := examine(engine, one)).verdict.accuses)


def faulty(name: str) -> Engine:
    return next(fault for fault in FAULTS if fault.name == name).engine()


@pytest.mark.parametrize(
    ("name", "steps"),
    [
        ("sin: its derivative times -1.0", ["sin"]),
        ("exp: its derivative times 1.000000001", ["exp"]),
        ("sub: its operands swapped", ["sub"]),
        ("neg: its operand's gradient dropped", ["neg"]),
    ],
)
def test_minimal_is_the_operation_alone(name: str, steps: list[str]) -> None:
    engine = faulty(name)
    found = accused(engine)
    smallest = minimal(engine, found)
    assert [step.operation for step in smallest.case.expression.steps] == steps
    assert smallest.verdict is found.verdict
    assert len(smallest.case.point) <= 2
    assert diagnose(engine, smallest).operation == steps[0]


def test_minimal_makes_numbers_simple() -> None:
    engine = faulty("cos: its derivative times -1.0")
    assert minimal(engine, accused(engine)).case.point == (2.0,)


def test_minimal_leaves_a_graph_of_two_steps_where_one_is_right() -> None:
    engine = faulty("upstream dropped")
    smallest = minimal(engine, accused(engine))
    assert len(smallest.case.expression.steps) == 2
    assert diagnose(engine, smallest).operation == "exp"


def test_minimal_keeps_the_exception() -> None:
    def broken(_: float) -> float:
        raise LookupError("no value")

    table = {**Victim().table, "arctan": (broken, lambda z, x: (1.0,))}
    engine = Victim(table=table).engine("raises")
    smallest = minimal(engine, accused(engine))
    assert (smallest.verdict, smallest.error) == (Verdict.ERROR, "LookupError: no value")
    assert [step.operation for step in smallest.case.expression.steps] == ["arctan"]
    assert diagnose(engine, smallest).operation == "arctan"


def test_minimal_meets_points_outside_the_domain() -> None:
    # Every simpler number is tried: log at 0 and -1, too, under a tanh.
    engine = faulty("tanh: 1 - z for 1 - z squared")
    cases = (case(seeded(3, index), (("log", "x"), ("tanh", "x"), ("sqrt", "x"))) for index in range(400))
    found = next(
        seen
        for one in cases
        if {"log", "sqrt"} <= {step.operation for step in one.expression.live_steps()}
        and (seen := examine(engine, one)).verdict.accuses
    )
    assert [step.operation for step in minimal(engine, found).case.expression.steps] == ["tanh"]


@pytest.mark.parametrize("name", ["breadth first", "every path"])
def test_blame_falls_on_the_reverse_pass_where_operations_are_right(name: str) -> None:
    engine = faulty(name)
    smallest = minimal(engine, accused(engine))
    assert diagnose(engine, smallest).operation == REVERSE_PASS
    assert len(smallest.case.expression.steps) <= 4


def test_blame_finds_a_lost_sum() -> None:
    engine = faulty("assigned")
    assert diagnose(engine, minimal(engine, accused(engine))).operation == "mul"
