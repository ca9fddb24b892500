"""The diagnosis of an input that let somebody in, or did not start to listen at all."""

import pytest
from diagnoses import line
from shipping import (
    ACCEPTED,
    ANSWERED,
    ASKED,
    ASKING,
    CAME_OUT,
    DELIVERED,
    OFF,
    REQUIRE,
    causes,
    shipped,
)

from flb_handshake.certificates import CLIENT_CHAIN, Key, keyed

ANONYMOUS = {
    "asked only": (ASKING, "5.1.1", "only asks", "set tls.verify_client_cert on"),
    "a release that cannot demand": (ASKING, "4.2.8", "cannot demand it", "5.0 or later"),
    "nobody asked": (
        {**ASKING, "tls.verify": "off"},
        "5.1.1",
        "no shipper is asked for a certificate",
        "set tls.verify on and tls.verify_client_cert on",
    ),
    "the trap": (
        {**REQUIRE, "tls.verify": "off"},
        "5.1.1",
        "makes tls.verify_client_cert do nothing",
        "set tls.verify on; tls.verify_client_cert on counts only then",
    ),
}


@pytest.mark.parametrize("case", ANONYMOUS)
def test_an_anonymous_shipper_is_told_with_why_it_was_let_in(case):
    properties, version, told, fix = ANONYMOUS[case]
    (found,) = causes(DELIVERED, shipper=None, properties=properties, version=version)
    assert (found.cause, found.certain) == ("anonymous_client_accepted", True)
    assert told in found.because
    assert fix in found.fix
    assert "collector" not in found.because + found.fix


def test_a_known_shipper_needs_no_diagnosis():
    steps = (*ANSWERED, ASKED, *DELIVERED[len(ANSWERED) :])
    assert causes(steps) == ()


def test_an_input_that_names_no_clients_lets_anybody_in_on_purpose():
    nobody = {"tls": "on", "tls.verify": "off"}
    assert causes(DELIVERED, shipper=None, properties=nobody, anchors=None) == ()


def test_a_weak_shipper_that_verification_passes_over_is_told():
    weak = CLIENT_CHAIN.but(keyed(Key.RSA_1024))
    steps = (*ANSWERED, ASKED, *DELIVERED[len(ANSWERED) :])
    (found,) = causes(steps, shipper=weak)
    assert found.cause == "accepted_all_the_same"
    assert "the shipper's certificate" in found.because
    assert "RSA 2048" in found.fix


PLAIN = (ACCEPTED, shipped(tls=False), CAME_OUT)


def test_an_input_in_cleartext_is_told_on_both_sides():
    (found,) = causes(PLAIN, properties=OFF)
    assert (found.cause, found.certain) == ("tls_off", True)
    assert "set tls on for the input, with tls.crt_file and tls.key_file" in found.fix
    assert "the shipper" in found.fix


@pytest.mark.parametrize(
    ("properties", "cause"),
    [
        ({**REQUIRE, "tls": "maybe"}, "tls_word_is_no_boolean"),
        ({"tls.ca_file": "/certs/ca.pem"}, "tls_properties_without_tls"),
    ],
)
def test_a_word_that_does_not_switch_tls_on_is_told(properties, cause):
    (found,) = causes(PLAIN, properties=properties)
    assert (found.cause, found.certain) == (cause, True)


STARTS = {
    "crt_file_not_set": (
        "[input http.0] error initializing TLS context (certificate file missing)",
        "set tls.crt_file to the input's certificate",
    ),
    "key_file_not_set": (
        "[input http.0] error initializing TLS context (private key file missing)",
        "set tls.key_file to the private key",
    ),
    "crt_file_unusable": (
        "[tls] crt_file '/certs/crt.pem' 26: error:80000002:system library::No such file",
        "put the input's certificate (PEM, the leaf first) into tls.crt_file",
    ),
    "key_mismatch": (
        "[tls] key_file '/certs/key.key' 0: error:05800074:x509::key values mismatch",
        "set tls.key_file to the key that belongs",
    ),
    "key_file_missing": (
        "[tls] key_file '/certs/key.key' 26: error:80000002:system library::No such file",
        "write the private key to /certs/key.key",
    ),
    "ca_file_missing": (
        "[tls] ca_file '/certs/ca.pem' 26: error:80000002:system library::No such file",
        "write the root's certificate (PEM) to /certs/ca.pem",
    ),
    "port_taken": (
        "[downstream] could not bind address 127.0.0.1:9880. Aborting",
        "end the other program",
    ),
}


@pytest.mark.parametrize("cause", STARTS)
def test_an_input_that_does_not_start_is_told_what_it_lacks(cause):
    said, fix = STARTS[cause]
    (found,) = causes(log=[line(said)], exit_code=255)
    assert (found.cause, found.certain) == (cause, True)
    assert fix in found.fix


def test_a_port_that_is_taken_is_named():
    (found,) = causes(log=[line(STARTS["port_taken"][0])], exit_code=255)
    assert "could not bind address 127.0.0.1:9880" in found.because
