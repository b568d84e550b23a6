"""Sixteen functions as users write them: right in both formats, and proved wrong with a tiny fault.

XLA compiles a hundred times for each: all are asked in `tox -e long`, a part of them otherwise.
"""

from typing import Any

import pytest

jax = pytest.importorskip("jax")
pytestmark = pytest.mark.once  # XLA compiles the same for every Python

from hand_written_gradients import planted  # noqa: E402
from hand_written_jax import RULES, example  # noqa: E402
from long_runs import WHOLE  # noqa: E402

from nn_from_scratch.verify.functions.jaxpr.checking import examine  # noqa: E402
from nn_from_scratch.verify.judging.verdicts import Verdict  # noqa: E402

FORMATS = ("float32", "float64")
BY_TURNS = [(name, FORMATS[k % 2]) for k, name in enumerate(RULES)][::5]
IN_BOTH = [(name, dtype) for name in RULES for dtype in FORMATS]


def rows(name: str, dtype: str) -> dict[str, Any]:
    with jax.enable_x64(dtype == "float64"):
        function, inputs = example(name, dtype)
        return {row.name: row for row in examine(function, inputs, 1, ("rev",))}


@pytest.mark.parametrize(("name", "dtype"), IN_BOTH if WHOLE else BY_TURNS)
def test_right_functions_are_equal_to_70_digits(name: str, dtype: str) -> None:
    found = rows(name, dtype)
    assert {row.verdict for row in found.values()} <= {Verdict.RIGHT, None}, found
    assert found["reverse mode"].said.startswith("formula equal at this point to 7")
    for way in ("eagerly", "under jit", "under vmap"):
        said = found[f"reverse mode {way}"].said
        units = float(said.removeprefix("numbers within ").removesuffix(" units"))
        assert units < 64, found
    assert "within its rounding" in found["reverse mode by operation"].said


@pytest.mark.parametrize("name", [*RULES] if WHOLE else [*RULES][1::5])
def test_a_constant_changed_by_1e_14_is_proved_wrong(name: str) -> None:
    with planted(1e-14):
        found = rows(name, "float32")
    assert found["reverse mode"].verdict is Verdict.WRONG, found
    assert found["reverse mode"].said.startswith("formula proved to differ, by ")
