"""Reading x509-limbo's suite, and what is played for a case of it, or why nothing is."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace

import pytest
from builders import ACCEPTED, CLOSED, alert, evidence, request
from cryptography import x509
from limbo_cases import client_case, limbo_case, pem, written

from flb_handshake.agent.contract import AgentKind, Identity
from flb_handshake.ca_files import ca_file
from flb_handshake.certificates import CLIENT, HEALTHY, LEAF, OTHER_LEAF, expired, named
from flb_handshake.errors import UserMistake
from flb_handshake.limbo import agreement, suite
from flb_handshake.limbo.agreement import Agreement
from flb_handshake.limbo.setups import setup
from flb_handshake.model import Mode, Role, Setup
from flb_handshake.report import limbo as report

NOW = dt.datetime.now(dt.UTC)
SOON = (NOW + dt.timedelta(days=3)).isoformat()


@pytest.fixture
def read(tmp_path):
    return lambda *cases, **changes: suite.read(written(tmp_path / "limbo.json", *cases, **changes))


@pytest.fixture
def made(read):
    def setup_of(case, version="5.1.1"):
        (one,) = read(case)
        return setup(one, version, NOW)

    return setup_of


# Reading.


def test_a_case_is_read_as_the_schema_describes_it(read):
    name = {"kind": "IP", "value": "192.0.2.1"}
    given = limbo_case(
        expected_result="FAILURE",
        features=["max-chain-depth"],
        max_chain_depth=2,
        validation_time="2024-03-01T00:00:00.999Z",
        expected_peer_name=name,
    )
    (one,) = read(given)
    assert (one.id, one.kind, one.succeeds, one.depth) == ("web::one", "SERVER", False, 2)
    assert (one.names[0].kind, one.names[0].value) == ("IP", "192.0.2.1")
    assert one.time == dt.datetime(2024, 3, 1, 0, 0, 0, 999000, tzinfo=dt.UTC)
    assert len(one.certificates) == 3
    assert one.key is not None


def test_what_the_schema_has_defaults_for_may_be_absent(read):
    given = limbo_case()
    absent = "features", "peer_certificate_key", "validation_time", "max_chain_depth", "crls"
    for name in (*absent, "expected_peer_name", "conflicts_with", "importance"):
        del given[name]
    (one,) = read(given)
    assert (one.key, one.time, one.depth, one.names, one.crls) == (None, None, None, (), ())


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"id": 7}, "test case 7: id is int, not str"),
        ({"peer_certificate": "no PEM"}, "web::one: peer_certificate is no CERTIFICATE in PEM"),
        (
            {"trusted_certs": [pem(LEAF).replace("M", "?", 1)]},
            "web::one: trusted_certs is broken PEM",
        ),
        ({"peer_certificate_key": pem(LEAF)}, "peer_certificate_key is no PRIVATE KEY in PEM"),
        ({"validation_time": "soon"}, "web::one: Invalid isoformat string"),
        ({"validation_kind": "PEER"}, "web::one: 'PEER' is not a valid Kind"),
        ({"expected_result": "MAYBE"}, "expected_result is 'MAYBE'"),
        ({"expected_peer_name": {"kind": "URI", "value": "x"}}, "'URI' is not a valid NameKind"),
        ({"expected_peer_names": ["x"]}, "an expected peer name is no object"),
        ({"features": [1]}, "features holds something that is no text"),
        ({"crls": "x"}, "crls is str, not list"),
    ],
)
def test_what_is_wrong_with_a_case_is_said_with_its_name(read, changes, says):
    with pytest.raises(UserMistake, match=r"limbo\.json: ") as wrong:
        read(limbo_case(**changes))
    assert says in str(wrong.value)


def test_a_case_without_a_field_and_one_that_is_none_are_told_by_their_place(read):
    without = limbo_case("two")
    del without["description"]
    with pytest.raises(UserMistake, match="test case two: description is missing"):
        read(limbo_case(), without)
    with pytest.raises(UserMistake, match="test case number 2: it is no object"):
        read(limbo_case(), "x")


def test_another_version_a_repeated_id_and_no_suite_at_all_are_refused(read, tmp_path):
    with pytest.raises(UserMistake, match="version 2, not 1"):
        read(limbo_case(), version=2)
    with pytest.raises(UserMistake, match="two test cases are called web::one"):
        read(limbo_case(), limbo_case())
    with pytest.raises(UserMistake, match="it has no testcases"):
        read(testcases=None)
    (tmp_path / "list.json").write_text("[]")
    with pytest.raises(UserMistake, match="it has no testcases"):
        suite.read(tmp_path / "list.json")


def test_cases_are_selected_by_globs_and_parts(read):
    cases = read(limbo_case("web::one"), limbo_case("web::two"), client_case("client::one"))
    ids = lambda *patterns: [one.id for one in suite.select(cases, patterns)]  # noqa: E731
    assert ids() == ["web::one", "web::two", "client::one"]
    assert ids("*::one") == ["web::one", "client::one"]
    assert ids("two", "client") == ["web::two", "client::one"]
    with pytest.raises(UserMistake, match="no test case matches 'three'"):
        ids("three")


# What is played.


def test_a_server_is_presented_to_an_output_that_trusts_what_the_case_trusts(made):
    given = limbo_case()
    got = made(given)
    assert (got.role, got.agent.mode, got.agent.vhost) == (
        Role.OUTPUT,
        Mode.VERIFY_HOST,
        "logs.example.test",
    )
    assert ca_file(got).text == given["trusted_certs"][0]
    presented = given["peer_certificate"] + given["untrusted_intermediates"][0]
    assert got.peer.files == (presented, given["peer_certificate_key"])
    assert got.whole.peer.files is None
    assert made(limbo_case(expected_peer_name=None)).agent.mode is Mode.VERIFY_PEER


def test_cases_of_one_name_share_a_twin_that_bears_it(made):
    name = {"kind": "DNS", "value": "a.test"}
    one = made(limbo_case(expected_peer_name=name))
    other = made(limbo_case(chain=HEALTHY.but(expired()), expected_peer_name=name))
    assert one != other
    assert one.whole == other.whole
    assert one.whole.peer.chain.leaf.dns == ("a.test",)
    address = made(limbo_case(expected_peer_name={"kind": "IP", "value": "::1"}))
    assert address.whole.peer.chain.leaf.ips == ("::1",)
    assert address.agent.vhost == "::1"


def test_a_client_ships_with_its_own_certificate_to_an_input_that_demands_one(made):
    given = client_case()
    got = made(given)
    assert (got.role, got.agent.mode) == (Role.INPUT, Mode.REQUIRE)
    assert got.peer.files[1] == given["peer_certificate_key"]
    assert got.peer.trusts is None
    assert made(given, "4.2.8").agent.mode is Mode.VERIFY_PEER


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        (limbo_case(peer_certificate_key=None), "it has no private key"),
        (limbo_case(max_chain_depth=0), "max_chain_depth: "),
        (limbo_case(key_usage=["digitalSignature"]), "key_usage: "),
        (limbo_case(signature_algorithms=["ED25519"]), "signature_algorithms: "),
        (limbo_case(extended_key_usage=["clientAuth"]), "extended_key_usage: "),
        (client_case(extended_key_usage=["serverAuth"]), "extended_key_usage: "),
        (limbo_case(features=["has-policy-constraints"]), "feature has-policy-constraints: "),
        (limbo_case(features=["of-next-year"]), "feature of-next-year: "),
        (limbo_case(expected_peer_name={"kind": "RFC822", "value": "a@b.test"}), "e-mail"),
        (client_case(expected_peer_names=[{"kind": "DNS", "value": "else.test"}]), "of no client"),
        (
            limbo_case(peer_certificate_key=limbo_case(chain=HEALTHY.but(named("k.test")))
                       ["peer_certificate_key"], peer_certificate=pem(OTHER_LEAF)),
            "no peer of ours can present",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_played_has_a_reason(made, case, reason):
    assert reason in made(case)


def test_features_that_only_say_how_strict_a_verifier_is_are_played(made):
    assert isinstance(made(limbo_case(features=["pedantic-webpki-eku"])), Setup)
    usages = ["serverAuth"]
    assert isinstance(made(limbo_case(extended_key_usage=usages)), Setup)


def test_a_clients_name_matters_only_where_the_certificate_lacks_it(made):
    bears = [{"kind": "DNS", "value": CLIENT.dns[0]}]
    assert isinstance(made(client_case(expected_peer_names=bears)), Setup)


@pytest.mark.parametrize(
    ("version", "borne", "other", "address"),
    [
        ("1.9.10", Mode.VERIFY_PEER, "checks no host name (3.0.7", Mode.VERIFY_PEER),
        ("3.0.7", Mode.VERIFY_PEER, Mode.VERIFY_PEER, "always takes it for a host name"),
        ("3.2.10", Mode.VERIFY_HOST, Mode.VERIFY_HOST, Mode.VERIFY_PEER),
        ("5.0.6", Mode.VERIFY_HOST, Mode.VERIFY_HOST, Mode.VERIFY_HOST),
    ],
)
def test_a_name_that_a_release_cannot_check_is_left_where_it_changes_nothing(
    made, version, borne, other, address
):
    def seen(case):
        got = made(case, version)
        return got if isinstance(got, str) else got.agent.mode

    by_address = HEALTHY.but(named(ips=("192.0.2.1",)))
    of_address = {"kind": "IP", "value": "192.0.2.1"}
    cases = (
        (limbo_case(), borne),
        (limbo_case(expected_peer_name={"kind": "DNS", "value": "else.test"}), other),
        (limbo_case(chain=by_address, expected_peer_name=of_address), address),
    )
    for case, wanted in cases:
        assert seen(case) == wanted or wanted in seen(case)


def test_a_release_that_always_checks_a_name_is_asked_for_none_in_vain(made):
    nameless = limbo_case(expected_peer_name=None)
    assert "always checks one" in made(nameless, "3.0.7")
    assert isinstance(made(nameless, "3.0.6"), Setup)
    assert isinstance(made(nameless, "3.2.10"), Setup)


def test_another_time_is_played_where_the_certificates_are_as_valid_then_as_now(made):
    assert isinstance(made(limbo_case(validation_time=SOON)), Setup)
    old = HEALTHY.but(expired())
    assert isinstance(made(limbo_case(chain=old, validation_time=SOON)), Setup)
    before = (NOW - dt.timedelta(days=2)).isoformat()
    assert "validation_time: " in made(limbo_case(chain=old, validation_time=before))
    assert "validation_time: " in made(limbo_case(validation_time=before))


def test_certificates_count_in_whole_seconds(read):
    (one,) = read(limbo_case(chain=HEALTHY.but(expired())))
    end = x509.load_pem_x509_certificate(one.peer.encode()).not_valid_after_utc
    late = replace(one, time=end + dt.timedelta(milliseconds=5))
    assert "validation_time: " in setup(late, "5.1.1", NOW)
    assert isinstance(setup(replace(one, time=end + dt.timedelta(seconds=1)), "5.1.1", NOW), Setup)


# What comes of it.

DELIVERED = evidence(request(tls=True))
EXPIRED = evidence(ACCEPTED, alert("agent", "certificate_expired"))
HANDSHAKE_FAILURE = evidence(ACCEPTED, alert("peer", "handshake_failure"))


@pytest.mark.parametrize(
    ("expected", "came", "twin", "wanted"),
    [
        ("SUCCESS", DELIVERED, DELIVERED, (Agreement.AGREES, True)),
        ("FAILURE", EXPIRED, DELIVERED, (Agreement.AGREES, False)),
        ("FAILURE", DELIVERED, DELIVERED, (Agreement.FALSE_ACCEPT, True)),
        ("SUCCESS", EXPIRED, DELIVERED, (Agreement.FALSE_REFUSAL, False)),
        ("FAILURE", EXPIRED, EXPIRED, (Agreement.CONTROL_FAILED, None)),
        ("FAILURE", evidence(exit_code=1), DELIVERED, (Agreement.AGREES, False)),
        ("FAILURE", HANDSHAKE_FAILURE, DELIVERED, (Agreement.UNDECIDED, None)),
        ("FAILURE", evidence(ACCEPTED, CLOSED), DELIVERED, (Agreement.UNDECIDED, None)),
        ("FAILURE", evidence(harness_error="x"), DELIVERED, (Agreement.HARNESS_ERROR, None)),
        ("FAILURE", evidence(unsupported="x"), DELIVERED, (Agreement.NOT_PLAYED, None)),
    ],
)
def test_limbos_expectation_is_held_against_what_happened(read, expected, came, twin, wanted):
    planned = agreement.plan(read(limbo_case(expected_result=expected)), "5.1.1")
    (made,) = planned.values()
    (one,) = agreement.answers(planned, {made: came, made.whole: twin})
    assert (one.agreement, one.accepted) == wanted


IDENTITY = Identity(
    kind=AgentKind.PROCESS,
    version="5.1.1",
    label="Fluent Bit 5.1.1",
    tls_library="OpenSSL 3.0.22",
    found="",
)


@pytest.fixture
def answers(read):
    cases = read(
        limbo_case("a::agrees"),
        limbo_case("b::accept", expected_result="FAILURE", features=["pedantic-webpki-eku"]),
        limbo_case("c::refusal", HEALTHY.but(expired())),
        limbo_case("d::keyless", peer_certificate_key=None),
        limbo_case("e::keyless", peer_certificate_key=None),
    )
    planned = agreement.plan(cases, "5.1.1")
    made = {case.id: one for case, one in planned.items()}
    came = {made["a::agrees"]: DELIVERED, made["a::agrees"].whole: DELIVERED}
    came |= {made["b::accept"]: DELIVERED, made["c::refusal"]: EXPIRED}
    return agreement.answers(planned, came)


def test_false_accepts_stand_apart_from_false_refusals_and_reasons_are_counted(answers):
    text = report.text(answers, IDENTITY, 0.5)
    assert "agrees with x509-limbo in 1 of the 3 test cases that it decided, of 5; 0.5 s" in text
    accepts, refusals = text.index("FALSE ACCEPTS"), text.index("FALSE REFUSALS")
    assert accepts < text.index("b::accept  [pedantic-webpki-eku]") < refusals
    assert refusals < text.index("c::refusal") < text.index("alert certificate_expired")
    assert "limbo  Because." in text
    assert "a::agrees" not in text
    assert "\n      2  it has no private key, so nobody can present it" in text


def test_the_document_has_every_case_and_no_key(answers):
    document = report.document([(answers, IDENTITY, 0.5)])
    assert "PRIVATE KEY" not in json.dumps(document)
    (run,) = document["runs"]
    assert run["counts"]["false accept"] == 1
    assert run["not_played"] == {"it has no private key, so nobody can present it": 2}
    told = [(one["expected"], one["observed"], one["agree"]) for one in run["cases"]]
    unknown = ("SUCCESS", None, None)
    assert told == [
        ("SUCCESS", "SUCCESS", True),
        ("FAILURE", "SUCCESS", False),
        ("SUCCESS", "FAILURE", False),
        unknown,
        unknown,
    ]
    assert run["cases"][2]["alert"] == "certificate_expired"
