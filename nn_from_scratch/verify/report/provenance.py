"""Where results come from: what they were computed with, and the commands that make them again."""

import shlex
from collections.abc import Iterator
from typing import Any

from nn_from_scratch.verify.report.formats import listed
from nn_from_scratch.verify.report.headline import Results


def environments(runs: dict[str, Results | None]) -> dict[str, Any]:
    """Return the environments by the runs that agree on them: usually one."""
    groups: list[tuple[list[str], dict[str, Any]]] = []
    for name, results in runs.items():
        environment = (results or {}).get("environment") or {}
        for names, known in groups:
            if all(environment[key] == known[key] for key in environment.keys() & known.keys()):
                names.append(name)
                known.update(environment)
                break
        else:
            groups.append(([name], dict(environment)))
    return {listed(names): environment for names, environment in groups if environment}


def commands(verify: Results | None, moons: Results | None, benchmark: Results | None) -> Iterator[str]:
    """Yield the commands that make these results again."""
    together = verify is not None and moons is not None and benchmark is not None
    if verify is not None:
        command = "report" if together else "verify"
        engine = str(verify.get("spec") or verify.get("engine") or "nn_from_scratch")
        words = ["nn-from-scratch", command, "--engine", engine]
        requested = (verify.get("graphs") or {}).get("requested")
        words += [] if requested is None else ["--graphs", str(requested)]
        words += [] if verify.get("seed") is None else ["--seed", str(verify["seed"])]
        yield shlex.join(words)
    if moons is not None and not together:
        yield "nn-from-scratch moons"
    if benchmark is not None and not together:
        yield "nn-from-scratch benchmark" + (" --whole" if benchmark.get("whole") else "")
