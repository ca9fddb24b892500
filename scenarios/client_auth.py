"""What a collector makes of the agent's certificate: which, under which policy, by which TLS."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flb_handshake.declare import (
    CLIENT,
    CLIENT_CHAIN,
    INTERMEDIATE,
    OTHER_CLIENT,
    OTHER_ROOT,
    ROOT,
    Case,
    CertSpec,
    ClientAuth,
    Does,
    Fates,
    File,
    FileForm,
    Key,
    Outcome,
    Setup,
    Step,
    Usage,
    case,
    certificate_file,
    chain,
    delivered,
    expired,
    key_file,
    keyed,
    long_chain,
    matrix,
    not_started,
    not_yet_valid,
    output,
    present,
    refused_by_peer,
    usage,
    with_client_certificate,
)

_WORD = "correct horse"
_MISMATCH = not_started("and password don't match")

_PRESENTED = {
    "right": CLIENT_CHAIN,
    "other CA": chain(OTHER_CLIENT, name="other CA"),
    "expired": CLIENT_CHAIN.but(expired()),
    "not yet valid": CLIENT_CHAIN.but(not_yet_valid()),
    "serverAuth only": CLIENT_CHAIN.but(usage(Usage.SERVER)),
    "no EKU": CLIENT_CHAIN.but(usage()),
    "self-signed": chain(CertSpec(common_name="fluent-bit", dns=("fluent-bit",)), name="own"),
    "intermediate not sent": CLIENT_CHAIN.sending(CLIENT, name="no intermediate"),
    "RSA": CLIENT_CHAIN.but(keyed(Key.RSA_2048)),
    "Ed25519": CLIENT_CHAIN.but(keyed(Key.ED25519)),
    "chain of 5": chain(replace(CLIENT, issuer=long_chain(5).leaf.issuer), name="chain of 5"),
}

_REFUSED = {
    "other CA": "unknown_ca",
    "expired": "certificate_expired",
    "not yet valid": "bad_certificate",
    "serverAuth only": "unsupported_certificate",
    "self-signed": "unknown_ca",
    "intermediate not sent": "unknown_ca",
}

_FILES: dict[str, dict[str, Any]] = {
    "key of another certificate": {"key": key_file(OTHER_CLIENT)},
    "key missing": {"key": File(form=FileForm.MISSING, stem="key")},
    "encrypted key, wrong password": {"key": key_file(CLIENT, _WORD), "key_passwd": "wrong"},
    "encrypted key, no password": {"key": key_file(CLIENT, _WORD)},
}

_ALL = ("none", *_PRESENTED, "certificate without key", "encrypted key, right password", *_FILES)

_NOBODY = {"TLSv1.2": "handshake_failure", "TLSv1.3": "certificate_required"}
"""What a collector says to an agent without a certificate."""


def _equipped(setup: Setup, certificate: str) -> Setup:
    """The same, with this certificate in place of the right one."""
    if certificate in _PRESENTED:
        presented = _PRESENTED[certificate]
        return setup.but(crt=certificate_file(presented), key=key_file(presented.leaf))
    if certificate == "none":
        return setup.but(crt=None, key=None)
    if certificate == "certificate without key":
        return setup.but(key=None)
    if certificate == "encrypted key, right password":
        return setup.but(key=key_file(CLIENT, _WORD), key_passwd=_WORD)
    return setup.but(**_FILES[certificate])


def _does(policy: ClientAuth, certificate: str, version: str) -> Does:
    if certificate in _FILES:
        return _MISMATCH
    if policy is ClientAuth.NONE:
        return delivered()
    if certificate in _REFUSED:
        return refused_by_peer(_REFUSED[certificate])
    if certificate in {"none", "certificate without key"} and policy is ClientAuth.DEMAND:
        return refused_by_peer(_NOBODY[version])
    return delivered()


@matrix(policy=tuple(ClientAuth), certificate=_ALL, version=("TLSv1.2", "TLSv1.3"))
def policy(policy: ClientAuth, certificate: str, version: str) -> Case:
    """A collector that does not ask never sees the agent's certificate; one that asks checks what
    it is shown, also where it could do without; one that demands refuses whoever has none.
    """
    mutual = output(client_auth=policy, client_ca=ROOT, min_version=version, max_version=version)
    does = _does(policy, certificate, version)
    anonymous = certificate in {"none", "certificate without key"} and policy is ClientAuth.ASK
    should = Outcome.REFUSED_BY_PEER if anonymous else None
    return case(_equipped(with_client_certificate(mutual), certificate), does, should=should)


_RETRIES = {
    "no retries": (),
    "one retry": (("Retry_Limit", "1"),),
    "retries without end": (("Retry_Limit", "no_limits"),),
}


_NO_LONGER = Step(name="no longer demanded", changes=(present(client_auth=ClientAuth.NONE),))


@matrix(version=("TLSv1.2", "TLSv1.3"), retries=tuple(_RETRIES))
def records_while_refused(version: str, retries: str) -> Case:
    """A collector demands a certificate that the agent does not have, and then no longer does.

    Under TLS 1.3 the agent is done with its handshake before the collector has looked: it believes
    itself connected and has sent the record when the refusal comes. Under either version the record
    is lost unless it may be sent again: `Retry_Limit` decides, not TLS.
    """
    demanding = with_client_certificate(
        output(
            client_auth=ClientAuth.DEMAND,
            client_ca=ROOT,
            min_version=version,
            max_version=version,
            properties=_RETRIES[retries],
            service=(("scheduler.base", "1"), ("scheduler.cap", "1")),
            steps=(_NO_LONGER,),
        )
    )
    fates = Fates(lost=1) if retries == "no retries" else Fates(late=1)
    refused = refused_by_peer(_NOBODY[version])
    return case(demanding.but(crt=None, key=None), refused, delivered(), fates=fates)


_NAMED = {
    "the right CA": (ROOT,),
    "its intermediate": (INTERMEDIATE,),
    "none at all": (),
    "another CA": (OTHER_ROOT,),
}


@matrix(named=tuple(_NAMED), certificate=("right", "other CA"), version=("TLSv1.2", "TLSv1.3"))
def acceptable_authorities(named: str, certificate: str, version: str) -> Case:
    """A collector that asks for a certificate names the CAs that it takes. Fluent Bit has one
    certificate and presents it, whatever is named: a misleading list does no harm, and an empty
    one none either.
    """
    demanding = output(
        client_auth=ClientAuth.DEMAND,
        client_ca=ROOT,
        acceptable=_NAMED[named],
        min_version=version,
        max_version=version,
    )
    setup = with_client_certificate(demanding)
    does = delivered().showing(client_subject="CN=fluent-bit,OU=fluent-bit,O=flb-handshake")
    if certificate == "other CA":
        setup = _equipped(setup, certificate)
        does = refused_by_peer("unknown_ca")
    return case(setup, does)
