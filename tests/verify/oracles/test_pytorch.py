import sys

import numpy as np
import pytest

from nn_from_scratch.verify.engines.loading import load
from nn_from_scratch.verify.judging.tolerance import derive_rounding
from nn_from_scratch.verify.judging.verdicts import Verdict, judge
from nn_from_scratch.verify.oracles import pytorch, taylor
from nn_from_scratch.verify.questions.cases import Case, single
from nn_from_scratch.verify.questions.expressions import Expression, Step
from nn_from_scratch.verify.questions.formats import FORMATS
from nn_from_scratch.verify.questions.generate import case, seeded
from nn_from_scratch.verify.questions.operations import as_index

torch = pytest.importorskip("torch")
from nn_from_scratch.verify.oracles.pytorch_operations import AS_A_WITNESS, OPERATIONS  # noqa: E402


def verdicts(one: Case) -> list[Verdict]:
    truth = taylor.enclose(one.expression, one.point)[1]
    radii = derive_rounding(one.expression, one.point, FORMATS["float64"]).derivatives
    got = pytorch.gradient(one).tolist()
    return [
        judge(entry, ball, radius, FORMATS["float64"]).verdict
        for entry, ball, radius in zip(got, truth, radii, strict=True)
    ]


def test_gradient_is_within_the_derived_tolerance_of_the_truth() -> None:
    for index in range(300):
        one = case(seeded(6, index))
        assert not any(verdict.accuses for verdict in verdicts(one)), f"{one.expression} at {one.point}"


def test_gradient_of_an_unused_input_is_zero() -> None:
    expression = Expression(2, (), (Step("exp", (1,)),), output=2)
    assert pytorch.gradient(Case(expression, (0.3, 0.0))).tolist() == [0, 1]


def test_gradient_is_in_float64() -> None:
    (got,) = pytorch.gradient(single("square", "x", [1 / 3])).tolist()
    assert got == 2 / 3


def test_a_fault_of_the_table_contradicts_the_truth(monkeypatch: pytest.MonkeyPatch) -> None:
    from nn_from_scratch.verify.oracles import pytorch_operations

    one = single("cos", "x", [0.3])
    assert verdicts(one) == [Verdict.RIGHT]
    planted = {**pytorch_operations.OPERATIONS, "cos": torch.sin}
    monkeypatch.setattr(pytorch_operations, "OPERATIONS", planted)
    assert verdicts(one) == [Verdict.WRONG]


@pytest.mark.parametrize(
    ("matrix", "cofactors"),
    [
        ([[1.0, 2.0], [2.0, 4.0]], [[4.0, -2.0], [-2.0, 1.0]]),
        ([[2.684, -0.756], [2.684, -0.7567559999999999]], [[-0.7567559999999999, -2.684], [0.756, 2.684]]),
        ([[3.0]], [[1.0]]),
        (
            [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]],
            [[-3.0, 6.0, -3.0], [6.0, -12.0, 6.0], [-3.0, 6.0, -3.0]],
        ),
    ],
)
def test_a_determinant_has_its_cofactors_at_singular_matrices(
    matrix: list[list[float]], cofactors: list[list[float]]
) -> None:
    size = len(matrix)
    expression = Expression(1, (), (Step("det", (0,)),), output=1)
    one = Case(expression, tuple(np.ravel(matrix)), ((size, size),), cotangent=(1.0,))
    assert pytorch.gradient(one) == pytest.approx(np.ravel(cofactors), rel=1e-14)


def test_version_is_none_where_torch_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    assert pytorch.version() == torch.__version__
    monkeypatch.setitem(sys.modules, "torch", None)
    pytorch.version.cache_clear()
    try:
        assert pytorch.version() is None
    finally:
        monkeypatch.undo()
        pytorch.version.cache_clear()


def test_integers_beside_index_arrays_count_as_arrays() -> None:
    # numpy puts the axis of index arrays first if a slice stands between them, and an integer is one.
    x = np.arange(12.0).reshape(1, 2, 3, 2)
    index = (-1, ("slice", None, None, -1), (0, 2), 0)
    assert (
        load("pytorch").operations["index"](torch.tensor(x), index=index).tolist()
        == x[as_index(index)].tolist()
    )


@pytest.mark.parametrize("x", [2.0, -0.3, -1e180, 1e-150])
def test_the_slope_of_a_cube_root_keeps_its_digits_far_from_1(x: float) -> None:
    """By a power of a third, which is rounded, that of 1e300 was 460 roundings off."""
    given = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(OPERATIONS["cbrt"](given), given, create_graph=True)
    (bend,) = torch.autograd.grad(slope, given)
    root = np.cbrt(x)
    assert slope.item() == pytest.approx(1 / (3 * root * root), rel=1e-15, abs=0)
    assert bend.item() == pytest.approx(-2 / 9 / root**2 / x, rel=2e-15, abs=0)


@pytest.mark.parametrize("x", [-6.0, -0.5, 2.0])
def test_what_lies_below_a_number_of_the_normal_distribution_keeps_its_digits(x: float) -> None:
    """PyTorch's own has ten of sixteen digits at -6."""
    special = pytest.importorskip("scipy.special")
    below = AS_A_WITNESS["ndtr"](torch.tensor(x, dtype=torch.float64)).item()
    assert below == pytest.approx(special.ndtr(x), rel=1e-14, abs=0)
