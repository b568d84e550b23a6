import re
from collections import Counter

from nn_from_scratch.verify.power import detection_power

CAMPAIGN = detection_power()["false_alarms"]


def test_recorded_campaign_is_large() -> None:
    rows = CAMPAIGN["engines"]
    assert len(rows) == 47
    assert sum(row["scalar"] + row["arrays"] for row in rows.values()) == 4_305_000
    assert sum(row["by turns"] for row in rows.values()) == 430_500
    assert rows["nn_from_scratch"]["scalar"] + rows["nn_from_scratch"]["arrays"] == 1_400_000
    assert rows["nn_from_scratch"]["second order"] == 385_000


CONFIRMED = {
    "autograd": [("sinc(", "error", "OverflowError")],
    "pytorch": [
        ("det(x0)", "wrong", r"is -?0\.0, expected"),
        ("ndtr(", "wrong", r"^the value is -?0\.0, expected"),
        ("kron(inv(x0)", "error", "view size is not compatible"),
    ],
    "jax under jit": [
        ("** 0.0", "wrong", r"is nan, expected 0\.0"),
        *((name, "inaccurate", "") for name in ("cosh(", "sinh(", "tanh(log(x0)) at x0 = 1")),
        *((name, "wrong", "^the value is") for name in ("beta(", "betaln(")),
        *((name, "wrong", r"derivative for .* expected 0\.0") for name in ("log1p(i0(", "softmax(i0(")),
    ],
}
"""By engine, operations with a fault that was confirmed by hand, the verdict, and what is told of each."""


def test_recorded_campaign_accuses_no_right_engine() -> None:
    found = Counter(confirmed["engine"] for confirmed in CAMPAIGN["accusations"])
    assert found == {"jax under jit": 14, "pytorch": 8, "autograd": 5}
    for one in CAMPAIGN["accusations"]:
        assert any(
            operation in one["case"] and one["verdict"] == verdict and re.search(told, one["message"])
            for operation, verdict, told in CONFIRMED[one["engine"]]
        ), one
    for name, row in CAMPAIGN["engines"].items():
        assert row["accused"] == found[name], name
        assert not row["known faults"] or name in CONFIRMED
        most = {"float16": 0.06, "bfloat16": 0.06, "float32": 0.03}.get(name.rpartition(", ")[2], 0.02)
        assert row["undecided"] <= most * (row["scalar"] + row["arrays"] + row["by turns"]), name


def test_no_oracle_contradicts_the_others() -> None:
    assert CAMPAIGN["contradictions"] == []
    assert sum(row["witnessed"] for row in CAMPAIGN["engines"].values()) > 5_000


def test_every_resolved_accusation_has_a_cause() -> None:
    causes = [one["cause"].partition(":")[0] for one in CAMPAIGN["resolved"]]
    assert set(causes) == {"tolerance", "engine", "oracle", "oracle and adapter"}


def test_finite_differences_were_right_about_their_own_error() -> None:
    row = CAMPAIGN["finite differences"]
    assert row["derivatives"] > 10_000
    assert row["in the interval"] >= 0.999 * row["derivatives"]
    assert row["derivatives"] - row["in the interval"] == len(row["outside"])
