"""What einsum is asked to do in random graphs."""

from __future__ import annotations

from nn_from_scratch.verify.questions.generate import Choose

_SUBSCRIPTS: dict[int, tuple[str, ...]] = {
    1: ("i->", "i,i->", "i,i->i", "i,j->ij", "i,j->j", "i,ij->j", "i,ji->ij"),
    2: (
        *("ij->ji", "ij->", "ij->i", "ij->j", "ij,jk->ik", "ij,kj->ik", "ij,ij->", "ij,ji->i", "ij,ij->ji"),
        *("ij,j->i", "ij,i->ij", "ij,k->jk", "ij,ik->kj"),
    ),
    3: ("ijk->kij", "ijk->j", "ijk,ikl->ijl", "ijk,k->ij", "ijk,jl->lik", "ijk,ijk->k"),
}
_OF_ANY_RANK = ("...i,i->...", "...i,...i->...", "...i->...", "...i,ij->...j")
_OF_A_SQUARE = ("ii->i", "ii->", "ii,i->i", "ii,ij->j")


def subscripts_of(choose: Choose, shape: tuple[int, ...]) -> str:
    """Draw what einsum does with an operand of this shape, the first."""
    square = _OF_A_SQUARE if len(shape) == 2 and shape[0] == shape[1] else ()
    choices: tuple[str, ...] = (*_SUBSCRIPTS.get(len(shape), ()), *_OF_ANY_RANK, *square, *square)
    return choices[choose(len(choices))]


def labelled(choose: Choose, subscripts: str, shape: tuple[int, ...]) -> list[int]:
    """Return the sizes of einsum's second operand, given the first's; a new label has any."""
    first, second = subscripts.partition("->")[0].split(",")
    named = len(first.replace("...", ""))
    rest = list(shape[: len(shape) - named])  # an ellipsis stands before all labels
    sizes = dict(zip(first.replace("...", ""), shape[len(rest) :], strict=True))
    labels = [sizes.get(label) or 1 + choose(3) for label in second.replace("...", "")]
    return [*(1 if choose(2) else n for n in rest), *labels] if "..." in second else labels
