"""Series of special functions: what is cut off is enclosed, and what is kept is as good as is asked."""

from collections.abc import Callable

import pytest
from flint import arb, arb_series

from nn_from_scratch.verify.oracles import special_series
from nn_from_scratch.verify.oracles.series import about, expanded, working

pytestmark = pytest.mark.once


@pytest.mark.parametrize("terms", [1, 3, 8])
@pytest.mark.parametrize("x", [0.5, -2.0])
@pytest.mark.parametrize(("sign", "bessel"), [(-1, arb.bessel_j), (1, arb.bessel_i)])
def test_what_is_left_of_a_bessel_series_is_enclosed(
    sign: int, bessel: Callable[[arb, int], arb], x: float, terms: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(special_series, "_BESSEL_TERMS", terms)
    with working(256, 3):
        point = arb_series([x, 1])
        exact = [bessel(arb(x), order) for order in range(4)]
        truth = (exact[0], sign * exact[1], (exact[2] + sign * exact[0]) / 4)
        truth_of_odd = (exact[1], (exact[0] + sign * exact[2]) / 2, (exact[3] + 3 * sign * exact[1]) / 8)
        even, odd = (special_series.bessel_series(sign, order)(point) for order in (0, 1))
        for found, true in ((even, truth), (odd, truth_of_odd)):
            assert all(found[k].overlaps(true[k]) for k in range(3))
            assert all(1e-40 < float(found[k].rad()) < 1 for k in range(3))
        monkeypatch.setattr(special_series, "_rest", lambda *_: arb_series([1]))
        cut_off = special_series.bessel_series(sign, 0)(point)
    assert not any(cut_off[k].overlaps(truth[k]) for k in range(3))


def test_a_series_that_is_kept_is_not_given_where_more_bits_or_coefficients_are_asked() -> None:
    asked = []

    def squared(x: arb_series) -> arb_series:
        asked.append(x)
        return (x * x).exp()

    with working(53, 2):
        rough = expanded(squared, arb_series([arb(0.7), 1]))
    with working(256, 2):
        fine = expanded(squared, arb_series([arb(0.7), 1]))
        again = expanded(squared, arb_series([arb(0.7), 3]))
        of_a_ball = expanded(squared, arb_series([arb(0.7, 1e-9), 1]))
    assert (len(asked), about(squared, arb(0.7), 256, 4)[3].is_finite()) == (3, True)
    assert rough[0].rel_accuracy_bits() < 60
    assert fine[0].rel_accuracy_bits() > 200
    assert (3 * fine[1]).overlaps(again[1])
    assert 1e-10 < float(of_a_ball[0].rad()) < 1e-8
