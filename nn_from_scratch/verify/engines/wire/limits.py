"""What the deaths of an engine's process may cost, and when it is given up."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """How long an engine is waited for, how much memory it may take, and when it is given up.

    Parameters
    ----------
    start
        Seconds until it says what it is.
    program
        Seconds for a program at first.
    grown
        Seconds for a program that took longer, asked alone; if that is enough, for all from then on.
    memory
        Bytes beyond what it has once it is loaded.
    deaths, in_a_row, lost
        In one phase, how many deaths are told, how many of them one after another, and how many seconds may
        be lost by them.

    """

    start: float = 120.0
    program: float = 10.0
    grown: float = 60.0
    memory: int = 4 << 30
    deaths: int = 12
    in_a_row: int = 6
    lost: float = 60.0


@dataclass
class Budget:
    """What deaths have cost since a phase began."""

    deaths: int = 0
    in_a_row: int = 0
    lost: float = 0.0

    def spend(self, seconds: float) -> None:
        """Count a death that has cost some seconds."""
        self.deaths += 1
        self.in_a_row += 1
        self.lost += seconds

    def exhausted(self, limits: Limits) -> str:
        """Say why the engine is asked no more in this phase; nothing while it is."""
        if self.in_a_row >= limits.in_a_row:
            return f"its process died {self.in_a_row} times in a row"
        if self.deaths >= limits.deaths:
            return f"its process died {self.deaths} times"
        return f"{self.lost:.0f} s were lost by the deaths of its process" if self.lost > limits.lost else ""
