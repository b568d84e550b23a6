from nn_from_scratch.verify.power import detection_power

CAMPAIGN = detection_power()["false_alarms"]


def test_recorded_campaign_is_of_a_million_graphs_or_more() -> None:
    rows = CAMPAIGN["engines"].values()
    assert sum(row["scalar"] + row["arrays"] for row in rows) >= 1_000_000
    assert CAMPAIGN["engines"]["nn_from_scratch"]["second order"] >= 80_000


def test_recorded_campaign_accuses_no_right_engine() -> None:
    assert not CAMPAIGN["accusations"]
    for name, row in CAMPAIGN["engines"].items():
        assert row["accused"] == 0, name
        assert row["undecided"] < 0.03 * (row["scalar"] + row["arrays"]), name


def test_every_resolved_accusation_has_a_cause() -> None:
    causes = [one["cause"].partition(":")[0] for one in CAMPAIGN["resolved"]]
    assert set(causes) == {"tolerance", "engine", "oracle and adapter"}


def test_finite_differences_were_right_about_their_own_error() -> None:
    row = CAMPAIGN["finite differences"]
    assert row["derivatives"] > 10_000
    assert row["in the interval"] >= 0.999 * row["derivatives"]
    assert row["derivatives"] - row["in the interval"] == len(row["outside"])
