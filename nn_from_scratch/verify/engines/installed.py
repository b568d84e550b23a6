"""Which engines are there: those that ship, and whose packages are installed; and their versions."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib import metadata
from importlib.util import find_spec

from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.engines.offered import names
from nn_from_scratch.verify.engines.specs import BUILT_IN

_PACKAGES = {"pytorch": "torch"}
"""The packages of engines that are called otherwise."""
_OURS = "nn_from_scratch"
_BESIDE = {"numpy", "scipy", _OURS}
"""What adapters import beside an engine."""


def installed() -> tuple[str, ...]:
    """Return the names of the engines that can be asked here, as `load` takes them: shipped and offered."""
    shipped = (name for name in BUILT_IN if find_spec(_PACKAGES.get(name, name)) is not None)
    return (*shipped, *(name for name in names() if name not in BUILT_IN))


def versions(engine: Engine) -> dict[str, str]:
    """Return the versions of the packages that an engine's adapter refers to, by their names on the index.

    There are none for an engine whose packages are not installed, but lie in a folder, or that is no Python.
    """
    if not engine.spec:
        return {}
    names = set(engine.driver.found_in(engine.spec).names) - sys.stdlib_module_names
    return _versions({_OURS} if engine.spec == _OURS else names - _BESIDE)


def _versions(names: Iterable[str]) -> dict[str, str]:
    distributions = metadata.packages_distributions()
    return {
        distribution: metadata.version(distribution)
        for name in sorted(names)
        for distribution in dict.fromkeys(distributions.get(name, ()))
    }
