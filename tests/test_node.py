"""`Node`: values, gradients, repeated and shared reverse passes, errors."""

import numpy as np
import pytest

from nn_from_scratch import Node


def test_backprop_gives_the_gradients_of_the_readme() -> None:
    a, b, c = Node(2.0), Node(-3.0), Node(1.0)
    d = a * b
    e = d - c
    e.backprop()
    assert (e.value, a.grad, b.grad, c.grad, d.grad) == (-7.0, -3.0, 2.0, -1.0, 1.0)


def test_backprop_twice_accumulates_once_more_into_leaves() -> None:
    a, b = Node(1.5), Node(-0.7)
    u = a + b
    loss = u * u * u + u * a
    loss.backprop()
    first = a.grad, b.grad
    loss.backprop()
    assert (a.grad, b.grad) == (2 * first[0], 2 * first[1])


def test_backprop_uses_the_values_of_the_forward_pass() -> None:
    w = Node(np.array([1.0, 2.0]))
    loss = (w * w).sum()
    w.value += 1
    loss.backprop()
    assert np.array_equal(w.grad, [2.0, 4.0])


@pytest.mark.parametrize("bad", ["a", 1j, None, np.array([None])])
def test_operators_refuse_what_is_no_number(bad: object) -> None:
    with pytest.raises(TypeError, match="add: expected real numbers"):
        Node(1.0) + bad
