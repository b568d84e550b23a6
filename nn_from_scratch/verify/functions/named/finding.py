"""Finding a function by its name, with its gradient and inputs, by how such things are usually called."""

from __future__ import annotations

import copy
import difflib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from nn_from_scratch.verify.functions.named import given
from nn_from_scratch.verify.functions.named.code import code_of, imports_of
from nn_from_scratch.verify.functions.named.companions import (
    gradient_beside,
    gradient_names,
    inputs_beside,
    inputs_names,
    made,
    needs_nothing,
)
from nn_from_scratch.verify.functions.named.importing import TargetError, imported
from nn_from_scratch.verify.functions.named.layers import function_and_gradient, is_layer, of_class
from nn_from_scratch.verify.functions.named.recording import recorded
from nn_from_scratch.verify.functions.named.target import Code, Door, Layer, Target
from nn_from_scratch.verify.functions.own_gradient import Pair, with_own_gradient


@dataclass(frozen=True, slots=True)
class Asked:
    """What was said beside the name: the gradient, the inputs, the door. Nothing is needed."""

    gradient: str | None = None
    inputs: str | None = None
    shapes: Sequence[str] = ()
    dtype: str = "float64"
    door: Door | None = None
    seed: int = 0
    order: int = 1


def find(spec: str, asked: Asked) -> list[Target]:
    """Find what a name stands for.

    Parameters
    ----------
    spec
        ``FILE.py:NAME`` or ``MODULE:NAME``: a function with its gradient beside it (``NAME_gradient``,
        ``NAME_grad``, ``NAME_backward`` ...) or that returns both, a layer (``NAME_forward`` and
        ``NAME_backward``, or a class with both), a `torch.autograd.Function` or module, a `jax.custom_vjp` or
        other function of JAX's; or a function of nothing that returns (function, gradient, inputs), or calls
        `check_gradient`, `gradcheck` or `check_grads` as a test does. Without NAME everything in the file is
        found that has a gradient.
    asked
        What stands in for what would be looked for. Inputs are ``NAME_inputs`` or ``inputs`` otherwise.

    Raises
    ------
    TargetError
        If there is no such thing, or what it needs is missing.

    """
    location, _, name = spec.rpartition(":") if ":" in spec else (spec, "", "")
    module = imported(location)
    if name:
        return list(_Finder(location, module, asked).named(name))
    return _Finder(location, module, asked).everything()


@dataclass(frozen=True, slots=True)
class _Finder:
    location: str
    module: ModuleType
    asked: Asked

    @property
    def names(self) -> Mapping[str, Any]:
        return vars(self.module)

    def everything(self) -> list[Target]:
        """Find all that has a gradient, of what the file itself defines."""
        own = [
            name for name, value in self.names.items() if self._defines(value) and not name.startswith("_")
        ]
        gradients = {gradient_beside(self.names, name) for name in own}
        chosen = [name for name in own if name not in gradients and self._has_gradient(name)]
        if not chosen:
            raise TargetError(
                f"nothing in {self.location} has a gradient beside it: "
                f"name what to check, {self.location}:NAME"
            )
        targets: list[Target] = []
        for name in chosen:
            try:
                targets += self.named(name)
            except TargetError as error:
                door = self.asked.door or _door_of(self.names[name]) or Door.NUMPY
                targets.append(Target(name, door, self.names[name], (), missing=str(error)))
        if all(target.missing for target in targets):
            raise TargetError(targets[0].missing)
        return targets

    def _defines(self, value: Any) -> bool:
        made_of = getattr(value, "_init_fn", value)  # a custom operation of PyTorch has its function there
        return callable(value) and getattr(made_of, "__module__", None) == self.module.__name__

    def _has_gradient(self, name: str) -> bool:
        value = self.names[name]
        if getattr(value, "_backward_fn", True) is None:  # an operation of PyTorch's, of which it has none
            return False
        if _door_of(value) is not None:
            return not (isinstance(value, type) and _is_torch_module(value) and not needs_nothing(value))
        if is_layer(value):
            return True
        return gradient_beside(self.names, name) is not None

    def named(self, name: str) -> Iterator[Target]:
        """Find what one name stands for: a function, or the two of a layer that begin with it."""
        forward = f"{name}_forward"
        if not hasattr(self.module, name) and callable(self.names.get(forward)):
            name = forward
        value = self._value(name)
        door = self.asked.door or _door_of(value)
        if isinstance(value, (tuple, list, dict)):
            yield self._of_case(name, value)
        elif not callable(value) and not is_layer(value):
            raise TargetError(f"{name} of {self.location} is {str(value)[:60]}, no function")
        elif door is None and is_layer(value):
            yield self._of_layer(name, of_class(value), code_of(value, self.module, name))
        elif door is None and needs_nothing(value) and self._gradient(name) is None:
            yield from self._of_test(name, value)
        else:
            yield self._of_function(name, value, door)

    def _value(self, name: str) -> Any:
        value: Any = self.module
        for part in name.split("."):
            if not hasattr(value, part):
                near = difflib.get_close_matches(part, [n for n in dir(value) if not n.startswith("_")], n=1)
                hint = f": did you mean {near[0]}?" if near else ""
                raise TargetError(f"there is no {name} in {self.location}{hint}")
            value = getattr(value, part)
        return value

    def _of_function(self, name: str, value: Any, door: Door | None) -> Target:
        function, code = _called(value, name), code_of(value, self.module, name)
        inputs = self._inputs(name)
        if door is None:
            door = _door_of_inputs(inputs)
        gradient_name = self._gradient(name)
        if door is not Door.NUMPY:
            if gradient_name is not None and _door_of(value) is None:
                raise TargetError(
                    f"{name} takes arrays of {door}, which differentiates it by itself: {gradient_name} "
                    "would not be asked. Make them one function, by torch.autograd.Function or "
                    "jax.custom_vjp; or give inputs of numpy"
                )
            return Target(name, door, function, inputs, code=code, order=self.asked.order)
        if gradient_name is None:
            own = _own_gradient(function, inputs)
            if own is not None:
                both = code.function
                code = replace(code, function=_PART.format(both, 0), gradient=_PART.format(both, 1))
                return Target(name, Door.NUMPY, own[0], inputs, own[1], code=code, order=self.asked.order)
            looked = ", ".join(list(gradient_names(name))[:4])
            raise TargetError(
                f"no gradient of {name} was found: {looked} and the like are not in {self.location}, and it "
                "does not return (value, gradient). Give --gradient NAME; or --framework pytorch or jax, if "
                "one of them differentiates it"
            )
        gradient = self._value(gradient_name)
        imports = imports_of(self.module, [name, gradient_name])
        if "forward" in name and "backward" in gradient_name and self._returns_a_cache(name, value, inputs):
            code = replace(code, imports=imports, forward=name, backward=gradient_name)
            return self._of_layer(name, Layer(value, gradient), code)
        code = replace(code, imports=imports, gradient=gradient_name)
        return Target(name, Door.NUMPY, function, inputs, gradient, code=code, order=self.asked.order)

    def _gradient(self, name: str) -> str | None:
        if self.asked.gradient is not None:
            self._value(self.asked.gradient)
            return self.asked.gradient
        return gradient_beside(self.names, name)

    def _returns_a_cache(self, name: str, forward: Callable[..., Any], inputs: Any) -> bool:
        """Whether a forward returns what it saves beside its output: then its backward takes that."""
        arguments = inputs if isinstance(inputs, tuple) else (inputs,)
        if isinstance(inputs, dict):
            return False
        try:
            found = forward(*copy.deepcopy(arguments))  # which it may write into
        except Exception as error:
            raise TargetError(f"{name} raises {type(error).__name__} at its inputs: {error}") from error
        return isinstance(found, tuple) and len(found) == 2

    def _of_layer(self, name: str, layer: Layer, code: Code) -> Target:
        inputs = self._inputs(name)
        arguments = inputs if isinstance(inputs, tuple) else (inputs,)
        function, gradient = function_and_gradient(layer, len(arguments))
        return Target(name, Door.NUMPY, function, arguments, gradient, layer, code, self.asked.order)

    def _of_test(self, name: str, test: Callable[[], Any]) -> Iterator[Target]:
        try:
            targets, returned = recorded(test, name)
        except Exception as error:
            raise TargetError(f"{name}() raises {type(error).__name__}: {error}") from error
        if targets:
            yield from targets
        elif isinstance(returned, (tuple, list, dict)):
            yield self._of_case(name, returned)
        else:
            raise TargetError(
                f"{name} takes no arguments: it must return (function, gradient, inputs), or "
                "(function, inputs) where the function brings its own gradient, or call check_gradient, "
                "gradcheck or check_grads"
            )

    def _of_case(self, name: str, case: Any) -> Target:
        """Make a target of (function, gradient, inputs), of (function, inputs), or of a dict of them."""
        parts = dict(case) if isinstance(case, dict) else _by_place(case)
        function, gradient, inputs = (parts.get(key) for key in ("function", "gradient", "inputs"))
        if not callable(function) or inputs is None or not (gradient is None or callable(gradient)):
            raise TargetError(
                f"{name} must hold (function, gradient, inputs), or (function, inputs), or a dict with these "
                "as keys"
            )
        door = self.asked.door or _door_of(function) or _door_of_inputs(inputs)
        if door is Door.NUMPY and gradient is None:
            raise TargetError(f"{name} holds no gradient, and its function takes arrays of numpy")
        if door is not Door.NUMPY and gradient is not None:
            raise TargetError(f"{name} holds a gradient, but {door} differentiates its function by itself")
        return Target(name, door, _called(function, name), inputs, gradient, order=self.asked.order)

    def _inputs(self, name: str) -> Any:
        """Return what was given as inputs, or lies beside the function, or is drawn in the shapes given."""
        said = self.asked.inputs
        if self.asked.shapes:
            if said is not None:
                raise TargetError("--inputs and --shape: give one of them")
            return given.drawn(self.asked.shapes, self.asked.dtype, self.asked.seed)
        if said is not None:
            return self._given(said)
        beside = inputs_beside(self.names, name)
        if beside is None:
            looked = ", ".join(inputs_names(name))
            raise TargetError(
                f"no inputs for {name} were found: {looked} are not in {self.location}. Give --inputs NAME, "
                "or a file .npy, .npz or .json; or --shape 3,4 for each argument, to have them drawn"
            )
        return made(self.names[beside], beside)

    def _given(self, said: str) -> Any:
        if said.endswith(given.FILES):
            return given.from_file(Path(said))
        if said.lstrip()[:1] in '[{"-0123456789':
            return given.from_text(said)
        return made(self._value(said), said)


_PART = "(lambda *given, **named: {}(*given, **named)[{}])"
"""Python for one of the two that a function returns."""


def _own_gradient(function: Callable[..., Any], inputs: Any) -> Pair | None:
    """Return a function and the gradient that it brings itself, as where it returns both; or None."""
    try:
        return with_own_gradient(function, inputs)
    except Exception:  # noqa: BLE001  whatever it raises at its inputs: that is told where it is asked
        return None


def _by_place(case: Sequence[Any]) -> dict[str, Any]:
    keys = ("function", "gradient", "inputs") if len(case) == 3 else ("function", "inputs")
    return dict(zip(keys, case, strict=False)) if len(case) in (2, 3) else {}


def _called(value: Any, name: str) -> Callable[..., Any]:
    """Return what is called: `apply` of an autograd function, an instance of a module's class."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, type):
        if issubclass(value, torch.autograd.Function):
            applied: Callable[..., Any] = getattr(value, "apply")  # noqa: B009  it has one
            return applied
        if _is_torch_module(value):
            try:
                module: Callable[..., Any] = value()
            except TypeError as error:
                raise TargetError(
                    f"{name} cannot be made without arguments ({error}): name an instance, or a function"
                ) from error
            return module
    found: Callable[..., Any] = value
    return found


def _is_torch_module(value: Any) -> bool:
    torch = sys.modules.get("torch")
    if torch is None:
        return False
    return (
        issubclass(value, torch.nn.Module) if isinstance(value, type) else isinstance(value, torch.nn.Module)
    )


def _door_of(value: Any) -> Door | None:
    """Return whose function this is for certain, None where its inputs have to tell."""
    torch = sys.modules.get("torch")
    if torch is not None:
        if _is_torch_module(value) or (
            isinstance(value, type) and issubclass(value, torch.autograd.Function)
        ):
            return Door.PYTORCH
        if getattr(value, "__name__", "") == "apply" and isinstance(getattr(value, "__self__", None), type):
            return Door.PYTORCH if issubclass(value.__self__, torch.autograd.Function) else None
    if isinstance(value, type):
        return None
    makers = {"torch": Door.PYTORCH, "jax": Door.JAX, "jaxlib": Door.JAX}
    return makers.get(type(value).__module__.partition(".")[0])


def _door_of_inputs(inputs: Any) -> Door:
    """Return whose arrays inputs are; numpy's if nobody else's."""
    torch, jax = sys.modules.get("torch"), sys.modules.get("jax")
    for leaf in _leaves(inputs):
        if torch is not None and isinstance(leaf, torch.Tensor):
            return Door.PYTORCH
        if jax is not None and isinstance(leaf, jax.Array):
            return Door.JAX
    return Door.NUMPY


def _leaves(tree: Any) -> Iterator[Any]:
    if isinstance(tree, np.ndarray):
        yield tree
    elif isinstance(tree, Mapping):
        for child in tree.values():
            yield from _leaves(child)
    elif isinstance(tree, (tuple, list)):
        for child in tree:
            yield from _leaves(child)
    else:
        yield tree
