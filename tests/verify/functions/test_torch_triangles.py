"""Functions that read one triangle of a matrix: judged along such matrices, whatever lies beyond them."""

from collections.abc import Callable
from typing import Any

import pytest

torch: Any = pytest.importorskip("torch")

from torch_functions import custom, rules  # noqa: E402

from nn_from_scratch.verify.functions.pytorch import examine as examining  # noqa: E402
from nn_from_scratch.verify.functions.rows import Row  # noqa: E402
from nn_from_scratch.verify.judging.verdicts import Verdict  # noqa: E402
from nn_from_scratch.verify.torch import (  # noqa: E402
    GradcheckError,
    UndecidedError,
    examine,
    gradcheck,
    gradgradcheck,
)

pytestmark = pytest.mark.once

POINT = [[4.0, 1.0], [1.0, 3.0]]
WEIGHTS = torch.tensor([[1.0, 2.0], [0.5, -0.25]], dtype=torch.float64)

Backward = Callable[[Any, float, Any], Any]


def matrix(dtype: Any = torch.float64) -> Any:
    return torch.tensor(POINT, dtype=dtype).requires_grad_()


def function(forward: Callable[[Any], Any], backward: Backward, scale: float = 1.0) -> Callable[..., Any]:
    return custom(lambda a: (forward(a), (a,)), backward, scale)


@pytest.fixture
def formulas_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask no differences of a wrong formula: they take most of the time."""
    monkeypatch.setattr(examining, "measure", lambda *_: Row("numbers", None, "not asked"))


def symmetric(x: Any) -> Any:
    return (x + x.mT) / 2


def of_factor(g: Any, scale: float, a: Any) -> Any:
    """Return Murray's "Differentiation of the Cholesky decomposition", with nothing made symmetric."""
    factor = torch.linalg.cholesky(a)
    inner = (factor.mT @ g).tril()
    inner = inner - 0.5 * scale * torch.diag_embed(inner.diagonal())
    inverse = torch.linalg.inv(factor)
    return inverse.mT @ inner @ inverse


def of_transposed_factor(g: Any, scale: float, a: Any) -> Any:
    factor = torch.linalg.cholesky(a)
    inner = (factor @ g).tril()
    inner = inner - 0.5 * torch.diag_embed(inner.diagonal())
    inverse = torch.linalg.inv(factor)
    return scale * symmetric(inverse.mT @ inner @ inverse)


def to_the_lower(x: Any) -> Any:
    return 2 * symmetric(x).tril() - torch.diag_embed(x.diagonal())


def of_eigenvalues(g: Any, scale: float, a: Any) -> Any:
    _, v = torch.linalg.eigh(a)
    return scale * v @ torch.diag(g) @ v.mT


def log_determinant(a: Any) -> Any:
    return 2 * torch.linalg.cholesky(a).diagonal().log().sum()


CHOLESKY = torch.linalg.cholesky
FUNCTIONS: dict[str, tuple[Callable[[Any], Any], Backward]] = {
    "factor, symmetric": (CHOLESKY, lambda g, s, a: symmetric(of_factor(g, s, a))),
    "factor, as it comes": (CHOLESKY, of_factor),
    "factor, all in one triangle": (CHOLESKY, lambda g, s, a: to_the_lower(of_factor(g, s, a))),
    "factor of a copy": (lambda a: CHOLESKY(a * 1), lambda g, s, a: symmetric(of_factor(g, s, a))),
    "eigenvalues of a copy": (lambda a: torch.linalg.eigvalsh(a * 1), of_eigenvalues),
    "log det": (log_determinant, lambda g, s, a: s * g * torch.linalg.inv(a)),
    "log det, and used beside": (
        lambda a: log_determinant(a) + (WEIGHTS * a).sum(),
        lambda g, s, a: g * (s * torch.linalg.inv(a) + WEIGHTS),
    ),
}
WRONG: dict[str, tuple[Callable[[Any], Any], Backward]] = {
    "transposed factor": (CHOLESKY, of_transposed_factor),
    "one triangle, not doubled": (CHOLESKY, lambda g, s, a: symmetric(of_factor(g, s, a)).tril()),
    "doubled with its diagonal": (log_determinant, lambda g, s, a: 2 * s * g * torch.linalg.inv(a).tril()),
    "not halved": (CHOLESKY, lambda g, s, a: symmetric(of_factor(g, 0 * s, a))),
}


@pytest.mark.usefixtures("formulas_alone")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_right_gradient_along_symmetric_matrices_is_right_and_a_wrong_one_wrong(name: str) -> None:
    forward, backward = FUNCTIONS[name]
    right = rules(function(forward, backward), matrix())
    assert right.verdict is Verdict.RIGHT, str(right)
    plain = name.endswith("one triangle")
    assert ("along symmetric matrices" in right.said) is not plain, str(right)
    wrong = rules(function(forward, backward, 1.001), matrix())
    assert wrong.verdict is Verdict.WRONG, str(wrong)


@pytest.mark.usefixtures("formulas_alone")
@pytest.mark.parametrize("name", WRONG)
def test_gradient_that_is_wrong_along_symmetric_matrices_is_wrong(name: str) -> None:
    row = rules(function(*WRONG[name]), matrix())
    assert row.verdict is Verdict.WRONG, str(row)


@pytest.mark.parametrize("forward", [torch.linalg.eigvalsh, lambda a: torch.linalg.eigh(a * 1)[0]])
def test_pytorchs_own_is_right(forward: Callable[..., Any]) -> None:
    assert gradcheck(forward, matrix())


def test_pytorchs_own_is_right_in_every_way() -> None:
    report = examine(CHOLESKY, matrix(), transforms=["vmap", "forward mode", "batched forward mode"])
    assert report, str(report)
    assert gradgradcheck(CHOLESKY, matrix())
    assert gradcheck(CHOLESKY, matrix(torch.float32))


@pytest.mark.usefixtures("formulas_alone")
def test_matrix_that_is_no_input_is_made_symmetric_before_it_is_read() -> None:
    def of_a_vector(v: Any) -> Any:
        return CHOLESKY(v.reshape(2, 2))

    vector = matrix().detach().reshape(-1).requires_grad_()
    assert gradcheck(of_a_vector, vector)
    wrong = function(
        lambda v: log_determinant(v.reshape(2, 2)),
        lambda g, s, v: s * g * torch.linalg.inv(v.reshape(2, 2)).reshape(-1),
        1.001,
    )
    with pytest.raises(UndecidedError, match="along symmetric matrices"):
        gradcheck(wrong, vector)


@pytest.mark.usefixtures("formulas_alone")
def test_what_is_not_symmetric_is_judged_where_the_matrix_is_used_beside() -> None:
    """Along symmetric matrices a gradient and its transpose are one."""
    forward, _ = FUNCTIONS["log det, and used beside"]
    turned = function(forward, lambda g, s, a: s * g * (torch.linalg.inv(a) + WEIGHTS.mT))
    with pytest.raises(UndecidedError, match="along symmetric matrices"):
        gradcheck(turned, matrix())


@pytest.mark.usefixtures("formulas_alone")
def test_factor_that_is_solved_with_is_judged_along_triangular_matrices() -> None:
    def backward(g: Any, scale: float, b: Any, factor: Any) -> Any:
        x = torch.cholesky_solve(b, factor)
        solved = torch.cholesky_solve(g, factor)
        both = solved @ x.mT
        return solved, -scale * (both + both.mT) @ factor

    def solve(scale: float) -> Callable[..., Any]:
        return custom(lambda b, f: (torch.cholesky_solve(b, f * 1), (b, f)), backward, scale)

    b, factor = WEIGHTS[:, :2].clone().requires_grad_(), CHOLESKY(matrix().detach()).requires_grad_()
    assert gradcheck(solve(1.0), (b, factor))
    assert gradcheck(lambda b, f: torch.cholesky_solve(b, f * 1), (b, factor))
    assert rules(solve(1.001), b, factor).verdict is Verdict.WRONG


@pytest.mark.usefixtures("formulas_alone")
def test_matrix_that_is_not_symmetric_has_no_gradient_that_is_agreed_on() -> None:
    tilted = matrix().detach()
    tilted[0, 1] += 0.125
    tilted.requires_grad_()
    for forward in (CHOLESKY, function(*FUNCTIONS["log det"])):
        with pytest.raises(UndecidedError, match="make the matrix that within the function"):
            gradcheck(forward, tilted)
    wrong = function(*FUNCTIONS["log det"], 1.001)
    assert rules(wrong, tilted).verdict is Verdict.WRONG


@pytest.mark.parametrize("size", [2, 3])
def test_other_shapes_of_a_symmetric_matrix_are_symmetric(size: int) -> None:
    point = torch.eye(size, dtype=torch.float64) + 1

    def backward(g: Any, scale: float, s: Any) -> Any:
        return 3 * scale * g * s @ s

    cube = function(lambda s: torch.trace(s @ s @ s), backward)
    assert gradcheck(cube, (point.requires_grad_(),))
    with pytest.raises(GradcheckError, match="rules: wrong"):
        gradcheck(cube, ((point.detach() + torch.ones_like(point).tril()).requires_grad_(),))
