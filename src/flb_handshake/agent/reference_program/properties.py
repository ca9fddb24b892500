"""The properties that each release knows: lists in the order in which an error names them.

Read from the config maps of each release's source. A list is written once, for all releases: behind
a property stands the first release that has it, and behind a second colon the first that has it no
longer (`http2:3.0:5.0`).
"""

from __future__ import annotations

from .plugin_properties import PLUGINS

TYPE_CHECKING = False  # see grammar
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

_OAUTH2: Final = """
    oauth2.enable:5.0 oauth2.token_url:5.0 oauth2.client_id:5.0 oauth2.client_secret:5.0
    oauth2.user_agent:5.0 oauth2.scope:5.0 oauth2.audience:5.0 oauth2.resource:5.0
    oauth2.auth_method:5.0 oauth2.jwt_key_file:5.0 oauth2.jwt_cert_file:5.0 oauth2.jwt_aud:5.0
    oauth2.jwt_header:5.0 oauth2.jwt_ttl_seconds:5.0 oauth2.refresh_skew_seconds:5.0
    oauth2.timeout:5.0 oauth2.connect_timeout:5.0
"""
_BUFFERS: Final = "http2:3.0:5.0 buffer_max_size::5.0 buffer_chunk_size::5.0"

_CORE: Final = {
    "output": """
        match match_regex alias log_level log_suppress_interval:2.0 host port ipv6 retry_limit
        tls tls.verify tls.verify_hostname:3.1 tls.debug tls.vhost tls.ca_path tls.ca_file
        tls.crt_file tls.key_file tls.key_passwd tls.min_version:4.0 tls.max_version:4.0
        tls.ciphers:4.0 tls.proxy.verify:5.1 tls.proxy.verify_hostname:5.1 tls.proxy.ca_path:5.1
        tls.proxy.ca_file:5.1 storage.total_limit_size workers
    """,
    "input": """
        tag log_level log_suppress_interval:2.2 routable alias mem_buf_limit listen host port ipv6
        tls:2.0 tls.verify:2.0 tls.verify_hostname:3.1 tls.debug:2.0 tls.vhost:2.0 tls.ca_path:2.0
        tls.ca_file:2.0 tls.crt_file:2.0 tls.key_file:2.0 tls.key_passwd:2.0 tls.min_version:4.0
        tls.max_version:4.0 tls.ciphers:4.0 tls.verify_client_cert:5.0 storage.type threaded:2.0
        thread.ring_buffer.capacity:4.2
        thread.ring_buffer.window:4.2 rate_window:5.1 rate_gate:5.1 rate_gate.max_bytes:5.1
        rate_gate.max_records:5.1 rate_gate.backpressure:5.1 rate_gate.resume_ratio:5.1
        storage.pause_on_chunks_overlimit
    """,
}
_NETWORK: Final = {
    "output": """
        net.dns.mode net.dns.resolver net.dns.prefer_ipv4 net.dns.prefer_ipv6:2.2 net.keepalive
        net.keepalive_idle_timeout net.tcp_keepalive:3.2 net.tcp_keepalive_time:3.2
        net.tcp_keepalive_interval:3.2 net.tcp_keepalive_probes:3.2 net.io_timeout:2.0
        net.connect_timeout net.connect_timeout_log_error net.source_address
        net.keepalive_max_recycle net.max_worker_connections:2.2 net.proxy_env_ignore:4.0
    """,
    "input": """
        net.share_port:3.0 net.backlog:4.0 net.io_timeout:2.0 net.accept_timeout:2.0
        net.accept_timeout_log_error:2.0 net.keepalive:3.2
    """,
}
_HTTP_SERVER: Final = """
    http_server.http2:5.0 http_server.idle_timeout:5.0 http_server.buffer_max_size:5.0
    http_server.buffer_chunk_size:5.0 http_server.max_connections:5.0 http_server.workers:5.0
    http_server.ingress_queue_event_limit:5.0 http_server.ingress_queue_byte_limit:5.0
    http2:5.0 buffer_max_size:5.0 buffer_chunk_size:5.0 max_connections:5.0 workers:5.0
"""
_PLUGINS: Final = {
    "-ohttp": f"""
        proxy allow_duplicated_headers log_response_payload http.response_timeout:4.0
        http.read_idle_timeout:4.0 http_user http_passwd {_OAUTH2} aws_auth aws_service aws_region
        aws_sts_endpoint aws_role_arn aws_external_id aws_profile:2.2 header_tag format
        json_date_format json_date_key compress header uri http_method:4.2 gelf_timestamp_key
        gelf_host_key gelf_short_message_key gelf_full_message_key gelf_level_key body_key
        headers_key
    """,
    "-idummy": """
        samples dummy metadata:2.2 rate interval_sec:2.2 interval_nsec:2.2 copies:2.0
        start_time_sec start_time_nsec fixed_timestamp flush_on_startup:2.2 test_hang_on_exit:4.0
    """,
    "-itail": """
        path exclude_path key read_from_head read_newly_discovered_files_from_head:4.0
        refresh_interval watcher_interval progress_check_interval:2.0
        progress_check_interval_nsec:2.0 rotate_wait docker_mode docker_mode_flush
        docker_mode_parser path_key offset_key ignore_older ignore_active_older_files:3.2
        buffer_chunk_size buffer_max_size static_batch_size event_batch_size skip_long_lines
        exit_on_eof skip_empty_lines truncate_long_lines:4.2 file_cache_advise:3.2 inotify_watcher
        parser tag_regex db db.sync db.locking db.journal_mode db.compare_filename:3.0 multiline
        multiline_flush parser_firstline parser_ multiline.parser unicode.encoding:4.0
        generic.encoding:4.0
    """,
    "-ihttp": f"""
        {_BUFFERS} add_remote_addr:5.0 remote_addr_key:5.0 success_header:2.2 tag_key
        successful_response_code enable_health_endpoint:5.0
    """,
    "-isplunk": f"""
        {_BUFFERS} success_header splunk_token store_token_in_metadata:3.0.7 splunk_token_key:3.0.7
        tag_key add_remote_addr:4.2 remote_addr_key:4.2
    """,
    "-ielasticsearch": f"{_BUFFERS} tag_key meta_key hostname version:2.2",
    "-iopentelemetry": """
        http2:3.0:5.0 profiles_support:4.0 encode_profiles_as_log:4.0 buffer_max_size::5.0
        buffer_chunk_size::5.0 tag_key tag_from_uri:2.2 successful_response_code raw_traces:2.0
        logs_metadata_key:3.2 logs_body_key:4.0
    """,
    "-isyslog": """
        mode path unix_perm buffer_chunk_size buffer_max_size parser receive_buffer_size:2.0
        raw_message_key:2.0 source_address_key:2.2 format:4.2
    """,
    "-itcp": """
        format separator parser:5.0 chunk_size buffer_size source_address_key:3.0 workers:5.1
    """,
}
_PLUGINS_SINCE: Final = {
    "-ielasticsearch": "2.0",
    "-isplunk": "2.1.7",
    "-iprometheus_remote_write": "3.0.4",
}


class Properties:
    """What a release knows.

    `core` is what every input and output takes, `network` how they connect, `http_server` what the
    inputs take that speak HTTP. Before the name of a plugin goes `-i` or `-o`.
    """

    def __init__(self, version: str) -> None:
        self.core = {kind: _known(words, version) for kind, words in _CORE.items()}
        self.network = {kind: _known(words, version) for kind, words in _NETWORK.items()}
        self.http_server = _known(_HTTP_SERVER, version)
        self.oauth2 = _known(_OAUTH2, version)
        self._version = version
        self._found: dict[str, Sequence[str]] = {}

    def shared(self, kind: str, key: str) -> bool:
        """Whether a property is known beyond the plugins: what is not is a plugin's own affair."""
        if key.startswith("net."):
            return bool(self.network[kind])
        return key in self.core[kind] or bool(key.startswith("oauth2") and self.oauth2)

    def has(self, plugin: str) -> bool:
        """Whether there is such a plugin."""
        return numbers(_PLUGINS_SINCE.get(plugin, "0")) <= numbers(self._version)

    def of(self, plugin: str) -> Sequence[str]:
        """A plugin's own properties."""
        if plugin not in self._found:
            words = _PLUGINS.get(plugin) or PLUGINS[plugin]
            self._found[plugin] = _known(words, self._version)
        return self._found[plugin]


def numbers(version: str) -> tuple[int, ...]:
    """A version as something to compare."""
    return tuple(map(int, version.split(".")))


def _known(words: str, version: str) -> list[str]:
    at = numbers(version)
    found = []
    for word in words.split():
        name, _, life = word.partition(":")
        since, _, until = life.partition(":")
        if numbers(since or "0") <= at and not (until and at >= numbers(until)):
            found.append(name)
    return found
