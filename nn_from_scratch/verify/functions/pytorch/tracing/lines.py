"""The line of the user's code that an operation was run for."""

from __future__ import annotations

import sys
import traceback
from functools import cache
from pathlib import Path
from types import CodeType

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
            return f"{_name(code.co_filename)}:{frame.f_lineno}, in {code.co_name}"
        if frame.f_back is None:
            break
        frame = frame.f_back
    return "PyTorch's own backward"


@cache
def _name(path: str) -> str:
    return Path(path).name


def in_a_function() -> bool:
    """Whether this is within the forward or backward of a custom function."""
    frame = sys._getframe(1)  # noqa: SLF001
    while frame is not None:
        if _is_a_functions(frame.f_code):
            return True
        if frame.f_back is None:
            break
        frame = frame.f_back
    return False


def raised_by_a_hook(error: BaseException) -> bool:
    """Whether what a backward raised comes from the user's code, and from no backward of a custom function.

    PyTorch has custom functions of its own, some of which call the hooks of modules.
    """
    codes = [frame.f_code for frame, _ in traceback.walk_tb(error.__traceback__)]
    codes = [x for x in codes if _is_a_functions(x) or x.co_filename != torch.autograd.function.__file__]
    users = [not code.co_filename.startswith(_NOT_THE_USERS) for code in codes]
    backwards = (_is_a_functions(code) and own for code, own in zip(codes, users[1:], strict=False))
    return any(users) and not any(backwards)


def _is_a_functions(code: CodeType) -> bool:
    return code.co_name == "apply" and code.co_filename == torch.autograd.function.__file__
