"""The same function at drawn inputs: a backward may take a size for a constant, or a weight of ones for 1."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from nn_from_scratch.verify.functions.jaxpr.comparing import derivatives
from nn_from_scratch.verify.functions.jaxpr.formulas import Trace, trace
from nn_from_scratch.verify.functions.jaxpr.interpreter import NotTracedError
from nn_from_scratch.verify.functions.jaxpr.measured import measured_row
from nn_from_scratch.verify.functions.jaxpr.question import MODES, Question, drawn
from nn_from_scratch.verify.functions.rows import Row, first_line
from nn_from_scratch.verify.functions.tracing.arrays.other_numbers import (
    Drawn,
    hidden_from_values,
    other_numbers,
)
from nn_from_scratch.verify.functions.tracing.arrays.shapes import (
    other_inputs,
    same_shapes,
    three_for_one,
)
from nn_from_scratch.verify.functions.tracing.rules import AT_SUCH_INPUTS, Rule, Rules
from nn_from_scratch.verify.judging.verdicts import Verdict

PLAIN_TO_SEE = 1e-2
"""A relative difference that neither rounding nor an approximation has."""


INDEXING = ("gather", "scatter", "dynamic_slice", "dynamic_update_slice")
"""What the names of primitives begin with that take indices."""


def other_arguments(arguments: Sequence[Any], seed: int) -> Iterator[tuple[Any, ...]]:
    """Draw arguments of other shapes, as `other_inputs` does."""
    leaves, tree = jax.tree_util.tree_flatten(tuple(arguments))
    arrays = [_as_numpy(leaf) for leaf in leaves]
    if any(isinstance(x, np.ndarray) and not x.size for x in arrays):
        return  # there is nothing to draw others like
    for found in other_inputs(arrays, seed):
        again = [_like(x, leaf) for x, leaf in zip(found, leaves, strict=True)]
        yield jax.tree_util.tree_unflatten(tree, again)


def _as_numpy(leaf: Any) -> Any:
    """Return an array as one of numpy, narrow floats in float32, which numpy draws; the rest as it is."""
    if not hasattr(leaf, "dtype") or jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.extended):
        return leaf
    return np.asarray(leaf, np.float32 if _is_narrow(leaf.dtype) else None)


def _is_narrow(dtype: Any) -> bool:
    return bool(jnp.issubdtype(dtype, jnp.floating)) and jnp.finfo(dtype).bits < 32


def _like(x: Any, leaf: Any) -> Any:
    return jnp.asarray(x, leaf.dtype) if hasattr(leaf, "dtype") and _is_narrow(leaf.dtype) else x


def shapes_row(
    name: str, ask: Callable[[Sequence[Any]], Question], arguments: Sequence[Any], mode: str, seed: int
) -> Row | None:
    """Compare the formulas at other shapes; None where there are none.

    Parameters
    ----------
    name
        Of the way to differentiate.
    ask
        Makes the question of arguments.
    arguments
        Of which shapes unlike are drawn.
    mode, seed
        How to differentiate, and what is drawn.

    """
    equal, refused = [], ""
    for given in other_arguments(arguments, seed):
        try:
            question = ask(given)
            digits = _compared(question, mode, seed)
        except NotTracedError as error:
            refused = str(error)
        except Exception as error:  # noqa: BLE001  whatever a function does not like about a shape
            refused = first_line(error)
        else:
            shapes = ", ".join(str(x.shape) for x in question.point)
            general = digits is None and _is_general(ask, arguments, mode, seed)
            if general and _takes_more(ask, arguments, given, mode, seed):
                said = f"at drawn inputs of shape {shapes} its formula is another: is a size a constant?"
                return Row(name, Verdict.WRONG, said)
            if digits:
                equal.append(f"{shapes} to {digits:.0f} digits")
    if equal:
        return Row(name, Verdict.RIGHT, f"formula equal at inputs of shape {'; '.join(equal)}")
    return Row(name, None, f"it takes no other shapes: {refused}"[:200]) if refused else None


def numbers_row(
    name: str, ask: Callable[[Sequence[Any]], Question], arguments: Sequence[Any], mode: str, seed: int
) -> Row | None:
    """Compare the formulas with other numbers in what may hide something; None unless they differ."""
    leaves, asked = _with_drawn(ask, arguments)

    def is_right(drawn: Drawn) -> bool:
        try:
            return _rules(asked(drawn), mode, seed)[1].rule in AT_SUCH_INPUTS
        except Exception:  # noqa: BLE001  whatever a function does not like about other numbers
            return False

    for other in other_numbers(leaves, seed):
        try:
            if _compared(asked(other.drawn), mode, seed, least=0.0) is not None:
                continue
            plain = _compared(asked(other.drawn), mode, seed) is None
        except Exception:  # noqa: BLE001, S112  as above
            continue
        blamed = other.blames(is_right, plain=plain)
        if blamed is not None:
            said = f"right where an argument {other.hides}, but with drawn ones its formula is another"
            return Row(name, Verdict.WRONG if blamed else Verdict.UNDECIDED, said)
    return None


def values_row(
    name: str, ask: Callable[[Sequence[Any]], Question], arguments: Sequence[Any], mode: str, seed: int
) -> Row | None:
    """Compare the values of a function that is not traced with other numbers, likewise."""
    leaves, asked = _with_drawn(ask, arguments)

    def verdict_at(others: Drawn) -> Verdict | None:
        try:
            question = asked(others)
            outputs = drawn(question.outputs(wide=False), 2 * seed)
            return measured_row(name, question, mode, outputs, seed).verdict
        except Exception:  # noqa: BLE001  whatever a function does not like about other numbers
            return None

    said = hidden_from_values(leaves, seed, verdict_at)
    return None if said is None else Row(name, Verdict.UNDECIDED, said)


def _with_drawn(
    ask: Callable[[Sequence[Any]], Question], arguments: Sequence[Any]
) -> tuple[list[Any], Callable[[Drawn], Question]]:
    """Return the arrays of arguments as numpy has them, and what asks with others in some places."""
    leaves, tree = jax.tree_util.tree_flatten(tuple(arguments))

    def asked(others: Drawn) -> Question:
        pairs = zip(leaves, others, strict=True)
        return ask(jax.tree_util.tree_unflatten(tree, [x if y is None else _like(y, x) for x, y in pairs]))

    return list(map(_as_numpy, leaves)), asked


def _is_general(
    ask: Callable[[Sequence[Any]], Question], arguments: Sequence[Any], mode: str, seed: int
) -> bool:
    """Whether the formula holds at any numbers of the shapes that were given.

    One that holds for symmetric matrices alone, or for numbers that sum to 1, says nothing about shapes.
    """
    leaves, tree = jax.tree_util.tree_flatten(tuple(arguments))
    for found in same_shapes([_as_numpy(leaf) for leaf in leaves], seed):
        again = [_like(x, leaf) for x, leaf in zip(found, leaves, strict=True)]
        if not _compared(ask(jax.tree_util.tree_unflatten(tree, again)), mode, seed):
            return False
    return True


def _takes_more(
    ask: Callable[[Sequence[Any]], Question],
    arguments: Sequence[Any],
    given: Sequence[Any],
    mode: str,
    seed: int,
) -> bool:
    """Whether it takes three entries where one was drawn: what is of a fixed size broadcasts against one."""
    leaves, tree = jax.tree_util.tree_flatten(tuple(arguments))
    drawn_leaves = [_as_numpy(leaf) for leaf in jax.tree_util.tree_leaves(tuple(given))]
    more = three_for_one([_as_numpy(leaf) for leaf in leaves], drawn_leaves)
    again = [_like(x, leaf) for x, leaf in zip(more, leaves, strict=True)]
    try:
        _compared(ask(jax.tree_util.tree_unflatten(tree, again)), mode, seed)
    except Exception:  # noqa: BLE001  whatever a function does not like about a shape
        return False
    return True


def _compared(question: Question, mode: str, seed: int, *, least: float = PLAIN_TO_SEE) -> float | None:
    """Return to how many digits the formulas are equal, 0 if that is not known, and None if they differ.

    What they differ by is larger than `least` then, relatively.
    """
    traced, rules, seeds = _rules(question, mode, seed)
    if rules.rule is Rule.EQUAL:
        return rules.comparison.digits
    size = rules.comparison.relative
    told = rules.rule is Rule.DIFFERENT and size > least
    if size <= PLAIN_TO_SEE and traced.approximates is not None:
        told = False
    if any(name.startswith(INDEXING) for name in traced.primitives):
        told = False  # indices may be out of bounds here, which JAX answers in several ways
    if "while" in traced.primitives:
        told = False  # it may be stopped farther from what it computes
    if not told or traced.kinks or traced.undefined:
        return 0.0
    return None if traced.replay(seeds).difference() is None else 0.0


def _rules(question: Question, mode: str, seed: int) -> tuple[Trace, Rules, Sequence[Any]]:
    """Compare the formulas: the trace, how they compare, and what the derivative was asked with."""
    outputs, inputs = drawn(question.outputs(wide=False), seed), drawn(question.point, seed + 1)
    traced = trace(question, MODES[mode](question), wide=False, by_outputs=mode == "rev")
    rules = derivatives(traced, mode, outputs, inputs).compare(question.narrowest)
    return traced, rules, outputs if mode == "rev" else inputs
