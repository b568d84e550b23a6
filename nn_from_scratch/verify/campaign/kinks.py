"""The kinks asked as questions: not only what an engine answers there, but whether that can be."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from nn_from_scratch.verify.engines.deaths import NotAskedError
from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.failures.blame import diagnose
from nn_from_scratch.verify.failures.telling import failure
from nn_from_scratch.verify.judging.conventions import KINKS, Kink
from nn_from_scratch.verify.judging.examine import examine
from nn_from_scratch.verify.questions.cases import Case


@dataclass
class AtKinks:
    """The verdicts at kinks, by their texts, and what is to be told of those that accuse."""

    verdicts: dict[str, str] = field(default_factory=dict)
    failures: list[dict[str, Any]] = field(default_factory=list)


def ask_at_kinks(engine: Engine) -> AtKinks:
    """Ask an engine at every kink of what it has; where its process dies too often, no further."""
    found = AtKinks()
    told: dict[Case, str] = {}
    engine.driver.begin_phase()
    try:
        for kink in KINKS:
            if not _can_be_asked(engine, kink):
                continue
            if kink.case not in told:  # one that is asked by each of its inputs is one question
                told[kink.case] = _ask(engine, kink.case, found)
            found.verdicts[kink.at] = told[kink.case]
    except NotAskedError:
        pass  # the kinks that are left have no verdict
    return found


def _ask(engine: Engine, case: Case, found: AtKinks) -> str:
    """Ask one question, tell it if it accuses, and return the verdict."""
    seen = examine(engine, case)
    if seen.verdict.accuses:
        found.failures.append(failure(engine, seen, diagnose(engine, seen)))
    return seen.verdict.value


def _can_be_asked(engine: Engine, kink: Kink) -> bool:
    return kink.form in (*engine.forms, *engine.array_forms) and not engine.lacking(kink.case)
