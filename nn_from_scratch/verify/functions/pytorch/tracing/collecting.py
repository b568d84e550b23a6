"""What several numbers at one place are made into: sums, products, means, extremes, and bags."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nn_from_scratch.verify.functions.pytorch.tracing.operands import Call, NotTracedError, Rule
from nn_from_scratch.verify.functions.tracing.operations import apply
from nn_from_scratch.verify.functions.tracing.shadows import Numbers, Shadow, exact, of_entries

Groups = list[list[int]]
"""For each place of a result what it is made of: positions in the target, then in the source after it."""


def _groups(name: str, arguments: dict[str, Any]) -> Groups:
    target, index = arguments["self"].numbers, arguments["index"].numbers
    source = arguments["src" if name == "scatter_reduce" else "source"].numbers
    axis = arguments["dim"] % max(target.ndim, 1)
    if name == "scatter_reduce":
        places = np.indices(index.shape)
        positions = np.arange(source.size).reshape(source.shape)[tuple(slice(0, n) for n in index.shape)]
        coordinates = [index if k == axis else places[k] for k in range(index.ndim)]
    else:
        places = np.indices(source.shape)
        positions = np.arange(source.size).reshape(source.shape)
        coordinates = [index[places[k]] if k == axis else places[k] for k in range(source.ndim)]
    targets = np.ravel_multi_index(coordinates, target.shape) if target.ndim else np.zeros_like(index)
    groups: Groups = [[k] for k in range(target.size)]
    met = set()
    for place, position in zip(targets.ravel().tolist(), positions.ravel().tolist(), strict=True):
        if not arguments["include_self"] and place not in met:
            groups[place] = []
        met.add(place)
        groups[place].append(target.size + position)
    return groups


def _reduced(call: Call) -> Shadow:
    source = "src" if call.name.startswith("scatter_reduce") else "source"
    entries = np.concatenate([call.shadow("self").ravel(), call.shadow(source).ravel()])
    numbers = np.concatenate([np.ravel(call.numbers("self")), np.ravel(call.numbers(source))])
    groups = _groups(call.name.rstrip("_"), call.arguments)
    found = (_one(call["reduce"], entries[group], numbers[group]) for group in groups)
    return of_entries(found, call.results[0].shape)


def _one(how: str, entries: Shadow, numbers: Numbers) -> Any:
    if len(entries) == 1:
        return entries[0]
    if how in {"amax", "amin"}:
        return entries[(np.argmax if how == "amax" else np.argmin)(numbers)]
    return apply(how if how in {"prod", "mean"} else "sum", entries)[()]


def tied_at_indices(name: str, arguments: dict[str, Any]) -> bool:
    """Whether the largest, or smallest, number of a place is there twice."""
    source = arguments["src" if name == "scatter_reduce" else "source"].numbers
    numbers = np.concatenate([np.ravel(arguments["self"].numbers), np.ravel(source)])
    extreme = np.max if arguments["reduce"] == "amax" else np.min
    met = (numbers[group] for group in _groups(name, arguments) if len(group) > 1)
    return any(int((x == extreme(x)).sum()) > 1 for x in met)


def _put(call: Call) -> Shadow:
    target = list(call.shadow("self").ravel())
    places = np.ravel(call.numbers("index")).astype(int).tolist()
    for place, term in zip(places, call.shadow("source").ravel(), strict=True):
        target[place] = target[place] + term if call["accumulate"] else term
    return of_entries(target, call.results[0].shape)


def _masked_scatter_backward(call: Call) -> Shadow:
    """Return the cotangents of what was written, in order, and zeros for what was not."""
    gradient = call.shadow("grad_output")
    written = gradient[np.broadcast_to(call.numbers("mask"), gradient.shape)]
    result = exact(np.zeros(call.results[0].shape))
    result.reshape(-1)[: len(written)] = written
    return result


_SUM, _MEAN, _MAX = range(3)
"""How PyTorch names what a bag is made into."""


def _weights(call: Call, count: int) -> Shadow:
    """Return what the rows of bags are multiplied by."""
    if call["per_sample_weights"] is None:
        return exact(np.ones(count))
    return call.shadow("per_sample_weights")


def _bags(call: Call) -> tuple[Shadow, None, None, None]:
    """Return the sum, mean or largest numbers of the rows of each bag."""
    rows, indices = call.shadow("weight"), call.numbers("indices")
    weights = _weights(call, len(indices))
    starts = call.numbers("offsets").tolist()
    ends = [*starts[1:], len(indices)]
    if call["include_last_offset"]:
        starts, ends = starts[:-1], ends[:-1]
    result = exact(np.zeros(call.results[0].shape))
    for bag, (start, end) in enumerate(zip(starts, ends, strict=True)):
        inside = [k for k in range(start, end) if indices[k] != call["padding_idx"]]
        if not inside:
            continue
        if call["mode"] == _MAX:
            found = call.results[3][bag]
            result[bag] = [rows[place, k] for k, place in enumerate(found.tolist())]
            continue
        terms = apply("multiply", rows[indices[inside]], weights[inside][:, None])
        result[bag] = apply("mean" if call["mode"] == _MEAN else "sum", terms, axis=0)
    return result, None, None, None


def _bags_backward(call: Call) -> Shadow:
    """Return to each row its part of the cotangent of each bag it was in."""
    if call["scale_grad_by_freq"]:
        raise NotTracedError("the backward of an embedding bag with scale_grad_by_freq")
    gradient, indices = call.shadow("grad"), call.numbers("indices")
    result = exact(np.zeros(call.results[0].shape))
    if call["mode"] == _MAX:
        sizes = call.numbers("bag_size").tolist()
        for bag, chosen in enumerate(call.numbers("maximum_indices").tolist()):
            for k, place in enumerate(chosen if sizes[bag] else []):
                result[place, k] = result[place, k] + gradient[bag, k]
        return result
    weights = _weights(call, len(indices))
    kept = indices != call["padding_idx"]
    bags = _bag_of_each(call, len(indices), len(gradient))
    sizes = np.bincount(bags[kept], minlength=len(gradient))
    for k, (place, bag) in enumerate(zip(indices.tolist(), bags.tolist(), strict=True)):
        if place == call["padding_idx"]:
            continue
        part = apply("multiply", gradient[bag], np.broadcast_to(weights[k : k + 1], gradient[bag].shape))
        part = apply("divide", part, exact(sizes[bag])) if call["mode"] == _MEAN else part
        result[place] = result[place] + part
    return result


def _bag_of_each(call: Call, count: int, bags: int) -> Numbers:
    """Return in which bag each row is: PyTorch may leave the list empty, and says where the bags begin."""
    if call.numbers("offset2bag").size == count:
        return np.asarray(call.numbers("offset2bag"))
    starts = call.numbers("offsets")[:bags]
    return np.searchsorted(starts, np.arange(count), side="right") - 1


def _bag_weights_backward(call: Call) -> Shadow:
    """Return to each weight the product of its row with the cotangent of its bag."""
    gradient, rows = call.shadow("grad"), call.shadow("weight")
    places: Sequence[int] = call.numbers("indices").tolist()
    bags: Sequence[int] = call.numbers("offset2bag").tolist()
    pairs = zip(places, bags, strict=True)
    padding = call["padding_idx"]
    nothing = exact(0)[()]
    found = (
        nothing if place == padding else apply("sum", apply("multiply", gradient[bag], rows[place]))[()]
        for place, bag in pairs
    )
    return of_entries(found, call.results[0].shape)


COLLECTING: dict[str, Rule] = {
    **dict.fromkeys(("scatter_reduce", "index_reduce"), _reduced),
    "put": _put,
    "masked_scatter_backward": _masked_scatter_backward,
    "_embedding_bag": _bags,
    "_embedding_bag_forward_only": _bags,
    **dict.fromkeys(("_embedding_bag_backward", "_embedding_bag_dense_backward"), _bags_backward),
    "_embedding_bag_per_sample_weights_backward": _bag_weights_backward,
}
"""Rules by the names of PyTorch's operations."""
