"""A function along a line, of which values alone are asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

FAR = (2.0, 5.0, 13.0, 37.0, 101.0, 307.0, 1009.0, 10007.0)
"""Steps at which a function that is constant near the point may change."""
_BISECTIONS = 40


class Line:
    """A function along a direction: its values at steps, each asked once.

    Parameters
    ----------
    value
        Maps a point to a number; NaN where the function is not defined.
    point, vector
        Where, and along what: float64, shape (inputs,).
    centre
        The value at the point.
    dtype
        The type of the function's values.
    jitter
        Between 1 and 2: all steps are multiplied by it.
    roughness
        What the values are known to be off from one call to the next, and by the rounding of the point.
    unit
        The unit roundoff that the values are believed to have if they show no other.

    """

    def __init__(
        self,
        value: Callable[[Floats], float],
        point: Floats,
        vector: Floats,
        centre: float,
        dtype: np.dtype[Any],
        *,
        jitter: float = 1.0,
        roughness: float = 0.0,
        unit: float = 0.0,
    ) -> None:
        self._value, self._point, self._vector = value, point, vector
        self.centre, self.dtype, self.jitter, self.roughness = centre, dtype, jitter, roughness
        self.unit = unit
        longest = float(np.abs(vector).max())
        self.natural = 1.0 / max(longest, 1.0)
        self._known: dict[float, float] = {0.0: centre}

    def __call__(self, step: float) -> float:
        """Return the value at a step."""
        if step not in self._known:
            self._known[step] = self._value(self._point + step * self._vector)
        return self._known[step]

    def change_where_it_begins(self, side: float, still: float, changed: float) -> float:
        """Return how large the first change is between two steps: tiny if the function is continuous there.

        Parameters
        ----------
        side
            1 or -1, which both steps are multiplied by.
        still, changed
            A step at which the value is that at the point, and a longer one at which it is not.

        """
        for _ in range(_BISECTIONS):
            middle = (still + changed) / 2
            if self(side * middle) == self.centre:
                still = middle
            else:
                changed = middle
        return abs(self(side * changed) - self.centre)

    def size(self) -> float:
        """Return the norm of the inputs, each at least as large as it is moved."""
        return float(np.linalg.norm(np.maximum(np.abs(self._point), np.abs(self._vector))))

    def length(self) -> float:
        """Return the norm of the vector."""
        return float(np.linalg.norm(self._vector))

    def values(self) -> Floats:
        """Return all values that were asked for."""
        return np.array(list(self._known.values()))
