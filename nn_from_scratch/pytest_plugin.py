"""The door to pytest: options, a fixture and a marker; what does the work is imported when it is needed.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from importlib import import_module
from typing import Any

import pytest

_MARKER = (
    "gradient(function, gradient, inputs, **options): check a hand-written gradient, as check_gradient does, "
    "before the test's body; without arguments, what the test returns: (function, gradient, inputs)"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of engines, and settings for pytest's own file."""
    group = parser.getgroup("gradient", "gradients")
    group.addoption(
        "--gradient-engine",
        action="append",
        default=[],
        metavar="SPEC",
        help="check an engine: FILE.py, FILE.py:NAME, module:NAME, or a name that nn-from-scratch knows",
    )
    settings = (
        ("seed", "N", "which random graphs (default: 0)"),
        ("graphs", "N", "how many random graphs (default: 200)"),
        ("failures", "FILE", "tests of engines that are expected to fail, one a line"),
    )
    for name, metavar, text in settings:
        group.addoption(f"--gradient-{name}", metavar=metavar, help=text)
        parser.addini(f"gradient_{name}", text)
    text = "let a line of the file of expected failures fail if its test passes, or if there is none"
    group.addoption("--gradient-strict", action="store_true", help=text)
    parser.addini("gradient_strict", text, type="bool", default=False)


def pytest_configure(config: pytest.Config) -> None:
    """Name the marker; where there is an engine to check, load what collects its tests."""
    config.addinivalue_line("markers", _MARKER)
    if config.getoption("gradient_engine"):
        hooks = _needed("nn_from_scratch.verify.plugin.hooks")
        config.pluginmanager.register(hooks.EngineHooks(config), "gradient-engines")


@pytest.fixture
def check_gradient() -> Callable[..., Any]:
    """Return what checks a function's hand-written gradient: `nn_from_scratch.verify.check_gradient`."""
    return _check_gradient()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> object | None:
    """Check the gradient that a marker names, or that a marked test returns."""
    marker = pyfuncitem.get_closest_marker("gradient")
    if marker is None:
        return None
    check = _check_gradient()
    if marker.args:
        check(*marker.args, **marker.kwargs)
        return None
    names = pyfuncitem._fixtureinfo.argnames  # noqa: SLF001  pytest's own way, as plugins take it
    returned = pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names})
    if not isinstance(returned, tuple):
        pytest.fail(
            f"a test that is marked with gradient returns (function, gradient, inputs), got {returned!r}",
            pytrace=False,
        )
    check(*returned, **marker.kwargs)
    return True


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(call: pytest.CallInfo[None]) -> Generator[None, Any, None]:
    """Add to the report of a test what `check` has found in it, with its script."""
    made = yield
    if call.excinfo is not None and "nn_from_scratch.verify.judging.checking" in sys.modules:
        sections = import_module("nn_from_scratch.verify.plugin.sections")
        made.get_result().sections += sections.sections_of(call.excinfo.value)


def _check_gradient() -> Callable[..., Any]:
    found: Callable[..., Any] = _needed("nn_from_scratch.verify").check_gradient
    return found


def _needed(module: str) -> Any:
    """Import a module of the suite, whose packages may be missing."""
    try:
        found = import_module(module)
        import_module("flint")
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("nn_from_scratch"):
            raise
        install_command = import_module("nn_from_scratch.distribution").install_command
        raise pytest.UsageError(f"{error.name} is not installed: {install_command('verify')}") from error
    return found
