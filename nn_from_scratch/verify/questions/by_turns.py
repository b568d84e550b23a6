"""Graphs by turns: each asks one operation, and which one, of what and in which role goes by turns.

Steps drawn at random (`generate`) ask often what is common, and what is rare in few of 2,000 graphs, or none:
the product of two vectors, a sum whose operand is used again. Here all that is to be asked lies in a deck of
cards: every form at every special number, and of arrays with all shapes and keywords. The seed shuffles the
deck, and no card is dealt twice before all were dealt once, which statisticians call stratified sampling.
What a card leaves open is drawn: the numbers, the cotangent, and what else stands in the graph.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.direct_arrays import elementwise, whole
from nn_from_scratch.verify.questions.direct_scalars import ordinary
from nn_from_scratch.verify.questions.generate import BESIDE, GUIDE, POINTS, Choose, askable, within_range
from nn_from_scratch.verify.questions.guide_of_arrays import WHOLE
from nn_from_scratch.verify.questions.operations import ELEMENTWISE, OPERATIONS, Form
from nn_from_scratch.verify.questions.roles import (
    ALONE,
    DEAD,
    INNER,
    LAST,
    RESULT_TWICE,
    TWICE,
    USED_AFTER,
    USED_BEFORE,
    Asked,
    Surroundings,
    alone,
    roles,
    twice,
)
from nn_from_scratch.verify.questions.sketches import COTANGENT, cycled

Floats = npt.NDArray[np.float64]

_EVERYWHERE = (0.0, 1.0, -30.0)
"""Numbers that are special to every operation whose domain they are in; the last is far from 0."""
_SINGLE = (ALONE, INNER, LAST, DEAD)
_OTHERS = (*_SINGLE, RESULT_TWICE, TWICE)
_ROLES: tuple[tuple[str, ...], ...] = ((USED_BEFORE,), _OTHERS, (USED_AFTER,), _OTHERS)
"""The roles by turns: in every other graph an operand is used again."""
_ATTEMPTS = 20  # at a number inside the domain, and at numbers whose result is in range


@dataclass(frozen=True, slots=True)
class Card:
    """What one turn asks.

    Parameters
    ----------
    asked
        The operation, its operands' kinds and shapes, and its keywords, with ordinary values.
    pinned
        Which operand is a special number, and which.
    sign
        1 or -1 where the other operands have this sign; 0 where they have either.

    """

    asked: Asked
    pinned: tuple[int, float] | None = None
    sign: int = 0


def case_by_turns(choose: Choose, seed: int, turn: int, forms: tuple[Form, ...], *, arrays: bool) -> Case:
    """Draw the graph of a turn.

    Parameters
    ----------
    choose
        The source of choices.
    seed
        How the deck is shuffled.
    turn
        Whose turn it is, from 0.
    forms
        The operations, and sides of their constants, that may be asked, and may stand around another.
    arrays
        Whether it is a graph of arrays.

    """
    deck = _deck(forms, arrays)
    dealt, place = divmod(turn, len(deck))
    number = _shuffled(len(deck), seed, dealt)[place]
    card = deck[number]
    asked = _with_numbers(card, choose)
    wanted = _ROLES[(number + seed + dealt) % len(_ROLES)]
    if card.pinned and wanted is _OTHERS:
        wanted = _SINGLE  # a special number may cost digits, and sums of a node with itself hide them
    drawn = _in_a_role(asked, _surroundings(forms), wanted, choose)
    if not arrays:
        return drawn
    first = choose(len(COTANGENT))
    cotangent = cycled(COTANGENT[first:] + COTANGENT[:first], len(drawn.cotangent))
    return replace(drawn, cotangent=cotangent)


_surroundings = lru_cache(maxsize=32)(Surroundings.of)


@lru_cache(maxsize=32)
def _deck(forms: tuple[Form, ...], arrays: bool) -> tuple[Card, ...]:
    """Return all that is asked by turns; the cards of an operation lie side by side."""
    cards = _cards_of_arrays if arrays else _cards_of_scalars
    return tuple(card for name, kinds in forms for card in cards(name, kinds))


@lru_cache(maxsize=32)
def _shuffled(count: int, seed: int, dealt: int) -> list[int]:
    """Return the order in which so many cards are dealt, when the deck was dealt so often before."""
    uniform = random.Random(f"{seed}/turns/{dealt}").random
    keys = [uniform() for _ in range(count)]
    return sorted(range(count), key=keys.__getitem__)


def _cards_of_scalars(name: str, kinds: str) -> Iterator[Card]:
    """Yield a card for each operand at each special number; of a single operand one of none, too.

    Where a number is special to this operation, the other operand is positive and negative by turns.
    """
    asked = Asked(name, kinds, ordinary(name, kinds)[0], {}, arrays=False)
    if len(kinds) == 1:
        yield Card(asked)
    for side, kind in enumerate(kinds):
        if _is_bound(name, kind):
            continue
        for number in _special(name, asked):
            signs = (1, -1) if len(kinds) == 2 and number in OPERATIONS[name].special else (0,)
            for sign in signs:
                others = [_signed(x, sign) for x in (*POINTS, 0.7, 1.3)]
                choices = [[number] if k == side else others for k in range(len(kinds))]
                if name == "clip" or any(askable(name, kinds, values) for values in product(*choices)):
                    yield Card(asked, (side, number), sign)


def _special(name: str, asked: Asked) -> list[float]:
    own = asked.values[1:] if name == "clip" else OPERATIONS[name].special
    return list(dict.fromkeys((*own, *_EVERYWHERE)))


def _signed(number: float, sign: int) -> float:
    """Return a number with a sign, or as it is; 0 has none."""
    return sign * abs(number) if sign and number else number


def _is_bound(name: str, kind: str) -> bool:
    """Whether an operand is one of two that have an order, and stay as they are."""
    return name == "clip" and kind == "c"


def _cards_of_arrays(name: str, kinds: str) -> Iterator[Card]:
    """Yield a card for all shapes and keywords of which the operation is asked directly."""
    if name not in ELEMENTWISE:
        found: dict[Any, Asked] = {}  # by what makes a card another
        for _, asked in whole(name):
            found.setdefault((asked.kinds, *map(np.shape, asked.values), *asked.parameters.items()), asked)
        yield from map(Card, found.values())
        return
    every = [asked for _, asked in elementwise(name, kinds)]
    yield from map(Card, every if len(every) > 1 else every * 2)


def _in_a_role(asked: Asked, around: Surroundings, wanted: Collection[str], choose: Choose) -> Case:
    """Put the operation into one of the wanted roles; alone where there is none."""
    found = [ask for role, ask in roles(asked, around) if role in wanted]
    found += [partial(ask, asked) for role, ask in ((TWICE, twice), (ALONE, alone)) if role in wanted]
    question = found[choose(len(found))]() if found else None
    return (question or alone(asked)).case


def _with_numbers(card: Card, choose: Choose) -> Asked:
    """Return what a card asks, of numbers that are drawn: special ones, ties, and short decimals."""
    asked = card.asked
    draw = _of_elements if asked.operation in ELEMENTWISE else _of_a_whole
    for _ in range(_ATTEMPTS):
        values = draw(card, choose)
        if values is not None:
            return replace(asked, values=[x if np.ndim(x) or asked.arrays else float(x) for x in values])
    return asked


class _Numbers:
    """A source of numbers for the operands of an operation.

    No special one comes twice before all came once, but where equal numbers are ties.
    """

    def __init__(self, name: str, asked: Asked, choose: Choose) -> None:
        self.choose = choose
        self.special = _special(name, asked)
        self.ties = OPERATIONS[name].distance is not None
        self.left: list[float] = []

    def draw(self, earlier: Sequence[float]) -> float:
        """Draw a number: one of few, a tie with an earlier one, or a short decimal."""
        kind = self.choose(8)
        if kind < 3:
            self.left = self.left or list(self.special)
            place = self.choose(len(self.left))
            return self.left[place] if self.ties else self.left.pop(place)
        if kind == 3:
            return POINTS[self.choose(len(POINTS))]
        if kind < 6 and self.ties and earlier:
            return earlier[self.choose(len(earlier))] * BESIDE[self.choose(len(BESIDE))]
        return (1 - 2 * self.choose(2)) * (1 + self.choose(2999)) / 1000


def _of_elements(card: Card, choose: Choose) -> list[Floats] | None:
    """Draw operands entry by entry, each so that all stay inside the domain; None if they do not."""
    name, kinds = card.asked.operation, card.asked.kinds
    forms = kinds.replace("a", "c")
    entries = [np.ravel(value).tolist() for value in card.asked.values]
    shapes = [np.shape(value) for value in card.asked.values]
    places = [np.arange(len(numbers)).reshape(shape) for numbers, shape in zip(entries, shapes, strict=True)]
    cells = list(zip(*(np.ravel(place).tolist() for place in np.broadcast_arrays(*places)), strict=True))
    fixed = {side for side, kind in enumerate(kinds) if _is_bound(name, kind)}
    if card.pinned:
        side, number = card.pinned
        entries[side] = [number]
        fixed.add(side)

    def inside(cells: list[tuple[int, ...]]) -> bool:
        return all(
            askable(name, forms, [numbers[k] for numbers, k in zip(entries, cell, strict=True)])
            for cell in cells
        )

    numbers = _Numbers(name, card.asked, choose)
    for side in sorted(range(len(kinds)), key=forms.__getitem__):  # constants first
        for place in range(len(entries[side])) if side not in fixed else ():
            around = [cell for cell in cells if cell[side] == place]
            kept, earlier = entries[side][place], [x for row in entries[:side] for x in row]
            for _ in range(_ATTEMPTS):
                entries[side][place] = _signed(numbers.draw(earlier), card.sign)
                if inside(around):
                    break
            else:
                entries[side][place] = kept
    values = [
        np.array(row, dtype=np.float64).reshape(shape) for row, shape in zip(entries, shapes, strict=True)
    ]
    if not inside(cells):
        return None
    results = ([numbers[k] for numbers, k in zip(entries, cell, strict=True)] for cell in cells)
    return values if all(_in_range(GUIDE[name], *operands) for operands in results) else None


def _of_a_whole(card: Card, choose: Choose) -> list[Floats] | None:
    """Draw operands of an operation on whole arrays; None if its result is not in range."""
    name = card.asked.operation
    numbers = _Numbers(name, card.asked, choose)
    values = []
    for value in card.asked.values:
        drawn: list[float] = []
        for _ in range(np.size(value)):
            drawn.append(numbers.draw(drawn))
        values.append(np.array(drawn, dtype=np.float64).reshape(np.shape(value)))
    if name == "cholesky":
        values[0] = values[0] + 4.0 * np.eye(values[0].shape[-1])

    def result(*operands: Floats) -> Any:
        return WHOLE[name](*operands, **card.asked.parameters)

    return values if _in_range(result, *values) else None


def _in_range(function: Callable[..., Any], *operands: Any) -> bool:
    """Whether the guide's value is finite, and neither too small nor too large to go on from."""
    try:
        with np.errstate(all="ignore"):
            result = function(*operands)
    except (ArithmeticError, ValueError):
        return False
    return all(within_range(x, extreme=True) for x in np.ravel(result).tolist())
