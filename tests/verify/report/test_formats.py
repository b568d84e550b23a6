import pytest

from nn_from_scratch.verify.report.formats import number, quantity, seconds


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1990, "1,990"),
        (0.2099, "0.21"),
        (3.2e-15, "3.2×10⁻¹⁵"),
        (123456.7, "1.23×10⁵"),
        (None, "–"),
        (0.0, "0"),
    ],
)
def test_number_is_short(value: float | None, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (41.3, "41.3 s"),
        (0.0052, "5.2 ms"),
        (9.1e-5, "91 µs"),
        (119.7, "2 min 0 s"),
        (11400, "3 h 10 min"),
        (0, "0 s"),
    ],
)
def test_seconds_have_the_unit_that_suits_them(value: float, text: str) -> None:
    assert seconds(value) == text


def test_quantity_scales_bytes_and_seconds() -> None:
    given = [(640_184.0, "bytes"), (96.0, "bytes"), (0.0052, "seconds"), (3, "nodes")]
    assert [quantity(*pair) for pair in given] == ["640 kB", "96 bytes", "5.2 ms", "3 nodes"]
