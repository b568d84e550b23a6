"""Linear algebra of PyTorch's, traced: LU, QR, eigenvectors and singular vectors."""

from typing import Any

import pytest

torch: Any = pytest.importorskip("torch")

from torch_functions import custom, draw, require_all_digits, rules  # noqa: E402

from nn_from_scratch.verify.judging.verdicts import Verdict  # noqa: E402

pytestmark = pytest.mark.once

EQUAL = "formula equal at this point to 7"


def matrix(*shape: int, dtype: Any = torch.float64) -> Any:
    return draw(*shape, dtype=dtype).requires_grad_()


def symmetric(a: Any) -> Any:
    return a + a.mT


PYTORCHS = {
    "det": torch.linalg.det,
    "det of columns": lambda a: torch.linalg.det(a.mT.contiguous().mT),
    "logdet": lambda a: torch.logdet(a @ a.mT + torch.eye(3)),
    "slogdet": lambda a: torch.linalg.slogdet(a)[1],
    "solve": lambda a: torch.linalg.solve(a, a.sin()),
    "solve of columns": lambda a: torch.linalg.solve(a.mT.contiguous().mT, a.sin()),
    "solve from the right": lambda a: torch.linalg.solve(a, a.sin(), left=False),
    "lu": torch.linalg.lu,
    "lu_factor": lambda a: torch.linalg.lu_factor(a)[0],
    "lu_solve": lambda a: torch.linalg.lu_solve(*torch.linalg.lu_factor(a), a.sin()),
    "lu_solve, adjoint": lambda a: torch.linalg.lu_solve(*torch.linalg.lu_factor(a), a.sin(), adjoint=True),
    "qr": torch.linalg.qr,
    "eigh": lambda a: torch.linalg.eigh(symmetric(a)),
    "eigvalsh": lambda a: torch.linalg.eigvalsh(symmetric(a)),
    "svd": torch.linalg.svd,
    "svdvals": torch.linalg.svdvals,
    "pinv": torch.linalg.pinv,
    "matrix_exp": torch.linalg.matrix_exp,
}


@pytest.mark.parametrize("name", PYTORCHS)
def test_linear_algebra_of_pytorchs_is_equal_to_all_digits(name: str) -> None:
    require_all_digits(PYTORCHS[name], matrix(2, 3, 3))


@pytest.mark.parametrize(("rows", "columns"), [(4, 2), (2, 4)])
def test_matrices_that_are_not_square(rows: int, columns: int) -> None:
    a = matrix(rows, columns)
    for function in (torch.linalg.qr, torch.linalg.lu, torch.linalg.svdvals, torch.linalg.pinv):
        row = rules(function, a)
        assert EQUAL in row.said, f"{function}: {row}"


def inverse(a: Any) -> Any:
    return torch.linalg.inv(a)


def of_singular_values(g: Any, a: Any) -> Any:
    u, _, v = torch.linalg.svd(a)
    return u @ torch.diag(g) @ v


def of_eigenvalues(g: Any, a: Any) -> Any:
    _, v = torch.linalg.eigh(symmetric(a))
    return 2 * v @ torch.diag(g) @ v.mT


def of_the_nuclear_norm(g: Any, a: Any) -> Any:
    u, _, v = torch.linalg.svd(a)
    return g * (u @ v)


def own(forward: Any, backward: Any) -> Any:
    return custom(lambda a: (forward(a), (a,)), lambda g, scale, a: backward(g, a), 1.0)


RULES: dict[str, tuple[Any, Any]] = {
    "det": (torch.linalg.det, lambda g, a: g * torch.linalg.det(a) * inverse(a).mT),
    "log of det": (lambda a: torch.linalg.slogdet(a)[1], lambda g, a: g * inverse(a).mT),
    "solve": (
        lambda a: torch.linalg.solve(a, torch.ones(3, 1, dtype=a.dtype)),
        lambda g, a: -torch.linalg.solve(a.mT, g) @ torch.linalg.solve(a, torch.ones(3, 1, dtype=a.dtype)).mT,
    ),
    "singular values": (torch.linalg.svdvals, of_singular_values),
    "eigenvalues": (lambda a: torch.linalg.eigvalsh(symmetric(a)), of_eigenvalues),
    "nuclear norm": (lambda a: torch.linalg.matrix_norm(a, "nuc"), of_the_nuclear_norm),
    "upper triangle of QR": (
        lambda a: torch.linalg.qr(a)[1].diagonal().prod(),
        lambda g, a: g * torch.linalg.qr(a)[1].diagonal().prod() * inverse(a).mT,
    ),
}


@pytest.mark.parametrize(
    ("name", "dtype"), [*((name, torch.float64) for name in RULES), ("singular values", torch.float32)]
)
def test_own_rule_is_proved_right_and_a_change_of_1e_14_wrong(name: str, dtype: Any) -> None:
    forward, backward = RULES[name]
    a = matrix(3, 3, dtype=dtype)
    right = rules(own(forward, backward), a)
    assert EQUAL in right.said, str(right)
    wrong = [lambda g, x: backward(g, x) * (1 + 1e-14), lambda g, x: -backward(g, x)]
    if name != "eigenvalues":  # of which the gradient is symmetric
        wrong.append(lambda g, x: backward(g, x).mT)
    for rule in wrong:
        found = rules(own(forward, rule), a)
        assert found.verdict is Verdict.WRONG, str(found)
        assert "proved to differ" in found.said


def test_what_is_not_determined_is_neither_right_nor_wrong() -> None:
    twice = torch.eye(3, dtype=torch.float64).requires_grad_()
    low = torch.ones(3, 3, dtype=torch.float64).requires_grad_()
    for function, point in (
        (lambda a: torch.linalg.eigvalsh(symmetric(a)).sum(), twice),
        (lambda a: torch.linalg.eigh(symmetric(a))[1], twice),
        (torch.linalg.svdvals, twice),
        (torch.linalg.pinv, low),
        (torch.linalg.qr, low),
    ):
        row = rules(function, point)
        assert row.name != "rules" or row.verdict in {None, Verdict.UNDECIDED}, str(row)
    lower = rules(lambda a: torch.linalg.eigvalsh(a * 1.0), matrix(3, 3))
    assert lower.verdict is not Verdict.RIGHT, str(lower)
