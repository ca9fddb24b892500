"""The words of a scenario: which setup is which, what a step makes of it, what a release does."""

from __future__ import annotations

import pytest

from flb_handshake.certificates import CLIENT_CHAIN, HEALTHY, OTHER_CLIENT, OTHER_LEAF, ROOT, chain
from flb_handshake.declare import (
    cleartext,
    delivered,
    listening,
    output,
    present,
    refused,
    refused_by_peer,
    stalled,
)
from flb_handshake.expectations import Expectation
from flb_handshake.model import (
    CAFile,
    CollectorSpec,
    File,
    Mode,
    Reload,
    Replace,
    Restart,
    Role,
    Scenario,
    Setup,
    ShipperSpec,
    Step,
    Way,
)
from flb_handshake.outcomes import Fates

STEP = Step(name="restarted", changes=(Restart(),))


def test_the_peer_tells_the_role():
    assert (output().role, listening().role) == (Role.OUTPUT, Role.INPUT)
    assert output().collector == CollectorSpec()
    assert listening().shipper == ShipperSpec()
    with pytest.raises(TypeError, match="no shipper"):
        _ = output().shipper
    with pytest.raises(TypeError, match="no collector"):
        _ = listening().collector


def test_ca_file_is_meant_for_the_collector_or_for_the_healthy_client_whoever_ships():
    other = chain(OTHER_LEAF, name="other")
    assert output().but(chain=other).judged is other
    for shipped in (None, chain(OTHER_CLIENT, name="other"), CLIENT_CHAIN):
        assert listening().but(chain=shipped).judged is CLIENT_CHAIN


def test_a_defect_goes_to_whoever_has_the_field():
    broken = listening().but(mode=Mode.REQUIRE, keeps=True, steps=(STEP,))
    assert broken.agent.mode is Mode.REQUIRE
    assert broken.shipper.keeps
    assert broken.steps == (STEP,)
    with pytest.raises(TypeError, match="keeps"):
        output().but(keeps=True)
    with pytest.raises(TypeError, match="tickets, whole"):
        listening().but(tickets=True, whole=None)


def test_the_twin_is_what_was_before_the_first_defect():
    baseline = output()
    assert baseline.but(ca=CAFile.DER).but(steps=(STEP,)).whole is baseline
    assert baseline.but(ca=CAFile.DER).but(vhost="x.test").steps == ()
    assert baseline.but(steps=(STEP,)).but(ca=CAFile.DER).steps == (STEP,)
    assert baseline.but(steps=(STEP,)) != baseline


def test_setups_that_would_run_alike_are_equal_whatever_led_to_them():
    one = output().but(ca=CAFile.DER)
    assert one == output(ca=CAFile.DER)
    assert hash(one) == hash(output(ca=CAFile.DER))
    assert one.whole != output(ca=CAFile.DER).whole


def test_after_a_step_the_files_and_the_peer_are_the_new_ones():
    to = File(certs=(ROOT,), stem="new")
    other = chain(OTHER_LEAF, name="other")
    changes = (Replace("ca", to, Way.SYMLINK), Restart(), present(chain=other), Reload.SIGHUP)
    setup = output().but(steps=(Step(name="all", changes=changes),))

    made = setup.after(setup.steps[0])

    assert (made.agent.ca, made.collector.chain) == (to, other)
    assert (made.whole, made.steps) == (setup.whole, setup.steps)
    assert setup.collector.chain is HEALTHY


def test_a_step_that_changes_nothing_of_the_setup_leaves_it_equal():
    assert output().after(STEP) == output()
    assert output().after(STEP).whole is None


def test_a_step_makes_no_defect_of_its_own():
    step = Step(name="new", changes=(Replace("ca", File(stem="new")),))
    assert output().after(step).whole is None


def test_after_two_changes_of_one_file_the_last_stands():
    first, last = File(stem="first"), File(stem="last")
    step = Step(name="twice", changes=(Replace("crt", first), Replace("crt", last)))
    assert listening().after(step).agent.crt is last


NEW, MIDDLE, OLD = delivered(), refused("unknown_ca"), stalled()


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("1.9.10", OLD),
        ("4.2.9", OLD),
        ("5.0", MIDDLE),
        ("5.0.9", MIDDLE),
        ("5.1", NEW),
        ("5.1.0", NEW),
        ("5.1.1", NEW),
        ("5.10", NEW),
        ("10.0", NEW),
    ],
)
@pytest.mark.parametrize("order", [("5.0", "5.1"), ("5.1", "5.0")])
def test_history_has_several_steps_and_a_version_is_numbers(version, expected, order):
    whole = NEW
    for release in order:
        whole = whole.before(release, {"5.0": OLD, "5.1": MIDDLE}[release])
    found = whole.on(version)
    assert (found.outcome, found.alert) == (expected.outcome, expected.alert)


def test_without_history_every_release_does_the_same():
    assert NEW.on("1.9.0") is NEW
    assert NEW.on("5.1.1-rc1") is NEW


def test_what_is_shown_adds_up_and_history_is_its_own():
    does = delivered(client_subject="CN=x").showing(connections=0).before("5.1", refused("x"))
    assert does.shows == (("client_subject", "CN=x"), ("connections", 0))
    assert does.on("5.0").shows == ()
    assert delivered().shows == ()


def scenario(*does, fates=None):
    first, *then = (Expectation(does=one) for one in does)
    setup = output().but(steps=(STEP,) * len(then))
    return Scenario(
        id="a.b", because="x", setup=setup, expectation=first, then=tuple(then), fates=fates
    )


@pytest.mark.parametrize(
    ("does", "version", "lost"),
    [
        ((delivered(), delivered()), "5.1.1", 0),
        ((delivered(), refused("unknown_ca"), stalled()), "5.1.1", 2),
        ((refused_by_peer("unknown_ca"), delivered()), "5.1.1", 1),
        ((cleartext(), cleartext()), "5.1.1", 0),
        ((delivered(), delivered().before("5.1", refused("unknown_ca"))), "5.0.9", 1),
        ((delivered(), delivered().before("5.1", refused("unknown_ca"))), "5.1.1", 0),
        ((delivered(), stalled().before("5.1", delivered())), "5.0.9", 0),
    ],
)
def test_a_step_that_does_not_deliver_loses_its_record(does, version, lost):
    assert scenario(*does).fates_on(version) == Fates(lost=lost)


def test_fates_that_are_declared_are_those_of_every_release():
    declared = Fates(late=1)
    one = scenario(delivered(), stalled().before("5.1", delivered()), fates=declared)
    assert one.fates_on("5.0") == one.fates_on("5.1.1") == declared


def test_only_a_setup_with_a_defect_has_a_twin():
    assert scenario(delivered()).control is None
    assert scenario(delivered(), delivered()).control == output()
    same = Setup(whole=Setup())
    assert (
        Scenario(id="a", because="", setup=same, expectation=Expectation(does=NEW)).control is None
    )
