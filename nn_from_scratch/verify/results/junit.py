"""Results as JUnit XML, for CI systems."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree as ET

_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML has no way to write, such as the escapes that colour a terminal."""


def junit(results: dict[str, Any]) -> str:
    """Return one test case an operation and one a check of state or limits, as XML text."""
    suite = ET.Element("testsuite", name=f"gradients of {results['engine']}", time=str(results["seconds"]))
    messages: dict[str, list[str]] = {}
    for failure in results["failures"]:
        messages.setdefault(failure["operation"], []).append(
            f"{failure['message']}\n\n{failure['reproducer']}"
        )
    for name, row in results["operations"].items():
        test = ET.SubElement(suite, "testcase", classname="operations", name=name)
        if row["status"] in ("not checked", "not supported"):
            ET.SubElement(test, "skipped", message=row["note"] or "was asked nothing")
        told = messages.pop(name, [])
        if row["status"] == "not settled" and not told:
            told = ["not settled: nobody examined its failures"]
        fail(test, told)
    for check in results["state"]:
        test = ET.SubElement(suite, "testcase", classname=check["grade"], name=check["name"])
        if check["outcome"] in ("not supported", "does not apply"):
            ET.SubElement(test, "skipped", message=check["message"])
        fail(test, messages.pop(check["name"], []))
    for name, texts in messages.items():  # faults that no single operation is to blame for
        fail(ET.SubElement(suite, "testcase", classname="engine", name=name), texts)
    verdict = ET.SubElement(suite, "testcase", classname="engine", name="verdict")
    if results["verdict"] != "right":
        grades = ", ".join(f"{grade} {outcome}" for grade, outcome in results["grades"].items())
        fail(verdict, [f"{results['verdict']}: {grades}"])
    suite.set("tests", str(len(suite)))
    suite.set("failures", str(len(suite.findall("*/failure"))))
    suite.set("skipped", str(len(suite.findall("*/skipped"))))
    return written(suite)


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
