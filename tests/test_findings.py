"""Findings in released engines: each stands as it is recorded, or a test says which version has mended it."""

import contextlib
import io
import math
import re
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

FOLDER = Path(__file__).parents[1] / "reference" / "findings"
FILES = sorted(path for path in FOLDER.glob("*.md") if path.name != "README.md")

Outcome = list[float] | str
"""The numbers that a script prints, or "raises" and what it raises."""


@dataclass(frozen=True)
class Finding:
    """What a file says: `by` is an expression of mpmath's for the true number, nothing if it is exact."""

    path: Path
    package: str
    version: str
    got: Outcome
    true: list[str]
    by: str
    within: float
    mended_in: str
    script: str

    @classmethod
    def read(cls, path: Path) -> "Finding":
        text = path.read_text(encoding="utf-8")
        fields = dict(re.findall(r"^\| ([a-z ]+) \| (.+) \|$", text, re.MULTILINE))
        (script,) = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        got, by = fields["got"], fields["by"]
        return cls(
            path,
            fields["package"],
            fields["version"],
            got if got.startswith("raises") else numbers(got),
            fields["true"].split(),
            by.split("`")[1] if by.startswith("`") else "",
            float(fields["right within"]),
            fields["mended in"],
            script,
        )

    def is_right(self, outcome: Outcome) -> bool:
        """Whether these are the true numbers, within what the finding says."""
        true = [float(number) for number in self.true]
        if isinstance(outcome, str) or len(outcome) != len(true):
            return False
        scale = max(map(abs, true)) or 1.0
        return all(abs(a - b) <= self.within * scale for a, b in zip(outcome, true, strict=True))

    def told(self, outcome: Outcome, version: str) -> str:
        """Say what has to be done about a finding, given what its script answers; nothing if it stands."""
        name = f"{self.package} {version}"
        if self.is_right(outcome):
            return (
                f"FINDING MENDED in version {version}: update the finding {self.path.name} ({self.package})"
            )
        if version == self.version and not alike(outcome, self.got):
            return f"{name} answers {outcome}, where {self.path.name} has {self.got}"
        return ""


def numbers(text: str) -> list[float]:
    return [float(word) for word in text.split()]


def alike(one: Outcome, other: Outcome) -> bool:
    """Whether two outcomes are the same, but for rounding that differs between machines."""
    if isinstance(one, str) or isinstance(other, str):
        return one == other
    return len(one) == len(other) and all(
        a == b or (math.isnan(a) and math.isnan(b)) or math.isclose(a, b, rel_tol=1e-5, abs_tol=1e-12)
        for a, b in zip(one, other, strict=True)
    )


def outcome_of(script: str) -> Outcome:
    """Run a script as it stands, and read what it prints."""
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(script, {"__name__": "__main__"})  # noqa: S102  a script of ours, about another package
    except Exception as error:  # noqa: BLE001  what is raised is the finding
        return f"raises {type(error).__name__}"
    return numbers(printed.getvalue())


@pytest.fixture
def precision() -> Iterator[None]:
    """Leave JAX's precision as it was: a script sets it for the whole process."""
    jax = sys.modules.get("jax")
    before = jax.config.jax_enable_x64 if jax else False
    yield
    if "jax" in sys.modules:
        sys.modules["jax"].config.update("jax_enable_x64", before)


@pytest.mark.usefixtures("precision")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_finding_stands(path: Path) -> None:
    finding = Finding.read(path)
    pytest.importorskip(finding.package)
    version = metadata.version(finding.package).partition("+")[0]
    if finding.mended_in != "not yet" and version != finding.version:
        pytest.skip(f"mended in {finding.mended_in}")
    problem = finding.told(outcome_of(finding.script), version)
    assert not problem, problem


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_true_numbers_are_those_of_mpmath_and_none_is_right_as_got(path: Path) -> None:
    finding = Finding.read(path)
    assert not finding.is_right(finding.got)
    assert finding.is_right(numbers(" ".join(finding.true)))
    mpmath = pytest.importorskip("mpmath")
    if finding.by:
        (stated,) = finding.true
        with mpmath.workdps(80):
            true = eval(finding.by, vars(mpmath).copy())  # noqa: S307  an expression of ours
            digits = len(stated.partition("e")[0].strip("-").replace(".", "").lstrip("0"))
            assert abs(mpmath.mpf(stated) - true) <= abs(true) * mpmath.mpf(10) ** (1 - digits)
    else:
        assert all(float(number).is_integer() for number in finding.true)


def test_a_script_needs_nothing_but_its_engine() -> None:
    assert len(FILES) > 10
    for path in FILES:
        finding = Finding.read(path)
        imported = set(re.findall(r"^(?:import|from) (\w+)", finding.script, re.MULTILINE))
        assert imported == {finding.package}, path.name


def test_a_version_that_answers_right_is_told() -> None:
    finding = Finding.read(FOLDER / "pytorch-trigamma.md")
    right = [0.6449340668482264]
    told = finding.told(right, "9.0.0")
    assert told.startswith("FINDING MENDED in version 9.0.0: update the finding pytorch-trigamma.md")
    assert finding.told(right, finding.version).startswith("FINDING MENDED")
    assert not finding.told([0.6449], "9.0.0")  # another wrong number, of another version
    assert "where pytorch-trigamma.md has" in finding.told([0.6449], finding.version)
    assert "where pytorch-trigamma.md has" in finding.told("raises ValueError", finding.version)
    assert not finding.told(finding.got, finding.version)
    raising = replace(finding, got="raises ZeroDivisionError")
    assert not raising.told("raises ZeroDivisionError", finding.version)
    assert not finding.is_right([math.nan])
    assert not finding.is_right([])


def test_scripts_are_run_and_read() -> None:
    assert outcome_of("print(1.5, float('nan'))")[0] == 1.5
    assert outcome_of("1 / 0") == "raises ZeroDivisionError"
    assert alike([math.nan, 1.0], [math.nan, 1.0 + 1e-9])
    assert not alike([1.0], [math.nan])
    assert not alike([1.0], "raises ValueError")


def test_the_list_of_findings_names_each() -> None:
    listed = re.findall(r"\]\((.+?)\) \| (.+?) \| (.+?) \|", (FOLDER / "README.md").read_text("utf-8"))
    assert sorted(name for name, _, _ in listed) == [path.name for path in FILES]
    for name, engine, mended in listed:
        finding = Finding.read(FOLDER / name)
        assert engine.split()[-1] == finding.version
        assert mended == finding.mended_in
