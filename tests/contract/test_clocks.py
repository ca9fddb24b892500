"""Clocks that stand where no certificate is valid, on this machine or on the Docker daemon's."""

from __future__ import annotations

import datetime as dt

import pytest
from OpenSSL import crypto
from playing import opened

from flb_handshake import catalogue, runner
from flb_handshake.agent import docker
from flb_handshake.agent.choice import choose
from flb_handshake.agent.contract import AgentKind
from flb_handshake.certificates import HEALTHY, Key, expired, not_yet_valid
from flb_handshake.errors import EXIT_HARNESS_FAILED, AgentUnavailable, HarnessFailure
from flb_handshake.model import DEFAULT_VERSION, Setup
from flb_handshake.pki import Pki
from flb_handshake.placing import parts
from flb_handshake.planning import Play
from flb_handshake.session import Session
from flb_handshake.settings import files_of


def moment(year, month=6, day=1):
    return dt.datetime(year, month, day, 12, tzinfo=dt.UTC)


ENDS_OF_2049 = [moment(2049), moment(2049, 12, 31), moment(2050, 1, 1), moment(2051)]
"""UTCTime ends with 2049 (RFC 5280, section 4.1.2.5)."""


@pytest.mark.parametrize("now", [moment(2001), *ENDS_OF_2049, moment(2989)], ids=str)
def test_what_is_minted_is_valid_at_that_moment_to_openssl(now):
    pki = Pki(now)
    store = crypto.X509Store()
    store.add_cert(crypto.X509.from_cryptography(pki.certificate(HEALTHY.root)))
    store.set_time(now)

    def verified(chain):
        leaf, *others = (crypto.X509.from_cryptography(pki.certificate(it)) for it in chain.sent)
        crypto.X509StoreContext(store, leaf, others).verify_certificate()

    verified(HEALTHY)
    for defect, reason in ((expired(), "has expired"), (not_yet_valid(), "not yet valid")):
        with pytest.raises(crypto.X509StoreContextError, match=reason):
            verified(HEALTHY.but(defect))


@pytest.mark.parametrize("now", [moment(2001), *ENDS_OF_2049, moment(2989)], ids=str)
def test_every_file_of_the_catalogue_can_be_made_at_that_moment(now):
    pki = Pki(now)
    files = {file for one in catalogue.load() for file in files_of(one.setup)}
    quick = [one for one in files if not any(it.key is Key.RSA_4096 for it in one.certs)]
    assert len([parts(pki, one) for one in quick]) > 50


@pytest.mark.parametrize("now", [moment(1949), moment(1970, 1, 1), moment(2000), moment(9990)])
def test_a_clock_that_is_wrong_is_said_to_be_wrong(now):
    with pytest.raises(HarnessFailure) as told:
        Pki(now)
    assert f"clock says that it is {now:%Y-%m-%d} 12:00 UTC" in str(told.value)
    assert "set the clock" in told.value.hint
    assert told.value.exit_code == EXIT_HARNESS_FAILED


def test_a_run_at_such_a_time_is_a_failure_of_the_harness(monkeypatch):
    monkeypatch.setattr(runner, "Pki", lambda: Pki(moment(1970)))
    session = Session(agent=opened("reference"))
    with pytest.raises(HarnessFailure, match="clock says that it is 1970-06-01"):
        session.play([Play(alias="one", setup=Setup())])


@pytest.fixture
def daemon(monkeypatch):
    """Sets what the Docker daemon says of its time."""
    agent = opened("docker")
    Session(agent=agent).play([])
    facts = docker.DockerDaemon.facts

    def install(said):
        def told(self):
            found, url = facts(self)
            return {**found, "SystemTime": said}, url

        monkeypatch.setattr(docker.DockerDaemon, "facts", told)

    return install


def said_at(apart, zone=dt.UTC):
    """A moment as Docker writes it, with nine digits."""
    return (
        (dt.datetime.now(zone) + apart).isoformat(timespec="microseconds").replace("+00:00", "000Z")
    )


@pytest.mark.parametrize("apart", [dt.timedelta(hours=-2), dt.timedelta(days=365)], ids=str)
def test_a_docker_daemon_of_another_time_is_not_to_be_had(daemon, apart):
    theirs = said_at(apart)
    daemon(theirs)
    with pytest.raises(AgentUnavailable) as told:
        choose(AgentKind.DOCKER, DEFAULT_VERSION)
    assert f"the Docker daemon's clock says {theirs[:10]} {theirs[11:19]}" in str(told.value)
    assert f"this machine's {dt.datetime.now(dt.UTC):%Y-%m-%d}" in str(told.value)
    assert told.value.hint.startswith("set the clocks")


@pytest.mark.parametrize(
    "said",
    [
        lambda: said_at(dt.timedelta(minutes=-50)),
        lambda: said_at(dt.timedelta(0), dt.timezone(dt.timedelta(hours=9))),
        lambda: "soon",
        lambda: "2026-11-23T19:12:25",
        lambda: None,
    ],
    ids=["a bit late", "another zone", "no time", "no zone", "none"],
)
def test_a_docker_daemon_of_our_time_or_of_none_is_believed(daemon, said):
    """`said` is asked when the test runs, which may be an hour after it was collected."""
    daemon(said())
    session = Session(agent=choose(AgentKind.DOCKER, DEFAULT_VERSION).agent)
    session.play([])
    assert session.agent.identity.version == DEFAULT_VERSION
