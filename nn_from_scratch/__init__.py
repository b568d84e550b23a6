"""A small reverse-mode autodiff engine from numpy alone."""

from nn_from_scratch.nn import MLP, Layer
from nn_from_scratch.node import Node, gradients, no_grad, value_and_gradient

__all__ = ["MLP", "Layer", "Node", "gradients", "no_grad", "value_and_gradient"]
