"""Single operations at points where a formula that is right may still lose digits.

Near 0 and far from it one term of a formula is small beside the other; near 1 logarithms and the inverses of
sine and cosine have their zeros and ends.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from nn_from_scratch.verify.questions.cases import Case, single
from nn_from_scratch.verify.questions.operations import ELEMENTWISE, Form

_ALONE = (1e-8, -1e-8, 1e-4, 0.3, -0.3, 0.9999999, -0.9999999, 1.0000001, 3.0, -3.0, 40.0, -40.0, 300.0)
_PAIRS = ((1e-8, 2.0), (2.0, 1e-8), (0.9999999, 40.0), (1.0, -40.0), (40.0, 1.0), (3.0, 3.0000001))


def telling_cases(forms: Collection[Form]) -> Iterator[Case]:
    """Yield every operation alone, its operands nodes, at all of these points in its domain."""
    for name, kinds in forms:
        if "c" in kinds or len(kinds) > 2:
            continue
        inside = ELEMENTWISE[name].inside
        points = [(x,) for x in _ALONE] if len(kinds) == 1 else _PAIRS
        yield from (single(name, kinds, values) for values in points if inside(*values))
