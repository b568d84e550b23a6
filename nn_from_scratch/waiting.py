"""Calls of a network on single samples, which wait for one another to be computed as one batch.

``[model(x) for x in samples]`` asks for one output after the other and reads none. Each call gives a node
whose value is pending: it keeps a copy of the sample, and joins the other calls made at the same parameters.
The first time anybody reads one of them, all are computed, and in the reverse pass they are one row of the
graph. None of this can be seen but by `type`, and in the time it takes:

- A call waits only where nothing can warn or raise later: where shape and precision fit, nothing overflows,
  numpy's error state is the usual one, and operations are recorded. Any other call is computed at once.
- It sees the parameters it was made with (`moment.Moment`).
- A batch is held by the nodes that wait in it alone: what nobody holds is never computed.
- A pending node is a `Waiting`; where its value is read, it becomes a `Node` like any other.
- Where outputs are read one by one, calls do not wait (`moment.Habits`).
"""

import weakref
from _thread import RLock  # that of threading, whose import takes a tenth of the engine's
from math import hypot
from typing import Any

import numpy as np

from nn_from_scratch import recording
from nn_from_scratch.error_state import USUAL, silent, state
from nn_from_scratch.moment import FEW, Moment, no_batch
from nn_from_scratch.network import NETWORK, recorded
from nn_from_scratch.node import Call, Node
from nn_from_scratch.rule import NO_OPTIONS, ROW, Rule, Traced, Value

_LARGEST = 1e100
"""The norm of a sample that may wait."""


class Batch:
    """Samples that wait, until one of their outputs is read.

    Attributes
    ----------
    samples
        The bytes of each.
    closed
        Whether they have been, or are being, computed: no other may join.
    values
        The outputs, once they are there; then `rule` is that of their nodes, and `calls` has that of each.

    """

    __slots__ = ("__weakref__", "calls", "closed", "lock", "moment", "rule", "samples", "values")
    calls: list[Call]
    rule: Rule

    def __init__(self, moment: Moment) -> None:
        self.moment = moment
        self.samples: list[bytes] = []
        self.values: Any = None
        self.closed = False
        self.lock = RLock()  # what the garbage collector runs may read a value too

    def compute(self) -> None:
        """Compute the outputs, unless another thread has meanwhile."""
        with self.lock:
            if self.values is not None:
                return
            self.closed = True  # first: a sample that joins afterwards sees it
            samples = self.samples[:]
            values = self._outputs(samples)
            self.samples = []
            self.values = values  # last: who finds it needs nothing else
        self.moment.network.habits.note(len(samples))

    @silent  # nothing overflows
    def _outputs(self, samples: list[bytes]) -> Any:
        """Return the outputs for these samples, and set the rule and the calls."""
        x = np.frombuffer(b"".join(samples)).reshape(-1, *self.moment.network.sample_shape)
        if len(samples) < FEW:
            found = [self.moment.call(row, row) for row in x]
            self.rule, self.calls = NETWORK, [call for _, call in found]
            return [z for z, _ in found]
        z, call = self.moment.call(x, x)
        self.rule = ROW
        self.calls = [((recorded(z, call),), (z,), NO_OPTIONS)] * len(samples)
        return z.tolist() if z.ndim == 1 else z


_set_value = Traced.__dict__["_value"].__set__
_get_value = Traced.__dict__["_value"].__get__


class Waiting(Node):  # type: ignore[misc] # final for all others: nobody meets a value of this class
    """A node whose value is pending: `_right` is its batch, `_dx` its place there."""

    __slots__ = ()

    @property
    def _value(self) -> Value:
        """Compute the value, and make this a node like any other."""
        batch = self._right
        if batch is None:  # another thread was here meanwhile
            return _get_value(self)
        if batch.values is None:
            batch.compute()
        place = self._dx
        value = batch.values[place]
        self._rule = batch.rule
        self._call = batch.calls[place]
        _set_value(self, value)
        self._right = None  # after all else: see above
        self.__class__ = Node  # type: ignore[assignment]
        return value

    def __repr__(self) -> str:
        _ = self._value
        return repr(self)  # of a Node, now

    def __reduce_ex__(self, protocol: Any) -> Any:
        _ = self._value
        return self.__reduce_ex__(protocol)


Waiting.__name__ = Waiting.__qualname__ = "Node"


def pending(x: np.ndarray[Any, Any], moment: Moment) -> Node | None:
    """Return a pending node of the output for a sample; None where it must be computed at once.

    The sample has the right shape and precision.
    """
    network = moment.network
    batch = moment.batch()
    if batch is None:  # or others wait there already, and so may this one
        habits = network.habits
        if habits.at_once:
            habits.at_once -= 1
            return None
        if moment.may_wait is None:
            moment.may_wait = moment.bounds(_LARGEST)
        if not moment.may_wait:
            return None
    if (
        state() is not USUAL
        or recording.open_choices
        or not (hypot(*x.tolist()) if network.is_short else np.vdot(x, x) ** 0.5) <= _LARGEST  # NaN is not
    ):
        return None
    if batch is None:
        batch = Batch(moment)
        moment.batch = weakref.ref(batch)
    samples = batch.samples
    place = len(samples)
    sample = x.tobytes()
    samples.append(sample)
    came_between = samples[place] is not sample  # another thread
    if batch.closed or came_between or place >= network.most:
        moment.batch = no_batch
        return pending(x, moment)
    node = _new(Waiting)
    node._rule = ROW
    node._left = None
    node._right = batch
    node._dx = place
    node._consumers = 0
    return node


_new = Node.__new__
