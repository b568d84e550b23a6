"""A graph of `+`, `*` and relu alone, which every engine has: built anew, and replayed at new inputs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from nn_from_scratch import Node, replay, value_and_gradient
from nn_from_scratch.verify.benchmark.measuring import Contender

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nn_from_scratch.verify.benchmark.by_hand import Array


def arithmetic_graph(leaves: Sequence[Any], relu: Callable[[Any], Any]) -> Any:
    """Build a graph of 2,000 operations on 40 numbers; return the output.

    They are `*`, `+` and relu in turn, and a sum over the last values.
    """
    x, factors = list(leaves[:20]), leaves[20:]
    for k in range(656):
        x.append(relu(x[k] * factors[k % 20] + x[k + 1]))
    output = x[-33]
    for term in x[-32:]:
        output = output + term
    return output


def numbers() -> Array:
    """Return 40 numbers at which the values of the graph stay near 1, and most are positive."""
    generator = np.random.default_rng(0)
    return np.concatenate([generator.uniform(0, 1, 20), generator.uniform(-0.4, 0.3, 20)])


def _relu(x: Any) -> Any:
    return x.relu()


def of_vector(x: Any) -> Any:
    """Compute the graph on the 40 elements of a vector."""
    return arithmetic_graph([x[k] for k in range(40)], _relu)


def built(
    graph: Callable[[], tuple[list[Any], Any]],
    backward: Callable[[Any], None],
    value: Callable[[Any], float],
    gradient: Callable[[Any], float],
) -> Contender:
    """Return a graph as an engine of scalars builds it, which gives leaves and output, forward and back."""

    def run() -> tuple[list[Any], Any]:
        leaves, output = graph()
        backward(output)
        return leaves, output

    def result(found: tuple[list[Any], Any]) -> list[Any]:
        leaves, output = found
        return [value(output), *map(gradient, leaves)]

    return Contender(run, result)


def _of_leaves(variable: Callable[[float], Any]) -> tuple[list[Any], Any]:
    leaves = [variable(x) for x in numbers().tolist()]
    return leaves, arithmetic_graph(leaves, _relu)


def ours() -> Contender:
    """Return the graph built of nodes."""
    return built(partial(_of_leaves, Node), Node.backprop, lambda node: node.value, lambda node: node.grad)


def in_micrograd() -> Contender:
    """Return the graph built by micrograd."""
    from micrograd.engine import Value

    return built(partial(_of_leaves, Value), Value.backward, lambda node: node.data, lambda node: node.grad)


def _called(function: Callable[[Array], tuple[Any, Any]]) -> Contender:
    """Return value and gradient by a function of a vector."""
    return Contender(
        partial(function, numbers()), lambda found: [float(found[0]), np.array(found[1]).ravel()]
    )


def replayed() -> Contender:
    """Return the graph recorded once, and replayed."""
    return _called(replay(of_vector))


def recorded_again() -> Contender:
    """Return the graph as the engine builds it, of a vector, at every call."""
    return _called(value_and_gradient(of_vector))


def in_casadi() -> Contender:
    """Return value and gradient as one function of CasADi's, called with a numpy array."""
    import casadi

    x = casadi.SX.sym("x", 40)
    output = arithmetic_graph([x[k] for k in range(40)], lambda value: casadi.fmax(value, 0))
    graph: Any = casadi.Function("graph", [x], [output, casadi.gradient(output, x)])
    return _called(graph)
