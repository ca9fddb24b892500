"""How check tells what it found: to people, to code scanning, to CI, on the very lines."""

from __future__ import annotations

import json
import os
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from jsonschema import Draft4Validator, Draft7Validator, ValidationError
from lint_cases import GOOD, KNOWN, PAIR, output
from lint_files import ASKED, write

from flb_handshake.config.reading import Syntax, read_text
from flb_handshake.config.words import Spot
from flb_handshake.lint.checked import Checked
from flb_handshake.lint.finding import Finding, Severity, together
from flb_handshake.lint.linting import lint
from flb_handshake.lint.rules import RULES
from flb_handshake.report import check, check_junit, github, sarif

VALID = Draft7Validator(json.loads(Path(__file__).with_name("sarif_subset.json").read_text()))
"""Our own schema of what we use of SARIF, because the standard's own text is not ours to put here.
Where FLB_HANDSHAKE_SARIF_SCHEMA names a copy of that, all is held against it too."""

THEIRS = os.environ.get("FLB_HANDSHAKE_SARIF_SCHEMA")


def finding(**changes):
    held = {
        "rule": "verify-off",
        "severity": Severity.ERROR,
        "spot": Spot("conf/fluent-bit.conf", 7),
        "text": "Nothing is verified.",
        "fix": "Write `tls.verify on`.",
        "scenario": "syntax.verify[word=off]",
        "releases": ("5.1.1",),
    }
    return Finding(**{**held, **changes})


def checked(*findings, releases=("5.1.1",)):
    files = tuple(dict.fromkeys(one.spot.file for one in findings)) or ("fluent-bit.conf",)
    return Checked(files=files, releases=releases, findings=findings)


def parsed(document):
    return ET.fromstring(document)  # noqa: S314 # our own


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    """All that is found in all configurations with a known answer."""
    files = write(tmp_path_factory.mktemp("reports"))
    found = []
    for number, known in enumerate(KNOWN.values()):
        text = known.text
        for name, path in files.items():
            text = text.replace(f"{{{name}}}", str(path))
        read = read_text(text, name=f"{number}.conf", syntax=Syntax.CLASSIC, environment={})
        found.append(lint(read, known.release, ASKED))
    return checked(*together(found))


def test_a_page_names_line_reason_fix_and_proof():
    assert check.page(checked(finding())) == (
        "conf/fluent-bit.conf:7: error: Nothing is verified.\n"
        "    fix    Write `tls.verify on`.\n"
        "    rule   verify-off\n"
        "    proof  flb-handshake show 'syntax.verify[word=off]'\n"
        "\n"
        "1 error, 0 warnings, 0 notes in 1 file for Fluent Bit 5.1.1"
    )


def test_a_page_says_which_releases_where_not_all():
    both = ("5.1.1", "3.0.6")
    page = check.page(checked(finding(), finding(releases=both, text="In both."), releases=both))
    assert "Nothing is verified. (in 5.1.1)\n" in page
    assert "In both.\n" in page


def test_nothing_found_is_said():
    assert check.page(checked()) == "nothing found in 1 file for Fluent Bit 5.1.1"


def test_a_page_steers_no_terminal():
    assert "\x1b" not in check.page(checked(finding(text="a\x1b[31mb\nc")))


def test_a_check_fails_for_more_than_a_note_and_for_no_less():
    assert not checked(finding(severity=Severity.NOTE)).fails
    assert checked(finding(severity=Severity.WARNING)).fails


def test_everything_is_valid_sarif(everything):
    document = sarif.document(everything)
    VALID.validate(document)
    results = document["runs"][0]["results"]
    assert len(results) == len(everything.findings) > 50
    for one in results:
        assert (
            document["runs"][0]["tool"]["driver"]["rules"][one["ruleIndex"]]["id"] == one["ruleId"]
        )


@pytest.mark.skipif(THEIRS is None, reason="FLB_HANDSHAKE_SARIF_SCHEMA names no schema")
def test_everything_is_valid_by_the_schema_of_the_standard(everything):
    schema = json.loads(Path(THEIRS).read_text())
    Draft4Validator(schema).validate(sarif.document(everything))


def test_the_schema_would_refuse_what_is_not_sarif(everything):
    document = sarif.document(everything)
    document["runs"][0]["results"][0]["level"] = "notice"
    with pytest.raises(ValidationError):
        VALID.validate(document)


def test_sarif_names_files_as_uris_from_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for file, uri in (
        ("conf/a.conf", "conf/a.conf"),
        (f"{tmp_path}/conf/a.conf", "conf/a.conf"),
        ("bücher und mehr.conf", "b%C3%BCcher%20und%20mehr.conf"),
        ("/etc/a.conf", "file:///etc/a.conf"),
    ):
        document = sarif.document(checked(finding(spot=Spot(file, 3))))
        place = document["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"] == uri
        assert place["region"]["startLine"] == 3


def test_a_finding_keeps_its_fingerprint_where_lines_are_put_before_it():
    def fingerprint(line):
        document = sarif.document(checked(finding(spot=Spot("a.conf", line))))
        return document["runs"][0]["results"][0]["partialFingerprints"]

    assert fingerprint(3) == fingerprint(9)


def test_an_annotation_is_escaped_so_that_nothing_ends_it_early():
    nasty = finding(spot=Spot("a,b:c%.conf", 2), text="100 % of\r\nit: all, gone\n::error::x")
    (line,) = github.annotations(checked(nasty)).splitlines()
    assert line.startswith(
        "::error file=a%2Cb%3Ac%25.conf,line=2,title=Nothing is verified (verify-off)::100 %25 of"
    )


def test_github_has_its_own_word_for_a_note():
    note = github.annotations(checked(finding(severity=Severity.NOTE)))
    assert note.startswith("::notice file=")
    warning = github.annotations(checked(finding(severity=Severity.WARNING)))
    assert warning.startswith("::warning file=")


def test_junit_fails_for_what_is_grave_and_passes_with_a_note(everything):
    root = parsed(check_junit.document(everything))
    failed = sum(int(suite.get("failures")) for suite in root)
    assert failed == len(root.findall("testsuite/testcase/failure"))
    assert failed == sum(one.grave for one in everything.findings)
    assert len(root.findall("testsuite/testcase/system-out")) == len(everything.findings) - failed


def test_a_clean_file_is_a_case_that_passed():
    (suite,) = parsed(check_junit.document(checked()))
    assert (suite.get("tests"), suite.get("failures")) == ("1", "0")


def test_junit_takes_a_name_that_xml_cannot_hold():
    parsed(check_junit.document(checked(finding(spot=Spot("a\x01.conf", 1)))))


def test_json_says_all_of_a_finding():
    document = check.document(checked(finding()))
    assert document["fails"] is True
    assert document["findings"] == [
        {
            "rule": "verify-off",
            "title": RULES["verify-off"].title,
            "severity": "error",
            "file": "conf/fluent-bit.conf",
            "line": 7,
            "text": "Nothing is verified.",
            "fix": "Write `tls.verify on`.",
            "scenario": "syntax.verify[word=off]",
            "releases": ["5.1.1"],
        }
    ]


SECRETS = {
    "http_passwd": "hunter2-of-http",
    "http_user": "user-of-http",
    "splunk_token": "b1946ac9-token",
    "shared_key": "shared-between-us",
    "header": "Authorization Bearer-eyJhbGciOi",
    "tls.key_passwd": "open-sesame-key",
    "api_key": "api-key-of-ours",
    "tls.verify": "a-secret-in-the-wrong-place",
    "tls": "another-secret-there",
    "tls.min_version": "third-secret-there",
    "log_level": "hunter2-of-http",
}


SECRETS_OF_VARIABLES = "nobody-knows-what-for"


@pytest.mark.parametrize("placing", ["as it is", "by a variable"])
def test_no_report_tells_a_secret(placing, tmp_path):
    files = write(tmp_path)
    environment = {}
    lines = [*GOOD, *PAIR]
    for number, (key, secret) in enumerate(SECRETS.items()):
        environment[f"V{number}"] = secret
        lines.append(f"{key} {secret if placing == 'as it is' else f'${{V{number}}}'}")
    if placing == "by a variable":
        environment["LEVEL"] = SECRETS_OF_VARIABLES
        lines.append("log_level ${LEVEL}")
    text = output(*lines)
    # a second one whose `tls` stays on, so that its files and versions are looked at
    text += output(*(line for line in lines if not line.startswith("tls another")), plugin="splunk")
    for name, path in files.items():
        text = text.replace(f"{{{name}}}", str(path))
    text = text.replace(str(files["key"]), str(files["locked"]))
    read = read_text(text, name="a.conf", syntax=Syntax.CLASSIC, environment=environment)
    found = checked(*lint(read, "5.1.1", ASKED))
    assert {"not-a-boolean", "unknown-property"} <= {one.rule for one in found.findings}
    told = "\n".join(
        [
            check.page(found),
            json.dumps(check.document(found)),
            json.dumps(sarif.document(found)),
            github.annotations(found),
            check_junit.document(found).decode(),
        ]
    )
    for secret in (*SECRETS.values(), SECRETS_OF_VARIABLES):
        assert secret.split()[-1] not in told
