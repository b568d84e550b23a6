"""The line of the user's code that an operation was run for."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

_NOT_THE_USERS = (
    str(Path(torch.__file__).parent),
    str(Path(__file__).parents[2]),
    "<",
)


def users_line() -> str:
    """Return the innermost line outside PyTorch and the suite: ``file.py:12, in backward``."""
    frame = sys._getframe(1)  # noqa: SLF001  there is no other way to look
    while frame is not None:
        code = frame.f_code
        if not code.co_filename.startswith(_NOT_THE_USERS):
            return f"{Path(code.co_filename).name}:{frame.f_lineno}, in {code.co_name}"
        if frame.f_back is None:
            break
        frame = frame.f_back
    return "PyTorch's own backward"


def in_a_function() -> bool:
    """Whether this is within the forward or backward of a custom function."""
    frame = sys._getframe(1)  # noqa: SLF001
    while frame is not None:
        code = frame.f_code
        if code.co_name == "apply" and code.co_filename == torch.autograd.function.__file__:
            return True
        if frame.f_back is None:
            break
        frame = frame.f_back
    return False
