"""A whole training run, reproduced against recorded and certified loss curves."""

from nn_from_scratch.verify.training.moons import moons

__all__ = ["moons"]
