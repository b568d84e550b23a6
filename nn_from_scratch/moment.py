"""What a network is computed with at one moment.

Values of nodes are never edited in place (a leaf lends its user another array than graphs hold), so to keep
the arrays of a moment is all that it takes for a call to see the parameters it was made with.
"""

from collections.abc import Callable
from math import sqrt
from typing import Any

import numpy as np

from nn_from_scratch import changes, error_state, recording
from nn_from_scratch.layer import Layer
from nn_from_scratch.network import forward, recorded
from nn_from_scratch.node import Call, Node
from nn_from_scratch.rule import LENT_LEAF, Operand, Value
from nn_from_scratch.values import FLOAT64


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
    shaped_parts
        Each with the shape of its value.
    dtype
        Of the parameters.
    sample_shape
        That of a sample, which must have the same precision.
    since
        `changes.wiring` then: while it is still that, the layers have the same parts.
    is_short
        Whether the norm of a sample takes Python less time than numpy.
    most
        How many samples may wait together: a node that is kept keeps all of its batch.
    habits
        How its outputs are read: see `waiting`.

    """

    __slots__ = (
        "activations",
        "dtype",
        "habits",
        "is_short",
        "layers",
        "most",
        "parts",
        "sample_shape",
        "shaped_parts",
        "since",
        "single",
    )

    def __init__(self, layers: list[Layer], values: list[Value]) -> None:
        self.since = changes.wiring
        self.layers = [*layers]
        self.parts = parts_of(layers)
        self.activations = tuple([layer.activation for layer in layers])
        self.single: bool = layers[-1]._options["single"]
        self.shaped_parts = [(part, value.shape) for part, value in zip(self.parts, values, strict=True)]
        self.sample_shape = values[0].shape[1:]
        self.dtype = values[0].dtype
        (inputs,) = self.sample_shape
        self.is_short = inputs < 32
        self.most = max(1, min(256, 2**16 // inputs))
        self.habits = Habits()

    def __reduce__(self) -> Any:
        return type(None), ()  # the copy of an `MLP` makes its own


FEW = 4
"""Fewer samples than this take no less time together: each is computed by itself."""


class Habits:
    """Whether outputs of a network are read together.

    Where they are read one by one there is nothing to join: samples that turn out to have waited alone, or
    with too few, make later ones not wait.

    Attributes
    ----------
    alone
        How many batches in a row were of few samples, at most six.
    at_once
        How many of the next calls are computed at once: at most 63, so that one of 64 tries again.

    """

    __slots__ = ("alone", "at_once")

    def __init__(self) -> None:
        self.alone = self.at_once = 0

    def note(self, samples: int) -> None:
        """Learn of a batch."""
        self.alone = min(self.alone + 1, 6) if samples < FEW else 0
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

    def __init__(self, network: Network) -> None:
        """Take the values of now; a `_NoRowError` if their shapes or precision are not the network's."""
        self.network = network
        self.since: object = changes.values
        self.may_wait = None
        self.batch = no_batch
        values: list[Value] = []
        self.values = values
        dtype = network.dtype
        for part, shape in network.shaped_parts:
            value = part._value
            if type(value) is not np.ndarray or value.shape != shape or value.dtype is not dtype:
                raise _NoRowError
            if part._rule is LENT_LEAF:
                value = value.copy()
                self.since, self.may_wait = None, False
            values.append(value)

    def __reduce__(self) -> Any:
        return type(None), ()  # the copy of an `MLP` makes its own

    @error_state.silent
    def bounds(self, largest: float) -> bool:
        """Return whether nothing overflows on the way from samples of a norm of at most `largest`.

        (Underflow is ignored by numpy unless it is told otherwise.) The norm of a layer's output is at most
        |W| |x| + |b| + the number of its neurons, whatever the activation.
        """
        if self.network.dtype is not FLOAT64:
            return False
        for weights, biases in zip(self.values[::2], self.values[1::2], strict=True):
            elements = weights.ravel()
            norm = sqrt(elements.dot(elements))
            largest = largest * (1 + norm) + sqrt(biases.dot(biases)) + len(biases)
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


def no_batch() -> None:
    """Stand for `Moment.batch` where no call waits."""


class _NoRowError(Exception):
    """Layers are not one row: they must be computed one by one, and say what is wrong if anything is."""


def moment_of(layers: list[Layer], network: Network | None) -> Moment | None:
    """Return what a network is computed with now, or None if its layers are not one row.

    `network` is what the layers were before.
    """
    try:
        if network is None or network.since is not changes.wiring or network.layers != layers:
            network = Network(layers, _values_of(layers))
        return Moment(network)
    except _NoRowError:
        return None


def parts_of(layers: list[Layer]) -> list[Node]:
    """Return the parameters, layer by layer, weights before biases."""
    parts: list[Node] = []
    for layer in layers:
        parts += layer.weights, layer.biases
    return parts


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
