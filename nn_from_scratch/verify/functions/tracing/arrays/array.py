"""The traced array: numbers, with a shadow beside them, which passes for a numpy array."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from flint import arb

from nn_from_scratch.verify.functions.tracing.arrays.masks import Mask
from nn_from_scratch.verify.functions.tracing.arrays.trace import Trace, blank
from nn_from_scratch.verify.functions.tracing.shadows import Numbers, Shadow, as_shadow, exact, of_entries

_METHODS = frozenset({
    "all", "any", "argmax", "argmin", "argsort", "clip", "cumprod", "cumsum", "diagonal", "dot",
    "max", "mean", "min", "nonzero", "prod", "ptp", "ravel", "repeat", "searchsorted", "squeeze", "std",
    "sum", "swapaxes", "take", "trace", "var",
})  # fmt: skip
"""Methods of an array that are the function of the same name."""


NONE: Mapping[str, Callable[..., Any]] = {}
"""No other formulas."""


class TracedArray(np.lib.mixins.NDArrayOperatorsMixin):
    """An array of a trace.

    `numbers` and `shadow` have the same shape and the same order in memory, so that a view of one is a view
    of the other.
    """

    __array_priority__ = 1000

    def __init__(self, numbers: Any, shadow: Shadow, trace: Trace) -> None:
        self.numbers = np.asarray(numbers)
        self.shadow = _in_the_same_order(self.numbers, shadow)
        self.traced_by = trace

    @property
    def __class__(self) -> type:
        """Pass ``isinstance(x, np.ndarray)``, which users ask."""
        return np.ndarray

    @__class__.setter
    def __class__(self, _: type) -> None:
        raise TypeError("a traced array keeps its class")

    shape = property(lambda self: self.numbers.shape)
    dtype = property(lambda self: self.numbers.dtype)
    ndim = property(lambda self: self.numbers.ndim)
    size = property(lambda self: self.numbers.size)
    itemsize = property(lambda self: self.numbers.itemsize)
    nbytes = property(lambda self: self.numbers.nbytes)
    strides = property(lambda self: self.numbers.strides)
    flags = property(lambda self: self.numbers.flags)

    @property
    def T(self) -> TracedArray:  # noqa: N802
        """The transpose, a view."""
        return TracedArray(self.numbers.T, self.shadow.T, self.traced_by)

    @property
    def mT(self) -> TracedArray:  # noqa: N802
        """The transpose of each matrix, a view."""
        return TracedArray(self.numbers.mT, self.shadow.mT, self.traced_by)

    @property
    def real(self) -> TracedArray:
        """The array itself."""
        return self

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *operands: Any, **keywords: Any) -> Any:
        """Answer numpy's elementwise functions."""
        from nn_from_scratch.verify.functions.tracing.arrays.ufuncs import call  # noqa: PLC0415

        return call(self.traced_by, ufunc, method, operands, keywords)

    def __array_function__(self, function: Callable[..., Any], _: Any, operands: Any, keywords: Any) -> Any:
        """Answer numpy's other functions."""
        from nn_from_scratch.verify.functions.tracing.arrays.functions import call  # noqa: PLC0415

        return call(self.traced_by, function, operands, keywords)

    def __array__(self, *_: Any, **__: Any) -> Numbers:
        raise self.traced_by.end("values leave the trace into an array or into compiled code")

    @property
    def __array_interface__(self) -> Any:
        """Refuse to give the memory away."""
        raise AttributeError("__array_interface__")

    def __float__(self) -> float:
        raise self.traced_by.end("a value leaves the trace by float(), or into math")

    def __complex__(self) -> complex:
        raise self.traced_by.end("a value leaves the trace by complex()")

    def __int__(self) -> int:
        self.traced_by.note_step()
        return int(self.numbers)

    def __round__(self, digits: int | None = None) -> Any:
        rounded: Any = np.round(self, digits or 0)
        return int(rounded.numbers) if digits is None else rounded

    def __bool__(self) -> bool:
        self.traced_by.note_decision()
        return bool(self.numbers)

    def __len__(self) -> int:
        return len(self.numbers)

    def __iter__(self) -> Iterator[TracedArray]:
        return (self[k] for k in range(len(self.numbers)))

    def __repr__(self) -> str:
        return f"traced {self.numbers!r}"

    def __format__(self, spec: str) -> str:
        return format(self.numbers if self.ndim else self.numbers[()], spec)

    def __getitem__(self, key: Any) -> TracedArray:
        chosen = key if type(key) in {int, slice} else plain(key)
        for part in _masks_in(chosen):
            part.decides()
        found = self.shadow[chosen]
        shadow = found if isinstance(found, np.ndarray) else of_entries([found], ())
        self.traced_by.count(shadow.size)
        return TracedArray(self.numbers[chosen], shadow, self.traced_by)

    def __setitem__(self, key: Any, new: Any) -> None:
        chosen = plain(key)
        shadow = shadow_of(self.traced_by, new)
        for mask in _masks_in(chosen):
            self._note_masked(mask, self.numbers[chosen], new)
        self.numbers[chosen] = plain(new)
        self.traced_by.count(shadow.size)
        if shadow.ndim == 0:
            target = self.shadow[chosen]
            if isinstance(target, np.ndarray):
                shadow = np.broadcast_to(shadow, target.shape)
            else:
                self.shadow[chosen] = shadow[()]
                return
        self.shadow[chosen] = shadow

    def _note_masked(self, mask: Mask, before: Numbers, new: Any) -> None:
        """Note what a mask writes: over numbers that mean something it is a selection, else it decides."""
        if is_traced(new) and not (np.isfinite(before).all() and np.any(before)):
            mask.decides()
        else:
            self.traced_by.note_switch(before, plain(new))

    def __copy__(self) -> TracedArray:
        return self.copy()

    def __deepcopy__(self, _: Any) -> TracedArray:
        return self.copy()

    def copy(self, order: str = "C") -> TracedArray:
        """Copy numbers and shadow."""
        numbers: Any = self.numbers
        shadow: Any = self.shadow
        return TracedArray(numbers.copy(order), shadow.copy(order), self.traced_by)

    def astype(self, dtype: Any, *_: Any, copy: bool = True, **__: Any) -> Any:
        """Convert: the shadow stays, the numbers are rounded; integers are constant, and leave the trace."""
        numbers = self.numbers.astype(dtype)
        if numbers.dtype.kind == "b":
            note_truth(self)
            return numbers
        if numbers.dtype.kind in "iu":
            self.traced_by.note_step()
            self.traced_by.note_order(
                self.numbers, np.round(self.numbers), (self.shadow, exact(np.round(self.numbers)))
            )
            return numbers
        if numbers.dtype.kind != "f":
            raise self.traced_by.end(f"a conversion to {numbers.dtype}")
        if numbers.dtype.itemsize < self.numbers.dtype.itemsize:
            self.traced_by.note_lower(numbers)
        self.traced_by.observe("astype", numbers, lambda: exact(self.numbers), None)
        if not copy and numbers.dtype == self.dtype:
            return self
        return TracedArray(numbers, self.shadow.copy(), self.traced_by)

    def reshape(self, *shape: Any, **keywords: Any) -> TracedArray:
        """Reshape, as numpy's method."""
        new = shape[0] if len(shape) == 1 else shape
        return TracedArray(
            self.numbers.reshape(new, **keywords), self.shadow.reshape(new, **keywords), self.traced_by
        )

    def transpose(self, *axes: Any) -> TracedArray:
        """Permute the axes, a view."""
        return TracedArray(self.numbers.transpose(*axes), self.shadow.transpose(*axes), self.traced_by)

    def flatten(self, order: str = "C") -> TracedArray:
        """Return a flat copy."""
        return self.reshape(-1, order=order).copy()

    def compress(self, condition: Any, axis: int | None = None) -> Any:
        """Return the entries that a condition says."""
        return np.compress(condition, self, axis)

    def fill(self, number: Any) -> None:
        """Set every entry."""
        self[...] = number

    def sort(self, axis: int = -1, **_: Any) -> None:
        """Sort in place."""
        self[...] = np.sort(self, axis=axis)

    def round(self, decimals: int = 0) -> Any:
        """Round, which is constant between its jumps."""
        return np.round(self, decimals)

    def item(self, *place: Any) -> TracedArray:
        """Return one entry, for a number of Python's."""
        from nn_from_scratch.verify.functions.tracing.arrays.python_numbers import as_number  # noqa: PLC0415

        if not place:
            return as_number(self)
        where = place[0] if len(place) == 1 else place
        return as_number(self.reshape(-1)[where] if isinstance(where, int) else self[where])

    def tolist(self) -> Any:
        """Return nested lists of entries, for numbers of Python's."""
        return [part.tolist() for part in self] if self.ndim else self.item()

    def conj(self) -> TracedArray:
        """Return the array itself."""
        return self

    conjugate = conj

    def __getattr__(self, name: str) -> Any:
        if name in _METHODS:
            function = getattr(np, name)
            return lambda *operands, **keywords: function(self, *operands, **keywords)
        if name.startswith("__"):
            raise AttributeError(name)
        raise self.traced_by.end(f"the array's attribute .{name} is not traced")


def _masks_in(key: Any) -> list[Mask]:
    """Return the masks of an index."""
    return [part for part in (key if isinstance(key, tuple) else (key,)) if isinstance(part, Mask)]


def note_truth(x: Any) -> None:
    """Note that numbers are taken for truth values, which those are near that are nearly 0."""
    if type(x) is TracedArray:
        zero = np.zeros(x.shape)
        x.traced_by.note_order(x.numbers, zero, (x.shadow, exact(zero)))


def is_traced(x: Any) -> bool:
    """Whether something is a traced array, or a list or tuple that holds one."""
    return type(x) is TracedArray or (isinstance(x, (list, tuple)) and any(is_traced(part) for part in x))


def plain(x: Any) -> Any:
    """Return the numbers of what is traced; everything else as it is."""
    if type(x) is TracedArray:
        return x.numbers
    if isinstance(x, (list, tuple)) and is_traced(x):
        return type(x)(plain(part) for part in x)
    return x


def shadow_of(trace: Trace, x: Any) -> Shadow:
    """Return the shadow of an operand; that of a constant is what the constant stands for."""
    if type(x) is TracedArray:
        if x.traced_by is not trace:
            raise trace.end("an array of an earlier run is used")
        return x.shadow
    if isinstance(x, (list, tuple)) and is_traced(x):
        return np.stack([shadow_of(trace, part) for part in x])
    return trace.constant(x)


def computed(  # noqa: PLR0917
    trace: Trace,
    name: str,
    formula: Callable[..., Any],
    operands: tuple[Any, ...],
    numbers: Any,
    scale: Callable[..., Any] | None = None,
    others: Mapping[str, Callable[..., Any]] = NONE,
) -> Any:
    """Return the result of an operation: its numbers, with what `formula` makes of the operands' shadows.

    `scale`, a function of the operands' sizes as float64, is what a rounding is multiplied by in the local
    check. `others` are the formulas of operations that it may have been taken for.
    """
    array = np.asarray(numbers)
    if array.dtype.kind in "biu":
        return numbers
    if array.dtype.kind != "f":
        raise trace.end(f"{name} gives {array.dtype}")
    shadows = [shadow_of(trace, x) for x in operands]
    shadow = blank(array.shape) if trace.rehearsal else as_shadow(formula(*shadows))
    if trace.changing:
        shadow = trace.changed(name, shadow, lambda: _on(others, shadows, array.shape))

    if trace.watching_digits:
        trace.note_digits(name, array, shadow)

    def at_numbers() -> list[Numbers]:
        return [_as_computed(x, array.dtype) for x in operands]

    trace.observe(
        name,
        array,
        lambda: as_shadow(formula(*map(exact, at_numbers()))),
        None if scale is None else lambda: scale(*(np.abs(x.astype(np.float64)) for x in at_numbers())),
    )
    return TracedArray(array, shadow, trace)


def _on(
    others: Mapping[str, Callable[..., Any]], shadows: list[Shadow], shape: tuple[int, ...]
) -> dict[str, Callable[[], Shadow]]:
    """Return other formulas on the same operands."""

    def called(formula: Callable[..., Any]) -> Callable[[], Shadow]:
        def result() -> Shadow:
            found = as_shadow(formula(*shadows))
            fits = np.broadcast_shapes(found.shape, shape) == shape if found.ndim <= len(shape) else False
            return np.broadcast_to(found, shape).copy() if fits else np.full(shape, arb.nan())

        return result

    return {name: called(formula) for name, formula in others.items()}


def _as_computed(x: Any, dtype: Any) -> Numbers:
    """Return an operand as numpy computes with it: a number of Python's takes the dtype of the arrays."""
    numbers = np.asarray(plain(x))
    return numbers.astype(dtype) if isinstance(x, float) else numbers


def _in_the_same_order(numbers: Numbers, shadow: Shadow) -> Shadow:
    """Return a shadow in the same order in memory as its numbers, copied if it is in another."""
    if numbers.flags.c_contiguous and shadow.flags.c_contiguous:
        return shadow
    wide = [k for k in range(numbers.ndim) if numbers.shape[k] > 1]
    if all(numbers.strides[k] * 8 == shadow.strides[k] * numbers.itemsize for k in wide):
        return shadow
    ordered = np.empty_like(numbers, dtype=object)
    if any(ordered.strides[k] * numbers.itemsize != numbers.strides[k] * 8 for k in wide):
        return shadow.copy()  # broadcast numbers, which nobody can write into
    ordered[...] = shadow
    return ordered
