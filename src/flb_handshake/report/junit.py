"""Results as JUnit XML, the form that CI servers read."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from flb_handshake.outcomes import VerdictKind
from flb_handshake.report import terminal
from flb_handshake.results import Result


def document(results: Sequence[Result]) -> bytes:
    """One suite for each file of scenarios, one test case for each scenario."""
    root = ET.Element("testsuites", name="flb-handshake")
    suites: dict[str, ET.Element] = {}
    for result in results:
        family = result.scenario.id.split(".", 1)[0]
        if family not in suites:
            suites[family] = ET.SubElement(root, "testsuite", name=family)
        suites[family].append(_case(result, family))
    for suite in suites.values():
        suite.set("tests", str(len(suite)))
        for kind, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            suite.set(kind, str(len(suite.findall(f"testcase/{tag}"))))
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _case(result: Result, family: str) -> ET.Element:
    case = ET.Element(
        "testcase",
        classname=f"{result.evidence.agent.label}.{family}",
        name=result.scenario.id,
        time=f"{result.observation.duration_ms / 1000:.3f}",
    )
    verdict = result.verdict
    if verdict.kind is VerdictKind.UNSUPPORTED:
        ET.SubElement(case, "skipped", message=allowed(verdict.reason))
    elif result.disagrees:
        tag = "error" if verdict.kind is VerdictKind.HARNESS_ERROR else "failure"
        told = ET.SubElement(case, tag, type=verdict.kind, message=allowed(verdict.reason))
        told.text = allowed(terminal.failure_text(result))
    return case


def allowed(text: str) -> str:
    """The text without the characters that XML 1.0 cannot hold."""
    return "".join(char if char in "\t\n" or " " <= char < "\ufffe" else "?" for char in text)
