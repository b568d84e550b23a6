"""Every table that an operation needs a row in has one: whoever adds an operation is told what is missing."""

import importlib
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from closed_forms import CLOSED_FORMS

from nn_from_scratch.rules import RULES
from nn_from_scratch.verify.faults import array_rules
from nn_from_scratch.verify.faults import rules as victim_rules
from nn_from_scratch.verify.faults.further_rules import FURTHER_PULLS, FURTHER_RULES
from nn_from_scratch.verify.judging import tolerance
from nn_from_scratch.verify.judging.usual_derivatives import PARTIALS
from nn_from_scratch.verify.oracles.finite_differences import NUMPY
from nn_from_scratch.verify.oracles.pytorch import LACKING
from nn_from_scratch.verify.oracles.taylor import SERIES
from nn_from_scratch.verify.questions.generate import GUIDE
from nn_from_scratch.verify.questions.guide_of_arrays import WHOLE
from nn_from_scratch.verify.questions.lower import Tracer
from nn_from_scratch.verify.questions.operations import ARRAYS, CATALOGUE, ELEMENTWISE, OF_ARRAYS, WRITTEN

Tables = dict[str, Mapping[str, Any]]

SCALARS: Tables = {
    "CATALOGUE and FURTHER in verify/questions/operations.py": ELEMENTWISE,
    "GUIDE in verify/questions/generate.py": GUIDE,
    "SERIES in verify/oracles/taylor.py": SERIES,
    "NUMPY in verify/oracles/finite_differences.py": NUMPY,
    "_VALUES in verify/judging/tolerance.py": tolerance._VALUES,
    "PARTIALS in verify/judging/usual_derivatives.py": PARTIALS,
    "RULES in verify/faults/rules.py, FURTHER_RULES in further_rules.py": {
        **victim_rules.RULES,
        **FURTHER_RULES,
    },
    "CLOSED_FORMS in tests/closed_forms.py": CLOSED_FORMS,
}
WHOLE_ARRAYS: Tables = {
    "ARRAYS and FURTHER_ARRAYS in verify/questions/operations.py": OF_ARRAYS,
    "WHOLE in verify/questions/guide_of_arrays.py": WHOLE,
    "Tracer.arithmetic in verify/questions/lower.py": {
        name: row for name, row in Tracer().arithmetic(()).items() if name not in ELEMENTWISE
    },
    "PULLS in verify/faults/array_rules.py, FURTHER_PULLS in further_rules.py": {
        **array_rules.PULLS,
        **FURTHER_PULLS,
    },
}
OUR_SCALARS: Tables = {
    "CATALOGUE in verify/questions/operations.py": CATALOGUE,
    "the rows of nn_from_scratch/rules.py": {name: row for name, row in RULES.items() if name not in ARRAYS},
}
OUR_ARRAYS: Tables = {
    "ARRAYS in verify/questions/operations.py": ARRAYS,
    "the rows of nn_from_scratch/rules.py": {
        name: row for name, row in RULES.items() if name not in CATALOGUE
    },
}


def gaps(tables: Tables) -> Iterator[str]:
    """Yield each row that a table lacks and another has."""
    operations = dict.fromkeys(name for table in tables.values() for name in table if name not in WRITTEN)
    for place, table in tables.items():
        yield from (f"{place} has no row for {name}" for name in operations if name not in table)


def without(tables: Tables, place: str, name: str) -> Tables:
    rows = {key: row for key, row in tables[place].items() if key != name}
    return {**tables, place: rows}


def with_pytorch(tables: Tables) -> Tables:
    """Add PyTorch's table, where PyTorch is installed."""
    try:
        module = importlib.import_module("nn_from_scratch.verify.oracles.pytorch_operations")
    except ImportError:
        return tables
    asked = {name for table in tables.values() for name in table}
    operations = {**module.OPERATIONS, **dict.fromkeys(LACKING, "lacking")}
    rows = {name: row for name, row in operations.items() if name in asked}
    return {**tables, "OPERATIONS in verify/oracles/pytorch_operations.py": rows}


@pytest.mark.parametrize("tables", [OUR_SCALARS, OUR_ARRAYS], ids=["scalars", "arrays"])
def test_our_engine_has_the_operations_that_every_engine_is_asked(tables: Tables) -> None:
    assert not list(gaps(tables))


@pytest.mark.parametrize("tables", [SCALARS, WHOLE_ARRAYS], ids=["scalars", "arrays"])
def test_every_table_has_every_operation(tables: Tables) -> None:
    assert not list(gaps(with_pytorch(tables)))


@pytest.mark.parametrize(
    ("tables", "place", "name"),
    [(SCALARS, place, "tanh") for place in SCALARS]
    + [(SCALARS, place, "erf") for place in SCALARS]
    + [(WHOLE_ARRAYS, place, "softmax") for place in WHOLE_ARRAYS]
    + [(OUR_SCALARS, place, "tanh") for place in OUR_SCALARS],
)
def test_the_table_without_a_row_is_named(tables: Tables, place: str, name: str) -> None:
    assert list(gaps(without(tables, place, name))) == [f"{place} has no row for {name}"]
