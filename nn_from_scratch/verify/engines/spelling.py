"""The table of how an engine's own words differ from numpy's, and of what it lacks."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

from nn_from_scratch.verify.engines.errors import EngineError
from nn_from_scratch.verify.questions.operations import OPERATIONS

Several = Literal["tuple", "list", "apart"]
INDEX_ITEMS = ("integer", "slice", "step", "array", "mask", "newaxis", "ellipsis", "several")
"""What an index may have: a number, a part of an axis, one with a step, numbers or booleans for an axis, None
for a new axis, an ellipsis, and more items than one."""
_CHOICES: dict[str, tuple[Any, ...]] = {
    "axes": ("tuple", "list", "apart", None),
    "sizes": ("tuple", "list", "apart"),
    "parts": ("tuple", "list", "apart"),
    "transpose": ("axes", "two", "reversed"),
    "index_arrays": ("list", "tuple", "array"),
    "constants": ("both", "numbers", "arrays", None),
    "leaves": ("given", "array", "list"),
    "scalars": ("()", "(1,)"),
    "cotangent": ("array", "node", None),
    "gradients": ("nodes", "by node", "by id", "asked"),
}
"""The words that a field may have, for those that have few."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Spelling:
    """How an engine is called where that is not as numpy is: a field for each way in which engines differ.

    The defaults are numpy's: ``x.sum(axis=(0, 1), keepdims=True)``. What a field says to be lacking is not
    asked: it is "not supported" in the results, whatever the engine would do with it.

    Parameters
    ----------
    functions
        Where operations are functions, a module or a class: ``ops`` for ``ops.sum(x, axis=0)``. What it does
        not have is a method of the first operand, ``x.sum(axis=0)``.
    names
        What operations are called: ``{"reshape": "view", "concatenate": "cat", "maximum": "max"}``.
        Python's operators stay operators unless they are named here: ``{"matmul": "dot"}`` for ``x.dot(y)``.
    lacks
        Operations that it has not, though something there has their name.
    axis
        The keyword of an axis, "dim" for ``x.sum(dim=0)``; "" for ``x.sum(0)``; None where ``x.sum()`` of
        all entries is all there is.
    axes
        How several axes are given: as a "tuple" or a "list"; "apart" for ``x.sum(0, 1)``, without a keyword;
        None where there is one axis only.
    negative_axes
        Whether ``x.sum(axis=-1)`` is the last one.
    whole
        Whether ``x.sum()`` is the sum of all entries.
    keepdims
        The keyword, "keepdim" for ``x.sum(0, keepdim=True)``; "" where it follows the axis, as in
        ``x.sum(0, True)``; None where there is none.
    whole_keepdims
        Whether that can be asked without an axis.
    sizes
        How a shape, and the axes of a transpose, are given: ``x.reshape((2, 3))`` is "tuple",
        ``x.reshape([2, 3])`` "list", ``x.view(2, 3)`` "apart".
    inferred_size
        Whether one size of a reshape may be -1.
    transpose
        "axes" for ``x.transpose((1, 0, 2))``; "two" for ``x.transpose(0, 1)``, which swaps two axes;
        "reversed" for ``x.transpose()`` or, with ``names={"transpose": "T"}``, ``x.T``.
    parts
        How `concatenate` and `stack` take what they join: ``cat([x, y])`` is "list", ``cat((x, y))`` "tuple",
        ``cat(x, y)`` or ``x.cat(y)`` "apart".
    index
        What an index may have, of `INDEX_ITEMS`.
    index_arrays
        How numbers or booleans for one axis are given: ``x[[0, 2]]`` is "list", ``x[(0, 2),]`` "tuple",
        ``x[np.array([0, 2])]`` "array".
    constants
        What may be an operand beside a node: "numbers", "arrays", "both", or None.
    broadcasts
        Whether operands may have different shapes; a constant number always may.
    ranks
        The numbers of axes that arrays may have; () for any.
    matmul_ranks
        The numbers of axes that the operands of a matrix product may have; () for any.
    empty
        Whether arrays may have no entries.
    leaves
        What a leaf is made of: of floats and arrays as "given", always of an "array", or of a nested "list".
    scalars
        The shape of a single number, "()" or "(1,)": the latter makes all results one-dimensional at least.
    cotangent
        How ``backward`` takes it: as an "array", or as a "node" that is made as a leaf is; None where it
        takes none, and runs from a single number: then the output's sum, weighed, is what it runs from.
    gradients
        Where they are found: in the "nodes"; in the table that ``backward`` returns, "by node"
        (``table[x]``) or "by id" (``table[id(x)]``); or "asked" for, as by ``gradients(output, [x])``, which
        returns a list: that function is given as `backward`.
    exceptions
        What differs for single operations: ``{"mean": {"axis": None}}``.

    Raises
    ------
    EngineError
        For a word that a field does not have.

    """

    functions: Any = None
    names: Mapping[str, str] = field(default_factory=dict)
    lacks: Collection[str] = ()
    axis: str | None = "axis"
    axes: Several | None = "tuple"
    negative_axes: bool = True
    whole: bool = True
    keepdims: str | None = "keepdims"
    whole_keepdims: bool = True
    sizes: Several = "tuple"
    inferred_size: bool = True
    transpose: Literal["axes", "two", "reversed"] = "axes"
    parts: Several = "list"
    index: Collection[str] = INDEX_ITEMS
    index_arrays: Literal["list", "tuple", "array"] = "list"
    constants: Literal["both", "numbers", "arrays"] | None = "both"
    broadcasts: bool = True
    ranks: Collection[int] = ()
    matmul_ranks: Collection[int] = ()
    empty: bool = True
    leaves: Literal["given", "array", "list"] = "given"
    scalars: Literal["()", "(1,)"] = "()"
    cotangent: Literal["array", "node"] | None = "array"
    gradients: Literal["nodes", "by node", "by id", "asked"] = "nodes"
    exceptions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, words in _CHOICES.items():
            if getattr(self, name) not in words:
                known = ", ".join(map(repr, words))
                raise EngineError(f"`{name}` of a Spelling is {getattr(self, name)!r}, none of {known}")
        if set(self.index) - set(INDEX_ITEMS):
            raise EngineError(f"`index` of a Spelling is {self.index!r}: it has {', '.join(INDEX_ITEMS)}")
        unknown = {*self.names, *self.lacks, *self.exceptions} - OPERATIONS.keys()
        if unknown:
            shown = ", ".join(sorted(unknown))
            raise EngineError(f"a Spelling names what is no operation of the catalogue: {shown}")
        known_fields = {one.name for one in fields(self)}
        for name, exception in self.exceptions.items():
            if set(exception) - known_fields:
                wrong = ", ".join(sorted(set(exception) - known_fields))
                raise EngineError(f"`exceptions[{name!r}]` of a Spelling has {wrong}, which is no field")

    def of(self, operation: str) -> Spelling:
        """Return the table of one operation."""
        exception = self.exceptions.get(operation)
        return replace(self, exceptions={}, **exception) if exception else self
