"""The tables of a comparison: what is the same for all is said in a line, and what is open is called so."""

import io
from typing import Any

import pytest
from rich.console import Console

from nn_from_scratch.verify.results.comparison import _show_alike, _show_matrix

pytestmark = pytest.mark.once

ENGINES = [{"label": "one", "complete": True}, {"label": "cut short", "complete": False}]


def row(name: str, *words: str) -> dict[str, Any]:
    return {"name": name, "cells": [{"word": word} for word in words]}


ROWS = [
    row("add", "right", "not settled"),
    row("sub", "right", "wrong"),
    row("mul", "not supported", "not settled"),
    row("exp", "not supported", "not supported"),
    row("log", "not supported", "not asked"),
]


def test_a_row_is_shown_where_something_is_wrong() -> None:
    printed = io.StringIO()
    _show_matrix(Console(file=printed, width=100), "operation", ROWS, ENGINES)
    _, *lines = printed.getvalue().splitlines()
    assert [line.split() for line in lines] == [["sub", "right", "wrong"]]


def test_what_is_open_is_not_called_right_nor_asked() -> None:
    printed = io.StringIO()
    _show_alike(Console(file=printed, width=100), ROWS, ENGINES)
    assert printed.getvalue().splitlines() == [
        "right in every engine that has it and was asked all: add",
        "in no engine: exp",
        "not asked: log",
        "not settled: mul",
    ]
