"""What is said of the formula of a function in JAX: a whole check compiles it many times."""

from typing import Any


def formula(function: Any, *arguments: Any) -> str:
    """Return what is said of the formula of a function's gradient, in reverse mode and float64."""
    import jax

    from nn_from_scratch.verify.functions.jaxpr.formulas import trace
    from nn_from_scratch.verify.functions.jaxpr.interpreter import NotTracedError
    from nn_from_scratch.verify.functions.jaxpr.judging import formula_row
    from nn_from_scratch.verify.functions.jaxpr.question import MODES, Question, drawn

    with jax.enable_x64(True):
        question = Question.of(function, arguments)
        outputs, inputs = drawn(question.outputs(wide=True), 0), drawn(question.point, 1)
        traced = trace(question, MODES["rev"](question), wide=True, by_outputs=True)
        try:
            return str(formula_row("rev", "rev", traced, outputs, inputs)).removeprefix("rev: ")
        except NotTracedError as error:
            return f"not traced: {error}"


def own(forward: Any, backward: Any) -> Any:
    """Return a function of one array with a rule of its own, which takes the cotangent and the array."""
    import jax

    function = jax.custom_vjp(forward)
    function.defvjp(lambda x: (forward(x), x), lambda x, g: (backward(g, x),))
    return function
