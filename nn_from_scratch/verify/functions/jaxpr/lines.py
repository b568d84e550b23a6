"""The user's lines: of each operation, the one that asked for it.

JAX says of what a derivative computes the line of the function that is differentiated. Of what a custom rule
computes this is the line of the call, and not of the rule: while a derivative is traced, an operation that is
asked for by a line of its own is said to be of that.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jax._src import source_info_util
from jax._src.lib import xla_client

_HERE = Path(__file__)


def line_of(source: Any) -> str:
    """Return the line of the user's that asked for an operation; nothing if it was none."""
    frame = _users(source.traceback)
    return "" if frame is None else f"{frame.file_name}:{frame.start_line} ({frame.function_name})"


def asked_by(equation: Any) -> Any:
    """Let what is computed within a block be asked for by the line that an equation is of."""
    return source_info_util.user_context(equation.source_info.traceback)


@contextlib.contextmanager
def lines_of_rules() -> Iterator[None]:
    """Let operations that are traced within the block be those of the lines that ask for them."""
    usual = source_info_util.current

    def current() -> Any:
        found, traceback = usual(), xla_client.Traceback.get_traceback()
        return found if _users(traceback) is None else found.replace(traceback=traceback)

    source_info_util.current = current
    try:
        yield
    finally:
        source_info_util.current = usual


def _users(traceback: Any) -> Any:
    """Return the innermost frame, if it is the user's and not of those that ask here."""
    for frame in source_info_util.user_frames(traceback):
        path = Path(frame.file_name)
        if path != _HERE:
            return None if path.parent == _HERE.parent else frame
    return None
