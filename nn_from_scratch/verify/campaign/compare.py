"""The conformance matrix: several engines are asked the same questions, and told side by side.

A comparison as JSON, schema 1 (strict: no NaN or Infinity literals):

`schema`, `kind` ("comparison"), `graphs`, `seed`, `seconds`, `interrupted`, `environment`
    What was asked, and with what.
`engines`
    One object an engine: `spec`, `name`, `label` (its column), `versions` by package; `outcome` ("asked",
    "interrupted", "not asked" or "cannot be asked", and `message` why); `verdict`, `grades`, `complete`
    (whether it was asked all), `counts` of operations by word, `elsewhere` (positions of failures of single
    graphs that no operation has to answer for), `largest` errors in `tolerances` and `ulps`, `depth` (see
    `depth`), `seconds_per_graph`; and `results`: what `verify` says (schema 2, without the numbers of every
    graph), with `kinks`, the verdicts there. It is null of an engine that was asked nothing.
`operations`, `state`, `kinks`
    The matrices: one object a row, whose `cells` are in the order of the engines (`cells.py`). Rows of
    operations have a `group`, those of state a `grade`, kinks the one-sided derivatives, `between` which an
    answer may lie.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

from nn_from_scratch.verify import state
from nn_from_scratch.verify.campaign.cells import asked_all, elsewhere, kink_cell, operation_cell, state_cell
from nn_from_scratch.verify.campaign.environment import environment
from nn_from_scratch.verify.campaign.grades import GRADES
from nn_from_scratch.verify.campaign.inquiry import Progress
from nn_from_scratch.verify.campaign.kinks import AtKinks, ask_at_kinks
from nn_from_scratch.verify.campaign.verify import verify
from nn_from_scratch.verify.engines.engine import Engine, EngineError
from nn_from_scratch.verify.engines.installed import versions
from nn_from_scratch.verify.judging.conventions import KINKS
from nn_from_scratch.verify.questions.operations import ARRAYS, CATALOGUE, OPERATIONS

Find = Callable[[str], Engine]
"""Finds an engine by its spec; raises `EngineError` if it cannot be loaded."""
Entry = dict[str, Any]
"""What is known of one engine."""


def compare(
    specs: Sequence[str],
    find: Find,
    *,
    graphs: int = 300,
    seed: int = 0,
    seconds: float = 1800.0,
    grades: Collection[str] = GRADES,
    progress: Progress | None = None,
) -> Iterator[dict[str, Any]]:
    """Ask engines the same questions, one engine after the other.

    Parameters
    ----------
    specs
        The engines, as `find` takes them.
    find
        Finds an engine, in a process of its own if it is not to end this one.
    graphs
        How many random graphs each is asked, after all direct questions.
    seed
        Which graphs: the same for every engine, but for what it lacks.
    seconds
        How long each engine may take to answer.
    grades
        What the verdict on an engine depends on: as of `verify`.
    progress
        Called as progress(done, graphs, words).

    Yields
    ------
    dict
        The comparison so far, ready for JSON, after every engine: whatever happens to the next one, these
        results stand. After an interruption it is the last, with the engines that are left "not asked".

    """
    start = time.perf_counter()
    entries = [_entry(spec) for spec in specs]
    questions = {"graphs": graphs, "seed": seed, "seconds": seconds, "grades": grades}
    for number, entry in enumerate(entries, 1):
        report = _reporting(progress, f"{entry['spec']} ({number} of {len(entries)})")
        interrupted = not _ask(entry, find, report, questions)
        yield {
            "schema": 1,
            "kind": "comparison",
            "graphs": graphs,
            "seed": seed,
            "seconds": round(time.perf_counter() - start, 3),
            "interrupted": interrupted,
            "environment": environment(),
            **_side_by_side(entries),
        }
        if interrupted:
            return


def beside(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Set the results of several runs side by side, as a comparison: nothing is asked.

    Parameters
    ----------
    found
        Results of `verify` and of `compare`, as read from their JSON. Their seeds and numbers of graphs may
        differ: each stands in its own results, and the comparison has them only where all agree. It has the
        `commands` that make the runs again, as lists of words.

    Raises
    ------
    KeyError, TypeError
        If one is not whole.

    """
    runs = [_run(results) for results in found]
    same = {key: {run[key] for run in runs} for key in ("graphs", "seed")}
    return {
        "schema": 1,
        "kind": "comparison",
        **{key: values.pop() if len(values) == 1 else None for key, values in same.items()},
        "seconds": round(sum(results["seconds"] for results in found), 3),
        "interrupted": any(results["interrupted"] for results in found),
        "environment": dict(found[0]["environment"]) if found else {},
        "commands": [[*run["command"], f"--graphs={run['graphs']}", f"--seed={run['seed']}"] for run in runs],
        **_side_by_side([entry for run in runs for entry in run["entries"]]),
    }


def _run(results: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a run asked, of which engines, and the command for it."""
    if results.get("kind") == "comparison":
        entries = [{key: engine[key] for key in _entry("")} for engine in results["engines"]]
        command, graphs = ["compare", *(entry["spec"] for entry in entries)], results["graphs"]
    else:
        spec = str(results.get("spec") or results["engine"])
        outcome = "interrupted" if results["interrupted"] else "asked"
        told = {"name": results["engine"], "outcome": outcome, "results": _kept(results)}
        entries = [_entry(spec) | told]
        command, graphs = ["verify", f"--engine={spec}"], results["graphs"]["requested"]
    return {"entries": entries, "command": command, "graphs": graphs, "seed": results["seed"]}


def _entry(spec: str) -> Entry:
    """Return what is known of an engine before it is asked."""
    return {
        "spec": spec,
        "name": spec,
        "versions": {},
        "outcome": "not asked",
        "message": "",
        "results": None,
    }


def _ask(entry: Entry, find: Find, progress: Progress, questions: Mapping[str, Any]) -> bool:
    """Ask one engine, and put what is found into its entry; return False after an interruption."""
    try:
        progress(0, questions["graphs"], "loading")
        engine = find(entry["spec"])
        with closing(engine.driver):
            entry["name"] = engine.name
            entry["versions"] = versions(engine)
            found = verify(engine, jobs=1, progress=progress, **questions)
            entry["outcome"] = "interrupted" if found["interrupted"] else "asked"
            entry["results"] = _kept(found)
            if not found["interrupted"]:
                progress(questions["graphs"], questions["graphs"], "asking at kinks")
                _add_kinks(entry["results"], ask_at_kinks(engine))
    except EngineError as error:
        entry |= {"outcome": "cannot be asked", "message": str(error)}
        return True
    except KeyboardInterrupt:
        entry["outcome"] = "interrupted"
        return False
    return not found["interrupted"]


def _kept(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a comparison has use for: all but the numbers of every graph."""
    return {key: value for key, value in found.items() if key != "checks"} | {"kinks": {}}


def _add_kinks(results: dict[str, Any], found: AtKinks) -> None:
    """Add the verdicts at kinks to what `verify` says, and failures of operations that have none so far."""
    blamed = {one["operation"] for one in results["failures"]}
    results["kinks"] = found.verdicts
    results["failures"] += [one for one in found.failures if one["operation"] not in blamed]
    if found.failures:
        results["verdict"] = "wrong"
        results["grades"] |= {one["grade"]: "wrong" for one in found.failures}


def _reporting(progress: Progress | None, whose: str) -> Progress:
    """Return what is told of one engine's progress, with its name."""

    def report(done: int, of: int, words: str) -> None:
        if progress is not None:
            progress(done, of, f"{whose}: {words}")

    return report


def _side_by_side(entries: Sequence[Entry]) -> dict[str, Any]:
    """Return the engines, and the three matrices: cells are in the order of the engines."""
    found = [entry["results"] for entry in entries]
    operations: list[dict[str, Any]] = [
        {"name": name, "group": group_of(name), "cells": [operation_cell(results, name) for results in found]}
        for name in OPERATIONS
    ]
    checks = [
        {"name": name, "grade": check.grade, "cells": [state_cell(results, name) for results in found]}
        for name, check in state.CHECKS.items()
    ]
    between = {kink.at: kink.between() for kink in KINKS}
    kinks = [
        {"at": at, "between": ends, "cells": [kink_cell(results, at) for results in found]}
        for at, ends in between.items()
    ]
    labels = _labels(entries)
    return {
        "engines": [
            entry | {"label": labels[k]} | _summary(entry["results"], [row["cells"][k] for row in operations])
            for k, entry in enumerate(entries)
        ],
        "operations": operations,
        "state": checks,
        "kinks": kinks,
    }


def group_of(name: str) -> str:
    """Return in which group of the matrix an operation stands."""
    if name in ARRAYS:
        return "arrays as a whole"
    if name not in CATALOGUE:
        return "of libraries for science"
    if CATALOGUE[name].symbol:
        return "operators"
    return "functions" if CATALOGUE[name].distance is None else "kinks, ties and jumps"


def _labels(entries: Sequence[Entry]) -> list[str]:
    """Return what the columns are called: names; with the spec or the run where two engines share one."""
    specs: dict[str, set[str]] = {}
    for entry in entries:
        specs.setdefault(entry["name"], set()).add(entry["spec"])
    labels = [
        entry["name"] if len(specs[entry["name"]]) == 1 else f"{entry['name']} ({entry['spec']})"
        for entry in entries
    ]
    often = Counter(labels)
    return [
        label if often[label] == 1 else f"{label} (run {labels[: k + 1].count(label)})"
        for k, label in enumerate(labels)
    ]


def _summary(results: Mapping[str, Any] | None, cells: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what is said of an engine as a whole; nothing is known of one without results."""
    words = Counter(cell["word"] for cell in cells)
    computing = results["engine_seconds"]["graphs"] if results else 0.0  # 0 too where an engine does not say
    asked = (results["graphs"]["checked"] + results["second_order"]["checked"]) if results else 0
    return {
        "verdict": results["verdict"] if results else "nothing checked",
        "complete": bool(results) and asked_all(results or {}),
        "grades": results["grades"] if results else {},
        "counts": dict(words),
        "elsewhere": elsewhere(results["failures"], OPERATIONS.keys()) if results else [],
        "largest": {unit: _largest(cells, unit) for unit in ("tolerances", "ulps")},
        "depth": depth(results["state"] if results else []),
        "seconds_per_graph": computing / asked if computing and asked else None,
    }


def _largest(cells: Sequence[Mapping[str, Any]], unit: str) -> dict[str, Any] | None:
    """Return the largest error of an engine in a unit, and the operation that has it."""
    errors = {name: cell[unit] for name, cell in zip(OPERATIONS, cells, strict=True)}
    known = {name: error for name, error in errors.items() if error is not None}
    if not known:
        return None
    operation = max(known, key=known.__getitem__)
    return {"error": known[operation], "operation": operation}


def depth(rows: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """Return how deep a chain an engine gets through, and what happens to the next longer one.

    Returns
    -------
    dict
        `reached` is the longest chain that was right, as were all shorter ones, None if there is none; `next`
        the chain after it, with its `outcome` ("not asked" where nobody asked it) and `message`; both None
        where the longest was right.

    """
    outcomes = {row["name"]: row for row in rows}
    reached = None
    for length, name in sorted(state.CHAINS.items()):
        row = outcomes.get(name, {"outcome": "not asked", "message": ""})
        if row["outcome"] != "right":
            return {"reached": reached, "next": length, "outcome": row["outcome"], "message": row["message"]}
        reached = length
    return {"reached": reached, "next": None, "outcome": None, "message": ""}
