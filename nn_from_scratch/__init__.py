"""A small reverse-mode autodiff engine from numpy alone."""

from nn_from_scratch.functional import gradients, value_and_gradient
from nn_from_scratch.nn import MLP, Layer
from nn_from_scratch.node import Node, no_grad

__all__ = ["MLP", "Layer", "Node", "gradients", "no_grad", "value_and_gradient"]
