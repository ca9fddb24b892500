"""Whether there is TLS at all: what switches it on, and what only looks like it."""

from __future__ import annotations

from collections.abc import Iterator

from flb_handshake.lint.end import UNASKED, End, Truth, node_ends
from flb_handshake.lint.finding import Finding, Severity


def tls_not_on(end: End) -> Iterator[Finding]:
    """Settings of TLS that nothing reads."""
    switch = end.find("tls")
    if end.secured is not False or not end.of_tls or end.says("tls") is Truth.NEITHER:
        return
    if _by_mode(end) or (switch is None and any(node.secured for node in node_ends(end))):
        return
    if switch is not None and end.says("tls") is Truth.ON:
        return  # over UDP, which is told by its own name
    first = switch or end.of_tls[0]
    said = "`tls` is off" if switch else "`tls` is not set"
    does = "takes records" if end.listens else "sends its records"
    yield Finding(
        rule="tls-not-on",
        severity=Severity.ERROR,
        spot=first.spot,
        text=f"{said}, so this {end.what} {does} in cleartext, and "
        f"`{end.of_tls[0].name}` does nothing.",
        fix="Write `tls on`; or leave out what begins with `tls.`, if cleartext is meant.",
        scenario="syntax.tls[word=off]" if switch else "syntax.tls_unset[mode=verify_peer]",
    )


def _by_mode(end: End) -> bool:
    """Whether `mode` asks for TLS, which has a rule of its own."""
    return end.plugin in {"gelf", "syslog"} and not end.listens and end.mode in {"tls", "dtls"}


def mode_tls_alone(end: End) -> Iterator[Finding]:
    """A `mode tls` that is not enough."""
    mode = end.find("mode")
    if end.listens or end.is_node or mode is None or end.secured is not False:
        return
    if end.plugin not in {"gelf", "syslog"} or end.mode != "tls":
        return
    unsaid = "off" if end.says("tls") in {Truth.OFF, Truth.NEITHER} else "unset"
    crashes = end.plugin == "gelf" and not end.since("2.0")
    yield Finding(
        rule="mode-tls-alone",
        severity=Severity.ERROR,
        spot=mode.spot,
        text="`mode tls` without `tls on` "
        + ("crashes Fluent Bit before 2.0." if crashes else "sends the records in cleartext."),
        fix="Write `tls on` as well.",
        scenario=f"streams.{end.plugin}[mode=tls-tls={unsaid}]",
    )


def tls_over_udp(end: End) -> Iterator[Finding]:
    """TLS on an output that sends datagrams."""
    switch = end.find("tls")
    if end.listens or end.is_node or end.plugin not in {"gelf", "syslog"}:
        return
    if switch is None or end.says("tls") is not Truth.ON or end.mode != "udp":
        return
    mode = end.find("mode")
    stops = end.plugin == "syslog" and end.since("5.0.3")
    yield Finding(
        rule="tls-over-udp",
        severity=Severity.ERROR,
        spot=(mode or switch).spot,
        text=("`mode` is udp" if mode else "`mode` is not set, which means udp")
        + (
            ", and Fluent Bit does not start with `tls on` beside it."
            if stops
            else ": the records are sent as datagrams in cleartext, whatever `tls` is."
        ),
        fix="Write `mode tls`, beside `tls on`.",
        scenario=f"streams.{end.plugin}[mode={'udp' if mode else 'unset'}-tls=on]",
    )


def nodes_without_tls(end: End) -> Iterator[Finding]:
    """TLS that is on in an output, and not in the nodes that are dialled in its stead."""
    switch = end.find("tls")
    if end.listens or end.is_node or switch is None or end.says("tls") is not Truth.ON:
        return
    for node in node_ends(end):
        own = node.find("tls")
        if node.secured or node.says("tls") is Truth.NEITHER:
            continue
        yield Finding(
            rule="node-without-tls",
            severity=Severity.ERROR,
            spot=(own or node.section).spot,
            text="This node takes no TLS from the output that names its file: "
            + (
                "its records are sent in cleartext."
                if end.since("2.0")
                else "Fluent Bit before 2.0 crashes."
            ),
            fix="Write `tls on`, and all else that begins with `tls.`, into the node.",
            scenario="upstreams.tls[plugin=forward-where=output-output=on-node="
            f"{'off' if own else 'unset'}]",
        )


def tls_off_where_it_would_be_on(end: End) -> Iterator[Finding]:
    """An output of a service on the Internet whose TLS is switched off."""
    switch = end.find("tls")
    if switch is None or end.listens or end.is_node or end.of_tls:
        return
    if end.plugin in UNASKED and end.says("tls") is Truth.OFF:
        yield Finding(
            rule="tls-not-on",
            severity=Severity.ERROR,
            spot=switch.spot,
            text="`tls` is off, so "
            + (
                "the records and the credentials are sent in cleartext."
                if end.since("2.0")
                else "Fluent Bit before 2.0 crashes."
            ),
            fix=f"Leave out `tls`: `{end.plugin}` uses TLS unless told not to.",
            scenario=f"plugins.without_tls[plugin={end.plugin}-tls=off]",
        )


RULES = (
    tls_not_on,
    mode_tls_alone,
    tls_over_udp,
    nodes_without_tls,
    tls_off_where_it_would_be_on,
)
"""Each says what is wrong with one end, as one release reads it."""
