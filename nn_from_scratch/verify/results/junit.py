"""Results as JUnit XML, for CI systems."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree as ET

from nn_from_scratch.verify.results.summary import VERDICT, summary_of_engine

_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML has no way to write, such as the escapes that colour a terminal."""


def junit(results: dict[str, Any]) -> str:
    """Return one test case an operation and one a check of state or limits, as XML text.

    What fails of a grade that was not asked for is skipped, with its message: no verdict depends on it.
    """
    suite = ET.Element("testsuite", name=f"gradients of {results['engine']}", time=str(results["seconds"]))
    messages: dict[str, list[str]] = {}
    not_gated: dict[str, str] = {}
    for one in summary_of_engine(results).findings:
        if one.rule == VERDICT:
            continue  # it has a test case below, which passes where the verdict is right
        if one.is_gated:
            messages.setdefault(one.name, []).append("\n\n".join(filter(None, (one.message, one.script))))
        else:
            said = f"the grade {one.rule} was not asked for, but fails: {one.message}"
            not_gated.setdefault(one.name, said)
    for name, row in results["operations"].items():
        was_not_asked = row["status"] in ("not checked", "not supported")
        note = row["note"] or "was asked nothing" if was_not_asked else not_gated.pop(name, "")
        _case(suite, "operations", name, messages.pop(name, []), note)
    for check in results["state"]:
        name, was_not_asked = check["name"], check["outcome"] in ("not supported", "does not apply")
        note = check["message"] or check["outcome"] if was_not_asked else not_gated.pop(name, "")
        _case(suite, check["grade"], name, messages.pop(name, []), note)
    for name in {**messages, **not_gated}:  # faults that no single operation is to blame for
        _case(suite, "engine", name, messages.get(name, []), not_gated.get(name, ""))
    grades = ", ".join(f"{grade} {outcome}" for grade, outcome in results["grades"].items())
    interrupted = ", interrupted" if results["interrupted"] else ""
    is_right = results["verdict"] == "right" and not interrupted
    verdict = [] if is_right else [f"{results['verdict']}{interrupted}: {grades}"]
    _case(suite, "engine", "verdict", verdict, "")
    suite.set("tests", str(len(suite)))
    suite.set("failures", str(len(suite.findall("*/failure"))))
    suite.set("skipped", str(len(suite.findall("*/skipped"))))
    return written(suite)


def _case(suite: ET.Element, group: str, name: str, failures: list[str], note: str) -> None:
    """Add a test case, which fails with failures, or else is skipped with a note, or else passes."""
    test = ET.SubElement(suite, "testcase", classname=group, name=name)
    fail(test, failures)
    if note and not failures:
        ET.SubElement(test, "skipped", message=note)


def written(root: ET.Element) -> str:
    """Return an element as a document; what XML has no way to write is replaced."""
    ET.indent(root)
    text = ET.tostring(root, encoding="unicode")
    return "<?xml version='1.0' encoding='UTF-8'?>\n" + _ILLEGAL.sub("\ufffd", text)


def fail(test: ET.Element, messages: list[str]) -> None:
    """Let a test case fail with messages, of which the first line is shown; none of them is a pass."""
    if messages:
        first = messages[0].partition("\n")[0]
        ET.SubElement(test, "failure", message=first).text = "\n\n".join(messages)
