"""The results of functions as JUnit XML: a suite a function, a case a row."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET

from nn_from_scratch.verify.results.junit import fail, written

_ACCUSING = ("inaccurate", "wrong", "error")
_PASSING = ("right", "convention")


def junit_of_functions(results: dict[str, Any]) -> str:
    """Return the rows as test cases, and the verdict as one, as XML text.

    What is undecided is no pass, and fails; unless the function is right by another row.
    """
    root = ET.Element("testsuites", name=f"gradients of {results['spec']}", time=str(results["seconds"]))
    for function in results["functions"]:
        suite = ET.SubElement(root, "testsuite", name=function["name"], time=str(function["seconds"]))
        scripts: dict[str, list[str]] = {}
        for failure in function["failures"]:
            scripts.setdefault(failure["row"], []).append(failure["script"])
        for row in function["rows"]:
            test = ET.SubElement(suite, "testcase", classname=function["name"], name=row["name"])
            right = function["verdict"] in _PASSING
            if row["verdict"] == "not supported" or (row["verdict"] == "undecided" and right):
                ET.SubElement(test, "skipped", message=row["said"])
            elif row["verdict"] in (*_ACCUSING, "undecided"):
                script = next(iter(scripts.get(row["name"], [])), "")
                fail(test, [f"{row['verdict']}: {row['said']}", *([script] if script else [])])
        verdict = ET.SubElement(suite, "testcase", classname=function["name"], name="verdict")
        if function["verdict"] not in _PASSING:
            fail(verdict, [f"{function['verdict']}: {_why(function)}"])
        _count(suite)
    for name in ("tests", "failures", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    return written(root)


def _why(function: dict[str, Any]) -> str:
    told = [row["name"] for row in function["rows"] if row["verdict"] == function["verdict"]]
    return ", ".join(told) or "nothing was checked"


def _count(suite: ET.Element) -> None:
    suite.set("tests", str(len(suite)))
    suite.set("failures", str(len(suite.findall("*/failure"))))
    suite.set("skipped", str(len(suite.findall("*/skipped"))))
