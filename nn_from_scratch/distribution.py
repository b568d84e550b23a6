"""How this package is installed, and whose package of the same import name is not it."""

import re
import sys
from contextlib import suppress
from pathlib import Path

NAME = "nn-from-scratch-verified"
"""The distribution's name, as pyproject.toml has it. The import name and the command are older than it."""

REPOSITORY = "https://github.com/OWNER/REPOSITORY"

STRANGER = "nn-from-scratch"
"""A distribution on the public package index that is somebody else's, with the import name of this one."""


def install_command(extra: str = "") -> str:
    """Return the command that installs this package, with an extra, from its repository."""
    named = f"{NAME}[{extra}]" if extra else NAME
    return f'pip install "{named} @ git+{REPOSITORY}"'


def version() -> str | None:
    """Return the installed version, None where the package lies there without being installed."""
    return _version(NAME)


def stranger_may_be_there() -> bool:
    """Whether the name of a file says so: a short look, where Python's own needs a slow import."""
    named = re.compile("[-_.]".join(STRANGER.split("-")) + "[-.]", re.IGNORECASE)
    for folder in sys.path:
        with suppress(OSError):
            if any(named.match(path.name) for path in Path(folder).iterdir()):
                return True
    return False


def stranger_warning() -> str | None:
    """Return what to say if the stranger's package is installed as well, None if it is not.

    Both write into one folder, ``nn_from_scratch``: whichever came last has replaced files of the other.
    """
    found = _version(STRANGER)
    if found is None:
        return None
    here = Path(__file__).parent
    return (
        f"{STRANGER} {found} is installed, another project's package of the same import name: its files and "
        f"this package's lie in one folder ({here}), and either may be incomplete. "
        f"Run: pip uninstall {STRANGER} {NAME}, then: {install_command('verify')}"
    )


def _version(distribution: str) -> str | None:
    from importlib import metadata  # noqa: PLC0415  it takes long, and is seldom needed

    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
