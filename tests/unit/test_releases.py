"""What a release does not have, and which release stands nearest to a version."""

from __future__ import annotations

from itertools import pairwise

import pytest

from flb_handshake.certificates import HEALTHY
from flb_handshake.declare import but_in_3_0_7, delivered, listening, output, refused
from flb_handshake.model import CAFile, Mode, ProxySpec, Reload, Step, Upstream, Where
from flb_handshake.releases import KNOWN_SINCE, RELEASES, before, missing, nearest

RELOADED = (Step(name="reloaded", changes=(Reload.SIGHUP,)),)


@pytest.mark.parametrize(
    ("setup", "what", "since", "last_without"),
    [
        (output(Mode.VERIFY_HOST), "`tls.verify_hostname`", "3.1", "3.0.7"),
        (output(properties=(("TLS.Min_Version", "x"),)), "`tls.min_version`", "4.0", "3.2.10"),
        (output(properties=(("tls.ciphers", None),)), "`tls.ciphers`", "4.0", "3.2.10"),
        (output(proxy_ca=CAFile.ROOT), "`tls.proxy.ca_file`", "5.1", "5.0.9"),
        (output(proxy=ProxySpec(chain=HEALTHY)), "proxies that are reached", "5.1", "5.0.9"),
        (output(steps=RELOADED), "hot reload", "2.1", "2.0.14"),
        (output(plugin="es", upstream=Upstream()), "`upstream` for `es`", "5.1", "5.0.9"),
        (
            output(Mode.VERIFY_HOST, plugin="forward", upstream=Upstream(tls=Where.BOTH)),
            "`tls.verify_hostname`",
            "3.1",
            "3.0.7",
        ),
        (output(plugin="opentelemetry"), "output `opentelemetry` for logs", "2.0", "1.9.10"),
        (
            output(plugin="kubernetes_events", config="[INPUT]"),
            "`kubernetes_events`",
            "2.1.5",
            "2.0.14",
        ),
        (listening(Mode.NONE), "TLS for inputs", "2.0", "1.9.10"),
        (listening(Mode.OFF), "TLS for inputs", "2.0", "1.9.10"),
        (listening(Mode.REQUIRE), "`tls.verify_client_cert`", "5.0", "4.2.8"),
        (listening(http2=True), "HTTP/2 for inputs", "3.0", "2.2.3"),
    ],
)
def test_what_a_release_does_not_have_is_named_with_the_release_that_brought_it(
    setup, what, since, last_without
):
    said = missing(setup, last_without)
    assert said is not None
    assert said.startswith(f"Fluent Bit {last_without} has no {what}")
    assert said.endswith(f"({since} and later)")
    assert missing(setup, since) is None


@pytest.mark.parametrize("version", RELEASES)
def test_every_release_can_be_asked_for_what_is_older_than_all_of_them(version):
    assert missing(output(Mode.VERIFY_PEER), version) is None
    assert missing(output(Mode.NONE, proxy=ProxySpec()), version) is None


def test_a_node_may_name_what_its_release_does_not_know():
    setup = output(Mode.VERIFY_HOST, plugin="forward", upstream=Upstream())
    assert missing(setup, "1.9.10") is None


def test_a_whole_configuration_is_tried_as_it_stands():
    assert missing(output(Mode.VERIFY_HOST, config="[OUTPUT]"), "1.9.10") is None


def test_what_an_output_does_not_know_at_all_is_tried_as_well():
    assert missing(output(properties=(("tls.verify_client_cert", "on"),)), "1.9.10") is None


def test_releases_are_in_order_and_every_change_lies_between_two_of_them():
    assert all(before(one, other) for one, other in pairwise(RELEASES))
    for known in KNOWN_SINCE.values():
        for since in known.values():
            assert before(RELEASES[0], since)
            assert not before(RELEASES[-1], since)


@pytest.mark.parametrize(
    ("version", "found"),
    [
        ("3.0.7", "3.0.7"),
        ("1.3.1", "1.9.10"),
        ("2.0.8", "2.0.14"),
        ("3.2", "3.2.10"),
        ("5.2.0", "5.1.1"),
    ],
)
def test_the_nearest_is_the_same_or_the_next_and_else_the_last(version, found):
    assert nearest(version) == found


@pytest.mark.parametrize(
    ("version", "outcome"),
    [
        ("3.0.6", "DELIVERED"),
        ("3.0.7", "REFUSED_BY_AGENT"),
        ("3.1.0", "DELIVERED"),
        ("5.1.1", "DELIVERED"),
    ],
)
def test_3_0_7_alone_checks_names_by_default(version, outcome):
    does = but_in_3_0_7(delivered(), refused("bad_certificate"))
    assert does.on(version).outcome == outcome
