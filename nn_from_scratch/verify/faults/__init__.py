"""Planted bugs: what the suite must catch, so that its silence means something.

A plain tape engine stands as the victim (`victim`). Its rules are tables and its reverse pass has
replaceable parts; a fault replaces one of them. The faults are of kinds that real engines have had.
"""

from nn_from_scratch.verify.faults.arrays import ARRAYS
from nn_from_scratch.verify.faults.core import CORE
from nn_from_scratch.verify.faults.derivatives import DERIVATIVES
from nn_from_scratch.verify.faults.equivalents import EQUIVALENTS
from nn_from_scratch.verify.faults.forward import FORWARD
from nn_from_scratch.verify.faults.hunt import Catch, hunt
from nn_from_scratch.verify.faults.planting import Fault
from nn_from_scratch.verify.faults.points import POINTS
from nn_from_scratch.verify.faults.precision import PRECISION
from nn_from_scratch.verify.faults.rules import RULES, Row
from nn_from_scratch.verify.faults.structure import STRUCTURE
from nn_from_scratch.verify.faults.victim import Value, Victim

FAULTS: tuple[Fault, ...] = (*CORE, *DERIVATIVES, *FORWARD, *POINTS, *PRECISION, *ARRAYS, *STRUCTURE)
"""All planted bugs."""

__all__ = ["CORE", "EQUIVALENTS", "FAULTS", "RULES", "Catch", "Fault", "Row", "Value", "Victim", "hunt"]
