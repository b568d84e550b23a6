"""The recorded vectors: what they hold, and that they are written the same again."""

import gzip
import hashlib
import json
import re
from collections import Counter
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from long_runs import WHOLE
from vector_judge import Line, vectors

from nn_from_scratch.verify.engines import wire
from nn_from_scratch.verify.oracles import taylor
from nn_from_scratch.verify.questions.operations import VECTOR_ARRAY_FORMS, VECTOR_FORMS
from nn_from_scratch.verify.vectors import decimals
from nn_from_scratch.verify.vectors.files import _header
from nn_from_scratch.verify.vectors.lines import FILES, lines

pytestmark = pytest.mark.once

FOLDER = Path(__file__).parents[3] / "reference" / "vectors"
HEADER = json.loads((FOLDER / "vectors.json").read_text(encoding="utf-8"))
SCHEMA = json.loads((FOLDER / "vectors.schema.json").read_text(encoding="utf-8"))
PROTOCOL = json.loads((Path(wire.__path__[0]) / "protocol.schema.json").read_text(encoding="utf-8"))


@cache
def every(name: str) -> list[Line]:
    return list(vectors(FOLDER / f"{name}.gz"))


@cache
def numbered(name: str) -> list[Any]:
    return FILES[name].numbered()


def some(name: str, step: int) -> list[Any]:
    """Return every so manyth case; all of them in the long run."""
    return numbered(name)[:: 1 if WHOLE else step]


def test_there_are_ten_thousand_and_the_header_says_how_many() -> None:
    assert set(HEADER["files"]) == {f"{name}.gz" for name in FILES}
    for name, described in HEADER["files"].items():
        plain = gzip.decompress((FOLDER / name).read_bytes())
        assert hashlib.sha256(plain).hexdigest() == described["sha256"]
        assert (plain.count(b"\n"), len(plain)) == (described["vectors"], described["bytes"])
    assert _header(HEADER["files"], ()) == HEADER
    assert [one["about"] for one in HEADER["files"].values()] == [one.about for one in FILES.values()]
    assert sum(one["vectors"] for one in HEADER["files"].values()) > 14_000
    assert HEADER["files"]["scalars.jsonl.gz"]["vectors"] > 6_000
    assert all((FOLDER / name).stat().st_size < 1_000_000 for name in HEADER["files"])


def test_every_operation_is_asked_in_every_form_and_role() -> None:
    asked = Counter((one["why"]["operation"], one["why"]["operands"]) for one in every("scalars.jsonl"))
    assert not set(VECTOR_FORMS) - set(asked)
    of_arrays = Counter((one["why"]["operation"], one["why"]["operands"]) for one in every("arrays.jsonl"))
    assert not {*VECTOR_FORMS, *VECTOR_ARRAY_FORMS} - set(of_arrays)
    roles = {(one["why"]["operation"], one["why"]["role"]) for one in every("scalars.jsonl")}
    for name in {name for name, _ in VECTOR_FORMS}:
        missing = {
            role
            for role in (
                "alone",
                "something after it",
                "something before it",
                "a dead branch beside it",
                "its result used twice",
                "its operand used before as well",
                "its operand used after as well",
                "differentiated twice",
            )
            if (name, role) not in roles
        }
        assert not missing, name
    assert sum("choices" in one for one in every("scalars.jsonl")) > 80
    assert {len(one["choices"]) for one in every("scalars.jsonl") if "choices" in one} > {1, 2}


def test_numbers_are_of_one_line_each_and_in_order() -> None:
    numbers = [one["id"] for name in FILES for one in every(name)]
    assert numbers == sorted(set(numbers))


def test_every_line_fits_the_schema_and_is_a_request() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    line, request = (
        Draft202012Validator(SCHEMA),
        Draft202012Validator({"$ref": "#/$defs/request", "$defs": PROTOCOL["$defs"]}),
    )
    for name in FILES:
        for one in every(name)[:: 1 if WHOLE else 200]:
            line.validate(one)
            request.validate({"id": one["id"], "program": one["program"]})


def test_every_line_is_consistent() -> None:
    for name in FILES:
        for one in every(name):
            moves = [move[0] for move in one["program"]]
            assert set(moves) == set(one["moves"])
            assert {move[1] for move in one["program"] if move[0] == "apply"} == set(one["operations"])
            assert all(len(row) == len(one["truth"]) for row in one["tolerance"].values())
            assert set(one["tolerance"]) | set(one["left out"]) == set(HEADER["formats"])
            assert not set(one["tolerance"]) & set(one["left out"])
            if "choices" in one:
                assert {len(row) for row in one["choices"]} == {len(one["sides"])}
                truths = one["truth"][-len(one["sides"]) :]
                assert [ends[0] if ends[0] == ends[1] else None for ends in one["sides"]] == truths
            else:
                assert None not in one["truth"]


def test_tolerances_are_small_beside_what_they_judge() -> None:
    """A tolerance as large as the number would be right about everything."""
    sharp = total = 0
    for one in every("scalars.jsonl"):
        for true, tolerance in zip(one["truth"], one["tolerance"].get("float64", ()), strict=False):
            if true and tolerance and true[0] != "0":
                total += 1
                sharp += Fraction(tolerance) < abs(Fraction(true[0])) / 10**12
    assert sharp > 0.97 * total > 10_000


@pytest.mark.parametrize(
    ("name", "step"), [("scalars.jsonl", 100), ("graphs.jsonl", 100), ("arrays.jsonl", 100)]
)
def test_the_same_bytes_are_written_again(name: str, step: int) -> None:
    recorded = gzip.decompress((FOLDER / f"{name}.gz").read_bytes()).decode("ascii").splitlines()
    by_number = {re.match(r'\{"id":(\d+),', line)[1]: line for line in recorded}  # type: ignore[index]
    cases = some(name, step)
    written = dict(zip((str(case[0]) for case in cases), lines(cases), strict=True))
    assert len(written) > 25
    for number, line in written.items():
        assert by_number.get(number) == line
    if WHOLE:
        assert [line for line in written.values() if line is not None] == recorded


def test_working_precision_changes_no_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    cases = some("scalars.jsonl", 300)
    usual = list(lines(cases))
    assert any(usual)
    monkeypatch.setattr(taylor, "PRECISION", 333)
    assert list(lines(cases, (333, 2000, 5000))) == usual


def test_no_tolerance_is_so_near_a_step_that_versions_of_flint_could_differ(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = [*FILES] if WHOLE else ["scalars.jsonl"]
    cases = [case for name in names for case in some(name, 300)]
    usual = list(lines(cases))

    def enlarged_by(more: Fraction) -> list[str | None]:
        with monkeypatch.context() as context:
            context.setattr(decimals, "_ENLARGED", decimals._ENLARGED + more)
            return list(lines(cases))

    assert enlarged_by(Fraction(1, 10**7)) == usual
    assert enlarged_by(Fraction(-1, 10**7)) == usual
    assert enlarged_by(Fraction(1, 10**2)) != usual  # so far away there are some


def test_the_document_tells_of_every_key() -> None:
    text = (FOLDER / "VECTORS.md").read_text(encoding="utf-8")
    keys = list(SCHEMA["properties"])
    assert len(keys) == 10
    assert not [key for key in keys if f"`{key}`" not in text]
    reasons = SCHEMA["properties"]["left out"]["additionalProperties"]["enum"]
    assert not [reason for reason in reasons if f"`{reason}`" not in text]
    assert not [
        name for name in (*HEADER["files"], "vectors.json", "vectors.schema.json") if f"`{name}`" not in text
    ]
