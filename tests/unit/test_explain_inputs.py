"""The diagnosis of an input: whom it refused, who refused it, and how a connection ended."""

import pytest
from diagnoses import THE_INTERMEDIATE, THE_ROOT, alert, closed, line, pem
from shipping import (
    ACCEPTED,
    AGREED,
    ANSWERED,
    GREETED,
    HELLO,
    OFF,
    REQUIRE,
    causes,
    shipped,
)

from flb_handshake.certificates import (
    CLIENT,
    CLIENT_CHAIN,
    HEALTHY,
    INTERMEDIATE,
    LEAF,
    OTHER_ROOT,
    ROOT,
    At,
    Usage,
    constrained,
    expired,
    not_a_ca,
    usage,
)
from flb_handshake.peer.events import Kind
from flb_handshake.remedies import OF_AN_INPUT
from flb_handshake.suspects import ALERTS_OF_AN_INPUT

VERIFY_FAILED = line("[tls] error: error:0A000086:SSL routines::certificate verify failed")
LONE_CLIENT = CLIENT_CHAIN.sending(CLIENT, name="no intermediate")


def refused(name, by="agent", log=(VERIFY_FAILED,), **changes):
    return causes((*AGREED, alert(by, name), closed("agent", "RST")), log=log, **changes)


SHIPPERS = {
    "of another CA": (
        {"anchors": pem(OTHER_ROOT)},
        "unknown_ca",
        "client_certificate_untrusted",
        [f"issued by {THE_ROOT}", "tls.ca_file (it holds 'OU=Unrelated Root"],
        f"put the root {THE_ROOT} into tls.ca_file",
    ),
    "CA.File unset": (
        {
            "anchors": None,
            "properties": {k: v for k, v in REQUIRE.items() if k != "tls.ca_file"},
        },
        "unknown_ca",
        "client_certificate_untrusted",
        ["tls.ca_file is not set", "asks the system's trust store"],
        f"set tls.ca_file to the root {THE_ROOT}",
    ),
    "CA.File holds the intermediate alone": (
        {"anchors": pem(INTERMEDIATE)},
        "unknown_ca",
        "ca_file_holds_no_root",
        [f"does not hold {THE_ROOT}"],
        f"put the root {THE_ROOT} into tls.ca_file",
    ),
    "intermediate not sent": (
        {"shipper": LONE_CLIENT},
        "unknown_ca",
        "client_intermediate_missing",
        ["the shipper's certificate 'CN=fluent-bit", f"issued by {THE_INTERMEDIATE}"],
        f"let the shipper send the intermediate {THE_INTERMEDIATE}",
    ),
    "expired": (
        {"shipper": CLIENT_CHAIN.but(expired())},
        "certificate_expired",
        "client_certificate_expired",
        ["the shipper's certificate 'CN=fluent-bit", "expired 1 day ago"],
        "renew the shipper's certificate",
    ),
    "of a server": (
        {"shipper": CLIENT_CHAIN.but(usage(Usage.SERVER))},
        "unsupported_certificate",
        "client_certificate_wrong_usage",
        ["is for serverAuth", "not for clientAuth"],
        "extendedKeyUsage clientAuth",
    ),
}


@pytest.mark.parametrize("case", SHIPPERS)
def test_a_refused_shipper_is_told_what_is_wrong_with_its_certificate(case):
    changes, name, cause, told, fix = SHIPPERS[case]
    (found,) = refused(name, **changes)
    assert (found.cause, found.certain) == (cause, True)
    assert all(words in found.because for words in told)
    assert fix in found.fix
    assert "collector" not in found.because + found.fix


def test_what_is_wrong_twice_is_told_twice():
    found = refused("unknown_ca", shipper=LONE_CLIENT, anchors=pem(OTHER_ROOT))
    assert [(one.cause, one.certain) for one in found] == [
        ("client_intermediate_missing", True),
        ("client_certificate_untrusted", True),
    ]
    assert f"the intermediate {THE_INTERMEDIATE}" in found[0].fix
    assert f"the root {THE_ROOT}" in found[1].fix


BY_WORDS = {
    "certificate_required": (
        "peer did not return a certificate",
        "client_certificate_missing",
        "give the shipper a client certificate",
    ),
    "handshake_failure": (
        "peer did not return a certificate",
        "client_certificate_missing",
        "tls.verify_client_cert off",
    ),
    "internal_error": (
        "no suitable signature algorithm",
        "protocol_version",
        "let the shipper speak TLSv1.2 or TLSv1.3",
    ),
    "protocol_version": ("unsupported protocol", "protocol_version", "tls.min_version"),
    "no_application_protocol": (
        "no application protocol",
        "no_common_alpn",
        "let the shipper offer the protocol",
    ),
}


@pytest.mark.parametrize("name", BY_WORDS)
def test_an_alert_with_the_words_of_the_agent_s_openssl_is_certain(name):
    words, cause, fix = BY_WORDS[name]
    steps = (*GREETED, alert("agent", name), closed("agent"))
    (found,) = causes(steps, log=[line(f"[tls] error: error:0A0000:SSL routines::{words}")])
    assert (found.cause, found.certain) == (cause, True)
    assert fix in found.fix


def test_a_handshake_failure_without_words_is_not_decided():
    found = causes((*GREETED, alert("agent", "handshake_failure"), closed("agent")))
    assert [one.cause for one in found] == ["client_certificate_missing", "no_shared_cipher"]
    assert not any(one.certain for one in found)
    assert "cannot tell which of" in found[-1].because


def test_no_shared_cipher_and_no_alpn_are_told_with_what_was_offered():
    steps = (*GREETED, alert("agent", "no_application_protocol"), closed("agent"))
    (found,) = causes(steps)
    assert "offered only spdy/3.1" in found.because
    steps = (*GREETED, alert("agent", "handshake_failure"), closed("agent"))
    (found,) = causes(steps, log=[line("[tls] error: x:SSL routines::no shared cipher")])
    assert found.cause == "no_shared_cipher"
    assert "key in tls.key_file" in found.fix


# What the shipper refuses.

OWN = {
    "expired": (
        HEALTHY.but(expired()),
        "certificate_expired",
        "expired",
        "put a renewed certificate into tls.crt_file",
    ),
    "no intermediate": (
        HEALTHY.sending(LEAF, name="no intermediate"),
        "unknown_ca",
        "missing_intermediate",
        f"append the intermediate {THE_INTERMEDIATE} to tls.crt_file",
    ),
    "an intermediate that is no CA": (
        HEALTHY.but(not_a_ca(), at=At.INTERMEDIATE),
        "unknown_ca",
        "issuer_is_not_a_ca",
        "basicConstraints CA:TRUE",
    ),
    "a CA that may not certify the name": (
        HEALTHY.but(constrained(permitted=("example.org",)), at=At.INTERMEDIATE),
        "certificate_unknown",
        "name_constraint",
        "nameConstraints that permit 'logs.example.test'",
    ),
    "of a client": (
        HEALTHY.but(usage(Usage.CLIENT)),
        "unsupported_certificate",
        "not_a_server_certificate",
        "extendedKeyUsage serverAuth",
    ),
}


@pytest.mark.parametrize("case", OWN)
def test_an_input_whose_own_certificate_is_refused_is_told_what_is_wrong_with_it(case):
    own, name, cause, fix = OWN[case]
    (found,) = causes((*ANSWERED, alert("peer", name), closed("peer")), own=own)
    assert (found.cause, found.certain) == (cause, True)
    assert "logs.example.test" in found.because
    assert fix in found.fix
    assert "collector" not in found.because + found.fix


def test_a_shipper_that_trusts_another_root_is_told_which():
    steps = (*ANSWERED, alert("peer", "unknown_ca"), closed("peer"))
    (found,) = causes(steps, peer_anchors=pem(OTHER_ROOT))
    assert found.cause == "untrusted_root"
    assert "the shipper trusts 'OU=Unrelated Root" in found.because
    assert f"let the shipper trust the root {THE_ROOT}" in found.fix


def test_a_shipper_that_refuses_before_it_saw_a_certificate_cannot_mean_the_certificate():
    steps = (*GREETED, alert("peer", "unknown_ca"), closed("peer"))
    (found,) = causes(steps, own=HEALTHY.but(expired()), peer_anchors=pem(OTHER_ROOT))
    assert (found.cause, found.certain) == ("peer_alert", False)
    assert "the shipper's own log" in found.because


# How a connection ends that nobody refused.

EOF = line("[tls] error: error:0A000126:SSL routines::unexpected eof while reading")
ACCEPT_TIMEOUT = line(
    "[downstream] connection #31 from  timed out after 10 seconds (connection timeout)"
)
IO_TIMEOUT = line("[downstream] connection #31 from  timed out after 3 seconds (IO timeout)")
PLAIN = line("[tls] error: error:0A00009C:SSL routines::http request")
NO_TLS = line("[tls] error: error:0A00010B:SSL routines::wrong version number")

ENDS = {
    "a probe": (
        (ACCEPTED, alert("agent", "decode_error"), closed("peer")),
        [EOF],
        REQUIRE,
        "closed_before_hello",
        "health checks",
        "nothing, if a probe of yours does it",
    ),
    "a probe of a port without TLS": (
        (ACCEPTED, closed("peer")),
        [],
        OFF,
        "closed_before_hello",
        "harmless",
        "nothing",
    ),
    "closed in the middle": (
        (*GREETED, closed("peer")),
        [EOF],
        REQUIRE,
        "peer_closed",
        "the shipper's ClientHello came; then the shipper ended the connection (FIN)",
        "the shipper's log",
    ),
    "reset": (
        (*AGREED, closed("peer", "RST")),
        [],
        REQUIRE,
        "peer_closed",
        "the handshake was complete; then the shipper's side ended the connection (RST)",
        "firewalls",
    ),
    "silent": (
        (ACCEPTED, closed("agent")),
        [ACCEPT_TIMEOUT],
        REQUIRE,
        "peer_silent",
        "nothing more in 10 seconds, until net.accept_timeout ended it",
        "a short net.accept_timeout",
    ),
    "silent after the handshake": (
        (*AGREED, closed("agent")),
        [IO_TIMEOUT],
        REQUIRE,
        "peer_silent",
        "nothing more in 3 seconds",
        "net.io_timeout",
    ),
    "HTTP without TLS": (
        (ACCEPTED, shipped(tls=False), closed("agent", "RST")),
        [PLAIN],
        REQUIRE,
        "peer_speaks_no_tls",
        "an HTTP request without TLS",
        "https://",
    ),
    "another protocol without TLS": (
        (ACCEPTED, closed("agent", "RST")),
        [NO_TLS],
        REQUIRE,
        "peer_speaks_no_tls",
        "without TLS to an input that has tls on",
        "switch TLS on in the shipper",
    ),
    "another protocol without TLS, where the log does not say so": (
        (ACCEPTED, shipped(tls=False), closed("agent", "RST")),
        [line("[tls] error: unexpected EOF")],
        REQUIRE,
        "peer_speaks_no_tls",
        "without TLS to an input that has tls on",
        "switch TLS on in the shipper",
    ),
    "TLS to an input without that waits": (
        (ACCEPTED, HELLO),
        [],
        OFF,
        "input_speaks_no_tls",
        "tls is off for this input",
        "set tls on for the input",
    ),
    "TLS to an input without": (
        (ACCEPTED, HELLO, closed("agent")),
        [],
        OFF,
        "input_speaks_no_tls",
        "tls is off for this input",
        "set tls on for the input",
    ),
}


@pytest.mark.parametrize("case", ENDS)
def test_an_end_without_a_refusal_is_told_with_who_ended_it_and_when(case):
    steps, log, properties, cause, told, fix = ENDS[case]
    (found,) = causes(steps, log=log, properties=properties)
    assert (found.cause, found.certain) == (cause, True)
    assert told in found.because
    assert fix in found.fix


def test_one_silent_shipper_holds_up_the_others():
    (found,) = causes((ACCEPTED, closed("agent")), log=[ACCEPT_TIMEOUT])
    assert "that does not speak HTTP serves nobody else" in found.because
    assert "firewall" in found.fix


def test_bytes_that_an_input_without_tls_ended_without_a_word_are_not_decided():
    found = causes((ACCEPTED, closed("agent")), properties=OFF)
    assert [(one.cause, one.certain) for one in found] == [
        ("input_speaks_no_tls", False),
        ("agent_closed", False),
    ]
    assert "cannot tell which of" in found[-1].because


def test_an_agent_that_ended_by_itself_is_told_with_its_exit_code():
    (found,) = causes((*AGREED, closed("agent", "RST")), exit_code=-11)
    assert found.cause == "agent_ended"
    assert "exit code -11" in found.because


def test_records_that_went_in_and_never_came_out_are_told():
    (found,) = causes((*AGREED, shipped(tls=True)))
    assert (found.cause, found.certain) == ("records_unusable", False)


def test_the_words_of_an_input_come_from_its_own_section():
    both = (
        "[INPUT]\n    Name http\n    tls on\n    tls.verify on\n    tls.ca_file /in/ca.pem\n"
        "[OUTPUT]\n    Name http\n    tls off\n    tls.ca_file /out/ca.pem\n"
    )
    said = line("[tls] ca_file '/in/ca.pem' 0: error:80000002:system library::No such file")
    (found,) = causes(log=[said], exit_code=255, config=both)
    assert found.cause == "ca_file_missing"
    assert "/in/ca.pem" in found.because


def test_a_kind_of_event_of_the_proxy_s_is_none_of_the_input_s():
    layered = (Kind.CLIENT_HELLO, {"versions": [], "layer": "proxy"})
    (found,) = causes((ACCEPTED, layered, closed("peer")), anchors=pem(ROOT))
    assert found.cause == "closed_before_hello"


def test_no_text_that_an_alert_leads_to_speaks_of_a_collector():
    names = {one for suspects in ALERTS_OF_AN_INPUT.values() for one in suspects.causes}
    texts = [OF_AN_INPUT.remedies[name] for name in names]
    told = [text.meaning + text.because + text.fix for text in texts]
    assert [one for one in told if "collector" in one] == []
