"""The public names of the package and of the suite, each imported once it is asked for."""

import subprocess
import sys

import pytest

from nn_from_scratch import verify


def test_every_public_name_is_there() -> None:
    assert verify._FOUND_IN.keys() == set(verify.__all__)
    for name in verify.__all__:
        assert getattr(verify, name).__name__ == name
        assert name in dir(verify)


def test_unknown_name_is_refused() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = verify.nonsense


def test_loading_an_engine_imports_little_else() -> None:
    code = (
        "import sys; from nn_from_scratch.verify import load; load('nn_from_scratch'); "
        "print(*(name for name in sys.modules if name.startswith('nn_from_scratch.verify.')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    rooms = {name.split(".")[2] for name in done.stdout.split()}
    assert rooms == {"engines", "questions"}


def test_worker_imports_no_engine_and_nothing_to_judge_one() -> None:
    code = "import sys, nn_from_scratch.verify.engines.wire.worker; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported = set(done.stdout.split())
    assert {"numpy", "nn_from_scratch.verify.engines.session"} <= imported
    unneeded = {"flint", "hypothesis", "psutil", "rich", "importlib.metadata", "nn_from_scratch.node"}
    assert not imported & {*unneeded, "nn_from_scratch.verify.questions.generate"}


def test_names_of_the_engine_are_there() -> None:
    code = (
        "import nn_from_scratch as package; "
        "print(package.nn.MLP is package.MLP, package.node.Node is package.Node, all("
        "getattr(package, name).__name__ == name and name in dir(package) for name in package.__all__))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True", "True"]
