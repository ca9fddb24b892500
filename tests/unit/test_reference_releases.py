"""The tables of the reference program: they say the same of a release as the harness does."""

from __future__ import annotations

from itertools import pairwise

import pytest

from flb_handshake.agent.reference import MODELLED, open_reference
from flb_handshake.agent.reference_program.properties import Properties
from flb_handshake.errors import AgentUnavailable
from flb_handshake.model import Role
from flb_handshake.releases import KNOWN_SINCE, RELEASES, before

NEWEST = Properties(RELEASES[-1])
MODELLED_PLUGINS = {Role.OUTPUT: "-ohttp", Role.INPUT: "-ihttp"}


def known(properties, role):
    """All that the http plugin of this role takes."""
    own = properties.of(MODELLED_PLUGINS[role])
    served = properties.http_server if role is Role.INPUT else ()
    return {*properties.core[role], *properties.network[role], *served, *own}


@pytest.mark.parametrize(
    ("role", "name", "since"),
    [
        (role, name, since)
        for role, names in KNOWN_SINCE.items()
        for name, since in names.items()
        if name in known(NEWEST, role)
    ],
)
@pytest.mark.parametrize("version", RELEASES)
def test_a_model_knows_a_property_from_the_release_on_that_brought_it(version, role, name, since):
    assert (name in known(Properties(version), role)) is not before(version, since)


@pytest.mark.parametrize("role", Role)
def test_no_property_of_the_http_plugins_was_ever_taken_back(role):
    lists = [known(Properties(version), role) for version in RELEASES]
    assert all(earlier <= later for earlier, later in pairwise(lists))
    assert len(lists[0]) < len(lists[-1])


def test_every_release_that_the_catalogue_is_held_to_is_modelled():
    assert MODELLED == RELEASES


def test_a_release_that_nobody_compared_is_not_modelled():
    with pytest.raises(AgentUnavailable, match=r"not 4\.1\.0"):
        open_reference("4.1.0")
