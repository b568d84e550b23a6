"""What a result was computed with."""

from __future__ import annotations

import platform
from importlib import metadata

from nn_from_scratch import distribution


def environment() -> dict[str, str | None]:
    """Return the versions that matter, None for a package that is not installed."""
    packages = {name: _version(name) for name in ("numpy", "torch", "jax", "python-flint")}
    return {
        "nn_from_scratch": distribution.version(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        **packages,
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
