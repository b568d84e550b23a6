"""Settling: every failure is traced to a fault that a question of its own has shown, or it is told as one.

Direct questions come first. What fails in a role is explained by what fails alone only if the answers about
the single steps account for it (`replay`); a second derivative only if it is that of the engine's own first
ones. Then the failing graphs: each of their steps is asked on its own at the numbers it has there, those that
fail are cut out, and what remains is asked again. If it is right, the graph is explained, by faults of the
same operation, form and operand at the same numbers. If not, it is made small, and told.

An operation in a failing graph that nobody had a question left for is not settled.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from nn_from_scratch.verify.engines.deaths import NotAskedError
from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.engines.observed import Observed
from nn_from_scratch.verify.failures.blame import Diagnosis, diagnose
from nn_from_scratch.verify.failures.causes import CAUSES, SEVERAL, cause
from nn_from_scratch.verify.failures.kinds import kind
from nn_from_scratch.verify.failures.operands import Operands, wrong_operands
from nn_from_scratch.verify.failures.rebuild import rebuilt, values
from nn_from_scratch.verify.failures.replay import accounted_for
from nn_from_scratch.verify.failures.shrink import FORWARD_PASS, REVERSE_PASS, accused_alone, minimal
from nn_from_scratch.verify.failures.telling import failure
from nn_from_scratch.verify.judging.examine import Examination, examine
from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.expressions import Step
from nn_from_scratch.verify.questions.operations import OPERATIONS
from nn_from_scratch.verify.questions.roles import CAPTURED, SHARED, TWICE, DirectQuestion

QUESTIONS = 40_000
"""Asked to settle failures at most: what is settled depends on the questions alone, not on the machine."""
SECONDS = 120.0
"""A last resort, for an engine that takes long to answer."""
DRAWN = 25
"""Failures told with the function around their points, which reports draw; the others are told without."""
_PASSES = (FORWARD_PASS, REVERSE_PASS)
_KINDS = 3  # that are told apart among the failures of one operation that look alike at first
_LOOKS = 8  # at failures that look alike at first, until they are taken for alike

Key = tuple[str, str, Operands, str, bool]
"""What tells faults apart before their kinds are known: operation, kinds of operands, what is wrong (operands
by number, "value"), the verdict or what was raised, and whether something stands around the operation."""


@dataclass
class Fault:
    """A fault that is told: a small failing case with its diagnosis, and where else it shows."""

    found: Examination
    diagnosis: Diagnosis
    operands: Operands
    roles: dict[str, None] = field(default_factory=dict)
    forms: dict[str, None] = field(default_factory=dict)
    operations: dict[str, None] = field(default_factory=dict)


class Settling:
    """The faults of one engine, and which operations are settled.

    Parameters
    ----------
    engine
        The engine.
    questions
        How many questions it is asked at most.
    seconds
        How long that may take, from the first of them on, as a last resort.

    """

    def __init__(self, engine: Engine, questions: int = QUESTIONS, seconds: float = SECONDS) -> None:
        self.engine = Observed.of(engine)
        self.most = questions
        self.seconds = seconds
        self.stopped_by_time = False
        self._unsettled: set[str] = set()
        self._faults: dict[tuple[str, str], Fault] = {}
        self._kinds: dict[Key, set[str]] = {}
        self._looks: Counter[tuple[object, ...]] = Counter()
        self._blamed_passes: dict[str, set[str]] = {}
        """By role, the operations that are right but for the reverse pass."""

    @property
    def wrong(self) -> set[str]:
        """The operations that have a fault of their own."""
        faults = (name for name, what in self._faults if not self._is_of_the_reverse_pass(what))
        return {*faults} & set(OPERATIONS)

    @property
    def unsettled(self) -> set[str]:
        """The operations with failures that nobody examined, or that the reverse pass leaves open."""
        left_open = {name for name, what in self._faults if self._is_of_the_reverse_pass(what)}
        return self._unsettled | ((left_open - self.wrong) & set(OPERATIONS))

    def failures(self) -> list[dict[str, Any]]:
        """Return what is told, one cause behind several operations as one."""
        told: set[str] = set()
        failures: list[dict[str, Any]] = []
        for (_, what), fault in self._faults.items():
            drawn = len(failures) < DRAWN
            if not self._is_common(what):
                failures.append(self._told(fault, drawn=drawn))
            elif what not in told:
                told.add(what)
                failures.append(self._told(fault, what, drawn=drawn))
        return failures

    def _is_common(self, what: str) -> bool:
        """Whether this is a cause that several operations have shown."""
        return what in CAUSES and len(self._operations_of(what)) >= SEVERAL

    def _is_of_the_reverse_pass(self, what: str) -> bool:
        return what == REVERSE_PASS and self._is_common(what)

    def _operations_of(self, what: str) -> list[str]:
        """Return the operations that have a fault of this kind, or from this cause."""
        faults = (fault for (_, kind), fault in self._faults.items() if kind == what)
        return list(dict.fromkeys(name for fault in faults for name in fault.operations))

    def direct(self, failing: Iterable[tuple[DirectQuestion, Examination]]) -> None:
        """Settle direct questions that were not answered right.

        Raises
        ------
        NotAskedError
            If the engine is asked no more: what failed is told as it was seen.

        """
        failing = list(failing)
        try:
            self._settle_forms(failing)
        except NotAskedError:
            for question, seen in failing:
                if question.operation not in self.wrong:
                    diagnosis = Diagnosis(question.operation, "not examined further", None, ())
                    wrong = wrong_operands(seen, question.node)
                    self._tell(seen, diagnosis, question.operation, question.kinds, wrong, question.role)
            raise

    def _settle_forms(self, failing: Iterable[tuple[DirectQuestion, Examination]]) -> None:
        """Settle direct questions, form by form."""
        by_form: dict[tuple[str, str], list[tuple[DirectQuestion, Examination]]] = {}
        for question, seen in failing:
            by_form.setdefault(question.form, []).append((question, seen))
        for failures in by_form.values():
            first = [one for one in failures if not one[0].case.tangent]
            alone = [one for one in first if len(one[0].case.expression.steps) == 1]
            if all(question.role == TWICE for question, _ in alone):
                alone = []  # it is right by each operand: something adds up wrong
            around = [one for one in first if one not in alone]
            for question, seen in alone:
                self._settle_alone(question.case, seen, question.node, question.role)
            for question, seen in around:
                self._settle_role(question, seen, explained=bool(alone))
            for question, seen in failures:
                if question.case.tangent:
                    self._settle_second(question, seen, explained=bool(first))

    def graphs(self, accused: Collection[Case]) -> None:
        """Settle failing graphs, small ones first, those of first order before the others."""
        for case in sorted(accused, key=lambda one: (bool(one.tangent), len(one.expression.steps))):
            if self._exhausted():
                self._unsettled.update(step.operation for step in case.expression.live_steps())
            else:
                self._settle_graph(case)

    @cached_property
    def _end(self) -> float:
        """When time is up: it runs from the first time that this is asked."""
        return time.perf_counter() + self.seconds

    def _exhausted(self) -> bool:
        if self._end <= time.perf_counter():
            self.stopped_by_time = True
        return self.stopped_by_time or self.engine.meter.questions >= self.most

    def _settle_alone(self, case: Case, seen: Examination, node: int, role: str) -> None:
        """Settle an operation that fails on its own: a fault that is known, or a new one."""
        step = case.expression.steps[node - case.expression.first_step]
        if (
            self._is_common(REVERSE_PASS)
            and step.operation not in self.wrong
            and _shares(case.expression.steps)
        ):
            self._unsettled.add(step.operation)
            return
        kinds = case.expression.operand_kinds(step)
        wrong = wrong_operands(seen, node)
        key = (step.operation, kinds, wrong, _outcome(seen), len(case.expression.steps) > 1)
        known = self._kinds.setdefault(key, set())
        if len(known) >= _KINDS or self._looks[key] >= _LOOKS:
            return
        if self._exhausted():
            if not known:
                self._unsettled.add(step.operation)
            return
        self._looks[key] += 1
        shown = kind(self.engine, seen)
        if shown in known:
            return
        known.add(shown)
        if self._is_common(cause(shown)):
            self._tell(seen, Diagnosis(step.operation, shown, None, ()), step.operation, kinds, wrong, role)
            return
        smallest = minimal(self.engine, seen)
        diagnosis = diagnose(self.engine, smallest)
        known.add(diagnosis.kind)
        if diagnosis.operation in _PASSES:
            # Made small, the operation is right on its own, as over an axis of length 1.
            smallest, diagnosis = seen, replace(diagnose(self.engine, seen), operation=step.operation)
        self._tell(smallest, diagnosis, step.operation, kinds, wrong, role)

    def _settle_role(self, question: DirectQuestion, seen: Examination, *, explained: bool) -> None:
        """Settle an operation that fails in a role: by what fails alone, or as a fault of its own."""
        if explained and (self._value_is_wrong(question.form) or accounted_for(self.engine, seen.case)):
            return
        passes = self._blamed_passes.setdefault(question.role, set())
        if self._exhausted() or len(passes) >= SEVERAL:
            # Nothing can be said of an operation in a role in which the reverse pass is wrong.
            self._unsettled.add(question.operation)
            return
        wrong = wrong_operands(seen, question.node)
        shown = kind(self.engine, seen)
        behind = REVERSE_PASS if question.role in SHARED and not explained else ""
        if self._is_common(cause(shown) or behind):
            smallest, diagnosis = seen, Diagnosis(question.operation, shown, None, ())
        elif explained:
            # Made small, it would turn into what fails alone.
            smallest = seen
            diagnosis = Diagnosis(question.operation, f"{shown}, with {question.role}", None, ())
        else:
            smallest = minimal(self.engine, seen)
            diagnosis = diagnose(self.engine, smallest)
            if diagnosis.operation == REVERSE_PASS:
                passes.add(question.operation)
        self._tell(smallest, diagnosis, question.operation, question.kinds, wrong, question.role, behind)

    def _settle_second(self, question: DirectQuestion, seen: Examination, *, explained: bool) -> None:
        """Settle a second derivative: that of a wrong first one is no fault of its own."""
        # What stands after the operation takes its value for what its wrong slope belongs to.
        if explained and _derived_from_its_own(self.engine, rebuilt(seen.case, output=question.node)):
            return
        if self._exhausted():
            self._unsettled.add(question.operation)
            return
        smallest = seen if question.role == CAPTURED else minimal(self.engine, seen)
        diagnosis = diagnose(self.engine, smallest)
        if diagnosis.operation in _PASSES:
            diagnosis = replace(diagnosis, operation=question.operation)
        wrong = wrong_operands(seen, question.node)
        self._tell(smallest, diagnosis, question.operation, question.kinds, wrong, question.role)

    def _value_is_wrong(self, form: tuple[str, str]) -> bool:
        return any(key[:2] == form and "value" in key[2] for key in self._kinds)

    def _settle_graph(self, case: Case) -> None:
        """Cut out the steps that fail on their own, until what remains is right; else tell what remains."""
        pieces = [case]
        while pieces:
            piece = pieces.pop()
            if not piece.point:
                continue
            failing = self._steps_that_fail(piece)
            if failing:
                left = (rest for rest in _without(piece, failing) if rest.point)
                pieces += [rest for rest in left if examine(self.engine, rest).verdict.accuses]
                continue
            steps = piece.expression.live_steps()
            if self._exhausted() or (self._is_common(REVERSE_PASS) and _shares(steps)):
                # What adds up wrong shows here too: of the operations it says nothing.
                self._unsettled.update(step.operation for step in steps)
                continue
            seen = examine(self.engine, piece)
            smallest = minimal(self.engine, seen) if seen.verdict.accuses else seen
            diagnosis = diagnose(self.engine, smallest)
            self._tell(smallest, diagnosis, "", "", (), "in a graph")

    def _steps_that_fail(self, case: Case) -> list[int]:
        """Ask every step on its own, first those of operations known to be wrong; return those that fail.

        What the output does not depend on comes last: it is computed, and may raise.
        """
        expression, reachable = case.expression, case.expression.reachable()
        steps = range(expression.first_step, len(expression))
        live, dead = [k for k in steps if k in reachable], [k for k in steps if k not in reachable]
        suspects = [k for k in live if expression.steps[k - expression.first_step].operation in self.wrong]
        for group in (suspects, [k for k in live if k not in suspects], dead):
            failing = [index for index in group if self._fails_alone(case, index)]
            if failing:
                return failing
        return []

    def _fails_alone(self, case: Case, index: int) -> bool:
        seen = accused_alone(self.engine, case, index)
        if seen is None:
            return False
        # The step is the first of a case that may have something after it.
        self._settle_alone(seen.case, seen, seen.case.expression.first_step, "in a graph")
        return True

    def _tell(  # noqa: PLR0917  what is told, of what, where
        self,
        found: Examination,
        diagnosis: Diagnosis,
        operation: str,
        kinds: str,
        wrong: Operands,
        role: str,
        behind: str = "",
    ) -> None:
        """Tell a fault, unless it is told, of the operation to blame, or of the reverse pass.

        The cause, if its kind does not tell it, is what may be `behind` it.

        A fault in a role that another operation is to blame for leaves open whether this one is right in it.
        """
        what = cause(diagnosis.kind) or behind or diagnosis.kind
        fault = self._faults.setdefault((diagnosis.operation, what), Fault(found, diagnosis, wrong))
        fault.roles[role] = None
        if operation and operation != diagnosis.operation:
            self._unsettled.add(operation)
        elif kinds:
            fault.forms[kinds] = None
        fault.operations[operation or diagnosis.operation] = None

    def _told(self, fault: Fault, common: str = "", *, drawn: bool) -> dict[str, Any]:
        told = failure(self.engine, fault.found, fault.diagnosis, drawn=drawn)
        if common:
            operations = self._operations_of(common)
            where = f"{len(operations)} operations show it: {', '.join(operations)}"
            told |= {"operation": common, "message": f"{told['message']}\n{where}"}
        return {
            **told,
            "forms": list(fault.forms),
            "operands": list(fault.operands),
            "role": "; ".join(fault.roles),
            "operations": self._operations_of(common) if common else list(fault.operations),
        }


def _shares(steps: Iterable[Step]) -> bool:
    """Whether some node is an operand more than once."""
    operands = [operand for step in steps for operand in step.operands]
    return len(set(operands)) < len(operands)


def _outcome(seen: Examination) -> str:
    return seen.error.partition(":")[0] or seen.verdict.value


def _without(case: Case, steps: Collection[int]) -> list[Case]:
    """Return what is left of a case without some of its steps: what uses them, and what each of them uses."""
    expression, known = case.expression, values(case)
    cut = {index: known[index] for index in steps}
    ends = {expression.output}
    for index in steps:
        ends.update(expression.steps[index - expression.first_step].operands)
    rest = [end for end in sorted(ends) if end >= expression.first_step and end not in cut]
    return [rebuilt(case, output=end, cut=cut) for end in rest]


def _derived_from_its_own(engine: Engine, case: Case) -> bool:
    """Whether a second derivative is roughly that of the engine's own gradient, right or wrong."""
    step = 1e-5
    ahead, behind = (
        replace(
            case,
            tangent=(),
            point=tuple(x + sign * step * v for x, v in zip(case.point, case.tangent, strict=True)),
        )
        for sign in (1.0, -1.0)
    )
    try:
        with np.errstate(all="ignore"):
            got = np.array(engine.answer(case).gradient)
            slopes = [np.array(engine.answer(one).gradient) for one in (ahead, behind)]
    except Exception:  # noqa: BLE001  what it raises is another fault
        return False
    estimate = (slopes[0] - slopes[1]) / (2 * step)
    scale = max(np.max(np.abs(estimate), initial=0.0), np.max(np.abs(slopes[0]), initial=0.0))
    return bool(np.all(np.abs(got - estimate) <= 1e-4 * scale))
