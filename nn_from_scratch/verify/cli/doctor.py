"""What is installed, what is missing and what it would add: the first thing to look at, and to report."""

from __future__ import annotations

import argparse
import re
from contextlib import closing
from dataclasses import dataclass
from importlib import metadata

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from threadpoolctl import threadpool_info

from nn_from_scratch import distribution
from nn_from_scratch.verify.campaign.direct import Direct, ask_questions
from nn_from_scratch.verify.campaign.environment import environment
from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.engines.mistakes import refuse_mistakes
from nn_from_scratch.verify.engines.wire.isolated import isolated_if_possible
from nn_from_scratch.verify.questions.direct import direct_questions


@dataclass(frozen=True, slots=True)
class Optional:
    """A package that the suite works without."""

    package: str
    adds: str


OPTIONAL = (
    Optional("torch", "PyTorch as a witness of every gradient, and `--engine pytorch`"),
    Optional("jax", "`--engine jax`"),
    Optional("autograd", "`--engine autograd`"),
    Optional("mygrad", "`--engine mygrad`"),
    Optional("distributed", "`campaign --dask`, on the workers of a Dask cluster"),
    Optional("tinygrad", "`--engine tinygrad`"),
    Optional("scipy", "functions of scipy.special, such as erf, of our engine's nodes"),
    Optional("micrograd", "`--engine micrograd`, and a peer of the benchmark"),
    Optional("casadi", "a peer of the benchmark"),
)


LEAST = {
    "numpy": ((2, 0), "the engine's arrays are those of numpy 2"),
    "python-flint": ((0, 9), "earlier ones cannot divide power series: there would be no truth"),
}
"""The least version of a package with which answers are right, and why."""

QUESTIONS = 10
"""So many an engine is asked, each about another operation."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What an engine said to a few questions: in a line, and what was wrong."""

    words: str
    problems: list[str]


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    command.add_argument(
        "--engine", metavar="SPEC", help=f"an engine that is tried with {QUESTIONS} questions"
    )


def tried(spec: str) -> Tried:
    """Load an engine in a process of its own, and ask it a few questions.

    Raises
    ------
    EngineError
        If it cannot be loaded, or its adapter has a mistake.

    """
    engine = isolated_if_possible(spec)
    with closing(engine.driver):
        refuse_mistakes(engine)
        return _asked(engine)


def _asked(engine: Engine) -> Tried:
    """Ask an engine about some of its operations, from the whole catalogue."""
    by_operation = {question.operation: question for question in direct_questions(engine.forms)}
    names = list(by_operation)
    chosen = [names[k * len(names) // QUESTIONS] for k in range(QUESTIONS)] if names else []
    found = Direct()
    ask_questions(engine, [by_operation[name] for name in dict.fromkeys(chosen)], found)
    counts = ", ".join(f"{count} {verdict.value}" for verdict, count in found.verdicts.items())
    wrong = [f"{engine.name}, {question.operation}: {seen.message}" for question, seen in found.failing]
    wrong += [f"{engine.name}: its process ended, {death.words}" for death in engine.driver.deaths]
    if not found.verdicts:
        wrong.append(f"{engine.name} answers no question: {engine.silence or 'it has no operation'}")
    return Tried(
        f"{engine.name}, asked about {', '.join(dict.fromkeys(chosen))}: {counts or 'nothing'}", wrong
    )


def problems() -> list[str]:
    """Return what is wrong with this installation, each with what to do; nothing if all is well."""
    found = [distribution.stranger_warning(), *map(_too_old, LEAST)]
    if distribution.version() is None:
        found.append(
            f"{distribution.NAME} is not installed, its files only lie on Python's path: "
            f"run pip install . in a clone, or {distribution.install_command('verify')}"
        )
    return [problem for problem in found if problem]


def _too_old(package: str) -> str | None:
    """Say that a package is too old, with what to do."""
    least, why = LEAST[package]
    version = _version(package)
    if tuple(map(int, re.findall(r"\d+", version)[: len(least)])) >= least:
        return None
    wanted = ".".join(map(str, least))
    return f"{package} is {version}, and {wanted} is needed, for {why}: pip install '{package}>={wanted}'"


def show(console: Console, engine: Tried | None = None) -> None:
    """Print versions, optional packages, threads, what an engine said, and problems."""
    table = Table("installed", "version", box=None, header_style="bold", pad_edge=False)
    for name, version in environment().items():
        table.add_row(name, escape(version or "not installed"))
    console.print(table)
    table = Table("optional", "version", "adds", box=None, header_style="bold", pad_edge=False)
    for optional in OPTIONAL:
        table.add_row(optional.package, _version(optional.package), optional.adds)
    console.print(table)
    for pool in threadpool_info():
        name = " ".join(filter(None, [pool["internal_api"], pool.get("version")]))
        console.print(f"threads of {escape(name)}: {pool['num_threads']}", highlight=False)
    if engine is not None:
        console.print(f"engine: {escape(engine.words)}", highlight=False, soft_wrap=True)
    found = problems() + (engine.problems if engine else [])
    for problem in found:
        console.print(f"[bold red]problem:[/] {escape(problem)}", highlight=False, soft_wrap=True)
    if not found:
        console.print("[bold green]no problem found[/]")


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"
