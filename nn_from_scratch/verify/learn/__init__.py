"""Learn reverse mode by mending: an engine whose operations are left blank, and the suite as its tests."""

from nn_from_scratch.verify.learn.asking import MissingError, ask, engine_of
from nn_from_scratch.verify.learn.steps import STEPS, Step
from nn_from_scratch.verify.learn.writing import texts

__all__ = ["STEPS", "MissingError", "Step", "ask", "engine_of", "texts"]
