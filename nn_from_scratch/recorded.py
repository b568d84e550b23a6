"""What stands in for the numbers of a function that is recorded, to be replayed (see `replaying`).

A `Recorded` takes part in every operation that a `Node` does, and writes it down. It has an example of a
value, for shapes alone: whoever asks it for a number, be it to branch on it, is refused, for the answer would
be another one when the function is replayed.
"""

from collections.abc import Sequence
from typing import Any, NoReturn, Self

import numpy as np

from nn_from_scratch import recording
from nn_from_scratch.constant_functions import CONSTANT_UFUNCS
from nn_from_scratch.numpy_functions import UFUNCS, NumpyFunctions, without_row
from nn_from_scratch.refusals import of_shapes
from nn_from_scratch.rule import NO_OPTIONS, Operand, Options, Rule, Traced, Value
from nn_from_scratch.rules import RULES
from nn_from_scratch.values import FLOAT64, own_value


class ReplayError(TypeError):
    """A function cannot be replayed: it asked for a number, or took what is none."""


class ValueAskedError(ReplayError):
    """A rule of ours asked for a value: whoever called it says which it was."""


def refuse(asked: str) -> NoReturn:
    """Say that a function cannot be replayed, since it asked for a number."""
    raise ReplayError(
        f"replay: the function asks for {asked} while it is recorded, which will be another one when it is"
        " replayed; choose by np.where(condition, x, y), and leave what depends on values to a plain function"
    )


class Jump(Rule):
    """The rule of what is constant between jumps: no cotangent passes it."""

    __slots__ = ()


class Recorded(NumpyFunctions):
    """A number or an array of a function that is recorded.

    Attributes
    ----------
    tape
        All there are, in the order in which they came to be.
    example
        What it is at the inputs that the function is recorded with.
    rule, operands, options
        What gives it; the rule of an input is None.
    is_constant
        Whether it was made within `no_grad`: no cotangent passes it.

    """

    __slots__ = ("example", "is_constant", "operands", "options", "rule", "tape")

    def __init__(
        self,
        tape: "list[Recorded]",
        example: Value,
        rule: Rule | None = None,
        operands: Sequence[Operand] = (),
        options: Options = NO_OPTIONS,
    ) -> None:
        self.tape, self.example = tape, example
        self.rule, self.operands, self.options = rule, operands, options
        self.is_constant = not recording.is_on()
        tape.append(self)

    @staticmethod
    def apply(rule: Rule, operands: Sequence[Operand], options: Options) -> "Recorded":
        """Write an operation down: as `Node.apply`."""
        if any(isinstance(option, Recorded) for name, option in options.items() if name != "condition"):
            refuse(f"the places that {rule.name} takes")
        found = [_operand(operand, rule.name) for operand in operands]
        examples = [example_of(operand) for operand in found]
        try:
            example = rule.evaluate(examples, {name: example_of(value) for name, value in options.items()})
        except ValueError as error:
            raise of_shapes(rule.name, examples, error) from error
        dtype = np.result_type(example)
        if dtype != FLOAT64 and dtype.kind not in "biu":  # as of a comparison, or a count
            raise ReplayError(f"replay: computes in float64; {rule.name} gives {dtype}")
        tape = next(x.tape for x in (*found, *options.values()) if isinstance(x, Recorded))
        return Recorded(tape, example, rule, found, options)

    def __add__(self, other: Operand) -> Self:
        return self._apply("add", self, other)

    def __radd__(self, other: Operand) -> Self:
        return self._apply("add", other, self)

    def __sub__(self, other: Operand) -> Self:
        return self._apply("sub", self, other)

    def __rsub__(self, other: Operand) -> Self:
        return self._apply("sub", other, self)

    def __mul__(self, other: Operand) -> Self:
        return self._apply("mul", self, other)

    def __rmul__(self, other: Operand) -> Self:
        return self._apply("mul", other, self)

    def __truediv__(self, other: Operand) -> Self:
        return self._apply("div", self, other)

    def __pow__(self, other: Operand) -> Self:
        is_two = type(other) is int and other == 2
        return self._apply("square", self) if is_two else self._apply("pow", self, other)

    def relu(self) -> Self:
        """Return each element where it is positive, else 0; the derivative at 0 is 0."""
        return self._apply("relu", self)

    # Comparisons give what may be asked by `np.where`, and has no truth value of its own

    def __lt__(self, other: Operand) -> Any:
        return self.apply(JUMPS[np.less], (self, other), NO_OPTIONS)

    def __le__(self, other: Operand) -> Any:
        return self.apply(JUMPS[np.less_equal], (self, other), NO_OPTIONS)

    def __gt__(self, other: Operand) -> Any:
        return self.apply(JUMPS[np.greater], (self, other), NO_OPTIONS)

    def __ge__(self, other: Operand) -> Any:
        return self.apply(JUMPS[np.greater_equal], (self, other), NO_OPTIONS)

    def __eq__(self, other: object) -> Any:
        return self.apply(JUMPS[np.equal], (self, other), NO_OPTIONS)

    def __ne__(self, other: object) -> Any:
        return self.apply(JUMPS[np.not_equal], (self, other), NO_OPTIONS)

    def __and__(self, other: Operand) -> Any:
        return self.apply(JUMPS[np.logical_and], (self, other), NO_OPTIONS)

    def __or__(self, other: Operand) -> Any:
        return self.apply(JUMPS[np.logical_or], (self, other), NO_OPTIONS)

    def __invert__(self) -> Any:
        return self.apply(JUMPS[np.logical_not], (self,), NO_OPTIONS)

    __rand__, __ror__ = __and__, __or__
    __hash__ = object.__hash__

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *operands: Operand, **options: Any) -> Any:
        try:
            if method != "__call__" or options:
                return super().__array_ufunc__(ufunc, method, *operands, **options)
            rule = JUMPS.get(ufunc) or UFUNCS.get(ufunc)
            return without_row(ufunc, operands) if rule is None else self.apply(rule, operands, NO_OPTIONS)
        except ValueAskedError:
            refuse(f"values in np.{ufunc.__name__}")

    def __array_function__(
        self, function: Any, types: Any, arguments: tuple[Any, ...], options: dict[str, Any]
    ) -> Any:
        if function is np.where:
            condition, x, y = _chosen(*arguments, **options)
            if not isinstance(condition, Recorded):
                condition = np.array(condition, bool)
            return self.apply(RULES["where"], (x, y), {"condition": condition})
        try:
            return super().__array_function__(function, types, arguments, options)
        except ValueAskedError:
            refuse(f"values in np.{function.__name__}")

    # What is asked of a value: its shape is known, and nothing else

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape, which is the same at all inputs."""
        return np.shape(self.example)

    @property
    def dtype(self) -> Any:
        """The precision: float64, or that of a comparison."""
        return np.result_type(self.example)

    @property
    def value(self) -> NoReturn:
        """Refused."""
        refuse("a value")

    @property
    def _value(self) -> NoReturn:
        """What rules that choose by values ask for."""
        raise ValueAskedError("replay: a value is asked for while the function is recorded")

    def __len__(self) -> int:
        return len(self.example)

    def __bool__(self) -> bool:  # noqa: PLE0304
        refuse("the truth of a comparison or value")

    def __float__(self) -> float:
        refuse("a number")

    def __int__(self) -> int:
        refuse("a number")

    def __index__(self) -> int:  # noqa: PLE0305
        refuse("an index")

    def __format__(self, _: str) -> str:
        refuse("the text of a value")

    def __repr__(self) -> str:
        return f"<recorded, of shape {self.shape}>"


def example_of(x: Any) -> Any:
    """Return the example of what is recorded; anything else as it is."""
    return x.example if isinstance(x, Recorded) else x


def _operand(x: Any, name: str) -> Any:
    """Return an operand, or refuse a node that is no input: its gradient would be lost."""
    if isinstance(x, Traced) and not isinstance(x, Recorded):
        raise ReplayError(f"replay: {name} has a Node that is no input: make it one, or give its .value")
    return x if isinstance(x, Recorded) else own_value(x, name)


def _chosen(condition: Any, *choices: Any) -> tuple[Any, Any, Any]:
    """Return the arguments of np.where."""
    if len(choices) != 2:
        refuse("the places where a condition holds")
    return condition, *choices


SYMBOLS: dict[Any, str] = {
    np.less: "<",
    np.less_equal: "<=",
    np.greater: ">",
    np.greater_equal: ">=",
    np.equal: "==",
    np.not_equal: "!=",
    np.logical_and: "and",
    np.logical_or: "or",
}
"""Python's operators, by the ufunc that computes the same."""
JUMPS: dict[Any, Jump] = {ufunc: Jump(ufunc.__name__, ufunc, ()) for ufunc in CONSTANT_UFUNCS}
JUMPS |= {
    np.bitwise_and: JUMPS[np.logical_and],  # what `&`, `|` and `~` of arrays ask for
    np.bitwise_or: JUMPS[np.logical_or],
    np.invert: JUMPS[np.logical_not],
}
"""Operations that are constant between jumps, by ufunc."""
