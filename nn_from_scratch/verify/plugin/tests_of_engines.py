"""The tests of an engine, by name: what each asks, and what it has to say if that fails."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from typing import Any

from nn_from_scratch.verify import state
from nn_from_scratch.verify.campaign.chunks import checked
from nn_from_scratch.verify.campaign.direct import Direct, ask_questions, questions_for
from nn_from_scratch.verify.campaign.phases import told_deaths
from nn_from_scratch.verify.engines.deaths import NotAskedError
from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.failures import failing_accuracy, failing_checks
from nn_from_scratch.verify.failures.settling import Settling
from nn_from_scratch.verify.judging.verdicts import Verdict
from nn_from_scratch.verify.questions import roles
from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.roles import DirectQuestion

GROUP = 50
"""Graphs in one test."""

_WORDS = {
    roles.ALONE: "alone",
    roles.INNER: "inner",
    roles.LAST: "outer",
    roles.USED_BEFORE: "operand-used-before",
    roles.USED_AFTER: "operand-used-after",
    roles.TWICE: "one-node-twice",
    roles.RESULT_TWICE: "used-twice",
    roles.DEAD: "dead-branch",
    roles.SECOND: "second-derivative",
    roles.CAPTURED: "captured",
    roles.STRIDED: "not-contiguous",
}
"""What a role is called in the name of a test."""
_QUESTIONS, _SECONDS = 3000, 30.0  # to settle the failures of one test

Ask = Callable[[Engine], list[str]]
"""Asks an engine, and returns what fails."""


class NothingDecidedError(Exception):
    """A test has found nothing out: it neither passes nor fails."""


def tests_of(engine: Engine, graphs: int, seed: int) -> dict[str, Ask]:
    """Return the tests of an engine, in the order in which they are asked.

    Parameters
    ----------
    engine
        The system under test. It is asked what may stand around an operation.
    graphs, seed
        How many random graphs, and which.

    """
    by_name: dict[str, list[DirectQuestion]] = {}
    if not engine.silence:
        for question in questions_for(engine):
            by_name.setdefault(f"{question.operation}-{_word(question.role)}", []).append(question)
    found: dict[str, Ask] = {"answers": _ask_at_all}
    found |= {name: partial(_ask_directly, questions=asked) for name, asked in by_name.items()}
    if engine.forms and not engine.silence:
        for first in range(0, graphs, GROUP):
            group = range(first, min(first + GROUP, graphs))
            found[f"graphs-{group.start}-to-{group.stop - 1}"] = partial(_ask_graphs, seed=seed, graphs=group)
    found |= {_name_of_check(name): partial(_ask_state, name=name) for name in state.CHECKS}
    return found


def _name_of_check(name: str) -> str:
    """Return what the test of a check is called: letters, digits and hyphens, and a name of its own."""
    words = re.sub("[^0-9A-Za-z]+", "-", name.replace(" -", " minus ")).strip("-")
    return f"{state.CHECKS[name].grade}-{words}"


def _word(role: str) -> str:
    """Return what a role is called in the name of a test: those that differ in shapes only have one name."""
    if "constant" in role:
        return "constant-arrays"
    if role in _WORDS or not re.search(r"[(\[@]", role):
        return _WORDS.get(role, role.replace(" ", "-"))
    return "broadcast" if role.startswith("broadcast") else "shapes"


def _ask_at_all(engine: Engine) -> list[str]:
    """Say why an engine, or an operation that its adapter names, answers nothing at all."""
    failures = [f"the operation {name} cannot be called: {why}" for name, why in engine.broken.items()]
    if engine.silence:
        failures.append(f"the engine answers no question: {engine.silence}")
    if not engine.forms and not engine.array_forms:
        failures.append("the engine has no operation of the catalogue")
    return failures


def _ask_directly(engine: Engine, questions: Collection[DirectQuestion]) -> list[str]:
    found = Direct()
    ask_questions(engine, questions, found)
    settling = Settling(engine, _QUESTIONS, _SECONDS)
    settling.direct(found.failing)
    failing = [seen for _, seen in found.failing]
    inaccurate = [seen.case for seen in failing if seen.verdict is Verdict.INACCURATE]
    lacks = next((words[0] for words in found.lacks.values()), "the engine lacks what is asked")
    nothing = _nothing_decided(found.verdicts + found.second_order, lacks)
    return _told(engine, settling, inaccurate, [seen.message for seen in failing], nothing)


def _ask_graphs(engine: Engine, seed: int, graphs: range) -> list[str]:
    found = checked(engine, seed, graphs)
    settling = Settling(engine, _QUESTIONS, _SECONDS)
    settling.graphs(found.accused)
    seen = [f"graph of seed {seed} is not right:\n{case}" for case in found.accused]
    nothing = _nothing_decided(found.verdicts + found.second_order, "no graph was asked")
    failures = _told(engine, settling, found.inaccurate, seen, nothing)
    return [*failures, *filter(None, [found.given_up])]


def _nothing_decided(verdicts: Counter[Verdict], lacks: str) -> str:
    """Say why nothing was decided; nothing if something was."""
    if verdicts.total() > verdicts[Verdict.UNDECIDED]:
        return ""
    return "every answer was undecided" if verdicts.total() else lacks


def _told(
    engine: Engine, settling: Settling, inaccurate: Collection[Case], seen: list[str], nothing: str
) -> list[str]:
    """Tell failures as the command line does; what it makes nothing of, as it was seen.

    Raises
    ------
    NothingDecidedError
        If there is no failure, and nothing was decided.

    """
    failures = settling.failures()
    failures += failing_accuracy(engine, inaccurate, failures)
    if nothing and not seen:
        raise NothingDecidedError(nothing)
    return [_text(one) for one in failures] or seen


def _ask_state(engine: Engine, name: str) -> list[str]:
    (result,) = state.run(engine, (name,))
    if result.outcome in ("wrong", "error"):
        return [_text(one) for one in failing_checks(engine, [result])] or [result.message]
    if result.outcome != "right":
        raise NothingDecidedError(f"{result.outcome}: {result.message}")
    return []


def ask(engine: Engine, test: Ask) -> list[str]:
    """Carry out a test; return what fails: an engine whose process ends meanwhile never passes.

    Raises
    ------
    NothingDecidedError
        If nothing was found out.

    """
    engine.driver.begin_phase()
    before = len(engine.driver.deaths)
    try:
        failures = test(engine)
    except NotAskedError as given_up:
        failures = [str(given_up)]
    except NothingDecidedError:
        if len(engine.driver.deaths) == before:
            raise
        failures = []
    return [*failures, *_deaths(told_deaths(engine.driver.deaths[before:]))]


def _deaths(told: Iterable[Mapping[str, Any]]) -> list[str]:
    return [f"the engine's process ended: {one['outcome']}, {one['message']}" for one in told]


def _text(failure: Mapping[str, Any]) -> str:
    return f"{failure['message']}\n\n{failure['reproducer']}".rstrip()
