"""What no run can do is told before anything runs, with what to do about it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from flb_handshake.behaviours import Alert, Close, Drip, Moment, Renegotiate, Reset, Silent
from flb_handshake.certificates import LEAF, OTHER_LEAF, ROOT, chain
from flb_handshake.declare import certificate_file, key_file, listening, output, present
from flb_handshake.model import (
    LONGEST_WAIT,
    CAFile,
    Expire,
    File,
    Hangup,
    Reload,
    Replace,
    Restart,
    Step,
    Upstream,
)
from flb_handshake.objections import objection

NEW = File(certs=(ROOT,), stem="new")


def stepped(*changes, base=None):
    return (base or output()).but(steps=(Step(name="mine", changes=changes),))


@pytest.mark.parametrize(
    "setup",
    [
        output(),
        listening(),
        output(config="[SERVICE]\n"),
        output(behaviour=Silent(Moment.FINISHED)),
        output(upstream=Upstream()),
        listening(behaviour=Silent(Moment.HALF_HELLO)),
        stepped(),
        stepped(Replace("ca", NEW), Restart(), Hangup(), Reload.HTTP),
        stepped(present(chain=chain(OTHER_LEAF), tickets=True)),
        stepped(present(chain=None, keeps=True), base=listening()),
        stepped(Replace("crt", NEW), Replace("key", key_file(LEAF)), base=listening()),
        stepped(Expire(replace(LEAF, not_after=LONGEST_WAIT))),
        output(crt=certificate_file(chain(LEAF)), steps=(Step(name="a", changes=()),)),
    ],
)
def test_what_can_be_is_not_objected_to(setup):
    assert objection(setup) is None


@pytest.mark.parametrize(
    ("setup", "says"),
    [
        (output(behaviour=Silent(Moment.HALF_HELLO)), "a collector cannot do this"),
        (output(behaviour=Drip(bytes=0)), "less than one byte"),
        (output(behaviour=Alert("no_such")), "'no_such' is no alert's name"),
        (listening(behaviour=Renegotiate()), "Renegotiate is a server's behaviour"),
        (listening(plugin="dummy"), "not 'dummy'"),
        (output().but(steps=Step(name="a", changes=())), "its steps are no tuple of Step"),
        (output().but(steps=(Restart(),)), "its steps are no tuple of Step"),
        (output().but(steps=(Step(name="a", changes=Restart()),)), "no tuple of changes"),
        (output().but(steps=(Step(name="", changes=()),)), "a step has no name"),
        (stepped(base=output(config="x")), "cannot be played in steps"),
        (listening(upstream=Upstream()), "an upstream file is of an output"),
        (output(config="x", upstream=Upstream()), "an upstream file is of an output"),
        (listening(config="x"), "does not say where its input listens"),
        (stepped(Replace("cert", NEW)), "no file of the agent's is called 'cert'"),
        (stepped(Replace("ca", CAFile.ROOT)), "which is no file"),
        (stepped(Replace("crt", NEW)), "the agent has no `crt`"),
        (stepped(Replace("ca", NEW), base=output(ca=CAFile.UNSET)), "the agent has no `ca`"),
        (stepped(present(keeps=True)), "CollectorSpec has no field 'keeps'"),
        (stepped(present(tickets=True), base=listening()), "ShipperSpec has no field 'tickets'"),
        (stepped(present(behaviour=Silent(Moment.HALF_HELLO))), "a collector cannot do this"),
        (stepped(Expire(LEAF)), "30 days"),
        (stepped(Hangup(Reset()), base=listening()), "not by a reset"),
        (
            stepped(Expire(replace(LEAF, not_after=LONGEST_WAIT + timedelta(seconds=1)))),
            "has expired",
        ),
    ],
)
def test_what_cannot_be_is_named_with_what_to_do(setup, says):
    found = objection(setup)
    assert found is not None
    assert says in found.what
    assert found.hint


def test_an_objection_to_a_later_step_names_it():
    first = Step(name="first", changes=(Hangup(Close()),))
    second = Step(name="second", changes=(Restart(), present(keeps=True)))
    found = objection(output().but(steps=(first, second)))
    assert found is not None
    assert found.what.startswith("step 'second': ")
