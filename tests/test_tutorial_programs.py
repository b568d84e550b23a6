"""Programs as tutorials write them run on nodes, and their derivatives are those of differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from nn_from_scratch import hessian, hvp, value_and_gradient
from nn_from_scratch.trees import leaves, mapped
from nn_from_scratch.verify.benchmark.tutorial_programs import PROGRAMS, rosenbrock


def moved(tree: Any, direction: Any, step: float) -> Any:
    following = iter(direction)
    return mapped(lambda x: x + step * next(following), tree)


@pytest.mark.parametrize(("program", "point"), PROGRAMS, ids=lambda one: getattr(one, "__name__", ""))
def test_program_has_value_and_derivatives(program: Callable[[Any], Any], point: Any) -> None:
    value, gradient = value_and_gradient(program)(point)
    np.testing.assert_allclose(value, program(point), rtol=1e-12)
    direction = [np.cos(np.arange(x.size)).reshape(x.shape) for x in leaves(point)]
    along = sum(np.sum(g * v) for g, v in zip(leaves(gradient), direction, strict=True))
    wide, narrow = (
        (program(moved(point, direction, h)) - program(moved(point, direction, -h))) / (2 * h)
        for h in (2e-4, 1e-4)
    )
    np.testing.assert_allclose(along, narrow + (narrow - wide) / 3, rtol=1e-7)
    each = iter(direction)
    curved = hvp(program, point, mapped(lambda _: next(each), point))
    sides = [value_and_gradient(program)(moved(point, direction, h))[1] for h in (1e-5, -1e-5)]
    for got, after, before in zip(leaves(curved), leaves(sides[0]), leaves(sides[1]), strict=True):
        np.testing.assert_allclose(
            got, (after - before) / 2e-5, rtol=1e-5, atol=1e-5 * (1 + np.max(np.abs(got)))
        )


def test_rosenbrock_is_minimised_by_newton_with_its_hessian() -> None:
    x = np.array([-1.2, 1.0, 0.7])
    for _ in range(40):
        _, gradient = value_and_gradient(rosenbrock)(x)
        step = np.linalg.solve(hessian(rosenbrock)(x), gradient)
        while rosenbrock(x - step) > rosenbrock(x) and np.max(np.abs(step)) > 1e-12:
            step = step / 2
        x = x - step
    assert rosenbrock(x) < 4.0
    assert np.max(np.abs(value_and_gradient(rosenbrock)(x)[1])) < 1e-6
