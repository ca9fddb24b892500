"""Whom an output dials, told by a URL or by anything else, and how it is led to our peer."""

from __future__ import annotations

import base64

import pytest

from flb_handshake.config.dialling import dialled, led_here
from flb_handshake.config.words import Configuration, Kind, Property, Section, Spot
from flb_handshake.diagnosis.configured import sections_of
from flb_handshake.diagnosis.release import Release
from flb_handshake.diagnosis.troubles import NOBODY, Trouble
from flb_handshake.dials import DIALS, HOST_AND_PORT, USUAL

SPOT = Spot("fluent-bit.conf", 1)


def section(**values):
    properties = tuple(
        Property(key=name, value=value, written=value, spot=SPOT) for name, value in values.items()
    )
    return Section(kind=Kind.OUTPUT, title="OUTPUT", properties=properties, spot=SPOT)


@pytest.mark.parametrize(
    ("url", "led", "host"),
    [
        ("https://a.example/x/y?z=1", "https://{host}:{port}/x/y?z=1", "a.example"),
        ("https://a.example:8443", "https://{host}:{port}", "a.example"),
        ("https://u:p@a.example:1/x", "https://u:p@{host}:{port}/x", "a.example"),
        ("https://[2001:db8::1]:1/x", "https://{host}:{port}/x", "2001:db8::1"),
        ("https://a.example?z=b/c", "https://{host}:{port}?z=b/c", "a.example"),
        ("http://10.1.2.3/x", "http://{host}:{port}/x", "10.1.2.3"),
        ("a.example", "{host}:{port}", "a.example"),
        ("", "{host}:{port}", "127.0.0.1"),
    ],
)
def test_of_a_url_the_address_alone_becomes_ours(url, led, host):
    assert led_here(url, port=True) == (led, host)


def cloud(text):
    return "a name:" + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("values", "host"),
    [
        ({"name": "http", "host": "a.example"}, "a.example"),
        ({"name": "http"}, "127.0.0.1"),
        ({"name": "es", "cloud_id": cloud("b.example$id$kibana")}, "id.b.example"),
        ({"name": "es", "cloud_id": cloud("b.example:443$id:9243$kibana")}, "id.b.example"),
        ({"name": "es", "cloud_id": "not base64", "host": "a.example"}, ""),
        ({"name": "es", "cloud_id": "", "host": "a.example"}, "a.example"),
        ({"name": "azure", "customer_id": "w"}, "w.ods.opinsights.azure.com"),
        ({"name": "azure", "customer_id": "w", "host": "w.a.example"}, "w.a.example"),
        ({"name": "azure", "customer_id": "w", "host": ".a.example"}, "w.a.example"),
        ({"name": "azure", "host": "w.a.example"}, "w.a.example"),
        ({"name": "td", "region": "JP"}, "api.treasuredata.co.jp"),
        ({"name": "td", "region": "us"}, "api.treasuredata.com"),
        ({"name": "s3", "region": "cn-north-1"}, "s3.cn-north-1.amazonaws.com.cn"),
        ({"name": "s3", "endpoint": "http://a.example:9000"}, "a.example"),
        ({"name": "http", "host": "a.example", "proxy": "http://p.example:1"}, "p.example"),
        ({"name": "tcp", "host": "a.example", "proxy": "http://p.example:1"}, "a.example"),
    ],
)
def test_whom_an_output_dials(values, host):
    assert dialled(section(**values)).host == host


def test_behind_a_proxy_the_collector_is_named_as_before():
    values = {"name": "http", "host": "a.example", "port": "8443", "proxy": "http://p.example:1"}
    led = dialled(section(**values)).leading
    assert led == {"proxy": "http://{host}:{port}", "Host": "a.example", "Port": "8443"}


def test_who_gives_a_token_is_never_the_users_own():
    """Whether it is asked or not: `oauth2.enable` is a word that we may read otherwise."""
    url = "https://login.example/token"
    values = {"name": "http", "host": "a.example", "oauth2.token_url": url}
    whom = dialled(section(**values))
    assert (whom.host, whom.tokens) == ("a.example", True)
    assert whom.leading == {"oauth2.token_url": "http://{tokens}/token"}
    azure = dialled(section(name="azure_logs_ingestion", dce_url="https://b.example", auth_url=url))
    assert (azure.host, azure.leading["auth_url"]) == ("b.example", "http://{tokens}/token")


@pytest.mark.parametrize(("target", "found"), [("hooks.example:443", 1), ("127.0.0.1:443", 0)])
def test_a_trouble_is_of_the_output_whose_url_names_its_host(target, found):
    slack = section(name="slack", webhook="https://hooks.example/x")
    whole = Configuration(sections=(section(name="http"), slack))
    said = Trouble(
        owner=NOBODY,
        target=target,
        is_input=False,
        clues={},
        release=Release(),
        lines=[],
        first=1,
        last=1,
    )
    assert sections_of(whole, said) == (slack,) * found


def test_a_usual_host_is_of_an_output_that_can_be_led_here():
    for plugin in USUAL:
        words = DIALS.get(plugin, HOST_AND_PORT).values()
        assert any("{host}" in word for word in words)
        assert any("{port}" in word for word in words)
