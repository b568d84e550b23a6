"""The partial derivatives of every operation, by the formulas that engines commonly use.

They say what an engine computes, never what is true: the derived tolerance runs them over balls
(`tolerance`), and for second derivatives they are written down as an expression (`written_derivative`).
Truth comes from `oracles.taylor`, which has no derivative rule at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from nn_from_scratch.verify.questions.lower_eigen import rows_with

Number = Any
"""What a table's formulas compute with: anything with Python's operators. A constant operand is a float."""


class Functions(Protocol):
    """What formulas need beside Python's operators, for one kind of number."""

    # Python's operators serve where an operand is no constant; two constants would be rounded as floats.
    def sum(self, x: Number, y: Number) -> Number:
        """Return x + y."""

    def product(self, x: Number, y: Number) -> Number:
        """Return x * y."""

    def quotient(self, x: Number, y: Number) -> Number:
        """Return x / y."""

    def difference(self, x: Number, y: Number) -> Number:
        """Subtract; a node from itself leaves exactly nothing."""

    def exp(self, x: Number) -> Number:
        """Return e to the power of x."""

    def log(self, x: Number) -> Number:
        """Return the natural logarithm."""

    def sqrt(self, x: Number) -> Number:
        """Return the square root."""

    def sin(self, x: Number) -> Number:
        """Return the sine."""

    def cos(self, x: Number) -> Number:
        """Return the cosine."""

    def sinh(self, x: Number) -> Number:
        """Return the hyperbolic sine."""

    def cosh(self, x: Number) -> Number:
        """Return the hyperbolic cosine."""

    def sigmoid(self, x: Number) -> Number:
        """Return 1 / (1 + e to the power of -x)."""

    def sigmoid_slope(self, z: Number) -> Number:
        """Return z (1 - z), the derivative of a sigmoid that is z."""

    def squared_secant(self, slope: Number) -> Number:
        """Return the slope itself: that of a tangent, which some engines compute as a squared secant."""

    def bell(self, x: Number) -> Number:
        """Return the slope of erf."""

    def lgamma(self, x: Number) -> Number:
        """Return the logarithm of gamma."""

    def digamma(self, x: Number) -> Number:
        """Return the slope of lgamma."""

    def trigamma(self, x: Number) -> Number:
        """Return the slope of digamma."""

    def tetragamma(self, x: Number) -> Number:
        """Return the slope of trigamma."""

    def exp2(self, x: Number) -> Number:
        """Return 2 to the power of x."""

    def log1p(self, x: Number) -> Number:
        """Return the natural logarithm of 1 + x."""

    def floor(self, x: Number) -> Number:
        """Return the largest integer below x."""

    def trunc(self, x: Number) -> Number:
        """Return x without what stands behind the point."""

    def sinc_slope(self, x: Number) -> Number:
        """Return the slope of sin(pi x) / (pi x)."""

    def sinc_bend(self, x: Number) -> Number:
        """Return the slope of that slope."""

    def j1(self, x: Number) -> Number:
        """Return Bessel's J of order 1."""

    def j1_slope(self, x: Number) -> Number:
        """Return its slope."""

    def j1_bend(self, x: Number) -> Number:
        """Return the slope of that slope."""

    def i1(self, x: Number) -> Number:
        """Return Bessel's I of order 1."""

    def i1_slope(self, x: Number) -> Number:
        """Return its slope."""

    def i1_bend(self, x: Number) -> Number:
        """Return the slope of that slope."""

    def jv(self, order: float, x: Number) -> Number:
        """Return Bessel's J of a whole order."""

    def iv(self, order: float, x: Number) -> Number:
        """Return Bessel's I of a whole order."""

    def zeta(self, exponent: float, x: Number) -> Number:
        """Return the sum of 1 / (x + k)^exponent, for k from 0."""

    def deg2rad(self, x: Number) -> Number:
        """Return an angle in radians."""

    def rad2deg(self, x: Number) -> Number:
        """Return an angle in degrees."""

    def heaviside(self, x: Number) -> Number:
        """Return 1 above 0, 0 below, and one half at 0, where engines follow conventions of their own."""

    def side(self, x: Number) -> Number:
        """Return 1 above 0, -1 below, 0 at 0: where engines multiply by x and divide by its size."""

    def side_off_slope(self, x: Number) -> Number:
        """Return what rounding leaves of the slope of x over its size, which is 0."""

    def mixed_slope(self, *entries: Number) -> Number:
        """Return what a derivative by one entry of a matrix has of that by another, which is 0."""

    def mixed_bend(self, *entries: Number) -> Number:
        """Return the slope of that."""

    def inverted_slope(self, *operands: Number) -> Number:
        """Return the slope of what a determinant times an inverse is off by, which is 0."""

    def inverted_bend(self, *operands: Number) -> Number:
        """Return the slope of that slope, which is 0."""

    def eigenvalue(self, number: float, *entries: Number) -> Number:
        """Return an eigenvalue of a symmetric matrix, of entries on and above the diagonal."""

    def eigenvector(self, place: float, number: float, *entries: Number) -> Number:
        """Return an entry of the eigenvector of an eigenvalue."""

    def is_positive(self, x: Number) -> Number:
        """Return 1 above 0, else 0."""


Partials = Callable[..., tuple[Number, ...]]
"""Given functions, the result and the operands, returns the partial derivative by each operand."""


def _by_each_entry(slope: Callable[..., Number], operands: Sequence[Number]) -> tuple[Number, ...]:
    """Return the same slope by each entry of a matrix: of a determinant, the matrix and its cofactors."""
    entries = len(operands) // 2
    return 0.0, *((slope(*operands),) * entries), *((0.0,) * entries)


def sum_of_squares(f: Functions, x: Number, y: Number) -> Number:
    """Return x squared plus y squared."""
    return f.sum(f.product(x, x), f.product(y, y))


def _pow(f: Functions, z: Number, x: Number, y: Number) -> tuple[Number, Number]:
    # A constant operand has no derivative, and its formula may not exist.
    by_base = 0.0 if isinstance(x, float) else _power_by_base(f, x, y)
    # That of 0 ** y is 0 for all positive y; there is none for others.
    flat = isinstance(y, float) or x == 0
    by_exponent = 0.0 if flat else z * f.log(x)
    return by_base, by_exponent


def _power_by_base(f: Functions, x: Number, y: Number) -> Number:
    if y == 0:
        return 0.0
    if y == 1:
        return 1.0
    less_one = y - 1.0 if isinstance(y, float) and y.is_integer() else f.sum(y, -1.0)
    return y * x**less_one


def _arctan2(f: Functions, _z: Number, y: Number, x: Number) -> tuple[Number, Number]:
    return x / sum_of_squares(f, x, y), -y / sum_of_squares(f, x, y)


def _larger(f: Functions, x: Number, y: Number) -> tuple[Number, Number]:
    """Return the derivatives by the first and the second operand, of what is the larger one."""
    first = f.heaviside(f.difference(x, y))
    return first, 1 - first


def _where(f: Functions, _z: Number, condition: Number, _x: Number, _y: Number) -> tuple[Number, ...]:
    taken = f.is_positive(condition)
    return 0.0, taken, 1 - taken


def _clip(f: Functions, _z: Number, x: Number, low: Number, high: Number) -> tuple[Number, ...]:
    return f.heaviside(x - low) * f.heaviside(high - x), 0.0, 0.0


def _slopes_of_betaln(f: Functions, x: Number, y: Number) -> tuple[Number, Number]:
    of_both = f.digamma(f.sum(x, y))
    return f.difference(f.digamma(x), of_both), f.difference(f.digamma(y), of_both)


def _density_of_gamma(f: Functions, order: Number, x: Number) -> Number:
    """Return that of a gamma distribution, as engines do by logarithms."""
    power = f.product(f.sum(order, -1.0), f.log(x))
    return f.exp(f.difference(f.difference(power, x), f.lgamma(order)))


def _density_of_beta(f: Functions, first: Number, second: Number, x: Number) -> Number:
    """Return that of a beta distribution, by logarithms as well."""
    powers = f.sum(
        f.product(f.sum(first, -1.0), f.log(x)),
        f.product(f.sum(second, -1.0), f.log1p(-x)),
    )
    of_both = f.sum(f.lgamma(first), f.lgamma(second))
    return f.exp(f.difference(powers, f.difference(of_both, f.lgamma(f.sum(first, second)))))


def _places(entries: Sequence[Number]) -> list[tuple[int, int]]:
    """Return the row and the column of each entry on and above a diagonal."""
    rows = rows_with(len(entries))
    return [(i, j) for i in range(rows) for j in range(i, rows)]


def _of_eigenvalue(f: Functions, _z: Number, number: float, *entries: Number) -> tuple[Number, ...]:
    """Return products of two entries of its vector; entries beside the diagonal stand for two."""
    places = _places(entries)
    vector = [f.eigenvector(float(i), number, *entries) for i in range(places[-1][0] + 1)]
    slopes = [f.product(vector[i], vector[j]) * (1.0 if i == j else 2.0) for i, j in places]
    return 0.0, *slopes


def _of_eigenvector(
    f: Functions, _z: Number, place: float, number: float, *entries: Number
) -> tuple[Number, ...]:
    """Return how it turns towards each of the others: by one over how far their eigenvalues are apart.

    (J. R. Magnus, "On differentiating eigenvalues and eigenvectors", Econometric Theory 1, 1985, and M. B.
    Giles, "Collected matrix derivative results for forward and reverse mode algorithmic differentiation",
    2008, section 3.1)
    """
    places = _places(entries)
    every, here = range(places[-1][0] + 1), int(number)
    vectors = [[f.eigenvector(float(i), float(k), *entries) for i in every] for k in every]
    values = [f.eigenvalue(float(k), *entries) for k in every]
    own, slopes = vectors[here], [0.0] * len(places)
    for k in every:
        if k == here:
            continue
        share = f.quotient(vectors[k][int(place)], f.difference(values[here], values[k]))
        for n, (i, j) in enumerate(places):
            turn = f.product(vectors[k][i], own[j])
            if i != j:
                turn = f.sum(turn, f.product(vectors[k][j], own[i]))
            slopes[n] = f.sum(slopes[n], f.product(share, turn))
    return 0.0, 0.0, *slopes


PARTIALS: Mapping[str, Partials] = {
    "add": lambda f, z, x, y: (1.0, 1.0),
    "sub": lambda f, z, x, y: (1.0, -1.0),
    "mul": lambda f, z, x, y: (y, x),
    "div": lambda f, z, x, y: (f.quotient(1.0, y), -x / f.product(y, y)),
    "pow": _pow,
    "neg": lambda f, z, x: (-1.0,),
    "reciprocal": lambda f, z, x: (-1 / (x * x),),
    "square": lambda f, z, x: (2 * x,),
    "exp": lambda f, z, x: (z,),
    "expm1": lambda f, z, x: (z + 1,),
    "log": lambda f, z, x: (1 / x,),
    "log1p": lambda f, z, x: (1 / (1 + x),),
    "sqrt": lambda f, z, x: (1 / (2 * z),),
    "sin": lambda f, z, x: (f.cos(x),),
    "cos": lambda f, z, x: (-f.sin(x),),
    "tan": lambda f, z, x: (f.squared_secant(1 + z * z),),
    "arcsin": lambda f, z, x: (1 / f.sqrt(1 - x * x),),
    "arccos": lambda f, z, x: (-1 / f.sqrt(1 - x * x),),
    "arctan": lambda f, z, x: (1 / (1 + x * x),),
    "arctan2": _arctan2,
    "sinh": lambda f, z, x: (f.cosh(x),),
    "cosh": lambda f, z, x: (f.sinh(x),),
    "tanh": lambda f, z, x: (f.squared_secant(1 - z * z),),
    "sigmoid": lambda f, z, x: (f.sigmoid_slope(z),),
    # Softplus is often written as logaddexp(x, 0), which has this derivative.
    "softplus": lambda f, z, x: (f.exp(x - z),),
    "hypot": lambda f, z, x, y: (x / z, y / z),
    "logaddexp": lambda f, z, x, y: (f.exp(x - z), f.exp(y - z)),
    "relu": lambda f, z, x: (f.heaviside(x),),
    "abs": lambda f, z, x: (f.side(x),),
    "sign": lambda f, z, x: (0.0,),
    "maximum": lambda f, z, x, y: _larger(f, x, y),
    "minimum": lambda f, z, x, y: _larger(f, y, x),
    "where": _where,
    "clip": _clip,
    "erf": lambda f, z, x: (f.bell(x),),
    "erfc": lambda f, z, x: (-f.bell(x),),
    "bell": lambda f, z, x: (-2 * x * z,),
    "lgamma": lambda f, z, x: (f.digamma(x),),
    "digamma": lambda f, z, x: (f.trigamma(x),),
    "trigamma": lambda f, z, x: (f.tetragamma(x),),
    "exp2": lambda f, z, x: (z * f.log(2.0),),
    "log2": lambda f, z, x: (1 / (x * f.log(2.0)),),
    "log10": lambda f, z, x: (1 / (x * f.log(10.0)),),
    "cbrt": lambda f, z, x: (1 / (3 * (z * z)),),
    "arcsinh": lambda f, z, x: (1 / f.sqrt(1 + x * x),),
    "arccosh": lambda f, z, x: (1 / f.sqrt(x * x - 1),),
    "arctanh": lambda f, z, x: (1 / (1 - x * x),),
    "sinc": lambda f, z, x: (f.sinc_slope(x),),
    "sinc_slope": lambda f, z, x: (f.sinc_bend(x),),
    "deg2rad": lambda f, z, x: (f.deg2rad(1.0),),
    "rad2deg": lambda f, z, x: (f.rad2deg(1.0),),
    "logaddexp2": lambda f, z, x, y: (f.exp2(f.difference(x, z)), f.exp2(f.difference(y, z))),
    "remainder": lambda f, z, x, y: (1.0, -f.floor(f.quotient(x, y))),
    "fmod": lambda f, z, x, y: (1.0, -f.trunc(f.quotient(x, y))),
    **dict.fromkeys(("floor", "trunc"), lambda f, z, x: (0.0,)),
    "expit": lambda f, z, x: (f.sigmoid_slope(z),),
    # The logarithm of a sigmoid is often written as -logaddexp(-x, 0).
    "log_expit": lambda f, z, x: (f.exp(z - x),),
    "logit": lambda f, z, x: (1 / (x * (1 - x)),),
    "xlogy": lambda f, z, x, y: (f.log(y), f.quotient(x, y)),
    "xlog1py": lambda f, z, x, y: (f.log1p(y), f.quotient(x, f.sum(1.0, y))),
    "entr": lambda f, z, x: (-f.log(x) - 1,),
    "ndtr": lambda f, z, x: (f.bell(f.quotient(x, f.sqrt(2.0))) / f.sqrt(8.0),),
    "log_ndtr": lambda f, z, x: (f.exp(-(x * x) / 2.0 - z) * f.quotient(f.bell(0.0), f.sqrt(8.0)),),
    "erfinv": lambda f, z, x: (f.quotient(1.0, f.bell(z)),),
    "erfcinv": lambda f, z, x: (f.quotient(-1.0, f.bell(z)),),
    "ndtri": lambda f, z, x: (f.exp(z * z / 2.0) * f.quotient(f.sqrt(8.0), f.bell(0.0)),),
    "erfcx": lambda f, z, x: (f.difference(2 * x * z, f.bell(0.0)),),
    "j0": lambda f, z, x: (-f.j1(x),),
    "j1": lambda f, z, x: (f.j1_slope(x),),
    "j1_slope": lambda f, z, x: (f.j1_bend(x),),
    "i0": lambda f, z, x: (f.i1(x),),
    "i1": lambda f, z, x: (f.i1_slope(x),),
    "i1_slope": lambda f, z, x: (f.i1_bend(x),),
    # By their order, a constant, they are not differentiated. It stays a whole number.
    "jv": lambda f, z, v, x: (0.0, f.difference(f.jv(v - 1.0, x), f.jv(v + 1.0, x)) / 2.0),
    "iv": lambda f, z, v, x: (0.0, f.sum(f.iv(v - 1.0, x), f.iv(v + 1.0, x)) / 2.0),
    "zeta": lambda f, z, s, q: (0.0, f.product(-s, f.zeta(s + 1.0, q))),
    "betainc": lambda f, z, a, b, x: (0.0, 0.0, _density_of_beta(f, a, b, x)),
    "gammainc": lambda f, z, a, x: (0.0, _density_of_gamma(f, a, x)),
    "gammaincc": lambda f, z, a, x: (0.0, -_density_of_gamma(f, a, x)),
    "gamma": lambda f, z, x: (z * f.digamma(x),),
    "beta": lambda f, z, x, y: tuple(z * slope for slope in _slopes_of_betaln(f, x, y)),
    "betaln": lambda f, z, x, y: _slopes_of_betaln(f, x, y),
    "rel_entr": lambda f, z, x, y: (f.difference(f.log(x), f.log(y)) + 1, -f.quotient(x, y)),
    "side_off": lambda f, z, x: (f.side_off_slope(x),),
    "factored": lambda f, z, *xs: (0.0,) * len(xs),
    "mixed": lambda f, z, *xs: (f.mixed_slope(*xs),) * len(xs),
    "mixed_slope": lambda f, z, *xs: (f.mixed_bend(*xs),) * len(xs),
    "inverted": lambda f, z, *xs: _by_each_entry(f.inverted_slope, xs),
    "inverted_slope": lambda f, z, *xs: _by_each_entry(f.inverted_bend, xs),
    "eigenvalue": _of_eigenvalue,
    "eigenvector": _of_eigenvector,
}
"""By operation, the partial derivatives of z = f(x, y)."""
