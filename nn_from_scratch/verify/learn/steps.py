"""The steps in which an engine is written, each with the suite's own questions and what a failure means."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.direct import MORE_NUMBERS, SPECIAL, direct_questions
from nn_from_scratch.verify.questions.operations import Form
from nn_from_scratch.verify.questions.roles import ALONE, DEAD, INNER, LAST, SHARED

ADD: tuple[Form, ...] = (("add", "xx"), ("add", "xc"), ("add", "cx"))
MUL: tuple[Form, ...] = (("mul", "xx"), ("mul", "xc"), ("mul", "cx"))
TANH: tuple[Form, ...] = (("tanh", "x"),)
BY_ELEMENT: tuple[Form, ...] = (*ADD, *MUL, *TANH)
ON_ITS_OWN = (ALONE, MORE_NUMBERS, SPECIAL)
IN_A_CHAIN = (*ON_ITS_OWN, INNER, LAST)


@dataclass(frozen=True, repr=False)
class Step:
    """A step: what is asked of the engine, and what it lacks if it does not answer right.

    Attributes
    ----------
    name
        What is learned.
    missing
        What a failure means, in three sentences.
    cases
        Makes the cases that are asked.
    checks
        The checks of state and limits that are asked, by their names.

    """

    name: str
    missing: str
    cases: Callable[[], Iterator[Case]] = lambda: iter(())
    checks: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return self.name


def _of_scalars(asked: Collection[Form], roles: Collection[str]) -> Callable[[], Iterator[Case]]:
    """Return what makes the direct questions about operations of numbers, in some roles."""

    def cases() -> Iterator[Case]:
        for question in direct_questions(BY_ELEMENT):
            if question.form in asked and question.role in roles:
                yield question.case

    return cases


def _of_arrays(asked: Collection[Form]) -> Callable[[], Iterator[Case]]:
    """Return what makes the direct questions about operations of arrays, in all roles."""

    def cases() -> Iterator[Case]:
        for question in direct_questions((), (*BY_ELEMENT, ("matmul", "xx"))):
            if question.form[0] in {name for name, _ in asked}:
                yield question.case

    return cases


STEPS = (
    Step(
        "add",
        "A sum moves by as much as either of its operands does, so that its derivative by each of them is 1. "
        "Compute the sum, keep both operands, and let `pull` return the cotangent once for each of them. "
        "A number that is no Value has no gradient, but must be added all the same.",
        _of_scalars(ADD, ON_ITS_OWN),
    ),
    Step(
        "mul",
        "The derivative of a product by one operand is the other operand, at the value that it had. "
        "What comes back through a product is that times the cotangent: the chain rule, one link of it. "
        "A derivative that ignores its cotangent is right only where the product is the output itself.",
        _of_scalars(MUL, IN_A_CHAIN),
    ),
    Step(
        "tanh",
        "The derivative of tanh is 1 - tanh(x)**2. "
        "It is written with the result, which is at hand, not with the operand. "
        "As ever it is multiplied by the cotangent of the result.",
        _of_scalars(TANH, IN_A_CHAIN),
    ),
    Step(
        "sharing",
        "A value that is used several times moves the output by each use, and its gradient is the sum "
        "of what comes back through all of them: add to it, never assign it. "
        "Pull a value's cotangent back only once it is complete, after all that were computed from it. "
        "So sort the values first, such that each comes before its operands, and then go through them once.",
        _of_scalars(BY_ELEMENT, (*SHARED, DEAD)),
    ),
    Step(
        "broadcasting",
        "numpy stretches an operand along axes that it lacks, or along which it has length 1, and so uses "
        "each of its entries several times. "
        "Its gradient is the sum over these uses: sum the cotangent over the stretched axes. "
        "A gradient always has the shape of its value.",
        _of_arrays(BY_ELEMENT),
    ),
    Step(
        "matmul",
        "Of Z = X @ Y and a cotangent G of Z, the cotangent of X is G @ Yᵀ and that of Y is Xᵀ @ G. "
        "Only the last two axes are transposed: those before them are a stack, which may be broadcast. "
        "A vector is a matrix of one row or one column, whose axis of length 1 numpy has left out.",
        _of_arrays([("matmul", "xx")]),
    ),
    Step(
        "a second backward",
        "Whoever calls `backward` twice gets twice the gradient in every leaf, or once: never three times. "
        "What the first pass left in the values between leaves and output is counted again by the second. "
        "Forget it at the start of a pass, and keep it in the leaves alone.",
        checks=(
            "a second backward of one output",
            "two outputs that share a node",
            "a leaf in two graphs",
            "gradients zeroed between two passes",
        ),
    ),
    Step(
        "depth",
        "A pass that calls itself for each operand ends where Python's stack ends, at a thousand operations. "
        "One that follows every path of a graph takes twice the time for each node that is used twice. "
        "Sort the values with a stack of your own, and go through each of them once.",
        checks=(
            "a chain of 3,000 operations",
            "a node shared 2**20 paths deep",
            "time over shared paths",
        ),
    ),
)
"""From the first to the last: an engine that has come to one of them passes those before it."""
