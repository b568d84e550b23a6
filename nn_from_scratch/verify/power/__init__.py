"""Detection power: what the suite and other tools catch of the same planted faults."""

from nn_from_scratch.verify.power.recorded import detection_power

__all__ = ["detection_power"]
