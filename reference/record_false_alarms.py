"""Record how often right engines are accused: python reference/record_false_alarms.py [PROCESSES [FRACTION]].

It checks random graphs on engines held to be right: a million on this project's, scalar ones and those of
arrays in turns, and on others that compute differently, of every format that they have (`GRAPHS`); and a
tenth as many that ask one operation, by turns. FRACTION is the part of them that is asked, 1 by default. It
writes as it goes, and goes on where the last run of the same size or a smaller one ended, after it has asked
those again that were accused, or contradicted: by then a cause may be mended. Where other operations are
drawn by now, an index is another graph: then accusations stay as they are, and further indices are asked. One
in `WITNESSED` is asked of finite differences, too. First it counts how many true derivatives lie in the
interval that finite differences state.
"""

from __future__ import annotations

import json
import platform
import sys
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from importlib import metadata
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from nn_from_scratch.verify import Case, Engine, load
from nn_from_scratch.verify.faults import Victim
from nn_from_scratch.verify.judging.examine import WITNESSES, Examination, examine
from nn_from_scratch.verify.judging.rounded_numbers import MARGIN
from nn_from_scratch.verify.judging.verdicts import Verdict
from nn_from_scratch.verify.oracles import finite_differences, taylor
from nn_from_scratch.verify.power.right_engines import RIGHT_ENGINES
from nn_from_scratch.verify.questions.by_turns import case_by_turns
from nn_from_scratch.verify.questions.generate import Choose, case, seeded
from nn_from_scratch.verify.questions.generate_arrays import array_case
from nn_from_scratch.verify.questions.operations import EVERY_ARRAY_FORM, EVERY_FORM
from nn_from_scratch.verify.questions.second_order import with_tangent

PATH = Path(__file__).parent / "false_alarms.json"
SEED = 7
JIT = "jax under jit"
GRAPHS = {
    "nn_from_scratch": 1_000_000,
    "plain tape": 100_000,
    "pytorch": 100_000,
    "autograd": 100_000,
    **{name: 10_000 if "float" in name else 100_000 for name in RIGHT_ENGINES},
    JIT: 5_000,  # a graph takes a tenth of a second to compile
}
WITNESSED = 50
FORMS = {"scalar": len(EVERY_FORM), "arrays": len(EVERY_ARRAY_FORM)}
"""Of what graphs are drawn."""
SECOND_ORDER = ("nn_from_scratch",)  # of which a quarter of the graphs is asked to second order as well
PACKAGES = ("numpy", "torch", "autograd", "casadi", "jax", "mpmath", "python-flint")
# Accusations of earlier runs, each with its cause; none is left.
RESOLVED = [
    {
        "engine": "pytorch",
        "case": "prod(mean(x0))",
        "cause": "tolerance: PyTorch sums in another order, and the sum cancels",
    },
    {
        "engine": "pytorch in float16",
        "case": "arctan2(x0, x1)",
        "cause": "tolerance: the sum of squares on the way to the derivative underflows",
    },
    {
        "engine": "nn_from_scratch, plain tape, autograd",
        "case": "x0 ** x0 at x0 = 1e-310",
        "cause": "tolerance: the power on the way to the derivative overflows",
    },
    {
        "engine": "pytorch, autograd",
        "case": "arctan2(x0, x1) at x0 = 5e-324",
        "cause": "tolerance: a subnormal input taken for 0, or multiplied to 0, keeps no digits",
    },
    {
        "engine": "pytorch",
        "case": "logaddexp(2.0, clip(arctan2(x0, reciprocal(x0)), 0.5, 10.0)) at x0 = -1e-300",
        "cause": "tolerance: an infinite derivative times a cotangent of 0",
    },
    {
        "engine": "pytorch",
        "case": "x0[-1, ::-1, [0, 2], 0]",
        "cause": "oracle and adapter: an integer beside index arrays is an index array to numpy; mended",
    },
    {
        "engine": "nn_from_scratch",
        "case": "minimum(x0 ** 2.0, x1), to second order, where the square rounds to x1",
        "cause": "tolerance: a tie by rounding is a kink to second order as well",
    },
    {
        "engine": "nn_from_scratch",
        "case": "arcsin(x0) at x0 = 1e-08, to second order",
        "cause": "engine: (1 - x) (1 + x) cancels when it is differentiated; mended",
    },
    {
        "engine": "nn_from_scratch, pytorch",
        "case": "x0 ** x1 at x1 = 0, to second order",
        "cause": "engine: the zero of the first derivative was a constant; mended here, not in PyTorch",
    },
    {
        "engine": "pytorch",
        "case": "prod(x0) with a small element, to second order",
        "cause": "engine: divides by the element, and subtracts equal terms",
    },
    {
        "engine": "autograd",
        "case": "tanh(x0) at x0 = 0.159",
        "cause": "tolerance: its derivative by 1 / cosh(x0) ** 2 is up to 5 units off",
    },
    {
        "engine": "nn_from_scratch",
        "case": "max(cosh(x0)) at a tie of two entries of -1e-150",
        "cause": "oracle: differences of exponentials left no digit of the slope of cosh",
    },
    {
        "engine": "dual numbers",
        "case": "where(log(u), 7.0, u) of u = exp(-log(tanh(x0 * x0))) at x0 = -1e-150",
        "cause": "tolerance: in forward mode a branch that was not taken overflows",
    },
    {
        "engine": "50 digits",
        "case": "beside the output the logarithm of a negative number, or a sine of too many digits",
        "cause": "engine: it computed with complex numbers, and with all digits; mended",
    },
    {
        "engine": "pytorch",
        "case": "digamma(x0)",
        "cause": "engine: it keeps about nine digits; counted as a known fault",
    },
    {
        "engine": "pytorch",
        "case": "det(x0) of a singular matrix",
        "cause": "engine: the gradient is 0",
    },
    {
        "engine": "jax",
        "case": "cosh(x0), sinh(x0) beyond 20",
        "cause": "engine: XLA's are off by 9 to 12 units in the last place",
    },
    {
        "engine": "jax",
        "case": "tanh(x0) near 1",
        "cause": "engine: XLA's tanh is off by several units in the last place",
    },
    {
        "engine": "micrograd",
        "case": "x0 ** 0.0 at x0 = 0",
        "cause": "engine: raises ZeroDivisionError",
    },
    {
        "engine": "jax",
        "case": "x0 ** 0.0 at x0 = 0",
        "cause": "engine: the derivative is NaN",
    },
    {
        "engine": "autograd",
        "case": "tanh(x0) at x0 = 808, to second order",
        "cause": "engine: 1 / cosh(x0) ** 2 overflows, and is NaN when it is differentiated",
    },
    {
        "engine": "autograd",
        "case": "abs(x0) near 0, to second order",
        "cause": "engine: x / abs(x) cancels when it is differentiated",
    },
    {
        "engine": "fused multiply-add",
        "case": "sign(u - u) of a product u",
        "cause": "tolerance: a product less itself is a true 0, but not where one side alone is rounded",
    },
    {
        "engine": "pytorch",
        "case": "median(x0) of an even number of entries",
        "cause": "tolerance: it adds a part of the difference to the lower one",
    },
    {
        "engine": "nn_from_scratch",
        "case": "det(x0) of a singular matrix of entries as large as 1e150",
        "cause": "tolerance: its cofactors are numpy's determinants, which are exponentials of logarithms",
    },
    {
        "engine": "nn_from_scratch",
        "case": "prod(x0) of zeros and of numbers whose product overflows",
        "cause": "tolerance: in another order a part of a product overflows, and times 0 is NaN",
    },
    {
        "engine": "autograd",
        "case": "sinc(x0) at x0 = 1e300",
        "cause": "engine: raises OverflowError",
    },
    {
        "engine": "pytorch",
        "case": "kron(x0, x1) of a matrix that does not lie row after row in memory",
        "cause": "engine: raises RuntimeError",
    },
]
COVERED = 50_000  # scalar graphs, of which finite differences are asked
# What they compute to fewer digits than they promise, which was confirmed by hand: `reference/findings/`.
_OF_JAX = {"log_ndtr", "beta", "betaln", "erfcx", "i0", "i1"}
KNOWN = {"pytorch": {"digamma", "ndtr"}, "jax": _OF_JAX, JIT: _OF_JAX}
# What else was confirmed by hand, and what is told of it: at 0, and of a singular matrix.
KNOWN_WRONG = {"autograd": ("sinc", "is nan"), "pytorch": ("det", "0.0, expected")}
COUNTS = (
    "scalar",
    "arrays",
    "by turns",
    "second order",
    "convention",
    "undecided",
    "accused",
    "known faults",
    "witnessed",
    "contradicted",
)


def main(processes: int, fraction: float = 1.0) -> None:
    """Write false_alarms.json."""
    asked = {name: max(10, round(graphs * fraction)) for name, graphs in GRAPHS.items()}
    record: dict[str, Any] = {
        "about": "Random graphs checked on engines held to be right, and every accusation.",
        "margin": MARGIN,
        "forms": FORMS,
        "asked": asked,
        "seconds": 0.0,
        "engines": {name: dict.fromkeys(COUNTS, 0) for name in asked},
        "accusations": [],
        "contradictions": [],
    }
    before = json.loads(PATH.read_text(encoding="utf-8")) if PATH.is_file() else {}
    if before.get("margin") == MARGIN and all(before["asked"].get(name, 0) <= n for name, n in asked.items()):
        same_graphs = before.get("forms") == FORMS
        record = before | {"asked": asked, "forms": FORMS}
        if same_graphs:
            ask_again(record)
    record["provenance"] = {
        "script": "reference/record_false_alarms.py",
        "seed": SEED,
        "processes": processes,
        "python": platform.python_version(),
        "platform": platform.platform(),
        **{package: metadata.version(package) for package in PACKAGES},
    }
    record["resolved"] = RESOLVED
    start, before = time.perf_counter(), record["seconds"]
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        if "finite differences" not in record:
            rows = list(pool.map(covered, range(0, COVERED, 500)))
            record["finite differences"] = {
                key: sum((row[key] for row in rows), type(rows[0][key])()) for key in rows[0]
            }
            write(record)
        left = units(record)
        for done, part in enumerate(pool.map(checked, *zip(*left, strict=True))):
            merge(record, part)
            record["seconds"] = round(before + time.perf_counter() - start, 1)
            if done % 50 == 0:
                print(f"{done} of {len(left)} pieces, {len(record['accusations'])} accusations", flush=True)
                write(record)
        write(record)


def ask_again(record: dict[str, Any]) -> None:
    """Ask the graphs of all accusations and contradictions again, and count what is found of them now."""
    for verdicts, told_of in (
        (("convention", "undecided", "accused", "known faults"), "accusations"),
        (("contradicted",), "contradictions"),
    ):
        before, record[told_of] = record[told_of], []
        for told in before:
            found = asked_again(told)
            if found is None:
                record[told_of].append(told)
                continue
            row = record["engines"][told["engine"]]
            row["accused" if told_of == "accusations" else "contradicted"] -= 1
            for verdict in verdicts:
                row[verdict] += found[verdict]
            record[told_of] += found[told_of]


def asked_again(told: dict[str, Any]) -> dict[str, Any] | None:
    """Return what is found of a graph now, or None if its index draws another graph by now."""
    found = nothing_found(told["engine"])
    engine, index = engine_of(told["engine"]), told["index"]
    drawn, choose = drawn_for(engine, index, by_turns=told["kind"] == "by turns")
    if told["kind"] == "second order":
        drawn = with_tangent(drawn, choose)
    count(found, engine, index, drawn, told["kind"])
    return found if told["case"] == str(drawn) else None


def units(record: dict[str, Any]) -> list[tuple[str, int, int, bool]]:
    """Return what is left to do in pieces, an engine and a range of graphs, all engines side by side."""
    pieces = []
    for name, random in record["asked"].items():
        row = record["engines"][name]
        for by_turns, graphs, done in (
            (False, random, row["scalar"] + row["arrays"]),
            (True, random // 10, row["by turns"]),
        ):
            size = max(10, graphs // 1000)
            pieces += [
                (first / graphs, (name, first, min(first + size, graphs), by_turns))
                for first in range(done, graphs, size)
            ]
    return [piece for _, piece in sorted(pieces)]


def merge(record: dict[str, Any], part: dict[str, Any]) -> None:
    """Add what one piece has found."""
    row = record["engines"][part["engine"]]
    for count in COUNTS:
        row[count] += part[count]
    record["accusations"] += part["accusations"]
    record["contradictions"] += part["contradictions"]


def write(record: dict[str, Any]) -> None:
    """Write the file."""
    PATH.write_text(json.dumps(record, indent=1, allow_nan=False) + "\n", encoding="utf-8")


@cache
def engine_of(name: str) -> Engine:
    """Return an engine."""
    warnings.simplefilter("ignore")  # overflows, of which engines warn
    if name in RIGHT_ENGINES:
        return RIGHT_ENGINES[name]()
    return Victim().engine("plain tape") if name == "plain tape" else load(name)


def checked(name: str, first: int, end: int, by_turns: bool) -> dict[str, Any]:
    """Check some graphs on one engine."""
    engine = engine_of(name)
    part = nothing_found(name)
    for index in range(first, end):
        drawn, choose = drawn_for(engine, index, by_turns=by_turns)
        count(part, engine, index, drawn, "by turns" if by_turns else "arrays" if drawn.shapes else "scalar")
        if name in SECOND_ORDER and index % 8 in (2, 3) and drawn.point:
            count(part, engine, index, with_tangent(drawn, choose), "second order")
    return part


def nothing_found(name: str) -> dict[str, Any]:
    """Return the counts of an engine before anything is asked."""
    return {"engine": name, **dict.fromkeys(COUNTS, 0), "accusations": [], "contradictions": []}


def drawn_for(engine: Engine, index: int, *, by_turns: bool) -> tuple[Case, Choose]:
    """Draw a graph, one of arrays every other time if the engine has them; return what it was drawn with."""
    choose = seeded(SEED, index)
    arrays = engine.arrays and index % 2 == 1
    if by_turns:
        forms = engine.array_forms if arrays else engine.forms
        turn = index // 2 if engine.arrays else index
        return case_by_turns(choose, SEED, turn, forms, arrays=arrays), choose
    if arrays:
        return array_case(choose, engine.array_forms), choose
    return case(choose, engine.forms), choose


def count(part: dict[str, Any], engine: Engine, index: int, drawn: Case, kind: str) -> None:
    """Check one graph."""
    witnessed = index % WITNESSED == 0 and not drawn.tangent
    found = examine(engine, drawn, witnesses=WITNESSES[:1] if witnessed else ())
    part[kind] += 1
    part["convention"] += found.verdict is Verdict.CONVENTION
    part["undecided"] += found.verdict is Verdict.UNDECIDED
    part["witnessed"] += witnessed
    told = {"engine": part["engine"], "index": index, "kind": kind, "case": str(found.case)}
    if found.verdict is Verdict.RIGHT and found.oracles.get("finite differences") == "differs":
        part["contradicted"] += 1
        part["contradictions"].append(told)
    if is_known(part["engine"], found):
        part["known faults"] += 1
    elif found.verdict.accuses:
        part["accused"] += 1
        part["accusations"].append({**told, "verdict": found.verdict, "message": found.message})


def is_known(name: str, found: Examination) -> bool:
    """Return whether an accusation is one that was confirmed by hand."""
    operations = {step.operation for step in found.case.expression.steps}
    if found.verdict is Verdict.INACCURATE:
        return bool(operations & KNOWN.get(name, set()))
    operation, told = KNOWN_WRONG.get(name, ("", ""))
    return found.verdict is Verdict.WRONG and operation in operations and told in found.message


def covered(first: int) -> dict[str, Any]:
    """Count the true derivatives of 500 graphs, by inputs that they use, in the intervals stated."""
    warnings.simplefilter("ignore")
    row: dict[str, Any] = {"derivatives": 0, "no answer": 0, "in the interval": 0, "outside": []}
    for index in range(first, first + 500):
        one = case(seeded(SEED, index))
        estimates, errors = finite_differences.gradient(one.expression, one.point)
        _, truth = taylor.enclose(one.expression, one.point)
        for k in sorted(one.expression.reachable() & set(range(one.expression.inputs))):
            estimate, error, ball = float(estimates[k]), float(errors[k]), truth[k]
            if not (np.isfinite(error) and ball.is_finite()):
                row["no answer"] += 1
                continue
            row["derivatives"] += 1
            if abs(ball - estimate).abs_lower() <= error:
                row["in the interval"] += 1
            else:
                row["outside"].append({"case": str(one), "input": k, "estimate": estimate, "error": error})
    return row


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2, float(sys.argv[2]) if len(sys.argv) > 2 else 1.0)
