"""Rules of one's own: `custom`, a function with its derivative, and `checkpoint`, which computes twice."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nn_from_scratch.functional import gradients
from nn_from_scratch.graph import walk
from nn_from_scratch.node import Node
from nn_from_scratch.recording import no_grad
from nn_from_scratch.rule import NO_OPTIONS, Function, Operand, Options, Rule, Traced, Value, fitted
from nn_from_scratch.values import own_value


class _TogetherRule(Rule):
    """A rule whose cotangents of all operands come from one call, of ``(g, operands)``."""

    __slots__ = ("together",)

    def __init__(self, name: str, compute: Function, together: Function) -> None:
        super().__init__(name, compute, ())
        self.together = together

    def shared_pullback(
        self, g: Operand, z: Operand, operands: Sequence[Operand], options: Options
    ) -> list[Operand]:
        """Return the cotangents of all operands at once."""
        found = self.together(g, operands)
        return [fitted(part, operand) for part, operand in zip(found, operands, strict=True)]

    def pullback(
        self, position: int, g: Any, z: Operand, operands: Sequence[Operand], options: Options
    ) -> Any:
        """Return what `shared_pullback` has found."""
        return g[position]


class Custom:
    """A function with a derivative of one's own: made by `custom`."""

    def __init__(self, function: Callable[..., Any], gradient: Callable[..., Any]) -> None:
        self.function, self.gradient = function, gradient
        self.__name__ = getattr(function, "__name__", "custom")
        self._rule = _TogetherRule(self.__name__, self._computed, self._pulled_back)

    def __call__(self, *operands: Operand) -> Any:
        """Compute on values, or on nodes and values."""
        if any(isinstance(operand, Traced) for operand in operands):
            return self._rule(*operands)
        return self.function(*operands)

    def _computed(self, *values: Value) -> Value:
        found = self.function(*map(_read_only, values))
        return np.asarray(own_value(found, self.__name__))

    def _pulled_back(self, g: Operand, operands: Sequence[Operand]) -> Sequence[Operand]:
        found = self.gradient(*operands, g)
        parts = found if isinstance(found, tuple) else (found,)
        if len(parts) != len(operands):
            raise ValueError(
                f"{self.__name__}: its gradient gave {len(parts)} cotangents for {len(operands)} operands"
            )
        checked = []
        for part, operand in zip(parts, operands, strict=True):
            own: Any = part if isinstance(part, Traced) else own_value(part, f"{self.__name__}: its gradient")
            if np.shape(own) != np.shape(operand):
                shapes = f"{np.shape(own)} for an operand of {np.shape(operand)}"
                raise ValueError(f"{self.__name__}: its gradient has shape {shapes}")
            checked.append(own)
        return checked


def _read_only(value: Value) -> Value:
    """Return a value that a function cannot change: the graph has it."""
    if isinstance(value, np.ndarray):
        value = value.view()
        value.flags.writeable = False
    return value


def custom(function: Callable[..., Any], gradient: Callable[..., Any]) -> Custom:
    """Give a function a derivative of one's own.

    ``check_gradient(custom(function, gradient), point)`` of the suite checks it.

    Parameters
    ----------
    function
        Maps values, floats or arrays, to a value.
    gradient
        Maps the same values, and the cotangent of the result, to the cotangent of the operand, or to a tuple
        of those of all operands, each in the operand's shape. Written by numpy's functions it can be
        differentiated in turn. The wrong number of them, or another shape, is a ValueError.

    """
    return Custom(function, gradient)


def checkpoint(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of nodes that keeps no graph of its inside, and computes it again on the way back.

    That saves memory where the inside is large. All nodes that it uses must be arguments: of another node the
    gradient would be lost, which is a TypeError. Arguments that are no nodes are given to it as they are.
    """
    name = getattr(function, "__name__", "checkpoint")

    def checkpointed(*arguments: Any) -> Any:
        nodes = [one for one in arguments if isinstance(one, Node)]
        if not nodes:
            return function(*arguments)

        def of_nodes(*given: Any) -> Any:
            left = iter(given)
            return function(*[next(left) if isinstance(one, Node) else one for one in arguments])

        return Node.apply(_checkpoint(of_nodes, name), nodes, NO_OPTIONS)

    checkpointed.__name__ = name
    return checkpointed


def _checkpoint(function: Callable[..., Any], name: str, *, checked: bool = True) -> Rule:
    """Return its rule; `checked` says whether the nodes that it uses are compared with its operands."""

    def computed(*values: Value) -> Value:
        with no_grad(recording=True):
            inputs = [Node(value) for value in values]
            output = function(*inputs)
        if isinstance(output, Node):
            if checked:
                _refuse_others(name, output, inputs)
            output = output.value
        return np.asarray(own_value(output, name))

    def pulled_back(g: Operand, operands: Sequence[Operand]) -> Sequence[Operand]:
        if not any(isinstance(operand, Traced) for operand in (g, *operands)):
            with no_grad(recording=True):
                return gradient([Node(x) for x in operands], g, create_graph=False)
        # Each gradient is a checkpoint in turn: a pass of its own must not walk into the nodes of this one.
        return [_checkpoint(part(k), name, checked=False)(g, *operands) for k in range(len(operands))]

    def gradient(inputs: list[Node], g: Operand, *, create_graph: bool) -> Sequence[Operand]:
        output = function(*inputs)
        output = output if isinstance(output, Node) else Node(output)
        found: Sequence[Operand] = gradients(output, inputs, g, create_graph=create_graph)
        return found

    def part(k: int) -> Callable[..., Operand]:
        return lambda g, *inputs: gradient(list(inputs), g, create_graph=True)[k]

    return _TogetherRule(name, computed, pulled_back)


def _refuse_others(name: str, output: Node, inputs: Sequence[Node]) -> None:
    """Refuse leaves that are no arguments, whose gradient would be lost."""
    given = {id(node) for node in inputs}
    if any(step.is_leaf and id(step.node) not in given for step in walk(output)):
        raise TypeError(
            f"checkpoint: {name} uses a Node that is no argument, whose gradient would be lost: give it as an"
            " argument, and a constant as a number or an array"
        )
