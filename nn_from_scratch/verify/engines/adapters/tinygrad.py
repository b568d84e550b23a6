"""tinygrad, in float64 (https://github.com/tinygrad/tinygrad), by `Tensor.gradient`, which 0.14 has.

Where there is no clang, with which its kernels for a processor are compiled, Python runs them: DEV=PYTHON.
That is slow, and its name says so.
"""

import os
import shutil
from collections.abc import Sequence
from typing import Any

import numpy as np

if shutil.which("clang") is None:
    os.environ.setdefault("DEV", "PYTHON")  # tinygrad reads it when it is imported

from tinygrad import Device, Tensor

from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.engines.source import TapeSource
from nn_from_scratch.verify.engines.spelling import Spelling
from nn_from_scratch.verify.questions.operations import as_index


def _tensor(x: Any) -> Tensor:
    """Return a tensor of its own memory, even of a number: of two that are equal tinygrad makes one."""
    return Tensor(np.array(x, dtype=np.float64).ravel()).reshape(np.shape(x))


def _value(node: Tensor) -> Any:
    return node.clone().numpy()  # of a constant without memory, too, which only clang could read


def _gradients(output: Tensor, leaves: Sequence[Tensor], cotangent: Any = None) -> Sequence[Tensor]:
    if cotangent is not None and not isinstance(cotangent, Tensor):
        cotangent = _tensor(cotangent)
    found: Sequence[Tensor] = output.gradient(*leaves, gradient=cotangent)
    return found


engine = Engine.from_tape(
    name=f"tinygrad on {Device.DEFAULT}" if Device.DEFAULT == "PYTHON" else "tinygrad",
    variable=_tensor,
    value=_value,
    backward=_gradients,
    gradients=_gradients,
    constant=_tensor,
    arrays=True,
    operations={
        "abs": Tensor.abs,
        "where": lambda c, x, y: (c > 0).where(x, y),
        "index": lambda x, index: x[as_index(index)],
    },
    spelling=Spelling(
        keepdims="keepdim",
        transpose="axes",
        parts="apart",
        gradients="asked",
        names={
            **{f"arc{name}": f"a{name}" for name in ("sin", "cos", "tan")},
            "broadcast_to": "expand",
            "expand_dims": "unsqueeze",
            "concatenate": "cat",
            "transpose": "permute",
        },
        exceptions={name: {"axis": "dim"} for name in ("squeeze", "expand_dims", "stack", "concatenate")},
    ),
    source=TapeSource(
        imports='import os\nimport shutil\n\nimport numpy as np\n\nif shutil.which("clang") is None:\n'
        '    os.environ.setdefault("DEV", "PYTHON")\n\nfrom tinygrad import Tensor',
        variable="Tensor(np.array({0}).ravel()).reshape(np.shape({0}))",
        constant="Tensor(np.array({0}).ravel()).reshape(np.shape({0}))",
        backward="start = None",
        backward_from="start = Tensor({cotangent})",
        value="{}.clone().numpy()",
        gradient="y.gradient({}, gradient=start)[0].clone().numpy()",
        operations={
            "abs": "{0}.abs()",
            **{f"arc{name}": f"{{0}}.a{name}()" for name in ("sin", "cos", "tan")},
            **{
                name: f"{{0}}.{name}(axis={{axis}}, keepdim={{keepdims}})"
                for name in ("sum", "mean", "prod", "max", "min", "logsumexp")
            },
            "where": "({0} > 0).where({1}, {2})",
            "broadcast_to": "{0}.expand({shape})",
            "transpose": "{0}.permute({axes})",
            "expand_dims": "{0}.unsqueeze({axis})",
            "squeeze": "{0}.squeeze({axis})",
            "concatenate": "Tensor.cat(*{operands}, dim={axis})",
            "stack": "Tensor.stack(*{operands}, dim={axis})",
            "einsum": "Tensor.einsum({subscripts!r}, {operands})",
        },
    ),
)
