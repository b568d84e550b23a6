"""Bugs planted into the oracles, entry by entry of their tables: the checks of oracles notice each.

Every entry is made wrong by little, at special points only, in its derivative only, or claims digits that
it has not.
"""

import importlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import oracle_checks
import pytest
from closed_forms import truths
from flint import arb, arb_series

from nn_from_scratch.verify.campaign.statistics import Statistics
from nn_from_scratch.verify.engines.loading import load
from nn_from_scratch.verify.faults.planting import value
from nn_from_scratch.verify.judging import tolerance, usual_derivatives
from nn_from_scratch.verify.judging.examine import WITNESSES, examine
from nn_from_scratch.verify.judging.rounded_functions import RoundedFunctions
from nn_from_scratch.verify.judging.rounded_numbers import Rounded
from nn_from_scratch.verify.judging.verdicts import Verdict
from nn_from_scratch.verify.oracles import finite_differences, pytorch, taylor
from nn_from_scratch.verify.questions import lower
from nn_from_scratch.verify.questions.generate import case, seeded
from nn_from_scratch.verify.questions.operations import ELEMENTWISE, OF_ARRAYS

pytestmark = pytest.mark.once

Entry = Callable[..., Any]
Mutation = Callable[[Entry], Entry]
Check = Callable[[str], Iterator[str]]


def changed(change: Callable[[Any], Any]) -> Mutation:
    """Change every result, and all of them where an entry returns a tuple."""

    def mutation(entry: Entry) -> Entry:
        def wrong(*operands: Any, **parameters: Any) -> Any:
            result = entry(*operands, **parameters)
            return tuple(map(change, result)) if isinstance(result, tuple) else change(result)

        return wrong

    return mutation


def times(factor: Any) -> Mutation:
    return changed(lambda result: result * factor)


def at_special_points(name: str) -> Mutation:
    """Be off by 1e-6 where an operand has a special value, or one certain ordinary value."""
    special = ELEMENTWISE[name].special or next(truths(name)).operands[:1]

    def mutation(entry: Entry) -> Entry:
        def wrong(*operands: Any) -> Any:
            result = entry(*operands)
            numbers = [number(x) for x in operands if not isinstance(x, RoundedFunctions)]
            off: Any = sum(1e-6 * np.isin(x, special) for x in numbers)
            off = off if np.ndim(off) else float(off)
            return tuple(part + off for part in result) if isinstance(result, tuple) else result + off

        return wrong

    return mutation


def number(operand: Any) -> Any:
    """Return the number, or array of them, that an operand of any table stands for."""
    operand = operand[0] if isinstance(operand, arb_series) else operand
    operand = operand.ball if isinstance(operand, Rounded) else operand
    if isinstance(operand, arb):
        return float(operand.mid())
    return operand if isinstance(operand, (float, np.ndarray)) else operand.item()


def rounded(change: Callable[[arb], arb]) -> Mutation:
    """Change the balls of rounded numbers."""

    def changed_ball(x: Rounded | float) -> Rounded:
        number = oracle_checks.FLOAT64.model.number(x)
        return oracle_checks.FLOAT64.model.term(change(number.ball), number.scale)

    return changed(changed_ball)


def exactly(ball: Any) -> arb:
    """Keep 24 bits of a ball, and claim that they are exact."""
    return arb(float(np.float32(float(arb(ball).mid())))) if arb(ball).is_finite() else arb.nan()


def series(change: Callable[[arb, arb], tuple[arb, arb]]) -> Mutation:
    """Change value and derivative of a series."""

    def changed_both(result: Any) -> Any:
        return arb_series(list(change(result[0], result[1])))

    return changed(changed_both)


def survivors(
    monkeypatch: pytest.MonkeyPatch,
    place: tuple[Any, str, str],
    mutations: dict[str, Mutation],
    check: Check,
) -> list[str]:
    """Return the mutations that a check does not notice, of a module's table's entry."""
    module, table, name = place
    assert list(check(name)) == []
    right = getattr(module, table)
    unnoticed = []
    for mutated, mutation in mutations.items():
        with monkeypatch.context() as patch:
            patch.setattr(module, table, {**right, name: mutation(right[name])})
            if not any(True for _ in check(name)):
                unnoticed.append(mutated)
    return unnoticed


# Values of -1, 0 and 1, and a derivative of 0, are the same in fewer bits and times any factor.
FLAT = {"sign"}
every_operation = pytest.mark.parametrize("name", ELEMENTWISE)


@every_operation
def test_bug_in_the_power_series_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny = 1 + arb(2) ** -100
    mutations = {
        "off by 2**-100": times(tiny),
        "its derivative off by 2**-100": series(lambda value, slope: (value, slope * tiny)),
        "too narrow": series(lambda value, slope: (exactly(value), exactly(slope))),
        "too wide": series(lambda value, slope: (value, slope + arb(0, 2.0**-100))),
        "at special points": at_special_points(name),
    }
    check = oracle_checks.taylor_is_wrong
    expected = ["its derivative off by 2**-100", "too narrow"] if name in FLAT else []
    assert survivors(monkeypatch, (taylor, "SERIES", name), mutations, check) == expected


@every_operation
@pytest.mark.parametrize(
    ("module", "table", "check"),
    [
        (tolerance, "_VALUES", oracle_checks.values_are_wrong),
        (usual_derivatives, "PARTIALS", oracle_checks.partials_are_wrong),
    ],
)
def test_bug_in_the_tolerance_is_noticed(
    module: Any, table: str, check: Check, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mutations = {
        "off by 2**-40": rounded(lambda ball: ball * (1 + arb(2) ** -40)),
        "too narrow": rounded(exactly),
        "too wide": rounded(lambda ball: ball + arb(0, 2.0**-30)),
        "at special points": at_special_points(name),
    }
    # Derivatives of -1, 0 and 1 are exact in any number of bits.
    exact = {"add", "sub", "neg", "relu", "abs", "maximum", "minimum", "where", "clip", "remainder", "fmod"}
    expected = ["too narrow"] if name in FLAT or (table == "PARTIALS" and name in exact) else []
    if table == "PARTIALS" and name in FLAT:
        expected.insert(0, "off by 2**-40")
    assert survivors(monkeypatch, (module, table, name), mutations, check) == expected


@every_operation
def test_bug_in_finite_differences_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mutations = {
        "off by 1e-10": times(1 + 1e-10),
        "with a slope of 1e-10": lambda entry: lambda *xs: entry(*xs) + 1e-10 * sum(xs),
        "in single precision": changed(np.float32),
        "at special points": at_special_points(name),
    }
    check = oracle_checks.finite_differences_are_wrong
    expected = ["in single precision"] if name in FLAT else []
    assert survivors(monkeypatch, (finite_differences, "NUMPY", name), mutations, check) == expected


@pytest.mark.parametrize(
    "name", [name for name in ELEMENTWISE if name not in pytorch.ROUGH | pytorch.LACKING]
)
def test_bug_in_pytorch_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    module = importlib.import_module("nn_from_scratch.verify.oracles.pytorch_operations")
    mutations = {
        "off by 1e-12": times(1 + 1e-12),
        "its derivative off by 1e-12": changed(lambda y: y + (y - y.detach()) * 1e-12),
        "in single precision": changed(lambda y: y.float().double()),
        "at special points": at_special_points(name),
    }
    check = oracle_checks.pytorch_is_wrong
    expected = ["its derivative off by 1e-12", "in single precision"] if name in FLAT else []
    assert survivors(monkeypatch, (module, asked_of(module, name), name), mutations, check) == expected


def asked_of(module: Any, name: str) -> str:
    """Return in which table the oracle finds an operation."""
    return "AS_A_WITNESS" if name in module.AS_A_WITNESS else "OPERATIONS"


@pytest.mark.parametrize("name", OF_ARRAYS)
def test_bug_in_pytorchs_arrays_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    module = importlib.import_module("nn_from_scratch.verify.oracles.pytorch_operations")
    mutations = {
        "off by 1e-9": times(1 + 1e-9),
        "turned round": changed(lambda y: y.flip(tuple(range(y.ndim)))),
    }
    if name == "det":  # a number for most
        del mutations["turned round"]
    check = oracle_checks.pytorch_arrays_are_wrong
    assert survivors(monkeypatch, (module, asked_of(module, name), name), mutations, check) == []


@pytest.mark.parametrize("name", ELEMENTWISE | OF_ARRAYS)
def test_bug_in_lowering_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mutations = {"off by 1e-9": times(1 + 1e-9)}
    if name in OF_ARRAYS and name != "det":
        mutations["turned round"] = changed(np.flip)
    right = lower.Tracer.arithmetic
    assert list(oracle_checks.lowering_is_wrong(name)) == []
    for mutation in mutations.values():
        with monkeypatch.context() as patch:
            patch.setattr(
                lower.Tracer,
                "arithmetic",
                lambda tracer, point, names, wrong=mutation: {
                    **right(tracer, point, names),
                    name: wrong(right(tracer, point)[name]),
                },
            )
            assert any(True for _ in oracle_checks.lowering_is_wrong(name))


@pytest.mark.parametrize("oracle", ["taylor", "finite differences", "pytorch"])
def test_bug_in_an_oracle_raises_an_alarm(oracle: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if oracle == "pytorch":
        pytest.importorskip("torch")
    module, table = {
        "taylor": (taylor, "SERIES"),
        "finite differences": (finite_differences, "NUMPY"),
        "pytorch": ("nn_from_scratch.verify.oracles.pytorch_operations", "OPERATIONS"),
    }[oracle]
    module = importlib.import_module(module) if isinstance(module, str) else module
    engine = load("nn_from_scratch")
    forms = [form for form in engine.forms if form[0] in ("sin", "mul", "add", "exp")]

    def alarms() -> list[str]:
        found = Statistics()
        for index in range(40):
            found.add(examine(engine, case(seeded(0, index), forms), witnesses=WITNESSES))
        return [alarm for alarm in found.alarms(engine) if "contradicts" in alarm]

    assert alarms() == []
    right = getattr(module, table)
    monkeypatch.setattr(module, table, {**right, "sin": times(1 + 1e-6)(right["sin"])})
    (alarm,) = alarms()
    assert alarm.startswith(f"the oracle {oracle} contradicts all others about ")


def test_a_wrong_value_beside_a_right_gradient_raises_no_alarm() -> None:
    engine = value("sin", "its value off", lambda x: np.sin(x) + 1e-3).engine()
    forms = [form for form in engine.forms if form[0] in ("sin", "add")]
    found = Statistics()
    for index in range(40):
        found.add(examine(engine, case(seeded(0, index), forms, most_steps=1), witnesses=WITNESSES))
    assert found.verdicts[Verdict.WRONG] > 10
    assert [alarm for alarm in found.alarms(engine) if "contradicts" in alarm] == []
