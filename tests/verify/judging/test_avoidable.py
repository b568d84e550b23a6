import json
import math
from io import StringIO

import numpy as np
import pytest
from rich.console import Console

from nn_from_scratch.verify import Engine, load, verify
from nn_from_scratch.verify.campaign.statistics import Statistics
from nn_from_scratch.verify.faults import RULES, Victim
from nn_from_scratch.verify.judging.avoidable import Loss, avoidable_loss
from nn_from_scratch.verify.judging.examine import examine
from nn_from_scratch.verify.oracles import taylor
from nn_from_scratch.verify.questions.cases import single
from nn_from_scratch.verify.questions.formats import FORMATS
from nn_from_scratch.verify.questions.telling_points import telling_cases
from nn_from_scratch.verify.results import tables

FLOAT64 = FORMATS["float64"]


def with_partial(name: str, partial: object) -> Engine:
    return Victim({**RULES, name: (RULES[name][0], lambda z, x: (partial(z, x),))}).engine("one")  # type: ignore[operator]


def loss_of(engine: Engine, name: str, at: float) -> Loss:
    return avoidable_loss(examine(engine, single(name, "x", [at])), engine.format)


def test_sigmoid_at_40_by_one_minus_itself_loses_all_digits() -> None:
    usual = with_partial("sigmoid", lambda z, x: z * (1 - z))
    better = with_partial("sigmoid", lambda z, x: z * z * math.exp(-x))
    assert loss_of(better, "sigmoid", 40.0) == Loss()
    lost = loss_of(usual, "sigmoid", 40.0)
    # s'(40) is 4.248e-18, and to change x by u changes it by 40 u of itself: log10(41) digits are not there.
    assert lost.digits == pytest.approx(-math.log10(41 * 2.0**-53), abs=0.01)
    assert lost.example.startswith(
        "sigmoid(x0) at x0 = 40.0: the derivative for x0 is 0.0, expected 4.248354255"
    )


def test_what_the_inputs_rounding_takes_is_not_avoidable() -> None:
    # Next to 1.5707963 the tangent is as sensitive as it is large: nobody knows these digits.
    engine = Victim().engine("plain")
    assert loss_of(engine, "tan", 1.5707963).digits < 1
    assert loss_of(engine, "cos", 1.5707963) == Loss()
    wobbling = with_partial("exp", lambda z, x: z * (1 + 300 * 2.0**-53 * np.sign(x)))
    assert loss_of(wobbling, "exp", 700.0) == Loss()
    assert loss_of(wobbling, "exp", 0.5).digits == pytest.approx(math.log10(300 / 1.5), abs=0.05)


def test_conditions_are_those_of_closed_forms() -> None:
    # exp: x f' / f is x, for the value as for the derivative.
    engine = with_partial("exp", lambda z, x: z * (1 + 1e-12))
    for x in (0.25, 3.0, 40.0):
        expected = math.log10(1e-12 / (2.0**-53 * (1 + x)))
        assert loss_of(engine, "exp", x).digits == pytest.approx(expected, abs=0.01)


def test_what_is_wrong_or_out_of_range_loses_no_digits() -> None:
    assert loss_of(with_partial("exp", lambda z, x: 2 * z), "exp", 1.0) == Loss()
    assert loss_of(with_partial("sigmoid", lambda z, x: 0.0), "sigmoid", 720.0) == Loss()
    assert loss_of(with_partial("exp", lambda z, x: math.inf), "exp", 1.0) == Loss()


def test_telling_points_lie_in_the_domains() -> None:
    engine = load("nn_from_scratch")
    drawn = list(telling_cases(engine.forms))
    asked = {case.expression.steps[0].operation for case in drawn}
    assert asked == {name for name, kinds in engine.forms if len(kinds) <= 2 and "c" not in kinds}
    for case in drawn:
        value, slopes = taylor.enclose(case.expression, case.point)
        assert all(ball.is_finite() for ball in (value, *slopes)), case


def test_losses_are_merged_and_kept_by_operation() -> None:
    engine = with_partial("sigmoid", lambda z, x: z * (1 - z))
    first, second = Statistics(), Statistics()
    first.measure(examine(engine, single("sigmoid", "x", [20.0])), FLOAT64)
    second.measure(examine(engine, single("sigmoid", "x", [40.0])), FLOAT64)
    second.measure(examine(engine, single("exp", "x", [1.0])), FLOAT64)
    first.merge(second)
    assert "at x0 = 40.0" in first.losses["sigmoid"].example
    assert first.losses["exp"] == Loss()


@pytest.mark.once
def test_losses_are_shown_and_not_gated() -> None:
    engine = with_partial("sigmoid", lambda z, x: z * (1 - z))
    results = verify(engine, graphs=20, grades=("rules", "accuracy"))
    assert results["verdict"] == "right"
    row = json.loads(json.dumps(results))["operations"]["sigmoid"]
    assert row["avoidable_digits_lost"] == 14.3
    assert row["avoidable_example"].startswith("sigmoid(x0) at x0 = 40.0: the derivative for x0 is 0.0")
    assert results["operations"]["exp"]["avoidable_digits_lost"] == 0.0
    shown = StringIO()
    tables.show_verify(
        Console(file=shown, width=200), {**results, "operations": {"sigmoid": {**row, "checked": 1}}}
    )
    assert "avoidable digits lost" in shown.getvalue()
    assert "14.3" in shown.getvalue()
