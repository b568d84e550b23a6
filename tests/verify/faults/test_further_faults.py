"""Planted bugs in operations that an engine need not have are caught and blamed, with every seed."""

from collections.abc import Iterator

import pytest
from long_runs import half
from narrowed import narrowed

from nn_from_scratch.verify.campaign.direct import Direct, ask_directly
from nn_from_scratch.verify.faults.further import FURTHER_FAULTS, further_victim
from nn_from_scratch.verify.faults.hunt import hunt
from nn_from_scratch.verify.faults.of_numpy import NUMPY_FAULTS
from nn_from_scratch.verify.faults.of_scipy import SCIPY_FAULTS
from nn_from_scratch.verify.faults.planting import Fault
from nn_from_scratch.verify.faults.victim import Victim
from nn_from_scratch.verify.judging.examine import examine
from nn_from_scratch.verify.oracles import pytorch
from nn_from_scratch.verify.questions.direct_further import ROWS
from nn_from_scratch.verify.questions.generate import case, seeded
from nn_from_scratch.verify.questions.generate_arrays import array_case
from nn_from_scratch.verify.questions.operations import (
    ALL_FORMS,
    ARRAY_FORMS,
    FUNCTIONS_OF_NUMPY,
    FUNCTIONS_OF_SCIPY,
    FURTHER,
    FURTHER_ARRAYS,
    FURTHER_FORMS,
    OF_NUMPY,
    OF_SCIENCE,
    SPECIAL_FUNCTIONS,
)

pytestmark = pytest.mark.once  # PyTorch is left out of all of them

SEEDS = (2, 3, 4)
OF_LIBRARIES = (*NUMPY_FAULTS, *SCIPY_FAULTS)
ASKED = [(fault, seed) for fault in FURTHER_FAULTS for seed in SEEDS] + [(fault, 2) for fault in OF_LIBRARIES]
AROUND = ("mul", "add", "neg")


@pytest.fixture(scope="module", autouse=True)
def without_pytorch() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pytorch, "version", lambda: None)
        yield


@pytest.mark.parametrize(("fault", "seed"), ASKED, ids=lambda one: getattr(one, "name", one))
def test_fault_is_caught_and_blamed(fault: Fault, seed: int) -> None:
    caught = hunt(fault, seed=seed)
    assert caught is not None
    assert fault.explains(caught.blamed)


@pytest.mark.parametrize("fault", half([*FURTHER_FAULTS, *OF_LIBRARIES]), ids=lambda fault: fault.name)
def test_fault_is_caught_by_direct_questions(fault: Fault) -> None:
    found = Direct()
    engine = narrowed(fault.engine(), fault.blamed, *AROUND)
    ask_directly(engine, found, lambda: fault.blamed not in {one.operation for one, _ in found.failing})
    assert fault.blamed in {question.operation for question, _ in found.failing}


@pytest.mark.parametrize("name", half([*FURTHER, *FURTHER_ARRAYS]))
def test_the_victim_without_a_fault_is_right(name: str) -> None:
    engine = further_victim(name).engine("victim")
    for forms, draw in ((engine.forms, case), (engine.array_forms, array_case)):
        known = [form for form in forms if form[0] in (name, *AROUND)]
        if any(form[0] == name for form in known):
            drawn = (draw(seeded(1, k), known) for k in range(40 if name in OF_NUMPY else 80))
            assert not [one for one in drawn if examine(engine, one).verdict.accuses]
    found = Direct()
    ask_directly(narrowed(engine, name, *AROUND), found, lambda: True)
    assert [str(question.case) for question, _ in found.failing] == []
    assert found.checked[name] > (len(ROWS[name]) if name in OF_NUMPY else 10)


def test_every_further_operation_has_faults_of_several_kinds() -> None:
    for name in (*SPECIAL_FUNCTIONS, *OF_SCIENCE):
        assert len([fault for fault in FURTHER_FAULTS if fault.blamed == name]) >= 3, name
    assert {fault.blamed for fault in NUMPY_FAULTS} == {*OF_NUMPY, *FUNCTIONS_OF_NUMPY}
    assert {fault.blamed for fault in SCIPY_FAULTS} == {*FUNCTIONS_OF_SCIPY}
    every = (*FURTHER_FAULTS, *OF_LIBRARIES)
    assert len({fault.name for fault in every}) == len(every)


def test_victims_have_the_further_operation_that_is_theirs_and_no_other() -> None:
    assert Victim().engine("plain").forms == ALL_FORMS
    assert set(further_victim("erf").engine("one").forms) == {*ALL_FORMS, ("erf", "x")}
    assert ("erf", "x") in FURTHER_FORMS
    assert set(Victim().engine("plain").array_forms) == {*ALL_FORMS, *ARRAY_FORMS}
