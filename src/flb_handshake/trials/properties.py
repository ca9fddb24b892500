"""A section's properties as they are played: its own, but for where it is and whom it dials."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from typing import Final

from flb_handshake.config.dialling import NOTHING
from flb_handshake.config.words import Section
from flb_handshake.dials import DIALS, HOST_AND_PORT
from flb_handshake.lint.linting import is_secret

OURS: Final = frozenset(
    {
        "alias",
        "host",
        "listen",
        "log_level",
        "match",
        "match_regex",
        "name",
        "port",
        "retry_limit",
        "routable",
        "storage.type",
        "tag",
        "threaded",
        "tls.ca_file",
        "tls.ca_path",
        "tls.crt_file",
        "tls.debug",
        "tls.key_file",
        "tls.key_passwd",
        "tls.proxy.ca_file",
        "tls.proxy.ca_path",
        "tls.vhost",
        "upstream",
        "workers",
    }
)
"""Where it is, whom it dials, which files it reads and how it waits: ours take their place."""

_WAITING: Final[Mapping[str, frozenset[str]]] = {
    "s3": frozenset(
        {
            "store_dir",
            "total_file_size",
            "upload_chunk_size",
            "upload_timeout",
            "use_put_object",
        }
    ),
}
"""How an output gathers records before it sends them, and where: ours do not wait, and what the
user's own keeps there is left alone."""

OF_RECORDS: Final = frozenset(
    {
        "empty_shared_key",
        "format",
        "parser",
        "security.users",
        "self_hostname",
        "separator",
        "shared_key",
        "splunk_token",
        "tag_from_uri",
        "tag_key",
        "tag_prefix",
        "uri",
    }
)
"""What an input asks of a record beyond TLS: its form, its tag, who logs in. Our shipper has one
form and no password."""

ELSEWHERE: Final = frozenset(
    {"aws_auth", "cloud_id", "oauth2", "oauth2.enable", "oauth2.token_url", "proxy", "upstream"}
)
"""Properties by which an output dials somebody else than its host."""

OF_A_URL: Final = frozenset(
    name for name, words in DIALS.items() if not HOST_AND_PORT.items() <= words.items()
)
"""Outputs that are told by another property whom to dial."""


def own(
    section: Section,
    dials: Mapping[str, str],
    leading: Mapping[str, str | None] = NOTHING,
    without: Collection[str] = (),
) -> Properties:
    """Its properties as they stand, the last of each; what a plugin needs is not said twice.

    `dials` are the words by which its plugin dials, and `leading` takes the place of its own.
    What comes to nothing, as nobody sets its variable here, is nothing to Fluent Bit either. What
    Helm fills in is left out, unless it is a secret, for which any text will do.
    """
    spelt = {name.lower(): name for name in (*dials, *leading)}
    ports = {name.lower() for name, word in dials.items() if word == "{port}"}
    ours = OURS | ports | _WAITING.get(section.plugin, frozenset()) | frozenset(without)
    tls = () if section.find("tls") else (("tls", None),)
    found: dict[str, str | None] = {}
    for one in section.properties:
        unknown = "{{" in one.value and not is_secret(one.name)
        if one.name not in ours and one.value.strip() and not unknown:
            found[spelt.get(one.name, one.name)] = one.value
    return (*tls, *(found | dict(leading)).items())


Properties = tuple[tuple[str, str | None], ...]

_TAKES_KEYS: Final = re.compile(r".*(log|message)_key")
_KEY: Final = re.compile(r"\$?(\w+)")


def record(section: Section) -> tuple[tuple[str, str], ...]:
    """What `dummy` is told, where an output sends nothing but keys that our record has not."""
    found = [
        _KEY.fullmatch(one.value.strip())
        for one in section.properties
        if _TAKES_KEYS.fullmatch(one.name)
    ]
    keys = dict.fromkeys(("message", *(one[1] for one in found if one)), "handshake")
    return (("Dummy", json.dumps(keys)),) if len(keys) > 1 else ()
