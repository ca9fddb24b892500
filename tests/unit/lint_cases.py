"""Small configurations with a known answer: what is found in each, by line and by rule.

`{ca}`, `{crt}` and so on stand for files of `lint_files`. Line 1 is the section's own.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Known:
    text: str
    found: tuple[tuple[int, str], ...] = ()
    """Line and rule of all that is worse than a note."""
    release: str = "5.1.1"
    notes: tuple[tuple[int, str], ...] = ()


def output(*lines: str, plugin: str = "http") -> str:
    return "\n    ".join(["[OUTPUT]", f"name {plugin}", "match *", *lines]) + "\n"


def input_(*lines: str, plugin: str = "http") -> str:
    return "\n    ".join(["[INPUT]", f"name {plugin}", *lines]) + "\n"


TLS = "tls on"
VERIFY, NAMES = "tls.verify on", "tls.verify_hostname on"
CA = "tls.ca_file {ca}"
CRT, KEY = "tls.crt_file {crt}", "tls.key_file {key}"
PAIR = (CRT, KEY)
GOOD = (TLS, VERIFY, NAMES, CA)
DEMAND = "tls.verify_client_cert on"

KNOWN = {
    # nothing wrong
    "good": Known(text=output(*GOOD)),
    "good, as yes and true": Known(text=output("tls yes", "tls.verify true", NAMES, CA)),
    "good, with a client certificate": Known(text=output(*GOOD, *PAIR)),
    "good input": Known(text=input_(TLS, VERIFY, DEMAND, CA, *PAIR)),
    "good input of TLS in one direction": Known(text=input_(TLS, "tls.verify off", *PAIR)),
    "no TLS at all": Known(text=output("host logs.example.test")),
    "good before names could be checked": Known(text=output(TLS, VERIFY, CA), release="3.0.6"),
    "a switch that nobody sets": Known(
        text=output("tls ${NOBODY_SETS_IT}", *GOOD[1:]), found=((4, "refused-by-fluent-bit"),)
    ),
    # is there TLS at all
    "tls off": Known(text=output("tls off", VERIFY, NAMES, CA), found=((4, "tls-not-on"),)),
    "tls unset": Known(text=output(VERIFY, NAMES, CA), found=((4, "tls-not-on"),)),
    "a password in cleartext": Known(
        text=output("host logs.example.test", "http_user u", "http_passwd hunter2-of-http"),
        found=((6, "credentials-in-cleartext"),),
    ),
    "a token in cleartext, and TLS off": Known(
        text=output("host 192.0.2.1", "tls off", "splunk_token ${T}", plugin="splunk"),
        found=((6, "credentials-in-cleartext"),),
    ),
    "a header in cleartext": Known(
        text=output("host logs.example.test", "header X-Api-Key hunter2-of-header"),
        found=((5, "credentials-in-cleartext"),),
    ),
    "a header of nobody's business": Known(
        text=output("host logs.example.test", "header X-Team logs")
    ),
    "a password to a proxy": Known(
        text=output("proxy http://proxy.test:3128", "http_passwd hunter2-of-http"),
        found=((5, "credentials-in-cleartext"),),
    ),
    "a key to where it goes unless told": Known(
        text=output("apikey hunter2-of-key", plugin="datadog"),
        found=((4, "credentials-in-cleartext"),),
    ),
    "a password to a cloud": Known(
        text=output("cloud_id x:YS50ZXN0JGVz", "cloud_auth u:hunter2-of-cloud", plugin="es"),
        found=((5, "credentials-in-cleartext"),),
    ),
    "a password to whom Helm says": Known(
        text=output("host a.test", "proxy http://{{ .Values.p }}", "http_passwd hunter2-of-http")
    ),
    "a password to loopback": Known(text=output("host 127.0.0.2", "http_passwd hunter2-of-http")),
    "a password over TLS": Known(text=output(*GOOD, "host a.test", "http_passwd hunter2-of-http")),
    "a Mode word": Known(
        text=output("tls verify_peer", VERIFY, NAMES, CA), found=((4, "not-a-boolean"),)
    ),
    "one is no boolean": Known(text=output("tls 1", CA), found=((4, "not-a-boolean"),)),
    "yes before 2.1.8": Known(
        text=output("tls yes", VERIFY, CA), found=((4, "not-a-boolean"),), release="2.0.14"
    ),
    "TLS unasked": Known(text=output("webhook https://x.test/", VERIFY, NAMES, CA, plugin="slack")),
    "TLS unasked and switched off": Known(
        text=output("webhook https://x.test/", "tls off", plugin="slack"),
        found=((5, "tls-not-on"),),
    ),
    "TLS whatever is set": Known(text=output("tls off", NAMES, CA, plugin="s3")),
    "gelf, mode tls": Known(
        text=output("mode tls", NAMES, CA, plugin="gelf"), found=((4, "mode-tls-alone"),)
    ),
    "gelf, mode tls and tls on": Known(text=output("mode tls", *GOOD, plugin="gelf")),
    "gelf over UDP": Known(text=output(*GOOD, plugin="gelf"), found=((4, "tls-over-udp"),)),
    "gelf, mode udp": Known(
        text=output(TLS, "mode udp", plugin="gelf"), found=((5, "tls-over-udp"),)
    ),
    "syslog, mode tls": Known(text=output("mode tls", VERIFY, NAMES, CA, plugin="syslog")),
    "syslog, mode tls before 5.1": Known(
        text=output("mode tls", VERIFY, NAMES, CA, plugin="syslog"),
        found=((4, "mode-tls-alone"),),
        release="5.0.9",
    ),
    "syslog over UDP": Known(text=output(*GOOD, plugin="syslog"), found=((4, "tls-over-udp"),)),
    # whom it believes
    "verify off": Known(text=output(TLS, "tls.verify off", CA), found=((5, "verify-off"),)),
    "verify off and names on": Known(
        text=output(TLS, "tls.verify off", NAMES, CA),
        found=((5, "verify-off"), (6, "hostname-without-verify")),
    ),
    "a Mode word for verify": Known(
        text=output(TLS, "tls.verify require", NAMES, CA),
        found=((5, "not-a-boolean"), (6, "hostname-without-verify")),
    ),
    "a Mode word for verify before 2.1.8": Known(
        text=output(TLS, "tls.verify require", CA), found=((5, "verify-off"),), release="2.0.14"
    ),
    "names unset": Known(text=output(TLS, VERIFY, CA), found=((5, "hostname-unchecked"),)),
    "names off": Known(
        text=output(*GOOD[:2], "tls.verify_hostname off", CA), found=((6, "hostname-unchecked"),)
    ),
    "names set to another word": Known(
        text=output(*GOOD[:2], "tls.verify_hostname strict", CA),
        found=((6, "not-a-boolean"), (6, "hostname-unchecked")),
    ),
    "names checked unasked": Known(text=output(TLS, VERIFY, CA), release="3.0.7"),
    "ca_path and ca_file": Known(
        text=output(*GOOD, "tls.ca_path {hashed}"), found=((7, "ca-path-silences-ca-file"),)
    ),
    "ca_path alone": Known(text=output(*GOOD[:3], "tls.ca_path {hashed}")),
    "ca_path that is not hashed": Known(
        text=output(*GOOD[:3], "tls.ca_path {unhashed}"), found=((7, "ca-path-empty"),)
    ),
    "clients that nobody verifies": Known(
        text=input_(TLS, "tls.verify off", DEMAND, CA, *PAIR),
        found=((5, "client-certificate-not-checked"),),
    ),
    "clients without a certificate": Known(
        text=input_(TLS, VERIFY, CA, *PAIR), found=((4, "anonymous-clients"),)
    ),
    "TLS beside datagrams": Known(
        text=input_("mode udp", TLS, *PAIR, plugin="syslog"), found=((3, "tls-beside-datagrams"),)
    ),
    "no TLS of inputs before 2.0, so nobody is let in by it": Known(
        text=input_(TLS, CA),
        found=((3, "unknown-property"), (4, "unknown-property")),
        release="1.9.10",
    ),
    "a demand that is no boolean": Known(
        text=input_(TLS, VERIFY, "tls.verify_client_cert require", CA, *PAIR),
        found=((4, "anonymous-clients"), (5, "not-a-boolean")),
    ),
    # what it shows
    "certificate without key": Known(
        text=output(*GOOD, CRT), found=((8, "certificate-without-key"),)
    ),
    "key without certificate": Known(
        text=output(*GOOD, KEY), found=((8, "key-without-certificate"),)
    ),
    "input without key": Known(
        text=input_(TLS, "tls.verify off", CRT), found=((5, "certificate-without-key"),)
    ),
    "input with nothing to show": Known(text=input_(TLS), found=((3, "key-without-certificate"),)),
    "TLS on tail": Known(
        text=input_(TLS, "path /x", plugin="tail"), found=((3, "tls-without-port"),)
    ),
    "TLS on tail, passed over": Known(
        text=input_(TLS, "path /x", plugin="tail"),
        found=((3, "tls-without-port"),),
        release="3.2.10",
    ),
    "no TLS on tail": Known(text=input_("tls off", "path /x", plugin="tail")),
    "TLS on an input that dials": Known(text=input_(TLS, plugin="prometheus_scrape")),
    # by which name
    "an address before 5.0.6": Known(
        text=output("host 192.0.2.1", *GOOD), found=((4, "address-as-host"),), release="4.2.8"
    ),
    "an address": Known(text=output("host 192.0.2.1", *GOOD), notes=((4, "address-as-host"),)),
    "an address and the name": Known(
        text=output("host 192.0.2.1", "tls.vhost logs.example.test", *GOOD), release="4.2.8"
    ),
    "a dot behind the vhost": Known(
        text=output("tls.vhost logs.example.test.", *GOOD), found=((4, "name-as-dialled"),)
    ),
    "a dot behind the host": Known(text=output("host logs.example.test.", *GOOD)),
    "a name in Unicode": Known(
        text=output("host bücher.example.test", *GOOD), found=((4, "name-as-dialled"),)
    ),
    # versions
    "a version without TLSv": Known(
        text=output(*GOOD, "tls.min_version 1.3"), found=((8, "unparsable-version"),)
    ),
    "TLSv1.0": Known(
        text=output(*GOOD, "tls.max_version TLSv1.0"), found=((8, "unparsable-version"),)
    ),
    "TLS 1.1 at most": Known(
        text=output(*GOOD, "tls.max_version TLSv1.1"), found=((8, "no-version-left"),)
    ),
    "bounds that cross": Known(
        text=output(*GOOD, "tls.min_version TLSv1.3", "tls.max_version TLSv1.2"),
        found=((9, "no-version-left"),),
    ),
    "a cipher of nobody's": Known(
        text=output(*GOOD, "tls.ciphers FOO:BAR"), found=((8, "no-cipher-known"),)
    ),
    "a cipher that is known": Known(text=output(*GOOD, "tls.ciphers FOO:ECDHE+AESGCM")),
    "a version": Known(text=output(*GOOD, "tls.min_version tlsv1.2")),
    # words nobody knows
    "ca_flie": Known(text=output(*GOOD[:3], "tls.ca_flie {ca}"), found=((7, "unknown-property"),)),
    "a word of the article": Known(
        text=output(*GOOD, "Client.Cert {crt}"), found=((8, "unknown-property"),)
    ),
    "names before they could be checked": Known(
        text=output(*GOOD), found=((6, "unknown-property"),), release="3.0.6"
    ),
    "a demand before 5.0": Known(
        text=input_(TLS, VERIFY, DEMAND, CA, *PAIR),
        found=((4, "anonymous-clients"), (5, "unknown-property")),
        release="4.2.8",
    ),
    "a property of a plugin's own": Known(text=output(*GOOD, "uri /x", "format json")),
    "a misspelt property of a plugin's own": Known(
        text=output(*GOOD, "fromat json"), found=((8, "unknown-property"),)
    ),
    "a plugin that we have no list of": Known(text=output("whatever 1", plugin="stackdriver")),
    # files
    "missing CA": Known(
        text=output(*GOOD[:3], "tls.ca_file {missing}"), found=((7, "file-missing"),)
    ),
    "CA of another machine": Known(
        text=output(*GOOD[:3], "tls.ca_file /nowhere/at/all/ca.pem"),
        notes=((7, "file-missing"),),
    ),
    "directory as CA": Known(
        text=output(*GOOD[:3], "tls.ca_file {hashed}"), found=((7, "file-missing"),)
    ),
    "garbage as CA": Known(
        text=output(*GOOD[:3], "tls.ca_file {garbage}"), found=((7, "not-pem"),)
    ),
    "empty CA": Known(text=output(*GOOD[:3], "tls.ca_file {empty}"), found=((7, "not-pem"),)),
    "DER as CA": Known(text=output(*GOOD[:3], "tls.ca_file {der}"), found=((7, "not-pem"),)),
    "intermediate as CA": Known(
        text=output(*GOOD[:3], "tls.ca_file {intermediate}"), found=((7, "no-root"),)
    ),
    "intermediate and root": Known(text=output(*GOOD[:3], "tls.ca_file {both}")),
    "leaf as CA": Known(text=output(*GOOD[:3], "tls.ca_file {crt}"), found=((7, "no-root"),)),
    "expired CA": Known(text=output(*GOOD[:3], "tls.ca_file {old_ca}"), found=((7, "expired"),)),
    "expired CA beside a good one": Known(
        text=output(*GOOD[:3], "tls.ca_file {old_and_good_ca}"), notes=((7, "expired"),)
    ),
    "CA that expires soon": Known(
        text=output(*GOOD[:3], "tls.ca_file {soon_ca}"), found=((7, "expires-soon"),)
    ),
    "expired certificate": Known(
        text=output(*GOOD, "tls.crt_file {old_crt}", KEY), found=((8, "expired"),)
    ),
    "certificate that is not valid yet": Known(
        text=output(*GOOD, "tls.crt_file {young_crt}", KEY), found=((8, "expired"),)
    ),
    "certificate that expires soon": Known(
        text=output(*GOOD, "tls.crt_file {soon_crt}", KEY), found=((8, "expires-soon"),)
    ),
    "key of another certificate": Known(
        text=output(*GOOD, CRT, "tls.key_file {other_key}"), found=((9, "key-mismatch"),)
    ),
    "certificates in the wrong order": Known(
        text=output(*GOOD, "tls.crt_file {reversed}", KEY), found=((9, "key-mismatch"),)
    ),
    "encrypted key": Known(
        text=output(*GOOD, CRT, "tls.key_file {locked}"), found=((9, "key-password"),)
    ),
    "encrypted key, wrong password": Known(
        text=output(*GOOD, CRT, "tls.key_file {locked}", "tls.key_passwd open-sesame"),
        found=((10, "key-password"),),
    ),
    "encrypted key, password": Known(
        text=output(*GOOD, CRT, "tls.key_file {locked}", "tls.key_passwd right-one"),
    ),
    "encrypted key, password from elsewhere": Known(
        text=output(*GOOD, CRT, "tls.key_file {locked}", "tls.key_passwd ${NOBODY_SETS_IT}"),
        notes=((10, "key-password"),),
    ),
    "key for everybody": Known(
        text=output(*GOOD, CRT, "tls.key_file {open_key}"), found=((9, "key-readable"),)
    ),
    "files nobody reads": Known(
        text=output("tls off", CA.replace("{ca}", "{missing}")), found=((4, "tls-not-on"),)
    ),
    # nodes of an upstream file
    "TLS in the output alone": Known(
        text=output("upstream {plain_nodes}", *GOOD, plugin="forward"),
        found=((3, "node-without-tls"),),
    ),
    "TLS in the node": Known(text=output("upstream {tls_nodes}", plugin="forward")),
    "nothing checked in an output whose nodes are dialled": Known(
        text=output("upstream {tls_nodes}", TLS, "tls.verify off", plugin="forward")
    ),
    "TLS in the node, names unheeded": Known(
        text=output("upstream {tls_nodes}", plugin="forward"),
        found=((9, "unknown-property"),),
        release="3.1.2",
    ),
}
