"""The whole check of an engine: random graphs, state and limits, failures explained, results as JSON."""

from __future__ import annotations

import re
import time
from collections.abc import Collection
from numbers import Integral, Real
from typing import Any

from nn_from_scratch.verify.campaign.environment import environment
from nn_from_scratch.verify.campaign.grades import GRADES, grade, overall_verdict
from nn_from_scratch.verify.campaign.inquiry import Inquiry, Plan, Progress
from nn_from_scratch.verify.campaign.operations import operations_table
from nn_from_scratch.verify.campaign.phases import alarms_of_deaths, told_deaths
from nn_from_scratch.verify.campaign.results import Results
from nn_from_scratch.verify.campaign.unasked import unasked
from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.engines.mistakes import refuse_mistakes
from nn_from_scratch.verify.engines.preserving import surroundings_kept
from nn_from_scratch.verify.failures.causes import PRECISION
from nn_from_scratch.verify.judging.verdicts import Verdict

_INSIDE = re.compile(r"precision loss \((\w+) inside\)")


def verify(
    engine: Engine,
    *,
    graphs: int = 2000,
    seed: int = 0,
    jobs: int | None = None,
    seconds: float = 60.0,
    directly: bool = True,
    grades: Collection[str] = GRADES,
    progress: Progress | None = None,
) -> Results:
    """Check an engine on random graphs, its state and its limits.

    What an engine in this process may change by accident is put back: the current directory, the streams,
    numpy's error state, the recursion limit, the filters of warnings, the states of random numbers, the
    environment, the handler of Ctrl-C. Not survived is one that ends the process, crashes it, never answers,
    takes all memory, or patches Python or numpy: that takes a process of its own (`isolated`).

    Parameters
    ----------
    engine
        The system under test.
    graphs
        How many random graphs to check.
    seed
        Which graphs: the same seed gives the same graphs on every machine.
    jobs
        How many processes ask it random graphs; by default as many as pay. With 1 this process asks them,
        as it does an engine without a `spec`. An engine in a process of its own may be asked them by others
        while this one asks it directly.
    seconds
        How long the engine may take to answer: a last resort, after which what was not asked is not settled.
        State and limits have as long again, 90 seconds at least.
    directly
        Whether every operation is asked directly, before the graphs (if there are any).
    grades
        The grades that the verdict depends on. Of state and limits, if they are not among them, only the
        checks that take no time are made: such a grade may be "wrong", but else is "not checked".
    progress
        Called as progress(done, graphs, words).

    Returns
    -------
    Results
        A dict, ready for JSON, that is true if the verdict is "right". After an interruption (Ctrl-C) it
        holds what was checked until then, and is false.

    Raises
    ------
    TypeError
        If what is given is no `Engine`, or an argument is of another kind than it says.
    ValueError
        If a grade is unknown, or a number is out of range.
    EngineError
        If the engine's adapter has a mistake: then nothing is judged.

    """
    start = time.perf_counter()
    plan = Plan(graphs, seed, jobs, seconds, directly, grades, progress or (lambda done, of, words: None))
    _refuse_what_cannot_be_asked(engine, plan)
    with surroundings_kept():
        try:
            refuse_mistakes(engine)
            inquiry = Inquiry(engine, plan)  # which finds out what the engine has
        except KeyboardInterrupt:
            inquiry = Inquiry(engine, plan, interrupted=True)
        else:
            inquiry.ask()
        return Results(_told(inquiry, time.perf_counter() - start))


def _told(inquiry: Inquiry, seconds: float) -> dict[str, Any]:
    """Return what was found, ready for JSON."""
    engine, found, direct = inquiry.engine, inquiry.found, inquiry.direct
    verdicts = found.verdicts + found.second_order + direct.verdicts + direct.second_order
    outcomes = grade(verdicts, inquiry.checks, settled=inquiry.settled)
    gated = [grade for grade in GRADES if grade in inquiry.plan.grades]
    verdict = overall_verdict({grade: outcomes[grade] for grade in gated})
    if verdict == "right" and inquiry.deaths:  # whichever grades are gated
        verdict = "not settled"
    return {
        "schema": 2,
        "engine": engine.name,
        "spec": engine.spec or None,
        "verdict": verdict,
        "seed": inquiry.plan.seed,
        "seconds": round(seconds, 3),
        "engine_seconds": {"direct": inquiry.direct_seconds, "graphs": found.computing},
        "interrupted": inquiry.interrupted,
        "stopped by time": inquiry.stopped_by_time,
        "environment": environment(),
        "grades": outcomes,
        "gated": gated,
        "graphs": {
            "requested": inquiry.plan.graphs,
            "checked": found.total,
            **{v.value: found.verdicts[v] for v in Verdict},
        },
        "direct": {
            "checked": direct.verdicts.total() + direct.second_order.total(),
            "not supported": direct.not_supported,
            **{v.value: direct.verdicts[v] + direct.second_order[v] for v in Verdict},
        },
        "second_order": {
            "supported": engine.asks_second_order,
            "checked": found.second_order.total(),
            **{v.value: found.second_order[v] for v in Verdict},
        },
        "not settled": sorted(inquiry.unsettled),
        "operations": operations_table(engine, found, direct, inquiry.settling.wrong, inquiry.unsettled),
        "oracles": found.witnesses(),
        "state": [
            {"name": one.name, "grade": one.grade, "outcome": one.outcome, "message": one.message}
            for one in inquiry.checks
        ],
        "deaths": told_deaths(inquiry.deaths),
        "not asked": inquiry.phases.not_asked,
        "checks": found.checks,
        "failures": inquiry.failures,
        "conventions": inquiry.at_kinks,
        "convention_examples": found.conventions,
        "alarms": [
            *found.alarms(engine, direct.checked),
            *_further_alarms(inquiry),
            *alarms_of_deaths(inquiry.deaths, inquiry.phases.not_asked),
        ],
    }


def _refuse_what_cannot_be_asked(engine: Engine, plan: Plan) -> None:
    """Raise for arguments that make no sense, before anything is asked."""
    if not isinstance(engine, Engine):
        raise TypeError(
            f"an Engine is checked, got {engine!r}: load(name) gives one that ships or lies in a file, "
            "Engine.from_tape and its like make one of your own"
        )
    numbers: dict[str, Any] = {"graphs": plan.graphs, "seed": plan.seed}
    numbers |= {} if plan.jobs is None else {"jobs": plan.jobs}
    for name, number in numbers.items():
        if not isinstance(number, Integral):
            raise TypeError(f"{name} is a whole number, got {number!r}")
    seconds: Any = plan.seconds
    if not isinstance(seconds, Real):
        raise TypeError(f"seconds is a number, got {seconds!r}")
    if not float(seconds) > 0:
        raise ValueError(f"seconds must be above 0, got {seconds!r}")
    grades: Any = plan.grades
    if isinstance(grades, str) or not isinstance(grades, Collection):
        raise TypeError(f"grades is a tuple of {', '.join(GRADES)}, such as ('rules',); got {grades!r}")
    if set(plan.grades) - set(GRADES) or not plan.grades:
        raise ValueError(f"grades are {', '.join(GRADES)}; got {sorted(map(str, plan.grades))}")
    if plan.graphs < 0 or (plan.jobs is not None and plan.jobs < 1):
        raise ValueError(f"graphs must be at least 0 and jobs at least 1; got {plan.graphs} and {plan.jobs}")
    if not callable(plan.progress):
        raise TypeError(f"progress is a function of (done, graphs, words), got {plan.progress!r}")


def _further_alarms(inquiry: Inquiry) -> list[str]:
    """Say what was not asked, of operations and because time was up, and in what format it may compute."""
    found, direct = inquiry.found, inquiry.direct
    asked = direct.checked.keys() | found.checked.keys()
    alarms = [unasked(inquiry.engine, asked)] if asked else []
    if inquiry.stopped_by_time:
        questions = direct.checked.total() + direct.not_supported
        alarms.append(
            f"stopped by time after {questions} direct questions and {found.total} graphs: give more seconds"
        )
    common = (failure["kind"] for failure in inquiry.failures if failure["operation"] == PRECISION)
    inside = next(filter(None, map(_INSIDE.search, common)), None)
    if inside:
        alarms.append(
            f'it seems to compute in {inside[1]}: if that is meant, say dtype="{inside[1]}" in its adapter'
        )
    return [alarm for alarm in alarms if alarm]
