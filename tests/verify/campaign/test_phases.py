"""What is said of an engine whose process died often."""

import pytest

from nn_from_scratch.verify.campaign.phases import alarms_of_deaths
from nn_from_scratch.verify.engines.deaths import Death

pytestmark = pytest.mark.once


def test_deaths_that_are_told_in_ever_other_words_take_few_lines() -> None:
    crash = Death("Crashed", "the process died of SIGABRT", again=True, printed="")
    deaths = [
        Death("InvalidAnswer", f"a line that is no JSON: {k}", again=False, printed="") for k in range(9)
    ]
    ended = "the engine's process ended"
    assert alarms_of_deaths([crash, *deaths, crash], {"random graphs": "its process died 12 times"}) == [
        f"{ended} 2 times: Crashed, the process died of SIGABRT",
        *(f"{ended} 1 time: InvalidAnswer, a line that is no JSON: {k}" for k in range(3)),
        f"{ended} 6 times: InvalidAnswer, in other words",
        "random graphs: not all was asked, for its process died 12 times",
    ]
