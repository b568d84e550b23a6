"""What fell as SARIF 2.1.0, which code scanning and editors read."""

from __future__ import annotations

import hashlib
import json
from typing import Any
from urllib.parse import quote

from nn_from_scratch.verify.results.summary import Finding, Summary

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def sarif(summary: Summary) -> str:
    """Return one run: an error for each thing the verdict depends on, a note for what was not asked for."""
    rules = list(dict.fromkeys(one.rule for one in summary.findings))
    driver = {
        "name": "nn-from-scratch",
        "rules": [
            {"id": _plain(rule), "shortDescription": {"text": _plain(f"gradients: {rule}")}} for rule in rules
        ],
    }
    run = {"tool": {"driver": driver}, "results": [_result(one, rules) for one in summary.findings]}
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1) + "\n"


def _result(one: Finding, rules: list[str]) -> dict[str, Any]:
    # The message holds numbers, which another seed changes: what fell is known by its name.
    known_by = hashlib.sha256(f"{one.rule}\0{one.name}".encode(errors="replace")).hexdigest()
    result: dict[str, Any] = {
        "ruleId": _plain(one.rule),
        "ruleIndex": rules.index(one.rule),
        "level": "error" if one.is_gated else "note",
        "message": {"text": _plain(f"{one.name}: {one.message}")},
        "partialFingerprints": {"gradient/v1": known_by},
    }
    if one.place:
        where = {
            "artifactLocation": {"uri": quote(one.place.file, errors="replace")},
            "region": {"startLine": one.place.line},
        }
        result["locations"] = [{"physicalLocation": where}]
    return result


def _plain(text: str) -> str:
    """Return a text without the only markup of a plain message, which is a link: ``[text](target)``."""
    return text.encode(errors="replace").decode().replace("](", "] (")
