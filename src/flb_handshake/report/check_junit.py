"""What a check found as JUnit XML: a suite for each file, a failed case for each finding."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from flb_handshake.lint.checked import Checked
from flb_handshake.lint.finding import Finding
from flb_handshake.lint.rules import RULES
from flb_handshake.report.check import sentence
from flb_handshake.report.junit import allowed


def document(checked: Checked) -> bytes:
    """Notes fail nothing: they are cases that passed and have something to say."""
    root = ET.Element("testsuites", name="flb-handshake check")
    files = dict.fromkeys([*checked.files, *(one.spot.file for one in checked.findings)])
    for file in files:
        suite = ET.SubElement(root, "testsuite", name=allowed(file))
        for one in checked.findings:
            if one.spot.file == file:
                suite.append(_case(one, checked))
        if not suite.findall("testcase/failure"):
            name = f"Fluent Bit {', '.join(checked.releases)}"
            ET.SubElement(suite, "testcase", classname=allowed(file), name=name, time="0")
        suite.set("tests", str(len(suite)))
        suite.set("failures", str(len(suite.findall("testcase/failure"))))
        suite.set("errors", "0")
        suite.set("skipped", "0")
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _case(one: Finding, checked: Checked) -> ET.Element:
    case = ET.Element(
        "testcase",
        classname=allowed(one.spot.file),
        name=f"line {one.spot.line}: {RULES[one.rule].title} ({one.rule})",
        file=allowed(one.spot.file),
        line=str(one.spot.line),
        time="0",
    )
    told = allowed(sentence(one, checked))
    if one.grave:
        failure = ET.SubElement(
            case, "failure", type=f"{one.severity}: {one.rule}", message=allowed(one.text)
        )
        failure.text = f"{allowed(str(one.spot))}: {told}"
    else:
        ET.SubElement(case, "system-out").text = told
    return case
