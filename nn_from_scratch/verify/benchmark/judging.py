"""How fast graphs are judged, beside PyTorch's `gradcheck` on the same graphs."""

from __future__ import annotations

from functools import cache, partial
from itertools import count, islice
from typing import TYPE_CHECKING, Any

from nn_from_scratch.verify.benchmark.measuring import Contender
from nn_from_scratch.verify.benchmark.workloads import SUBJECT, Workload
from nn_from_scratch.verify.campaign.chunks import SAMPLE
from nn_from_scratch.verify.engines.loading import load
from nn_from_scratch.verify.judging.examine import WITNESSES, examine
from nn_from_scratch.verify.judging.verdicts import Verdict
from nn_from_scratch.verify.questions.generate import case, seeded

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from nn_from_scratch.verify.questions.cases import Case

GRAPHS, FEWEST, MOST = 2 * SAMPLE, 3, 30  # so many that one in `SAMPLE` is no more than that


def _suitable() -> Iterator[Case]:
    """Yield generated graphs of 3 to 30 operations with ordinary inputs, all of which `gradcheck` passes."""
    for index in count():
        one = case(seeded(0, index), most_steps=MOST)
        ordinary = all(1e-2 < abs(x) < 1e2 for x in one.point)
        long = len(one.expression.live_steps()) >= FEWEST
        if ordinary and long and _passes(_question(one), fast=False):
            yield one


@cache
def graphs() -> Sequence[Case]:
    """Return the graphs that are judged: scalar ones, on which everybody agrees.

    Raises
    ------
    ModuleNotFoundError
        If PyTorch is not installed.
    """
    return tuple(islice(_suitable(), GRAPHS))


def _question(one: Case) -> tuple[Callable[..., Any], tuple[float, ...]]:
    from nn_from_scratch.verify.oracles.pytorch_operations import OPERATIONS  # noqa: PLC0415  needs PyTorch

    expression = one.expression
    return lambda *xs: expression.evaluate(OPERATIONS, xs)[expression.output], one.point


def _passes(question: tuple[Callable[..., Any], tuple[float, ...]], *, fast: bool) -> bool:
    import torch  # noqa: PLC0415

    function, point = question
    inputs = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in point]
    return bool(torch.autograd.gradcheck(function, inputs, fast_mode=fast, raise_exception=False))


def _gradcheck(*, fast: bool) -> Contender:
    questions = [_question(one) for one in graphs()]
    return Contender(lambda: [_passes(question, fast=fast) for question in questions], list)


def _suite(witnesses: Collection[str], one_in: int = 1) -> Contender:
    """Return the suite, which asks the witnesses of one graph in so many."""
    engine = load(SUBJECT)
    asked = [(one, () if index % one_in else witnesses) for index, one in enumerate(graphs())]
    return Contender(
        lambda: [examine(engine, one, witnesses=some) for one, some in asked],
        lambda seen: [
            one.verdict is Verdict.RIGHT and set(one.oracles.values()) == ({"agrees"} if some else set())
            for one, (_, some) in zip(seen, asked, strict=True)
        ],
    )


_GRADCHECK = {
    "gradcheck": partial(_gradcheck, fast=False),
    "gradcheck, fast mode": partial(_gradcheck, fast=True),
}
ALL_ORACLES = Workload(
    f"Judging {GRAPHS} graphs, all by witnesses too",
    {SUBJECT: partial(_suite, WITNESSES), **_GRADCHECK},
)
SAMPLED = Workload(
    f"Judging {GRAPHS} graphs, one in {SAMPLE} by witnesses too",
    {SUBJECT: partial(_suite, WITNESSES, SAMPLE), **_GRADCHECK},
    {"gradcheck": 4},
)
WITHOUT_WITNESSES = Workload(
    f"Judging {GRAPHS} graphs without witnesses",
    {SUBJECT: partial(_suite, ()), **_GRADCHECK},
    {"gradcheck": 4},
)
JUDGING = (ALL_ORACLES, SAMPLED, WITHOUT_WITNESSES)
