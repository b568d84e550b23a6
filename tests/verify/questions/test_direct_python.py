"""Constants that only Python has are asked, too: a rule that is wrong about these alone is accused."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from asked_apart import asked_apart
from narrowed import narrowed
from wire_engines import C, spec_of

from nn_from_scratch.verify import Case, Engine, Expression, load, verify
from nn_from_scratch.verify.campaign.direct import Direct, ask_directly, ask_questions, questions_for
from nn_from_scratch.verify.engines.wire.isolated import isolated
from nn_from_scratch.verify.failures.reproduce import written
from nn_from_scratch.verify.judging.examine import examine
from nn_from_scratch.verify.power.right_engines import RIGHT_ENGINES
from nn_from_scratch.verify.questions import programs
from nn_from_scratch.verify.questions.constants import Numbers
from nn_from_scratch.verify.questions.direct_python import INTEGER, ONE_BOUND, SCALAR, WITHOUT_AXES
from nn_from_scratch.verify.questions.expressions import Step
from nn_from_scratch.verify.questions.roles import DirectQuestion

pytestmark = pytest.mark.once
OURS = load("nn_from_scratch")


def of_numpy(x: Any) -> bool:
    return type(x) is np.float64


def an_integer_of_numpy(x: Any) -> bool:
    return type(x) is np.int64


def without_axes(x: Any) -> bool:
    return isinstance(x, np.ndarray) and not x.ndim


def absent(x: Any) -> bool:
    return x is None


def changed(name: str, operation: Callable[..., Any]) -> Engine:
    """Return our engine with another operation instead of one."""
    return replace(OURS, complete=False, operations={**OURS.operations, name: operation})


def only_in_python(engine: Engine) -> list[DirectQuestion]:
    return [question for question in questions_for(engine) if question.case.only_in_python]


@pytest.mark.parametrize(
    ("name", "wrong", "role"),
    [
        *((name, of_numpy, SCALAR) for name in ("add", "pow", "maximum")),
        ("pow", an_integer_of_numpy, INTEGER),
        ("mul", without_axes, WITHOUT_AXES),
        ("clip", absent, ONE_BOUND),
    ],
)
def test_a_rule_that_is_wrong_about_it_alone_is_accused_by_nothing_else(
    name: str, wrong: Callable[[Any], bool], role: str
) -> None:
    def operation(*operands: Any) -> Any:
        result = right(*operands)
        return result * 2.0 if any(map(wrong, operands)) else result

    right, found = OURS.operations[name], Direct()
    assert ask_directly(narrowed(changed(name, operation), name), found, lambda: True)
    assert {question.role for question, _ in found.failing} == {role}
    assert {question.operation for question, _ in found.failing} == {name}


def test_a_graph_that_numpys_operator_loses_is_accused_beside_its_operand_only() -> None:
    right = OURS.operations["mul"]

    def mul(x: Any, y: Any) -> Any:
        return x * y.value if of_numpy(x) else right(x, y)  # as where `__array__` comes first

    found = Direct()
    assert ask_directly(narrowed(changed("mul", mul), "mul"), found, lambda: True)
    assert {(question.kinds, question.role) for question, _ in found.failing} == {("cx", SCALAR)}
    assert all(len(question.case.expression.steps) > 1 for question, _ in found.failing)
    assert SCALAR in found.lacks["mul"][0]


def test_none_that_is_taken_for_nan_is_no_bound_that_an_engine_has() -> None:
    def clip(x: Any, low: Any, high: Any) -> Any:
        return right(x, np.array(low, np.float64), np.array(high, np.float64))

    right, found = OURS.operations["clip"], Direct()
    assert ask_directly(narrowed(changed("clip", clip), "clip"), found, lambda: True)
    assert not found.failing
    assert "one bound only: None is taken for NaN" in found.lacks["clip"]


@pytest.mark.parametrize("bound", [1, 2])
def test_either_bound_alone_is_asked_at_it_and_beside_it(bound: int) -> None:
    def clip(x: Any, low: Any, high: Any) -> Any:
        kept = right(x, low, high)
        if (low, high)[2 - bound] is None:  # the slope of a clipped entry
            return kept + (x - x.value) * (x.value != kept.value)
        return kept

    right, found = OURS.operations["clip"], Direct()
    ask_questions(changed("clip", clip), only_in_python(OURS), found)
    assert {question.role for question, _ in found.failing} == {ONE_BOUND}
    given = {question.case.expression.constants[bound - 1] for question, _ in found.failing}
    assert None not in given


@pytest.mark.parametrize("slope", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("bounds", [(None, 1.1), (1.1, None)])
def test_at_the_bound_every_slope_from_0_to_1_is_right(
    slope: float, bounds: tuple[float | None, float | None]
) -> None:
    def clip(x: Any, *_: Any, by: float = slope) -> Any:
        return by * (x - x.value) + x.value

    case = Case(Expression(1, bounds, (Step("clip", (0, 1, 2)),), 3), (1.1,))
    assert not examine(changed("clip", clip), case).verdict.accuses
    assert examine(changed("clip", partial(clip, by=-1.0)), case).verdict.accuses


def test_no_right_engine_is_accused_and_ours_is_asked_all() -> None:
    for spec in ("nn_from_scratch", "micrograd"):
        engine, found = load(spec), Direct()
        asked = only_in_python(engine)
        assert ask_questions(engine, asked, found)
        assert not found.failing
        lacking = 0 if engine.complete else 4  # micrograd's power takes Python's numbers only
        assert sum(found.verdicts.values()) == len(asked) - lacking >= 40, spec


@pytest.mark.parametrize("name", ["adjoints in reverse order", "dual numbers", "casadi", "50 digits"])
def test_no_engine_that_computes_differently_is_accused(name: str) -> None:
    engine, found = RIGHT_ENGINES[name](), Direct()
    ask_questions(engine, only_in_python(engine), found)
    assert not found.failing
    assert found.verdicts


def refusing(x: Any, y: Any) -> Any:
    if of_numpy(x) or of_numpy(y):
        raise ValueError("plain floats only")
    return OURS.operations["mul"](x, y)


def test_what_an_engine_refuses_of_them_it_lacks() -> None:
    results = verify(narrowed(changed("mul", refusing), "mul"), graphs=10, grades=("rules", "accuracy"))
    assert results["grades"]["rules"] == "right"
    note = results["operations"]["mul"]["note"]
    assert "a scalar of numpy's for the constant: ValueError: plain floats only" in note


def test_what_only_its_reverse_pass_refuses_it_lacks_too() -> None:
    driver = OURS.tape
    assert driver is not None

    def backward(output: Any, *cotangent: Any) -> None:
        if flawed:
            raise TypeError("'>=' not supported between instances of 'float' and 'NoneType'")
        driver.backward(output, *cotangent)

    flawed: list[Any] = []

    def clip(x: Any, low: Any, high: Any) -> Any:
        flawed[:] = [None] * (low is None or high is None)
        return OURS.operations["clip"](x, low, high)

    engine = replace(changed("clip", clip), driver=replace(driver, backward=backward))
    found = Direct()
    ask_questions(engine, [one for one in only_in_python(OURS) if one.operation == "clip"], found)
    assert not found.failing
    assert ONE_BOUND in found.lacks["clip"][0]


ENGINE = """
from dataclasses import replace
import numpy as np
from nn_from_scratch.verify import load
ours = load("nn_from_scratch")
mul = ours.operations["mul"]
def wrong(x, y):
    return mul(x, y) * (2.0 if type(x) is np.float64 else 1.0)
engine = replace(ours, name="mine", complete=False, operations={"add": ours.operations["add"], "mul": wrong})
"""


def test_it_is_found_in_another_process_and_its_script_has_the_scalar(tmp_path: Path) -> None:
    results = asked_apart(tmp_path / "mine.py", ENGINE)
    (failure,) = results["failures"]
    assert failure["operation"] == "mul"
    assert failure["text"] == "np.float64(3.0) * x0"
    assert failure["role"] == SCALAR
    assert failure["numbers"] == "numpy"
    with pytest.raises(AssertionError, match=r"np\.float64\(3\.0\) \* x0 at"):
        exec(compile(failure["reproducer"], "script.py", "exec"), {"__name__": "__main__"})  # noqa: S102


def times(numbers: Numbers, *, integers: bool = False) -> Case:
    expression = Expression(1, (2.0,), (Step("mul", (1, 0)),), 2)
    return Case(expression, (3.0,), integers=integers, numbers=numbers)


@pytest.mark.parametrize(
    ("case", "text"),
    [
        (times("python"), "2.0 * x0"),
        (times("numpy"), "np.float64(2.0) * x0"),
        (times("numpy", integers=True), "np.int64(2) * x0"),
        (times("array"), "np.array(2.0) * x0"),
        (times("array", integers=True), "np.array(2) * x0"),
        (Case(Expression(1, (None, 2.0), (Step("clip", (0, 1, 2)),), 3), (3.0,)), "clip(x0, None, 2.0)"),
    ],
)
def test_a_constant_is_written_as_it_is_given_and_read_again(case: Case, text: str) -> None:
    assert case.lines() == [text]
    assert Expression.from_json(case.expression.to_json()) == case.expression
    for given in case.constants():
        move = programs.constant(given)
        assert programs.is_number(move)
        read = programs.read(move)
        assert type(read) is type(given)
        assert read == given
    assert examine(OURS, case).verdict.name == "RIGHT"


def test_in_the_own_syntax_of_an_engine_the_script_has_the_scalar() -> None:
    right = OURS.operations["mul"]
    engine = changed("mul", lambda x, y: right(x, y) * 2.0)
    script = written(engine, examine(engine, times("numpy")))
    assert "y = np.float64(2.0) * x0\n" in script
    assert "import numpy as np\n" in script


def test_an_engine_that_is_not_in_python_is_given_none_of_them() -> None:
    engine = isolated(spec_of(C))
    try:
        assert not only_in_python(engine)
    finally:
        engine.driver.close()


@pytest.mark.parametrize(
    "move",
    [{"scalar": "0x1p+0", "dtype": "float32"}, {"scalar": "0x1p-1", "dtype": "int64"}, {"scalar": "1"}],
)
def test_what_is_no_scalar_of_numpys_is_refused(move: Any) -> None:
    with pytest.raises(programs.NotANumberError):
        programs.read(move)


@pytest.mark.parametrize(
    ("constants", "step"),
    [
        ((None, None), Step("clip", (0, 1, 2))),
        ((None, 1.0), Step("maximum", (0, 1))),
    ],
)
def test_none_is_one_of_the_bounds_of_clip_and_nothing_else(
    constants: tuple[float | None, ...], step: Step
) -> None:
    with pytest.raises(ValueError, match="takes None, which is one of clip's bounds"):
        Expression(1, constants, (step,), 3)
