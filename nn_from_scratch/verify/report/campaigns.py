"""The page of campaigns: the results of one, or of several runs side by side, in; HTML out."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence
from typing import Any

from nn_from_scratch.verify.report import formats, headline
from nn_from_scratch.verify.report.headline import Part, Results
from nn_from_scratch.verify.report.page import FAILURES_SHOWN, TEMPLATES, frame

VERDICTS = ("right", "convention", "undecided", "inaccurate", "error", "wrong")
_GRAVE = ("wrong", "not settled", "nothing checked", "right")  # which verdict speaks for the page


def page_of_campaigns(campaigns: Sequence[Results]) -> str:
    """Return one self-contained HTML page about campaigns, a column each.

    Parameters
    ----------
    campaigns
        What ``nn-from-scratch campaign STORE --json`` writes, of one store or of several. The page says what
        they say: it computes no verdict. Text is escaped, and the same results give the same page.

    Returns
    -------
    str
        HTML 5 with styles, script and drawings inside; it asks the network for nothing. Write it as UTF-8.

    """
    campaigns = formats.printable(list(campaigns))
    labels = _labels(campaigns)
    runs = [_run(k, label, of) for k, (label, of) in enumerate(zip(labels, campaigns, strict=True), 1)]
    told = [len(run["of"].get("failures") or []) for run in runs]
    return TEMPLATES.get_template("campaigns.html").render(
        kind="Campaign" if len(runs) == 1 else "Campaigns",
        runs=runs,
        verdicts=VERDICTS,
        operations=_rows(campaigns, "operations"),
        oracles=_rows(campaigns, "oracles"),
        told=sum(told),
        failures_shown=FAILURES_SHOWN,
        top=_top(runs),
        checked=_checked(campaigns),
        facts=_facts(campaigns),
        parts=[run["part"] for run in runs],
        commands=[_command(of) for of in campaigns],
        reproduced="The same versions, engine and seed give the same graphs and the same totals.",
        environments={label: _environment(of) for label, of in zip(labels, campaigns, strict=True)},
        **frame(style="comparison.css"),
    )


def _run(number: int, label: str, of: Results) -> dict[str, Any]:
    word = str(of.get("verdict") or "no verdict")
    blamed: Counter[str] = Counter()
    for failure in of.get("failures") or []:
        blamed.update({str(failure.get("operation")), *map(str, failure.get("operations") or ())})
    part = Part(label, f"run-{number}", word.capitalize(), headline.tone(word), _sentence(of))
    return {"of": of, "label": label, "anchor": f"run-{number}", "part": part, "blamed": blamed}


def _labels(campaigns: Sequence[Results]) -> list[str]:
    """Return what the columns are called: engines, with what tells those of one name apart."""
    plans = [of.get("plan") or {} for of in campaigns]
    labels = [str(plan.get("name") or f"campaign {k}") for k, plan in enumerate(plans, 1)]
    for key in ("seed", "dtype", "suite"):
        if len(set(labels)) < len(labels) and len({str(plan.get(key)) for plan in plans}) > 1:
            labels = [f"{label}, {key} {plan.get(key)}" for label, plan in zip(labels, plans, strict=True)]
    if len(set(labels)) < len(labels):
        labels = [f"{label} ({k})" for k, label in enumerate(labels, 1)]
    return labels


def _sentence(of: Results) -> str:
    """Say how many graphs were asked, and what is to blame."""
    graphs = of.get("graphs") or {}
    checked, requested = graphs.get("checked") or 0, graphs.get("requested") or 0
    text = f"{formats.plural(checked, 'graph')}" + (f" of {requested:,}" if not of.get("complete") else "")
    names = list(dict.fromkeys(str(failure.get("operation")) for failure in of.get("failures") or []))
    if names:
        shown = [*names[:4], *(["others"] if len(names) > 4 else [])]
        return f"{text}: to blame {'is' if len(shown) == 1 else 'are'} {formats.listed(shown)}."
    return f"{text}."


def _top(runs: Sequence[dict[str, Any]]) -> Part:
    """Return what the top of the page says: the gravest verdict."""
    if not runs:
        return Part("", "top", "Nothing checked", "none", "No campaign was given, so nothing is shown.")
    words = [str(run["of"].get("verdict") or "no verdict") for run in runs]
    word = next((word for word in _GRAVE if word in words), words[0])
    if len(runs) == 1:
        sentence = runs[0]["part"].sentence
    else:
        counts = [f"{words.count(each)} {each}" for each in dict.fromkeys(words)]
        sentence = f"Of {formats.plural(len(runs), 'campaign')}: {formats.listed(counts)}."
    if word == "right" and not all(run["of"].get("complete") for run in runs):
        sentence += " Not all graphs that were asked for have been asked."
    return Part("", "top", word.capitalize(), headline.tone(word), sentence)


def _checked(campaigns: Sequence[Results]) -> str:
    names = list(dict.fromkeys(str((of.get("plan") or {}).get("name")) for of in campaigns))
    return (
        f"The gradients of {formats.listed(names)} on random graphs, values and derivatives, against balls "
        "that enclose the truth. No state, no limits and no direct questions were asked."
    )


def _facts(campaigns: Sequence[Results]) -> list[tuple[str, str]]:
    failures = sum(len(of.get("failures") or []) for of in campaigns)
    found = [
        (sum((of.get("graphs") or {}).get("checked") or 0 for of in campaigns), "random graphs"),
        (len(_rows(campaigns, "operations")), "operations"),
        (failures, "failure, with its script" if failures == 1 else "failures, each with its script"),
    ]
    return [(str(formats.number(value)), words) for value, words in found if value]


def _rows(campaigns: Sequence[Results], key: str) -> dict[str, list[Any]]:
    """Return by names what each campaign says of it; None where it says nothing."""
    names = dict.fromkeys(name for of in campaigns for name in of.get(key) or {})
    return {name: [(of.get(key) or {}).get(name) for of in campaigns] for name in sorted(names)}


def _command(of: Results) -> str:
    plan = of.get("plan") or {}
    graphs = (of.get("graphs") or {}).get("requested") or 0
    words = ["--engine", plan.get("engine"), "--seed", plan.get("seed"), "--graphs", graphs]
    return shlex.join(["nn-from-scratch", "campaign", "campaign.db", *map(str, words)])


def _environment(of: Results) -> dict[str, Any]:
    plan = of.get("plan") or {}
    return {
        "nn_from_scratch": plan.get("suite"),
        "python-flint": plan.get("flint"),
        "dtype": plan.get("dtype"),
    }
