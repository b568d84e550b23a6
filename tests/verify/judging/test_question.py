import pytest

from nn_from_scratch.verify import load
from nn_from_scratch.verify.judging.examine import WITNESSES, examine
from nn_from_scratch.verify.judging.question import Question
from nn_from_scratch.verify.questions.cases import Case, single
from nn_from_scratch.verify.questions.expressions import Expression, Step


@pytest.mark.parametrize(
    ("name", "kinds", "values", "margin"),
    [
        ("tanh", "x", (0.0,), None),
        ("relu", "x", (0.0,), 0.0),
        ("abs", "x", (-1e-8,), 1e-8),
        ("relu", "x", (1e300,), 1.0),
        ("maximum", "xx", (4.0, 4.0), 0.0),
        ("minimum", "xx", (4.0, 3.0), 0.25),
        ("maximum", "xx", (1.7e308, -1.7e308), 2.0),
        ("where", "xxx", (1e-3, 5.0, 7.0), 1e-3),
        ("clip", "xcc", (2.0, -1.0, 2.0), 0.0),
        ("clip", "xcc", (1.5, 1.0, 2.0), 0.25),
        ("clip", "xcc", (0.5, 2.0, -0.5), 0.75),
    ],
)
def test_margin_is_the_relative_distance_from_the_kink(
    name: str, kinds: str, values: tuple[float, ...], margin: float | None
) -> None:
    assert Question.of(single(name, kinds, values)).margin() == margin


def test_margin_is_that_of_the_nearest_kink_which_the_output_depends_on() -> None:
    steps = (Step("relu", (0,)), Step("abs", (1,)), Step("abs", (0,)), Step("add", (2, 3)))
    point = (0.0, 0.25)
    assert Question.of(Case(Expression(2, (), steps, output=5), point)).margin() == 0.0
    assert Question.of(Case(Expression(2, (), steps, output=3), point)).margin() == 0.25


def test_margin_of_an_array_is_that_of_its_nearest_entries() -> None:
    step = Step("max", (0,), (("axis", None), ("keepdims", False)))
    graph = Expression(1, (), (step,), 1)
    assert Question.of(Case(graph, (1.0, 3.0, 2.0), ((3,),), (1.0,))).margin() == pytest.approx(1 / 3)
    assert Question.of(Case(graph, (1.0, 3.0, 3.0), ((3,),), (1.0,))).margin() == 0.0


def test_margin_is_examined_with_the_witnesses() -> None:
    one = single("relu", "x", (0.5,))
    engine = load("nn_from_scratch")
    assert examine(engine, one, witnesses=WITNESSES).margin == 0.5
    assert examine(engine, one).margin is None
