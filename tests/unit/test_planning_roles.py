"""What inputs, steps and proxies need, who then has a process alone, and when it is played."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from flb_handshake.agent.contract import Capability
from flb_handshake.behaviours import Cleartext, Close, Drip, Moment, Silent
from flb_handshake.certificates import (
    CLIENT,
    CLIENT_CHAIN,
    HEALTHY,
    LEAF,
    OTHER_LEAF,
    ROOT,
    Key,
    chain,
    keyed,
)
from flb_handshake.declare import (
    certificate_file,
    listening,
    output,
    present,
    with_client_certificate,
)
from flb_handshake.model import (
    CAFile,
    ClientAuth,
    File,
    FileForm,
    Hangup,
    Mode,
    ProxySpec,
    Reload,
    Replace,
    Restart,
    Setup,
    Step,
    Upstream,
)
from flb_handshake.planning import (
    Play,
    batches,
    changes,
    good_for,
    is_impatient,
    is_urgent,
    needs,
    slow_keys,
)
from flb_handshake.runner import _When, _when


def stepped(*made, base: Setup | None = None) -> Setup:
    return (base or output()).but(steps=(Step(name="s", changes=made),))


def sizes(*setups, doubtful=False, version="5.1.1", modelled=False):
    plays = [Play(alias=str(n), setup=one, doubtful=doubtful) for n, one in enumerate(setups)]
    made = batches(plays, version=version, isolated=False, modelled=modelled)
    return [len(one) for one in made]


def test_what_a_release_spoils_for_others_it_plays_alone():
    refused = [output(plugin="tcp", client_auth=ClientAuth.DEMAND).but(vhost=name) for name in "ab"]
    fitted = [with_client_certificate(one) for one in refused]
    waiting = [one.but(plugin="http") for one in refused]
    assert sizes(*refused, version="1.9.10") == [1, 1]
    assert sizes(*refused, version="2.0.14") == [2]
    assert sizes(*fitted, version="1.9.10") == sizes(*waiting, version="1.9.10") == [2]


# What is needed.

PORTS, CHANGES = Capability.PORTS, Capability.CHANGES


@pytest.mark.parametrize(
    ("setup", "wanted"),
    [
        (listening(), {PORTS}),
        (listening(plugin="tcp"), {PORTS}),
        (listening(plugin="forward"), {PORTS}),
        (output(plugin="syslog", properties=(("mode", "dtls"),)), {Capability.DTLS}),
        (listening(http2=True), {PORTS}),
        (output(proxy=ProxySpec()), {Capability.PROXY}),
        (output(properties=(("Proxy", "http://{host}:{port}"),)), {Capability.PLUGIN_PROXY}),
        (output(upstream=Upstream()), {Capability.UPSTREAMS}),
        (listening(ca=CAFile.SYSTEM), {PORTS, Capability.SYSTEM_STORE}),
        (stepped(), {PORTS}),
        (stepped(Restart()), {PORTS}),
        (stepped(Hangup(), present(tickets=True)), {PORTS}),
        (stepped(Replace("ca", File())), {PORTS, CHANGES}),
        (stepped(Reload.SIGHUP), {PORTS, CHANGES}),
        (stepped(Reload.HTTP), {PORTS, CHANGES}),
        (
            stepped(Replace("ca", File(form=FileForm.UNREADABLE, certs=(ROOT,)))),
            {PORTS, CHANGES, Capability.UNPRIVILEGED},
        ),
        (stepped(Reload.HTTP, base=listening()), {PORTS, CHANGES}),
    ],
)
def test_what_inputs_steps_and_proxies_need(setup, wanted):
    assert needs(setup) == wanted


def test_what_a_later_step_needs_counts_as_well():
    both = output().but(
        steps=(Step(name="a", changes=(Restart(),)), Step(name="b", changes=(Reload.HTTP,)))
    )
    assert CHANGES in needs(both)
    assert changes(both) == [Restart(), Reload.HTTP]


# Who is alone.

TWICE = 2


@pytest.mark.parametrize(
    "setup",
    [
        stepped(Restart()),
        stepped(),
        output(service=(("Grace", "1"),)),
        output(proxy=ProxySpec()),
        output(config="[SERVICE]\n"),
        listening(behaviour=Silent()),
        listening(behaviour=Silent(Moment.HALF_HELLO)),
        listening(behaviour=Drip()),
        listening(silent_others=1),
        *(listening(plugin=name) for name in ("forward", "mqtt", "syslog", "tcp")),
    ],
)
@pytest.mark.parametrize("doubtful", [False, True])
def test_these_share_a_process_with_nobody(setup, doubtful):
    mates = [setup.but(vhost=f"h{n}.test") for n in range(TWICE)]
    assert sizes(*mates, doubtful=doubtful) == [1] * TWICE


@pytest.mark.parametrize(
    "setup",
    [
        output(behaviour=Silent()),
        output(behaviour=Drip()),
        output(plugin="tcp"),
        listening(behaviour=Close()),
        listening(behaviour=Cleartext()),
        *(listening(plugin=name) for name in ("http", "splunk", "opentelemetry", "elasticsearch")),
    ],
)
def test_these_share_one(setup):
    mates = [setup.but(vhost=f"h{n}.test") for n in range(TWICE)]
    assert sizes(*mates) == [TWICE]


def test_a_process_has_twenty_five_inputs_at_most():
    many = [listening().but(vhost=f"h{n}.test") for n in range(101)]
    assert sizes(*many) == [25, 25, 25, 25, 1]


@pytest.mark.parametrize("doubtful", [False, True])
def test_an_input_and_an_output_share_no_process_however_alike_they_are_set(doubtful):
    asking = listening(Mode.REQUIRE)
    sending = Setup(agent=asking.agent)
    assert asking.agent == sending.agent
    assert sizes(asking, sending, doubtful=doubtful) == [1, 1]


def test_what_waits_until_the_deadline_begins_first():
    held_up = listening(silent_others=1)
    plays = [Play(alias=str(n), setup=one) for n, one in enumerate((output(), held_up))]
    first, *_ = batches(plays, version="5.1.1", isolated=False)
    assert [one.setup for one in first] == [held_up]


def test_setups_of_other_needs_share_no_process():
    assert (
        sizes(output(), output(ca=CAFile.SYSTEM), listening(), listening(ca=CAFile.SYSTEM))
        == [1] * 4
    )


def test_inputs_that_are_slow_share_no_process_but_those_of_a_model_are_not():
    inputs = [listening(sni=f"{n}.test") for n in range(3)]
    assert sizes(*inputs) == [3]
    assert sizes(*inputs, version="5.0.9") == [1] * 3
    assert sizes(*inputs, version="5.0.9", modelled=True) == [3]


# When it is played.


def soon(**of):
    return replace(LEAF, not_after=timedelta(seconds=3), **of)


@pytest.mark.parametrize(
    ("setup", "urgent"),
    [
        (output(), False),
        (output(chain=chain(soon())), True),
        (output(chain=chain(replace(LEAF, not_before=timedelta(seconds=2)))), True),
        (output(crt=File(certs=(soon(),))), True),
        (listening(chain=chain(soon())), True),
        (listening(chain=None), False),
        (listening(crt=certificate_file(chain(soon()))), True),
        (output(chain=chain(replace(LEAF, not_after=-timedelta(seconds=3)))), False),
        (output(chain=chain(replace(LEAF, not_after=timedelta(hours=1)))), False),
    ],
)
def test_what_soon_begins_or_ends_is_urgent(setup, urgent):
    assert is_urgent(setup) is urgent


@pytest.mark.parametrize(
    ("name", "impatient"),
    [
        ("net.connect_timeout", True),
        ("net.accept_timeout", True),
        ("net.io_timeout", True),
        ("net.keepalive", False),
        ("tls.verify", False),
    ],
)
def test_an_agent_that_gives_up_soon_is_impatient(name, impatient):
    for base in (output(), listening()):
        assert is_impatient(base.but(properties=((name, "1"),))) is impatient


SLOW = HEALTHY.but(keyed(Key.RSA_2048))
TIMEOUT = (("net.io_timeout", "1"),)


@pytest.mark.parametrize(
    ("setup", "when"),
    [
        (output(), _When.NOW),
        (listening(), _When.NOW),
        (stepped(Restart()), _When.NOW),
        (output(chain=SLOW), _When.MINTED),
        (listening(chain=CLIENT_CHAIN.but(keyed(Key.RSA_4096))), _When.MINTED),
        (output(chain=chain(soon())), _When.AT_ONCE),
        (output(chain=chain(soon(key=Key.RSA_2048))), _When.AT_ONCE),
        (output(properties=TIMEOUT), _When.QUIET),
        (output(properties=TIMEOUT, chain=SLOW), _When.QUIET),
        (output(properties=TIMEOUT, chain=chain(soon())), _When.QUIET),
        (output(chain=chain(OTHER_LEAF)), _When.NOW),
    ],
)
def test_a_play_waits_for_what_it_must_wait_for(setup, when):
    assert _when(setup) is when


def test_certificates_are_good_for_as_long_as_the_first_of_them_keeps_its_standing():
    short = replace(CLIENT, not_after=timedelta(seconds=5))
    ahead = replace(LEAF, not_before=timedelta(seconds=60))
    assert good_for(listening(chain=chain(short))) == timedelta(seconds=5)
    assert good_for(output(chain=chain(ahead))) == timedelta(seconds=60)
    assert good_for(output()) > timedelta(days=1)


def test_certificates_that_a_step_brings_count_too():
    short = replace(LEAF, not_after=timedelta(seconds=5))
    rsa = chain(LEAF.but(keyed(Key.RSA_4096)))
    assert good_for(stepped(present(chain=chain(short)))) == timedelta(seconds=5)
    assert slow_keys(stepped(Replace("crt", certificate_file(rsa)), base=listening()))


def test_tls_into_an_input_without_holds_up_nobody_else():
    unheard = [listening(Mode.OFF, sni=f"{n}.test") for n in range(2)]
    heard = [one.but(behaviour=Cleartext()) for one in unheard]
    assert sizes(*unheard) == [1, 1]
    assert sizes(*heard) == [2]


def test_before_2_1_those_that_time_out_share_no_process():
    """2.0.14 crashes when several of its outputs time out."""
    hasty = [output(vhost=f"{n}.test", properties=(("net.io_timeout", "1"),)) for n in range(2)]
    assert sizes(*hasty, version="2.0.14") == [1, 1]
    assert sizes(*hasty, version="2.2.3") == [2]
