"""Which scenarios of the catalogue concern a configuration: the rule, by example."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from flb_handshake import catalogue
from flb_handshake.concerns import concerns
from flb_handshake.config.reading import Syntax, read_text
from flb_handshake.model import File, Replace, Step

SCENARIOS = cache(catalogue.load)

LATE = ("4.0.14", "5.1.1")
VERIFIED = "names.name[mode=verify_peer-naming=other_host]"
NAMED = "names.name[mode=verify_host-naming=other_host]"
UNVERIFIED = "validity.unverified[at=leaf-age=expired]"
PLAIN = "article.switched_off"
BOUNDED = "protocol.bounds[minimum=TLSv1-maximum=TLSv1-collector=TLSv1]"
SYSTEM = "mode.cell[mode=verify_peer-ca=unset_CA_in_the_system_store-collector=healthy]"
BROKEN_CA = "mode.cell[mode=verify_peer-ca=garbage-collector=healthy]"
NEW_CA = "rotation.ca_file_replaced[way=in_place-to=new]"
NO_CERTIFICATE = "client_auth.policy[policy=demand-certificate=none-version=TLSv1.2]"
CERTIFICATE = "client_auth.policy[policy=demand-certificate=not_yet_valid-version=TLSv1.2]"
NODE = "upstreams.healthy[plugin=forward]"
ES = "plugins.healthy[plugin=es-mode=verify_peer]"
FORWARD_INPUT = "server_role.plugin[plugin=forward-mode=none-shipper=right]"
DEMANDING_INPUT = "server_role.plugin[plugin=forward-mode=require-shipper=right]"
ASKING_INPUT = "server_role.plugin[plugin=forward-mode=verify_peer-shipper=right]"
PROXY = "transport.proxy[proxy=http]"
PROXY_IN_CLEARTEXT = "switches.proxy[plugin=http-scheme=http-tls=off]"
YES = "syntax.tls[word=yes]"
CERTIFIED = "tls.crt_file c\ntls.key_file k"


def ends(text, scenario, releases=LATE):
    """How many ends there are, and which of them that scenario concerns."""
    configuration = read_text(text, name="own.conf", syntax=Syntax.CLASSIC, environment={})
    found = concerns(configuration, [catalogue.find(SCENARIOS(), scenario)], releases)
    return [bool(one.scenarios) for one in found]


def section(kind, plugin, lines=""):
    body = (f"    {line}\n" for line in (f"name {plugin}", *lines.splitlines()))
    return f"[{kind}]\n{''.join(body)}"


def output(plugin, lines=""):
    return section("OUTPUT", plugin, lines)


@pytest.mark.parametrize(
    ("lines", "scenario", "expected"),
    [
        ("tls on", VERIFIED, True),
        ("tls true\ntls.verify yes", VERIFIED, True),
        ("TLS On\nTLS.Verify On", VERIFIED, True),
        ("tls on\ntls.verify off", VERIFIED, False),
        ("tls off", VERIFIED, False),
        ("", VERIFIED, False),
        ("tls on\ntls.verify_hostname on", VERIFIED, False),
        ("tls on\ntls.verify_hostname off", VERIFIED, True),
        ("tls on\ntls.verify_hostname true", NAMED, True),
        ("tls on", NAMED, False),
        ("tls on\ntls.verify no", UNVERIFIED, True),
        ("tls on", UNVERIFIED, False),
        ("", PLAIN, True),
        ("tls no\ntls.verify on", PLAIN, True),
        ("tls on", PLAIN, False),
        ("tls on", BOUNDED, False),
        ("tls on\ntls.min_version tlsv1\ntls.max_version TLSv1", BOUNDED, True),
        ("tls on\ntls.min_version TLSv1.2\ntls.max_version TLSv1", BOUNDED, False),
        ("tls on\ntls.min_version TLSv1.2", VERIFIED, True),
        ("tls on", SYSTEM, True),
        ("tls on\ntls.ca_file own.pem", SYSTEM, False),
        ("tls on\ntls.ca_path own", SYSTEM, False),
        ("tls on\ntls.ca_file own.pem", BROKEN_CA, True),
        ("tls on", BROKEN_CA, False),
        ("tls on\ntls.ca_file own.pem", NEW_CA, True),
        ("tls on", NEW_CA, False),
        ("tls on", NO_CERTIFICATE, True),
        (f"tls on\n{CERTIFIED}", NO_CERTIFICATE, False),
        (f"tls on\n{CERTIFIED}", CERTIFICATE, True),
        ("tls on", CERTIFICATE, False),
        (f"tls on\n{CERTIFIED}", VERIFIED, True),
        ("tls on", ES, False),
        ("tls on", PROXY, False),
        ("tls on\ntls.proxy.verify off", PROXY, True),
        ("tls off", PROXY_IN_CLEARTEXT, False),
        ("tls off\nproxy http://own:3128", PROXY_IN_CLEARTEXT, True),
        ("tls on", FORWARD_INPUT, False),
        ("tls on", NODE, False),
    ],
)
def test_an_output_is_concerned_by_what_sets_what_it_sets(lines, scenario, expected):
    assert ends(output("http", lines), scenario) == [expected]


@pytest.mark.parametrize(
    ("plugin", "lines", "scenario", "expected"),
    [
        ("es", "tls on", ES, True),
        ("loki", "tls on", VERIFIED, True),
        ("loki", "tls on", ES, False),
        ("syslog", "tls on\nmode tls", VERIFIED, True),
        ("syslog", "tls on\nmode dtls", VERIFIED, False),
        ("slack", "", VERIFIED, True),
        ("slack", "", PLAIN, False),
        ("s3", "tls off", VERIFIED, True),
        ("cloudwatch_logs", "", VERIFIED, True),
        ("loki", "proxy http://own:3128", PROXY_IN_CLEARTEXT, False),
    ],
)
def test_http_stands_for_every_plugin_that_speaks_over_a_stream(plugin, lines, scenario, expected):
    assert ends(output(plugin, lines), scenario) == [expected]


def test_the_right_root_stands_for_any_store_only_while_it_stays():
    known = catalogue.find(SCENARIOS(), VERIFIED)
    step = Step(name="another root", changes=(Replace("ca", File()),))
    rotated = replace(known, setup=known.setup.but(steps=(step,)))
    text = output("http", "tls on")
    configuration = read_text(text, name="own.conf", syntax=Syntax.CLASSIC, environment={})
    (found,) = concerns(configuration, [known, rotated], LATE)
    assert found.scenarios == (known,)


def test_what_opens_no_connection_is_no_end():
    assert ends(output("stdout") + section("INPUT", "dummy"), VERIFIED) == []


def test_an_input_is_concerned_by_what_shippers_meet():
    text = section("INPUT", "forward", f"tls on\ntls.verify off\n{CERTIFIED}")
    assert ends(text, FORWARD_INPUT) == [True]
    assert ends(text, VERIFIED) == [False]
    assert ends(text.replace("off", "on"), FORWARD_INPUT) == [False]


def test_an_input_that_demands_certificates_is_another_than_one_that_asks():
    asks = section("INPUT", "forward", f"tls on\n{CERTIFIED}\ntls.ca_file own.pem")
    demands = f"{asks}    tls.verify_client_cert yes\n"
    assert ends(demands, DEMANDING_INPUT, ("5.0.9", "5.1.1")) == [True]
    assert ends(asks, DEMANDING_INPUT, ("5.0.9", "5.1.1")) == [False]
    assert ends(demands, ASKING_INPUT, ("5.0.9", "5.1.1")) == [False]


def test_a_node_of_an_upstream_file_is_the_end_and_its_output_is_none(tmp_path):
    nodes = tmp_path / "nodes.conf"
    nodes.write_text(section("UPSTREAM", "all") + section("NODE", "one", "host h\nport 1\ntls on"))
    text = output("forward", f"upstream {nodes}")
    assert ends(text, NODE) == [True]
    assert ends(text, VERIFIED) == [False]


@pytest.mark.parametrize(
    ("releases", "scenario", "expected"),
    [
        (("3.0.6", "3.0.7"), VERIFIED, True),
        (("2.0.14", "2.2.3"), VERIFIED, False),
        (("2.0.14", "2.2.3"), YES, True),
    ],
)
def test_a_word_is_what_each_of_both_releases_takes_it_for(releases, scenario, expected):
    """`yes` switches TLS on since 2.1.8: what had TLS before, too, is no likeness of it."""
    assert ends(output("http", "tls yes"), scenario, releases) == [expected]
