"""What is made of a failure: a minimal case, the operation to blame, the kind of fault, a script."""

from nn_from_scratch.verify.failures.failing import failing_accuracy, failing_checks, failing_graphs

__all__ = ["failing_accuracy", "failing_checks", "failing_graphs"]
