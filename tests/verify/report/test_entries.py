from nn_from_scratch.verify.report.entries import entries


def names(failure: dict[str, object]) -> list[str]:
    return [row[0] for row in entries(failure)["rows"]]


def test_entries_name_the_value_and_each_coordinate() -> None:
    failure = {
        "point": [0.5, 2.0],
        "got": [1.0, 2.0, 3.0],
        "expected": [1.0, 2.5, 3.0],
        "tolerance": [0.1] * 3,
    }
    assert entries(failure)["rows"] == [
        ("the value", 1.0, 1.0, 0.0, 0.1),
        ("x0 = 0.5", 2.0, 2.5, 0.5, 0.1),
        ("x1 = 2.0", 3.0, 3.0, 0.0, 0.1),
    ]


def test_entries_of_arrays_are_named_by_their_index() -> None:
    failure = {"point": [1.0, 2.0, 3.0], "shapes": [[1, 2], []], "got": [0.0] * 5}
    assert names(failure) == ["value 0", "value 1", "x0[0, 0] = 1.0", "x0[0, 1] = 2.0", "x1 = 3.0"]


def test_entries_whose_shapes_do_not_fit_are_numbered() -> None:
    assert names({"point": [1.0, 2.0], "shapes": [[7]], "got": [0.0, 0.0]}) == ["x0 = 1.0", "x1 = 2.0"]


def test_entries_of_an_engine_that_raised_are_none() -> None:
    assert entries({"point": [1.0], "got": [], "expected": []}) == {"rows": [], "more": 0}


def test_entries_without_a_number_have_no_difference() -> None:
    assert entries({"point": [1.0], "got": [None], "expected": [2.0]})["rows"] == [
        ("x0 = 1.0", None, 2.0, None, None)
    ]


def test_entries_beyond_the_limit_are_counted() -> None:
    found = entries({"point": [1.0] * 100, "got": [1.0] * 100})
    assert (len(found["rows"]), found["more"]) == (64, 36)
