from __future__ import annotations

import pytest
from builders import pki

from flb_handshake import settings, staging
from flb_handshake.agent.contract import AgentKind, Capability, Identity
from flb_handshake.agent.ports import Ports
from flb_handshake.certificates import HEALTHY, OTHER_LEAF, OTHER_ROOT, ROOT, At, Key, chain, keyed
from flb_handshake.model import CAFile, ClientAuth, File, FileForm, Setup
from flb_handshake.placing import Files
from flb_handshake.planning import Play, batches, needs, slow_keys

BASE = Setup()


def plays(count: int) -> list[Play]:
    return [Play(alias=f"p{n}", setup=BASE.but(vhost=f"h{n}.test")) for n in range(count)]


def sizes(wanted, version="5.1.1", **how):
    return [len(one) for one in batches(wanted, version=version, **{"isolated": False, **how})]


def test_what_can_share_a_process_does():
    assert sizes(plays(200)) == [200]
    assert sizes(plays(600)) == [250, 250, 100]  # before 4.0 no more than 256 get anything
    assert sizes(plays(3), isolated=True) == [1, 1, 1]


def test_one_that_may_end_its_process_later_shares_it_with_nobody():
    deadly = [
        Play(alias=str(auth), setup=BASE.but(client_auth=auth), deadly=True)
        for auth in (ClientAuth.NONE, ClientAuth.ASK)
    ]
    made = batches([*plays(5), *deadly], version="5.1.1", isolated=False)
    assert [len(batch) for batch in made] == [5, 1, 1]


def test_those_that_may_not_start_share_only_with_equal_settings():
    broken = [
        Play(alias=f"{kind}{auth}", setup=BASE.but(ca=kind, client_auth=auth), doubtful=True)
        for kind in (CAFile.EMPTY, CAFile.MISSING)
        for auth in (ClientAuth.NONE, ClientAuth.ASK)
    ]
    made = batches([*plays(5), *broken], version="5.1.1", isolated=False)
    assert [{one.setup.agent.ca for one in batch} for batch in made] == [
        {CAFile.ROOT},
        {CAFile.EMPTY},
        {CAFile.MISSING},
    ]


def test_a_whole_configuration_is_alone():
    whole = [Play(alias=str(n), setup=BASE.but(config="[INPUT]\n")) for n in range(2)]
    assert sizes(whole) == [1, 1]


def test_an_environment_of_its_own_is_shared_with_nobody():
    own = [Play(alias=str(n), setup=BASE.but(environment=(("HOME", "/"),))) for n in range(2)]
    assert sizes([*own, *plays(2)]) == [2, 1, 1]


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({}, set()),
        ({"host": "localhost"}, set()),
        ({"host": "::1"}, set()),
        ({"host": "logs.example.test"}, {Capability.HOSTS}),
        ({"ca": CAFile.SYSTEM}, {Capability.SYSTEM_STORE}),
        ({"ca": File(form=FileForm.UNREADABLE, certs=(ROOT,))}, {Capability.UNPRIVILEGED}),
    ],
)
def test_what_a_setup_needs_of_its_surroundings(changes, wanted):
    assert needs(BASE.but(**changes)) == wanted


def test_keys_that_take_long_are_known_wherever_they_stand():
    assert not slow_keys(BASE)
    assert slow_keys(BASE.but(chain=HEALTHY.but(keyed(Key.RSA_4096), at=At.INTERMEDIATE)))


class Silent:
    """An agent that is only asked where things are."""

    identity = Identity(
        kind=AgentKind.PROCESS, version="5.1.1", label="x", tls_library="y", found="z"
    )
    dials = "127.0.0.1"


def parts(*setups: Setup):
    tags: dict[object, str] = {}
    return [
        staging._part(Play(alias=f"a{n}", setup=one), 7000 + n, Silent(), tags, Ports())
        for n, one in enumerate(setups)
    ]


def test_only_outputs_of_the_same_input_share_it():
    with_tls = BASE.but(input_properties=(("tls", "on"),))
    reading = BASE.but(source=("a line",))
    found = parts(BASE, BASE.but(ca=CAFile.DER), with_tls, reading, reading.but(ca=CAFile.DER))
    assert [part.tag for part in found] == ["t0", "t0", "t1", "t2", "t2"]
    placed = Files("/x", pki()).place(
        file for part in found for file in settings.files_of(part.setup)
    )
    text = settings.configuration(found, placed, {"t2": "/x/t2.log"})
    assert text.count("[INPUT]") == 3
    assert text.count("[OUTPUT]") == 5
    assert text.count("/x/t2.log") == 1


def test_a_system_store_holds_the_root_of_everyone_that_shares_it():
    mine = BASE.but(ca=CAFile.SYSTEM)
    theirs = mine.but(chain=chain(OTHER_LEAF))
    job = staging._job("job", "", Files("/x", pki()), parts(mine, theirs), pki())
    assert sorted(job.system_certs.values()) == sorted(pki().pem(one) for one in (ROOT, OTHER_ROOT))


def test_alerts_are_in_every_log():
    placed = Files("/x", pki()).place(settings.files_of(BASE))
    assert settings.properties(BASE, placed)["tls.debug"] == "1"


def test_raw_properties_have_the_last_word_and_can_take_one_away():
    setup = BASE.but(properties=(("tls.verify", "off"), ("tls.debug", None)))
    made = settings.properties(setup, Files("/x", pki()).place(settings.files_of(setup)))
    assert made["tls.verify"] == "off"
    assert "tls.debug" not in made
