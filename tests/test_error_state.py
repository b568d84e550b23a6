"""numpy's error state, looked at and silenced: by the variable that numpy keeps it in, and without."""

from __future__ import annotations

import importlib.util
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nn_from_scratch import error_state

if TYPE_CHECKING:
    from types import ModuleType


def loaded_again() -> ModuleType:
    spec = importlib.util.spec_from_file_location("loaded_again", error_state.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(params=["numpy's variable", "no variable"])
def module(request: Any, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    if request.param == "numpy's variable":
        return error_state
    monkeypatch.delattr("numpy._core.umath._extobj_contextvar", raising=False)
    return loaded_again()


def test_state_is_usual_unless_numpy_was_told_otherwise(module: Any) -> None:
    assert module.state() is module.USUAL
    with np.errstate(under="raise"):
        assert module.state() is not module.USUAL
    assert module.state() is module.USUAL


def test_silent_function_neither_warns_nor_raises(module: Any) -> None:
    def quotients(x: Any, *, by: float) -> Any:
        return x / by

    silent = module.silent(quotients)
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        assert np.array_equal(silent(np.array([1.0, -1.0]), by=0.0), [np.inf, -np.inf])
        with pytest.raises(FloatingPointError):
            quotients(np.ones(1), by=0.0)


def test_silence_ends_with_an_exception(module: Any) -> None:
    def fails() -> None:
        raise KeyError

    with np.errstate(all="raise"):
        with pytest.raises(KeyError):
            module.silent(fails)()
        assert np.geterr() == dict.fromkeys(("divide", "over", "under", "invalid"), "raise")


def test_variable_of_this_numpy_is_found() -> None:
    assert error_state._variable is not None


def test_module_is_loaded_in_an_unusual_error_state() -> None:
    with np.errstate(over="raise"):
        module = loaded_again()
        assert module.state() is not module.USUAL
    assert module.state() is module.USUAL
