"""What people and programs read of inputs and of runs in steps."""

from __future__ import annotations

import io
import json
from xml.etree import ElementTree as ET

import pytest
from jsonschema import Draft202012Validator
from rich.console import Console
from stages import (
    ACCEPTED,
    INPUT,
    OUTPUT,
    REFUSED,
    REQUIRING,
    in_steps,
    passed,
    ran,
    request,
    steps,
    took,
)

from flb_handshake.declare import delivered, listening, output, present, refused
from flb_handshake.expectations import Expectation
from flb_handshake.model import CAFile, File, Reload, Replace, Restart, Scenario, Step, Upstream
from flb_handshake.report import junit, lines, sheet, terminal
from flb_handshake.results import finding, result

UNKNOWN = refused("unknown_ca")
WELL = in_steps(took(1), took(2))
BADLY = in_steps(took(1), REFUSED)


def scenario(setup, *does, labels=(("mode", "a"), ("ca", "b")), name="family.cell"):
    first, *then = (Expectation(does=one) for one in does)
    cell = "-".join(f"{axis}={value}" for axis, value in labels)
    return Scenario(
        id=f"{name}[{cell}]" if cell else name,
        because="Why it is so.",
        setup=setup,
        expectation=first,
        then=tuple(then),
        where="scenarios/family.py:7",
        labels=labels,
    )


def made(seen, *does, setup=OUTPUT, twin=WELL, **more):
    return result(scenario(setup.but(steps=steps(len(does) - 1)), *does, **more), seen, twin)


# A JSON line.

RESULTS = {
    "delivered": made(WELL, delivered(), delivered()),
    "refused": made(BADLY, delivered(), UNKNOWN),
    "disagrees": made(BADLY, delivered(), delivered()),
    "never reached": made(WELL, delivered(), delivered(), delivered()),
    "input": made(
        in_steps(passed(1), passed(2), setup=REQUIRING), delivered(), delivered(), setup=REQUIRING
    ),
    "anonymous": made(
        in_steps(passed(1), passed(2), setup=INPUT.but(chain=None)), delivered(), delivered()
    ),
    "one-off": finding(in_steps(took(1), (ACCEPTED, request(2, tls=False))), None),
}


@pytest.mark.parametrize("one", RESULTS.values(), ids=RESULTS)
def test_a_json_line_of_steps_keeps_its_schema(one):
    Draft202012Validator(lines.schema()).validate(json.loads(lines.line(one)))


def test_a_json_line_tells_every_step_and_the_records():
    told = json.loads(lines.line(RESULTS["refused"]))
    assert (told["outcome"], told["role"]) == ("DELIVERED", "output")
    assert told["steps"] == [
        {
            "step": "step 2",
            "outcome": "REFUSED_BY_AGENT",
            "refused_by": "agent",
            "alert": "unknown_ca",
            "connections": 1,
            "exposure": [],
        }
    ]
    assert told["records"] == {"lost": 1, "late": 0, "doubled": 0}


def test_a_json_line_of_a_run_without_steps_has_none():
    told = json.loads(lines.line(made(ran(*took(1)), delivered())))
    assert (told["steps"], told["records"]) == ([], None)


def test_an_exposure_of_a_later_step_is_one_of_the_whole():
    told = json.loads(lines.line(RESULTS["one-off"]))
    assert told["exposure"] == ["CLEARTEXT"]
    assert [one["exposure"] for one in told["steps"]] == [["CLEARTEXT"]]


def test_an_input_is_told_apart():
    assert json.loads(lines.line(RESULTS["input"]))["role"] == "input"


def test_a_step_of_another_shape_breaks_the_schema():
    told = json.loads(lines.line(RESULTS["refused"]))
    (step,) = told["steps"]
    for broken in (
        {**told, "steps": None},
        {**told, "steps": [{**step, "step": ""}]},
        {**told, "steps": [{**step, "connections": -1}]},
        {**told, "steps": [{**step, "more": 1}]},
        {**told, "records": {"lost": 1}},
        {**told, "role": "peer"},
    ):
        assert list(Draft202012Validator(lines.schema()).iter_errors(broken))


# A matrix.


def cells(*results):
    console = Console(file=io.StringIO(), width=160)
    for table in terminal.matrices(results):
        console.print(table)
    return [" ".join(line.split()) for line in console.file.getvalue().splitlines()]


def test_a_cell_of_a_run_in_steps_holds_them_all():
    clear = in_steps(took(1), (ACCEPTED, request(2, tls=False)), took(3))
    shown = cells(
        made(BADLY, delivered(), UNKNOWN),
        made(BADLY, delivered(), delivered(), labels=(("mode", "b"), ("ca", "b"))),
        made(clear, *[delivered()] * 3, labels=(("mode", "c"), ("ca", "b"))),
        made(ran(unsupported="no"), delivered(), delivered(), labels=(("mode", "d"), ("ca", "b"))),
    )
    assert shown[2:] == [
        "a delivered > unknown_ca (1 lost)",
        "b ✗ delivered > unknown_ca (1 lost)",
        "c ✗ delivered > CLEARTEXT > delivered",
        "d unsupported",
    ]


# A failure.


def test_a_failure_lists_every_step_and_the_records():
    told = terminal.failure_text(made(BADLY, delivered(), delivered()))
    rows = told.splitlines()
    assert rows[0].startswith("UNEXPECTED_FAILURE scenario family.cell[mode=a-ca=b]")
    for row in (
        "  expected   DELIVERED; then DELIVERED",
        "  observed   DELIVERED, 1 record, TLSv1.3, TLS_AES_256_GCM_SHA384",
        "  then       step 2: REFUSED_BY_AGENT with unknown_ca from the agent",
        "  records    1 lost",
        "  verdict    step 'step 2': expected DELIVERED, observed REFUSED_BY_AGENT with unknown_ca"
        " from the agent",
    ):
        assert row in rows
    assert rows[-1].startswith("  fix ")


def test_a_failure_of_one_run_says_nothing_of_steps():
    told = terminal.failure_text(made(ran(*REFUSED), delivered()))
    assert not [row for row in told.splitlines() if row.startswith(("  then", "  records"))]


def test_an_input_is_declared_as_one():
    told = terminal.declared(RESULTS["input"])
    assert told.startswith("in_http  tls: on  tls.verify: on  tls.verify_client_cert: on")
    assert told.endswith("CA.File: root  peer: healthy")
    assert terminal.declared(RESULTS["refused"]).startswith("out_http  ")


def test_an_attempt_tells_its_steps():
    rows = sheet.attempt(RESULTS["refused"]).splitlines()
    assert "  then       step 2: REFUSED_BY_AGENT with unknown_ca from the agent" in rows
    assert "  records    1 lost" in rows


# JUnit.


def test_junit_has_one_case_for_a_run_in_steps():
    root = ET.fromstring(  # noqa: S314 # our own
        junit.document(
            [
                made(BADLY, delivered(), UNKNOWN, name="a.one"),
                made(BADLY, delivered(), delivered(), name="a.two"),
            ]
        )
    )
    (suite,) = root
    assert [suite.get(name) for name in ("tests", "failures", "errors")] == ["2", "1", "0"]
    failure = root.find("testsuite/testcase/failure")
    assert failure is not None
    assert (failure.get("message") or "").startswith("step 'step 2'")
    assert "then       step 2: REFUSED_BY_AGENT" in (failure.text or "")


# A page.


def page(setup, *does):
    return [row.strip() for row in sheet.page(scenario(setup, *does, labels=())).splitlines()]


def test_the_page_of_an_input_shows_where_it_listens_and_who_ships():
    rows = page(REQUIRING.but(chain=None), refused("certificate_required"))
    assert [row for row in rows if row.startswith("[")] == ["[SERVICE]", "[INPUT]", "[OUTPUT]"]
    squeezed = [" ".join(row.split()) for row in rows]
    for row in (
        "expected REFUSED_BY_AGENT with certificate_required",
        "Name http",
        "Port 24224",
        "tls.verify_client_cert on",
        "The shipper's chain (none), leaf first",
        "(no certificate in PEM)",
    ):
        assert row in squeezed
    assert "Port 0" not in squeezed
    assert not [row for row in rows if row.startswith(("then", "records", "client certificate:"))]


def test_the_page_of_a_run_in_steps_says_what_is_expected_of_each():
    new = File(certs=(), stem="new")
    wanted = OUTPUT.but(
        steps=(
            Step(name="collector moved", changes=(present(tickets=True), Restart())),
            Step(name="reloaded", changes=(Replace("ca", new), Reload.HTTP)),
        )
    )
    rows = page(wanted, delivered(), UNKNOWN, delivered().before("5.1", UNKNOWN))
    assert rows[2:7] == [
        "expected   DELIVERED",
        "then       collector moved: REFUSED_BY_AGENT with unknown_ca",
        "then       reloaded: DELIVERED; below 5.1: REFUSED_BY_AGENT with unknown_ca",
        "records    1 lost",
        "declared   scenarios/family.py:7",
    ]
    squeezed = [" ".join(row.split()) for row in rows]
    for row in ("Name tcp", "Port 24224", "Hot_Reload on", "HTTP_Port 2020"):
        assert row in squeezed
    assert "Name dummy" not in squeezed


def test_the_page_of_a_run_without_steps_has_no_ports_of_its_own():
    squeezed = [" ".join(row.split()) for row in page(OUTPUT.but(ca=CAFile.DER), delivered())]
    assert "Name dummy" in squeezed
    assert "HTTP_Server off" in squeezed


def test_the_page_of_a_syslog_input_names_its_parsers():
    squeezed = [" ".join(row.split()) for row in page(listening(plugin="syslog"), delivered())]
    assert "Parsers_File /etc/fluent-bit/parsers.conf" in squeezed
    assert "Parser syslog-rfc5424" in squeezed


def test_a_page_shows_the_upstream_file_beside_the_configuration():
    told = page(output(plugin="forward", upstream=Upstream()), delivered())
    assert "Its upstream file" in told
    assert told.index("[OUTPUT]") < told.index("[NODE]")
    assert any(row.split() == ["tls.ca_file", "/etc/fluent-bit/certs/ca-root.pem"] for row in told)
