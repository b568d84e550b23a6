"""What is heard of an engine that does something else beside its gradients, asked in a process of its own."""

import os
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from nn_from_scratch.verify import Verdict
from nn_from_scratch.verify.engines.deaths import NotAskedError
from nn_from_scratch.verify.engines.wire.isolated import isolated
from nn_from_scratch.verify.engines.wire.limits import Limits
from nn_from_scratch.verify.judging.examine import examine
from nn_from_scratch.verify.questions.generate import case, seeded

LIMITS = Limits(program=2.0, grown=2.0, memory=200 << 20, deaths=2, in_a_row=2, lost=6.0)
"""Those of a test, which waits for an engine for two seconds at most."""


@dataclass
class Heard:
    """What came of some questions."""

    verdicts: set[Verdict]
    errors: str
    deaths: set[str]


def heard(path: Path, deed: str) -> Heard:
    """Ask the engine that does a deed now and then."""
    engine = isolated(f"{path}:{deed.replace(' ', '_')}", limits=LIMITS)
    verdicts, errors = set(), []
    with closing(engine.driver), suppress(NotAskedError):
        for index in range(30):
            seen = examine(engine, case(seeded(1, index), engine.forms))
            verdicts.add(seen.verdict)
            errors.append(seen.error)
    wait_until_ended(path)
    return Heard(verdicts, " ".join(errors), {death.kind for death in engine.driver.deaths})


def wait_until_ended(path: Path) -> None:
    """Wait for the processes of a file's engines, which have been killed."""
    end = time.monotonic() + 20
    while processes_of(path):
        assert time.monotonic() < end, processes_of(path)
        time.sleep(0.05)


def processes_of(path: Path) -> list[str]:
    """Return the processes that were started for the engines of a file."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if any(str(path) in word for word in words) and str(os.getpid()) != entry.parent.name:
            found.append(" ".join(words))
    return found
