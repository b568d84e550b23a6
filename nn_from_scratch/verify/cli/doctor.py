"""What is installed, what is missing and what it would add: the first thing to look at, and to report."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from nn_from_scratch import distribution
from nn_from_scratch.verify.campaign.environment import environment


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
    Optional("tinygrad", "`--engine tinygrad`"),
    Optional("micrograd", "`--engine micrograd`, and a peer of the benchmark"),
    Optional("casadi", "a peer of the benchmark"),
)


def problems() -> list[str]:
    """Return what is wrong with this installation, each with what to do; nothing if all is well."""
    found = [distribution.stranger_warning()]
    if distribution.version() is None:
        found.append(
            f"{distribution.NAME} is not installed, its files only lie on Python's path: "
            f"run pip install . in a clone, or {distribution.install_command('verify')}"
        )
    return [problem for problem in found if problem]


def show(console: Console) -> None:
    """Print versions, optional packages and problems."""
    table = Table("installed", "version", box=None, header_style="bold", pad_edge=False)
    for name, version in environment().items():
        table.add_row(name, escape(version or "not installed"))
    console.print(table)
    table = Table("optional", "version", "adds", box=None, header_style="bold", pad_edge=False)
    for optional in OPTIONAL:
        table.add_row(optional.package, _version(optional.package), optional.adds)
    console.print(table)
    found = problems()
    for problem in found:
        console.print(f"[bold red]problem:[/] {escape(problem)}", highlight=False, soft_wrap=True)
    if not found:
        console.print("[bold green]no problem found[/]")


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"
