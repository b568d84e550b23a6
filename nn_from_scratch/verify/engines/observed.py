"""An engine whose questions are counted, and its part of the time measured."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, fields

from nn_from_scratch.verify.engines.answers import Answer
from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.questions.cases import Case


@dataclass
class Meter:
    """How many questions an engine was asked, and how many seconds it was waited for.

    In another process it may have computed before it was waited for: `computing` are the seconds of processor
    time that its answers took, as it says.
    """

    questions: int = 0
    seconds: float = 0.0
    computing: float = 0.0


@dataclass(frozen=True)
class Observed(Engine):
    """An engine that is asked as before, and keeps count of it."""

    meter: Meter = field(default_factory=Meter, compare=False)

    @classmethod
    def of(cls, engine: Engine) -> Observed:
        """Observe an engine."""
        given = {one.name for one in fields(Engine)}
        for forms in ("forms", "array_forms"):
            getattr(engine, forms)  # found out once, and not again by everybody who observes it
        observed = cls(**{name: getattr(engine, name) for name in given})
        vars(observed).update({name: known for name, known in vars(engine).items() if name not in given})
        return observed

    @classmethod
    def apart(cls, engine: Engine) -> Observed:
        """Observe an engine, and keep to oneself what is found out of it: others will not know it.

        An engine of functions is asked what it lacks when it raises. What is asked of it next then depends on
        what was asked before; here it depends on nothing but what was known when it was found.
        """
        observed = cls.of(engine)
        known = vars(observed)
        known.update({name: known[name].copy() for name in ("_asked", "deadly") if name in known})
        return observed

    def answer(self, case: Case) -> Answer:
        """Compute value and gradient of a case, as the engine does."""
        start, before = time.perf_counter(), self.driver.seconds
        self.meter.questions += 1
        try:
            return super().answer(case)
        finally:
            waited = time.perf_counter() - start
            self.meter.seconds += waited
            after = self.driver.seconds
            self.meter.computing += waited if before is None or after is None else after - before
