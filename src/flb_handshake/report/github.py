"""What a check found as annotations that GitHub Actions puts on the very lines."""

from typing import Final

from flb_handshake.lint.checked import Checked
from flb_handshake.lint.finding import Finding, Severity
from flb_handshake.lint.rules import RULES
from flb_handshake.report.check import sentence
from flb_handshake.report.places import place

_COMMANDS: Final = {
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.NOTE: "notice",
}


def annotations(checked: Checked) -> str:
    """A workflow command for each finding, a line each."""
    return "\n".join(_annotation(one, checked) for one in checked.findings)


def _annotation(one: Finding, checked: Checked) -> str:
    told = {
        "file": place(one.spot.file),
        "line": str(max(one.spot.line, 1)),
        "title": f"{RULES[one.rule].title} ({one.rule})",
    }
    where = ",".join(f"{key}={_property(value)}" for key, value in told.items())
    return f"::{_COMMANDS[one.severity]} {where}::{_data(sentence(one, checked))}"


def _data(told: str) -> str:
    """Escaped as a workflow command's message is."""
    return told.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(told: str) -> str:
    """Escaped as a workflow command's property is, which ends at a comma or a colon."""
    return _data(told).replace(":", "%3A").replace(",", "%2C")
