"""nn_from_scratch itself."""

import importlib
import operator
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from nn_from_scratch import Node, gradients
from nn_from_scratch.array_rules import SCATTER
from nn_from_scratch.numpy_functions import NumpyFunctions
from nn_from_scratch.verify.engines.calling import eigenvectors
from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.engines.source import METHOD, TapeSource
from nn_from_scratch.verify.questions.expressions import Arithmetic
from nn_from_scratch.verify.questions.operations import (
    ARRAYS,
    CATALOGUE,
    FUNCTIONS_OF_NUMPY,
    FUNCTIONS_OF_SCIPY,
    OF_NUMPY,
    as_index,
)

_SPECIAL = {"erf": "erf", "erfc": "erfc", "lgamma": "gammaln", "digamma": "psi"} | {
    name: name for name in FUNCTIONS_OF_SCIPY
}
"""The names of scipy's special functions, which nodes take where it is installed."""
_HAS_SCIPY = find_spec("scipy") is not None


def _special(name: str) -> Any:
    """Return a special function of scipy's, which is imported when one is asked first."""

    def function(*xs: Any) -> Any:
        return getattr(importlib.import_module("scipy.special"), name)(*xs)

    return function


_OF_MATRICES: Arithmetic = {
    "norm": np.linalg.norm,
    "matrix_power": np.linalg.matrix_power,
    "slogdet": lambda x: np.linalg.slogdet(x)[1],
}
_METHODS = tuple(name for name in ("cumsum", *OF_NUMPY) if hasattr(Node, name))
"""A method of a node is numpy's function of its name: so both are asked."""


def _method(name: str) -> Any:
    """Return a method of nodes, which is numpy's function where a constant comes first."""

    def function(x: Any, *others: Any, **keywords: Any) -> Any:
        called = getattr(x, name) if isinstance(x, NumpyFunctions) else partial(getattr(np, name), x)
        return called(*others, **keywords)

    return function


def _scatter_add(x: Any, y: Any, indices: Any, axis: int) -> Any:
    places = list(np.indices(np.shape(indices)))
    places[axis] = np.array(indices)
    return x + SCATTER(y, key=tuple(places), shape=np.shape(x))


def _conv(x: Any, w: Any, stride: int, padding: int) -> Any:
    axes = range(2, np.ndim(x))
    padded = np.pad(x, [(0, 0), (0, 0), *((padding, padding) for _ in axes)])
    windows: Any = sliding_window_view(padded, np.shape(w)[2:], axis=tuple(axes))
    windows = windows[(..., *(slice(None, None, stride) for _ in axes), *(slice(None) for _ in axes))]
    return np.einsum("bcxk,fck->bfx" if len(axes) == 1 else "bcxykl,fckl->bfxy", windows, w)


# numpy's own functions, which take constants on either side; what numpy has not is a method.
OPERATIONS: Arithmetic = {
    **{
        name: getattr(np, name)
        for name, operation in (CATALOGUE | ARRAYS).items()
        if not operation.symbol and hasattr(np, name)
    },
    "where": lambda c, x, y: np.where(c > 0, x, y),
    "matmul": operator.matmul,
    "index": lambda x, index: x[as_index(index)],
    "concatenate": lambda *xs, axis: np.concatenate(xs, axis),
    "stack": lambda *xs, axis: np.stack(xs, axis),
    **{name: getattr(np, name) for name in FUNCTIONS_OF_NUMPY},
    **{name: getattr(np, name) for name in OF_NUMPY if hasattr(np, name)},
    **{name: _method(name) for name in _METHODS},
    **_OF_MATRICES,
    "interp": lambda x, y, xp: np.interp(x, xp, y),
    "sort": np.sort,
    "einsum": lambda *xs, subscripts: np.einsum(subscripts, *xs),
    "take_along_axis": lambda x, indices, axis: np.take_along_axis(x, np.array(indices), axis),
    "scatter_add": _scatter_add,
    "solve": np.linalg.solve,
    "inv": np.linalg.inv,
    "det": np.linalg.det,
    "cholesky": lambda x: np.linalg.cholesky((x + x.swapaxes(-1, -2)) / 2),
    "eigvalsh": lambda x: np.linalg.eigvalsh((x + x.swapaxes(-1, -2)) / 2),
    "eigh": partial(eigenvectors, np),
    "conv": _conv,
    **{name: _special(function) for name, function in _SPECIAL.items() if _HAS_SCIPY},
}
IMPORTS = "import numpy as np\n" + ("from scipy import special\n" if _HAS_SCIPY else "")
WRITTEN: dict[str, str] = {
    "where": "np.where({0} > 0, {1}, {2})",
    "einsum": "np.einsum({subscripts!r}, {operands})",
    "take_along_axis": "np.take_along_axis({0}, np.array({indices}), {axis})",
    **dict.fromkeys(("scatter_add", "conv"), ""),
    **dict.fromkeys(("solve", "inv", "det"), "np.linalg.{name}({operands})"),
    "interp": "np.interp({0}, {xp}, {1})",
    "cholesky": "np.linalg.cholesky(({0} + {0}.mT) / 2)",
    "eigvalsh": "np.linalg.eigvalsh(({0} + {0}.mT) / 2)",
    "eigh": "((v := np.linalg.eigh(({0} + {0}.mT) / 2)[1]) * np.sign(v[..., :1, :]))",
    **{name: f"special.{function}({{arguments}})" for name, function in _SPECIAL.items()},
    **dict.fromkeys(("sigmoid", "softplus", "relu", "logsumexp", "softmax", "log_softmax"), METHOD),
    **{name: METHOD for name in _METHODS if name != "dot"},
    **dict.fromkeys(("norm", "matrix_power"), "np.linalg.{name}({arguments})"),
    "slogdet": "np.linalg.slogdet({0})[1]",
}
"""How scripts write what is not called by its name and arguments alone."""

engine = Engine.from_tape(
    name="nn_from_scratch",
    variable=Node,
    backward=Node.backprop,
    value=operator.attrgetter("value"),
    gradient=operator.attrgetter("grad"),
    assign=lambda leaf, value: setattr(leaf, "value", value),
    reset=lambda leaf: setattr(leaf, "grad", 0),
    gradients=partial(gradients, create_graph=True),
    operations=OPERATIONS,
    arrays=True,
    complete=True,
    source=TapeSource(
        imports=f"{IMPORTS}\nfrom nn_from_scratch import Node, gradients",
        variable="Node({})",
        backward="{output}.backprop()",
        backward_from="{output}.backprop({cotangent})",
        value="{}.value",
        assign="{leaf}.value = {value}",
        reset="{leaf}.grad = 0",
        gradients="gradients({output}, [{leaves}], create_graph=True)",
        gradients_from="gradients({output}, [{leaves}], {cotangent}, create_graph=True)",
        call="np.{name}({arguments})",
        operations=WRITTEN,
    ),
)
