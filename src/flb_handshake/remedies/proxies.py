"""What an HTTP proxy before the collector does, and what the agent finds in its certificate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from flb_handshake.remedies.remedy import Remedy

PROXIES: Final[Mapping[str, Remedy]] = {
    "proxy_refused_tunnel": Remedy(
        because="the proxy answered CONNECT {target} with the status {status}: there is no tunnel, "
        "and the collector never saw the agent",
        fix="look into the proxy's log for why it refuses CONNECT {target}",
    ),
    "proxy_refused_tunnel/forbidden": Remedy(
        because="the proxy answered CONNECT {target} with the status {status}: its rules do not "
        "allow a tunnel there",
        fix="let the proxy's rules allow CONNECT to {target}, or take the collector out of the "
        "proxy's way (NO_PROXY)",
    ),
    "proxy_refused_tunnel/credentials": Remedy(
        because="the proxy answered CONNECT {target} with the status {status}: it wants a user and "
        "a password, and {authorization}",
        fix="give the proxy's user and password in its URL (http://user:password@host:port)",
    ),
    "proxy_refused_tunnel/unreachable": Remedy(
        because="the proxy answered CONNECT {target} with the status {status}: it did not reach "
        "the collector itself",
        fix="let the proxy resolve and reach {target}, and look into its log",
    ),
    "proxy_certificate_refused": Remedy(
        because="the agent refused the HTTPS proxy's certificate with the alert {alert}: "
        "{meaning_of_alert}",
        fix="look at the proxy's certificate (openssl s_client -connect), and mend what the alert "
        "says; tls.proxy.verify off would believe any proxy",
    ),
    "proxy_certificate_refused/unknown_ca": Remedy(
        because="the agent refused the HTTPS proxy's certificate (alert unknown_ca): tls.proxy."
        "ca_file ({proxy_ca_file}) does not lead to the root that issued it, or the proxy does not "
        "send its intermediate; tls.ca_file does not count here",
        fix="set tls.proxy.ca_file to the root of the proxy's certificate; tls.proxy.verify off "
        "would believe any proxy",
    ),
    "proxy_certificate_refused/expired": Remedy(
        because="the agent refused the HTTPS proxy's certificate (alert certificate_expired): a "
        "certificate of its chain has expired",
        fix="renew the proxy's certificate",
    ),
    "proxy_certificate_refused/name": Remedy(
        because="the agent refused the HTTPS proxy's certificate (alert bad_certificate): it does "
        "not bear the proxy's name, or it is not yet valid; {agent} checks a proxy's name unless "
        "tls.proxy.verify_hostname is off",
        fix="give the proxy a certificate with the name or address by which the agent reaches it",
    ),
    "proxy_refused_agent": Remedy(
        because="the proxy itself, and not the collector, sent the alert {alert}: "
        "{meaning_of_alert}",
        fix="look into the proxy's log",
    ),
    "proxy_ended": Remedy(
        because="the connection to the proxy ended ({how}) before there was a tunnel to the "
        "collector",
        fix="look into the proxy's log, and whether its port speaks the scheme of the proxy's URL "
        "(http:// or https://)",
    ),
}
