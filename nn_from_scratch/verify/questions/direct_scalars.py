"""At which numbers an operation is asked directly: ordinary ones, special ones, ties."""

from __future__ import annotations

from collections.abc import Sequence

from nn_from_scratch.verify.questions.generate import BESIDE, askable
from nn_from_scratch.verify.questions.operations import ELEMENTWISE

_ORDINARY: dict[int, tuple[tuple[float, ...], ...]] = {
    1: ((0.7,), (-1.3,), (0.35,), (2.6,)),
    2: ((0.7, 1.9), (-1.3, 0.6), (2.3, -0.8), (1.7, 0.4)),
    3: ((0.7, 1.9, -0.4), (-1.3, 0.6, 2.2)),
}
_BOUNDS = (-0.8, 1.1)
_WITH_ORDERS = ((2.0, 1.9), (3.0, -1.3), (1.0, 0.4))
OWN_ORDINARY: dict[str, tuple[tuple[float, ...], ...]] = {
    "clip": ((0.4, *_BOUNDS),),
    **dict.fromkeys(("jv", "iv"), _WITH_ORDERS),
    "zeta": ((2.3, 0.6), (4.0, 1.9), (1.7, 0.4)),
    "betainc": ((0.7, 1.9, 0.4), (2.0, 3.0, 0.7), (2.2, 0.6, 0.35)),
}
_ZEROS = ((0.0,), (0.0, 0.6), (0.6, 0.0), (0.0, 1.9, -0.4))
_FURTHER: dict[str, tuple[tuple[float, ...], ...]] = {
    "log": ((1e-9,), (1e-30,), (1e9,)),
    "log1p": ((1e-9,),),
    "sqrt": ((1e-9,), (1e-30,)),
    "exp": ((20.0,),),
    "tan": ((1e-5,),),
    "sigmoid": ((40.0,), (-40.0,)),
    "softplus": ((-40.0,), (25.0,)),
    "tanh": ((1e-5,), (-8.0,)),
    "cos": ((50.0,),),
    "sin": ((50.0,),),
    "pow": (
        (0.0, 0.0),
        (0.0, 2.0),
        (0.0, 3.0),
        (-1.3, 2.0),
        (-1.3, 3.0),
        (-1.3, -1.0),
        (-1.3, 1.0),
        (2.0, 0.0),
        (1.0, -1.3),
    ),
    "div": ((1e-9, 3.0),),
    "erf": ((0.5,), (5.9,), (-30.0,)),
    "erfc": ((10.0,), (26.0,), (-30.0,)),
    "lgamma": (
        (1e-30,),
        (-1e-8,),
        (-0.99999999,),
        (-3.5,),
        (-7.000001,),
        (2.0000001,),
        (0.9999999,),
        (-2.0000001,),
        (1e30,),
    ),
    "digamma": (
        (1e-8,),
        (-1e-8,),
        (-0.9999999,),
        (-3.5,),
        (-7.000001,),
        (0.9999999,),
        (1.4616321449683622,),
        (1e30,),
    ),
    "sinc": ((1e-8,), (-2.0,)),
    "arcsinh": ((-1e5,), (1e150,)),
    "arccosh": ((1.00000001,),),
    "expit": ((40.0,), (-40.0,)),
    "log_expit": ((40.0,), (-40.0,)),
    "log_ndtr": ((-30.0,), (30.0,)),
    "erfinv": ((0.99999999,), (-1e-5,)),
    "erfcinv": ((1e-8,), (1e-30,), (1.73,)),
    "ndtri": ((1e-8,), (1e-30,), (0.864,), (0.99999999,)),
    "erfcx": ((1e-8,), (26.6,), (1e4,), (-20.0,)),
    **dict.fromkeys(("j0", "j1"), ((2.404825557695773,), (3.8317059702075125,), (-24.0,))),
    **dict.fromkeys(("i0", "i1"), ((7.7,), (-24.0,))),
    "jv": ((0.0, 2.404825557695773), (1.0, 0.0), (2.0, 0.0), (7.0, 1e-3), (10.0, -24.0)),
    "iv": ((0.0, 0.0), (1.0, 0.0), (2.0, 0.0), (7.0, 1e-3), (10.0, -24.0)),
    "zeta": ((1.001, 0.5), (2.0, 1.0), (10.0, 1e-3), (3.0, 1e4)),
    "betainc": ((1.0, 1.0, 0.3), (0.5, 0.5, 1e-5), (0.1, 3.0, 0.8), (10.0, 4.0, 0.7), (3.0, 0.1, 0.999)),
    **dict.fromkeys(
        ("gammainc", "gammaincc"), ((0.5, 1e-5), (0.1, 3.0), (10.0, 4.0), (3.0, 30.0), (1.0, 1.0))
    ),
    "gamma": ((1e-8,), (-1e-8,), (-0.5,), (-3.5,), (-7.000001,), (20.5,), (150.0,)),
    **dict.fromkeys(("beta", "betaln"), ((1.0, 1.0), (8.5, 1.7), (1e-8, 1.7), (30.0, 40.0))),
    "rel_entr": ((1.5, 1.500000001), (1e-8, 1.7), (1.7, 1e-8), (1e-8, 1e-8)),
    "remainder": ((-7.3, 2.0), (7.3, -2.0), (1e5, 0.7)),
    "fmod": ((-7.3, 2.0), (7.3, -2.0), (1e5, 0.7)),
    "clip": tuple((x, *_BOUNDS) for x in (-2.5, *_BOUNDS, 2.5)),
    "where": ((0.7, 1.5, 1.5),),
}
"""Numbers at which public engines have gone wrong, beside those of the catalogue."""


def ordinary(name: str, kinds: str) -> list[tuple[float, ...]]:
    """Return operand values of no special kind, the first for questions in roles."""
    if name in OWN_ORDINARY:
        return list(OWN_ORDINARY[name])
    found = [values for values in _ORDINARY[len(kinds)] if askable(name, kinds, values)]
    return found[:3]


def special(name: str, kinds: str) -> list[tuple[float, ...]]:
    """Return the operand values that are special: zeros, ties, the catalogue's."""
    operation, count = ELEMENTWISE[name], len(kinds)
    first, second = 1.7, 0.6
    found: list[tuple[float, ...]] = [values for values in _ZEROS if len(values) == count]
    if count == 1:
        found += [(x,) for x in (1.0, -1.0, *operation.special)]
    if count == 2:
        found += [(1.5, 1.5), (-1.0, 2.0)]
        found += [(first, x) for x in operation.special]
        if name != "pow":
            found += [(x, second) for x in operation.special]
        if operation.distance:
            found += [(1.5, 1.5 * near) for near in BESIDE[1:]]
    found += _FURTHER.get(name, ())
    inside = [
        values for values in dict.fromkeys(found) if name == "clip" or _may_be_asked(name, kinds, values)
    ]
    return [values for values in inside if values not in ordinary(name, kinds)]


def _may_be_asked(name: str, kinds: str, values: Sequence[float]) -> bool:
    # 0 ** y is 0 for all positive y, so it has a derivative by y, and x ** y one by x at 0.
    zero_power = name == "pow" and values[0] == 0 and values[1] >= 1 and values[1].is_integer()
    return zero_power or askable(name, kinds, values)
