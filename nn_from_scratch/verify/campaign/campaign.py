"""Many checks: workers, progress, and the results as JSON."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

from nn_from_scratch.verify import state
from nn_from_scratch.verify.campaign.environment import environment
from nn_from_scratch.verify.campaign.statistics import Statistics
from nn_from_scratch.verify.engines.engine import Engine, load
from nn_from_scratch.verify.failures import failing_checks, failing_graphs
from nn_from_scratch.verify.judging.conventions import conventions
from nn_from_scratch.verify.judging.examine import WITNESSES, examine
from nn_from_scratch.verify.judging.verdicts import Verdict
from nn_from_scratch.verify.oracles import pytorch
from nn_from_scratch.verify.questions.generate import case, seeded
from nn_from_scratch.verify.questions.generate_arrays import array_case
from nn_from_scratch.verify.questions.second_order import with_tangent

GRADES = ("rules", "accuracy", "state", "limits")
"""What is judged, and may be gated, apart."""

Progress = Callable[[int, int, str], None]
"""Told what is done, of how many, and in words."""

_SECOND_ORDER = (2, 3)  # of every four graphs, those asked to second order as well: one scalar, one of arrays
_CHUNK = 50  # graphs between two signs of progress
_WORTH_A_WORKER = 4000  # graphs: a worker takes seconds to start


def verify(
    engine: Engine,
    *,
    graphs: int = 2000,
    seed: int = 0,
    jobs: int | None = None,
    grades: Collection[str] = GRADES,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Check an engine on random graphs, its state and its limits.

    Parameters
    ----------
    engine
        The system under test.
    graphs
        How many random graphs to check.
    seed
        Which graphs: the same seed gives the same graphs on every machine.
    jobs
        How many processes; by default as many as pay. An engine without a `spec` has one.
    grades
        The grades that the verdict depends on. Of state and limits, if they are not among them, only the
        checks that take no time are made: such a grade may be "wrong", but else is "not checked".
    progress
        Called as progress(done, graphs, words).

    Returns
    -------
    dict
        The results, ready for JSON. After an interruption (Ctrl-C) they hold what was checked until then.

    Raises
    ------
    ValueError
        If a grade is unknown, or a number is out of range.

    """
    if set(grades) - set(GRADES) or not grades:
        raise ValueError(f"grades are {', '.join(GRADES)}; got {sorted(grades)}")
    if graphs < 0 or (jobs is not None and jobs < 1):
        raise ValueError(f"graphs must be at least 0 and jobs at least 1; got {graphs} and {jobs}")
    start = time.perf_counter()
    pytorch.version()  # imports it, for once that is interrupted PyTorch cannot be imported any more
    report = progress or (lambda done, of, words: None)
    found = Statistics()
    checks: list[state.Result] = []
    failures: list[dict[str, Any]] = []
    interrupted = False
    named = [name for name, (grade, _) in state.CHECKS.items() if grade in grades or name not in state.LONG]
    try:
        with state.started(engine, named) as results:  # their processes work while graphs are checked
            for part in _parts(engine, graphs, seed, jobs):
                found.merge(part)
                report(found.total, graphs, "checking graphs")
            report(graphs, graphs, "checking state and limits")
            checks.extend(results)
        report(graphs, graphs, "shrinking failures")
        failures.extend(failing_graphs(engine, found.accused))
    except KeyboardInterrupt:
        interrupted = True
    outcomes = _grades(found, checks)
    gated = [grade for grade in GRADES if grade in grades]
    blamed = {failure["operation"] for failure in failures}
    failures += failing_checks(engine, checks)
    return {
        "schema": 1,
        "engine": engine.name,
        "spec": engine.spec or None,
        "verdict": _verdict({grade: outcomes[grade] for grade in gated}),
        "seed": seed,
        "seconds": round(time.perf_counter() - start, 3),
        "interrupted": interrupted,
        "environment": environment(),
        "grades": outcomes,
        "gated": gated,
        "graphs": {
            "requested": graphs,
            "checked": found.total,
            **{v.value: found.verdicts[v] for v in Verdict},
        },
        "second_order": {
            "supported": engine.second_order,
            "checked": found.second_order.total(),
            **{v.value: found.second_order[v] for v in Verdict},
        },
        "operations": found.operations(engine, blamed),
        "oracles": found.witnesses(),
        "state": [
            {"name": one.name, "grade": one.grade, "outcome": one.outcome, "message": one.message}
            for one in checks
        ],
        "checks": found.checks,
        "failures": failures,
        "conventions": conventions(engine),
        "alarms": found.alarms(engine),
    }


def _parts(engine: Engine, graphs: int, seed: int, jobs: int | None) -> Iterator[Statistics]:
    """Yield the statistics of chunks of graphs, in their order: results do not depend on the processes."""
    if graphs and not engine.forms:
        return
    chunks = [range(first, min(first + _CHUNK, graphs)) for first in range(0, graphs, _CHUNK)]
    jobs = jobs or min(os.cpu_count() or 1, max(1, graphs // _WORTH_A_WORKER))
    if jobs == 1 or not engine.spec:
        for chunk in chunks:
            yield _check(engine, seed, chunk)
        return
    with ProcessPoolExecutor(jobs, get_context("spawn"), _start_worker, (engine.spec,)) as pool:
        try:
            for future in [pool.submit(_check_in_worker, seed, chunk) for chunk in chunks]:
                yield future.result()
        except (KeyboardInterrupt, GeneratorExit):
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _check(engine: Engine, seed: int, indices: range) -> Statistics:
    found = Statistics()
    for index in indices:
        below = seeded(seed, index)
        arrays = engine.arrays and index % 2 == 1
        drawn = array_case(below, engine.array_forms) if arrays else case(below, engine.forms)
        seen = examine(engine, drawn, witnesses=WITNESSES)
        found.add(seen)
        if engine.second_order and index % 4 in _SECOND_ORDER and drawn.point and not seen.verdict.accuses:
            found.add(examine(engine, with_tangent(drawn, below)))
    return found


def _start_worker(spec: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is interrupted, and stops its workers
    global _engine  # noqa: PLW0603  a worker process has one engine
    _engine = load(spec)


def _check_in_worker(seed: int, indices: range) -> Statistics:
    return _check(_engine, seed, indices)


_engine: Engine


def _grades(found: Statistics, checks: list[state.Result]) -> dict[str, str]:
    """Grade what was found; a grade that rests on nothing is "not checked"."""

    def graded(outcomes: Collection[bool]) -> str:
        return "not checked" if not outcomes else "right" if all(outcomes) else "wrong"

    verdicts = found.verdicts + found.second_order
    decided = verdicts.total() - verdicts[Verdict.UNDECIDED]
    wrong = verdicts[Verdict.WRONG] + verdicts[Verdict.ERROR]
    rules = [wrong == 0] * (decided > 0)
    accuracy = [verdicts[Verdict.INACCURATE] == 0] * (decided > wrong)
    outcomes = {"rules": graded(rules), "accuracy": graded(accuracy)}
    left_out = {state.CHECKS[name][0] for name in state.CHECKS.keys() - {one.name for one in checks}}
    for grade in ("state", "limits"):
        decisive = [one.outcome for one in checks if one.grade == grade and one.outcome != "not supported"]
        outcome = graded([outcome == "right" for outcome in decisive])
        outcomes[grade] = "not checked" if outcome == "right" and grade in left_out else outcome
    return outcomes


def _verdict(outcomes: Mapping[str, str]) -> str:
    if "wrong" in outcomes.values():
        return "wrong"
    # Without any gradient the other grades say little, unless they are all that was asked for.
    vacuous = outcomes.get("rules") == "not checked" or "right" not in outcomes.values()
    return "nothing checked" if vacuous else "right"
