"""A dispatch mode that keeps shadows beside every number that PyTorch computes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import torch
from flint import arb, arb_series
from torch._decomp import decomposition_table
from torch.utils._python_dispatch import TorchDispatchMode

from nn_from_scratch.verify.functions.pytorch.differences import difference, half_of_the_digits
from nn_from_scratch.verify.functions.pytorch.tracing.complexes import COMPLEX, complex_scale
from nn_from_scratch.verify.functions.pytorch.tracing.deciding import Deciding
from nn_from_scratch.verify.functions.pytorch.tracing.formats import (
    FORMATS,
    WITHIN,
    as_numbers,
    as_pairs,
    as_reals,
    numbers,
    reals,
)
from nn_from_scratch.verify.functions.pytorch.tracing.lines import in_a_function, users_line
from nn_from_scratch.verify.functions.pytorch.tracing.memory import Memory, refuse_another_dtype, shares
from nn_from_scratch.verify.functions.pytorch.tracing.moves import MOVES, move
from nn_from_scratch.verify.functions.pytorch.tracing.normalising import unread_statistics, without
from nn_from_scratch.verify.functions.pytorch.tracing.operands import (
    Call,
    NotTracedError,
    Operand,
    Rule,
    by_name,
    exactly,
    leaves,
    mapped_leaves,
    signature,
)
from nn_from_scratch.verify.functions.pytorch.tracing.rules import RULES, rounding_scale
from nn_from_scratch.verify.functions.pytorch.tracing.size import LARGEST, TOO_LARGE
from nn_from_scratch.verify.functions.pytorch.tracing.tables import tables
from nn_from_scratch.verify.functions.pytorch.tracing.ties import equal_to_one, tied
from nn_from_scratch.verify.functions.pytorch.tracing.trace import Step, Trace
from nn_from_scratch.verify.functions.pytorch.tracing.written import format_of, is_one_over_a_float32
from nn_from_scratch.verify.functions.tracing import complexes
from nn_from_scratch.verify.functions.tracing.constants import Reading, is_certain, read, read_table
from nn_from_scratch.verify.functions.tracing.local import LocalCheck
from nn_from_scratch.verify.functions.tracing.shadows import (
    Numbers,
    Shadow,
    as_shadow,
    exact,
    has_series,
    of_entries,
    value,
    values,
)

_A_SIGN = 50_000
"""Numbers between two signs of progress."""
Progress = Callable[[int, str], None]
"""Takes how many numbers were traced, and the user's line."""
_READ = 256
"""Up to so many numbers a table from outside the trace is read number by number, as a constant."""
_NOTHING = frozenset(["empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided", "resize"])
_RANDOM = frozenset(
    """
    bernoulli cauchy exponential geometric log_normal multinomial native_dropout normal poisson rand
    rand_like randint randint_like randn randn_like random randperm rrelu_with_noise uniform
    """.split()  # noqa: SIM905  a long list reads best as words
)
_OVERWRITES = frozenset(["copy", "fill", "zero", *_RANDOM])
_ASKS = frozenset(["equal", "is_same_size", "_assert_async", "_assert_tensor_metadata", "is_nonzero"])
_SHAPED = frozenset(
    ["as_strided_", "detach_", "squeeze_", "swapaxes_", "swapdims_", "t_", "transpose_", "unsqueeze_"]
)
"""Operations in place that change how a tensor looks at its numbers, and no number."""
_LEAVES = frozenset(["_local_scalar_dense", "item"])
_DECIDES = frozenset(["is_nonzero", *_LEAVES])
"""Operations whose answer, of a truth value, decides in Python what is run."""


class Tracer(TorchDispatchMode):  # type: ignore[misc]
    """Runs shadows in lockstep with numbers.

    Parameters
    ----------
    reading
        How constants are read.
    local
        Where each operation's numbers are compared with its exact value at its own inputs, if anywhere.
    replaced
        Constants, by number and format, that are taken for another number.
    progress
        Told now and then how far this is.

    """

    def __init__(
        self,
        reading: Reading,
        local: LocalCheck | None = None,
        replaced: dict[tuple[float, str], arb] | None = None,
        progress: Progress | None = None,
    ) -> None:
        super().__init__()
        self.progress = progress
        self.reading = reading
        self.local = local
        self.replaced = replaced or {}
        self.scaled: tuple[int, arb] | None = None
        """The number of an operation whose result is multiplied, and by what."""
        self.memory = Memory()
        self.trace = Trace()
        self.deciding = Deciding(self.trace)
        self.line = "before the first operation"
        """Of the last operation."""

    def know(self, x: torch.Tensor, shadow: Shadow) -> None:
        """Write the shadow of an input, or of a cotangent."""
        self.memory.write(x, as_pairs(shadow, x), reals(x))

    def shadow(self, x: torch.Tensor) -> Shadow:
        """Return the shadow of a tensor; what has none comes from outside of the trace."""
        return self._beside(x, reals(x))

    def _beside(self, x: torch.Tensor, found: Numbers) -> Shadow:
        """Return the shadow of a tensor, given its numbers."""
        shadow, missing = self.memory.read(x, found)
        if bool(missing.any()):
            self.trace.note_table(found, x.dtype, self.line)
            outside = self._table(found, WITHIN[x.dtype])
            shadow = of_entries(
                (
                    a if miss else b
                    for a, b, miss in zip(outside.flat, shadow.flat, missing.flat, strict=True)
                ),
                shadow.shape,
            )
            self.memory.write(x, shadow, found)
        return as_numbers(shadow, x)

    def _table(self, found: Numbers, dtype: str) -> Shadow:
        if found.size > _READ and self.reading not in {Reading.ROUNDED, Reading.MOVED}:
            self.trace.long_tables += 1
            return exact(found)
        return of_entries(read_table(found.ravel().tolist(), dtype, self.reading, self._read), found.shape)

    def _read(self, number: float, dtype: str) -> arb:
        key = (number, dtype)
        self.trace.constants.setdefault(key, self.line)
        if key in self.replaced:
            return self.replaced[key]
        if not is_certain(number, dtype):
            self.trace.uncertain[key] = None
        return read(number, self.reading, dtype)

    def _constant(self, number: float) -> arb:
        if isinstance(number, int):
            return arb(int(number))
        number = float(number)
        self.trace.written.setdefault(number, self.line)
        if self.reading is not Reading.LITERAL and is_one_over_a_float32(number):
            return 1 / self._read(1 / number, "float32")
        return self._read(number, format_of(number))

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run an operation, and its shadow after it."""
        del types
        self.trace.operations += 1
        self.line = users_line()
        kwargs = kwargs or {}
        name = func.overloadpacket.__name__
        if name in _DECIDES and args[0].dtype is torch.bool:
            self.trace.decisions.append(self.line)
        if name in _ASKS or name in _SHAPED or name.rstrip("_") in _NOTHING:
            return func(*args, **kwargs)
        if name in _LEAVES and args[0].dtype in FORMATS:
            found = func(*args, **kwargs)
            self.trace.outside.append(("number", found, self.line))
            return found
        known = signature(func)
        if not known.is_mutable and (name == "_unsafe_view" or known.returns_views):
            found = func(*args, **kwargs)
            if shares(args, found):
                refuse_another_dtype(name, args, found)
                return found
            return self._shadow(func, args, kwargs, lambda: found)
        return self._shadow(func, args, kwargs, lambda: func(*args, **kwargs))

    def _shadow(self, func: Any, args: Any, kwargs: dict[str, Any], run: Callable[[], Any]) -> Any:
        """Read the shadows of what an operation is given, run it, and write those of what it returns."""
        known = signature(func)
        name = func.overloadpacket.__name__
        base = name[:-1] if known.is_mutable and name.endswith("_") else name
        bound = by_name(func, args, kwargs)
        targets = [bound[x] for x in known.written]
        unread = _unread(base, bound, targets if base in _OVERWRITES or base == name else [])
        operands = mapped_leaves(lambda x: self._operand(x, unread), bound)
        found = run()
        outputs = [x for x in targets or leaves(found) if isinstance(x, torch.Tensor)]
        if tied(base, operands, tuple(outputs[0].shape) if outputs else ()):
            self.trace.ties.append(f"{name} ({self.line})")
        equal = None if self.trace.in_backward else equal_to_one(base, operands)
        if equal is not None:
            self.trace.ones[self.trace.operations] = f"{name} ({self.line})", equal
        if not self.trace.in_backward:
            self.deciding.note(base, bound, operands, outputs, self.line)
        if not any(x.dtype in WITHIN for x in outputs):
            return found
        self._count(outputs)
        given = (x.dtype for x in leaves(operands) if isinstance(x, Operand))
        self.trace.narrows(given, (FORMATS.get(x.dtype, "") for x in outputs), self.line)
        taken = self.deciding.taken(base, operands, self.line)
        call = Call(name, taken, [numbers(x) for x in outputs], self._constant)
        self.trace.gave(name, self.line, call.results)
        rules = COMPLEX if call.is_complex else RULES
        if base in rules or base in MOVES:
            self._apply(func, base, call, rules, outputs, in_place=bool(targets))
        elif base in _RANDOM:
            self.trace.random.append(f"{name} ({self.line})")
            self._write(outputs, call.results, [exactly(x) for x in call.results])
        elif targets or _any_shadow(operands):
            self._decompose(func, without(unread, base, args), kwargs, outputs, bool(targets))
        else:
            self.trace.outside.append((name, call.results, self.line))
            made = tables(base, call, self.reading, self.replaced)
            self._write(
                outputs, call.results, made or [self._table(reals(x), WITHIN[x.dtype]) for x in outputs]
            )
        return found

    def _count(self, outputs: Sequence[torch.Tensor]) -> None:
        before = self.trace.numbers
        self.trace.numbers += sum(x.numel() for x in outputs)
        if self.trace.numbers > LARGEST:
            raise NotTracedError(TOO_LARGE)
        if self.progress is not None and self.trace.numbers // _A_SIGN > before // _A_SIGN:
            self.progress(self.trace.numbers, self.line)

    def _operand(self, x: Any, unread: set[int]) -> Any:
        if not isinstance(x, torch.Tensor):
            return x
        found = numbers(x).copy()
        read_it = x.dtype in WITHIN and id(x) not in unread
        shadow = self._beside(x, as_reals(found)) if read_it else None
        return Operand(found, shadow, _name_of(x.dtype), x.is_contiguous())

    def _apply(
        self,
        func: Any,
        base: str,
        call: Call,
        rules: Mapping[str, Rule],
        outputs: Sequence[torch.Tensor],
        *,
        in_place: bool,
    ) -> None:
        def rule(of: Call) -> list[Any]:
            found = rules[base](of) if base in rules else move(func, of, in_place)
            return [x for x in found if x is not None] if isinstance(found, tuple) else [found]

        with torch._C._DisableTorchDispatch():  # noqa: SLF001  a movement of positions is none of numbers
            try:
                shadows = rule(call)
            except NotTracedError as error:
                raise NotTracedError(f"{error} ({self.line})") from error
            except Exception as error:
                raise NotTracedError(
                    f"{call.name} is called in a way not known here ({self.line})"
                ) from error
            shadows = self._noted(base, call.name, shadows)
            self._write(outputs, call.results, shadows, in_place)
            if self.local is not None:
                self._observe(rule, base, call, outputs)

    def _noted(self, base: str, name: str, shadows: list[Any]) -> list[Any]:
        """Note an operation of the backward, and scale its results if that is asked for."""
        if self.trace.in_backward and base in RULES:
            self.trace.steps.append(Step(self.trace.operations, name, self.line))
        if self.scaled is None or self.scaled[0] != self.trace.operations:
            return shadows
        return [complexes.scaled(x, self.scaled[1]) for x in shadows]

    def _write(
        self,
        outputs: Sequence[torch.Tensor],
        results: Sequence[Numbers],
        shadows: Sequence[Any],
        in_place: bool = False,
    ) -> None:
        """Write shadows beside the numbers that came out. What is computed without gradients is a constant.

        What is changed in place there keeps the derivative that it had: autograd does not see the change.
        """
        constant = not torch.is_grad_enabled() and not in_a_function()
        for x, result, shadow in zip(outputs, results, shadows, strict=False):
            if x.dtype in WITHIN and shadow is not None and x.numel():
                found = as_reals(result)
                written = np.broadcast_to(as_pairs(as_shadow(shadow), x), found.shape)
                if constant and in_place:
                    before, _ = self.memory.read(x, found)
                    pairs = zip(written.flat, before.flat, strict=True)
                    written = of_entries((_with_the_slope_of(a, b) for a, b in pairs), before.shape)
                elif constant:
                    self.trace.cut += [self.line] if has_series(written) else []
                    written = values(written)
                self.memory.write(x, written, found)

    def _observe(self, rule: Any, base: str, call: Call, outputs: Sequence[torch.Tensor]) -> None:
        """Compare the numbers of an operation, a movement too, with its exact value at its own inputs."""
        own = Call(call.name, mapped_leaves(_exactly, call.arguments), call.results, arb)
        shadows = rule(own)
        for k, x in enumerate(outputs):
            if k >= len(shadows) or x.dtype not in WITHIN or not x.numel():
                continue
            found = as_reals(call.results[k])
            expected = np.broadcast_to(as_pairs(as_shadow(shadows[k]), x), found.shape)
            expected = of_entries(expected.flat, found.shape)
            self.local.observe(  # type: ignore[union-attr]
                call.name,
                self.line,
                found,
                expected,
                dtype=WITHIN[x.dtype],
                scale=complex_scale(base, own, expected)
                if call.is_complex
                else rounding_scale(base, own, k, expected),
            )

    def _decompose(
        self, func: Any, args: Any, kwargs: Any, outputs: Sequence[torch.Tensor], in_place: bool
    ) -> None:
        """Take the formula of a fused operation from PyTorch's own decomposition, run in this trace."""
        name = func.overloadpacket.__name__
        line = self.line
        decomposition = decomposition_table.get(func)
        if decomposition is None and func.has_kernel_for_dispatch_key(
            torch._C.DispatchKey.CompositeImplicitAutograd  # noqa: SLF001
        ):
            decomposition = func.decompose
        if decomposition is None or in_place:
            raise NotTracedError(f"{name} has no formula here ({line})")
        self.trace.fused[name] = line
        try:
            with self:
                found = decomposition(*args, **kwargs)
        except NotTracedError:
            raise
        except Exception as error:
            raise NotTracedError(f"{name} has no formula here ({line}): {error}") from error
        with torch._C._DisableTorchDispatch():  # noqa: SLF001
            self._take(name, line, outputs, found)

    def _take(self, name: str, line: str, outputs: Sequence[torch.Tensor], found: Any) -> None:
        """Give a fused operation's outputs the shadows of its decomposition, if the numbers are the same."""
        parts = [x for x in leaves(found) if isinstance(x, torch.Tensor)]
        if len(parts) != len(outputs):
            raise NotTracedError(f"{name} has no formula here ({line})")
        scale = max((float(x.detach().abs().max()) for x in outputs if x.numel()), default=0.0)
        for x, part in zip(outputs, parts, strict=True):
            if x.dtype not in WITHIN or not x.numel():
                continue
            if x.shape != part.shape or difference(x, part, scale) > half_of_the_digits(x.dtype):
                raise NotTracedError(f"{name} is not what its decomposition is ({line})")
            self.memory.write(x, as_pairs(self.shadow(part), x), reals(x))


@cache
def _name_of(dtype: torch.dtype) -> str:
    return str(dtype).split(".")[1]


def _with_the_slope_of(entry: Any, before: Any) -> Any:
    """Return a new value with the derivative that was there before, if there was any."""
    return arb_series([value(entry), before[1]], 2) if isinstance(before, arb_series) else value(entry)


def _exactly(x: Any) -> Any:
    return replace(x, shadow=exactly(x.numbers)) if isinstance(x, Operand) and x.shadow is not None else x


def _unread(base: str, bound: dict[str, Any], targets: Sequence[Any]) -> set[int]:
    """Return which tensors an operation does not read: what it overwrites, or has for the shape alone."""
    unread = {id(x) for x in targets} | unread_statistics(base, bound)
    if base == "convolution_backward":
        data, kernel, _ = bound["output_mask"]
        unread |= {id(bound["weight"])} if not data else set()
        unread |= {id(bound["input"])} if not kernel else set()
    return unread


def _any_shadow(operands: dict[str, Any]) -> bool:
    return any(isinstance(x, Operand) and x.shadow is not None for x in leaves(operands))
