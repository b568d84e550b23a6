import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nn_from_scratch.verify.functions.named import in_numpy, raised
from nn_from_scratch.verify.functions.named.asking import ask
from nn_from_scratch.verify.functions.named.target import Door, Target
from nn_from_scratch.verify.judging.verdicts import Verdict

pytestmark = pytest.mark.once


def caught(function: Callable[[], Any]) -> Exception:
    try:
        function()
    except Exception as error:  # noqa: BLE001  that is what it is for
        return error
    raise AssertionError


def test_what_a_function_raises_is_its_own() -> None:
    nothing: dict[str, float] = {}
    row = raised.row_of(caught(lambda: nothing["weights"]), "numbers")
    assert (row.verdict, row.said) == (Verdict.ERROR, "raises KeyError: 'weights'")


def test_what_a_library_raises_accuses_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raised, "is_users", lambda path: path.endswith("layers.py"))
    row = raised.row_of(caught(lambda: json.loads("{")), "numbers")
    assert row.verdict is Verdict.UNDECIDED


def test_what_the_suite_raises_goes_through(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise TypeError("the suite is broken")

    code = broken.__code__.replace(co_filename=str(Path(in_numpy.__file__)))
    broken.__code__ = code
    monkeypatch.setattr(in_numpy, "examine_gradient", broken)
    with pytest.raises(TypeError, match="the suite is broken"):
        ask(Target("sine", Door.NUMPY, np.sin, np.float64(0.5), np.cos))
