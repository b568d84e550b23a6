"""Engines that installed packages offer by name, through the entry-point group `GROUP`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nn_from_scratch.verify.engines.errors import EngineError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "nn_from_scratch.engines"
"""In a package's metadata: ``NAME = "package.module:engine"``; the attribute defaults to ``engine``."""


def names() -> list[str]:
    """Return the names of all engines that are offered."""
    from importlib.metadata import entry_points  # noqa: PLC0415  slow, and seldom needed

    return sorted({entry.name for entry in entry_points(group=GROUP)})


def offered(name: str, *, is_shipped: bool) -> tuple[str, str] | None:
    """Return the module and the attribute of an engine that a package offers; None if none does.

    Parameters
    ----------
    name
        The engine's.
    is_shipped
        Whether an adapter of this name ships with the suite.

    Raises
    ------
    EngineError
        If several have the name, or the entry is none that can be loaded.

    """
    from importlib.metadata import entry_points  # noqa: PLC0415  slow, and seldom needed

    # One distribution may be found twice, where a folder stands twice on Python's path.
    found = {(_package(entry), entry.value): entry for entry in entry_points(group=GROUP, name=name)}
    if not found:
        return None
    shown = " and ".join(f"{package} ({value})" for package, value in sorted(found))
    if is_shipped:
        raise EngineError(
            f"{name} ships with the suite, and is offered by {shown}, too: load it as module:attribute"
        )
    if len(found) > 1:
        raise EngineError(f"{name} is offered by {shown}: load it as module:attribute")
    (entry,) = found.values()
    told = entry.pattern.match(entry.value)
    if told is None or told.group("extras"):
        raise EngineError(f"{shown} offers {name} as no module:attribute")
    return told.group("module"), told.group("attr") or ""


def _package(entry: EntryPoint) -> str:
    return str(entry.dist.name) if entry.dist else "an unknown package"
