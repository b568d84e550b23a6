import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from written_functions import NUMPY, NUMPY_MENDED, PYTORCH, PYTORCH_MENDED, written

from nn_from_scratch.verify.functions.named.asking import ask
from nn_from_scratch.verify.functions.named.finding import Asked, find
from nn_from_scratch.verify.functions.named.importing import TargetError
from nn_from_scratch.verify.functions.named.target import Door
from nn_from_scratch.verify.judging.verdicts import Verdict

CASES = """\
import numpy as np
from nn_from_scratch.verify import check_gradient
from beside import weights


def case():
    return np.sin, np.cos, np.float64(0.5)


named = {"function": np.sin, "gradient": np.cos, "inputs": weights}


def test_twice():
    check_gradient(np.sin, np.cos, 0.5)
    check_gradient(lambda x: x * x, lambda x: 2 * x, 0.5, seed=3)


def test_of_nothing():
    pass


def raising():
    raise RuntimeError("no data")


def forward(x):
    return np.sum(x)


def backward(x):
    return np.ones_like(x)


number = 3.0
"""


@pytest.fixture
def layers(tmp_path: Path) -> Path:
    path = tmp_path / "some_layers.py"
    path.write_text(written(NUMPY, NUMPY_MENDED))
    return path


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    (tmp_path / "beside.py").write_text("import numpy as np\n\nweights = np.ones(2)\n")
    path = tmp_path / "some_cases.py"
    path.write_text(CASES)
    return path


def test_gradient_and_inputs_are_found_by_their_names(layers: Path) -> None:
    (target,) = find(f"{layers}:loss", Asked())
    assert (target.name, target.door) == ("loss", Door.NUMPY)
    assert target.gradient is not None
    assert [x.shape for x in target.inputs] == [(2, 3), (2, 3)]
    (target,) = find(f"{layers}:nested", Asked())
    assert set(target.inputs) == {"w", "b"}


@pytest.mark.parametrize("name", ["affine_forward", "Tanh"])
def test_layers_are_functions_with_a_cotangent(layers: Path, name: str) -> None:
    (target,) = find(f"{layers}:{name}", Asked())
    assert target.layer is not None
    assert target.gradient is not None
    output = target.function(*target.inputs)
    found = target.gradient(*target.inputs, np.ones_like(output))
    parts = found if isinstance(found, tuple) else (found,)
    assert [x.shape for x in parts] == [x.shape for x in target.inputs]


def test_without_a_name_all_with_a_gradient_are_found(layers: Path) -> None:
    names = [target.name for target in find(str(layers), Asked())]
    assert names == ["loss", "affine_forward", "Tanh", "square", "nested", "narrow"]


def test_a_function_of_nothing_returns_a_case_or_calls_checks(cases: Path) -> None:
    (target,) = find(f"{cases}:case", Asked())
    assert target.gradient is np.cos
    (target,) = find(f"{cases}:named", Asked())
    assert target.inputs.tolist() == [1.0, 1.0]
    first, second = find(f"{cases}:test_twice", Asked())
    assert first.function is np.sin
    assert second.inputs == 0.5


def test_notes_are_taken_in_a_test_only(cases: Path) -> None:
    import nn_from_scratch.verify

    before = nn_from_scratch.verify.check_gradient
    find(f"{cases}:test_twice", Asked())
    assert nn_from_scratch.verify.check_gradient is before


def test_a_forward_that_returns_no_cache_takes_a_plain_gradient(cases: Path) -> None:
    (target,) = find(f"{cases}:forward", Asked(inputs="[1.0, 2.0]"))
    assert target.layer is None
    assert target.gradient is not None


def test_inputs_are_read_from_files_and_text_or_drawn(layers: Path, tmp_path: Path) -> None:
    spec = f"{layers}:square"
    np.save(tmp_path / "x.npy", np.array([3.0]))
    np.savez(tmp_path / "in_order.npz", np.array([1.0]), np.array([2.0]))
    np.savez(tmp_path / "by_name.npz", x=np.array([1.0]))
    (tmp_path / "x.json").write_text("[[1.5]]")

    def inputs(**said: Any) -> Any:
        return find(spec, Asked(**said))[0].inputs

    assert np.array_equal(inputs(inputs=str(tmp_path / "x.npy")), [3.0])
    assert len(inputs(inputs=str(tmp_path / "in_order.npz"))) == 2
    assert list(inputs(inputs=str(tmp_path / "by_name.npz"))) == ["x"]
    assert np.array_equal(inputs(inputs=str(tmp_path / "x.json")), [[1.5]])
    assert np.array_equal(inputs(inputs="[0.5, 2]"), [0.5, 2.0])
    (drawn,) = inputs(shapes=["2,3"], dtype="float32", seed=1)
    assert (drawn.shape, drawn.dtype) == ((2, 3), np.float32)


def test_a_file_of_a_package_is_imported_as_its_module(tmp_path: Path) -> None:
    package = tmp_path / "somebodys_package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "helpers.py").write_text("import numpy as np\n\nsine = np.sin\n")
    (package / "layer.py").write_text(
        "from .helpers import sine\nimport numpy as np\n\n\ndef f(x):\n    return sine(x)\n\n\n"
        "def df(x):\n    return np.cos(x)\n"
    )
    (target,) = find(f"{package / 'layer.py'}:f", Asked(inputs="0.5"))
    assert target.function.__module__ == "somebodys_package.layer"
    (target,) = find("somebodys_package.layer:f", Asked(inputs="0.5"))
    assert target.function.__module__ == "somebodys_package.layer"


@pytest.mark.parametrize(
    ("name", "asked", "message"),
    [
        ("los", Asked(), "there is no los in .*: did you mean loss"),
        ("loss_inputs", Asked(inputs="loss_inputs"), "must hold .function, gradient, inputs."),
        ("loss", Asked(gradient="no"), "there is no no in"),
        ("loss", Asked(inputs="no"), "there is no no in"),
        ("loss", Asked(inputs="no.npy"), "there is no file no.npy"),
        ("loss", Asked(inputs="[1, [2]]"), "unlike length"),
        ("loss", Asked(inputs="[1"), "no JSON"),
        ("loss", Asked(inputs='["a"]'), "must hold numbers"),
        ("loss", Asked(shapes=["a"]), "--shape must be sizes"),
        ("loss", Asked(shapes=["2"], inputs="[1.0]"), "give one of them"),
        ("loss_gradient", Asked(), "no inputs for loss_gradient were found: .* Give --inputs"),
        (
            "loss_gradient",
            Asked(inputs="[1.0]"),
            "no gradient of loss_gradient was found: .* --gradient NAME",
        ),
        ("np", Asked(), "no function"),
    ],
)
def test_what_is_missing_is_said(layers: Path, name: str, asked: Asked, message: str) -> None:
    with pytest.raises(TargetError, match=message):
        find(f"{layers}:{name}", asked)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("test_of_nothing", "takes no arguments: it must return"),
        ("raising", "raising.. raises RuntimeError: no data"),
        ("number", "is 3.0, no function"),
    ],
)
def test_a_function_of_nothing_that_asks_nothing_is_refused(cases: Path, name: str, message: str) -> None:
    with pytest.raises(TargetError, match=message):
        find(f"{cases}:{name}", Asked())


def test_files_that_cannot_be_imported_are_told(tmp_path: Path) -> None:
    (tmp_path / "broken_one.py").write_text("import no_such_package_at_all\n")
    (tmp_path / "empty_one.py").write_text("")
    for spec, message in {
        "no/such.py:f": "there is no file no/such.py",
        "no_such_module_at_all:f": "there is no module no_such_module_at_all",
        f"{tmp_path / 'broken_one.py'}:f": "No module named 'no_such_package_at_all'",
        str(tmp_path / "empty_one.py"): "has a gradient beside it",
    }.items():
        with pytest.raises(TargetError, match=message):
            find(spec, Asked())


def test_functions_of_jax_and_pytorch_are_known_by_themselves(tmp_path: Path) -> None:
    pytest.importorskip("jax")
    path = tmp_path / "of_jax_to_find.py"
    path.write_text(
        "import jax\nimport jax.numpy as jnp\nfrom jax.test_util import check_grads\n\n\n"
        "@jax.jit\ndef f(x):\n    return x\n\n\n"
        "def plain(x):\n    return x\n\n\ndef plain_grad(x):\n    return x\n\n\n"
        "def test_f():\n    check_grads(f, (1.0,), 2, ['rev'])\n\n\ninputs = jnp.ones(2)\n"
    )
    (target,) = find(f"{path}:f", Asked(order=2))
    assert (target.door, target.order) == (Door.JAX, 2)
    (target,) = find(f"{path}:test_f", Asked())
    assert (target.door, target.order, target.modes, target.inputs) == (Door.JAX, 2, ("rev",), (1.0,))
    with pytest.raises(TargetError, match="plain_grad would not be asked"):
        find(f"{path}:plain", Asked())


def test_an_autograd_function_a_module_and_tensors_are_pytorchs(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    path = tmp_path / "of_pytorch_to_find.py"
    path.write_text(
        written(PYTORCH, PYTORCH_MENDED)
        + "\n\nlinear = torch.nn.Linear(1, 1)\n\n\ndef plain(x):\n    return x\n\n\n"
        "class Needing(torch.nn.Module):\n    def __init__(self, size):\n        super().__init__()\n\n\n"
        "inputs = torch.ones(1)\n"
    )
    for name in ("Swish", "linear", "plain", "test_swish"):
        (target,) = find(f"{path}:{name}", Asked())
        assert target.door is Door.PYTORCH
    with pytest.raises(TargetError, match="cannot be made without arguments"):
        find(f"{path}:Needing", Asked())
    assert {target.name for target in find(str(path), Asked())} == {"Swish", "Square"}


LAYERS = """\
import numpy as np


def loss(x, y):
    return np.sum((x - y) ** 2), 2 * (x - y)


def norm_forward(x, settings):
    settings["mean"] = x.mean(0)
    return x - settings["mean"], x


def norm_backward(d, x):
    return d - d.mean(0)


loss_inputs = np.array([1.0, 2.0]), np.array([3, 5])
norm_inputs = np.array([[1.0, 2.0], [4.0, 3.0]]), {"mode": "train"}
"""


def test_function_may_return_its_gradient_and_a_layer_is_named_by_what_both_begin_with(
    tmp_path: Path,
) -> None:
    path = tmp_path / "more_layers.py"
    path.write_text(LAYERS)
    for name in ("loss", "norm", "norm_forward"):
        (target,) = find(f"{path}:{name}", Asked())
        assert target.name == name.replace("norm_forward", "norm").replace("norm", "norm_forward")
        assert ask(target).verdict is Verdict.RIGHT  # settings that the forward writes are no inputs
    wrong = tmp_path / "wrong_layers.py"
    wrong.write_text(LAYERS.replace("2 * (x - y)", "3 * (x - y)"))
    (target,) = find(f"{wrong}:loss", Asked())
    found = ask(target)
    assert found.verdict is Verdict.WRONG
    assert subprocess.run([sys.executable, "-c", found.script], check=False).returncode == 1
