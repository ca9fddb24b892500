"""A server that was seen, played again: each defect of its chain is found in its look-alike."""

from __future__ import annotations

import contextlib
import socket
import threading

import pytest
from OpenSSL import SSL
from shipper_servers import PKI
from test_command import AGENT, REAL, assert_one_clear_error, command

from flb_handshake.certificates import (
    CLIENT,
    HEALTHY,
    LEAF,
    OTHER_ROOT,
    ROOT,
    chain,
    expired,
    named,
)
from flb_handshake.errors import HarnessFailure
from flb_handshake.likeness import server
from flb_handshake.model import ClientAuth, CollectorSpec
from flb_handshake.peer import tls

BEARING = HEALTHY.but(named("logs.example.com", ips=("127.0.0.1",)))
real = pytest.mark.skipif(not REAL, reason="no real Fluent Bit as a process here")


@contextlib.contextmanager
def standing(**fields):
    """A server on loopback, as this collector would be, for whoever comes; its port."""
    context = tls.context(CollectorSpec(**fields), PKI)
    with socket.create_server(("127.0.0.1", 0)) as bound:

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    plain, _ = bound.accept()
                    session = SSL.Connection(context, plain)
                    session.set_accept_state()
                    with plain, contextlib.suppress(SSL.Error):
                        session.do_handshake()
                        session.recv(1)

        threading.Thread(target=serve, daemon=True).start()
        yield bound.getsockname()[1]
        bound.shutdown(socket.SHUT_RDWR)


def demanding(authority):
    return {"chain": BEARING, "client_auth": ClientAuth.DEMAND, "client_ca": authority}


def configured(tmp_path, *extra, ca=ROOT, port=443, host="127.0.0.1"):
    (tmp_path / "ca.pem").write_bytes(PKI.pem(ca))
    lines = (
        "[INPUT]",
        "    Name dummy",
        "[OUTPUT]",
        "    Name http",
        "    Match *",
        f"    Host {host}",
        f"    Port {port}",
        "    tls on",
        "    tls.ca_file ca.pem",
        *(f"    {one}" for one in extra),
    )
    path = tmp_path / "fluent-bit.conf"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_server_is_seen_as_it_is():
    with standing(max_version="TLSv1.2", alpn=("http/1.1",)) as port:
        seen = server.look("127.0.0.1", port, name="logs.example.com")
    assert list(seen.chain) == [PKI.certificate(one) for one in HEALTHY.sent]
    assert (seen.version, seen.alpn, seen.asks, seen.demands) == (
        "TLSv1.2",
        "http/1.1",
        False,
        False,
    )


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
@pytest.mark.parametrize("client_auth", [ClientAuth.ASK, ClientAuth.DEMAND])
def test_whether_it_wants_a_client_certificate_is_seen(version, client_auth):
    with standing(max_version=version, client_auth=client_auth, client_ca=ROOT) as port:
        seen = server.look("127.0.0.1", port, name="")
    assert (seen.asks, seen.demands) == (True, client_auth is ClientAuth.DEMAND)
    assert seen.authorities == (PKI.certificate(ROOT).subject.rfc4514_string(),)


def test_a_server_that_never_answers_is_given_up():
    never = pytest.raises(HarnessFailure, match="never answers")
    with socket.create_server(("127.0.0.1", 0)) as bound, never:
        server.look("127.0.0.1", bound.getsockname()[1], name="", patience=0.2)


def test_a_server_without_tls_is_named_as_such():
    with socket.create_server(("127.0.0.1", 0)) as bound:

        def answer():
            plain, _ = bound.accept()
            with plain:
                plain.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                plain.recv(1)

        threading.Thread(target=answer, daemon=True).start()
        says = "speaks no TLS, its answer begins with 'HTTP/1.1 400 Bad Request'"
        with pytest.raises(HarnessFailure, match=says) as told:
            server.look("127.0.0.1", bound.getsockname()[1], name="")
    assert "tls off" in told.value.hint


CHAINS = {
    # name: (what the server presents, the CA file, more properties, exit code, what is said)
    "healthy": (BEARING, ROOT, (), 0, "DELIVERED"),
    "healthy, name checked": (BEARING, ROOT, ("tls.verify_hostname on",), 0, "DELIVERED"),
    "another CA": (BEARING, OTHER_ROOT, (), 1, "with unknown_ca from the agent"),
    "expired": (BEARING.but(expired()), ROOT, (), 1, "with certificate_expired from the agent"),
    "short": (
        BEARING.sending(BEARING.leaf, name="short"),
        ROOT,
        (),
        1,
        "with unknown_ca from the agent",
    ),
    "another name": (
        chain(LEAF),
        ROOT,
        ("tls.verify_hostname on",),
        1,
        "with bad_certificate from the agent",
    ),
    "another name, unchecked": (chain(LEAF), ROOT, (), 0, "NAME_UNCHECKED"),
}


@real
@pytest.mark.parametrize("name", CHAINS)
def test_what_is_wrong_with_a_saved_chain_is_wrong_with_its_look_alike(tmp_path, name):
    presented, ca, extra, code, says = CHAINS[name]
    saved = tmp_path / "chain.pem"
    saved.write_bytes(PKI.pem(*presented.sent))
    config = configured(tmp_path, *extra, ca=ca)
    done = command("reproduce", "--config", config, "--chain", saved, "--agent", AGENT)
    assert done.returncode == code, done.stdout + done.stderr
    assert says in done.stdout
    assert "control    before a healthy collector: DELIVERED" in done.stdout
    if code:
        assert done.stdout.strip().splitlines()[-1].startswith("  fix  ")


@real
@pytest.mark.parametrize(("dialled", "code"), [("192.0.2.7", 0), ("192.0.2.8", 1)])
def test_an_address_that_is_dialled_is_looked_for_among_the_names(tmp_path, dialled, code):
    """Loopback stands in for it, on both sides."""
    saved = tmp_path / "chain.pem"
    saved.write_bytes(PKI.pem(*HEALTHY.but(named("a.example.com", ips=("192.0.2.7",))).sent))
    config = configured(tmp_path, "tls.verify_hostname on", host=dialled)
    done = command("reproduce", "--config", config, "--chain", saved, "--agent", AGENT)
    assert done.returncode == code, done.stdout + done.stderr


@real
def test_a_server_that_demands_a_certificate_refuses_here_too(tmp_path):
    with standing(**demanding(ROOT)) as port:
        config = configured(tmp_path, port=port)
        address = f"127.0.0.1:{port}"
        done = command("reproduce", "--config", config, "--server", address, "--agent", AGENT)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "it demands a client certificate of" in done.stdout
    assert "certificate_required from the peer" in done.stdout
    assert "fix        set tls.crt_file and tls.key_file" in done.stdout


@real
def test_a_certificate_that_the_server_takes_is_taken_here_too(tmp_path):
    (tmp_path / "own.pem").write_bytes(PKI.pem(CLIENT))
    (tmp_path / "own.key").write_bytes(PKI.key_pem(CLIENT))
    pair = ("tls.crt_file own.pem", "tls.key_file own.key")
    with standing(**demanding(CLIENT.issuer)) as port:
        config = configured(tmp_path, *pair, port=port)
        address = f"127.0.0.1:{port}"
        done = command("reproduce", "--config", config, "--server", address, "--agent", AGENT)
    assert done.returncode == 0, done.stdout + done.stderr
    with standing(**demanding(OTHER_ROOT)) as port:
        config = configured(tmp_path, *pair, port=port)
        address = f"127.0.0.1:{port}"
        done = command("reproduce", "--config", config, "--server", address, "--agent", AGENT)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "assumed    the server names" in done.stdout


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        ((), 2, ("one of --log",)),
        (("--server", "127.0.0.1:1", "--chain", "x"), 2, ("one of --log",)),
        (("--server", "nowhere"), 2, ("this is no HOST:PORT",)),
        (("--server", "https://logs.example.com:443"), 2, ("cannot be a host's name",)),
        (("--server", f"{'x' * 64}.test:443"), 2, ("cannot be a host's name",)),
        (("--server", "..:443"), 2, ("cannot be a host's name",)),
        (("--chain", "/nowhere/x.pem"), 2, ("/nowhere/x.pem", "No such file")),
        (("--server", "127.0.0.1:1"), 3, ("127.0.0.1:1", "refused")),
    ],
)
def test_mistakes_are_one_clear_line(tmp_path, options, code, says):
    config = configured(tmp_path)
    done = command("reproduce", "--config", config, *options, "--agent", "reference")
    assert_one_clear_error(done, code, *says)


def test_a_configuration_without_tls_has_nothing_to_reproduce(tmp_path):
    path = tmp_path / "plain.conf"
    path.write_text("[INPUT]\n    Name dummy\n[OUTPUT]\n    Name stdout\n    Match *\n")
    done = command("reproduce", "--config", path, "--server", "127.0.0.1:1")
    assert_one_clear_error(done, 2, "no output of it speaks of TLS")
