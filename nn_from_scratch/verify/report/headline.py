"""What the results say, in a word and a sentence; nothing here judges anything anew."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from nn_from_scratch.verify.report.formats import listed, number, plural, seconds

Results = Mapping[str, Any]

# How a word of the results is shown: its tone is a colour and a symbol.
_TONES = {
    "right": "right",
    "agrees": "right",
    "wrong": "wrong",
    "differs": "wrong",
    "error": "wrong",
    "inaccurate": "inaccurate",
    "interrupted": "interrupted",
    "reached": "right",
    "missed": "inaccurate",
    "improved": "right",
    "regressed": "inaccurate",
    "measured": "measured",
}

_SEVERITY = ("measured", "right", "none", "interrupted", "wrong")  # the gravest part speaks for the page

_BLAMED_SHOWN = 4
_LETTERS = 24  # of a verdict; those that are known are shorter
_UNKNOWN = "The results hold no verdict that this report knows."

GRADES = {
    "rules": "Are values and derivatives of single graphs right in at least half of their digits?",
    "accuracy": "Are they right to the last digits that rounding allows at the engine’s own precision?",
    "state": "Is nothing left over after a second backward, or for two outputs that share a node?",
    "limits": "Do deep graphs, heavy sharing and extreme points neither crash it nor overflow?",
}


@dataclass(frozen=True)
class Part:
    """One of the page's three parts as its results judge it."""

    name: str
    anchor: str
    word: str
    tone: str
    sentence: str


def tone(word: Any) -> str:
    """Return the tone of a word of the results; ``none`` for one that neither praises nor blames."""
    return _TONES.get(word, "none") if isinstance(word, str) else "none"


def gravest(parts: list[Part]) -> Part:
    """Return the part that the top of the page shows."""
    if not parts:
        return Part(
            "Nothing", "top", "Nothing checked", "none", "No results were given, so nothing is shown."
        )
    return max(parts, key=lambda part: _SEVERITY.index(part.tone))


def parts_of(verify: Results | None, moons: Results | None, benchmark: Results | None) -> list[Part]:
    """Return the parts that have results, in the order of the page."""
    return [
        _part(name, anchor, results, sentence)
        for name, anchor, results, sentence in (
            ("Gradients", "gradients", verify, _gradients),
            ("Training", "training", moons, _training),
            ("Speed", "speed", benchmark, _speed),
        )
        if results is not None
    ]


def checked(verify: Results) -> str:
    """Say in one sentence what was checked: engine, graphs, seed, duration, oracles."""
    graphs = verify.get("graphs") or {}
    count, requested = graphs.get("checked"), graphs.get("requested")
    text = f"The gradients of {verify.get('engine') or 'an unnamed engine'}"
    if isinstance(count, int):
        text += f" on {plural(count, 'random graph')}"
        if isinstance(requested, int) and requested != count:
            text += f" of {requested:,} asked for"
    if verify.get("seed") is not None:
        text += f" (seed {verify['seed']})"
    oracles = [
        name for name, oracle in (verify.get("oracles") or {}).items() if oracle.get("available", True)
    ]
    text += f", against {listed(oracles)}" if oracles else ", against no oracle"
    return text + (f", in {seconds(verify['seconds'])}." if verify.get("seconds") is not None else ".")


def facts(verify: Results | None, moons: Results | None, strictness: float | None) -> list[tuple[str, str]]:
    """Return the few numbers that tell how much was checked, each with its words."""
    graphs = ((verify or {}).get("graphs") or {}).get("checked")
    operations = ((verify or {}).get("operations") or {}).values()
    is_right = (verify or {}).get("verdict") == "right"  # else it praises beside what is wrong
    found = [
        (graphs, "random graphs"),
        (sum(bool(operation.get("checked")) for operation in operations), "operations"),
        (strictness if is_right else None, "times as strict as gradcheck, at the median"),
        (_compared(moons or {}), "training iterations compared"),
    ]
    return [(str(number(value)), words) for value, words in found if value]


def _part(name: str, anchor: str, results: Results, sentence: Callable[[Results, str], str]) -> Part:
    word = str(results.get("verdict") or "no verdict")[:_LETTERS]
    stopped = bool(results.get("interrupted"))
    if stopped and tone(word) != "wrong":
        so_far = f" What it says of the part that was done: {word}."
        return Part(name, anchor, "Interrupted", "interrupted", "Stopped before its end." + so_far)
    text = sentence(results, word) + (" It was interrupted before its end." if stopped else "")
    return Part(name, anchor, word[:1].upper() + word[1:], tone(word), text)


def _gradients(verify: Results, word: str) -> str:
    grades = verify.get("grades") or {}
    gated = verify.get("gated")
    gated = list(grades) if gated is None else gated
    wrong = [grade for grade, outcome in grades.items() if tone(outcome) == "wrong"]
    ungated = [grade for grade in wrong if grade not in gated]
    match word:
        case "right":
            text = f"No check found an error in {listed([str(grade) for grade in gated]) or 'any grade'}."
            return text + (f" Wrong, but not gated: {listed(ungated)}." if ungated else "")
        case "wrong":
            blamed = dict.fromkeys(str(failure.get("operation")) for failure in verify.get("failures") or [])
            names = [*list(blamed)[:_BLAMED_SHOWN], *(["others"] if len(blamed) > _BLAMED_SHOWN else [])]
            text = f"Wrong in {listed(wrong)}" if wrong else "A gradient is wrong"
            return f"{text}: {listed(names)}." if names else f"{text}."
        case "not settled":
            names = [str(name) for name in verify.get("not settled") or []]
            shown = [*names[:_BLAMED_SHOWN], *(["others"] if len(names) > _BLAMED_SHOWN else [])]
            of = f" of {listed(shown)}" if shown else ""
            return f"Not every failure{of} was examined, or not all was asked: this is not a pass."
        case "nothing checked":
            return "A run that checked nothing shows nothing: this is not a pass."
    return _UNKNOWN


def _training(moons: Results, word: str) -> str:
    if tone(word) == "right":
        return f"The loss follows the recorded curve through {plural(_compared(moons), 'iteration')}."
    if tone(word) != "wrong":
        return _UNKNOWN
    first = moons.get("first_difference")
    return "It differs from the recorded run" + (
        f", first at iteration {first}." if first is not None else "."
    )


def _compared(moons: Results) -> int:
    return min(len(moons.get("losses") or ()), len(moons.get("reference") or ()))


def _speed(benchmark: Results, word: str) -> str:
    rows = benchmark.get("rows") or []
    aims = [row["outcome"] for row in rows if row.get("outcome")]
    if tone(word) == "wrong":
        return "The two sides computed different things."
    if not rows:
        return "Nothing was measured."
    if aims:
        return f"{plural(len(rows), 'ratio')} measured; {aims.count('reached')} of {len(aims)} aims reached."
    first = rows[0]
    return f"{first.get('name')}: {number(first.get('ratio'))}× as fast as {first.get('baseline')}."
