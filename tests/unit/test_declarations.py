"""What a scenario file may say of inputs and of steps, and what the catalogue refuses."""

from __future__ import annotations

import pytest

from flb_handshake import catalogue
from flb_handshake.certificates import HEALTHY, LEAF, OTHER_LEAF, chain
from flb_handshake.declare import (
    Then,
    case,
    certificate_file,
    delivered,
    key_file,
    listening,
    output,
    present,
    refused,
    with_client_certificate,
)
from flb_handshake.errors import CatalogueError
from flb_handshake.model import CAFile, Mode, Role, ShipperSpec
from flb_handshake.outcomes import Fates, Outcome

HEAD = """
from flb_handshake.declare import (
    CAFile, Case, Fates, Mode, Outcome, Restart, Step, Then, case, delivered, listening,
    not_started, output, refused, scenario, stalled,
)

STEPS = (Step(name="one", changes=(Restart(),)), Step(name="two", changes=()))
"""


def load(tmp_path, body):
    text = f'{HEAD}\n\n@scenario\ndef mine() -> Case:\n    "Why."\n    {body}\n'
    (tmp_path / "file.py").write_text(text)
    (one,) = catalogue.load(tmp_path)
    return one


def test_an_input_begins_with_a_certificate_of_its_own_and_no_name_to_check():
    setup = listening()
    assert setup.role is Role.INPUT
    assert setup.agent.crt == certificate_file(HEALTHY)
    assert setup.agent.key == key_file(LEAF)
    assert setup.agent.vhost is None
    assert setup.agent.mode is Mode.VERIFY_PEER
    assert setup.shipper == ShipperSpec()
    assert setup.whole is None


def test_settings_of_an_input_are_the_situation_and_no_defect():
    setup = listening(Mode.REQUIRE, "tcp", ca=CAFile.DER, keeps=True)
    assert (setup.agent.plugin, setup.agent.mode, setup.agent.ca) == (
        "tcp",
        Mode.REQUIRE,
        CAFile.DER,
    )
    assert setup.shipper.keeps
    assert setup.whole is None
    assert setup.but(chain=None).whole == setup


def test_a_client_certificate_is_no_defect_either():
    broken = output().but(ca=CAFile.DER)
    assert with_client_certificate(broken).whole == output()
    assert with_client_certificate(output()).whole is None


def test_what_is_expected_of_steps_may_say_what_should_be():
    kept = Then(delivered(), Outcome.REFUSED_BY_AGENT)
    made = case(output(), delivered(), refused("unknown_ca"), kept, fates=Fates(late=1))
    assert made.then == (Then(refused("unknown_ca")), kept)
    assert (made.should, made.fates) == (None, Fates(late=1))


def test_a_peer_is_presented_by_fields_of_its_spec():
    other = chain(OTHER_LEAF)
    change = present(chain=other, tickets=True)
    assert change.fields == (("chain", other), ("tickets", True))
    assert hash(change) == hash(present(chain=other, tickets=True))


def test_expectations_of_steps_become_those_of_the_found_one(tmp_path):
    one = load(
        tmp_path,
        "return case(output().but(steps=STEPS), delivered(),"
        ' Then(delivered(), Outcome.CUT), refused("unknown_ca"), fates=Fates(lost=2))',
    )
    assert [it.does.outcome for it in one.then] == [Outcome.DELIVERED, Outcome.REFUSED_BY_AGENT]
    assert [it.should for it in one.then] == [Outcome.CUT, None]
    assert one.fates == Fates(lost=2)
    assert one.control == output()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("return case(output().but(steps=STEPS), delivered())", "2 steps and 0 expectations"),
        (
            "return case(output().but(steps=STEPS), delivered(), delivered())",
            "2 steps and 1 expectations",
        ),
        ("return case(output(), delivered(), delivered())", "0 steps and 1 expectations"),
        (
            "return case(output(steps=STEPS), delivered(), delivered(), stalled())",
            "nothing is wrong",
        ),
        ("return case(listening(), stalled())", "nothing is wrong"),
        (
            "return case(output(), delivered().showing(colour=1))",
            "nothing that is observed is called colour",
        ),
        (
            "return case(output().but(steps=STEPS), delivered(), delivered(),"
            " delivered().showing(size=1))",
            "nothing that is observed is called size",
        ),
        (
            "return case(output(), delivered().before('5.1', delivered().showing(colour=1)))",
            "nothing that is observed is called colour",
        ),
        (
            "return case(output().but(ca=CAFile.DER),"
            " delivered().before('5.1', refused('no_such')))",
            "no_such is no TLS alert",
        ),
        (
            "return case(output().but(steps=STEPS), delivered(),"
            " delivered().before('5.0', not_started('')), delivered())",
            "does not say what the log says",
        ),
        (
            "return case(output().but(steps=STEPS), delivered(),"
            " Then(delivered(), Outcome.DELIVERED), delivered())",
            "`should` repeats `does`",
        ),
        ("return case(output().but(keeps=True), delivered())", "neither agent nor peer has keeps"),
        (
            "return case(listening().but(tickets=True), delivered())",
            "neither agent nor peer has tickets",
        ),
    ],
)
def test_what_cannot_be_meant_is_found_when_the_catalogue_loads(tmp_path, body, says):
    with pytest.raises(CatalogueError, match=says) as told:
        load(tmp_path, body)
    assert told.value.hint


def test_steps_of_which_nothing_is_refused_need_no_defect(tmp_path):
    one = load(tmp_path, "return case(output(steps=STEPS), *[delivered()] * 3)")
    assert one.control is None


def test_an_earlier_release_may_do_what_a_later_one_should(tmp_path):
    one = load(
        tmp_path,
        "return case(output().but(ca=CAFile.DER), stalled().before('5.1', refused('unknown_ca')),"
        " should=Outcome.REFUSED_BY_AGENT)",
    )
    assert one.expectation.should is Outcome.REFUSED_BY_AGENT


def test_an_earlier_refusal_needs_a_defect_as_well(tmp_path):
    with pytest.raises(CatalogueError, match="nothing is wrong"):
        load(tmp_path, "return case(output(), delivered().before('5.1', refused('unknown_ca')))")
