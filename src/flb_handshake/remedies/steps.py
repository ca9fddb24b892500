"""What only a run shows in which files, certificates or the peer change while the agent runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from flb_handshake.remedies.remedy import Remedy

STEPS: Final[Mapping[str, Remedy]] = {
    "certificate_reload_failed": Remedy(
        because="a file of the TLS settings changed, and what is there now cannot be used (it "
        "says: {why}): {agent} goes on with what it had read before",
        fix="put a file that can be used in its place, written elsewhere and then renamed; it is "
        "read anew at the next handshake",
    ),
    "certificate_reload_failed/torn": Remedy(
        because="of tls.crt_file and tls.key_file only one has changed so far, and the two do not "
        "belong together: {agent} goes on with the pair that it had read before",
        fix="replace the other file too (both at once, as by the swap of one symbolic link); the "
        "pair is read anew at the next handshake",
    ),
    "files_read_at_the_start_only": Remedy(
        because="what tls.ca_file holds by now would refuse this {peer}, but {agent} read the file "
        "when it started and does not look at it again: it goes on with what it read then",
        fix="restart the agent (or reload it, 2.1 and later) when a file of its TLS settings has "
        "changed; 5.1 and later look at the files before each new session",
    ),
    "hot_reload_failed": Remedy(
        because="the configuration that was to be loaded anew does not start (it says: {why}), and "
        "{agent} ended, with exit code {exit_code}",
        fix="mend the files first and reload then: a failed hot reload does not go back to the "
        "configuration that worked; `fluent-bit --dry-run` does not read the TLS files",
    ),
    "kept_connection": Remedy(
        because="a connection of an earlier step went on, and certificates are looked at in a "
        "handshake only: {flaw}",
        fix="{remedy}; net.keepalive_max_recycle or net.keepalive off makes for handshakes sooner",
    ),
    "kept_connection_lost": Remedy(
        because="the {peer} had ended the connection that was kept open ({how}), and nothing was "
        "delivered over a new one",
        fix="set net.keepalive_idle_timeout below the time after which the {peer} or a load "
        "balancer ends idle connections, and let the plugin retry (retry_limit)",
    ),
}
