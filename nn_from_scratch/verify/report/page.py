"""The page: results in, HTML out."""

import base64
import hashlib
from collections import Counter
from importlib.resources import files
from typing import Any

import jinja2
from markupsafe import Markup

from nn_from_scratch.verify.report import animation, formats, headline, provenance
from nn_from_scratch.verify.report.causes import causes
from nn_from_scratch.verify.report.entries import coordinates, entries
from nn_from_scratch.verify.report.figures import errors, growth, speed, training
from nn_from_scratch.verify.report.figures.around import around
from nn_from_scratch.verify.report.figures.graph import graph
from nn_from_scratch.verify.report.figures.power import smallest_errors
from nn_from_scratch.verify.report.headline import Results
from nn_from_scratch.verify.report.margins import margins
from nn_from_scratch.verify.report.steps import steps

FAILURES_SHOWN = 25

TEMPLATES = jinja2.Environment(
    loader=jinja2.PackageLoader("nn_from_scratch.verify.report"),
    autoescape=True,
    undefined=jinja2.ChainableUndefined,  # results may lack what is optional, at any depth
    finalize=lambda value: formats.shown(value) if value is None else value,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
TEMPLATES.filters |= {
    "exact": formats.exact,
    "number": lambda value: formats.raised(formats.number(value)),
    "quantity": lambda value, unit: formats.raised(formats.quantity(value, unit)),
    "raised": formats.raised,
    "seconds": formats.seconds,
    "tone": headline.tone,
}
TEMPLATES.globals |= {
    "causes": causes,
    "around": around,
    "coordinates": coordinates,
    "entries": entries,
    "graph": graph,
    "steps": steps,
}


def page(
    *,
    verify: Results | None = None,
    moons: Results | None = None,
    benchmark: Results | None = None,
    power: Results | None = None,
) -> str:
    """Return one self-contained HTML page that shows the results of up to three runs.

    The page says what the results say: it computes no verdict. Text in the results is escaped, and
    characters that no page may hold are replaced. The same results give the same page.

    Parameters
    ----------
    verify, moons, benchmark
        The results of ``nn-from-scratch verify``, ``moons`` and ``benchmark`` as read from their JSON;
        None for a run that was not made. A run may be interrupted, wrong or empty, keys that are not
        known are ignored, and optional ones may be missing.
    power
        The recorded detection power, as ``detection_power`` reads it; None leaves its section out.

    Returns
    -------
    str
        HTML 5 with styles, script and drawings inside; it asks the network for nothing. Write it as UTF-8.
    """
    verify, moons, benchmark, power = formats.printable([verify, moons, benchmark, power])
    parts = headline.parts_of(verify, moons, benchmark)
    drawings = _drawings(verify or {}, moons or {}, benchmark or {}, power or {})
    return TEMPLATES.get_template("page.html").render(
        verify=verify,
        moons=moons,
        benchmark=benchmark,
        power=power,
        checked=headline.checked(verify) if verify is not None else None,
        parts=parts,
        top=headline.gravest(parts),
        facts=headline.facts(verify, moons, drawings["strictness"]),
        grades=headline.GRADES,
        failures_shown=FAILURES_SHOWN,
        **_links(verify or {}),
        lacking=_lacking(verify or {}),
        noted=_noted(verify or {}),
        logs=_logs(moons or {}),
        margins=margins((verify or {}).get("checks")),
        environments=provenance.environments({"verify": verify, "moons": moons, "benchmark": benchmark}),
        commands=list(provenance.commands(verify, moons, benchmark)),
        **frame(animation.script_hash()),
        animation=animation.html(moons["animation"]) if moons and moons.get("animation") else None,
        **drawings,
    )


def frame(*hashes: str, style: str = "") -> dict[str, Any]:
    """Return what every page has: its styles, its script, and the hashes of the scripts that it lets run."""
    script = _asset("page.js") + _asset("live.js")
    own = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return {
        "style": Markup(_asset("page.css") + (_asset(style) if style else "")),  # noqa: S704 - our own files
        "script": Markup(script),  # noqa: S704 - likewise
        "script_hashes": [own, *hashes],
    }


def _asset(name: str) -> str:
    return (files(__package__) / "templates" / name).read_text(encoding="utf-8")


def _drawings(verify: Results, moons: Results, benchmark: Results, power: Results) -> dict[str, Any]:
    checks = errors.Checks.of(verify.get("checks"))
    return {
        "scatter": errors.scatter(checks),
        "histogram": errors.histogram(checks),
        "drawn": len(checks.error),
        "strictness": checks.strictness,
        "losses": training.losses(moons),
        "digits": training.digits(moons),
        "digits_of": training.series(moons),
        "boundary": training.boundary(moons),
        "band": training.band(moons),
        "smallest": smallest_errors(power),
        "ratios": speed.ratios(benchmark.get("rows") or []),
        "growth": {unit: growth.growth(benchmark.get("growth") or [], unit) for unit in ("seconds", "bytes")},
    }


def _links(verify: Results) -> dict[str, Any]:
    """Return the anchor of the first failure of each operation or check, and of each grade with how many."""
    failures = verify.get("failures") or []
    counts = Counter(str(failure.get("grade")) for failure in failures)
    first: dict[str, str] = {}
    graded: dict[str, dict[str, Any]] = {}
    for number, failure in enumerate(failures[:FAILURES_SHOWN], 1):
        anchor, grade = f"failure-{number}", str(failure.get("grade"))
        for name in (failure.get("operation"), *(failure.get("operations") or ())):
            first.setdefault(str(name), anchor)
        graded.setdefault(grade, {"first": anchor, "count": counts[grade]})
    return {"first_failures": first, "graded": graded}


def _lacking(verify: Results) -> dict[str, str]:
    """Return why each operation that the engine does not have is not supported."""
    operations = (verify.get("operations") or {}).items()
    return {name: row.get("note") or "" for name, row in operations if row.get("supported") is False}


def _noted(verify: Results) -> dict[str, str]:
    """Return what there is to say of operations that the engine has: digits lost, forms that it lacks."""
    notes = {
        name: " ".join(
            str(said)
            for said in (row.get("avoidable_digits_lost") and row.get("avoidable_example"), row.get("note"))
            if said
        )
        for name, row in (verify.get("operations") or {}).items()
        if row.get("supported") is not False
    }
    return {name: note for name, note in notes.items() if note}


def _logs(moons: Results) -> dict[str, list[str]]:
    """Return the other runs' logs by the runs that print them."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for name, log in (moons.get("logs") or {}).items():
        groups.setdefault(tuple(log or ()), []).append(name)
    return {formats.listed(names): list(log) for log, names in groups.items()}
