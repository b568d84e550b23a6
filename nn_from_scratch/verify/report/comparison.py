"""The page of a comparison: results in, HTML out."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from nn_from_scratch.verify.report import formats, headline, provenance
from nn_from_scratch.verify.report.headline import Part, Results
from nn_from_scratch.verify.report.page import TEMPLATES, frame

SYMBOLS = {
    "right": "right",
    "convention": "convention",
    "inaccurate": "inaccurate",
    "wrong": "wrong",
    "error": "error",
    "undecided": "undecided",
    "not settled": "unsettled",
    "not supported": "lacking",
    "does not apply": "lacking",
    "not asked": "none",
}
"""The symbol beside each word of a cell; nothing is said by colour alone."""
MEANINGS = {
    "right": "every answer that could be judged is within what rounding allows",
    "convention": "right, but at a kink it gives what one choice at each gives, where there is a derivative",
    "inaccurate": "beyond what rounding allows, at least half of the digits hold",
    "wrong": "an answer is wrong, and the engine does not say so",
    "error": "the engine raises, or its process dies, where there is a derivative",
    "undecided": "no tolerance decides any of the answers",
    "not settled": "not all was asked or examined: this is no pass",
    "not supported": "the engine does not have it",
    "not asked": "nothing is known",
}
_FEW = 6  # columns that fit beside each other


def page_of_comparison(results: Results) -> str:
    """Return one self-contained HTML page about engines that were compared.

    Parameters
    ----------
    results
        What ``nn-from-scratch compare --json`` writes. The page says what they say: it computes no verdict.
        Text is escaped, and the same results give the same page.

    Returns
    -------
    str
        HTML 5 with styles and script inside; it asks the network for nothing. Write it as UTF-8.

    """
    results = formats.printable(results)
    engines = [_engine(k, engine) for k, engine in enumerate(results.get("engines") or [], 1)]
    operations = results.get("operations") or []
    groups = _groups([row for row in operations if not _lacking(row)])
    words = {cell.get("word") for rows in groups.values() for row in rows for cell in row.get("cells") or []}
    return TEMPLATES.get_template("comparison.html").render(
        kind="Conformance matrix",
        results=results,
        engines=engines,
        few=len(engines) <= _FEW,
        groups=groups,
        in_none=[str(row.get("name")) for row in operations if _lacking(row)],
        legend={word: meaning for word, meaning in MEANINGS.items() if word in words},
        symbols=SYMBOLS,
        told=sum(len(engine["failures"]) for engine in engines),
        in_part=_in_part(groups, engines),
        top=_top(results, engines),
        checked=_checked(results),
        facts=_facts(results, engines),
        parts=[engine["part"] for engine in engines],
        commands=_commands(results),
        reproduced="The same versions and seed give the same questions and the same verdicts; times differ.",
        environments=_environments(results, engines),
        **frame(style="comparison.css"),
    )


def _engine(number: int, engine: Results) -> dict[str, Any]:
    """Return an engine as the page shows it: its column, and where on the page it is told of."""
    word = str(engine.get("verdict") or "no verdict")
    if engine.get("outcome") != "asked":
        word = str(engine.get("outcome") or "not asked")
    label = str(engine.get("label") or engine.get("name") or engine.get("spec") or f"engine {number}")
    versions = engine.get("versions") or {}
    return {
        "of": engine,
        "label": label,
        "heading": Markup("_<wbr>").join(label.split("_")),
        "version": ", ".join(str(version) for version in versions.values()),
        "anchor": f"engine-{number}",
        "failures": (engine.get("results") or {}).get("failures") or [],
        "part": Part(label, f"engine-{number}", word.capitalize(), headline.tone(word), _sentence(engine)),
    }


def _sentence(engine: Results) -> str:
    """Say how many operations of an engine are right, or why it was not asked."""
    if engine.get("results") is None:
        return str(engine.get("message") or "It was asked nothing.")
    counts = engine.get("counts") or {}
    asked = sum(count for word, count in counts.items() if word not in ("not supported", "not asked"))
    right = counts.get("right", 0) + counts.get("convention", 0)
    if not engine.get("complete"):
        return "Not all was asked: no operation is called right." + _wrong_in(engine)
    return f"{right} of {formats.plural(asked, 'operation')} right." + _wrong_in(engine)


def _wrong_in(engine: Results) -> str:
    grades = engine.get("grades") or {}
    wrong = [str(grade) for grade, outcome in grades.items() if headline.tone(outcome) == "wrong"]
    return f" Wrong in {formats.listed(wrong)}." if wrong else ""


def _top(results: Results, engines: Sequence[Mapping[str, Any]]) -> Part:
    """Return what the top of the page says: a comparison has no verdict of its own."""
    if not engines:
        return Part("", "top", "Nothing compared", "none", "No engine was asked anything.")
    names = [str(engine["label"]) for engine in engines]
    alike = all(results.get(key) is not None for key in ("graphs", "seed"))
    asked = "asked the same questions" if alike else "in runs that drew different random graphs"
    sentence = f"{formats.listed(names)}, {asked}. The true numbers judge."
    if results.get("interrupted"):
        return Part("", "top", "Interrupted", "interrupted", f"Stopped before its end: {sentence}")
    return Part("", "top", f"{formats.plural(len(engines), 'engine')}", "measured", sentence)


def _checked(results: Results) -> str:
    text = "Every operation in every form and role"
    if results.get("graphs") is not None:
        text += f", then {formats.plural(results['graphs'], 'random graph')}"
        text += f" (seed {results['seed']})" if results.get("seed") is not None else ""
    text += ", values and derivatives, against balls that enclose the truth"
    return text + (
        f"; in {formats.seconds(results['seconds'])}." if results.get("seconds") is not None else "."
    )


def _facts(results: Results, engines: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Return the few numbers that tell how much was asked, each with its words."""
    checked = {
        kind: sum(
            ((engine["of"].get("results") or {}).get(kind) or {}).get("checked") or 0 for engine in engines
        )
        for kind in ("direct", "graphs")
    }
    told = sum(len(engine["failures"]) for engine in engines)
    found = [
        (checked["direct"], "direct questions answered"),
        (checked["graphs"], "random graphs answered"),
        (len(results.get("operations") or []), "operations"),
        (told, "counterexample, with its script" if told == 1 else "counterexamples, each with its script"),
    ]
    return [(str(formats.number(value)), words) for value, words in found if value]


def _lacking(row: Results) -> bool:
    """Whether no engine has an operation."""
    cells = row.get("cells") or []
    return bool(cells) and all(cell.get("word") == "not supported" for cell in cells)


def _groups(rows: Sequence[Results]) -> dict[str, list[Results]]:
    """Return the rows of the matrix by their groups, in order, each with its number."""
    groups: dict[str, list[Results]] = {}
    for number, row in enumerate(rows, 1):
        groups.setdefault(str(row.get("group") or "operations"), []).append({**row, "number": number})
    return groups


def _in_part(
    groups: Mapping[str, Sequence[Results]], engines: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return what of an operation that it has an engine does not support, by engine."""
    found = []
    for k, engine in enumerate(engines):
        notes = [
            {"name": row.get("name"), "note": cell["note"], "anchor": f"part-{k + 1}-{row['number']}"}
            for rows in groups.values()
            for row in rows
            for cell in (row.get("cells") or [])[k : k + 1]
            if cell.get("note") and cell.get("word") != "not supported"
        ]
        if notes:
            found.append({"label": engine["label"], "notes": notes})
    return found


def _environments(results: Results, engines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what the engines were asked with: usually the same for all, but runs may be set side by side."""
    asked = [engine for engine in engines if engine["of"].get("results")]
    each = {str(engine["label"]): engine["of"]["results"] for engine in asked}
    return provenance.environments(each) or provenance.environments({"compare": results})


def _commands(results: Results) -> list[str]:
    """Return the commands that make the results again: one, or one for each of several runs."""
    if results.get("commands"):
        return [shlex.join(["nn-from-scratch", *map(str, words)]) for words in results["commands"]]
    specs = [str(engine.get("spec")) for engine in results.get("engines") or []]
    words = ["nn-from-scratch", "compare", *specs]
    for option in ("graphs", "seed"):
        words += [] if results.get(option) is None else [f"--{option}={results[option]}"]
    return [shlex.join(words)]
