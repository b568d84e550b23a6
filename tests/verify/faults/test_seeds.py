"""Every planted fault is caught with every seed, which `reference/record_seeds.py` records."""

import pytest
from long_runs import part

from nn_from_scratch.verify.faults import FAULTS, Fault, Victim
from nn_from_scratch.verify.faults.seeds import caught
from nn_from_scratch.verify.oracles.reference import read

SEEDS = range(20)


@pytest.mark.once
@pytest.mark.parametrize("fault", part(FAULTS), ids=lambda fault: fault.name)
def test_fault_is_caught_with_every_seed(fault: Fault) -> None:
    directly = caught(fault, SEEDS, graphs=0)
    found = directly if directly.seeds(direct_questions=True) else caught(fault, SEEDS)
    assert found.seeds(direct_questions=True) == len(SEEDS)


def test_a_rare_fault_is_caught_by_direct_questions_with_seeds_that_miss_it() -> None:
    (fault,) = (one for one in FAULTS if one.name == "broadcast_to: no sum")
    found = caught(fault, [0], graphs=1)
    assert (found.directly, found.by_graphs) == (True, {0: None})
    assert (found.seeds(direct_questions=True), found.seeds(direct_questions=False)) == (1, 0)


def test_no_fault_is_caught_where_there_is_none() -> None:
    found = caught(Fault("none", "no fault", "mul", Victim(), "none"), [0], graphs=40)
    assert (found.directly, found.by_checks, found.by_graphs) == (False, False, {0: None})


def test_record_says_that_every_fault_is_caught_with_every_seed() -> None:
    recorded = read("seeds.json")["faults"]
    assert recorded.keys() == {fault.name for fault in FAULTS}
    assert [name for name, row in recorded.items() if row["seeds with direct questions"] < len(SEEDS)] == []


def test_what_only_a_check_of_state_shows_is_caught() -> None:
    (fault,) = (one for one in FAULTS if one.name == "aliased")
    assert caught(fault, [0], graphs=1).by_checks
