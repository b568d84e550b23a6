"""Why a trace ended, and what is known of it all the same."""

from __future__ import annotations


class TraceEndedError(Exception):
    """A value left the trace, or an operation is not known: the reason, with the user's line.

    `in_backward` is whether that was in the backward, which its forward was traced up to.
    """

    def __init__(self, reason: str, *, in_backward: bool = False) -> None:
        super().__init__(reason)
        self.in_backward = in_backward


class AtAKinkError(TraceEndedError):
    """The formulas differ at a kink; `by_choice` says that by the other choice they do not, or is None."""

    def __init__(self, reason: str, by_choice: str | None) -> None:
        super().__init__(reason)
        self.by_choice = by_choice


class ApartError(TraceEndedError):
    """The formulas differ, `relative` to their size, and may do so on purpose."""

    def __init__(self, reason: str, relative: float) -> None:
        super().__init__(reason)
        self.relative = relative


class NearALimitError(ApartError):
    """They differ no more than those of an iteration and its limit may."""


class RoughError(ApartError):
    """They differ as those of a noisy function may: nearby otherwise."""


class FitsHereError(TraceEndedError):
    """The formulas agree at the point asked only; `alone` says why, where it is known."""

    def __init__(self, reason: str, alone: str | None) -> None:
        super().__init__(reason)
        self.alone = alone


class OtherFormulaError(TraceEndedError):
    """The forward may take one of two formulas for the other, by how much they differ."""
