"""The door for JAX, which it needs: `check_grads` in place of that of `jax.test_util`."""

from nn_from_scratch.verify.functions.jaxpr.checking import check_grads

__all__ = ["check_grads"]
