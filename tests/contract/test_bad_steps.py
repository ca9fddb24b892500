"""Setups that cannot be: refused when a catalogue loads, and told by any run that gets one."""

from __future__ import annotations

import pytest
from playing import played, stepped

from flb_handshake import catalogue
from flb_handshake.cli import main
from flb_handshake.declare import (
    LEAF,
    SELF_SIGNED,
    Alert,
    Close,
    Drip,
    Expire,
    File,
    FileForm,
    Hangup,
    Moment,
    NoSecureRenegotiation,
    Reload,
    Renegotiate,
    Replace,
    Silent,
    Step,
    Way,
    listening,
    output,
    present,
)
from flb_handshake.errors import EXIT_USER_MISTAKE, CatalogueError
from flb_handshake.judge import judge
from flb_handshake.model import Setup
from flb_handshake.objections import objection
from flb_handshake.outcomes import Outcome

HEAD = "from flb_handshake.declare import *\n\n\n"
CASE = '@scenario\ndef odd() -> Case:\n    "Why."\n    return case({setup}, delivered(){then})\n'
TO = 'File(certs=(ROOT,), stem="ca")'

BAD = {
    "an unknown file": (
        f"output().but(steps=(Step(name='s', changes=(Replace('cert', {TO}),)),))",
        "step 's': no file of the agent's is called 'cert'",
        "Replace names one of ca, ca_path, crt, key",
    ),
    "an unknown argument of Replace": (
        f"output().but(steps=(Step(name='s', changes=(Replace('ca', {TO}, mode=1),)),))",
        "mode",
        "mend",
    ),
    "a file that the agent does not have": (
        f"output().but(steps=(Step(name='s', changes=(Replace('key', {TO}),)),))",
        "step 's': the agent has no `key` that could be replaced",
        "set `key` from the start",
    ),
    "a file that is none": (
        "output().but(steps=(Step(name='s', changes=(Replace('ca', ROOT),)),))",
        "which is no file",
        "give a File",
    ),
    "a key of two": (
        f"output(key={TO}).but(steps=(Step(name='s', changes=("
        "Replace('key', File(form=FileForm.KEY, certs=(ROOT, LEAF))),)),))",
        "the keys of 2 certificates",
        "key_file(…)",
    ),
    "a key of nobody": (
        "output().but(key=File(form=FileForm.KEY))",
        "the keys of 0 certificates",
        "key_file(…)",
    ),
    "a reload of a whole configuration": (
        "output(config='x').but(steps=(Step(name='s', changes=(Reload.HTTP,)),))",
        "cannot be played in steps",
        "in place of `config`",
    ),
    "a shipper at a whole configuration": (
        "listening(config='x')",
        "does not say where its input listens",
        "in place of `config`",
    ),
    "an alert at an impossible moment": (
        "output().but(behaviour=Alert('bad_record_mac', Moment.FINISHED))",
        "an unencrypted alert is not possible after the client's Finished",
        "another behaviour",
    ),
    "an alert at an impossible moment, later": (
        "output().but(steps=(Step(name='s', changes=("
        "present(behaviour=Alert('bad_record_mac', Moment.MIDWAY)),)),))",
        "step 's': a collector cannot do this: an unencrypted alert is not possible in the middle",
        "another behaviour",
    ),
    "an unknown alert": (
        "output().but(behaviour=Alert('no_such'))",
        "'no_such' is no alert's name",
        "another behaviour",
    ),
    "a shipper's behaviour on a collector": (
        "output().but(behaviour=Silent(Moment.HALF_HELLO))",
        "a collector sends no ClientHello",
        "another behaviour",
    ),
    "a collector's behaviour on a shipper": (
        "listening().but(behaviour=Renegotiate())",
        "a shipper cannot do this: Renegotiate is a server's behaviour",
        "another behaviour",
    ),
    "a collector's behaviour on a shipper, later": (
        "listening().but(steps=(Step(name='s', changes=("
        "present(behaviour=NoSecureRenegotiation()),)),))",
        "step 's': a shipper cannot do this: NoSecureRenegotiation",
        "another behaviour",
    ),
    "an input that no shipper knows": (
        "listening(plugin='cpu')",
        "of all inputs it knows elasticsearch",
        "another plugin",
    ),
    "an unknown field of the peer": (
        "output().but(steps=(Step(name='s', changes=(present(colour=1),)),))",
        "step 's': CollectorSpec has no field 'colour' to present",
        "it has chain, ",
    ),
    "a field of the agent's": (
        "output().but(steps=(Step(name='s', changes=(present(mode=Mode.OFF),)),))",
        "CollectorSpec has no field 'mode' to present",
        "it has chain, ",
    ),
    "a wait of a month": (
        "output().but(steps=(Step(name='s', changes=(Expire(LEAF),)),))",
        "it waits until 'logs.example.test' has expired, 30 days",
        "`not_after` of 0:01:00 or less",
    ),
    "a comma too few": (
        "output().but(steps=(Step(name='s', changes=(Reload.HTTP)),))",
        "the changes of step 's' are no tuple of changes",
        "changes=(…,), each a Replace, Present",
    ),
    "a step that is no tuple": (
        "output().but(steps=Step(name='s', changes=()))",
        "its steps are no tuple of Step",
        "steps=(Step(",
    ),
    "a step without a name": (
        "output().but(steps=(Step(name='', changes=()),))",
        "a step has no name",
        "what changes",
    ),
}


def written(tmp_path, setup):
    then = ", delivered()" if "Step(" in setup else ""
    (tmp_path / "mine.py").write_text(HEAD + CASE.format(setup=setup, then=then))
    return tmp_path


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_a_catalogue_says_where_it_is_and_what_to_do(tmp_path, bad):
    setup, says, hint = bad
    with pytest.raises(CatalogueError) as told:
        catalogue.load(written(tmp_path, setup))
    assert says in str(told.value)
    assert "/mine.py:4: " in str(told.value)
    assert hint in told.value.hint


def test_the_command_says_so_in_two_lines(tmp_path, capfd):
    setup, says, hint = BAD["an unknown file"]
    directory = str(written(tmp_path, setup))
    with pytest.raises(SystemExit) as left:
        main(["run", "--agent", "reference", "--scenarios", directory])
    assert left.value.code == EXIT_USER_MISTAKE
    error = capfd.readouterr().err
    assert says in error
    assert f"hint: {hint}" in error
    assert "Traceback" not in error


def test_the_catalogue_s_own_setups_are_all_possible():
    assert [one.id for one in catalogue.load() if objection(one.setup) is not None] == []


CA = File(certs=(LEAF,), stem="ca")
IMPOSSIBLE = {
    "no such file": stepped(output(), (Replace("colour", CA),)),
    "a file that is not there": stepped(output(), (Replace("crt", CA),)),
    "no such field": stepped(output(), (present(colour=1),)),
    "an early alert": stepped(output(), (present(behaviour=Alert("unknown_ca", Moment.MIDWAY)),)),
    "a shipper's": output().but(behaviour=Close(Moment.HALF_HELLO)),
    "a collector's": listening().but(behaviour=NoSecureRenegotiation()),
    "too slow": output().but(behaviour=Drip(bytes=0)),
    "a month": stepped(listening(), (Expire(SELF_SIGNED),)),
    "no tuple": output().but(steps=(Step(name="s", changes=Hangup()),)),
    "no changes": output().but(steps=(Step(name="s", changes="SIGHUP"),)),
    "a whole configuration": stepped(Setup().but(config="[INPUT]\n"), (Reload.SIGHUP,)),
}


def test_a_run_tells_of_each_and_plays_the_others(any_agent):
    healthy = output(vhost="localhost").but(behaviour=Silent(Moment.CLIENT_HELLO))
    *found, last = played(any_agent, *IMPOSSIBLE.values(), healthy, deadline=0.5)
    for setup, evidence in zip(IMPOSSIBLE.values(), found, strict=True):
        seen, wrong = judge(evidence), objection(setup)
        assert seen.outcome is Outcome.INVALID
        assert seen.note == f"{wrong.what} ({wrong.hint})"
    assert judge(last).outcome is Outcome.STALLED


@pytest.mark.parametrize("way", [Way.IN_PLACE, Way.RENAME])
def test_a_directory_in_place_of_a_file_is_found_when_it_is_made(any_agent, way):
    setup = stepped(
        output(ca=CA), (Replace("ca", File(form=FileForm.HASHED, certs=(LEAF,), stem="ca"), way),)
    )
    (evidence,) = played(any_agent, setup)
    assert judge(evidence).outcome is Outcome.INVALID
    told = "step 'step 1': ca.pem cannot be changed under the running agent: Not a directory"
    assert judge(evidence).note.startswith(told)


@pytest.mark.parametrize(
    "setup",
    [
        stepped(output(), (Replace("ca", CA), Hangup()), (Replace("ca", CA),)),
        stepped(output(), (present(behaviour=Renegotiate()),)),
        stepped(listening(), (present(behaviour=Silent(Moment.HALF_HELLO)), Reload.HTTP)),
        Setup().but(config="[INPUT]\n"),
    ],
    ids=["files", "a collector's", "a shipper's", "a whole configuration"],
)
def test_what_can_be_is_not_objected_to(setup):
    assert objection(setup) is None
