"""Random cases as Hypothesis strategies, by their public name; they stand in `questions.strategies`."""

from nn_from_scratch.verify.questions.strategies import array_cases, cases

__all__ = ["array_cases", "cases"]
