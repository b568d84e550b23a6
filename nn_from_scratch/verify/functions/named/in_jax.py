"""A function of JAX's arrays that somebody named."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from nn_from_scratch.verify.functions.jaxpr.checking import Options, examine
from nn_from_scratch.verify.functions.jaxpr.question import MODES, Question, drawn, numbers, precision
from nn_from_scratch.verify.functions.named.importing import TargetError
from nn_from_scratch.verify.functions.named.numeric import Input, Numeric, weighed
from nn_from_scratch.verify.functions.named.target import Target, not_called
from nn_from_scratch.verify.functions.rows import Row


def arrays(inputs: Any) -> tuple[Any, ...]:
    """Return inputs as a tuple of arguments, with JAX's arrays for numpy's."""
    arguments = inputs if isinstance(inputs, (tuple, list)) else (inputs,)
    return tuple(jax.tree_util.tree_map(_array, x) for x in arguments)


def _array(x: Any) -> Any:
    return jnp.asarray(x) if isinstance(x, (np.ndarray, np.generic)) else x


def rows_of(target: Target, seed: int) -> list[Row]:
    """Ask JAX's door."""
    inputs = arrays(target.inputs)
    try:
        target.function(*inputs)
    except Exception as error:
        raise not_called(target, error) from error
    try:
        Question.of(target.function, inputs)
    except ValueError as error:  # no argument has a gradient
        raise TargetError(f"{target.name} cannot be asked: {error}") from error
    return examine(target.function, inputs, target.order, target.modes, Options(seed=seed))


def numeric_of(target: Target, seed: int) -> Numeric:
    """Return the function as numbers, in float64, and its gradient in reverse mode."""
    question = Question.of(target.function, arrays(target.inputs))
    outputs = question.outputs(wide=False)
    weights = drawn(outputs, 2 * seed)
    given = [jnp.asarray(c, y.dtype) for c, y in zip(weights, outputs, strict=True)]
    gradient = MODES["rev"](question)(*question.point, *given)[len(outputs) :]

    def value(*moved: Any) -> float:
        with precision(wide=True):
            return weighed(weights, [numbers(y) for y in question.function(*map(jnp.asarray, moved))])

    dtype = question.narrowest
    return Numeric(
        value,
        tuple(
            Input(name, tuple(x.shape), str(x.dtype))
            for name, x in zip(question.names, question.point, strict=True)
        ),
        tuple(question.numbers()),
        tuple(numbers(x) for x in gradient),
        given,
        tuple(_path(name) for name in question.names),
        spare=0.0 if dtype == "float64" else math.sqrt(float(jnp.finfo(dtype).eps)),
    )


def _path(name: str) -> str:
    """Return where the derivative for an argument stands, given what it is called: ``argument 0['w']``."""
    which, bracket, rest = name.removeprefix("argument ").partition("[")
    return f"[{which}]{bracket}{rest}"
