"""The engine's speed, memory and import time beside others': ratios of interleaved pairs."""

from nn_from_scratch.verify.benchmark.results import benchmark

__all__ = ["benchmark"]
