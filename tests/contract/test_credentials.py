"""What lint calls sent in cleartext stands on the wire of a real Fluent Bit, to be read."""

from __future__ import annotations

import base64
import socket
import subprocess

import pytest
from properties_written import DIALS, DUMMY, SERVICE, classic
from texts_played import LIMIT, binary

from flb_handshake.lint.credentials import SENT

PLANTED = "planted-secret"
USER = "http_user u"
WHO_SENDS = {
    # the property: (who sends it, what else it needs)
    "http_passwd": ("http es opensearch loki opentelemetry prometheus_remote_write influxdb", USER),
    "splunk_token": ("splunk", "tls off"),
    "bearer_token": ("loki", "tls off"),
    "http_token": ("influxdb", "bucket b"),
    "apikey": ("datadog", "dd_source d"),
    "auth_token": ("skywalking", "svc_name s"),
    "cloud_auth": ("es", "tls off"),
    "header": ("http opentelemetry prometheus_remote_write", "tls off"),
}
CASES = [(name, plugin) for name, (plugins, _) in WHO_SENDS.items() for plugin in plugins.split()]
SOURCES = {
    "prometheus_remote_write": "[INPUT]\n    Name fluentbit_metrics\n    Scrape_On_Start on\n"
}


def heard(tmp_path, text):
    """The first that a Fluent Bit with this configuration says to its collector."""
    path = tmp_path / "x.conf"
    with socket.create_server(("127.0.0.1", 0)) as bound:
        bound.settimeout(LIMIT)
        path.write_text(text.replace("{port}", str(bound.getsockname()[1])))
        with subprocess.Popen(
            [binary(), "-c", path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as running:
            try:
                plain, _ = bound.accept()
                with plain:
                    plain.settimeout(LIMIT)
                    said = b""
                    while b"\r\n\r\n" not in said:
                        said += plain.recv(65536)
                    return said
            finally:
                running.kill()


@pytest.mark.parametrize(("name", "plugin"), CASES)
def test_a_credential_is_sent_as_it_stands(tmp_path, name, plugin):
    _, needed = WHO_SENDS[name]
    before = {"header": "Authorization ", "cloud_auth": "u:"}.get(name, "")
    own = f"{name} {before}{PLANTED}"
    dials = DIALS.replace("Name http", f"Name {plugin}")
    said = heard(tmp_path, SERVICE + SOURCES.get(plugin, DUMMY) + dials + classic(needed, own))
    basic = base64.b64encode(f"u:{PLANTED}".encode())
    assert PLANTED.encode() in said or basic in said, said


def test_each_property_is_among_those_that_were_heard():
    assert set(WHO_SENDS) - {"header"} == SENT
