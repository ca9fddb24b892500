from __future__ import annotations

import io
import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from builders import ACCEPTED, CLEAR_BYTES, CLOSED, TLS_BYTES, alert, evidence, pki, request
from jsonschema import Draft202012Validator
from rich.console import Console

from flb_handshake.certificates import HEALTHY, expired
from flb_handshake.declare import cleartext, delivered, output, refused
from flb_handshake.expectations import Expectation
from flb_handshake.model import Scenario
from flb_handshake.outcomes import Outcome, VerdictKind
from flb_handshake.report import junit, lines, sheet, terminal
from flb_handshake.results import finding, result

DELIVERED = evidence(ACCEPTED, TLS_BYTES, request(tls=True))
CLEARTEXT = evidence(
    ACCEPTED, CLEAR_BYTES, request(tls=False), properties=(("tls", "maybe"), ("tls.verify", "on"))
)
EXPIRED = evidence(
    ACCEPTED,
    TLS_BYTES,
    alert("agent", "certificate_expired"),
    CLOSED,
    sent=pki().pem(*HEALTHY.but(expired()).sent).decode(),
    chain="expired at leaf",
)


def scenario(
    does, name="family.cell[mode=a-ca=b]", should=None, labels=(("mode", "a"), ("ca", "b"))
):
    return Scenario(
        id=name,
        because="Why it is so.",
        setup=output().but(vhost="other.example.test"),
        expectation=Expectation(does=does, should=should),
        where="scenarios/family.py:7",
        labels=labels,
    )


def made(does, seen, twin=DELIVERED, **changes):
    return result(scenario(does, **changes), seen, twin)


def test_a_failure_reads_from_what_was_declared_to_the_fix_in_the_last_line():
    told = terminal.failure_text(made(delivered(), CLEARTEXT), Path(".handshake/x.json"))
    assert told.splitlines() == [
        "WRONG_REASON scenario family.cell[mode=a-ca=b]    Fluent Bit 5.1.1 · process",
        "  declared   out_http  tls: maybe  tls.verify: on  CA.File: root  peer: healthy"
        "    scenarios/family.py:7",
        "  expected   DELIVERED",
        "  observed   CLEARTEXT, 1 record: the first bytes were 50 4f 53 54 20 2f (b'POST /'),"
        " no ClientHello",
        "  it said    nothing: no warning, no error",
        "  control    without the defect: DELIVERED, 1 record",
        "  exposure   CLEARTEXT",
        "  evidence   .handshake/x.json    judge it again: flb-handshake judge '.handshake/x.json'",
        "  why        `tls maybe` is no boolean, and counts as off without a warning: the records"
        " travel in cleartext",
        "  fix        set tls on (beside on, only true counts as on in every release)",
    ]


def test_a_failed_control_says_so_and_blames_nobody_else():
    told = terminal.failure_text(made(refused("certificate_expired"), EXPIRED, twin=evidence()))
    assert told.startswith("CONTROL_FAILED ")
    assert "without the defect it was not delivered either: STALLED" in told


def test_a_refusal_without_any_evidence_of_its_control_is_not_believed():
    one = scenario(refused("certificate_expired"))
    assert result(one, EXPIRED, DELIVERED).verdict.kind is VerdictKind.AGREES
    assert result(one, EXPIRED, None).verdict.kind is VerdictKind.CONTROL_FAILED


def test_the_reference_agent_is_called_a_model_in_every_report():
    name = "reference (a model of Fluent Bit 5.1.1, not Fluent Bit)"
    agent = DELIVERED.agent
    model = type(agent)(
        **{
            field: getattr(agent, field)
            for field in agent.__dataclass_fields__
            if field not in {"kind", "label"}
        },
        kind="reference",
        label=name,
    )
    seen = type(DELIVERED)(
        **{
            field: getattr(DELIVERED, field)
            for field in DELIVERED.__dataclass_fields__
            if field != "agent"
        },
        agent=model,
    )
    one = made(refused("unknown_ca"), seen)
    assert name in terminal.failure_text(one)
    assert name in sheet.attempt(one)
    assert lines.record(one)["agent"] == name
    assert name.encode() in junit.document([one])


@pytest.mark.parametrize(
    "one",
    [
        made(delivered(), DELIVERED),
        made(cleartext(), CLEARTEXT, should=Outcome.DELIVERED),
        made(refused("certificate_expired"), EXPIRED),
        made(delivered(), evidence(unsupported="no namespaces")),
        made(delivered(), evidence(harness_error="no daemon")),
        finding(CLEARTEXT, None),
    ],
    ids=["delivered", "gap", "refused", "unsupported", "harness", "one_off"],
)
def test_a_json_line_keeps_its_schema(one):
    Draft202012Validator.check_schema(lines.schema())
    Draft202012Validator(lines.schema()).validate(json.loads(lines.line(one)))


def test_a_line_of_another_shape_breaks_the_schema():
    told = json.loads(lines.line(made(delivered(), DELIVERED)))
    for broken in (
        {**told, "outcome": "FINE"},
        {**told, "exposure": ["NONE"]},
        {**told, "more": 1},
        {name: value for name, value in told.items() if name != "control"},
    ):
        assert list(Draft202012Validator(lines.schema()).iter_errors(broken))


def test_junit_tells_failures_errors_and_skips_apart():
    document = junit.document(
        [
            made(delivered(), DELIVERED, name="a.one"),
            made(delivered(), EXPIRED, name="a.two"),
            made(delivered(), evidence(unsupported="no namespaces"), name="b.one"),
            made(delivered(), evidence(harness_error="broken \x00 pipe"), name="b.two"),
        ]
    )
    root = ET.fromstring(document)  # noqa: S314 # our own
    counts = {
        suite.get("name"): [suite.get(name) for name in ("tests", "failures", "errors", "skipped")]
        for suite in root
    }
    assert counts == {"a": ["2", "1", "0", "0"], "b": ["2", "0", "1", "1"]}
    assert "expired" in (root.find("testsuite/testcase/failure").text or "")


def test_a_matrix_shows_outcomes_alerts_and_exposures():
    cells = [
        made(delivered(), DELIVERED, name="m.c[a-x]", labels=(("mode", "a"), ("ca", "x"))),
        made(cleartext(), CLEARTEXT, name="m.c[a-y]", labels=(("mode", "a"), ("ca", "y"))),
        made(delivered(), EXPIRED, name="m.c[b-x]", labels=(("mode", "b"), ("ca", "x"))),
        made(
            delivered(),
            evidence(unsupported="no"),
            name="m.c[b-y]",
            labels=(("mode", "b"), ("ca", "y")),
        ),
    ]
    console = Console(file=io.StringIO(), width=100)
    for table in terminal.matrices(cells):
        console.print(table)
    shown = [line.split() for line in console.file.getvalue().splitlines()]
    assert shown[1:] == [
        ["mode", "\\", "ca", "x", "y"],
        ["a", "delivered", "!", "CLEARTEXT"],
        ["b", "✗", "certificate_expired", "unsupported"],
    ]


def test_the_summary_counts_what_is_exposed_and_what_should_be_otherwise():
    told = terminal.summary(
        [made(delivered(), DELIVERED), made(cleartext(), CLEARTEXT, should=Outcome.DELIVERED)]
    )
    assert told == ("2 scenarios: 2 as expected; 1 exposed, 1 not as a careful operator would want")
