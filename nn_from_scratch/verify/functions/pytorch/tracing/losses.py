"""Losses of labels whose kernels have no decomposition: margins, and paths of labels (CTC)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb

from nn_from_scratch.verify.functions.pytorch.tracing.operands import Call, Rule
from nn_from_scratch.verify.functions.tracing.elementwise import ENTRIES, divide
from nn_from_scratch.verify.functions.tracing.operations import apply
from nn_from_scratch.verify.functions.tracing.shadows import Numbers, Shadow, as_shadow, exact, value

_MEAN = 1


def _rows(call: Call, name: str) -> Any:
    """Return an operand as a row for each sample."""
    return np.atleast_2d(call.shadow(name))


def _of_each(call: Call, samples: int, classes: int) -> Shadow:
    """Return the cotangent of each sample's loss, divided as the loss is."""
    gradient = np.broadcast_to(call.shadow("grad_output").ravel(), (samples,))
    count = classes * (samples if call["reduction"] == _MEAN else 1)
    return apply("divide", gradient, exact(float(count)))


def _margin_backward(call: Call) -> Shadow:
    """Give each class above the margin its part, and take all of them from the label."""
    x, labels = _rows(call, "self"), np.atleast_1d(call.numbers("target")).astype(int)
    numbers = np.atleast_2d(call.numbers("self"))
    margin, power = call.shadow("margin")[()], int(call["p"])
    parts = _of_each(call, *x.shape)
    found = exact(np.zeros(x.shape))
    for n, label in enumerate(labels.tolist()):
        part = parts[n]
        if call["weight"] is not None:
            part = part * call.shadow("weight")[label]
        for k in range(x.shape[1]):
            gap = margin - x[n, label] + x[n, k]
            if k == label or float(call["margin"]) - numbers[n, label] + numbers[n, k] <= 0:
                continue
            step = part if power == 1 else 2 * part * gap
            found[n, k] = found[n, k] + step
            found[n, label] = found[n, label] - step
    return found.reshape(call.results[0].shape)


def _pairs_of_labels(call: Call) -> Iterator[tuple[int, int, int]]:
    """Yield of each sample each label and each other class within the margin of it."""
    numbers, targets = np.atleast_2d(call.numbers("self")), np.atleast_2d(call.numbers("target")).astype(int)
    for n, row in enumerate(targets.tolist()):
        labels = row[: row.index(-1)] if -1 in row else row
        for label in labels:
            for k in range(numbers.shape[1]):
                if k not in labels and 1 - numbers[n, label] + numbers[n, k] > 0:
                    yield n, label, k


def _labels_forward(call: Call) -> tuple[Shadow, Shadow]:
    x = _rows(call, "self")
    found = exact(np.zeros(len(x)))
    for n, label, k in _pairs_of_labels(call):
        found[n] = found[n] + (1 - x[n, label] + x[n, k])
    found = apply("divide", found, exact(float(x.shape[1])))
    if call["reduction"]:
        found = apply("mean" if call["reduction"] == _MEAN else "sum", found)
    return as_shadow(found).reshape(call.results[0].shape), exact(call.results[1])


def _labels_backward(call: Call) -> Shadow:
    x = _rows(call, "self")
    parts = _of_each(call, *x.shape)
    found = exact(np.zeros(x.shape))
    for n, label, k in _pairs_of_labels(call):
        found[n, k] = found[n, k] + parts[n]
        found[n, label] = found[n, label] - parts[n]
    return found.reshape(call.results[0].shape)


@dataclass(frozen=True, slots=True)
class _Alignment:
    """One sample: the probabilities of its states at each time, and what all paths to and from them have."""

    states: list[int]
    """The label of each state: a blank before, between and after those of the target."""
    before: Shadow
    """Of each time and state, the probability of all that leads there."""
    after: Shadow
    """Of each time and state, that of all that follows, the state itself left out."""

    @property
    def total(self) -> Any:
        """The probability of the target; at each time it is that of all states together."""
        return np.sum(self.before[-1] * self.after[-1])


def _alignments(call: Call) -> Iterator[_Alignment]:
    probabilities = apply("exp", call.shadow("log_probs"))
    targets, lengths = call.numbers("targets").astype(int), _lengths(call, "target_lengths")
    starts = np.cumsum([0, *lengths])
    for n, (time, length) in enumerate(zip(_lengths(call, "input_lengths"), lengths, strict=True)):
        labels = targets[starts[n] : starts[n] + length] if targets.ndim == 1 else targets[n, :length]
        states = [int(call["blank"] or 0)] * (2 * length + 1)
        states[1::2] = labels.tolist()
        own = probabilities[:time, n][:, states]
        yield _Alignment(
            states, _walked(own, states), _walked(own[::-1, ::-1], states[::-1], itself=False)[::-1, ::-1]
        )


def _lengths(call: Call, name: str) -> list[int]:
    return [int(x) for x in np.atleast_1d(call.numbers(name))]


def _walked(own: Shadow, states: list[int], *, itself: bool = True) -> Shadow:
    """Return the probability of all ways to each state at each time, with or without the state itself."""
    times, count = own.shape
    ways, found = exact(np.zeros(own.shape)), exact(np.zeros(own.shape))
    for t in range(times):
        for s in range(count):
            if t == 0:
                ways[t, s] = arb(1 if s < 2 else 0)
            else:
                ways[t, s] = found[t - 1, s] + (found[t - 1, s - 1] if s else 0)
                # A label follows another one without a blank between, but not itself.
                if s > 1 and states[s] != states[s - 2]:
                    ways[t, s] = ways[t, s] + found[t - 1, s - 2]
            found[t, s] = ways[t, s] * own[t, s]
    return found if itself else ways


def _logarithm(x: Any) -> Any:
    return arb("-inf") if value(x) == 0 else ENTRIES["log"](x)


def _ctc(call: Call) -> tuple[Shadow, Shadow]:
    losses, paths = exact(call.results[0]), exact(call.results[1])
    for n, alignment in enumerate(_alignments(call)):
        losses[n] = arb("inf") if value(alignment.total) == 0 else -ENTRIES["log"](alignment.total)
        if call["zero_infinity"] and value(alignment.total) == 0:
            losses[n] = arb(0)
        times, states = alignment.before.shape
        paths[n, :times, :states] = np.frompyfunc(_logarithm, 1, 1)(alignment.before)
    return losses, paths


def _ctc_backward(call: Call) -> Shadow:
    """Return each probability less the share of the paths through it, as softmax's backward leaves it."""
    logarithms, gradient = call.shadow("log_probs"), call.shadow("grad").ravel()
    found = exact(np.zeros(logarithms.shape))
    for n, alignment in enumerate(_alignments(call)):
        if value(alignment.total) == 0:
            found[:, n] = arb(0) if call["zero_infinity"] else arb.nan()
            continue
        times = len(alignment.before)
        shares = exact(np.zeros((times, logarithms.shape[2])))
        through = alignment.before * alignment.after
        for s, label in enumerate(alignment.states):
            shares[:, label] = shares[:, label] + through[:, s]
        for t, k in np.ndindex(*shares.shape):
            share = divide(shares[t, k], alignment.total)
            found[t, n, k] = gradient[n] * (ENTRIES["exp"](logarithms[t, n, k]) - share)
    return found


def size_of_paths(_: str, call: Call, __: int, ___: Shadow) -> Any:
    """Return by what a rounding of these sums of paths is multiplied."""
    logarithms: Numbers = call.numbers("log_probs")
    finite = np.abs(logarithms[np.isfinite(logarithms)]).max(initial=1.0)
    gradient = 1.0 if call["grad"] is None else float(np.abs(call.numbers("grad")).max(initial=0.0))
    return gradient * finite * sum(logarithms.shape) * len(logarithms)


PATHS: dict[str, Rule] = {"_ctc_loss": _ctc, "_ctc_loss_backward": _ctc_backward}
LOSSES: dict[str, Rule] = {
    **PATHS,
    "multi_margin_loss_backward": _margin_backward,
    "multilabel_margin_loss_forward": _labels_forward,
    "multilabel_margin_loss_backward": _labels_backward,
}
"""Rules by the names of PyTorch's operations."""
