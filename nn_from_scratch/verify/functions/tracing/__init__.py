"""Forward and backward as formulas: exact numbers, *shadows*, run beside the rounded ones of a function.

This is the part that no framework enters: a tracer for numpy, PyTorch or JAX watches the operations of its
framework, and keeps beside every array of numbers a `Shadow` of the same shape, in this way:

* a forward pass over series, ``series(numbers, direction)`` for each input, one random direction for all:
  the slope of the outputs, weighed by a random cotangent, is the truth (`rules.truth_along`);
* a forward and backward pass over balls, ``exact(numbers)`` for each input and cotangent: the gradients,
  weighed by the direction, are what the backward's formula says (`rules.formula_along`);
* beside every operation: ``apply(name, *shadows, **parameters)`` for what computes (`operations.ENTRIES` and
  `operations.WHOLE` list the names), ``moved(shadow, positions)`` for what only moves data (run it on
  positions), ``select(mask, x, y)`` for what the numbers decide, so that control flow follows the numbers;
* a constant of the program, ``read(number, reading, dtype)``, is what it stands for, in the reading asked
  for;
* `LocalCheck.observe` compares each operation's numbers with its exact value at its own numeric inputs, in
  its own dtype. It tests the tracer: where it fails, the trace is not of what was computed, and accuses
  nobody;
* `rules.judge` takes both passes as callables of a `Reading` and says whether the formulas are equal.

All of it runs inside ``with exactly_computing():``, which restores FLINT's precision on every way out.
"""
