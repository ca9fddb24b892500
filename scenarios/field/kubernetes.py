"""The Kubernetes filter and the input of its events: HTTPS clients of an API server or a kubelet.

They ship no records there. What is delivered is a request (GET) that came over TLS.
"""

from __future__ import annotations

from typing import Any

from flb_handshake.declare import (
    HEALTHY,
    HOST,
    LEAF,
    OTHER_HOST,
    SELF_SIGNED,
    CAFile,
    Case,
    File,
    FileForm,
    Mode,
    Outcome,
    Report,
    Setup,
    but_in_3_0_7,
    case,
    chain,
    delivered,
    named,
    not_started,
    output,
    refused,
    scenario,
)

_TOKEN = File(form=FileForm.TEXT, text="a-token", stem="token")
"""What they show of themselves. It stands where a client certificate would: `{crt}`."""

_SERVICE = """\
[SERVICE]
    Flush      0.01
    Grace      0
    Log_Level  debug
"""

_FILTER = f"""\
{_SERVICE}
[INPUT]
    Name    dummy
    Tag     kube.var.log.containers.web_default_nginx-{"0123456789abcdef" * 4}.log
    Dummy   {{"log":"handshake"}}
    Rate    1000
    Samples 1

[FILTER]
    Name            kubernetes
    Match           kube.*
    Kube_Token_File {{crt}}
    tls.debug       1
    <settings>

[OUTPUT]
    Name  null
    Match *
"""

_EVENTS = f"""\
{_SERVICE}
[INPUT]
    Name            kubernetes_events
    Tag             k8s_event
    Kube_URL        https://{{host}}:{{port}}
    Kube_CA_File    {{ca}}
    Kube_Token_File {{crt}}
    Interval_Sec    0
    Interval_Nsec   100000000

[OUTPUT]
    Name  null
    Match *
"""

_API_SERVER = ("Kube_URL https://{host}:{port}",)
_KUBELET = ("Use_Kubelet on", "Kubelet_Host {host}", "Kubelet_Port {port}")
_CA_FILE = "Kube_CA_File {ca}"
_NAME = f"tls.vhost {HOST}"

_MBEDTLS = "X509 - Certificate verification failed, e.g. CRL, CA or signature check"
_UNNAMED = refused("bad_certificate")


def _text(*settings: str) -> str:
    return _FILTER.replace("<settings>", "\n    ".join(settings))


def _filter(*settings: str, **wanted: Any) -> Setup:
    return output(plugin="kubernetes", config=_text(*settings), crt=_TOKEN, **wanted)


@scenario
def fluent_bit_8959() -> Case:
    """The kubelet is reached by its address, which its certificate does not bear: nothing up to
    3.0.6, and the end of all metadata with 3.0.7, which checks names whenever it verifies. 3.1 made
    the check opt-in. Before, `tls.vhost` could say which name was meant.
    """
    setup = _filter(*_KUBELET, _CA_FILE, _NAME).but(config=_text(*_KUBELET, _CA_FILE), vhost=None)
    return case(
        setup,
        but_in_3_0_7(delivered(), _UNNAMED),
        should=Outcome.REFUSED_BY_AGENT,
        report=Report(
            "https://github.com/fluent/fluent-bit/issues/8959",
            ("3.0.7",),
            "[tls] error: unexpected EOF with reason: certificate verify failed",
        ),
    )


@scenario
def fluent_bit_kubernetes_logging_52() -> Case:
    """The example's Kube_URL named the API server otherwise than its certificate did, and mbedTLS
    checked names. With OpenSSL it takes `tls.verify_hostname on` (3.1) to see it.
    """
    checked = _text(*_API_SERVER, _CA_FILE, _NAME, "tls.verify_hostname on")
    setup = _filter(*_API_SERVER, _CA_FILE, _NAME).but(
        mode=Mode.VERIFY_HOST, config=checked, chain=HEALTHY.but(named(OTHER_HOST))
    )
    return case(
        setup,
        _UNNAMED.before("3.1", not_started("unknown configuration property")),
        report=Report(
            "https://github.com/fluent/fluent-bit-kubernetes-logging/issues/52",
            line=_MBEDTLS,
            now="reason: hostname mismatch (X509 code: 62)",
            on="3.2.10",
        ),
    )


_API_SERVER_LEAF = LEAF.but(
    named(
        "kubernetes",
        "kubernetes.default",
        HOST,
        ips=("10.96.0.1", "192.0.2.10", "192.0.2.11", "127.0.0.1"),
        common_name="kube-apiserver",
    )
)
"""Its addresses stand first in subjectAltName, as in the reports."""


@scenario
def fluent_bit_1615() -> Case:
    """An API server's certificate with four addresses before its names was refused, and curl took
    it: mbedTLS read no further than the addresses, it was thought. OpenSSL takes it.
    """
    setup = _filter(*_API_SERVER, _CA_FILE, _NAME).but(chain=chain(_API_SERVER_LEAF))
    report = Report("https://github.com/fluent/fluent-bit/issues/1615", ("1.3.1",))
    return case(setup, delivered(), report=report)


@scenario
def logging_operator_172() -> Case:
    """The same API server as in fluent-bit#1615, seen from the operator that installs Fluent Bit
    and offered no way to leave the verification out. Left out, the filter gets through.
    """
    settings = (*_API_SERVER, _CA_FILE, _NAME, "tls.verify off")
    setup = _filter(*settings, mode=Mode.NONE).but(chain=chain(_API_SERVER_LEAF))
    report = Report("https://github.com/kube-logging/logging-operator/issues/172", on="1.9.10")
    return case(setup, delivered(), report=report)


@scenario
def fluent_bit_6524() -> Case:
    """A kubelet's certificate is not signed by the cluster's CA but by the kubelet's own, unless
    the cluster was told otherwise: the CA file that is right for the API server is wrong for it.
    """
    setup = _filter(*_KUBELET, _CA_FILE, _NAME).but(ca=CAFile.OTHER_ROOT)
    return case(
        setup,
        refused("unknown_ca"),
        report=Report(
            "https://github.com/fluent/fluent-bit/issues/6524",
            line="[tls] error: unexpected EOF",
            on="2.0.14",
        ),
    )


@scenario
def fluent_bit_9922() -> Case:
    """The API server presented a self-signed certificate, and CA.File held the cluster's CA."""
    setup = output(
        plugin="kubernetes_events", config=_EVENTS, crt=_TOKEN, host=HOST, vhost=None
    ).but(chain=chain(SELF_SIGNED, name="self-signed"), ca=File(certs=(LEAF.path[-1],), stem="ca"))
    return case(
        setup,
        refused("unknown_ca"),
        report=Report(
            "https://github.com/fluent/fluent-bit/issues/9922",
            ("3.2.2",),
            "certificate verification failed, reason: self-signed certificate (X509 code: 18)",
        ),
    )


@scenario
def fluent_bit_3077() -> Case:
    """The images of 1.7.0 came without any CA certificates, and nothing in the log said so: what
    was no longer verified was only "upstream connection error".
    """
    setup = _filter(*_API_SERVER, _CA_FILE, _NAME).but(
        config=_text(*_API_SERVER, "Kube_CA_Path /nonexistent", _NAME), ca=CAFile.UNSET
    )
    return case(
        setup,
        refused("unknown_ca"),
        report=Report(
            "https://github.com/fluent/fluent-bit/issues/3077",
            ("1.7.0",),
            "upstream connection error",
        ),
    )


@scenario
def fluent_bit_3449() -> Case:
    """CA.File holds the intermediate that signed the API server's certificate, and not its root.
    mbedTLS took that for an anchor; OpenSSL, since 1.7, wants the root (no PARTIAL_CHAIN).
    """
    setup = _filter(*_API_SERVER, _CA_FILE, _NAME).but(ca=CAFile.INTERMEDIATE)
    report = Report("https://github.com/fluent/fluent-bit/issues/3449", ("1.7",))
    return case(setup, refused("unknown_ca"), should=Outcome.DELIVERED, report=report)


@scenario
def fluent_bit_1611() -> Case:
    """With 1.3.0 the filter took its CA file for a directory, by a slip in the code. Whoever sets a
    directory to a file gets the same today: no authority is found in it, and nobody says why.
    """
    setup = _filter(*_API_SERVER, _CA_FILE, _NAME).but(
        config=_text(*_API_SERVER, _CA_FILE, "Kube_CA_Path {ca}", _NAME)
    )
    return case(
        setup,
        refused("unknown_ca"),
        report=Report(
            "https://github.com/fluent/fluent-bit/issues/1611",
            ("1.3.0",),
            "error reading certificates from",
            now="upstream connection error",
        ),
    )
