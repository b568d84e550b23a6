"""Every library that differentiates the same programs, and how each spells that.

Programs are written once, in `programs`: functions of leaves and constants, of `+`, `*`, `-`, `**`, `@`,
indexing, `.sum()`, and the two functions that a `Spelling` names. All peers are asked in float64 and with one
thread.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nn_from_scratch import Node, replay
from nn_from_scratch.verify.benchmark import scalar_engine
from nn_from_scratch.verify.benchmark.measuring import Contender, DifferentResultsError
from nn_from_scratch.verify.benchmark.workloads import SUBJECT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    Array = npt.NDArray[np.float64]
    Program = Callable[["Spelling", Sequence[Any], Sequence[Any]], Any]
    Differentiated = Callable[[Callable[[Any], Any], Sequence[Any]], Callable[[], tuple[Any, Sequence[Any]]]]


class CannotError(Exception):
    """A peer is installed, and does not do this work: the text says why."""


class LeftOutError(CannotError):
    """A peer is installed, and is not asked, as it would take too long: the text says why."""


@dataclass(frozen=True)
class Spelling:
    """How a peer spells a program and its gradient.

    Attributes
    ----------
    tanh, relu
        The functions of its numbers.
    constant
        What it calculates with, made of an array.
    gradient
        Takes a function of a list of leaves, and their values as `constant` makes them; gives what computes
        the function's value and its gradient by each leaf, everything anew each time.
    number
        An array, or a number, of what `gradient` gives.
    compiles
        Whether `gradient` compiles at its first call: that time is told apart.
    """

    tanh: Callable[[Any], Any]
    relu: Callable[[Any], Any]
    constant: Callable[[Array], Any]
    gradient: Differentiated
    number: Callable[[Any], npt.ArrayLike]
    compiles: bool = False


@dataclass(frozen=True)
class Peer:
    """A library.

    Attributes
    ----------
    package
        What is installed by pip, and imported under this name; empty for what is part of this one.
    spelling
        Imports it, and says how it spells; raises ModuleNotFoundError where it is not installed.
    arrays
        Whether its numbers may be arrays.
    """

    package: str
    spelling: Callable[[], Spelling]
    arrays: bool = True

    def contender(self, program: Program, leaves: Sequence[Array], constants: Sequence[Array]) -> Contender:
        """Return the program's value and gradient by this peer, at leaves and constants given as arrays.

        Raises
        ------
        CannotError
            If the peer does not compute, or not compile, this.
        ModuleNotFoundError
            If it is not installed.
        """
        spelling = self.spelling()
        given = [spelling.constant(array) for array in constants]
        run = spelling.gradient(
            lambda own: program(spelling, own, given), [spelling.constant(array) for array in leaves]
        )
        seconds = first_call(run) if spelling.compiles else None

        def result(found: tuple[Any, Sequence[Any]]) -> list[npt.ArrayLike]:
            shapes = [(), *(leaf.shape for leaf in leaves)]
            numbers = map(spelling.number, (found[0], *found[1]))
            return [np.reshape(number, shape) for number, shape in zip(numbers, shapes, strict=True)]

        return Contender(run, result, compile_seconds=seconds)


def first_call(run: Callable[[], Any]) -> float:
    """Return how long the first call takes, which compiles.

    Raises
    ------
    CannotError
        If it raises anything.
    """
    start = time.perf_counter()
    try:
        run()
    except Exception as error:
        raise CannotError(f"it does not compile: {type(error).__name__}") from error
    return time.perf_counter() - start


def _tape(
    variable: Callable[[Any], Any],
    backward: Callable[[Any], object],
    value: Callable[[Any], Any],
    gradient: Callable[[Any], Any],
) -> Differentiated:
    """Return the gradient by a library whose numbers record what is done with them."""

    def differentiated(
        function: Callable[[Any], Any], values: Sequence[Any]
    ) -> Callable[[], tuple[Any, Sequence[Any]]]:
        def run() -> tuple[Any, Sequence[Any]]:
            leaves = [variable(x) for x in values]
            output = function(leaves)
            backward(output)
            return value(output), [gradient(leaf) for leaf in leaves]

        return run

    return differentiated


def _itself(x: Any) -> Any:
    return x


def _number_or_array(x: Array) -> Any:
    return x if x.ndim else float(x)


def _ours() -> Spelling:
    gradient = _tape(Node, Node.backprop, lambda node: node.value, lambda node: node.grad)
    return Spelling(Node.tanh, Node.relu, _number_or_array, gradient, _itself)


def _replayed() -> Spelling:
    def differentiated(function: Callable[[Any], Any], values: Sequence[Any]) -> Any:
        recorded: Any = replay(function)
        return lambda: recorded(list(values))

    return Spelling(Node.tanh, Node.relu, _number_or_array, differentiated, _itself, compiles=True)


def _closures() -> Spelling:
    kind = scalar_engine.Node
    gradient = _tape(kind, kind.backprop, lambda node: node.value, lambda node: node.grad)
    return Spelling(kind.tanh, kind.relu, float, gradient, _itself)


def _micrograd() -> Spelling:
    from micrograd.engine import Value

    def tanh(_: Any) -> Any:
        raise CannotError("micrograd has no tanh")

    gradient = _tape(Value, Value.backward, lambda node: node.data, lambda node: node.grad)
    return Spelling(tanh, Value.relu, float, gradient, _itself)


def _autograd() -> Spelling:
    import autograd
    from autograd import numpy

    def differentiated(function: Callable[[Any], Any], values: Sequence[Any]) -> Any:
        both = autograd.value_and_grad(function)
        return lambda: both(list(values))

    return Spelling(numpy.tanh, lambda x: numpy.maximum(x, 0.0), _number_or_array, differentiated, _itself)


def _mygrad() -> Spelling:
    import mygrad

    kind = mygrad.Tensor
    gradient = _tape(mygrad.tensor, kind.backward, lambda node: node.data, lambda node: node.grad)
    return Spelling(mygrad.tanh, lambda x: mygrad.maximum(x, 0.0), _itself, gradient, _itself)


def _tinygrad() -> Spelling:
    if shutil.which("clang") is None:  # which its kernels are compiled with
        os.environ.setdefault("DEV", "PYTHON")  # read when it is imported
    from tinygrad import Tensor

    def tensor(x: Array) -> Any:
        return Tensor(np.array(x, dtype=np.float64).ravel()).reshape(np.shape(x))

    def differentiated(function: Callable[[Any], Any], values: Sequence[Any]) -> Any:
        def run() -> tuple[Any, Sequence[Any]]:
            leaves = [x.clone() for x in values]
            output = function(leaves)
            found = output.gradient(*leaves)
            return output.clone().numpy(), [g.clone().numpy() for g in found]

        return run

    return Spelling(Tensor.tanh, Tensor.relu, tensor, differentiated, _itself)


def _jax(*, compiled: bool) -> Spelling:
    if "jax" not in sys.modules:  # which reads this when it is imported
        one = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {one}".strip()
    import jax
    from jax import numpy

    jax.config.update("jax_enable_x64", True)

    def differentiated(function: Callable[[Any], Any], values: Sequence[Any]) -> Any:
        both = jax.value_and_grad(function)
        if compiled:
            both = jax.jit(both)
        return lambda: jax.block_until_ready(both(list(values)))

    def relu(x: Any) -> Any:
        return numpy.maximum(x, 0.0)

    return Spelling(numpy.tanh, relu, numpy.asarray, differentiated, np.asarray, compiles=compiled)


def _pytorch(*, compiled: bool) -> Spelling:
    if compiled:  # what it compiled in an earlier run is no part of what compiling takes
        os.environ.setdefault("TORCHINDUCTOR_FORCE_DISABLE_CACHES", "1")
    import torch

    def differentiated(function: Callable[[Any], Any], values: Sequence[Any]) -> Any:
        called: Any = function
        if compiled:
            torch.compiler.reset()  # forgets what it compiled for other shapes
            called = torch.compile(function, dynamic=False)

        def run() -> tuple[Any, Sequence[Any]]:
            leaves = [x.detach().requires_grad_() for x in values]
            output = called(leaves)
            output.backward()
            return output.detach(), [leaf.grad for leaf in leaves]

        return run

    return Spelling(torch.tanh, torch.relu, torch.tensor, differentiated, np.asarray, compiles=compiled)


def _casadi() -> Spelling:
    import casadi

    def differentiated(function: Callable[[Any], Any], values: Sequence[Any]) -> Any:
        point = np.array(values, dtype=np.float64)
        called: list[Any] = []

        def run() -> tuple[Any, Sequence[Any]]:
            if not called:
                x = casadi.SX.sym("x", len(point))
                output = function([x[k] for k in range(len(point))])
                called.append(casadi.Function("program", [x], [output, casadi.gradient(output, x)]))
            value, gradient = called[0](point)
            return value, list(np.array(gradient).ravel())

        return run

    def relu(x: Any) -> Any:
        return casadi.fmax(x, 0)

    return Spelling(casadi.tanh, relu, float, differentiated, np.asarray, compiles=True)


PEERS = {
    SUBJECT: Peer("", _ours),
    "replayed": Peer("", _replayed, arrays=False),
    "closures": Peer("", _closures, arrays=False),
    "micrograd": Peer("micrograd", _micrograd, arrays=False),
    "autograd": Peer("autograd", _autograd),
    "MyGrad": Peer("mygrad", _mygrad),
    "tinygrad": Peer("tinygrad", _tinygrad),
    "JAX": Peer("jax", lambda: _jax(compiled=False)),
    "JAX, jit": Peer("jax", lambda: _jax(compiled=True)),
    "PyTorch": Peer("torch", lambda: _pytorch(compiled=False)),
    "PyTorch, compile": Peer("torch", lambda: _pytorch(compiled=True)),
    "CasADi": Peer("casadi", _casadi, arrays=False),
}

NOT_MEASURED = (ModuleNotFoundError, CannotError, RecursionError, DifferentResultsError)
"""What a peer may raise in place of a figure."""


def why_not(error: Exception, work: str, peer: str) -> str:
    """Say why a peer is not measured at some work; of one that is not installed, whatever the work.

    Raises
    ------
    ModuleNotFoundError
        As it was given, if what is missing is no peer's package, but something of our own.
    """
    match error:
        case ModuleNotFoundError(name=name):
            package = (name or "").partition(".")[0]
            if package not in {peer.package for peer in PEERS.values() if peer.package}:
                raise error
            return f"{peer}: not installed: pip install {package}"
        case DifferentResultsError():
            return f"{work}: not measured, they compute different things ({error})"
        case RecursionError():
            return f"{work}: not measured, the graph is too deep: RecursionError"
        case _:
            return f"{work}: not measured, {error}"
