import math
from itertools import pairwise

import pytest

from nn_from_scratch.verify.questions.operations import CATALOGUE, bare


def test_catalogue_names_are_keys_and_arities_are_small() -> None:
    assert all(name == operation.name for name, operation in CATALOGUE.items())
    assert {operation.arity for operation in CATALOGUE.values()} == {1, 2, 3}


def test_catalogue_has_the_operations_of_the_engine() -> None:
    arithmetic = {"add", "sub", "mul", "div", "pow", "neg"}
    functions = {"exp", "log", "sqrt", "sin", "cos", "tanh", "sigmoid", "relu", "abs", "maximum", "minimum"}
    assert arithmetic | functions <= set(CATALOGUE)


@pytest.mark.parametrize(
    ("name", "inside", "outside"),
    [
        ("div", [(0.0, 1.0), (1.0, -1e-300)], [(1.0, 0.0), (0.0, -0.0)]),
        ("log", [(1e-300,)], [(0.0,), (-1.0,)]),
        ("sqrt", [(1e-300,)], [(0.0,), (-1.0,)]),
        (
            "pow",
            [(2.0, 0.5), (-2.0, 3.0), (-2.0, -3.0), (0.0, 0.0), (0.0, 1.0)],
            [(-2.0, 0.5), (0.0, -1.0), (0.0, 0.5)],
        ),
    ],
)
def test_domain_tells_inside_from_outside(
    name: str, inside: list[tuple[float, ...]], outside: list[tuple[float, ...]]
) -> None:
    assert all(CATALOGUE[name].inside(*values) for values in inside)
    assert not any(CATALOGUE[name].inside(*values) for values in outside)


def test_forms_put_constants_on_either_side() -> None:
    assert CATALOGUE["tanh"].operand_kinds == ("x",)
    assert CATALOGUE["sub"].operand_kinds == ("xx", "xc", "cx")


@pytest.mark.parametrize(
    ("name", "operands", "text"),
    [
        ("add", ("a", "b"), "(a + b)"),
        ("pow", ("(a + b)", "2.0"), "((a + b) ** 2.0)"),
        ("neg", ("a",), "(-a)"),
        ("tanh", ("(a + b)",), "tanh(a + b)"),
        ("maximum", ("(a)", "(b + c)"), "maximum(a, b + c)"),
    ],
)
def test_text_is_python(name: str, operands: tuple[str, ...], text: str) -> None:
    assert CATALOGUE[name].text(*operands) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [("(a + b)", "a + b"), ("(a) + (b)", "(a) + (b)"), ("a", "a"), ("((a) + (b))", "(a) + (b)")],
)
def test_bare_drops_parentheses_that_belong_together(text: str, expected: str) -> None:
    assert bare(text) == expected


def test_special_points_of_kinks_contain_the_kink() -> None:
    assert all(0.0 in CATALOGUE[name].special for name in ("relu", "abs", "maximum", "minimum"))


def test_special_points_are_finite_and_distinct() -> None:
    for operation in CATALOGUE.values():
        assert all(map(math.isfinite, operation.special))
        assert all(a != b for a, b in pairwise(sorted(operation.special)))
