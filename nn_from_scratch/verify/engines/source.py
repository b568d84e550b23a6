"""How code for an engine is written, so that a failure can be shown in the engine's own syntax."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.expressions import Step
from nn_from_scratch.verify.questions.operations import OPERATIONS, bare

METHOD = "{0}.{name}({others})"
"""An operation written as a method of its first operand."""


@dataclass(frozen=True, slots=True)
class Code:
    """A few statements, and the expressions that read the value and each gradient afterwards."""

    statements: tuple[str, ...]
    value: str
    gradients: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Source(ABC):
    """The syntax of an engine, as templates for `str.format`.

    Python's operators, indexing and ``abs`` are written as in Python; other operations by `operations`, or
    else by `call`. Their templates are given the operands as ``{0}``, ``{1}`` ..., all of them as
    ``{operands}``, all arguments as ``{arguments}``, those after the first operand as ``{others}``, the
    operation's ``{name}``, and numpy's keywords by their names.

    Parameters
    ----------
    imports
        The first lines of a script, but for that of numpy, which is added where it is needed.
    call
        The template of operations that have none in `operations`.
    operations
        Templates by operation; an empty one says that it cannot be written in one expression.
    constant
        How a constant is written among the arguments of a function, and a constant array everywhere: ``{}``
        is the number, or numpy's array.

    """

    imports: str
    call: str = METHOD
    operations: Mapping[str, str] = field(default_factory=dict)
    constant: str = "{}"

    def writes(self, case: Case) -> bool:
        """Whether there is a template for all that the case needs."""
        if case.order != "C" or (case.tangent and len(case.moved()) < case.expression.inputs):
            return False
        return all(self.operations.get(step.operation) != "" for step in case.expression.steps)

    def write(self, step: Step, operands: Sequence[str], kinds: str) -> str:
        """Write one operation; `kinds` says which operands are constants, as `Expression.operand_kinds`."""
        operation = OPERATIONS[step.operation]
        operands = [
            self.constant.format(text) if kind == "a" else text
            for text, kind in zip(operands, kinds, strict=True)
        ]
        parameters = dict(step.parameters)
        template = self.operations.get(step.operation)
        if template is None:
            if operation.symbol or step.operation == "index":
                return operation.text(*operands, **parameters)
            template = "abs({0})" if step.operation == "abs" else self.call
        texts = [
            self.constant.format(text) if kind == "c" and text != "None" else bare(text)
            for text, kind in zip(operands, kinds, strict=True)
        ]
        keywords = [f"{key}={value!r}" for key, value in parameters.items()]
        first = [f"[{', '.join(texts)}]"] if operation.of_a_list else texts
        return template.format(
            *operands,
            name=step.operation,
            operands=", ".join(first),
            arguments=", ".join([*first, *keywords]),
            others=", ".join([*first[1:], *keywords]),
            **parameters,
        )

    @abstractmethod
    def differentiate(
        self,
        inputs: Mapping[str, str],
        lines: Sequence[str],
        cotangent: str | None,
        tangents: Sequence[str] = (),
    ) -> Code:
        """Write the code that makes the inputs, computes the lines and differentiates the last of them.

        Parameters
        ----------
        inputs
            The text of each input's value, by its name.
        lines
            The lines of the expression; the last is the output, and has no name.
        cotangent
            The text of what the reverse pass starts from; None for a scalar output.
        tangents
            For second derivatives the text of the tangent's part for each input: the value is then the
            derivative along the tangent.

        """

    def along(self, gradients: Sequence[str], tangents: Sequence[str], *, arrays: bool) -> str:
        """Write the sum of a gradient's entries, each times the tangent's."""
        parts = [f"{g} * {self.constant.format(v)}" for g, v in zip(gradients, tangents, strict=True)]
        return " + ".join(f"({part}).sum()" for part in parts) if arrays else " + ".join(parts)


@dataclass(frozen=True, kw_only=True)
class TapeSource(Source):
    """The syntax of an engine that records operations; the defaults are those of micrograd and its kin.

    Parameters
    ----------
    variable
        Makes a leaf of the value ``{}``.
    backward, backward_from
        Run the reverse pass from ``{output}``, the latter with a ``{cotangent}``.
    value, gradient
        Read those of the node ``{}``.
    assign, reset
        Statements that give the ``{leaf}`` a ``{value}``, and that make its gradient 0, as the adapter does;
        an empty one says that there is none.
    gradients, gradients_from
        Compute, for second derivatives, the sequence of gradients of ``{output}`` by ``{leaves}`` as nodes,
        the latter with a ``{cotangent}``.

    """

    variable: str = "Value({})"
    backward: str = "{output}.backward()"
    backward_from: str = "{output}.backward({cotangent})"
    value: str = "{}.data"
    gradient: str = "{}.grad"
    assign: str = ""
    reset: str = ""
    gradients: str = ""
    gradients_from: str = ""

    def writes(self, case: Case) -> bool:  # noqa: D102
        return super().writes(case) and bool(self.gradients or not case.tangent)

    def differentiate(  # noqa: D102
        self,
        inputs: Mapping[str, str],
        lines: Sequence[str],
        cotangent: str | None,
        tangents: Sequence[str] = (),
    ) -> Code:
        statements = [f"{name} = {self.variable.format(value)}" for name, value in inputs.items()]
        statements += [*lines[:-1], f"y = {lines[-1]}"]
        arrays = cotangent is not None
        if tangents:
            first = self.gradients_from if arrays else self.gradients
            found = first.format(output="y", leaves=", ".join(inputs), cotangent=cotangent)
            names = [f"g[{k}]" for k in range(len(inputs))]
            statements += [f"g = {found}", f"y = {self.along(names, tangents, arrays=arrays)}"]
            cotangent = None
        backward = self.backward if cotangent is None else self.backward_from
        value = self.value.format("y")
        return Code(
            (*statements, backward.format(output="y", cotangent=cotangent)),
            value if cotangent is None else f"({value} * {cotangent}).sum()",
            tuple(self.gradient.format(name) for name in inputs),
        )


@dataclass(frozen=True, kw_only=True)
class TransformSource(Source):
    """The syntax of an engine that turns a function into its gradient.

    Parameters
    ----------
    transform
        Computes the value of ``{function}`` and the sequence of its derivatives at ``{inputs}``;
        ``{positions}`` are the arguments' numbers.
    variable
        Makes an argument of the value ``{}``.

    """

    transform: str
    variable: str = "{}"

    def differentiate(  # noqa: D102
        self,
        inputs: Mapping[str, str],
        lines: Sequence[str],
        cotangent: str | None,
        tangents: Sequence[str] = (),
    ) -> Code:
        output = lines[-1]
        if cotangent is not None:
            output = f"(({output}) * {self.constant.format(cotangent)}).sum()"
        body = "\n".join(f"    {line}" for line in (*lines[:-1], f"return {output}"))
        names = ", ".join(inputs)
        positions = "".join(f"{k}, " for k in range(len(inputs)))
        calls = {
            name: self.transform.format(
                function=name, inputs=names, positions=f"({positions.removesuffix(' ')})"
            )
            for name in ("f", "along")
        }
        functions, last = [f"\ndef f({names}):\n{body}\n\n"], "f"
        gradients = tuple(f"gradient[{k}]" for k in range(len(inputs)))
        if tangents:
            total = self.along(gradients, tangents, arrays=cotangent is not None)
            functions += [f"def along({names}):\n    value, gradient = {calls['f']}\n    return {total}\n\n"]
            last = "along"
        made = [f"{name} = {self.variable.format(value)}" for name, value in inputs.items()]
        return Code((*functions, *made, f"value, gradient = {calls[last]}"), "value", gradients)


def array_text(x: Any) -> str:
    """Write an array, or a float."""
    if isinstance(x, float):
        return repr(x)
    return f"np.array({x.tolist()!r})" if x.size else f"np.zeros({x.shape!r})"
