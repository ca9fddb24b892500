"""Sections of a user's configuration, played: each of these has a known answer."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest
from playing import opened

from flb_handshake.certificates import HEALTHY
from flb_handshake.config.words import Configuration, Kind, Property, Section, Spot
from flb_handshake.lint.policy import Policy
from flb_handshake.outcomes import Outcome, Side
from flb_handshake.peer.events import Kind as Seen
from flb_handshake.pki import Pki
from flb_handshake.trials.findings import findings
from flb_handshake.trials.mutants import Wrong
from flb_handshake.trials.trial import blamed, try_all

NOTHING = set()
NAME = {Wrong.NAME}
OF_A_CHAIN = {
    Wrong.OTHER_CA,
    Wrong.NAME,
    Wrong.EXPIRED,
    Wrong.SELF_SIGNED,
    Wrong.NO_INTERMEDIATE,
}
EVERYTHING = OF_A_CHAIN | {Wrong.CLEARTEXT}
OF_A_CLIENT = {Wrong.ANONYMOUS, Wrong.FOREIGN, Wrong.EXPIRED_CLIENT}

HOST = "Host logs.example.com; Port 443"
CA = "tls.ca_file /etc/fluent-bit/ca.pem"
PAIR = "tls.crt_file /etc/fluent-bit/own.pem; tls.key_file /etc/fluent-bit/own.key"

AZURE = (
    "Name azure_logs_ingestion; dce_url https://x.ingest.example.com; tenant_id t; client_id i; "
    "client_secret s-1; dcr_id d; table_name t"
)
CHECKED = "tls.verify_hostname on"
CLOUD = "main:" + base64.b64encode(b"eu.cloud.example.com:443$0a1b$2c3d").decode()

DELIVERED, CLEARTEXT = Outcome.DELIVERED, Outcome.CLEARTEXT

OUTPUTS = {
    # name: (properties, what becomes of it with a healthy collector, what it lets through)
    "defaults": (f"Name http; {HOST}; tls on; {CA}", DELIVERED, NAME),
    "defaults in small letters": (f"name HTTP; {HOST}; TLS On; {CA}", DELIVERED, NAME),
    "verified": (f"Name http; {HOST}; tls on; tls.verify on; {CA}", DELIVERED, NAME),
    "name checked": (
        f"Name http; {HOST}; tls on; tls.verify_hostname on; {CA}",
        DELIVERED,
        NOTHING,
    ),
    "unverified": (f"Name http; {HOST}; tls on; tls.verify off; {CA}", DELIVERED, OF_A_CHAIN),
    "unverified in vain": (
        f"Name http; {HOST}; tls on; tls.verify off; tls.verify_hostname on; {CA}",
        DELIVERED,
        OF_A_CHAIN,
    ),
    "the last word counts": (
        f"Name http; {HOST}; tls on; tls.verify on; tls.verify off; {CA}",
        DELIVERED,
        OF_A_CHAIN,
    ),
    "a mode is no boolean": (f"Name http; {HOST}; tls verify_peer; {CA}", CLEARTEXT, EVERYTHING),
    "tls left out": (f"Name http; {HOST}; tls.verify on; {CA}", CLEARTEXT, EVERYTHING),
    "tls off": (f"Name http; {HOST}; tls off; tls.verify on; {CA}", CLEARTEXT, EVERYTHING),
    "system store": (f"Name http; {HOST}; tls on", DELIVERED, NAME),
    "system store, name checked": (
        f"Name http; {HOST}; tls on; tls.verify_hostname on",
        DELIVERED,
        NOTHING,
    ),
    "an address": ("Name http; Host 10.1.2.3; tls on; tls.verify_hostname on", DELIVERED, NOTHING),
    "vhost": (
        f"Name http; Host 10.1.2.3; tls on; tls.vhost a.example.com; tls.verify_hostname on; {CA}",
        DELIVERED,
        NOTHING,
    ),
    "mutual": (f"Name http; {HOST}; tls on; {CA}; {PAIR}", DELIVERED, NAME),
    "mutual, with a passphrase": (
        f"Name http; {HOST}; tls on; {CA}; {PAIR}; tls.key_passwd correct-horse",
        DELIVERED,
        NAME,
    ),
    "ca_path": (f"Name http; {HOST}; tls on; tls.ca_path /etc/ssl/certs", DELIVERED, NAME),
    "es": (f"Name es; {HOST}; Index i; tls on; tls.verify_hostname on; {CA}", DELIVERED, NOTHING),
    "opensearch": (f"Name opensearch; {HOST}; tls on; {CA}", DELIVERED, NAME),
    "splunk": (f"Name splunk; {HOST}; splunk_token x-1; tls on; {CA}", DELIVERED, NAME),
    "loki": (f"Name loki; {HOST}; labels job=fb; tls on; {CA}", DELIVERED, NAME),
    "opentelemetry": (f"Name opentelemetry; {HOST}; tls on; {CA}", DELIVERED, NAME),
    "influxdb": (f"Name influxdb; {HOST}; tls on; {CA}", DELIVERED, NAME),
    "datadog": (f"Name datadog; {HOST}; apikey k-1; tls on; {CA}", DELIVERED, NAME),
    "forward": (f"Name forward; {HOST}; tls on; tls.verify_hostname on; {CA}", DELIVERED, NOTHING),
    "forward with a key": (f"Name forward; {HOST}; Shared_Key s-1; tls on; {CA}", DELIVERED, NAME),
    "tcp": (f"Name tcp; {HOST}; tls on; tls.verify off; {CA}", DELIVERED, OF_A_CHAIN),
    "gelf's own mode": (
        f"Name gelf; {HOST}; mode tls; gelf_short_message_key message; {CA}",
        CLEARTEXT,
        EVERYTHING,
    ),
    "gelf": (
        f"Name gelf; {HOST}; mode tls; tls on; gelf_short_message_key message; {CA}",
        DELIVERED,
        NAME,
    ),
    "gelf of another key": (
        f"Name gelf; {HOST}; mode tls; tls on; gelf_short_message_key log; {CA}",
        DELIVERED,
        NAME,
    ),
    "syslog": (
        f"Name syslog; {HOST}; mode tls; tls on; syslog_message_key message; {CA}",
        DELIVERED,
        NAME,
    ),
}

URLS = {
    # the same, of outputs that another property than Host tells whom to dial
    "slack": (
        f"Name slack; webhook https://hooks.example.com/services/T/B/x; {CHECKED}; {CA}",
        DELIVERED,
        NOTHING,
    ),
    "slack, unverified": (
        f"Name slack; webhook https://hooks.example.com/services/T/B/x; tls.verify off; {CA}",
        DELIVERED,
        OF_A_CHAIN,
    ),
    "slack, by a variable that nobody sets": ("Name slack; webhook ", DELIVERED, NAME),
    "slack in cleartext": (
        "Name slack; webhook https://hooks.example.com/services/T/B/x; tls off",
        CLEARTEXT,
        EVERYTHING,
    ),
    "slack without https": (
        "Name slack; webhook http://hooks.example.com/services/T/B/x",
        Outcome.NOT_STARTED,
        NOTHING,
    ),
    "nrlogs": (
        f"Name nrlogs; base_uri https://logs.example.com/log/v1; api_key k-1; {CHECKED}; {CA}",
        DELIVERED,
        NOTHING,
    ),
    "nrlogs, its usual host": (f"Name nrlogs; license_key k-1; {CHECKED}", DELIVERED, NOTHING),
    "nrlogs by an address": (
        f"Name nrlogs; base_uri https://10.1.2.3:8443/log; license_key k-1; {CHECKED}; {CA}",
        DELIVERED,
        NOTHING,
    ),
    "logdna": (f"Name logdna; api_key k-1; {CHECKED}", DELIVERED, NOTHING),
    "logdna, its own host": (
        f"Name logdna; logdna_host l.example.com; logdna_port 8443; api_key k-1; {CA}",
        DELIVERED,
        NAME,
    ),
    "azure": (
        f"Name azure; customer_id abc-1; shared_key bm9ib2R5LXM=; {CHECKED}",
        DELIVERED,
        NOTHING,
    ),
    "azure, its own host": (
        f"Name azure; customer_id abc-1; Host ods.example.com; shared_key bm9ib2R5; {CA}",
        DELIVERED,
        NAME,
    ),
    "td": (f"Name td; API a; Database d; Table t; Region jp; {CHECKED}", DELIVERED, NOTHING),
    "datadog, its usual host": (f"Name datadog; apikey k-1; tls on; {CHECKED}", DELIVERED, NOTHING),
    "s3": (
        f"Name s3; bucket b; region eu-west-1; endpoint https://minio.example.com:9000; {CA}",
        DELIVERED,
        NAME,
    ),
    "s3, its usual host": (
        f"Name s3; bucket b; region eu-west-1; total_file_size 50M; upload_timeout 10m; {CHECKED}",
        DELIVERED,
        NAME,
    ),
    "s3 over http": (
        f"Name s3; bucket b; endpoint http://minio.example.com:9000; tls on; {CA}",
        CLEARTEXT,
        EVERYTHING,
    ),
    "s3, unverified": (f"Name s3; bucket b; tls.verify off; {CA}", DELIVERED, OF_A_CHAIN),
    "cloudwatch_logs": (
        f"Name cloudwatch_logs; region eu-west-1; log_group_name g; log_stream_prefix p-; {CA}",
        DELIVERED,
        NAME,
    ),
    "cloudwatch_logs, its own endpoint": (
        "Name cloudwatch_logs; region r; endpoint https://vpce.example.com; port 8443; "
        f"log_group_name g; log_stream_name s; {CA}",
        DELIVERED,
        NAME,
    ),
    "cloudwatch_logs takes no tls": (
        "Name cloudwatch_logs; region r; log_group_name g; log_stream_name s; tls on",
        Outcome.NOT_STARTED,
        NOTHING,
    ),
    "kinesis_firehose": (
        "Name kinesis_firehose; region cn-north-1; delivery_stream s",
        DELIVERED,
        NAME,
    ),
    "kinesis_streams": (
        f"Name kinesis_streams; region r; stream s; endpoint k.example.com; {CA}",
        DELIVERED,
        NAME,
    ),
    "cloudwatch_logs of one key": (
        "Name cloudwatch_logs; region r; log_group_name g; log_stream_name s; log_key log",
        DELIVERED,
        NAME,
    ),
    "s3 of one key": ("Name s3; bucket b; log_key log", DELIVERED, NAME),
    "es in the cloud": (
        f"Name es; Cloud_ID {CLOUD}; Cloud_Auth u:p-1; tls on; {CHECKED}",
        DELIVERED,
        NOTHING,
    ),
    "es in the cloud, in cleartext": (
        f"Name es; Cloud_ID {CLOUD}; tls off; {CHECKED}",
        CLEARTEXT,
        EVERYTHING,
    ),
    "es of AWS": (
        f"Name es; {HOST}; AWS_Auth on; AWS_Region eu-west-1; tls on; {CHECKED}; {CA}",
        DELIVERED,
        NOTHING,
    ),
    "a proxy of its own": (
        f"Name http; {HOST}; proxy https://proxy.example.com:3128; tls on; {CHECKED}; {CA}",
        DELIVERED,
        NOTHING,
    ),
    "a proxy of its own, in cleartext": (
        f"Name http; {HOST}; proxy https://proxy.example.com:3128; {CHECKED}; {CA}",
        CLEARTEXT,
        EVERYTHING,
    ),
}

TOKEN = "oauth2.enable on; oauth2.token_url https://login.example.com/token; oauth2.client_id i"
TOKENS = {
    # outputs that ask for a token first, which is ours: the records' connection is what is tried
    "http": (
        f"Name http; {HOST}; {TOKEN}; oauth2.client_secret s-1; tls on; {CHECKED}; {CA}",
        DELIVERED,
        NOTHING,
    ),
    "http, unverified": (
        f"Name http; {HOST}; {TOKEN}; oauth2.client_secret s-1; tls on; tls.verify off; {CA}",
        DELIVERED,
        OF_A_CHAIN,
    ),
    "http, not asked for": (
        f"Name http; {HOST}; oauth2.token_url https://login.example.com/token; tls on; {CA}",
        DELIVERED,
        NAME,
    ),
    "http, without a secret": (
        f"Name http; {HOST}; {TOKEN}; tls on; {CA}",
        Outcome.NOT_STARTED,
        NOTHING,
    ),
    "opentelemetry": (
        f"Name opentelemetry; {HOST}; {TOKEN}; oauth2.client_secret s-1; tls on; {CA}",
        DELIVERED,
        NAME,
    ),
    "azure_logs_ingestion": (f"{AZURE}; {CHECKED}; {CA}", DELIVERED, NOTHING),
    "azure_logs_ingestion, its token's own server": (
        f"{AZURE}; auth_url https://login.example.com/token; {CHECKED}",
        DELIVERED,
        NOTHING,
    ),
    "azure_logs_ingestion, unverified": (f"{AZURE}; tls.verify off", DELIVERED, OF_A_CHAIN),
}

NODE = "name a; host a.example.com; port 24224"
NODES = {
    # name: (properties of the output, of its node, and as above)
    "forward": ("Name forward", f"{NODE}; tls on; {CA}", DELIVERED, NAME),
    "forward, name checked": (
        "Name forward",
        f"{NODE}; tls on; {CHECKED}; {CA}",
        DELIVERED,
        NOTHING,
    ),
    "forward, unverified": (
        "Name forward",
        f"{NODE}; tls on; tls.verify off; {CA}",
        DELIVERED,
        OF_A_CHAIN,
    ),
    "forward, TLS in the output alone": (
        f"Name forward; tls on; {CHECKED}; {CA}",
        NODE,
        CLEARTEXT,
        EVERYTHING,
    ),
    "forward, checked in the output alone": (
        f"Name forward; tls on; {CHECKED}; {CA}",
        f"{NODE}; tls on; {CA}",
        DELIVERED,
        NAME,
    ),
    "forward, system store": ("Name forward", f"{NODE}; tls on; {CHECKED}", DELIVERED, NOTHING),
    "forward with a key": (
        "Name forward",
        f"{NODE}; shared_key s-1; tls on; tls.vhost b.example.com; {CHECKED}; {CA}",
        DELIVERED,
        NOTHING,
    ),
    "forward, mutual": ("Name forward", f"{NODE}; tls on; {CA}; {PAIR}", DELIVERED, NAME),
    "forward by an address": (
        "Name forward",
        f"name 10.1.2.3; host 10.1.2.3; port 24224; tls on; {CHECKED}; {CA}",
        DELIVERED,
        NOTHING,
    ),
    "es": ("Name es; Index i", f"{NODE}; tls on; {CHECKED}; {CA}", DELIVERED, NOTHING),
    "http has no nodes": ("Name http", f"{NODE}; tls on; {CA}", Outcome.NOT_STARTED, NOTHING),
}

PROXIED = {
    # name: (properties of the output, and what is let through of HTTPS proxies)
    "its CA": ("tls.proxy.ca_file /etc/fluent-bit/proxy.pem", NOTHING),
    "its CA in a directory": ("tls.proxy.ca_path /etc/fluent-bit/certs", NOTHING),
    "a CA of the system's": ("tls.proxy.verify on", NOTHING),
    "its name unchecked": ("tls.proxy.verify_hostname off", NAME),
    "unverified": ("tls.proxy.verify off", OF_A_CHAIN),
    "unverified, its CA": ("tls.proxy.verify off; tls.proxy.ca_file /proxy.pem", OF_A_CHAIN),
}

INPUTS = {
    "no client is asked": (f"Name http; tls on; tls.verify off; {PAIR}", DELIVERED, OF_A_CLIENT),
    "defaults": (f"Name http; tls on; {PAIR}; {CA}", DELIVERED, {Wrong.ANONYMOUS}),
    "no authority of clients": (f"Name http; tls on; {PAIR}", DELIVERED, {Wrong.ANONYMOUS}),
    "demanded": (
        f"Name http; tls on; tls.verify on; tls.verify_client_cert on; {PAIR}; {CA}",
        DELIVERED,
        NOTHING,
    ),
    "demanded of nobody": (
        f"Name http; tls on; tls.verify off; tls.verify_client_cert on; {PAIR}; {CA}",
        DELIVERED,
        OF_A_CLIENT,
    ),
    "tcp": (f"Name tcp; tls on; {PAIR}; {CA}", DELIVERED, {Wrong.ANONYMOUS}),
    "forward": (
        f"Name forward; tls on; tls.verify_client_cert on; {PAIR}; {CA}",
        DELIVERED,
        NOTHING,
    ),
    "forward with a key": (
        f"Name forward; Shared_Key s-1; Self_Hostname x; tls on; {PAIR}; {CA}",
        DELIVERED,
        {Wrong.ANONYMOUS},
    ),
    "tcp in lines": (
        f"Name tcp; Format none; Separator x; tls on; {PAIR}; {CA}",
        DELIVERED,
        {Wrong.ANONYMOUS},
    ),
    "syslog": (
        f"Name syslog; mode tcp; Parser mine; tls on; {PAIR}; {CA}",
        DELIVERED,
        {Wrong.ANONYMOUS},
    ),
    "splunk": (
        f"Name splunk; splunk_token x-1; tls on; {PAIR}; {CA}",
        DELIVERED,
        {Wrong.ANONYMOUS},
    ),
    "opentelemetry": (
        f"Name opentelemetry; tag_from_uri on; tls on; {PAIR}; {CA}",
        DELIVERED,
        {Wrong.ANONYMOUS},
    ),
    "no certificate": ("Name http; tls on", Outcome.NOT_STARTED, NOTHING),
    "no key": (
        "Name http; tls on; tls.crt_file /etc/fluent-bit/own.pem",
        Outcome.NOT_STARTED,
        NOTHING,
    ),
}


def section(kind, text, file="fluent-bit.conf"):
    pairs = [one.strip().partition(" ") for one in text.split(";")]
    properties = [
        Property(key=key, value=value, written=value, spot=Spot(file, line))
        for line, (key, _, value) in enumerate(pairs, 2)
    ]
    return Section(kind=kind, title=kind.upper(), properties=tuple(properties), spot=Spot(file, 1))


OF_OUTPUTS = {
    **OUTPUTS,
    **{f"by URL: {name}": row for name, row in URLS.items()},
    **{f"with a token: {name}": row for name, row in TOKENS.items()},
}


def with_nodes(text, *nodes):
    output = section(Kind.OUTPUT, f"{text}; Upstream nodes.conf")
    return replace(output, sections=tuple(section(Kind.NODE, one, "nodes.conf") for one in nodes))


OF_NODES = {name: with_nodes(*row[:2]) for name, row in NODES.items()}
TWO_NODES = with_nodes("Name forward", f"{NODE}; tls on; {CHECKED}; {CA}", "name b; host b; port 1")

OF_PROXIES = {
    name: section(Kind.OUTPUT, f"Name http; {HOST}; tls on; {CHECKED}; {CA}; {row[0]}")
    for name, row in PROXIED.items()
}

SECTIONS = {
    **{f"output: {name}": section(Kind.OUTPUT, row[0]) for name, row in OF_OUTPUTS.items()},
    **{f"node: {name}": one for name, one in OF_NODES.items()},
    **{f"input: {name}": section(Kind.INPUT, row[0]) for name, row in INPUTS.items()},
}
ANSWERS = {
    **{f"output: {name}": row[1:] for name, row in OF_OUTPUTS.items()},
    **{f"node: {name}": row[2:] for name, row in NODES.items()},
    **{f"input: {name}": row[1:] for name, row in INPUTS.items()},
}


_AT_ONCE = 16
"""Sections of a run: each is a process, and more side by side stall a small machine."""


@pytest.fixture(scope="module", params=["process", "docker"])
def trials(request):
    sections = list(SECTIONS.values())
    found = []
    for start in range(0, len(sections), _AT_ONCE):
        some = Configuration(sections=tuple(sections[start : start + _AT_ONCE]))
        played, unplayed = try_all(some, opened(request.param))
        assert not unplayed
        found += played
    return {id(one.section): one for one in found}


def of(trials, name):
    whole = SECTIONS[name]
    return trials[id(whole.sections[0] if whole.sections else whole)]


@pytest.mark.parametrize("name", SECTIONS)
def test_a_section_is_known_by_what_it_lets_through(trials, name):
    trial = of(trials, name)
    outcome, accepted = ANSWERS[name]
    assert not trial.failure
    assert trial.healthy.observation.outcome is outcome
    assert {one.wrong for one in trial.answers if one.is_let_through} == accepted
    assert trial.delivers is (outcome is DELIVERED)


def kinds(found):
    return {event.kind for event in found.evidence.events}


@pytest.mark.parametrize("name", [name for name in SECTIONS if not name.startswith("input")])
def test_an_output_is_believed_by_what_the_peer_recorded(trials, name):
    """A refusal is an alert that came, a delivery a handshake and a request within it."""
    trial = of(trials, name)
    if not trial.delivers:
        return
    assert {Seen.CLIENT_HELLO, Seen.NEGOTIATED, Seen.REQUEST} <= kinds(trial.healthy)
    for one in trial.answers:
        assert Seen.CLIENT_HELLO in kinds(one.found) or one.wrong is Wrong.CLEARTEXT
        if one.is_let_through:
            assert {Seen.NEGOTIATED, Seen.REQUEST} <= kinds(one.found)
        elif one.wrong is Wrong.CLEARTEXT:
            assert one.found.observation.first_bytes.startswith("1603")
        else:
            assert one.found.observation.alert_from is Side.AGENT


def test_the_default_policy_puts_up_with_what_fluent_bit_does_by_default(trials):
    trial = trials[id(SECTIONS["output: defaults"])]
    assert not trial.let_through(Policy.DEFAULT)
    assert [one.wrong for one in trial.let_through(Policy.STRICT)] == [Wrong.NAME]
    open_to_all = trials[id(SECTIONS["input: no client is asked"])]
    assert {one.wrong for one in open_to_all.let_through(Policy.DEFAULT)} == {
        Wrong.FOREIGN,
        Wrong.EXPIRED_CLIENT,
    }


def test_of_a_section_that_does_not_start_that_alone_is_told(trials):
    (one,) = findings(trials[id(SECTIONS["input: no certificate"])], Policy.STRICT)
    assert one.rule == "does-not-deliver"


def test_of_a_section_in_cleartext_that_alone_is_told(trials):
    """Everybody is let through by it, for one reason."""
    (one,) = findings(trials[id(SECTIONS["output: tls left out"])], Policy.STRICT)
    assert one.rule == "sends-cleartext"


def test_the_line_to_blame_is_the_one_that_opens_the_door():
    unverified = section(Kind.OUTPUT, "Name http; tls on; tls.verify off; tls.ca_file x")
    assert blamed(unverified, Wrong.OTHER_CA).spot.line == 4
    assert blamed(unverified, Wrong.CLEARTEXT).spot.line == 3
    assert blamed(unverified, None).spot.line == 5
    assert blamed(section(Kind.OUTPUT, "Name http"), Wrong.NAME) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Name kafka; rdkafka.security.protocol ssl", "librdkafka"),
        ("Name stackdriver; tls on", "Google"),
        ("Name s3; bucket b; role_arn arn:x", "`role_arn` makes it ask a host of AWS"),
        ("Name brand_new; tls on", "our peer does not know what 'brand_new' speaks"),
        (
            "Name es; Cloud_ID x; tls on; tls.vhost a.example.com; tls.ca_file x",
            "the name of a host",
        ),
        ("Name forward; Upstream nodes.conf; tls on", "no node of its upstream file"),
        ("Name http; oauth2.token_url u; oauth2.jwt_key_file k; tls on", "names the key"),
        ("Name stdout; tls on", "opens no connection"),
        ("Name http; tls on; Host a..b; tls.ca_file x", "cannot be the name of a host"),
        ("Name http; tls on; tls.vhost a b; tls.ca_file x", "cannot be the name of a host"),
    ],
)
def test_what_cannot_be_played_says_why(text, reason):
    agent = opened("reference")
    found, unplayed = try_all(Configuration(sections=(section(Kind.OUTPUT, text),)), agent)
    assert not found
    assert reason in unplayed[0].reason
    assert unplayed[0].instead


@pytest.mark.parametrize(
    ("name", "sni"),
    [
        ("slack", "hooks.example.com"),
        ("nrlogs, its usual host", "log-api.newrelic.com"),
        ("nrlogs by an address", None),
        ("azure", "abc-1.ods.opinsights.azure.com"),
        ("azure, its own host", "abc-1.ods.example.com"),
        ("td", "api.treasuredata.co.jp"),
        ("s3", "minio.example.com"),
        ("s3, its usual host", "s3.eu-west-1.amazonaws.com"),
        ("cloudwatch_logs, its own endpoint", "vpce.example.com"),
        ("kinesis_firehose", "firehose.cn-north-1.amazonaws.com.cn"),
        ("es in the cloud", "0a1b.eu.cloud.example.com"),
        ("a proxy of its own", "proxy.example.com"),
    ],
)
def test_the_host_of_a_url_is_what_the_peer_is_asked_for(trials, name, sni):
    trial = trials[id(SECTIONS[f"output: by URL: {name}"])]
    assert trial.healthy.observation.sni == sni
    for one in trial.answers:
        if one.wrong is not Wrong.CLEARTEXT:
            assert one.found.observation.sni == sni


@pytest.mark.parametrize("name", ["http", "opentelemetry", "azure_logs_ingestion"])
def test_the_token_is_asked_of_us_and_that_is_said(trials, name):
    trial = trials[id(SECTIONS[f"output: with a token: {name}"])]
    config = trial.healthy.evidence.agent.config
    assert "http://127.0.0.1:" in config
    assert "login" not in config
    assert "its token is ours" in trial.note


def test_what_the_users_s3_keeps_is_left_alone(trials):
    """It would be sent to our peer, and deleted, if the stand-in had the same directory."""
    trial = trials[id(SECTIONS["output: by URL: s3, its usual host"])]
    assert "/store-" in trial.healthy.evidence.agent.config
    assert "fluent-bit/s3" not in trial.healthy.evidence.agent.config
    assert len(trial.healthy.observation.records) == 1


def test_each_node_is_an_end_of_its_own():
    """The second says nothing of TLS, and gets its records in cleartext."""
    configuration = Configuration(sections=(TWO_NODES,))
    found, unplayed = try_all(configuration, opened("process"))
    assert not unplayed
    assert [one.section.called for one in found] == ["node a", "node b"]
    assert [one.healthy.observation.outcome for one in found] == [DELIVERED, CLEARTEXT]
    assert not found[0].let_through(Policy.STRICT)
    (told,) = findings(found[1], Policy.DEFAULT)
    assert (told.rule, str(told.spot)) == ("sends-cleartext", "nodes.conf:1")


@pytest.fixture(scope="module", params=["process", "docker"])
def proxied(request):
    agent = opened(request.param)
    found, unplayed = try_all(Configuration(sections=tuple(OF_PROXIES.values())), agent)
    assert not unplayed
    return dict(zip(OF_PROXIES, zip(found[::2], found[1::2], strict=True), strict=True))


@pytest.mark.parametrize("name", PROXIED)
def test_an_https_proxy_is_judged_by_properties_of_its_own(proxied, name):
    output, proxy = proxied[name]
    assert not any(one.is_let_through for one in output.answers)
    assert proxy.section.called == "proxy of output http"
    assert proxy.delivers
    assert {one.wrong for one in proxy.answers if one.is_let_through} == PROXIED[name][1]
    refused = {one.wrong for one in proxy.answers if one.is_refused}
    assert refused == OF_A_CHAIN - PROXIED[name][1]
    for one in proxy.answers:
        layers = {event.facts.get("layer") for event in one.found.evidence.events}
        assert "proxy" in layers


def test_what_a_proxy_may_be_is_told_at_its_own_line(proxied):
    _, proxy = proxied["unverified"]
    told = findings(proxy, Policy.DEFAULT)
    assert {str(one.spot) for one in told} == {"fluent-bit.conf:8"}
    assert "it goes through a proxy whose certificate another CA issued" in told[0].text
    assert all("tls.proxy.verify off" in one.fix for one in told)


def test_who_waits_for_the_first_word_in_cleartext_is_told_of_cleartext():
    """A collector of TLS waits too, and nothing comes of it."""
    keyed = section(Kind.OUTPUT, f"Name forward; {HOST}; shared_key k; tls off")
    (trial,), _ = try_all(Configuration(sections=(keyed,)), opened("process"))
    assert trial.healthy.observation.outcome is Outcome.STALLED
    (told,) = findings(trial, Policy.DEFAULT)
    assert (told.rule, str(told.spot)) == ("sends-cleartext", "fluent-bit.conf:6")
    assert "tls is off" in told.text
    assert told.fix.startswith("Set tls on")


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("{{ .Values.host }}", "helm template"),
        ("(secret es/host)", "a copy"),
    ],
)
def test_what_is_filled_in_elsewhere_is_set_where_it_is_filled_in(value, says):
    output = section(Kind.OUTPUT, f"Name es; Host {value}; tls on")
    _, (unplayed,) = try_all(Configuration(sections=(output,)), opened("reference"))
    assert "'Host' is filled in elsewhere" in unplayed.reason
    assert says in unplayed.instead


def test_an_input_that_is_not_played_is_not_to_be_tried_with_a_server():
    udp = section(Kind.INPUT, f"Name syslog; Mode udp; tls on; {PAIR}")
    _, (unplayed,) = try_all(Configuration(sections=(udp,)), opened("reference"))
    assert "openssl s_client" in unplayed.instead


def test_a_section_without_a_word_about_tls_is_not_played():
    agent = opened("reference")
    quiet = section(Kind.OUTPUT, "Name http; Host logs.example.com")
    assert try_all(Configuration(sections=(quiet,)), agent) == ((), ())


def test_a_ca_file_of_an_intermediate_alone_is_stood_in_for_by_one(tmp_path):
    """And what leads to it is no defect: `missing intermediate` is not asked of it."""
    (tmp_path / "ca.pem").write_bytes(Pki().pem(HEALTHY.intermediate))
    text = f"Name http; {HOST}; tls on; tls.ca_file ca.pem"
    own = section(Kind.OUTPUT, text, file=str(tmp_path / "fluent-bit.conf"))
    (trial,), _ = try_all(Configuration(sections=(own,)), opened("process"))
    assert Wrong.NO_INTERMEDIATE not in {one.wrong for one in trial.answers}
    assert trial.healthy.observation.outcome is Outcome.REFUSED_BY_AGENT


def test_sections_are_called_by_alias_or_by_plugin():
    assert section(Kind.OUTPUT, "Name es; Alias main").called == "output es 'main'"
    assert section(Kind.INPUT, "Name Forward").called == "input forward"


def test_the_passphrase_of_the_users_key_stays_with_the_user(trials):
    trial = trials[id(SECTIONS["output: mutual, with a passphrase"])]
    assert "correct-horse" not in trial.healthy.evidence.agent.config
