"""Every planted fault is caught with every seed, by graphs alone too, as `record_seeds.py` has recorded."""

import pytest
from long_runs import WHOLE, part

from nn_from_scratch.verify.faults import FAULTS, Fault, Victim
from nn_from_scratch.verify.faults.seeds import DEFAULT_GRAPHS, caught
from nn_from_scratch.verify.oracles.reference import read
from nn_from_scratch.verify.state import CHECKS

SEEDS = range(20)


@pytest.mark.once
@pytest.mark.parametrize("fault", part(FAULTS), ids=lambda fault: fault.name)
def test_fault_is_caught_with_every_seed(fault: Fault) -> None:
    seeds = SEEDS if WHOLE else SEEDS[5:6]
    found = caught(fault, seeds, graphs=0 if fault.blamed in CHECKS else DEFAULT_GRAPHS)
    assert found.seeds(direct_questions=False) == len(seeds)
    assert found.seeds(direct_questions=True) == len(seeds)


@pytest.mark.once
def test_a_rare_fault_is_caught_by_direct_questions_with_seeds_that_miss_it() -> None:
    (fault,) = (one for one in FAULTS if one.name == "broadcast_to: no sum")
    found = caught(fault, [0], graphs=1)
    assert (found.directly, found.by_graphs) == (True, {0: None})
    assert (found.seeds(direct_questions=True), found.seeds(direct_questions=False)) == (1, 0)


@pytest.mark.once
def test_no_fault_is_caught_where_there_is_none() -> None:
    found = caught(Fault("none", "no fault", "mul", Victim(), "none"), [0], graphs=40)
    assert (found.directly, found.by_checks, found.by_graphs) == (False, False, {0: None})


def test_record_says_that_every_fault_is_caught_with_every_seed() -> None:
    recorded = read("seeds.json")["faults"]
    assert recorded.keys() == {fault.name for fault in FAULTS}
    for how in ("seeds with direct questions", "seeds without"):
        assert [name for name, row in recorded.items() if row[how] < len(SEEDS)] == []


@pytest.mark.once
def test_what_only_a_check_of_state_shows_is_caught() -> None:
    (fault,) = (one for one in FAULTS if one.name == "aliased")
    assert caught(fault, [0], graphs=1).by_checks
