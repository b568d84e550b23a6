"""The door to the command line."""

import os
import signal
import sys
from importlib import import_module

from nn_from_scratch.statuses import INTERRUPTED


def main() -> int:
    """Run ``nn-from-scratch``; return its exit status."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # until there is something to interrupt
        number = getattr(signal, name, None)
        if number == signal.SIGINT or (number is not None and signal.getsignal(number) != signal.SIG_IGN):
            signal.signal(number, lambda *_: os._exit(INTERRUPTED))
    _open_streams()
    return int(import_module("nn_from_scratch.supervised").main())


def _open_streams() -> None:
    """Let the numbers of streams that are closed go nowhere, before a file of ours takes them."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the smallest number that is free
            os.set_inheritable(number, True)


if __name__ == "__main__":
    sys.exit(main())
