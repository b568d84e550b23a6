"""The door to the command line, which says what to install where the suite's extra is missing."""

import importlib
import sys

from nn_from_scratch.distribution import install_command


def main() -> int:
    """Run ``nn-from-scratch``; return its exit status."""
    try:
        command = importlib.import_module("nn_from_scratch.verify.cli.commands")
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("nn_from_scratch"):
            raise
        sys.stderr.write(
            f"nn-from-scratch: {error.name} is not installed; the suite needs an extra: "
            f"{install_command('verify')}\n"
        )
        return 4
    return int(command.main())


if __name__ == "__main__":
    sys.exit(main())
