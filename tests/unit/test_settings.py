"""The configuration of inputs, of proxies and of runs in steps, held against what it should say."""

from __future__ import annotations

import pytest
from minted import pki

from flb_handshake import settings
from flb_handshake.ca_files import ca_file
from flb_handshake.certificates import HEALTHY, OTHER_LEAF, OTHER_ROOT, ROOT, chain
from flb_handshake.declare import listening, output
from flb_handshake.facts import facts_of
from flb_handshake.model import CAFile, File, Mode, ProxySpec, Upstream, Where
from flb_handshake.placing import Files
from flb_handshake.settings import INPUT_MODES, OUTPUT_MODES, Part, configuration, section


def placed(setup):
    return Files("/x", pki()).place(settings.files_of(setup))


def part(setup, **changes):
    given = {"alias": "mine", "address": "10.0.0.9", "port": 7000, "tag": "t0", **changes}
    return Part(setup=setup, **given)


def sections(text):
    """Each section as its name and its properties; a property that comes twice is an error."""
    found = []
    for line in text.splitlines():
        if line.startswith("["):
            found.append((line.strip("[]"), {}))
        elif line.strip():
            name, value = line.split(maxsplit=1)
            assert name not in found[-1][1], f"{name} twice"
            found[-1][1][name] = value.strip()
    return found


def rendered(setup, sources=(), parsers="", **changes):
    one = part(setup, **changes)
    return sections(configuration([one], placed(setup), dict(sources), parsers))


def with_node(**changes):
    """The properties of an output and of its node, beyond name, alias and so on."""
    setup = output(
        plugin="forward", upstream=Upstream(**changes), properties=(("Shared_Key", "o"),)
    )
    files = Files("/x", pki())
    here = files.place(settings.files_of(setup))
    upstream = settings.upstream_file(part(setup), here)
    here = files.place([upstream])
    ((_, own),) = sections(section(part(setup), here))
    (head, node) = sections(upstream.text)
    assert head == ("UPSTREAM", {"Name": "nodes"})
    assert own.pop("Upstream") == here[upstream]
    assert not {"Host", "Port"} & set(own)
    assert (node[1].pop("Host"), node[1].pop("Port")) == ("10.0.0.9", "7000")
    assert settings.dialling(part(setup), here).items() <= node[1].items()
    return own, node[1]


@pytest.mark.parametrize("where", Where)
def test_the_settings_of_tls_stand_where_they_are_to(where):
    own, node = with_node(tls=where)
    assert (own.get("tls") == "on") is (where is not Where.NODE)
    assert (node.get("tls") == "on") is (where is not Where.OUTPUT)
    assert (own.get("tls.ca_file") == "/x/ca-root.pem") is (where is not Where.NODE)
    assert (node.get("tls.ca_file") == "/x/ca-root.pem") is (where is not Where.OUTPUT)


def test_a_node_has_the_last_word_about_itself_alone():
    own, node = with_node(properties=(("tls.verify", None), ("shared_key", "n")))
    assert own["Shared_Key"] == "o"
    assert "Shared_Key" not in node
    assert node["shared_key"] == "n"
    assert "tls.verify" not in node


@pytest.mark.parametrize("where", Where)
def test_a_ca_file_is_known_where_it_is_read(where):
    setup = output(plugin="forward", upstream=Upstream(tls=where))
    known = facts_of(part(setup), placed(setup), pki())
    assert (known.anchors is None) is (where is Where.OUTPUT)
    assert (dict(known.properties).get("tls") == "on") is (where is not Where.OUTPUT)


def test_an_output_without_an_upstream_file_has_none():
    setup = output()
    assert settings.upstream_file(part(setup), placed(setup)) is None
    assert settings.dialling(part(setup), placed(setup)) == settings.properties(
        setup, placed(setup)
    )


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (Mode.OFF, {"tls": "off"}),
        (Mode.NONE, {"tls": "on", "tls.verify": "off"}),
        (Mode.VERIFY_PEER, {"tls": "on", "tls.verify": "on"}),
        (Mode.VERIFY_HOST, {"tls": "on", "tls.verify": "on", "tls.verify_hostname": "on"}),
        (Mode.REQUIRE, {"tls": "on", "tls.verify": "on", "tls.verify_client_cert": "on"}),
    ],
)
def test_each_mode_of_an_input_is_the_properties_of_the_article(mode, expected):
    setup = listening(mode)
    made = settings.properties(setup, placed(setup))
    assert {name: made[name] for name in expected} == expected
    others = {"tls.verify", "tls.verify_hostname", "tls.verify_client_cert"} - set(expected)
    assert not others & set(made)
    assert set(INPUT_MODES) == set(OUTPUT_MODES) == set(Mode)


def test_only_an_input_demands_a_client_certificate():
    setup = output(Mode.REQUIRE)
    assert "tls.verify_client_cert" not in settings.properties(setup, placed(setup))


def test_an_input_names_its_files_and_no_host():
    setup = listening(Mode.REQUIRE)
    assert settings.properties(setup, placed(setup)) == {
        "tls": "on",
        "tls.verify": "on",
        "tls.verify_client_cert": "on",
        "tls.ca_file": "/x/ca-root.pem",
        "tls.crt_file": "/x/crt.pem",
        "tls.key_file": "/x/key.key",
        "tls.debug": "1",
    }


def test_an_input_and_what_sends_its_records_on():
    service, taking, sending = rendered(listening(), listens=7100)
    assert service[0] == "SERVICE"
    name, own = taking
    assert name == "INPUT"
    asked = ("Name", "Alias", "Tag", "Listen", "Port")
    assert [own[it] for it in asked] == ["http", "mine", "t0", "127.0.0.1", "7100"]
    assert own["tls.verify"] == "on"
    name, rest = sending
    assert name == "OUTPUT"
    assert [rest[it] for it in ("Name", "Match", "Host", "Port")] == [
        "http",
        "t0",
        "10.0.0.9",
        "7000",
    ]
    assert not [it for it in rest if it.startswith("tls")]


@pytest.mark.parametrize(
    ("plugin", "taking", "sent_by"),
    [
        ("http", {}, "http"),
        ("forward", {}, "http"),
        ("tcp", {"Format": "json"}, "http"),
        ("syslog", {"Mode": "tcp", "Parser": "syslog-rfc5424"}, "http"),
        ("opentelemetry", {}, "http"),
        ("prometheus_remote_write", {}, "prometheus_remote_write"),
    ],
)
def test_each_input_takes_what_is_shipped_and_has_an_output_that_sends_it_on(
    plugin, taking, sent_by
):
    _, own, rest = rendered(listening(plugin=plugin), listens=7100)
    assert own[1]["Name"] == plugin
    assert {name: own[1].get(name) for name in ("Format", "Mode", "Parser")} == {
        "Format": None,
        "Mode": None,
        "Parser": None,
        **taking,
    }
    assert rest[1]["Name"] == sent_by
    assert rest[1].get("Format") == ("json" if sent_by == "http" else None)


def test_the_part_of_an_input_is_its_own_text_in_the_whole():
    setup = listening()
    one = part(setup, listens=7100)
    whole = configuration([one], placed(setup), {})
    assert section(one, placed(setup)) in whole
    assert whole.count("[INPUT]") == whole.count("[OUTPUT]") == 1


def test_properties_of_the_input_win_over_the_rendered_ones():
    setup = listening(properties=(("Listen", "::1"), ("tls.debug", None)))
    _, own, rest = rendered(setup, listens=7100)
    assert own[1]["Listen"] == "::1"
    assert "tls.debug" not in own[1]
    assert "Listen" not in rest[1]


def test_the_environment_is_told_where_the_collector_and_the_files_are():
    given = (("ENDPOINT", "https://{host}:{port}"), ("OPENSSL_CONF", "{crt}"), ("LEVEL", "9"))
    setup = output(environment=given, crt=File(certs=(ROOT,), stem="named"))
    found = settings.environment(part(setup), placed(setup))
    assert found["ENDPOINT"] == "https://10.0.0.9:7000"
    assert found["OPENSSL_CONF"] == placed(setup)[setup.agent.crt]
    assert found["LEVEL"] == "9"
    assert settings.environment(part(output()), placed(output())) == {}


def test_the_service_has_its_own_properties_last():
    setup = output(service=(("Grace", "9"), ("net.dns.mode", "TCP")))
    (_, service), *_ = rendered(setup)
    assert (service["Grace"], service["net.dns.mode"], service["Daemon"]) == ("9", "TCP", "off")


def test_parsers_are_named_only_where_they_are_given():
    (_, service), *_ = rendered(listening(plugin="syslog"), parsers="/x/parsers.conf", listens=1)
    assert service["Parsers_File"] == "/x/parsers.conf"
    (_, service), *_ = rendered(listening(), listens=1)
    assert "Parsers_File" not in service


def test_whoever_is_reloaded_has_a_server_for_it_on_the_loopback():
    (_, service), *_ = rendered(output(), admin=7200)
    assert {name: service[name] for name in service if "H" in name} == {
        "HTTP_Server": "on",
        "HTTP_Listen": "127.0.0.1",
        "HTTP_Port": "7200",
        "Hot_Reload": "on",
    }
    (_, service), *_ = rendered(output())
    assert service["HTTP_Server"] == "off"
    assert "Hot_Reload" not in service


def test_an_output_in_steps_is_fed_over_a_port():
    _, feed, sending = rendered(output(), listens=7300)
    assert feed == (
        "INPUT",
        {
            "Name": "tcp",
            "Tag": "t0",
            "Listen": "127.0.0.1",
            "Port": "7300",
            "Format": "json",
        },
    )
    assert sending[1]["Match"] == "t0"


def test_the_feed_goes_before_a_log_and_a_log_before_the_dummy():
    reading = output(source=("a",))
    assert rendered(reading, {"t0": "/x/t0.log"})[1][1]["Name"] == "tail"
    assert rendered(reading, {"t0": "/x/t0.log"}, listens=1)[1][1]["Name"] == "tcp"
    assert rendered(output())[1][1]["Name"] == "dummy"


def test_properties_of_the_feed_are_the_setups():
    setup = output(input_properties=(("tls", "on"), ("Format", "none")))
    feed = rendered(setup, listens=7300)[1][1]
    assert (feed["tls"], feed["Format"]) == ("on", "none")


PROXIED = ProxySpec(chain=chain(OTHER_LEAF, name="of the proxy"))


@pytest.mark.parametrize(
    ("proxy", "kind", "held"),
    [
        (PROXIED, CAFile.ROOT, (OTHER_ROOT,)),
        (ProxySpec(), CAFile.ROOT, (ROOT,)),
        (PROXIED, None, None),
        (PROXIED, CAFile.UNSET, None),
    ],
)
def test_the_ca_of_a_proxy_is_meant_for_the_proxys_chain(proxy, kind, held):
    setup = output(proxy=proxy, proxy_ca=kind)
    named = settings.named_files(setup).get("tls.proxy.ca_file")
    assert (named.certs if named else None) == held
    assert settings.named_files(setup)["tls.ca_file"].certs == (ROOT,)


def test_a_file_of_ones_own_for_the_proxy_is_taken_as_it_is():
    own = File(certs=(OTHER_ROOT,), stem="mine")
    setup = output(proxy=PROXIED, proxy_ca=own)
    assert settings.properties(setup, placed(setup))["tls.proxy.ca_file"] == "/x/mine.pem"


def test_the_ca_file_of_an_input_is_the_healthy_clients_whoever_ships():
    stranger = chain(OTHER_LEAF, name="other")
    assert ca_file(listening().but(chain=stranger)).certs == (ROOT,)
    assert ca_file(listening().but(chain=None)).certs == (ROOT,)
    assert ca_file(output().but(chain=stranger)).certs == (OTHER_ROOT,)
    assert ca_file(output().but(chain=HEALTHY, ca=CAFile.UNSET)) is None


def test_an_address_can_stand_in_a_property():
    setup = output().but(plugin="s3", properties=(("Endpoint", "http://{host}:{port}"),))
    asked = part(setup, address="127.0.0.1", port=4711)

    assert settings.properties_of(asked, placed(setup))["Endpoint"] == "http://127.0.0.1:4711"
    assert "http://127.0.0.1:4711" in section(asked, placed(setup))
