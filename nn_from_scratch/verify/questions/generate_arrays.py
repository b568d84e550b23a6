"""Random expressions over arrays of mixed shapes, from the same source of choices as scalar ones."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Any, TypeVar

import numpy as np

from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.direct_further import ROWS
from nn_from_scratch.verify.questions.expressions import Expression, Step
from nn_from_scratch.verify.questions.generate import (
    BESIDE,
    CONSTANTS,
    EXTREMES,
    GUIDE,
    POINTS,
    Choose,
    askable,
    either,
    is_extreme,
    rounded,
    within_range,
)
from nn_from_scratch.verify.questions.guide_of_arrays import WHOLE
from nn_from_scratch.verify.questions.operations import (
    ALL_FORMS,
    ARRAY_FORMS,
    ELEMENTWISE,
    FURTHER_ARRAYS,
    OF_ARRAYS,
    OF_LIBRARIES,
    OF_NUMPY,
    Form,
    Operation,
)
from nn_from_scratch.verify.questions.subscripts import labelled, subscripts_of

T = TypeVar("T")
Array = np.ndarray[Any, np.dtype[np.float64]]
Shape = tuple[int, ...]
Parameters = dict[str, Any]

_MOST_INPUTS, _LARGEST_SIZE, _ATTEMPTS = 4, 24, 12
_OF_MATRICES = ("solve", "inv", "det", "cholesky")
_MOST_ROWS = 3  # of a matrix whose determinant is written out
_MOST_SORTED = 6  # numbers, each of which is compared with all others
_SHAPES: tuple[Shape, ...] = (
    *((3,), (2, 3), (3, 3), (2,), (1, 3), (2, 1), (2, 2), (2, 3, 2), (2, 2, 2), (3, 2), (3, 1, 2)),
    *((2, 1, 2, 2), (1,), (), (1, 1), (3, 3), (2, 2, 3), (2, 3), (0,), (2, 0)),
)
_REDUCTIONS = ("sum", "mean", "prod", "max", "min", "logsumexp")


def array_case(
    choose: Choose, forms: Collection[Form] = (*ALL_FORMS, *ARRAY_FORMS), *, most_steps: int = 8
) -> Case:
    """Draw an array expression, a point inside its domain, and a cotangent.

    Parameters
    ----------
    choose
        The source of choices.
    forms
        The operations, and sides of constants, that may be used.
    most_steps
        The largest number of operations.

    """
    return _ArrayBuilder(choose, forms).build(most_steps)


def nested(array: Any) -> Any:
    """Return an array of integers as tuples of tuples, which may be compared and hashed."""
    return tuple(map(nested, array)) if np.ndim(array) else int(array)


class _ArrayBuilder:
    """The graph so far, with the guide's value of each node."""

    def __init__(self, choose: Choose, forms: Collection[Form]) -> None:
        self.choose = choose
        self.extreme = is_extreme(choose)
        self.whole = [name for name, _ in forms if name in OF_ARRAYS and name not in OF_NUMPY]
        self.of_numpy = [name for name, _ in forms if name in OF_NUMPY]
        elementwise = [form for form in forms if form[0] in ELEMENTWISE]
        self.of_libraries = [form for form in elementwise if form[0] in OF_LIBRARIES]
        self.elementwise = [form for form in elementwise if form[0] not in OF_LIBRARIES]
        self.values: list[Array] = []
        self.steps: dict[int, tuple[str, list[int], Parameters]] = {}  # the other nodes are inputs
        self.constants: list[float] = []  # constant k is operand -1 - k

    def build(self, most_steps: int) -> Case:
        wanted = 1 + self.choose(min(3, most_steps) if self.choose(2) == 0 else most_steps)
        attempts = wanted * _ATTEMPTS
        while len(self.steps) < wanted and attempts:
            attempts -= 1
            self._try_step()
        if not self.values or not any(self.values[k].size for k in self._inputs()):
            self._input((2, 3))
        inputs = self._inputs()
        order = [*inputs, *(-1 - k for k in range(len(self.constants))), *self.steps]
        index = {node: position for position, node in enumerate(order)}
        steps = tuple(
            Step(name, tuple(index[k] for k in operands), tuple(parameters.items()))
            for name, operands, parameters in self.steps.values()
        )
        last = max(self.steps, default=len(self.values) - 1)
        expression = Expression(len(inputs), tuple(self.constants), steps, index[last])
        point = tuple(float(x) for k in inputs for x in self.values[k].ravel())
        cotangent = tuple(self._pick((1.0, -0.5, 2.0, 0.75, -3.0)) for _ in range(self.values[last].size))
        return Case(expression, point, tuple(self.values[k].shape for k in inputs), cotangent)

    def _inputs(self) -> list[int]:
        return [node for node in range(len(self.values)) if node not in self.steps]

    def _pick(self, choices: Sequence[T]) -> T:
        return choices[self.choose(len(choices))]

    def _input(self, shape: Shape, operation: Operation | None = None) -> int:
        """Add an input, of short decimals, special points, and entries that repeat, which makes ties."""
        entries: list[float] = []
        branches = operation is not None and operation.distance is not None
        others = self.values[-1].ravel().tolist() if branches and self.values else []
        for _ in range(math.prod(shape)):
            kind = self.choose(8)
            if self.extreme and (kind > 5 if self.values else not entries):
                entries.append(self._pick((1, -1)) * self._pick(EXTREMES))
            elif kind == 0 and (entries or others):
                tie = self._pick([*entries, *others])
                entries.append(tie * self._pick(BESIDE) if branches else tie)
            elif kind == 1:
                entries.append(self._pick((operation and operation.special) or POINTS[:7]))
            else:
                entries.append(self._pick((1, -1)) * (1 + self.choose(2999)) / 1000)
        self.values.append(np.array(entries, dtype=np.float64).reshape(shape))
        return len(self.values) - 1

    def _node(self, operation: Operation, *, new: bool = False) -> int:
        """Draw an operand: the latest node, any, or a new input, which often broadcasts with the latest."""
        kind = 0 if new else self.choose(6)
        if not self.values or (kind == 0 and len(self._inputs()) < _MOST_INPUTS):
            if self.values and self.choose(3):
                shape = self.values[-1].shape
                shape = tuple(
                    1 if self.choose(3) == 0 else size for size in shape[self.choose(len(shape) + 1) :]
                )
            else:
                shape = self._pick(_SHAPES)
            return self._input(shape, operation)
        return self.choose(len(self.values)) if kind == 1 else len(self.values) - 1

    def _try_step(self) -> None:
        kept = len(self.values), len(self.constants)
        elementwise = self.elementwise or self.of_libraries
        whole = (self.whole or self.of_numpy) and (not elementwise or self.choose(2) == 0)
        drawn = self._draw_whole() if whole else self._draw_elementwise()
        if drawn is None or drawn[3].size > _LARGEST_SIZE or not self._in_range(drawn[3]):
            del self.values[kept[0] :], self.constants[kept[1] :]
            return
        name, operands, parameters, result = drawn
        self.steps[len(self.values)] = name, operands, parameters
        self.values.append(result)

    def _in_range(self, result: Array) -> bool:
        return all(within_range(x, self.extreme) for x in result.ravel().tolist())

    def _draw_elementwise(self) -> tuple[str, list[int], Parameters, Array] | None:
        name, kinds = self._pick(either(self.elementwise, self.of_libraries, self.choose))
        operation = ELEMENTWISE[name]
        operands = []
        for side, kind in enumerate(kinds):
            if kind == "c":
                value = self._pick((side and operation.special) or CONSTANTS)
                if value not in self.constants:
                    self.constants.append(value)
                operands.append(-1 - self.constants.index(value))
            else:
                operand = self._node(operation)
                if operand in operands and self.choose(4):  # the same operand twice never broadcasts
                    operand = self._node(operation, new=True)
                operands.append(operand)
        values = [self.constants[-1 - k] if k < 0 else self.values[k] for k in operands]
        try:
            entries = list(np.broadcast(*values))
            shape = np.broadcast_shapes(*map(np.shape, values))
            if not all(askable(name, kinds, [float(x) for x in entry]) for entry in entries):
                return None
            results = [GUIDE[name](*map(float, entry)) for entry in entries]
        except (ArithmeticError, ValueError):
            return None
        return name, operands, {}, np.array([rounded(x) for x in results], dtype=np.float64).reshape(shape)

    def _draw_whole(self) -> tuple[str, list[int], Parameters, Array] | None:
        name = self._pick(either(self.whole, self.of_numpy, self.choose))
        drawn = self._row(name) if name in OF_NUMPY else self._operands_of(name)
        if drawn is None:
            return None
        operands, parameters = drawn
        try:
            with np.errstate(all="ignore"):
                result = WHOLE[name](*(self.values[k] for k in operands), **parameters)
        except (ValueError, ZeroDivisionError):
            return None  # the other way round the shapes do not fit
        results = [rounded(float(x)) for x in np.ravel(result)]
        return name, operands, parameters, np.array(results, dtype=np.float64).reshape(np.shape(result))

    def _operands_of(self, name: str) -> tuple[list[int], Parameters] | None:
        """Draw the first operand, keywords that fit it, and the second operand."""
        first = self._first(name)
        operands, parameters = [first], self._parameters(name, self.values[first].shape)
        if parameters is None:
            return None
        if name in ("matmul", "concatenate", "stack"):
            second = self._partner(name, self.values[first].shape, parameters)
            operands = [first, second] if self.choose(2) else [second, first]
        elif name in ("scatter_add", "solve", "conv"):
            operands = [first, self._partner(name, self.values[first].shape, parameters)]
        elif name == "einsum" and "," in parameters["subscripts"]:
            second = self._partner(name, self.values[first].shape, parameters)
            operands = [first, second]
            if self.choose(2):
                terms, output = parameters["subscripts"].split("->")
                parameters = {"subscripts": f"{','.join(terms.split(',')[::-1])}->{output}"}
                operands = [second, first]
        return operands, parameters

    def _parameters(self, name: str, shape: Shape) -> Parameters | None:
        """Draw numpy's keywords for an operand of this shape, or None where the operation has no place."""
        size, axes = math.prod(shape), range(len(shape))
        if not shape:
            here: dict[str, Parameters] = {"broadcast_to": {"shape": self._pick(((1,), (1, 1), (2,)))}}
            reduced = {"axis": None, "keepdims": self.choose(2) == 1}
            return reduced if name in _REDUCTIONS else here.get(name)
        axis = self._pick([*axes, *(-1 - a for a in axes)])
        if name in _REDUCTIONS:
            both = [(0, len(shape) - 1)] if len(shape) > 1 else []
            parameters: Parameters = {
                "axis": self._pick([None, axis, axis, *both]),
                "keepdims": self.choose(2) == 1,
            }
        elif name in ("softmax", "log_softmax"):
            parameters = {"axis": axis}
        elif name in FURTHER_ARRAYS:
            return self._further(name, shape, axis) if size else None
        elif name == "index":
            parameters = {"index": self._index(shape) if size else ()}
        else:
            return self._movement(name, shape, axis)
        return parameters if size else None

    def _further(self, name: str, shape: Shape, axis: int) -> Parameters | None:
        """Draw the keywords of an operation that an engine need not have."""
        if name == "einsum":
            return {"subscripts": subscripts_of(self.choose, shape)}
        if name in ("take_along_axis", "scatter_add"):
            return {"indices": self._places(shape, axis), "axis": axis}
        if name == "conv":
            drawn = {"stride": self._pick((1, 1, 2)), "padding": self._pick((0, 0, 1))}
            return drawn if len(shape) in (3, 4) else None
        if name in ("cumsum", "sort"):
            along = self._pick([None, axis, axis, axis])
            many = (math.prod(shape) if along is None else shape[along]) > _MOST_SORTED
            return None if many and name == "sort" else {"axis": along}
        square = len(shape) > 1 and shape[-1] == shape[-2] <= _MOST_ROWS
        return {} if square else None

    def _movement(self, name: str, shape: Shape, axis: int) -> Parameters | None:
        """Draw the keywords of an operation that only moves entries about."""
        size, axes = math.prod(shape), list(range(len(shape)))
        ones = tuple(a for a in axes if shape[a] == 1)
        grown = tuple(self._pick((1, 2, 3)) if n == 1 else n for n in shape)
        halves = [(2, size // 2)] if size % 2 == 0 else []
        choices: dict[str, Parameters] = {
            "reshape": {"shape": self._pick([(-1,), shape[::-1], (1, *shape), (size, 1), *halves])},
            "transpose": {"axes": tuple(axes.pop(self.choose(len(axes))) for _ in shape)},
            "broadcast_to": {"shape": self._pick((grown, (2, *grown)))},
            "expand_dims": {"axis": self._pick((0, len(shape), -1, (0, len(shape) + 1)))},
            "matmul": {},
        }
        if name == "squeeze":
            return {"axis": self._pick((ones, ones[0]))} if ones else None
        return choices.get(name, {"axis": axis})

    def _index(self, shape: Shape) -> tuple[Any, ...]:
        items: list[Any] = []
        for size in shape[: 1 + self.choose(len(shape))]:
            arrays = any(isinstance(item, tuple) and item[0] != "slice" for item in items)
            kind = self.choose(4 if arrays else 6)
            if kind < 2:
                items.append(
                    (
                        "slice",
                        *self._pick(((None, None, None), (1, None, None), (None, None, 2), (None, None, -1))),
                    )
                )
            elif kind < 4:
                items.append(self.choose(size) - self._pick((0, size)))
            elif kind == 4:
                items.append(tuple(self.choose(size) for _ in range(1 + self.choose(3))))
            else:
                items.append(tuple(self.choose(3) > 0 for _ in range(size)))
        return tuple(items)

    def _first(self, name: str) -> int:
        """Draw the first operand of an operation of whole arrays."""
        if name in _OF_MATRICES:
            return self._square(name)
        if name == "conv" and self.choose(2) and len(self._inputs()) < _MOST_INPUTS:
            return self._input(self._pick(((1, 2, 4), (2, 1, 5), (1, 1, 3, 3), (1, 2, 2, 3))))
        return self._node(OF_ARRAYS[name])

    def _square(self, name: str) -> int:
        """Draw a matrix, or a stack: one that is there, or a new one, which may be nearly singular."""
        square = [k for k, x in enumerate(self.values) if x.ndim > 1 and 0 < x.shape[-1] == x.shape[-2]]
        if (square and self.choose(2)) or len(self._inputs()) >= _MOST_INPUTS:
            return self._pick(square or [len(self.values) - 1])
        number = self._input(self._pick(((2, 2), (2, 2), (3, 3), (1, 1), (2, 2, 2))))
        made, kind = self.values[number], self.choose(4)
        if name == "cholesky":
            made += 4.0 * np.eye(made.shape[-1])
        if kind == 0 and made.shape[-1] > 1:
            made[..., 1, :] = made[..., 0, :]
            made[..., -1] *= self._pick(BESIDE) * (
                1 + self._pick((0.0, 1e-3, 1e-6)) * np.arange(made.shape[-1])
            )
        return number

    def _places(self, shape: Shape, axis: int) -> Any:
        """Draw indices along an axis, some of them repeated, as nested tuples."""
        wanted = list(shape)
        wanted[axis] = self._pick((1, 2, 3))
        drawn = [self.choose(shape[axis]) for _ in range(math.prod(wanted))]
        return nested(np.array(drawn, dtype=int).reshape(wanted))

    def _of_shape(self, shape: Shape, operation: Operation) -> int | None:
        """Draw an operand of this shape: one that is there, or a new one; None where there may be no more."""
        same = [k for k, value in enumerate(self.values) if value.shape == shape]
        full = len(self._inputs()) >= _MOST_INPUTS
        if same and (full or self.choose(4)):
            return same[-1] if self.choose(3) else self._pick(same)
        return None if full else self._input(shape, operation)

    def _row(self, name: str) -> tuple[list[int], Parameters] | None:
        """Draw operands and keywords of which the operation is asked directly as well."""
        rows = [row for row in ROWS[name] if self.values and row[0][0] == self.values[-1].shape]
        shapes, parameters = self._pick(rows if rows and self.choose(4) else ROWS[name])
        operands = [self._of_shape(shape, OF_ARRAYS[name]) for shape in shapes]
        return None if None in operands else ([k for k in operands if k is not None], parameters)

    def _partner(self, name: str, shape: Shape, parameters: Parameters) -> int:
        """Draw the other operand of a matmul, concatenate or stack."""
        wanted = list(shape)
        if name == "matmul":
            n = shape[-1]
            wanted = list(
                self._pick([(n,), (n, 2), (n, 3), (n, 1), (2, n, 2), (2, n), (1, n), (*shape[:-2], n, 2)])
            )
        elif name == "conv":
            wanted = [self._pick((1, 2)), shape[1], *(min(n, self._pick((1, 2, 2, 3))) for n in shape[2:])]
        elif name == "solve":
            vectors = [(shape[-1],)] if len(shape) == 2 else []
            wanted = list(self._pick([(*shape[:-1], 1), (*shape[:-1], 2), *vectors, *vectors]))
        elif name == "scatter_add":
            wanted = list(np.shape(parameters["indices"]))
        elif name == "einsum":
            wanted = labelled(self.choose, parameters["subscripts"], shape)
        elif name == "concatenate":
            wanted[parameters["axis"]] = self._pick((1, 2, 3))
        same = [k for k, value in enumerate(self.values) if value.shape == tuple(wanted)]
        if same and (self.choose(2) == 0 or len(self._inputs()) >= _MOST_INPUTS):
            return self._pick(same)
        return self._input(tuple(wanted))
