"""A jaxpr, run over shadows: what JAX would compute, exactly.

Every value of a floating-point type is a `Shadow`; integers, booleans and random keys are numpy's or JAX's
own arrays, computed by the primitives themselves. Control flow follows the midpoints of the balls.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flint import arb
from jax.extend.core import Literal

from nn_from_scratch.verify.functions.jaxpr.lines import line_of
from nn_from_scratch.verify.functions.rows import first_line
from nn_from_scratch.verify.functions.tracing.approximations import is_fitted_array
from nn_from_scratch.verify.functions.tracing.complexes import paired
from nn_from_scratch.verify.functions.tracing.constants import Reading, read, read_table, recognise
from nn_from_scratch.verify.functions.tracing.shadows import exact, of_entries

LIMIT = 1_000_000
"""Scalar operations after which a trace is given up."""


TOLD = 100_000
"""Scalar operations after which it is told, again, how many there were."""

NOTED = 4
"""Kinks that are noted: one is said."""


class NotTracedError(Exception):
    """A jaxpr holds something of which there is no exact meaning; the message names it."""


class TooLongError(NotTracedError):
    """A trace would take too long."""

    def __init__(self) -> None:
        super().__init__(f"more than {LIMIT:,} scalar operations; ask at a smaller shape")


def tell(said: str) -> None:
    """Say on a terminal how far a long trace is."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{said}")
        sys.stderr.flush()


@dataclass(frozen=True, slots=True)
class Call:
    """One equation of a jaxpr, and the values of its operands."""

    interpreter: Interpreter
    equation: Any
    operands: list[Any]

    @property
    def name(self) -> str:
        """The primitive's; that of a function of JAX's that reads numbers as bits."""
        called = self.equation.params.get("name")
        return called if called in READ_AS_BITS else str(self.equation.primitive.name)

    @property
    def inlined(self) -> Any:
        """The jaxpr that the primitive only calls, if it does, and numbers are not read as bits within."""
        parameter = INLINED.get(self.equation.primitive.name)
        return None if parameter is None or self.name in READ_AS_BITS else self.parameters[parameter]

    @property
    def parameters(self) -> Any:
        """The primitive's."""
        return self.equation.params

    @property
    def outputs(self) -> list[Any]:
        """The abstract values of the outputs: shapes and dtypes."""
        return [variable.aval for variable in self.equation.outvars]

    @property
    def is_complex(self) -> bool:
        """Whether complex numbers are taken or given."""
        variables = [*self.equation.invars, *self.equation.outvars]
        return any(is_complex(getattr(x.aval, "dtype", np.dtype(bool))) for x in variables)

    @property
    def dtype(self) -> Any:
        """The dtype of the first output."""
        return self.outputs[0].dtype

    @property
    def line(self) -> str:
        """The line of the user's that asked for it."""
        return line_of(self.equation.source_info)

    @property
    def place(self) -> str:
        """The primitive, and the line."""
        return f"{self.name} ({self.line})" if self.line else self.name

    def bind(self, *operands: Any, **changed: Any) -> list[Any]:
        """Run the primitive itself."""
        given = [jnp.asarray(x) if isinstance(x, np.ndarray) else x for x in operands]
        found = self.equation.primitive.bind(*given, **{**self.parameters, **changed})
        return list(found) if self.equation.primitive.multiple_results else [found]

    def note_kink(self, why: str) -> None:
        """Say that a derivative jumps here."""
        if len(self.interpreter.kinks) < NOTED:
            self.interpreter.kinks.append(f"{why}, at {self.place}")

    def note_undefined(self, why: str) -> None:
        """Say that JAX does not define what is computed here."""
        if len(self.interpreter.undefined) < NOTED:
            self.interpreter.undefined.append(f"{why}, at {self.place}")


Meaning = Callable[[Call], Any]
Widening = Callable[[Call, list[Any]], list[Any]]
"""Makes of the exact results of a call what rounding may make of them."""

Constant = tuple[float, str]
"""A scalar constant of a program: its number and its dtype; all uses of one are one."""


def is_floating(dtype: Any) -> bool:
    """Whether a dtype is one of real floating-point numbers."""
    return bool(jnp.issubdtype(dtype, jnp.floating))


def is_complex(dtype: Any) -> bool:
    """Whether a dtype is one of complex numbers."""
    return bool(jnp.issubdtype(dtype, jnp.complexfloating))


def is_shadow(x: Any) -> bool:
    """Whether a value is a shadow."""
    return isinstance(x, np.ndarray) and x.dtype == object


def lifted(x: Any, dtype: Any) -> Any:
    """Return the shadow of floating-point numbers, exactly, and anything else as an array."""
    if is_floating(dtype):
        return exact(np.asarray(x, dtype=np.float64))
    if is_complex(dtype):
        found = np.asarray(x, dtype=np.complex128)
        return paired(exact(found.real), exact(found.imag))
    return x if jax.dtypes.issubdtype(dtype, jax.dtypes.extended) else np.asarray(x, dtype)


def _is_written(number: float, dtype: str) -> bool:
    """Whether a constant is no number, or one that somebody may have written."""
    return recognise(number, dtype) is not None


def _may_be_off(array: np.ndarray[Any, np.dtype[np.float64]], dtype: str) -> bool:
    """Whether a few roundings may not explain a constant's error; no format rounds 0, 1 and infinities."""
    if array.ndim:
        return not np.all((array == 0) | (np.abs(array) == 1) | np.isinf(array))
    return dtype != "float64" and not _is_written(float(array), dtype)


def _rounded_to(numbers: Any, dtype: str) -> str:
    """Return the dtype that constants were rounded to: float32 in a program of float64, if they fit."""
    with np.errstate(over="ignore"):
        narrow = np.array_equal(numbers.astype(np.float32).astype(np.float64), numbers)
    return "float32" if dtype == "float64" and narrow else dtype


@dataclass
class Interpreter:
    """Runs jaxprs.

    Attributes
    ----------
    meanings
        Of the primitives, by name.
    reading
        How constants are read.
    rounding
        What to do to the floating-point results of a call that computes; None leaves them exact.
    kinks
        Where a derivative jumps, or a comparison could not be decided.
    undefined
        Where JAX does not define what it computes.
    formats
        The dtypes that were computed in, with the first call of each.
    tables
        The dtypes of constants that were met whose errors a few roundings may not explain: arrays
        that are no masks, and numbers narrower than float64 that are recognised as nothing.
    replaced
        What some constants are read as, whatever `reading` says.
    unrecognised
        Scalar constants that stand for no number that is known, as the numbers that they are.
    primitives
        The names of those that were met.
    operations
        How many numbers were computed, and `told` at how many that was said last; `limit` how many may be.
    arrays
        Whether a constant was an array.
    fitted_arrays
        Whether one was a grid, or a row of coefficients, as approximations have.
    numbers
        The scalar constants that were met.
    switches
        Where to note the places that select between two formulas that are nearly alike, if that is asked.
    at_ties
        What equal numbers that move apart are taken for: as a difference of 0, or of another sign.
    taking
        Such a place, and which formula it takes wherever both are; None if it takes those that it selects.

    """

    meanings: dict[str, Meaning]
    reading: Reading = Reading.LITERAL
    rounding: Widening | None = None
    kinks: list[str] = field(default_factory=list)
    undefined: list[str] = field(default_factory=list)
    formats: dict[str, Call] = field(default_factory=dict)
    tables: set[str] = field(default_factory=set)
    replaced: Mapping[Constant, arb] = field(default_factory=dict)
    unrecognised: dict[Constant, arb] = field(default_factory=dict)
    primitives: set[str] = field(default_factory=set)
    operations: int = 0
    limit: int = LIMIT
    told: int = 0
    arrays: bool = False
    fitted_arrays: bool = False
    numbers: set[Constant] = field(default_factory=set)
    switches: list[str] | None = None
    taking: tuple[str, int] | None = None
    at_ties: int = 0

    def run(self, jaxpr: Any, constants: Sequence[Any], arguments: Sequence[Any]) -> list[Any]:
        """Return the values of the outputs of an open jaxpr, given those of its constants and inputs."""
        environment: dict[Any, Any] = dict(zip(jaxpr.constvars, constants, strict=True))
        environment.update(zip(jaxpr.invars, arguments, strict=True))

        def value(atom: Any) -> Any:
            return (
                self.constant(atom.val, atom.aval.dtype) if isinstance(atom, Literal) else environment[atom]
            )

        for equation in jaxpr.eqns:
            found = self._evaluate(Call(self, equation, [value(x) for x in equation.invars]))
            environment.update(zip(equation.outvars, found, strict=True))
        return [value(x) for x in jaxpr.outvars]

    def run_closed(self, closed: Any, arguments: Sequence[Any]) -> list[Any]:
        """Return the values of the outputs of a jaxpr that holds its constants, or has none."""
        if not hasattr(closed, "consts"):
            return self.run(closed, [], arguments)
        constants = [self.constant(x, jnp.result_type(x)) for x in closed.consts]
        return self.run(closed.jaxpr, constants, arguments)

    def constant(self, x: Any, dtype: Any) -> Any:
        """Return the value of a constant of the program, read as this interpreter reads."""
        if is_complex(dtype):
            parts = np.real(np.asarray(x)), np.imag(np.asarray(x))
            return paired(*(self.constant(part, part.dtype) for part in parts))
        if not is_floating(dtype):
            return lifted(x, dtype)
        array = np.asarray(np.asarray(x, np.dtype(dtype)), np.float64)  # a literal is no number of its format
        name = _rounded_to(array, str(dtype))
        if _may_be_off(array, name):
            self.tables.add(name)
        self.arrays = self.arrays or bool(array.ndim)
        self.fitted_arrays = self.fitted_arrays or is_fitted_array(array, name)
        if not array.ndim:
            return of_entries([self._read(float(array), name)], ())
        if self.reading not in {Reading.ROUNDED, Reading.MOVED}:
            return exact(array)  # data, not numbers that somebody wrote
        return of_entries(read_table(array.ravel().tolist(), name, self.reading, self._read), array.shape)

    def _read(self, number: float, dtype: str) -> arb:
        self.numbers.add((number, dtype))
        if not _is_written(number, dtype):
            self.unrecognised[number, dtype] = arb(number)
        return self.replaced.get((number, dtype), read(number, self.reading, dtype))

    def _evaluate(self, call: Call) -> list[Any]:
        name = call.name
        if call.inlined is not None:
            return self.run_closed(call.inlined, call.operands)
        self.primitives.add(name)
        if name in CONTROL:
            return CONTROL[name](call)
        self.operations += sum(int(np.prod(x.shape)) for x in call.outputs)
        if self.operations > self.limit:
            raise TooLongError
        if self.operations >= self.told + TOLD:
            self.told = self.operations
            tell(f"traced {self.operations:,} scalar operations")
        try:
            results, computed = self._results(call)
        except (ArithmeticError, LookupError, TypeError, ValueError, NotImplementedError) as error:
            raise NotTracedError(f"the primitive {call.place}: {first_line(error)}") from error
        return self.rounding(call, results) if self.rounding is not None and computed else results

    def _results(self, call: Call) -> tuple[list[Any], bool]:
        """Return what a primitive gives, and whether it was computed: of no shadow, they are its own."""
        name = call.name
        if not any(is_shadow(x) for x in call.operands) and name not in SHADOWS_OF_NOTHING:
            found = zip(call.bind(*call.operands), call.outputs, strict=True)
            return [lifted(x, output.dtype) for x, output in found], False
        if name not in self.meanings:
            raise NotTracedError(f"the primitive {call.place}")
        result = self.meanings[name](call)
        if is_floating(call.dtype):
            self.formats.setdefault(str(call.dtype), call)
        return (result if isinstance(result, list) else [result]), True


INLINED = {
    "jit": "jaxpr",
    "pjit": "jaxpr",
    "closed_call": "call_jaxpr",
    "core_call": "call_jaxpr",
    "remat": "jaxpr",
    "remat2": "jaxpr",
    "checkpoint": "jaxpr",
    "custom_jvp_call": "call_jaxpr",
    "custom_vjp_call": "call_jaxpr",
    "custom_vmap_call": "call",
}
"""Primitives that only call a jaxpr, and the parameter that holds it: of custom derivatives, the primal."""

READ_AS_BITS = frozenset({"signbit"})
"""Functions of JAX's that read floating-point numbers as bits: they have a meaning of their own."""

SHADOWS_OF_NOTHING = {"convert_element_type"}
"""Primitives whose results are taken exactly although their operands are integers."""


def _cond(call: Call) -> list[Any]:
    branches = call.parameters["branches"]
    index = min(max(int(np.asarray(call.operands[0])), 0), len(branches) - 1)
    return call.interpreter.run_closed(branches[index], call.operands[1:])


def _while(call: Call) -> list[Any]:
    first, second = call.parameters["cond_nconsts"], call.parameters["body_nconsts"]
    condition, body = call.operands[:first], call.operands[first : first + second]
    state = call.operands[first + second :]
    run = call.interpreter.run_closed
    while bool(run(call.parameters["cond_jaxpr"], [*condition, *state])[0]):
        state = run(call.parameters["body_jaxpr"], [*body, *state])
    return state


def _scan(call: Call) -> list[Any]:
    constants, carries = call.parameters["num_consts"], call.parameters["num_carry"]
    fixed, carry = call.operands[:constants], call.operands[constants : constants + carries]
    sequences = call.operands[constants + carries :]
    order = range(call.parameters["length"])
    rows: list[list[Any]] = []
    for k in reversed(order) if call.parameters["reverse"] else order:
        here = [x[k : k + 1].reshape(x.shape[1:]) if is_shadow(x) else x[k] for x in sequences]
        found = call.interpreter.run_closed(call.parameters["jaxpr"], [*fixed, *carry, *here])
        carry = found[:carries]
        rows.append(found[carries:])
    if call.parameters["reverse"]:
        rows.reverse()
    outputs = enumerate(call.outputs[carries:])
    return [*carry, *(_stacked([row[k] for row in rows], output) for k, output in outputs)]


def _stacked(column: list[Any], output: Any) -> Any:
    if is_floating(output.dtype) or is_complex(output.dtype):
        return of_entries(itertools.chain.from_iterable(x.ravel() for x in column), output.shape)
    return np.stack(column) if column else np.zeros(output.shape, output.dtype)


CONTROL: dict[str, Callable[[Call], list[Any]]] = {
    "cond": _cond,
    "while": _while,
    "scan": _scan,
}
"""Primitives that run jaxprs of their own."""
