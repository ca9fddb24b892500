"""The page of the causes: what each word of `diagnose` means, is told by and is mended with."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from flb_handshake.agent import logs
from flb_handshake.diagnosis.remedying import usual_fix
from flb_handshake.diagnosis.vocabulary import WORD_OF, Word
from flb_handshake.outcomes import VerdictKind
from flb_handshake.report import markdown
from flb_handshake.report.families import link
from flb_handshake.report.ledger import ABSENT, UNRECORDED, Ledger
from flb_handshake.report.spans import alike, span
from flb_handshake.results import Result

_HEAD: Final = """\
# What each cause means

The words by which `flb-handshake diagnose` names what can be wrong; they stay the same from release
to release. The logs are those of real runs, recorded on {releases}, of the
scenario that each section names: the first lines at warn or error that say more than that a
connection failed. Their time is left out; ports, file descriptors, directories and the plugin's
alias are placeholders. `n/a`: the release has no such setting or plugin. Most lines have more than
one cause: what speaks for which is told by `flb-handshake diagnose LOG --config FILE`.

In the commands, HOST and PORT are what the output dials, and NAME is its tls.vhost, or its host.
The page is written by `python docs/write.py`, and a test holds that it is what the evidence says.

"""

_MOST: Final = 2
"""So many lines are told of each release."""

_SAYS_LITTLE: Final = re.compile(
    r"SSL_(?:connect|accept): error in error|no upstream connections available|\[engine\]"
    r"|could not (?:flush|create TLS backend)|error initializing|broken connection to"
    r"|\[lib\] backend failed|\[flb_metrics_title\]"
)
"""What is logged after any failure."""

_ALIAS: Final = re.compile(r"^ *Alias +(\S+)", re.MULTILINE)
_TIME: Final = re.compile(r"^\[[\d/]+ [\d:.]+\] *")

_CHAIN: Final = "openssl s_client -connect HOST:PORT -servername NAME -showcerts </dev/null"
_VERIFIED: Final = (
    "openssl s_client -connect HOST:PORT -servername NAME -CAfile CA_FILE "
    "-verify_return_error </dev/null"
)
_OWN_CERTIFICATE: Final = (
    "openssl s_client -connect HOST:PORT -servername NAME -cert CRT_FILE -key KEY_FILE </dev/null"
)
_PORT: Final = "openssl s_client -connect HOST:PORT -servername NAME -brief </dev/null"


@dataclass(frozen=True, slots=True)
class _Cause:
    """What people wrote of a word."""

    meaning: str
    sure: str
    """The command that makes sure."""
    scenario: str | None
    """The scenario that shows it; None: there is none."""


_CAUSES: Final = {
    Word.UNTRUSTED_CA: _Cause(
        "The other side's chain ends at a root that is not among what tls.ca_file or tls.ca_path "
        "hold, or at a certificate that signed itself.",
        _VERIFIED,
        "mode.cell[mode=verify_peer-ca=other_root-collector=healthy]",
    ),
    Word.MISSING_INTERMEDIATE: _Cause(
        "The server sends its own certificate without the intermediate that issued it. Browsers "
        "fetch or remember it; Fluent Bit does not.",
        _CHAIN,
        "trust.missing_intermediate[mode=verify_peer]",
    ),
    Word.HOSTNAME_MISMATCH: _Cause(
        "The certificate does not bear the name that is checked: tls.vhost, or else the host. "
        "Names are compared with tls.verify_hostname on alone, but always in 3.0.7.",
        "openssl s_client -connect HOST:PORT -servername NAME -verify_hostname NAME </dev/null",
        "upstreams.another_host[plugin=forward-verify_hostname=on]",
    ),
    Word.EXPIRED: _Cause(
        "A certificate of the chain, or the client's own, is past its end; or a clock is wrong.",
        f"{_CHAIN} | openssl x509 -noout -dates",
        "validity.too_old[mode=verify_peer-at=leaf]",
    ),
    Word.NOT_YET_VALID: _Cause(
        "A certificate begins later than the clock of the side that checks it says; mostly that "
        "clock is slow.",
        f"date -u; {_CHAIN} | openssl x509 -noout -startdate",
        "validity.clock_behind[ahead=a_day]",
    ),
    Word.WRONG_PURPOSE: _Cause(
        "The certificate may not be used for this: it is for clients alone, its issuer is no CA, "
        "or a constraint of the chain is broken.",
        f"{_CHAIN} | openssl x509 -noout -purpose -ext basicConstraints,extendedKeyUsage",
        "usage.leaf[mode=verify_peer-eku=client_only]",
    ),
    Word.WEAK_KEY: _Cause(
        "A key is too short, or a signature uses a digest that OpenSSL no longer takes.",
        f"{_CHAIN} | openssl x509 -noout -text | grep -E 'Public-Key|Signature Algorithm'",
        "strength.leaf_key[mode=verify_peer-key=RSA_1024]",
    ),
    Word.CLIENT_CERT_MISSING: _Cause(
        "The server demands a certificate of its clients and got none. Under TLS 1.3 Fluent Bit "
        "takes itself for connected before it is told so.",
        _OWN_CERTIFICATE,
        "client_auth.policy[policy=demand-certificate=none-version=TLSv1.3]",
    ),
    Word.CLIENT_CERT_UNTRUSTED: _Cause(
        "The server got a client certificate and does not accept it: another CA issued it, an "
        "intermediate is missing in tls.crt_file, or it is not for clients.",
        _OWN_CERTIFICATE,
        "client_auth.policy[policy=demand-certificate=other_CA-version=TLSv1.3]",
    ),
    Word.KEY_MISMATCH: _Cause(
        "tls.key_file is not the key of the certificate in tls.crt_file, or tls.key_passwd does "
        "not open it.",
        "openssl pkey -in KEY_FILE -pubout; openssl x509 -in CRT_FILE -noout -pubkey",
        "files.key_of_another_certificate[mode=verify_peer]",
    ),
    Word.CA_FILE_UNREADABLE: _Cause(
        "A PEM file that is named, the CA's, the certificate's or the key's, is missing, may not "
        "be read, or holds no PEM.",
        "openssl x509 -in CA_FILE -noout -subject",
        "mode.cell[mode=verify_peer-ca=missing_file-collector=healthy]",
    ),
    Word.SYSTEM_CA: _Cause(
        "No tls.ca_file or tls.ca_path is set, so the system's store counts, and it does not hold "
        "the root: it is a private one, or the store is old or missing in the image.",
        "openssl s_client -connect HOST:PORT -servername NAME -verify_return_error </dev/null",
        "mode.cell[mode=verify_peer-ca=unset-collector=healthy]",
    ),
    Word.CONFIG_SYNTAX: _Cause(
        "The configuration does not say what was meant: a property is misspelt, in the wrong "
        "place, or has a value that is no boolean.",
        "flb-handshake check FILE --no-play",
        "article.literally",
    ),
    Word.PLAINTEXT_PORT: _Cause(
        "One side speaks TLS and the other does not.",
        _PORT,
        "transport.another_protocol[mode=verify_peer-protocol=HTTP]",
    ),
    Word.PROTOCOL_VERSION: _Cause(
        "The two sides have no version of TLS in common.",
        "openssl s_client -connect HOST:PORT -servername NAME -tls1_2 -brief </dev/null",
        "protocol.no_bounds[collector=TLSv1.1]",
    ),
    Word.CIPHER: _Cause(
        "The two sides have no cipher suite or group in common, or tls.ciphers names none that "
        "this OpenSSL knows.",
        "openssl ciphers -v CIPHERS",
        "protocol.suites[suite=TLS_AES_128_CCM_SHA256]",
    ),
    Word.ALPN: _Cause(
        "The two sides have no protocol in common to speak over TLS (http/1.1, h2).",
        "openssl s_client -connect HOST:PORT -servername NAME -alpn h2,http/1.1 -brief </dev/null",
        "transport.injected_alert[alert=no_application_protocol-at=after_ClientHello]",
    ),
    Word.SNI: _Cause(
        "The server does not serve the name that was sent to it (tls.vhost, or the host).",
        _PORT,
        "transport.injected_alert[alert=unrecognized_name-at=after_ClientHello]",
    ),
    Word.PROXY: _Cause(
        "A proxy on the way opened no tunnel, or its own certificate was refused.",
        "openssl s_client -proxy PROXY_HOST:PROXY_PORT -connect HOST:PORT -brief </dev/null",
        "transport.proxy[proxy=http_407]",
    ),
    Word.ROTATION: _Cause(
        "A certificate was renewed on disk and Fluent Bit goes on with the old one: up to 5.0 "
        "files are read at the start alone, from 5.1 on a broken new file is not taken.",
        f"{_CHAIN} | openssl x509 -noout -enddate; openssl x509 -in CRT_FILE -noout -enddate",
        "rotation.ca_file_spoilt[way=in_place-spoilt=garbage]",
    ),
    Word.TIMEOUT: _Cause(
        "The other side, or what stands between, did not answer in time.",
        f"timeout 10 {_PORT}",
        "field.connections.fluent_bit_3512",
    ),
    Word.CONNECTION_RESET: _Cause(
        "The other side, or what stands between, ended the connection without saying why.",
        _PORT,
        "field.connections.fluent_bit_6431",
    ),
    Word.RESOURCE_LIMIT: _Cause(
        "A limit was reached: open files, memory, or what the TLS library takes of one handshake.",
        "cat /proc/$(pidof fluent-bit)/limits",
        None,
    ),
    Word.NOT_TLS: _Cause(
        "The trouble lies elsewhere, mostly before TLS begins: the name does not resolve, nothing "
        "listens, or Fluent Bit crashed.",
        "getent hosts HOST",
        "field.syntax.fluent_bit_9398",
    ),
    Word.UNKNOWN: _Cause(
        "Nothing in the log points to one cause, or the other side refused with an alert that "
        "gives no reason.",
        "flb-handshake reproduce --config FILE --server HOST:PORT",
        "transport.injected_alert[alert=decode_error-at=after_accept]",
    ),
}


def scenario(word: Word) -> str | None:
    """The id of the scenario that shows a cause on the page; None: there is none."""
    return _CAUSES[word].scenario


def page(ledger: Ledger) -> str:
    """The page, in Markdown."""
    first, last = ledger.releases[0], ledger.releases[-1]
    head = _HEAD.format(releases=f"{len(ledger.releases)} releases, {first} to {last}")
    return head + "\n".join(_section(word, ledger) for word in Word)


def _section(word: Word, ledger: Ledger) -> str:
    cause = _CAUSES[word]
    under = [name.replace("_", " ") for name, its in WORD_OF.items() if its is word]
    parts = [
        f"## {word}",
        markdown.prose(cause.meaning),
        f"**It covers**: {', '.join(under)}.",
        _log(cause.scenario, ledger) if cause.scenario else "No scenario shows it.",
        f"**Make sure**: {markdown.code(cause.sure)}",
        f"**Fix**: {markdown.prose(usual_fix(word))}.",
    ]
    if cause.scenario:
        parts.append(f"**Scenario**: {link(cause.scenario)}")
    return "\n\n".join(parts) + "\n"


def _log(name: str, ledger: Ledger) -> str:
    """What each release logged of a scenario; those that logged the same in one row."""
    rows = [
        [span(releases, ledger.releases), said]
        for releases, said in alike(
            ledger.releases, lambda release: _said(ledger.results[release].get(name))
        )
    ]
    return markdown.table(["release", "it logs"], rows).rstrip()


def _said(result: Result | None) -> str:
    if result is None:
        return UNRECORDED
    if result.verdict.kind is VerdictKind.UNSUPPORTED:
        return ABSENT
    told = telling(result)
    return "<br>".join(map(markdown.code, told)) or "nothing at warn or error"


def telling(result: Result) -> tuple[str, ...]:
    """The lines of a run that say most of what went wrong, without their time; at most two."""
    alias = _ALIAS.search(result.evidence.agent.config)
    name = f":{alias[1]}]" if alias else ""
    found = [
        _TIME.sub("", raw.replace(name, ":ALIAS]") if name else raw)
        for step in result.steps
        for raw in step.evidence.agent.log
        if (line := logs.parse(raw)) and line.level in {logs.Level.WARN, logs.Level.ERROR}
    ]
    clear = [one for one in found if not _SAYS_LITTLE.search(one)]
    return tuple(dict.fromkeys(clear or found))[:_MOST]
