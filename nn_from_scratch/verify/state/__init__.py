"""Named checks beside single graphs: what an engine's state does to gradients, and where its limits are."""

from nn_from_scratch.verify.state.named import CHAINS, CHECKS, LONG, Result, outcome, run, started

__all__ = ["CHAINS", "CHECKS", "LONG", "Result", "outcome", "run", "started"]
