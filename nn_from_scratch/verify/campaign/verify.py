"""The whole check of an engine: random graphs, state and limits, failures explained, results as JSON."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import Any

from nn_from_scratch.verify import state
from nn_from_scratch.verify.campaign.chunks import checked_chunks
from nn_from_scratch.verify.campaign.direct import Direct, ask_directly
from nn_from_scratch.verify.campaign.environment import environment
from nn_from_scratch.verify.campaign.grades import GRADES, grade, overall_verdict
from nn_from_scratch.verify.campaign.operations import operations_table
from nn_from_scratch.verify.campaign.results import Results
from nn_from_scratch.verify.campaign.statistics import Statistics
from nn_from_scratch.verify.campaign.unasked import unasked
from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.engines.observed import Observed
from nn_from_scratch.verify.failures import failing_accuracy, failing_checks
from nn_from_scratch.verify.failures.settling import Settling
from nn_from_scratch.verify.judging.conventions import conventions
from nn_from_scratch.verify.judging.examine import examine
from nn_from_scratch.verify.judging.verdicts import Verdict
from nn_from_scratch.verify.oracles import pytorch
from nn_from_scratch.verify.questions.telling_points import telling_cases

Progress = Callable[[int, int, str], None]
"""Told what is done, of how many, and in words."""


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
    seconds
        How long the engine may take to answer: a last resort, after which what was not asked is not settled.
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
        If what is given is no `Engine`.
    ValueError
        If a grade is unknown, or a number is out of range.

    """
    _refuse_what_cannot_be_asked(engine, graphs, jobs, grades)
    start = time.perf_counter()
    pytorch.version()  # imports it, for once that is interrupted PyTorch cannot be imported any more
    report = progress or (lambda done, of, words: None)
    found, direct = Statistics(), Direct()
    settling = Settling(engine)
    observed = Observed.of(engine)
    checks: list[state.Result] = []
    failures: list[dict[str, Any]] = []
    interrupted = stopped_by_time = False

    def time_left() -> bool:
        return observed.meter.seconds + found.engine_seconds < seconds

    named = [name for name, one in state.CHECKS.items() if one.grade in grades or name not in state.LONG]
    try:
        with state.started(engine, named) as results:  # their processes work while graphs are checked
            if graphs and directly and not engine.silence:
                report(0, graphs, "asking every operation directly")
                ask_directly(observed, direct, time_left)
            for part in checked_chunks(engine, graphs, seed, jobs):
                found.merge(part)
                report(found.total, graphs, "checking graphs")
                if not time_left():
                    break
            stopped_by_time = not time_left()
            for case in telling_cases(engine.forms) if graphs else ():
                found.measure(examine(engine, case), engine.format)
            report(graphs, graphs, "checking state and limits")
            checks.extend(results)
        report(graphs, graphs, "settling failures")
        settling.direct(direct.failing)
        settling.graphs(found.accused)
        failures.extend(settling.failures())
        inaccurate = [seen.case for _, seen in direct.failing if seen.verdict is Verdict.INACCURATE]
        failures.extend(failing_accuracy(engine, [*inaccurate, *found.inaccurate], failures))
    except KeyboardInterrupt:
        interrupted = True
    unsettled = settling.unsettled
    if interrupted:  # whatever failed may not have been settled
        unsettled |= {question.operation for question, _ in direct.failing} | found.accusing.keys()
    stopped_by_time |= settling.stopped_by_time
    complete = found.total == graphs or not engine.forms or bool(engine.silence)
    verdicts = found.verdicts + found.second_order + direct.verdicts + direct.second_order
    outcomes = grade(verdicts, checks, settled=complete and not stopped_by_time and not unsettled)
    gated = [grade for grade in GRADES if grade in grades]
    failures += failing_checks(engine, checks)
    told: dict[str, Any] = {
        "schema": 2,
        "engine": engine.name,
        "spec": engine.spec or None,
        "verdict": overall_verdict({grade: outcomes[grade] for grade in gated}),
        "seed": seed,
        "seconds": round(time.perf_counter() - start, 3),
        "interrupted": interrupted,
        "stopped by time": stopped_by_time,
        "environment": environment(),
        "grades": outcomes,
        "gated": gated,
        "graphs": {
            "requested": graphs,
            "checked": found.total,
            **{v.value: found.verdicts[v] for v in Verdict},
        },
        "direct": {
            "checked": direct.verdicts.total() + direct.second_order.total(),
            "not supported": direct.not_supported,
            **{v.value: direct.verdicts[v] + direct.second_order[v] for v in Verdict},
        },
        "second_order": {
            "supported": engine.second_order,
            "checked": found.second_order.total(),
            **{v.value: found.second_order[v] for v in Verdict},
        },
        "not settled": sorted(unsettled),
        "operations": operations_table(engine, found, direct, settling.wrong, unsettled),
        "oracles": found.witnesses(),
        "state": [
            {"name": one.name, "grade": one.grade, "outcome": one.outcome, "message": one.message}
            for one in checks
        ],
        "checks": found.checks,
        "failures": failures,
        "conventions": conventions(engine),
        "convention_examples": found.conventions,
        "alarms": [
            *found.alarms(engine, direct.checked),
            *_further_alarms(engine, found, direct, stopped_by_time),
        ],
    }
    return Results(told)


def _refuse_what_cannot_be_asked(
    engine: Engine, graphs: int, jobs: int | None, grades: Collection[str]
) -> None:
    """Raise for arguments that make no sense, before anything is asked."""
    if not isinstance(engine, Engine):
        raise TypeError(
            f"an Engine is checked, got {engine!r}: load(name) gives one that ships or lies in a file, "
            "Engine.from_tape and its like make one of your own"
        )
    if set(grades) - set(GRADES) or not grades:
        raise ValueError(f"grades are {', '.join(GRADES)}; got {sorted(grades)}")
    if graphs < 0 or (jobs is not None and jobs < 1):
        raise ValueError(f"graphs must be at least 0 and jobs at least 1; got {graphs} and {jobs}")


def _further_alarms(engine: Engine, found: Statistics, direct: Direct, stopped_by_time: bool) -> list[str]:
    """Say what was not asked, of operations and because time was up."""
    asked = direct.checked.keys() | found.checked.keys()
    alarms = [unasked(engine, asked)] if asked else []
    if stopped_by_time:
        questions = direct.checked.total() + direct.not_supported
        alarms.append(
            f"stopped by time after {questions} direct questions and {found.total} graphs: give more seconds"
        )
    return [alarm for alarm in alarms if alarm]
