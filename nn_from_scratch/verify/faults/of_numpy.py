"""Faults of what numpy has beside what every engine is asked; the victim has only the one that is wrong."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from nn_from_scratch.verify.faults.array_rules import PULLS, Pull, shared, spread
from nn_from_scratch.verify.faults.further_rules import FURTHER_RULES, sinc_slope
from nn_from_scratch.verify.faults.numpy_rules import (
    NUMPY_PULLS,
    eigenvectors,
    interp,
    multilinear,
    norm,
    of_eigenvalues,
    of_eigenvectors,
    quantile,
    std,
    symmetric,
    turns,
    var,
)
from nn_from_scratch.verify.faults.planting import Fault
from nn_from_scratch.verify.faults.rules import RULES
from nn_from_scratch.verify.faults.victim import Victim


def _pull(rule: str, description: str, wrong: Pull) -> Fault:
    victim = Victim(whole={**PULLS, rule: (NUMPY_PULLS[rule][0], wrong)})
    text = f"{rule} has {description}"
    return Fault(f"{rule}: {description}", text, rule, victim, "arrays", (rule, "mul", "add"), rule)


def derivative(
    rule: str, description: str, wrong: Callable[..., tuple[Any, ...]], kind: str = "local derivative"
) -> Fault:
    """Plant wrong partial derivatives of an operation that works element by element."""
    victim = Victim({**RULES, rule: (FURTHER_RULES[rule][0], wrong)}, PULLS)
    text = f"{rule} has {description}"
    return Fault(f"{rule}: {description}", text, rule, victim, kind, (rule, "mul", "add"), rule)


def _overwritten(name: str) -> Pull:
    """Return a rule that writes a cotangent to the place of each entry, and adds nothing up."""
    function = NUMPY_PULLS[name][0]

    def pulled(g: Any, _z: Any, x: Any, **keywords: Any) -> tuple[Any]:
        found = np.zeros(np.size(x))
        places = function(np.arange(np.size(x)).reshape(np.shape(x)), **keywords)
        found[np.ravel(places)] = np.ravel(g)
        return (found.reshape(np.shape(x)),)

    return pulled


def _in_order(g: Any, _z: Any, x: Any, **_: Any) -> tuple[Any]:
    """Give the first entries the cotangent, whatever was taken."""
    found = np.zeros(np.size(x))
    found[: np.size(g)] = np.ravel(g)[: np.size(x)]
    return (found.reshape(np.shape(x)),)


def _columns_first(g: Any, _z: Any, x: Any) -> tuple[Any]:
    return (np.reshape(g, np.shape(x), order="F"),)


def _reversed_diagonal(x: Any, offset: int, axis1: int, axis2: int) -> Any:
    return np.diagonal(x, offset, axis1, axis2)[..., ::-1]


def _divided(g: Any, z: Any, x: Any, axis: Any) -> tuple[Any]:
    """Divide sums of products by each entry, which may be 0."""
    turned = np.flip(np.cumsum(np.flip(g * z, axis), axis), axis or 0)
    return (np.divide(turned.reshape(np.shape(x)), x),)


def _uncentred(g: Any, _z: Any, x: Any, axis: Any, ddof: int, keepdims: bool) -> tuple[Any]:
    """Forget that the mean moves: and subtract none."""
    number = np.size(x) / np.size(np.mean(x, axis)) - ddof
    return (spread(g, x, axis, keepdims) * 2 * x / number,)


def _uncounted(rule: Pull) -> Pull:
    """Return a rule that forgets what is subtracted from the number of entries."""
    return lambda g, z, x, ddof, **how: rule(g, z, x, ddof=0, **how)


def _second_detached(name: str) -> Pull:
    def pulled(g: Any, z: Any, x: Any, y: Any, **how: Any) -> tuple[Any, Any]:
        return NUMPY_PULLS[name][1](g, z, x, y, **how)[0], 0 * y

    return pulled


def _in_either_order(g: Any, z: Any, x: Any, y: Any, axis: int) -> tuple[Any, Any]:
    """Forget that the product changes its sign with the order."""
    first, second = NUMPY_PULLS["cross"][1](g, z, x, y, axis=axis)
    return first, -second


def _unpadded(g: Any, _z: Any, x: Any, pad_width: Any) -> tuple[Any]:
    """Give the first entries of the cotangent, whatever stands in front."""
    return (g[tuple(map(slice, np.shape(x)))],)


def _rolled_on(x: Any, shift: Any, axis: Any) -> Any:
    return np.roll(x, np.negative(shift), axis)


def _not_transposed(g: Any, _z: Any, x: Any) -> tuple[Any]:
    return (np.expand_dims(g, (-1, -2)) * np.linalg.inv(x),)


def _number_power(g: Any, _z: Any, x: Any, n: int) -> tuple[Any]:
    """Apply a number's rule, as if matrices could be exchanged."""
    return (n * np.swapaxes(np.linalg.matrix_power(x, n - 1), -1, -2) @ g,)


def _added(g: Any, _z: Any, x: Any, **how: Any) -> tuple[Any]:
    places = [shared(x, extreme(x, **how), **how) for extreme in (np.max, np.min)]
    return (spread(g, x, **how) * (places[0] + places[1]),)


def _upper_middle(g: Any, _z: Any, x: Any, axis: Any, keepdims: bool) -> tuple[Any]:
    """Give all to one of two entries in the middle."""
    rows = np.moveaxis(np.ravel(x) if axis is None else x, axis or 0, 0)
    found = np.zeros(rows.shape)
    order = np.argsort(rows, 0, kind="stable")
    np.put_along_axis(found, order[[len(rows) // 2]], np.reshape(g, (1, *rows.shape[1:])), 0)
    return (np.moveaxis(found, 0, axis or 0).reshape(np.shape(x)),)


def _square_transposed(g: Any, z: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """Transpose what the second operand gets, where nobody sees it by the shape."""
    first, second = NUMPY_PULLS["dot"][1](g, z, x, y)
    square = np.ndim(second) == 2 and second.shape[0] == second.shape[1]
    return first, second.T if square else second


def _turned_kernel(g: Any, z: Any, x: Any, y: Any, mode: str) -> tuple[Any, Any]:
    first, second = NUMPY_PULLS["convolve"][1](g, z, x, y, mode=mode)
    return first, second[::-1]


def _turned_other(g: Any, z: Any, x: Any, y: Any, mode: str) -> tuple[Any, Any]:
    first, second = NUMPY_PULLS["correlate"][1](g, z, x, y, mode=mode)
    return first, second[::-1]


def _first_slope(g: Any, z: Any, x: Any, y: Any, xp: Any) -> tuple[Any, Any]:
    return g * (y[1] - y[0]) / (xp[1] - xp[0]) + 0 * x, interp(g, z, x, y, xp)[1]


def _always_the_middle(g: Any, z: Any, x: Any, q: Any, **how: Any) -> tuple[Any]:
    return quantile(g, z, x, 0 * np.asarray(q) + 0.5, **how)


def _at_the_end(g: Any, z: Any, x: Any, q: Any, **how: Any) -> tuple[Any]:
    """Take what is asked of the smallest for the largest."""
    return quantile(g, z, x, np.subtract(1.0, q), **how)


def _rows_for_columns(g: Any, _z: Any, x: Any) -> tuple[Any]:
    """Take the rows of the eigenvectors for the vectors."""
    rows = np.swapaxes(eigenvectors(x), -1, -2)
    return (np.expand_dims(g, -2) * rows @ np.swapaxes(rows, -1, -2),)


def _on_its_diagonal(g: Any, _z: Any, x: Any) -> tuple[Any]:
    """Forget that the vectors are not those of a diagonal matrix."""
    return (np.expand_dims(g, -2) * np.eye(np.shape(x)[-1]),)


def _turned_from_one_side(g: Any, z: Any, x: Any) -> tuple[Any]:
    return (symmetric(z @ turns(g, z, x)),)


def _not_symmetric(g: Any, z: Any, x: Any) -> tuple[Any]:
    return (z @ turns(g, z, x) @ np.swapaxes(z, -1, -2),)


def _without_gaps(g: Any, z: Any, _x: Any) -> tuple[Any]:
    inner = np.swapaxes(z, -1, -2) @ g * (1 - np.eye(np.shape(z)[-1]))
    return (symmetric(z @ inner @ np.swapaxes(z, -1, -2)),)


_OF_TWO = ("dot", "inner", "outer", "kron", "tensordot")
NUMPY_FAULTS: tuple[Fault, ...] = (
    derivative("exp2", "the rule of exp", lambda z, x: (z,)),
    derivative("exp2", "x times the power of x - 1", lambda z, x: (x * np.exp2(x - 1),)),
    derivative("log2", "the rule of log", lambda z, x: (1 / x,)),
    derivative("log10", "the rule of log2", lambda z, x: (1 / (x * math.log(2)),)),
    derivative("log10", "ln 10 to 7 digits", lambda z, x: (1 / (x * 2.302585),), "precision"),
    derivative("cbrt", "a root of the operand's size", lambda z, x: (1 / (3 * z * abs(z)),)),
    derivative("cbrt", "the rule of sqrt", lambda z, x: (1 / (2 * z),)),
    derivative("arcsinh", "the rule of arcsin", lambda z, x: (1 / np.sqrt(np.abs(1 - x * x) + 1e-300),)),
    derivative("arcsinh", "no root", lambda z, x: (1 / (x * x + 1),)),
    derivative("arccosh", "the rule of arcsinh", lambda z, x: (1 / np.sqrt(x * x + 1),)),
    derivative("arctanh", "the rule of arctan", lambda z, x: (1 / (1 + x * x),)),
    derivative("sinc", "no pi", lambda z, x: (sinc_slope(z, x) / math.pi,)),
    derivative("sinc", "a cosine for its slope", lambda z, x: (np.cos(np.pi * x),)),
    derivative("deg2rad", "the rule of rad2deg", lambda z, x: (180 / math.pi,)),
    derivative("deg2rad", "pi to 7 digits", lambda z, x: (3.141593 / 180,), "precision"),
    derivative("rad2deg", "1", lambda z, x: (1.0,)),
    derivative("logaddexp2", "the rule of logaddexp", lambda z, x, y: (np.exp(x - z), np.exp(y - z))),
    derivative("logaddexp2", "its shares exchanged", lambda z, x, y: (np.exp2(y - z), np.exp2(x - z))),
    derivative("remainder", "nothing for the divisor", lambda z, x, y: (1.0, 0 * y)),
    derivative("remainder", "the rule of fmod", FURTHER_RULES["fmod"][1]),
    derivative("fmod", "the quotient itself for the divisor", lambda z, x, y: (1.0, -x / y)),
    derivative("fmod", "the rule of remainder", FURTHER_RULES["remainder"][1]),
    _pull("take", "a repeated index's cotangent overwritten", _overwritten("take")),
    _pull("compress", "the first entries' places", _in_order),
    _pull("repeat", "the last copy's cotangent only", _overwritten("repeat")),
    _pull("diagonal", "its entries from the end", multilinear(_reversed_diagonal)[1]),
    _pull("swapaxes", "the cotangent reshaped", lambda g, z, x, **_: (np.reshape(g, np.shape(x)),)),
    _pull("ravel", "columns first", _columns_first),
    _pull("flatten", "columns first", _columns_first),
    _pull(
        "trace",
        "every entry's cotangent, not the diagonal's",
        multilinear(lambda x, offset, axis1, axis2: np.sum(x, (axis1, axis2)))[1],
    ),
    *(_pull(name, "its second operand detached", _second_detached(name)) for name in _OF_TWO),
    _pull("dot", "its second gradient transposed where it is square", _square_transposed),
    _pull("cumprod", "a division by each entry, which may be 0", _divided),
    _pull("cumprod", "the rule of cumsum", multilinear(np.cumsum)[1]),
    _pull("var", "all entries counted, whatever ddof is", _uncounted(var)),
    _pull("var", "no mean subtracted", _uncentred),
    _pull("std", "all entries counted, whatever ddof is", _uncounted(std)),
    _pull("std", "the rule of var", var),
    _pull("cross", "one sign for both operands", _in_either_order),
    _pull("roll", "the cotangent rolled on", multilinear(_rolled_on)[1]),
    _pull("flip", "the cotangent as it comes", multilinear(lambda x, axis: x)[1]),
    _pull("moveaxis", "the cotangent reshaped", lambda g, z, x, **_: (np.reshape(g, np.shape(x)),)),
    _pull("tril", "a cotangent above the diagonal", multilinear(lambda x, k: x)[1]),
    _pull("triu", "nothing on its lowest diagonal", multilinear(lambda x, k: np.triu(x, k + 1))[1]),
    _pull("tile", "the last copy's cotangent only", _overwritten("tile")),
    _pull("pad", "what the padding gets given to the first entries", _unpadded),
    _pull("diff", "its sign turned", multilinear(lambda x, n, axis: -np.diff(x, n, axis))[1]),
    _pull("trapezoid", "whole ends", multilinear(lambda x, dx, axis: dx * np.sum(x, axis))[1]),
    _pull("average", "no weights", multilinear(lambda x, axis, weights: np.mean(x, axis))[1]),
    _pull("norm", "no division by the length", lambda g, z, x, **how: norm(g, 1, x, **how)),
    _pull("slogdet", "the inverse not transposed", _not_transposed),
    _pull("matrix_power", "a number's rule", _number_power),
    _pull("eigvalsh", "rows of vectors for columns", _rows_for_columns),
    _pull("eigvalsh", "the rule of a diagonal matrix", _on_its_diagonal),
    _pull("eigvalsh", "one triangle only", lambda g, z, x: (np.tril(of_eigenvalues(g, z, x)[0]),)),
    _pull("eigvalsh", "descending values", lambda g, z, x: of_eigenvalues(g[..., ::-1], z, x)),
    _pull("eigh", "gaps of the other sign", lambda g, z, x: (-of_eigenvectors(g, z, x)[0],)),
    _pull("eigh", "no gaps", _without_gaps),
    _pull("eigh", "its cotangent not made symmetric", _not_symmetric),
    _pull("eigh", "one triangle only", lambda g, z, x: (np.tril(of_eigenvectors(g, z, x)[0]),)),
    _pull("eigh", "vectors from one side only", _turned_from_one_side),
    _pull("positive", "its sign turned", lambda g, z, x: (-g,)),
    _pull("nan_to_num", "nothing below 0", lambda g, z, x: (g * (x > 0),)),
    _pull("diag", "its entries from the end", multilinear(lambda x, k: np.diag(x, k)[::-1])[1]),
    _pull("rot90", "the cotangent turned on", multilinear(lambda x, k, axes: np.rot90(x, -k, axes))[1]),
    _pull("delete", "the first entries' places", _in_order),
    _pull("nansum", "a mean's share", NUMPY_PULLS["nanmean"][1]),
    _pull("nanmean", "a sum's share", NUMPY_PULLS["nansum"][1]),
    _pull("convolve", "its second operand turned round", _turned_kernel),
    _pull("fabs", "no sign", lambda g, z, x: (g,)),
    _pull("fmax", "the smaller one", NUMPY_PULLS["fmin"][1]),
    _pull("fmin", "all for the first operand", lambda g, z, x, y: (g + 0 * z, 0 * z)),
    _pull("copysign", "no sign of the first operand", lambda g, z, x, y: (g * np.sign(y), 0 * g)),
    _pull("ptp", "the smallest entry's sign turned", _added),
    _pull("median", "all for one of two in the middle", _upper_middle),
    _pull("correlate", "its second operand turned round", _turned_other),
    _pull("interp", "the slope of the first line for all", _first_slope),
    _pull("interp", "nothing for its values", lambda g, z, x, y, xp: (interp(g, z, x, y, xp)[0], 0 * y)),
    _pull("quantile", "the largest for the smallest", _at_the_end),
    _pull("percentile", "a quantile that is always the middle", _always_the_middle),
)
"""Bugs planted into operations that numpy has."""
