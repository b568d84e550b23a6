"""The README's table of functions says what takes nodes, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from nn_from_scratch.composing import COMPOSING
from nn_from_scratch.constant_functions import CONSTANT_FUNCTIONS, CONSTANT_UFUNCS
from nn_from_scratch.elementwise_rules import ELEMENTWISE_FUNCTIONS
from nn_from_scratch.joining import JOINING
from nn_from_scratch.linear_algebra import LINEAR_ALGEBRA
from nn_from_scratch.numpy_functions import FUNCTIONS, UFUNCS, UFUNCS_OF_ARRAYS
from nn_from_scratch.products import PRODUCTS
from nn_from_scratch.rearranging import REARRANGING
from nn_from_scratch.reducing import REDUCING
from nn_from_scratch.scanning import SCANNING
from nn_from_scratch.special_rules import SPECIAL_NAMES

README = (Path(__file__).parents[1] / "README.md").read_text()
LISTED = {
    row[1]: row[2].split(", ")
    for row in re.finditer(r"^\| (`[^|]*|[^|`]*) \| `([^|]*)` \|$", README, re.MULTILINE)
}
NOT_SHOWN = {"amax", "amin", "around", "matrix_rank", "lexsort", "spacing"}
NEW_IN_NUMPY = {"matvec", "vecmat", "unstack", "vecdot", "cumulative_sum", "cumulative_prod"}


def name(function: Any) -> str:
    """Return a function's name behind numpy's."""
    inner = next(
        (f"{one}." for one in ("linalg", "lib.stride_tricks") if function.__module__.endswith(one)), ""
    )
    return f"{inner}{function.__name__}"


def groups() -> dict[str, set[str]]:
    """Return the names of the functions that the engine takes, by rows of the table."""
    grouped: dict[str, Any] = {
        "one element by itself": {
            *(*UFUNCS, *ELEMENTWISE_FUNCTIONS),
            *(np.clip, np.divmod, np.heaviside, np.where, np.select),
        }
        - {np.matmul},
        "reductions": REDUCING,
        "along an axis": {*SCANNING, np.bincount},
        "products": {*PRODUCTS, *UFUNCS_OF_ARRAYS, np.matmul},
        "what moves elements": {
            *REARRANGING,
            *(np.broadcast_to, np.squeeze, np.expand_dims, np.transpose, np.matrix_transpose, np.full_like),
        },
        "what joins": JOINING,
        "what is made of these": COMPOSING,
        "linear algebra": LINEAR_ALGEBRA,
        "plain values, for they are constant between jumps": {
            *(*CONSTANT_UFUNCS, *CONSTANT_FUNCTIONS),
            *(np.shape, np.ndim, np.size),
        },
    }
    found = {row: {name(function) for function in functions} for row, functions in grouped.items()}
    return {**found, "`scipy.special`, where scipy is installed": set(SPECIAL_NAMES)}


def test_table_lists_what_takes_nodes() -> None:
    expected = groups()
    assert set(LISTED) >= set(expected)
    for row, names in expected.items():
        listed = set(LISTED[row])
        assert listed - NEW_IN_NUMPY <= names, f"{row}: no rule for {listed - names}"
        assert names - NOT_SHOWN <= listed, f"{row}: add {sorted(names - listed)} to the README"


def test_everything_with_a_rule_is_in_one_row() -> None:
    shown = {one for names in groups().values() for one in names}
    everything = {name(function) for function in (*FUNCTIONS, *UFUNCS, *CONSTANT_UFUNCS)}
    assert everything <= shown
