"""What a check found as SARIF 2.1.0, the form that code scanning reads."""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from typing import Any, Final

from flb_handshake.lint.checked import Checked
from flb_handshake.lint.finding import Finding
from flb_handshake.lint.rules import RULES
from flb_handshake.report.check import sentence
from flb_handshake.report.places import uri

SCHEMA: Final = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)


def document(checked: Checked) -> dict[str, Any]:
    """One run with every rule, and a result for each finding."""
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "flb-handshake",
                        "version": version("flb-handshake"),
                        "rules": [_rule(name) for name in RULES],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": [_result(one, checked) for one in checked.findings],
            }
        ],
    }


def _rule(name: str) -> dict[str, Any]:
    rule = RULES[name]
    return {
        "id": name,
        "name": "".join(word.capitalize() for word in name.split("-")),
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.why},
        "help": {"text": rule.why},
        "properties": {"tags": ["security", "tls"]},
    }


def _result(one: Finding, checked: Checked) -> dict[str, Any]:
    properties: dict[str, Any] = {"releases": list(one.releases)}
    if one.scenario is not None:
        properties["scenario"] = one.scenario
    return {
        "ruleId": one.rule,
        "ruleIndex": list(RULES).index(one.rule),
        "level": one.severity.value,
        "message": {"text": sentence(one, checked)},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": uri(one.spot.file)},
                    "region": {"startLine": max(one.spot.line, 1)},
                }
            }
        ],
        "partialFingerprints": {"finding/v1": _fingerprint(one)},
        "properties": properties,
    }


def _fingerprint(one: Finding) -> str:
    """The same for the same finding, though lines above it come and go."""
    told = "\0".join((one.rule, uri(one.spot.file), one.text))
    return hashlib.sha256(told.encode("utf-8", "replace")).hexdigest()[:32]
