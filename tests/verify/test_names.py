"""The public names of the suite, each imported once it is asked for."""

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
