"""What a rule is: how to compute one operation, and how to take a cotangent back through it.

Of a result ``z = f(x, y)`` the *cotangent* ``g`` is the derivative of the output by ``z``, in the shape of
``z``. The *pullback* by ``x`` (also called vector-Jacobian product, VJP) gives the cotangent that this
contributes to ``x``. Of an operation that acts element by element it is ``g * dz/dx``, with a partial
derivative for each element; of any other it is what the chain rule makes of it. (A. Griewank and A. Walther,
*Evaluating Derivatives*, SIAM 2008, chapter 3.)

Rules are written with numpy's functions and Python's operators, so that one serves floats, arrays and, for
derivatives of derivatives, nodes.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from typing import Any, Self, TypeAlias

import numpy as np

from nn_from_scratch.values import FLOAT64, NUMBERS, without_axes

Operand: TypeAlias = Any
"""A node, a number or an array: no type says what numpy's functions and Python's operators take."""
Value: TypeAlias = Any
"""A float, numpy's scalar of another precision, or an array."""
Options: TypeAlias = Mapping[str, Any]
"""What an operation takes beside its operands, such as ``axis``; nothing is differentiated by it."""
Function: TypeAlias = Callable[..., Any]

NO_OPTIONS: Options = {}
"""One for all, so that the commonest operations build none."""


class Traced:
    """What rules know of a node: it has a value, and applies a rule to itself and others."""

    __slots__ = ("__weakref__", "_value")
    _value: Value
    apply: Callable[["Rule", Sequence[Operand], Options], Any]


def value_of(x: Any) -> Any:
    """Return the value of a node; anything else as it is."""
    return x._value if isinstance(x, Traced) else x


class OuterProduct(tuple[Value, Value]):
    """A cotangent that is the outer product of two vectors, ``(column, row)``, not multiplied yet.

    A layer's weights get one from each sample; the reverse pass multiplies all of them at once, as
    ``columns.T @ rows``, where each alone would cost as much as the rest of the sample's pass.
    """

    __slots__ = ()  # a bare tuple, which is made in a third of the time of a named one


class Rule:
    """One operation; calling it computes, and given a node among the operands gives a node.

    Attributes
    ----------
    name
        Of the operation, as in messages.
    compute
        Takes the operands' values, and options such as ``axis``; gives the result's value.
    derivatives
        By operand, a function of ``(g, z, *operands, **options)`` that gives the operand's cotangent. It may
        have the shape that the operand was broadcast to.
    is_leaf
        Whether nothing was computed: the rule of nodes that were given their value.
    of_floats
        Of the short way of `Node`, whose nodes keep partial derivatives in slots: takes a node, and gives the
        values its operands had. Other rules need it not.

    """

    __slots__ = ("compute", "derivatives", "is_leaf", "name", "of_floats")

    def __init__(
        self,
        name: str,
        compute: Function,
        derivatives: Sequence[Function],
        is_leaf: bool = False,
        of_floats: Function = tuple,
    ) -> None:
        self.name = name
        self.compute = compute
        self.derivatives = derivatives
        self.is_leaf = is_leaf
        self.of_floats = of_floats

    def replace(self, **parts: Any) -> Self:
        """Return this rule with other parts in place of its own, by their names."""
        made = copy(self)
        for name, part in parts.items():
            setattr(made, name, part)
        return made

    def __call__(self, *operands: Operand, **options: Any) -> Any:
        """Compute on values, or on nodes and values."""
        for operand in operands:
            if isinstance(operand, Traced):
                return operand.apply(self, operands, options)
        return self.compute(*operands, **options)

    def evaluate(self, values: Sequence[Value], options: Options) -> Value:
        """Return the result's value, a float if it is a float64 without axes."""
        return without_axes(self.compute(*values, **options))

    def shared_pullback(
        self, g: Operand, z: Operand, operands: Sequence[Operand], options: Options
    ) -> Operand:
        """Take the cotangent back as far as all operands have the way in common: here not at all.

        A list is taken for the cotangents of all operands, each in memory of its own.
        """
        return g

    def pullback(
        self, position: int, g: Operand, z: Operand, operands: Sequence[Operand], options: Options
    ) -> Any:
        """Return the cotangent of the operand at `position`, in that operand's shape and precision.

        Parameters
        ----------
        position
            Of the operand.
        g
            What `shared_pullback` made of the result's cotangent, in the shape of `z`.
        z
            The result.
        operands
            All operands as they were computed with; nodes, for derivatives of derivatives.
        options
            Those the result was computed with.

        """
        return fitted(self.derivatives[position](g, z, *operands, **options), operands[position])


class Elementwise(Rule):
    """An operation that acts element by element, after broadcasting its operands.

    `derivatives` are the partial derivatives: by operand, a function of ``(z, *operands)`` that gives dz/dx.
    `scalar` is a faster computation for Python floats, which may raise where numpy warns.
    """

    __slots__ = ("scalar",)

    def __init__(
        self,
        name: str,
        compute: Function,
        derivatives: Sequence[Function],
        scalar: Function | None = None,
    ) -> None:
        super().__init__(name, compute, derivatives)
        self.scalar = scalar

    def evaluate(self, values: Sequence[Value], options: Options) -> Value:
        """Return the result's value; of floats without numpy, where Python can."""
        if self.scalar is not None and type(values[0]) is type(values[-1]) is float:
            try:
                return self.scalar(*values)
            except (ArithmeticError, ValueError):
                pass  # outside the domain numpy gives a result and a warning
        return without_axes(self.compute(*values, **options))

    def pullback(
        self,
        position: int,
        g: Operand,
        z: Operand,
        operands: Sequence[Operand],
        options: Options,
    ) -> Any:
        """Return the cotangent times the partial derivative, in the operand's shape and precision.

        Where the cotangent is zero it stays zero, even if the partial derivative is infinite or NaN: what the
        output does not depend on (the branch not taken by `where`) contributes nothing.
        """
        try:
            partial = self.derivatives[position](z, *operands)
        except ArithmeticError:  # outside the domain, where Python's floats raise but numpy's do not
            numbers = [np.float64(x) if type(x) is float else x for x in (z, *operands)]
            partial = self.derivatives[position](*numbers)
        # A zero becomes anything else only by a partial derivative that is infinite or NaN. If these are an
        # array, it shows in the product.
        if type(partial) is not float:
            product = g * partial
            is_harmless = all_finite(product)
        elif partial == 1.0:
            return fitted(g, operands[position])
        elif partial == -1.0:
            return fitted(-g, operands[position])  # half of the time of a product
        else:
            product = g * partial
            is_harmless = math.isfinite(partial)
        if not is_harmless:
            product = np.where(np.equal(g, 0), 0.0, product)
        return fitted(product, operands[position])


class Variadic(Rule):
    """An operation of any number of operands.

    `derivatives` holds one function, of ``(position, g, z, *operands, **options)``.
    """

    __slots__ = ()

    def pullback(
        self, position: int, g: Operand, z: Operand, operands: Sequence[Operand], options: Options
    ) -> Any:
        """Return the cotangent of the operand at `position`, in that operand's shape and precision."""
        (derivative,) = self.derivatives
        return fitted(derivative(position, g, z, *operands, **options), operands[position])


def all_finite(x: Operand) -> bool:
    """Return whether there is no infinity or NaN in `x`; False as well where squares overflow.

    One dot product tells, in a fraction of the time of `np.isfinite`; who asks may be too careful, not too
    careless.
    """
    if type(x) is np.ndarray:
        return math.isfinite(x.dot(x) if x.ndim == 1 else np.vdot(x, x))
    if isinstance(x, float):  # numpy's float64 is one
        return math.isfinite(x)
    return bool(np.isfinite(x).all())


def fitted(cotangent: Operand, operand: Operand) -> Any:
    """Return a cotangent in the shape and precision of its operand.

    Where the operand was broadcast, its elements were used several times: the cotangents of all uses are
    summed, over the axes that were added in front and those along which the only element was repeated.
    """
    if type(operand) is float:
        return float(cotangent if isinstance(cotangent, float) else cotangent.sum())
    if type(cotangent) is float:  # of a float64 that a scalar of another precision met
        cotangent = np.float64(cotangent)
    if cotangent.shape != operand.shape:
        added = cotangent.ndim - operand.ndim
        repeated = [added + axis for axis, size in enumerate(operand.shape) if size == 1]
        cotangent = cotangent.sum(axis=(*range(added), *repeated)).reshape(operand.shape)
    dtype = operand.dtype
    is_same = cotangent.dtype is dtype or cotangent.dtype == dtype
    return cotangent if is_same else cotangent.astype(dtype)


# The engine's own steps, which are no operations of the table


class _Constant(Rule):
    """A rule that is told by its identity: a copied or pickled node has this very one again."""

    __slots__ = ()

    def __reduce__(self) -> str:
        return self.name  # of the constant below


def _itself(x: Operand) -> Operand:
    return x


def _through_identity(g: Operand, _z: Operand, _x: Operand) -> Operand:
    return g


def _cast(x: Value, dtype: Any) -> Value:
    return np.asarray(x).astype(dtype)


def _through_cast(g: Operand, _z: Operand, _x: Operand, dtype: Any) -> Operand:
    """Leave it to `fitted` to cast the cotangent back."""
    return g


def _row(x: Value, key: int) -> Value:
    return x[key]


def _through_row(g: Operand, _z: Operand, x: Operand, key: int) -> Operand:
    """Put the cotangent of a row in its place, and zeros everywhere else."""
    is_there = np.zeros((len(x), *(1,) * (x.ndim - 1)), bool)
    is_there[key] = True
    return np.where(is_there, g, 0.0)


LEAF = _Constant("LEAF", _itself, [], is_leaf=True)
LENT_LEAF = _Constant("LENT_LEAF", _itself, [], is_leaf=True)
"""Of a leaf whose array its user holds too, and may edit: see `Node.value`."""
IDENTITY = Rule("identity", _itself, [_through_identity])
CAST = Rule("astype", _cast, [_through_cast])
ROW = _Constant("ROW", _row, [_through_row])
"""Takes one row out of the outputs for a batch; the reverse pass joins the cotangents of all rows."""


def at_one_precision(
    operands: Sequence[Operand], values: Sequence[Value]
) -> tuple[Sequence[Operand], list[Value]]:
    """Cast operands and their values to the precision that numpy promotes them to.

    Python's numbers count for nothing, as in numpy; a scalar node counts as the float64 that it is.
    """
    met = [
        FLOAT64 if type(value) is float and type(operand) not in NUMBERS else value
        for operand, value in zip(operands, values, strict=True)
    ]
    dtype = np.result_type(*met)
    cast_operands, cast_values = list(operands), list(values)
    for position, (operand, value) in enumerate(zip(operands, values, strict=True)):
        if type(value) is not float and value.dtype != dtype:
            cast = CAST(operand if isinstance(operand, Traced) else value, dtype=dtype)
            cast_operands[position] = cast
            cast_values[position] = without_axes(value_of(cast))
    return cast_operands, cast_values
