"""The catalogue of questions: which operations there are, and where they may be asked.

Names are numpy's. What an operation's value or derivative *is* does not stand here: every oracle and every
engine brings its own, so that no two can share a mistake.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from nn_from_scratch.verify.questions.domains import (
    BESSEL_LARGEST,
    apart,
    are_positive,
    beside_its_jumps,
    between_wholes,
    everywhere,
    from_zero,
    is_in_beta,
    is_in_gamma,
    is_of_whole_order,
    is_zeta,
    no_pole_of_gamma,
    power_is_real,
)


@dataclass(frozen=True, slots=True)
class Operation:
    """One primitive: how many operands it takes, where it is defined, and what is special about it.

    Parameters
    ----------
    arity
        The number of operands; None for any number of them.
    inside
        Whether operand values lie in the domain, where the value is real and finite.
    special
        Operand values at which engines have gone wrong.
    symbol
        Python's operator for it, if there is one; other operations are written as a call.
    operand_kinds
        How it may be called: "x" stands for a node, "c" for a constant.
    distance
        How far operand values lie from a kink, a tie or a threshold, for an operation that has branches:
        relative to their size if they are larger than 1.
    of_a_list
        Whether it takes its operands as a list.

    """

    name: str
    arity: int | None
    inside: Callable[..., bool] = everywhere
    special: tuple[float, ...] = ()
    symbol: str | None = None
    operand_kinds: tuple[str, ...] = ()
    distance: Callable[..., float] | None = None
    of_a_list: bool = False

    def __post_init__(self) -> None:
        if not self.operand_kinds:
            object.__setattr__(self, "operand_kinds", ("x",) if self.arity == 1 else ("xx", "xc", "cx"))

    def text(self, *operands: str, **parameters: Any) -> str:
        """Write the operation as Python would."""
        if self.name == "index":
            return f"{operands[0]}[{', '.join(map(_index_text, parameters['index']))}]"
        if self.symbol is None:
            arguments = [*map(bare, operands)]
            if self.of_a_list:
                arguments = [f"[{', '.join(arguments)}]"]
            arguments += [f"{key}={value!r}" for key, value in parameters.items()]
            return f"{self.name}({', '.join(arguments)})"
        return (
            f"({self.symbol}{operands[0]})" if self.arity == 1 else f"({f' {self.symbol} '.join(operands)})"
        )


def bare(text: str) -> str:
    """Drop the outermost parentheses if they belong together."""
    if not text.startswith("("):
        return text
    depths = list(accumulate((c == "(") - (c == ")") for c in text))
    return text[1:-1] if depths.index(0) == len(text) - 1 else text


def _unary(name: str, inside: Callable[..., bool] = everywhere, *special: float) -> Operation:
    return Operation(name, 1, inside, special)


def _of_order(name: str, inside: Callable[..., bool], *special: float) -> Operation:
    """Return a function of an order, a constant, and of a number."""
    return Operation(name, 2, inside, special, operand_kinds=("cx",))


def _bilinear(name: str) -> Operation:
    return Operation(name, 2, operand_kinds=("xx",))


CATALOGUE: dict[str, Operation] = {
    operation.name: operation
    for operation in (
        Operation("add", 2, symbol="+"),
        Operation("sub", 2, symbol="-"),
        Operation("mul", 2, symbol="*"),
        Operation("div", 2, lambda x, y: y != 0, (1.0, -1.0, 1e-8), "/"),
        Operation("pow", 2, power_is_real, (0.0, 1.0, 2.0, 3.0, -1.0, -2.0, 0.5, -0.5), "**"),
        Operation("neg", 1, symbol="-"),
        _unary("reciprocal", lambda x: x != 0, 1.0, -1.0, 1e-8),
        _unary("square", everywhere, 0.0),
        _unary("exp", everywhere, 0.0, -20.0),
        _unary("expm1", everywhere, 0.0, 1e-8, -30.0),
        _unary("log", lambda x: x > 0, 1.0, 1e-8, 1e8),
        _unary("log1p", lambda x: x > -1, 0.0, 1e-8, -0.99999999),
        _unary("sqrt", lambda x: x > 0, 1.0, 4.0, 1e-8),
        _unary("sin", everywhere, 0.0, math.pi / 2),
        _unary("cos", everywhere, 0.0, math.pi),
        _unary("tan", everywhere, 0.0, 1e-8, 1.5707),
        _unary("arcsin", lambda x: -1 < x < 1, 0.0, 1e-8, 0.5, 0.99999999),
        _unary("arccos", lambda x: -1 < x < 1, 0.0, 0.5, -0.99999999),
        _unary("arctan", everywhere, 0.0, 1e-8, 1e5),
        Operation("arctan2", 2, lambda y, x: y != 0 or x > 0, (1.0, -1.0)),
        _unary("sinh", everywhere, 0.0, 1e-8),
        _unary("cosh", everywhere, 0.0, 1e-8),
        _unary("tanh", everywhere, 0.0, 1e-8, 3.0, -20.0),
        _unary("sigmoid", everywhere, 0.0, 20.0, -20.0, -800.0),
        _unary("softplus", everywhere, 0.0, 30.0, -20.0, 800.0),
        Operation("hypot", 2, lambda x, y: x != 0 or y != 0),
        Operation("logaddexp", 2, special=(0.0, 100.0, -100.0, 800.0)),
        Operation("relu", 1, special=(0.0, 0.5, 1.0, -1.0, 1e-8, -1e-8), distance=from_zero),
        Operation("abs", 1, special=(0.0, -1.0, 1e-8, -1e-8), distance=from_zero),
        # sign jumps at 0: its value there is 0, and there is no derivative.
        Operation("sign", 1, special=(1.0, -1.0, 0.5, 1e-8, -1e-8, 0.0), distance=from_zero),
        Operation("maximum", 2, special=(0.0,), distance=apart),
        Operation("minimum", 2, special=(0.0,), distance=apart),
        # where(c, x, y) is x where c > 0, else y: the condition is part of the question.
        Operation("where", 3, operand_kinds=("xxx", "xxc", "xcx"), distance=from_zero),
        Operation(
            "clip",
            3,
            operand_kinds=("xcc",),
            distance=lambda x, low, high: min(apart(x, low), apart(x, high)),
        ),
    )
}

ARRAYS: dict[str, Operation] = {
    operation.name: operation
    for operation in (
        Operation("sum", 1),
        Operation("mean", 1),
        Operation("prod", 1),
        Operation("max", 1, distance=apart),
        Operation("min", 1, distance=apart),
        Operation("logsumexp", 1),
        Operation("softmax", 1),
        Operation("log_softmax", 1),
        Operation("matmul", 2, symbol="@", operand_kinds=("xx",)),
        Operation("reshape", 1),
        Operation("transpose", 1),
        Operation("broadcast_to", 1),
        Operation("squeeze", 1),
        Operation("expand_dims", 1),
        Operation("index", 1),
        Operation("concatenate", None, operand_kinds=("xx",), of_a_list=True),
        Operation("stack", None, operand_kinds=("xx",), of_a_list=True),
    )
}
"""Operations that look at an array as a whole. Their parameters are numpy's keywords; those of ``index``
are ``index``, a tuple with an item an axis (`as_index`). Operations of the catalogue work element by element,
and broadcast."""

SPECIAL_FUNCTIONS: dict[str, Operation] = {
    operation.name: operation
    for operation in (
        _unary("erf", everywhere, 0.0, 1e-8, 1.0, 3.0, -6.0, 30.0),
        _unary("erfc", everywhere, 0.0, 1e-8, 0.5, 3.0, 4.0, -6.0),
        # lgamma(x) is the logarithm of the size of gamma(x); digamma is its slope.
        _unary("lgamma", no_pole_of_gamma, 1.0, 2.0, 0.5, 1e-8, 1.5, -0.5, 1e4),
        _unary("digamma", no_pole_of_gamma, 1.0, 2.0, 0.5, 1e-5, -0.5, 1e5),
    )
}
"""Operations that work element by element, as those of the catalogue do, and that libraries for science have:
an engine may be complete without them. Names are those of C's and PyTorch's special functions."""

FUNCTIONS_OF_NUMPY: dict[str, Operation] = {
    operation.name: operation
    for operation in (
        _unary("exp2", everywhere, 0.0, 10.0, -20.0),
        _unary("log2", lambda x: x > 0, 1.0, 8.0, 1e-8),
        _unary("log10", lambda x: x > 0, 1.0, 1e3, 1e-8),
        # At 0 the slope of a cube root is infinite.
        _unary("cbrt", lambda x: x != 0, 1.0, -8.0, 1e-8),
        _unary("arcsinh", everywhere, 0.0, 1e-8),
        _unary("arccosh", lambda x: x > 1, 2.0, 1e5),
        _unary("arctanh", lambda x: -1 < x < 1, 0.0, 1e-8, 0.5, -0.99999999),
        # sinc(x) is sin(pi x) over pi x, and 1 at 0.
        _unary("sinc", everywhere, 0.0, 0.5),
        _unary("deg2rad", everywhere, 180.0),
        _unary("rad2deg", everywhere, 0.5),
        Operation("logaddexp2", 2, special=(0.0, 100.0, 800.0), operand_kinds=("xx", "xc")),
        # At a multiple of y the remainder jumps, and has no derivative; fmod does not at 0.
        Operation("remainder", 2, between_wholes, (0.7, -0.7, 5.3), operand_kinds=("xx", "xc")),
        Operation("fmod", 2, beside_its_jumps, (0.7, -0.7, 5.3), operand_kinds=("xx", "xc")),
    )
}
"""The same, that numpy has. Test vectors, which engines in other languages keep, do not ask them."""

FUNCTIONS_OF_SCIPY: dict[str, Operation] = {
    operation.name: operation
    for operation in (
        # The sigmoid, its logarithm and its inverse
        _unary("expit", everywhere, 0.0, 20.0, -20.0, -800.0),
        _unary("log_expit", everywhere, 0.0, 15.0, -30.0, -800.0),
        _unary("logit", lambda x: 0 < x < 1, 0.5, 1e-8, 0.99999999),
        # xlogy(x, y) is x log y, and xlog1py(x, y) is x log(1 + y); entr(x) is -x log x.
        Operation("xlogy", 2, lambda x, y: y > 0, (0.0, 1.0, 1e-8), operand_kinds=("xx", "cx")),
        Operation("xlog1py", 2, lambda x, y: y > -1, (0.0, 1e-8, -0.99999999), operand_kinds=("xx", "cx")),
        _unary("entr", lambda x: x > 0, 1.0, 1e-8),
        # ndtr(x) is how much of the normal distribution lies below x.
        _unary("ndtr", everywhere, 0.0, 1e-8, 1.0, 3.0, -6.0, 30.0),
        _unary("log_ndtr", everywhere, 0.0, 1.0, 6.0, -6.0),
        # Their inverses: of erf, of erfc, and of ndtr
        _unary("erfinv", lambda x: -1 < x < 1, 0.0, 1e-8, 0.5, -0.9),
        _unary("erfcinv", lambda x: 0 < x < 2, 1.0, 1e-3, 1.9),
        _unary("ndtri", lambda x: 0 < x < 1, 0.5, 1e-3, 0.99),
        _unary("gamma", no_pole_of_gamma, 1.0, 2.0, 0.5, 1e-5, 1.5),
        # beta(x, y) is gamma(x) gamma(y) / gamma(x + y), and betaln its logarithm.
        Operation("beta", 2, are_positive, (0.5,), operand_kinds=("xx",)),
        Operation("betaln", 2, are_positive, (0.5,), operand_kinds=("xx",)),
        # erfcx(x) is exp(x^2) erfc(x).
        _unary("erfcx", lambda x: x > -25, 0.0, 1.0, -2.0, 5.0),
        # Bessel functions, where their series has digits left
        *(
            _unary(name, lambda x: abs(x) < BESSEL_LARGEST, 0.0, 1e-8, 2.0)
            for name in ("j0", "j1", "i0", "i1")
        ),
        *(_of_order(name, is_of_whole_order, 0.0, 2.0) for name in ("jv", "iv")),
        # zeta(x, q) is the sum of the powers -x of q, q + 1, ...
        _of_order("zeta", is_zeta, 1.5, 0.5),
        # betainc(a, b, x) is how much of the beta distribution lies below x.
        Operation("betainc", 3, is_in_beta, (0.5,), operand_kinds=("ccx",)),
        # gammainc(a, x) is how much of the gamma distribution of order a lies below x, gammaincc the rest.
        *(_of_order(name, is_in_gamma, 0.5) for name in ("gammainc", "gammaincc")),
        # rel_entr(x, y) is x log(x / y).
        Operation("rel_entr", 2, are_positive, (1.0,), operand_kinds=("xx", "cx")),
    )
}
"""The same, that `scipy.special` has, by its names."""

OF_LIBRARIES = FUNCTIONS_OF_NUMPY | FUNCTIONS_OF_SCIPY
FURTHER = SPECIAL_FUNCTIONS | OF_LIBRARIES
"""Operations that work element by element and that an engine need not have."""

OF_SCIENCE: dict[str, Operation] = {
    operation.name: operation
    for operation in (
        Operation("cumsum", 1),
        Operation("sort", 1, distance=apart),
        Operation("einsum", None, operand_kinds=("xx",)),
        Operation("take_along_axis", 1),
        # scatter_add(x, y, indices, axis) is x with the entries of y added at indices along an axis.
        Operation("scatter_add", 2, operand_kinds=("xx",)),
        Operation("solve", 2, operand_kinds=("xx",)),
        Operation("inv", 1),
        Operation("det", 1),
        # conv(x, w, stride, padding): batch, channels, one axis or two; outputs, channels, as many axes.
        Operation("conv", 2, operand_kinds=("xx",)),
        # cholesky(x) is the factor of the symmetric part of x, so that it has one derivative by each entry.
        Operation("cholesky", 1),
    )
}
"""The same, of arrays as a whole."""

OF_NUMPY: dict[str, Operation] = {
    operation.name: operation
    for operation in (
        *(Operation(name, 1) for name in ("take", "compress", "repeat", "diagonal", "swapaxes")),
        *(Operation(name, 1) for name in ("ravel", "flatten", "trace", "cumprod", "var", "std")),
        *(_bilinear(name) for name in ("dot", "inner", "outer", "kron", "cross", "tensordot")),
        *(Operation(name, 1) for name in ("roll", "flip", "moveaxis", "tril", "triu", "tile", "pad")),
        *(Operation(name, 1) for name in ("diff", "trapezoid", "average", "norm", "slogdet", "matrix_power")),
        *(Operation(name, 1, distance=apart) for name in ("ptp", "median", "quantile", "percentile")),
        *(Operation(name, 1) for name in ("positive", "nan_to_num", "diag", "rot90", "delete")),
        *(Operation(name, 1) for name in ("nansum", "nanmean")),
        # eigvalsh(x) are the eigenvalues of the symmetric part of x, ascending; eigh(x) its eigenvectors as
        # columns, each with a positive first entry, so that there is one.
        *(Operation(name, 1) for name in ("eigvalsh", "eigh")),
        Operation("fabs", 1, distance=from_zero),
        *(Operation(name, 2, operand_kinds=("xx",), distance=apart) for name in ("fmax", "fmin")),
        *(_bilinear(name) for name in ("copysign", "convolve", "correlate")),
        # interp(x, y, xp) is at x on the straight lines between the points (xp, y).
        Operation("interp", 2, operand_kinds=("xx",), distance=apart),
    )
}
"""What numpy has beside these, by its names and with its keywords. Test vectors, which engines in other
languages keep, do not ask it."""

FURTHER_ARRAYS = OF_SCIENCE | OF_NUMPY
"""Operations on whole arrays that an engine need not have."""

ELEMENTWISE = CATALOGUE | FURTHER
OF_ARRAYS = ARRAYS | FURTHER_ARRAYS
OPERATIONS = ELEMENTWISE | OF_ARRAYS
"""All that may be asked."""
WRITTEN: dict[str, Operation] = {
    operation.name: operation
    for operation in (
        _unary("bell"),
        _unary("trigamma", no_pole_of_gamma),
        _unary("sinc_slope"),
        _unary("j1_slope", lambda x: abs(x) < BESSEL_LARGEST),
        _unary("i1_slope", lambda x: abs(x) < BESSEL_LARGEST),
        _unary("floor"),
        _unary("trunc"),
        _unary("side_off"),
        Operation("factored", None),
        Operation("mixed", None),
        Operation("mixed_slope", None),
        Operation("eigenvalue", None, operand_kinds=("cx",)),
        Operation("eigenvector", None, operand_kinds=("ccx",)),
        Operation("inverted", None),
        Operation("inverted_slope", None),
    )
}
"""What nobody is asked: formulas of derivatives have bell, the slope of erf, trigamma, the slopes of sinc, j1
and i1, and integers beside a quotient; the others are 0, but for what rounding makes of it: of x over its
size, less its sign, and where a matrix is factored, or inverted (`lower_matrices`), once or twice. Of
eigenvalues and eigenvectors each number is one (`lower_eigen`)."""
SCALARS = ELEMENTWISE | WRITTEN
"""All that a scalar expression may have."""


def as_index(items: Sequence[Any]) -> tuple[Any, ...]:
    """Return numpy's index.

    An item is an integer, ("slice", start, stop, step), None for a new axis, "..." for the axes that are not
    told, or a tuple of integers or of booleans, or of such tuples, which is an index array.
    """
    return tuple(map(_index_item, items))


def _index_item(item: Any) -> Any:
    if item == "...":
        return ...
    if not isinstance(item, tuple):
        return item
    return slice(*item[1:]) if item[:1] == ("slice",) else _lists(item)


def _lists(item: Any) -> Any:
    return [_lists(each) for each in item] if isinstance(item, tuple) else item


def _index_text(item: Any) -> str:
    if isinstance(item, tuple) and item[:1] == ("slice",):
        return ":".join("" if part is None else str(part) for part in item[1:]).removesuffix(":")
    return str(_lists(item))


Form = tuple[str, str]
"""An operation, and which of its operands are constants, as in ("sub", "cx") for ``2 - x``."""

ALL_FORMS: tuple[Form, ...] = tuple(
    (name, kinds) for name, op in CATALOGUE.items() for kinds in op.operand_kinds
)
ARRAY_FORMS: tuple[Form, ...] = tuple((name, op.operand_kinds[0]) for name, op in ARRAYS.items())
FURTHER_FORMS: tuple[Form, ...] = tuple(
    (name, kinds) for name, op in FURTHER.items() for kinds in op.operand_kinds
)
EVERY_FORM = (*ALL_FORMS, *FURTHER_FORMS)
VECTOR_FORMS = tuple(form for form in EVERY_FORM if form[0] not in OF_LIBRARIES)
FURTHER_ARRAY_FORMS: tuple[Form, ...] = tuple(
    (name, op.operand_kinds[0]) for name, op in FURTHER_ARRAYS.items()
)
EVERY_ARRAY_FORM = (*ARRAY_FORMS, *FURTHER_ARRAY_FORMS)
VECTOR_ARRAY_FORMS = tuple(form for form in EVERY_ARRAY_FORM if form[0] not in OF_NUMPY)
