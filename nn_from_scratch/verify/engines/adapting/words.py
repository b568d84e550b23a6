"""How an engine's operations are called: which of the words that engines have it takes, found by trying."""

from __future__ import annotations

from functools import partial
from types import ModuleType
from typing import Any

import numpy as np

from nn_from_scratch.verify.engines.abilities import abilities
from nn_from_scratch.verify.engines.adapting.guesses import MATRIX, Guess, equals, made, tried
from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.engines.spelled import spelled_operations
from nn_from_scratch.verify.engines.spelling import INDEX_ITEMS, Spelling
from nn_from_scratch.verify.questions.operations import ELEMENTWISE, OF_ARRAYS, OF_NUMPY

ALIASES = {
    "relu": ("ReLU", "Relu"),
    "sigmoid": ("Sigmoid", "logistic"),
    "tanh": ("Tanh",),
    "abs": ("absolute",),
    "arcsin": ("asin",),
    "arccos": ("acos",),
    "arctan": ("atan",),
    "arctan2": ("atan2",),
    "reciprocal": ("inv", "recip"),
    "exp": ("Exp",),
    "log": ("Log", "ln"),
    "maximum": ("max",),
    "reshape": ("view",),
    "broadcast_to": ("expand", "broadcast"),
    "transpose": ("permute", "T"),
    "concatenate": ("cat", "concat"),
    "matmul": ("dot", "mm"),
    "sum": ("summation",),
    "squeeze": ("squeeze",),
    "expand_dims": ("unsqueeze",),
    "clip": ("clamp",),
}
_Row = tuple[str, tuple[dict[str, Any], ...], dict[str, Any], Any]
_SUMS: tuple[dict[str, Any], ...] = ({}, {"axis": "dim"}, {"axis": "axes"}, {"axis": ""})
_ROWS: tuple[_Row, ...] = (
    ("sum", (*_SUMS, {"axis": None}), {"axis": 0}, MATRIX.sum(0)),
    ("sum", ({}, {"whole": False}), {"axis": None}, MATRIX.sum()),
    ("sum", ({}, {"negative_axes": False}), {"axis": -1}, MATRIX.sum(-1)),
    (
        "sum",
        ({}, {"axes": "list"}, {"axes": "apart"}, {"axes": None}),
        {"axis": (0, 1)},
        MATRIX.sum(),
    ),
    (
        "sum",
        ({}, {"keepdims": "keepdim"}, {"keepdims": ""}, {"keepdims": None}),
        {"axis": 0, "keepdims": True},
        MATRIX.sum(0, keepdims=True),
    ),
    ("sum", ({}, {"whole_keepdims": False}), {"axis": None, "keepdims": True}, MATRIX.sum(keepdims=True)),
    ("reshape", ({}, {"sizes": "apart"}, {"sizes": "list"}), {"shape": (3, 2)}, MATRIX.reshape(3, 2)),
    ("reshape", ({}, {"inferred_size": False}), {"shape": (-1,)}, MATRIX.ravel()),
    ("transpose", ({}, {"transpose": "two"}, {"transpose": "reversed"}), {"axes": (1, 0)}, MATRIX.T),
    (
        "index",
        ({}, {"index_arrays": "tuple"}, {"index_arrays": "array"}),
        {"index": ((0, 0),)},
        MATRIX[[0, 0]],
    ),
)
"""What is asked of a matrix, how it may be called, and what comes of it: the first way that does is taken."""
_INDEXED: dict[str, Any] = {
    "integer": 1,
    "slice": slice(1, 2),
    "step": slice(None, None, -1),
    "array": (0, 0),
    "mask": (True, False),
    "newaxis": None,
    "ellipsis": ...,
    "several": (slice(None), 1),
}
"""An index of a matrix that has one of the items that an index may have."""
_RANKS = (1, 2, 3)


def find_names(guess: Guess, module: ModuleType) -> None:
    """Find the operations that are functions of the module, or have another name than numpy's."""
    leaf = made(guess.kind, MATRIX if guess.arrays else 0.5, guess.leaves)
    every = [*ELEMENTWISE, *(name for name in OF_ARRAYS if guess.arrays and name not in OF_NUMPY)]
    methods = [name for name in every if hasattr(leaf, name)]
    functions = [name for name in every if name not in methods and _is_function(module, name)]
    if functions:
        guess.spelling["functions"] = module
    names = {}
    for name in every:
        if name in methods or name in functions:
            continue
        if name == "matmul" and hasattr(guess.kind, "__matmul__"):
            continue
        for alias in ALIASES.get(name, ()):
            if hasattr(leaf, alias) or _is_function(module, alias):
                names[name] = alias
                if not hasattr(leaf, alias):
                    guess.spelling["functions"] = module
                break
    if names.get("maximum") == "max" and tried(lambda: leaf.max(leaf)) is None:
        del names["maximum"]  # which reduces
    if names:
        guess.spelling["names"] = names


def find_words(guess: Guess) -> None:
    """Find how operations on arrays are called, one row of the table after the other.

    What only happens to hold arrays, and has neither a sum nor takes a cotangent, is of scalars.
    """
    if not guess.arrays:
        return
    if not _has(guess, "sum") and guess.spelling.get("cotangent", "") is None:
        guess.arrays = False
        del guess.spelling["cotangent"]
        return
    _find_ranks(guess)
    for name, ways, keywords, expected in _ROWS:
        for way in ways if _has(guess, name) else ():
            if _gives(guess, way, name, keywords, expected):
                guess.spelling |= way
                break
    _find_indices(guess)
    _find_what_is_no_reduction(guess)
    _find_operands(guess)


def _find_ranks(guess: Guess) -> None:
    """See of how many axes arrays may be: a leaf is made of one, and multiplied."""

    def holds(rank: int) -> bool:
        array = np.ones((2,) * rank)
        product = tried(lambda: getattr(made(guess.kind, array, guess.leaves) * 2.0, guess.value))
        if product is None:  # which may take no constants
            leaf = tried(lambda: made(guess.kind, array, guess.leaves))
            product = tried(lambda: getattr(leaf * leaf, guess.value) * 2.0)
        return bool(np.shape(product) == array.shape)

    ranks = tuple(rank for rank in _RANKS if holds(rank))
    if ranks != _RANKS:
        guess.spelling["ranks"] = ranks


def _find_indices(guess: Guess) -> None:
    """See what an index may have."""
    if not _has(guess, "index"):
        return
    ranks = guess.spelling.get("ranks", _RANKS)

    def gives(what: str) -> bool:
        index = _INDEXED[what]
        shown = list(index) if what in ("array", "mask") else index
        expected = MATRIX[shown]
        is_known = expected.ndim in ranks or not expected.ndim
        asked = "..." if index is ... else index
        keywords = {"index": index if what == "several" else (asked,)}
        return is_known and _gives(guess, {}, "index", keywords, expected)

    items = tuple(what for what in INDEX_ITEMS if gives(what))
    if items != INDEX_ITEMS:
        guess.spelling["index"] = items


def _find_what_is_no_reduction(guess: Guess) -> None:
    """See whether `max` and `min` are taken by what compares two operands."""
    lacks = []
    for name in set(guess.spelling.get("names", {}).values()) & {"max", "min"}:
        keywords = {"axis": 0} if guess.spelling.get("axis", "axis") is not None else {"axis": None}
        if not _gives(guess, {}, name, keywords, getattr(MATRIX, name)(**keywords)):
            lacks.append(name)
    if lacks:
        guess.spelling["lacks"] = tuple(sorted(lacks))


def find_matrix_products(guess: Guess, engine: Engine) -> None:
    """See of how many axes arrays are multiplied as matrices: what raises in one of the passes is not."""
    cases = [one.case for one in abilities() if one.form == ("matmul", "xx")]
    answers = {
        tuple(map(len, case.shapes)): tried(partial(engine.answer, case)) is not None for case in cases
    }
    for ranks in ((1, 2, 3), (2, 3), (1, 2), (2,)):
        if all(answers[pair] for pair in answers if {*pair} <= {*ranks}):
            if len(ranks) < 3:
                guess.spelling["matmul_ranks"] = ranks
            return


def _has(guess: Guess, name: str) -> bool:
    """Whether there is an operation of this name, or of one that stands for it."""
    called = guess.spelling.get("names", {}).get(name, name)
    places = (guess.kind, guess.spelling.get("functions"))
    return any(hasattr(place, "__getitem__" if name == "index" else called) for place in places)


def _gives(guess: Guess, way: dict[str, Any], name: str, keywords: dict[str, Any], expected: Any) -> bool:
    lacking = next((key for key, word in way.items() if word is None or word is False), None)
    if lacking:  # none of the ways that would have been asked before it
        return True
    table = Spelling(**{**guess.spelling, **way})
    operations = spelled_operations(table, [name], lambda node: getattr(node, guess.value))
    leaf = made(guess.kind, MATRIX, guess.leaves)
    found = tried(lambda: getattr(operations[name](leaf, **keywords), guess.value))
    return equals(found, expected) and np.ndim(found) >= np.ndim(expected)


def _find_operands(guess: Guess) -> None:
    """See what may stand beside a node, and whether it may have another shape."""
    row = MATRIX[0]
    broadcast = tried(lambda: made(guess.kind, MATRIX, guess.leaves) * made(guess.kind, row, guess.leaves))
    if broadcast is None:
        guess.spelling["broadcasts"] = False

    def takes(constant: Any) -> bool:
        leaf = made(guess.kind, MATRIX, guess.leaves)
        return equals(tried(lambda: getattr(leaf * constant, guess.value)), MATRIX * constant)

    taken = [what for what, constant in (("numbers", 2.0), ("arrays", MATRIX)) if takes(constant)]
    left = tried(lambda: getattr(MATRIX * made(guess.kind, MATRIX, guess.leaves), guess.value))
    if "arrays" in taken and not equals(left, MATRIX * MATRIX):
        taken.remove("arrays")  # numpy takes the node apart
    if len(taken) < 2:
        guess.spelling["constants"] = taken[0] if taken else None


def _is_function(module: ModuleType, name: str) -> bool:
    found = getattr(module, name, None)
    return callable(found) and not isinstance(found, type) and getattr(found, "__module__", "") != "numpy"


def said(spelling: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a table that differ from its defaults."""
    plain = Spelling()
    return {key: word for key, word in spelling.items() if word != getattr(plain, key)}
