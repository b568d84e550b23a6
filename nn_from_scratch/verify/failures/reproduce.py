"""A script that shows a failure: in the engine's own syntax where its adapter tells it, without the suite."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from itertools import accumulate, pairwise

import numpy as np

from nn_from_scratch.verify.engines.deaths import NotAskedError
from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.engines.source import Source, array_text
from nn_from_scratch.verify.engines.wire.isolated import COMMAND
from nn_from_scratch.verify.failures.again import is_steady
from nn_from_scratch.verify.failures.expectations import expectations
from nn_from_scratch.verify.failures.piped import piped
from nn_from_scratch.verify.failures.rebuild import values
from nn_from_scratch.verify.failures.scripts import folders, imported_by, loading, repeated
from nn_from_scratch.verify.judging.examine import Examination, names
from nn_from_scratch.verify.judging.verdicts import Judgement
from nn_from_scratch.verify.questions.expressions import Step

_LONGEST = 64  # numbers of a case: a script of more is no help


def reproducer(engine: Engine, found: Examination) -> str:
    """Return a script that fails while the engine does, and passes once it is right.

    Of an engine that is asked no more it is one that was not tried.
    """
    try:
        return _tried(engine, found)
    except NotAskedError:
        return _by_the_suite(engine, found)


def _tried(engine: Engine, found: Examination) -> str:
    """Return a script that was seen to fail, if one in the engine's own syntax does."""
    again = not found.verdict.accuses or not is_steady(engine, found.case)
    if engine.spec.startswith(COMMAND) and not again:
        return piped(engine, found) or _by_the_suite(engine, found)
    script = written(engine, found, again=again)
    return script if script and engine.driver.fails(script) else _by_the_suite(engine, found, again=again)


def written(engine: Engine, found: Examination, *, again: bool = False) -> str:
    """Return the script in the engine's own syntax, or nothing where its adapter does not tell it.

    With `again` it asks again and again, for what is wrong now and then.
    """
    case, source = found.case, engine.source
    entry_by_entry = found.error or not case.shapes or len(found.gradient) >= len(case.point)
    if source and source.writes(case) and entry_by_entry and len(case.point) <= _LONGEST:
        return _standalone(source, engine, found, again=again)
    return ""


def _by_the_suite(engine: Engine, found: Examination, *, again: bool = False) -> str:
    case = found.case
    arrays = f", {case.shapes!r}, {case.cotangent!r}" if case.shapes else ""
    arrays += f", tangent={case.tangent!r}" if case.tangent else ""
    arrays += f", order={case.order!r}" if case.order != "C" else ""
    arrays += ", integers=True" if case.integers else ""
    arrays += f", numbers={case.numbers!r}" if case.numbers != "python" else ""
    before, line = loading(engine)
    question = f"check(engine, Case(expression, {case.point!r}{arrays}))"
    lines = [
        _comment(f"{engine.name}: {case}"),
        *before,
        "import json",
        "",
        "from nn_from_scratch.verify import Case, Expression, check, load",
        "",
        line,
        f"expression = Expression.from_json(json.loads({json.dumps(case.expression.to_json())!r}))",
        repeated(question) if again else question,
    ]
    return "\n".join([*lines, ""])


def _standalone(source: Source, engine: Engine, found: Examination, *, again: bool) -> str:
    case, expression = found.case, found.case.expression
    inputs = {f"x{i}": array_text(x) for i, x in enumerate(case.inputs())}
    cotangent = None
    if case.shapes:
        shape = np.shape(values(case)[expression.output])
        cotangent = array_text(np.reshape(case.cotangent, shape))

    def write(step: Step, operands: list[str]) -> str:
        kinds = expression.operand_kinds(step)
        return source.write(step, operands, kinds.replace("c", "a") if case.numbers == "array" else kinds)

    lines = case.lines(write)
    code = source.differentiate(inputs, lines, cotangent, [array_text(x) for x in case.tangents()])
    value, *slopes = expectations(engine.format, case)
    what, derivative = names(case)
    rows = [*_row(what, code.value, [value], None)]
    sizes = [math.prod(shape) for shape in case.shapes] or [1] * expression.inputs
    for k, (start, end) in enumerate(pairwise(accumulate(sizes, initial=0))):
        shape = case.shapes[k] if case.shapes else None
        rows += _row(f"{derivative} for x{k}", code.gradients[k], slopes[start:end], shape)
    if len(slopes) > len(case.point):  # a tie, whose operands share 1
        total = " + ".join(f"{gradient}.sum()" if case.shapes else gradient for gradient in code.gradients)
        rows += _row("the sum of all derivatives", total, slopes[-1:], None)
    text = "\n".join((*code.statements, "", *rows))
    imports = source.imports
    if "np." in text and not any(line.endswith("numpy as np") for line in imports.splitlines()):
        imports = f"import numpy as np\n{imports}"
    lines = [
        _comment(f"{engine.name}: {found.message}"),
        "",
        *folders(engine, imported_by(imports)),
        imports,
        "",
    ]
    return "\n".join([*lines, repeated(text) if again else text, ""])


def _width(expected: Judgement) -> float:
    """Return the radius of what may be the truth: at a kink it is an interval."""
    return float(expected.truth.rad())


def _row(what: str, got: str, expected: Sequence[Judgement], shape: tuple[int, ...] | None) -> list[str]:
    """Assert one value, or an array of them; nothing where the truth is not known or there is none."""
    if not all(one.truth.is_finite() and math.isfinite(one.tolerance) for one in expected) or not expected:
        return []
    numbers = np.array([one.expected for one in expected])
    tolerances = np.array([one.tolerance + _width(one) for one in expected])
    if shape is None:
        return [
            f"got, expected, tolerance = float({got}), {float(numbers[0])!r}, {float(tolerances[0])!r}",
            f'assert abs(got - expected) <= tolerance, f"{what} is {{got}}, expected {{expected}}"',
        ]
    return [
        f"got, expected = np.asarray({got}), {array_text(numbers.reshape(shape))}",
        f"tolerance = {array_text(tolerances.reshape(shape))}",
        f'assert got.shape == expected.shape, f"{what} has shape {{got.shape}}, not {{expected.shape}}"',
        f'assert np.all(abs(got - expected) <= tolerance), f"{what} is {{got.tolist()}}"',
    ]


def _comment(text: str) -> str:
    return "\n".join(f"# {line}" for line in text.splitlines())
