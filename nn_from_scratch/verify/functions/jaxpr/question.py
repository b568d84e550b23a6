"""What is asked: a function of lists of arrays, made of any function of trees of anything."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from nn_from_scratch.verify.functions.jaxpr.plain import without_rules
from nn_from_scratch.verify.judging.checking import UndecidedError

Arrays = list[Any]

UNTRACEABLE = (
    jax.errors.ConcretizationTypeError,
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerIntegerConversionError,
)
"""What JAX raises where a function asks for the numbers of what is traced, as Python's `if` does."""


@dataclass(frozen=True)
class Question:
    """A function of floating-point arrays that returns a list of such arrays, and the point.

    `names` says what to call the inputs. The derivative of `plainly` is the truth, if there is one: of a
    function that is itself a derivative it computes the same by no custom rule, and of one that is `meant` to
    have another derivative than its own it is what has that.
    """

    function: Callable[..., Arrays]
    point: Arrays
    names: list[str]
    plainly: Callable[..., Arrays] | None = None
    meant: bool = False

    @property
    def primal(self) -> Callable[..., Arrays]:
        """What the truth is the derivative of."""
        return self.function if self.plainly is None else self.plainly

    def without_rules(self) -> Question:
        """Return the same question about JAX's own derivative."""
        return replace(self, function=without_rules(self.primal), plainly=None, meant=False)

    @classmethod
    def of(
        cls,
        function: Callable[..., Any],
        arguments: Sequence[Any],
        expected: Callable[..., Any] | None = None,
    ) -> Question:
        """Make a question of a function of trees.

        Floating-point numbers and arrays are differentiated; integers, None and anything else are passed
        through, and outputs of other types are left out. The derivative is to be that of `expected`.

        Raises
        ------
        ValueError
            If no argument is of floating point.
        UndecidedError
            If one is complex.

        """
        paths, tree = jax.tree_util.tree_flatten_with_path(tuple(arguments))
        leaves = [leaf for _, leaf in paths]
        chosen = [k for k, leaf in enumerate(leaves) if _kind(leaf) == "f"]
        for path, leaf in paths:
            if _kind(leaf) == "c":
                _refuse_complex(_name(path))
        if not chosen:
            raise ValueError("at least one argument must be of floating point, and none is")

        def flat(asked: Callable[..., Any], *arrays: Any) -> Arrays:
            given = list(leaves)
            for k, x in zip(chosen, arrays, strict=True):
                given[k] = x
            return _floating_outputs(asked(*jax.tree_util.tree_unflatten(tree, given)))

        point, names = [jnp.asarray(leaves[k]) for k in chosen], [_name(paths[k][0]) for k in chosen]
        meant = None if expected is None else partial(flat, expected)
        return cls(partial(flat, function), point, names, meant, expected is not None)

    def structures(self, *, wide: bool) -> list[Any]:
        """Return the shapes and dtypes of the inputs, in float64 if `wide`.

        What came of a number of Python's, and takes the dtype of what it meets, is an array of float64 then:
        else what meets it would be computed in float32.
        """
        if wide:
            return [jax.ShapeDtypeStruct(x.shape, jnp.float64) for x in self.point]
        return [jax.ShapeDtypeStruct(x.shape, x.dtype, weak_type=x.aval.weak_type) for x in self.point]

    def outputs(self, *, wide: bool) -> list[Any]:
        """Return the shapes and dtypes of the outputs, without computing them if that can be."""
        with precision(wide=wide):
            try:
                return list(jax.eval_shape(self.function, *self.structures(wide=wide)))
            except UNTRACEABLE:
                return self.function(*(jnp.asarray(x, jnp.float64 if wide else x.dtype) for x in self.point))

    @property
    def narrowest(self) -> str:
        """The dtype of the point that has the fewest digits."""
        return max((str(x.dtype) for x in self.point), key=lambda dtype: float(jnp.finfo(dtype).eps))

    def numbers(self) -> list[np.ndarray[Any, np.dtype[np.float64]]]:
        """Return the numbers of the inputs, in float64."""
        return [numbers(x) for x in self.point]


def reverse(question: Question) -> Callable[..., Arrays]:
    """Return the function of inputs and cotangents that gives outputs and gradients."""

    def pulled(*given: Any) -> Arrays:
        inputs, cotangents = given[: len(question.point)], given[len(question.point) :]
        outputs, pull = jax.vjp(question.function, *inputs)
        return [*outputs, *pull(list(cotangents))]

    return pulled


def forward(question: Question) -> Callable[..., Arrays]:
    """Return the function of inputs and directions that gives outputs and their tangents."""

    def pushed(*given: Any) -> Arrays:
        inputs, directions = given[: len(question.point)], given[len(question.point) :]
        outputs, tangents = jax.jvp(question.function, inputs, directions)
        return [*outputs, *tangents]

    return pushed


def linearized(question: Question) -> Callable[..., Arrays]:
    """Return what `forward` does, by `jax.linearize`."""

    def pushed(*given: Any) -> Arrays:
        inputs, directions = given[: len(question.point)], given[len(question.point) :]
        outputs, push = jax.linearize(question.function, *inputs)
        return [*outputs, *push(*directions)]

    return pushed


MODES: dict[str, Callable[[Question], Callable[..., Arrays]]] = {
    "fwd": forward,
    "rev": reverse,
    "lin": linearized,
}
"""JAX's names of the ways to differentiate."""


@contextlib.contextmanager
def precision(*, wide: bool) -> Any:
    """Let JAX have float64 inside of the block, whatever the caller's setting, if `wide`."""
    with jax.enable_x64(True) if wide else contextlib.nullcontext():
        yield


def numbers(x: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the numbers of an array, in float64."""
    return np.array(x, dtype=np.float64)


def drawn(structures: Sequence[Any], seed: int) -> list[np.ndarray[Any, np.dtype[np.float64]]]:
    """Draw cotangents or directions: multiples of a 16th from -4 to 4, none of them 0."""
    draw = np.random.default_rng(seed)
    return [
        draw.choice([-1.0, 1.0], size=x.shape) * (2 * draw.integers(0, 32, size=x.shape) + 1) / 16
        for x in structures
    ]


def _kind(leaf: Any) -> str:
    """Return the letter of a leaf's kind: f for floating-point numbers, c for complex ones, or another."""
    if isinstance(leaf, (bool, str, bytes)) or not (
        hasattr(leaf, "dtype") or isinstance(leaf, (int, float, complex))
    ):
        return "O"
    dtype = jnp.result_type(leaf)
    if jnp.issubdtype(dtype, jnp.floating):
        return "f"
    return "c" if jnp.issubdtype(dtype, jnp.complexfloating) else "i"


def _floating_outputs(found: Any) -> Arrays:
    outputs = []
    for path, leaf in jax.tree_util.tree_flatten_with_path(found)[0]:
        if _kind(leaf) == "c":
            _refuse_complex(f"output {jax.tree_util.keystr(path)}".strip())
        if _kind(leaf) == "f":
            outputs.append(jnp.asarray(leaf))
    if not outputs:
        raise ValueError("the function must return a floating-point array, and returns none")
    return outputs


def _name(path: Any) -> str:
    return f"argument {path[0].idx}{jax.tree_util.keystr(path[1:])}"


def _refuse_complex(name: str) -> None:
    raise UndecidedError(
        f"{name} is complex: complex derivatives are not checked here; "
        "check a function of the real and imaginary parts (jax.lax.complex, jnp.real, jnp.imag)"
    )
