"""The page of functions: results in, HTML out."""

from __future__ import annotations

import math
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nn_from_scratch.verify.report import formats, headline, provenance
from nn_from_scratch.verify.report.figures.entries import entry_errors
from nn_from_scratch.verify.report.headline import Part, Results
from nn_from_scratch.verify.report.page import TEMPLATES, frame

ENTRIES_SHOWN = 100
_ACCUSING = ("inaccurate", "wrong", "error")
_GRAVE = ("wrong", "undecided", "nothing checked", "right")  # which run's verdict speaks for the page


def page_of_functions(runs: Sequence[Results]) -> str:
    """Return one self-contained HTML page about functions that were checked, in one run or in several.

    Parameters
    ----------
    runs
        What ``nn-from-scratch check --json`` writes, of each run. The page says what they say: it computes
        no verdict. Text is escaped, and the same results give the same page.

    Returns
    -------
    str
        HTML 5 with styles, script and drawings inside; it asks the network for nothing. Write it as UTF-8.

    """
    runs = formats.printable(list(runs))
    functions = [function for run in runs for function in run.get("functions") or []]
    names = _names(runs)
    parts = [
        _part(name, function, f"function-{k}")
        for k, (name, function) in enumerate(zip(names, functions, strict=True), 1)
    ]
    anchors = [_anchors(function, part.anchor) for function, part in zip(functions, parts, strict=True)]
    return TEMPLATES.get_template("functions.html").render(
        title=formats.listed(_specs(runs)) or "functions",
        top=_top(runs, functions, parts),
        checked=_checked(runs, functions),
        facts=_facts(functions),
        parts=parts,
        promises=_promises(functions, anchors),
        functions=[
            {
                "part": part,
                "of": function,
                "anchors": anchors[k - 1],
                "drawing": entry_errors(f"entries-{k}", function),
                "grids": grids(function),
                "entries": shown(function.get("entries") or []),
            }
            for k, (function, part) in enumerate(zip(functions, parts, strict=True), 1)
        ],
        accusing=_ACCUSING,
        commands=[shlex.join(["nn-from-scratch", *map(str, _command(run))]) for run in runs],
        reproduced="The same versions and seed give the same verdicts, if the functions are the same.",
        environments=provenance.environments(
            {"check" if len(runs) == 1 else f"run {k}": run for k, run in enumerate(runs, 1)}
        ),
        **frame(),
    )


def _command(run: Results) -> Sequence[Any]:
    return run.get("command") or ["check", str(run.get("spec") or "")]


def _specs(runs: Sequence[Results]) -> list[str]:
    return list(dict.fromkeys(str(run["spec"]) for run in runs if run.get("spec")))


def _names(runs: Sequence[Results]) -> list[str]:
    """Return what each function of each run is called, with what tells those of one name apart."""
    told = [
        (str(function.get("name")), str(run.get("spec")), f"run {k}")
        for k, run in enumerate(runs, 1)
        for function in run.get("functions") or []
    ]
    same = Counter(name for name, _, _ in told)
    asked_once = Counter((name, spec) for name, spec, _ in told)
    return [
        name if same[name] == 1 else f"{name} ({spec if asked_once[name, spec] == 1 else run})"
        for name, spec, run in told
    ]


def _anchors(function: Mapping[str, Any], anchor: str) -> dict[str, str]:
    """Return by promises where what broke them is told."""
    failures = function.get("failures") or []
    return {str(failure.get("row")): f"{anchor}-failure-{k}" for k, failure in enumerate(failures, 1)}


def _promises(
    functions: Sequence[Mapping[str, Any]], anchors: Sequence[Mapping[str, str]]
) -> dict[str, list[Any]]:
    """Return by promises the verdict on each function and where more is told; None where it was not asked."""
    verdicts = [
        {str(row.get("name")): row.get("verdict") for row in function.get("rows") or []}
        for function in functions
    ]
    names = dict.fromkeys(name for of in verdicts for name in of)
    return {
        name: [
            {"verdict": of[name], "anchor": where.get(name, f"function-{k}")} if of.get(name) else None
            for k, (of, where) in enumerate(zip(verdicts, anchors, strict=True), 1)
        ]
        for name in names
    }


def _part(name: str, function: Mapping[str, Any], anchor: str) -> Part:
    word = str(function.get("verdict") or "no verdict")
    return Part(name, anchor, word.capitalize(), headline.tone(word), _sentence(function))


def _sentence(function: Mapping[str, Any]) -> str:
    """Say what is wrong, or how much was seen to be right, in a sentence."""
    rows = function.get("rows") or []
    verdict = function.get("verdict")
    if verdict in ("right", "convention"):
        said = next((str(row.get("said") or "") for row in rows if row.get("verdict") == verdict), "")
        first = said.partition("\n")[0]
        return first[:1].upper() + first[1:] + "." if first else "Nothing that was asked is wrong."
    accusing = [row for row in rows if row.get("verdict") in _ACCUSING]
    if accusing:
        names = formats.listed([str(row.get("name")) for row in accusing])
        causes = [str(cause) for cause in function.get("causes") or []]
        said = str(accusing[0].get("said") or "").partition("\n")[0]
        more = f"Likely cause: {causes[0]}." if causes else f"{said[:1].upper()}{said[1:]}." if said else ""
        return f"Not right: {names}. {more}".rstrip()
    return "It could not be decided: this is not a pass."


def _top(runs: Sequence[Results], functions: Sequence[Mapping[str, Any]], parts: Sequence[Part]) -> Part:
    """Return what the top of the page says: that of the one function, or a count of several."""
    words = [str(run.get("verdict") or "no verdict") for run in runs]
    word = next((word for word in _GRAVE if word in words), words[0] if words else "nothing checked")
    shown_word, tone = word.capitalize(), headline.tone(word)
    if any(run.get("interrupted") for run in runs) and tone != "wrong":
        return Part("", "top", "Interrupted", "interrupted", "Stopped before its end: this is not a pass.")
    if len(parts) == 1:
        return Part("", "top", shown_word, tone, parts[0].sentence)
    counts = [
        f"{count} {verdict}"
        for verdict in ("error", "wrong", "inaccurate", "undecided", "convention", "right")
        if (count := sum(function.get("verdict") == verdict for function in functions))
    ]
    sentence = f"Of {formats.plural(len(parts), 'function')}: {formats.listed(counts)}." if counts else ""
    return Part("", "top", shown_word, tone, sentence or "Nothing was checked: this is not a pass.")


def _checked(runs: Sequence[Results], functions: Sequence[Mapping[str, Any]]) -> str:
    text = f"The gradient of {formats.listed(_specs(runs)) or 'nothing'}"
    if len(functions) == 1 and functions[0].get("door"):
        text += f", a function of {_DOORS.get(functions[0]['door'], functions[0]['door'])}"
    seeds = {run.get("seed") for run in runs} - {None}
    if len(seeds) == 1:
        text += f" (seed {seeds.pop()})"
    if len(runs) > 1:
        text += f", in {len(runs)} runs"
    seconds = [run["seconds"] for run in runs if run.get("seconds") is not None]
    return text + (f", in {formats.seconds(sum(seconds))}." if seconds else ".")


_DOORS = {"numpy": "numpy’s arrays", "pytorch": "PyTorch’s tensors", "jax": "JAX’s arrays"}


def _facts(functions: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Return the few numbers that tell how much was checked, each with its words."""
    rows = [row for function in functions for row in function.get("rows") or []]
    answered = sum(row.get("verdict") != "not supported" for row in rows)
    found = [
        (len(functions) if len(functions) > 1 else None, "functions"),
        (sum(function.get("numbers") or 0 for function in functions), "numbers differentiated"),
        (answered, "promises checked" if answered != 1 else "promise checked"),
        (sum(len(function.get("entries") or []) for function in functions), "entries asked one by one"),
    ]
    return [(str(formats.number(value)), words) for value, words in found if value]


def shown(entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the entries of the table, what is wrong first, and how many more there are."""
    ranked = sorted(entries, key=_rank)
    return {"rows": ranked[:ENTRIES_SHOWN], "more": max(0, len(ranked) - ENTRIES_SHOWN)}


def _rank(entry: Mapping[str, Any]) -> int:
    verdict = entry.get("verdict")
    return 0 if verdict in _ACCUSING else 1 if verdict == "undecided" else 2


def grids(function: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the entries of each array in its own shape, as rows of cells: patterns are seen there.

    Of an array of three or more axes all but the last are one. Only arrays of which every entry was asked
    are drawn, and only if something in the gradient is wrong.
    """
    entries = function.get("entries") or []
    if not any(_rank(entry) == 0 for entry in entries):
        return []
    found = []
    for k, one in enumerate(function.get("inputs") or []):
        shape = [int(size) for size in one.get("shape") or []]
        own = [entry for entry in entries if entry.get("input") == k]
        if not shape or len(own) != math.prod(shape) or len(own) < 2:
            continue
        by_place = sorted(own, key=lambda entry: int(entry.get("place") or 0))
        columns = shape[-1]
        rows = [
            {"name": _row_name(start, shape), "cells": by_place[start : start + columns]}
            for start in range(0, len(by_place), columns)
        ]
        found.append({"name": one.get("name"), "rows": rows, "columns": range(columns)})
    return found


def _row_name(start: int, shape: Sequence[int]) -> str:
    *before, _ = (int(i) for i in np.unravel_index(start, tuple(shape)))
    return f"[{', '.join(map(str, before))}, :]" if before else "[:]"
