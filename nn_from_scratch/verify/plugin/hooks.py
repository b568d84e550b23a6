"""What pytest asks, where there are engines to check."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from nn_from_scratch.verify.engines.engine import Engine, EngineError
from nn_from_scratch.verify.engines.mistakes import refuse_mistakes
from nn_from_scratch.verify.engines.wire.isolated import isolated_if_possible
from nn_from_scratch.verify.plugin.tests_of_engines import Ask, NothingDecidedError, ask, tests_of
from nn_from_scratch.verify.questions.operations import CATALOGUE


@dataclass(frozen=True, slots=True)
class Settings:
    """What is asked of engines, from options or else from pytest's file."""

    seed: int
    graphs: int
    failures: Path | None
    strict: bool

    @classmethod
    def of(cls, config: pytest.Config) -> Settings:
        """Read the settings.

        Raises
        ------
        pytest.UsageError
            If a number is none, or there is no such file.

        """

        def number(name: str, default: int) -> int:
            text = config.getoption(f"gradient_{name}") or config.getini(f"gradient_{name}") or default
            try:
                return int(text)
            except ValueError as error:
                raise pytest.UsageError(f"--gradient-{name} is a whole number, got {text!r}") from error

        given, written = config.getoption("gradient_failures"), config.getini("gradient_failures")
        failures = Path(given) if given else config.rootpath / written if written else None
        if failures is not None and not failures.is_file():
            raise pytest.UsageError(f"there is no file of expected failures {failures}")
        if number("graphs", 200) < 0:
            raise pytest.UsageError("--gradient-graphs is at least 0")
        strict = config.getoption("gradient_strict") or config.getini("gradient_strict")
        return cls(number("seed", 0), number("graphs", 200), failures, bool(strict))


class EngineHooks:
    """Adds the tests of engines to those that pytest collects.

    Parameters
    ----------
    config
        pytest's.

    """

    def __init__(self, config: pytest.Config) -> None:
        self._specs: list[str] = config.getoption("gradient_engine")
        self._settings = Settings.of(config)
        self._engines: dict[str, Engine] = {}

    def pytest_report_header(self) -> str:
        """Say what is asked."""
        asked = self._settings
        return f"gradient: {', '.join(self._specs)}; {asked.graphs} graphs, --gradient-seed {asked.seed}"

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, session: pytest.Session, items: list[pytest.Item]) -> None:
        """Add the tests, before others choose among them."""
        found = [item for spec in self._specs for item in self._tests(session, spec)]
        if self._settings.failures is not None:
            found.append(_expect(session, found, self._settings.failures, strict=self._settings.strict))
        items += found

    def pytest_report_collectionfinish(self) -> list[str]:
        """Say in a line what each engine lacks, which is asked of none of its operations."""
        return [
            f"gradient: {spec} has no {', '.join(lacks)}"
            for spec, engine in self._engines.items()
            if (lacks := [name for name in CATALOGUE if name not in {form for form, _ in engine.forms}])
        ]

    def pytest_unconfigure(self) -> None:
        """End the processes of the engines."""
        for engine in self._engines.values():
            engine.driver.close()

    def _tests(self, session: pytest.Session, spec: str) -> list[pytest.Item]:
        try:
            engine = isolated_if_possible(spec)
            self._engines[spec] = engine
            refuse_mistakes(engine)
        except EngineError as error:
            raise pytest.UsageError(str(error)) from error
        collector = EngineCollector.from_parent(
            session, name=spec, nodeid=spec, engine=engine, settings=self._settings
        )
        session.ihook.pytest_collectstart(collector=collector)
        report = session.ihook.pytest_make_collect_report(collector=collector)
        session.ihook.pytest_collectreport(report=report)
        return list(report.result)


def _expect(session: pytest.Session, tests: list[pytest.Item], path: Path, *, strict: bool) -> pytest.Item:
    """Mark the tests that are expected to fail; return the test of what there is no test of."""
    lines = (line.partition("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    expected = dict.fromkeys(filter(None, lines))
    for test in tests:
        names = {test.name, test.nodeid} & expected.keys()
        if names:
            test.add_marker(pytest.mark.xfail(reason=f"expected by {path.name}", strict=strict))
    known = {name for test in tests for name in (test.name, test.nodeid)}
    stale = [name for name in expected if name not in known]
    return ExpectedFailures.from_parent(session, name=path.name, nodeid=path.name, stale=stale, strict=strict)


class EngineCollector(pytest.Collector):
    """Collects the tests of an engine."""

    def __init__(self, *, engine: Engine, settings: Settings, **options: Any) -> None:
        super().__init__(**options)
        self._engine, self._settings = engine, settings

    def collect(self) -> Iterator[pytest.Item]:
        """Return the tests."""
        asked = self._settings
        for name, test in tests_of(self._engine, asked.graphs, asked.seed).items():
            yield EngineTest.from_parent(
                self, name=f"gradient[{name}]", engine=self._engine, test=test, seed=asked.seed
            )


class _Failure(Exception):  # noqa: N818  pytest shows its message alone
    """What a test has to say."""


class _Test(pytest.Item):
    """A test whose failure is its message."""

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return what the test is called."""
        return self.path, 0, self.name

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Show the message alone, where there is one."""
        if isinstance(excinfo.value, _Failure):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)


class EngineTest(_Test):
    """One test of an engine."""

    def __init__(self, *, engine: Engine, test: Ask, seed: int, **options: Any) -> None:
        super().__init__(**options)
        self._engine, self._test, self._seed = engine, test, seed

    def runtest(self) -> None:
        """Ask the engine."""
        try:
            failures = ask(self._engine, self._test)
        except NothingDecidedError as reason:
            pytest.skip(str(reason))
        if failures:
            raise _Failure("\n\n".join([*failures, f"(--gradient-seed {self._seed})"]))


class ExpectedFailures(_Test):
    """The test of a file of expected failures: each of its lines names a test."""

    def __init__(self, *, stale: list[str], strict: bool, **options: Any) -> None:
        super().__init__(**options)
        self._stale, self._strict = stale, strict

    def runtest(self) -> None:
        """Tell the lines that name no test."""
        if not self._stale:
            return
        told = f"{self.name} expects failures of what is no test: {', '.join(self._stale)}"
        if self._strict:
            raise _Failure(told)
        self.warn(pytest.PytestWarning(told))
