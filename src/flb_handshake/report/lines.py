"""One result as one JSON object, as `schema.json` beside this file describes it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from flb_handshake.agent.contract import AgentKind
from flb_handshake.releases import stands_for
from flb_handshake.reported import Report
from flb_handshake.results import Finding, Result


def record(found: Finding) -> dict[str, Any]:
    """The finding as plain JSON values; a result says what was expected as well."""
    seen, agent = found.observation, found.evidence.agent
    return {
        "id": found.evidence.scenario,
        "fluent_bit": agent.version,
        "role": found.evidence.facts.role,
        "agent": agent.label if agent.kind == AgentKind.REFERENCE else agent.kind,
        "tls_library": agent.tls_library,
        "outcome": seen.outcome,
        "refused_by": seen.refused_by,
        "alert": seen.alert,
        "alert_from": seen.alert_from,
        "exposure": list(found.all_exposure),
        **_expected(found),
        "control": found.control.outcome if found.control else None,
        "negotiated": {
            "version": seen.version,
            "cipher": seen.cipher,
            "group": seen.group,
            "alpn": seen.alpn,
        }
        if seen.version
        else None,
        "sni": seen.sni,
        "ja4": seen.ja4,
        "client_subject": seen.client_subject,
        "diagnosis": [
            {"cause": one.cause, "because": one.because, "fix": one.fix, "certain": one.certain}
            for one in found.all_causes
        ],
        "steps": [
            {
                "step": one.evidence.step,
                "outcome": one.observation.outcome,
                "refused_by": one.observation.refused_by,
                "alert": one.observation.alert,
                "connections": one.observation.connections,
                "exposure": list(one.exposure),
            }
            for one in found.then
        ],
        "records": asdict(found.fates) if found.then else None,
        "duration_ms": seen.duration_ms,
    }


def _expected(found: Finding) -> dict[str, Any]:
    if not isinstance(found, Result):
        unknown = ("verdict", "reason", "does", "should", "because", "where", "report")
        return dict.fromkeys(unknown) | {"refs": [], "gap": False}
    scenario, verdict = found.scenario, found.verdict
    return {
        "verdict": verdict.kind,
        "reason": verdict.reason or None,
        "does": scenario.expectation.does.outcome,
        "should": scenario.expectation.should,
        "because": scenario.because,
        "where": scenario.where,
        "gap": verdict.gap,
        "refs": list(scenario.refs),
        "report": reported(scenario.report) if scenario.report else None,
    }


def reported(report: Report) -> dict[str, Any]:
    """The public report that a scenario plays."""
    return {
        "url": report.url,
        "versions": list(report.versions),
        "line": report.line,
        "now": report.now,
        "shown_on": stands_for(report),
    }


def line(found: Finding) -> str:
    """The record on one line."""
    return json.dumps(record(found), ensure_ascii=False)


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a record."""
    text = (Path(__file__).parent / "schema.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded
