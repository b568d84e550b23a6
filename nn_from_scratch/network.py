"""A whole network as one row of the graph: no node between its layers, forward or back.

Values of nodes are never edited in place (a leaf lends its user another array than graphs hold), so to keep
the arrays of a moment is all that it takes for a call to see the parameters it was made with (`Moment`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nn_from_scratch import changes, recording
from nn_from_scratch.layer import ACTIVATIONS, Layer, ones, with_axis
from nn_from_scratch.node import Call, Node
from nn_from_scratch.rule import LENT_LEAF, NO_OPTIONS, Operand, Options, OuterProduct, Rule, Traced, Value
from nn_from_scratch.rules import RULES
from nn_from_scratch.values import FLOAT64, without_axes

# The row


def forward(x: Value, values: Sequence[Value], activations: Sequence[str], single: bool) -> tuple[Value, Any]:
    """Return the outputs for a sample or a batch, and what `_Network` needs of each layer on the way back.

    Parameters
    ----------
    x
        A sample (n,), or a batch (B, n).
    values
        Weights and biases, layer by layer.
    activations
        By layer, as in `Layer`.
    single
        Whether the last layer gives the value of its one neuron, (B,) or ().

    Returns
    -------
    outputs
        As of the layers one by one.
    kept
        By layer its input, W x + b where the activation's derivative needs it, and its output.

    """
    kept = []
    for layer, activation in enumerate(activations):
        weights = values[2 * layer]
        before = z = weights.dot(x) if x.ndim == 1 else x.dot(weights.T)
        z += values[2 * layer + 1]
        if activation == "tanh":
            np.tanh(z, z)
        elif activation != "linear":
            z = RULES[activation].compute(z)
        kept.append((x, before, z))
        x = z
    return (without_axes(x[..., 0]) if single else x), kept


@dataclass(frozen=True, slots=True, eq=False)
class _Network(Rule):
    """The rule of a network.

    Operands are the input and all parameters; options are ``activations`` and ``single``, ``kept`` of
    `forward`, and ``by_input``: whether the cotangent of the input is asked for.
    """

    def shared_pullback(
        self, g: Operand, z: Operand, operands: Sequence[Operand], options: Options
    ) -> list[Operand]:
        """Return the cotangents of all operands at once; they share no memory with `g`."""
        if isinstance(operands[1], Traced):
            return _back_on_nodes(g, operands, options["activations"], options["single"])
        return _back(with_axis(g) if options["single"] else g, operands, **options)

    def pullback(
        self,
        position: int,
        g: Any,
        z: Operand,
        operands: Sequence[Operand],
        options: Options,
    ) -> Operand:
        """Return what `shared_pullback` has found."""
        return g[position]


def _back(
    g: Value, values: Sequence[Value], activations: Sequence[str], kept: Any, single: bool, by_input: bool
) -> list[Any]:
    """Return the cotangents of the input, or None, and of the parameters."""
    found: list[Any] = [None] * len(values)
    is_batch = values[0].ndim > 1
    for layer in range(len(activations) - 1, -1, -1):
        x, before, z = kept[layer]
        activation = activations[layer]
        if activation == "tanh":
            slope = z * z
            np.subtract(1.0, slope, slope)
            g = np.multiply(slope, g, slope)
        elif activation == "linear":
            g = g.copy()
        else:
            g = RULES[activation].pullback(0, g, z, (before,), NO_OPTIONS)
        if is_batch:
            found[2 * layer + 1] = g.T.dot(x)
            found[2 * layer + 2] = ones(len(x), x.dtype).dot(g)  # faster than a sum along an axis
        else:
            found[2 * layer + 1] = OuterProduct((g, x))
            found[2 * layer + 2] = g
        if layer or by_input:
            g = g.dot(values[2 * layer + 1])
    if by_input:
        found[0] = g
    return found


def _back_on_nodes(
    g: Operand, operands: Sequence[Operand], activations: Sequence[str], single: bool
) -> list[Operand]:
    """Return the same of nodes, by the rules of the layers, to be differentiated in turn."""
    x, *parameters = operands
    steps = []
    for layer, activation in enumerate(activations):
        rule, *following = ACTIVATIONS[activation]
        layer_operands = (x, parameters[2 * layer], parameters[2 * layer + 1])
        options = {"single": single and layer == len(activations) - 1}
        x = rule(*layer_operands, **options)
        steps.append((rule, layer_operands, x, options))
        for elementwise in following:
            before = x
            x = elementwise(before)
            steps.append((elementwise, (before,), x, NO_OPTIONS))
    found: list[Operand] = []
    for rule, step_operands, z, step_options in reversed(steps):
        g = rule.shared_pullback(g, z, step_operands, step_options)
        found[:0] = [
            rule.pullback(position, g, z, step_operands, step_options)
            for position in range(1, len(step_operands))
        ]
        g = rule.pullback(0, g, z, step_operands, step_options)
    return [g, *found]


NETWORK = _Network("network", forward, ())


# The network, and its parameters at one moment


class Network:
    """Layers that are one row, and the nodes of their parameters.

    Attributes
    ----------
    layers
        As the `MLP` has them.
    parts
        Their weights and biases, nodes.
    activations, single
        Options of the row.
    sample_shape, dtype
        What a sample must be.
    since
        `changes.wiring` then: while it is still that, the layers have the same parts.
    habits
        How its outputs are read: see `waiting`.

    """

    __slots__ = ("activations", "dtype", "habits", "layers", "parts", "sample_shape", "since", "single")

    def __init__(self, layers: list[Layer], values: list[Value]) -> None:
        self.since = changes.wiring
        self.layers = [*layers]
        self.parts = parts_of(layers)
        self.activations = tuple([layer.activation for layer in layers])
        self.single: bool = layers[-1]._options["single"]
        self.sample_shape = values[0].shape[1:]
        self.dtype = values[0].dtype
        self.habits = Habits()


class Habits:
    """Whether outputs of a network are read together.

    Where they are read one by one there is nothing to join: samples that turn out to have waited alone make
    later ones not wait.

    Attributes
    ----------
    alone
        How many batches in a row were of one sample, at most six.
    at_once
        How many of the next calls are computed at once: at most 63, so that one of 64 tries again.

    """

    __slots__ = ("alone", "at_once")

    def __init__(self) -> None:
        self.alone = self.at_once = 0

    def note(self, samples: int) -> None:
        """Learn of a batch."""
        self.alone = min(self.alone + 1, 6) if samples == 1 else 0
        self.at_once = 2**self.alone - 1


class Moment:
    """What a network is computed with: the arrays that its parameters held at one moment.

    Attributes
    ----------
    network
        Whose parameters they are.
    values
        The arrays, which nobody edits.
    since
        `changes.values` then: while it is still that, they are what the parameters hold. None if it does not
        say so, since the user holds the array of a parameter too, and may edit it.
    batch
        Where calls at this moment wait: returns it, or None (see `waiting`).
    may_wait
        Whether they may; None as long as nobody has asked.

    """

    __slots__ = ("batch", "may_wait", "network", "since", "values")

    batch: Callable[[], Any]
    may_wait: bool | None

    def __init__(self, network: Network, known: list[Value]) -> None:
        """Take the values of now; a `_NoRowError` if they have other shapes or precisions than those known."""
        self.network = network
        self.since: object = changes.values
        self.may_wait = None
        self.batch = no_batch
        self.values = values = []
        for part, former in zip(network.parts, known, strict=True):
            value = part._value
            if value is not former and (
                type(value) is not np.ndarray
                or value.shape != former.shape
                or value.dtype is not former.dtype
            ):
                raise _NoRowError
            if part._rule is LENT_LEAF:
                value = value.copy()
                self.since, self.may_wait = None, False
            values.append(value)

    def __reduce__(self) -> Any:
        return type(None), ()  # the copy of an `MLP` makes its own

    def bounds(self, largest: float) -> bool:
        """Return whether nothing overflows on the way from samples of a norm of at most `largest`.

        (Underflow is ignored by numpy unless it is told otherwise.) The norm of a layer's output is at most
        |W| |x| + |b| + the number of its neurons, whatever the activation.
        """
        if self.network.dtype is not FLOAT64:
            return False
        with np.errstate(all="ignore"):
            for weights, biases in zip(self.values[::2], self.values[1::2], strict=True):
                norm = 1 + float(np.vdot(weights, weights)) ** 0.5
                largest = largest * norm + float(np.vdot(biases, biases)) ** 0.5 + len(biases)
        return largest < 1e300

    def call(self, given: Operand, x: Value) -> tuple[Value, Call]:
        """Return the outputs for `x`, the value of `given`, and the call by which to differentiate them."""
        network = self.network
        z, kept = forward(x, self.values, network.activations, network.single)
        options = {
            "activations": network.activations,
            "single": network.single,
            "kept": kept,
            "by_input": isinstance(given, Node),
        }
        return z, ((given, *network.parts), (x, *self.values), options)

    def compute(self, given: Operand, x: Value) -> Node:
        """Return the node of the outputs for `x`, the value of `given`."""
        z, call = self.call(given, x)
        if recording.open_choices and not recording.is_on():
            return Node(z)
        return recorded(z, call)


def recorded(z: Value, call: Call) -> Node:
    """Return the node of a network's outputs."""
    node = Node.__new__(Node)
    node._value = z
    node._rule = NETWORK
    node._left = None
    node._call = call
    node._consumers = 0
    return node


def no_batch() -> None:
    """Stand for `Moment.batch` where no call waits."""


class _NoRowError(Exception):
    """Layers are not one row: they must be computed one by one, and say what is wrong if anything is."""


def moment_of(layers: list[Layer], last: Moment | None) -> Moment | None:
    """Return what a network is computed with now, or None if its layers are not one row.

    `last` is what it was computed with before.
    """
    try:
        if last is not None and last.network.since is changes.wiring and last.network.layers == layers:
            return Moment(last.network, last.values)
        values = _values_of(layers)
        return Moment(Network(layers, values), values)
    except _NoRowError:
        return None


def parts_of(layers: list[Layer]) -> list[Node]:
    """Return the parameters, layer by layer, weights before biases."""
    return [part for layer in layers for part in (layer.weights, layer.biases)]


def _values_of(layers: list[Layer]) -> list[Value]:
    """Return the parameters' values; a `_NoRowError` where the layers are not one row."""
    if not layers or not all(type(layer) is Layer for layer in layers):
        raise _NoRowError
    if any(layer._options["single"] for layer in layers[:-1]):
        raise _NoRowError
    if not all(isinstance(part, Node) for part in parts_of(layers)):
        raise _NoRowError
    values = [part._value for part in parts_of(layers)]
    inputs = None
    for weights, biases in zip(values[::2], values[1::2], strict=True):
        for array, ndim in ((weights, 2), (biases, 1)):
            if type(array) is not np.ndarray or array.ndim != ndim or not array.size:
                raise _NoRowError
        if len(weights) != len(biases) or inputs not in {None, weights.shape[1]}:
            raise _NoRowError
        inputs = len(weights)
    if len({value.dtype for value in values}) > 1 or (layers[-1]._options["single"] and inputs != 1):
        raise _NoRowError
    return values
