"""The published table of JAX's own operations: what it says holds."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest
from long_runs import WHOLE

from nn_from_scratch.verify.oracles import reference

jax = pytest.importorskip("jax")
pytestmark = pytest.mark.once

RECORD = reference.read("traced_jax.json")
FOUND: dict[str, dict[str, Any]] = RECORD["found"]
EQUAL = "right: formula equal at this point to "


def recorder() -> Any:
    path = Path(__file__).parents[3] / "reference" / "record_traced_jax.py"
    spec = importlib.util.spec_from_file_location("record_traced_jax", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_no_operation_of_jax_is_accused_and_483_are_equal_to_50_digits() -> None:
    said = [found[mode] for found in FOUND.values() for mode in ("fwd", "rev") if mode in found]
    assert not [words for words in said if words.startswith("wrong")]
    equal = [
        found for found in FOUND.values() if all(found.get(m, "").startswith(EQUAL) for m in ("fwd", "rev"))
    ]
    assert len(equal) == RECORD["equal"] >= 483
    assert min(int(found[m].removeprefix(EQUAL).split()[0]) for found in equal for m in ("fwd", "rev")) >= 50
    assert {"dot_general", "conv_general_dilated", "scan", "cholesky", "scatter-add"} <= set(
        RECORD["primitives"]
    )


def test_table_holds_what_is_asked() -> None:
    assert list(FOUND) == recorder().variants()


@pytest.mark.parametrize("variant", FOUND if WHOLE else list(FOUND)[::40])
def test_recorded_operations_are_found_so_again(variant: str) -> None:
    if "not asked" in FOUND[variant] or jax.__version__ != RECORD["provenance"]["jax"]:
        pytest.skip("JAX has no derivative of it, or another version recorded it")
    again = recorder().asked(variant)
    assert {key: words(x) for key, x in again.items()} == {key: words(x) for key, x in FOUND[variant].items()}


def words(said: Any) -> Any:
    """Return what is said without the line of the code that it is said of."""
    return said.split(" (")[0] if isinstance(said, str) else said
