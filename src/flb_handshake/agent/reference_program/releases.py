"""What differs from one Fluent Bit to another, as one table.

Read from the source of each release and measured on its binary: a further release is an entry.
"""

from __future__ import annotations

# ruff: noqa: SIM905 # names without quotes are easier to compare with an error's own list

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Final


class Release:
    """What differs from one Fluent Bit to another.

    `output_core` and `input_core` are the properties that every output and input takes, `plugins`
    those of a plugin's own, in the order in which an error names them: `-i` and `-o` go before the
    plugin's name. `http_server` are those of an input that takes HTTP. `lowest_when_bounded` is the
    lower bound where `tls.min_version` is no protocol's name.
    """

    def __init__(
        self,
        *,
        version: str,
        output_core: frozenset[str],
        input_core: frozenset[str],
        plugins: Mapping[str, Sequence[str]],
        network: Mapping[str, Sequence[str]],
        http_server: Sequence[str],
        oauth2: Sequence[str],
        lowest_when_bounded: str,
    ) -> None:
        self.version = version
        self.output_core = output_core
        self.input_core = input_core
        self.plugins = plugins
        self.network = network
        self.http_server = http_server
        self.oauth2 = oauth2
        self.lowest_when_bounded = lowest_when_bounded


_TLS: Final = frozenset(
    "tls tls.verify tls.verify_hostname tls.debug tls.vhost tls.ca_path tls.ca_file tls.crt_file"
    " tls.key_file tls.key_passwd tls.min_version tls.max_version tls.ciphers".split()
)
_OAUTH2: Final = (
    "oauth2.enable oauth2.token_url oauth2.client_id oauth2.client_secret oauth2.user_agent"
    " oauth2.scope oauth2.audience oauth2.resource oauth2.auth_method oauth2.jwt_key_file"
    " oauth2.jwt_cert_file oauth2.jwt_aud oauth2.jwt_header oauth2.jwt_ttl_seconds"
    " oauth2.refresh_skew_seconds oauth2.timeout oauth2.connect_timeout"
)

RELEASES: Final = {
    "5.1.1": Release(
        version="5.1.1",
        output_core=_TLS
        | frozenset(
            "match match_regex alias log_level log_suppress_interval host port ipv6 retry_limit"
            " tls.proxy.verify tls.proxy.verify_hostname tls.proxy.ca_path tls.proxy.ca_file"
            " storage.total_limit_size workers".split()
        ),
        input_core=_TLS
        | frozenset(
            "tag log_level log_suppress_interval routable alias mem_buf_limit listen host port ipv6"
            " tls.verify_client_cert storage.type threaded thread.ring_buffer.capacity"
            " thread.ring_buffer.window rate_window rate_gate rate_gate.max_bytes"
            " rate_gate.max_records rate_gate.backpressure rate_gate.resume_ratio"
            " storage.pause_on_chunks_overlimit".split()
        ),
        plugins={
            "-ohttp": (
                "proxy allow_duplicated_headers log_response_payload http.response_timeout"
                f" http.read_idle_timeout http_user http_passwd {_OAUTH2} aws_auth aws_service"
                " aws_region aws_sts_endpoint aws_role_arn aws_external_id aws_profile header_tag"
                " format json_date_format json_date_key compress header uri http_method"
                " gelf_timestamp_key gelf_host_key gelf_short_message_key gelf_full_message_key"
                " gelf_level_key body_key headers_key"
            ).split(),
            "-idummy": (
                "samples dummy metadata rate interval_sec interval_nsec copies start_time_sec"
                " start_time_nsec fixed_timestamp flush_on_startup test_hang_on_exit"
            ).split(),
            "-itail": (
                "path exclude_path key read_from_head read_newly_discovered_files_from_head"
                " refresh_interval watcher_interval progress_check_interval"
                " progress_check_interval_nsec rotate_wait docker_mode docker_mode_flush"
                " docker_mode_parser path_key offset_key ignore_older ignore_active_older_files"
                " buffer_chunk_size buffer_max_size static_batch_size event_batch_size"
                " skip_long_lines exit_on_eof skip_empty_lines truncate_long_lines"
                " file_cache_advise inotify_watcher parser tag_regex db db.sync db.locking"
                " db.journal_mode db.compare_filename multiline multiline_flush parser_firstline"
                " parser_ multiline.parser unicode.encoding generic.encoding"
            ).split(),
            "-ihttp": (
                "add_remote_addr remote_addr_key success_header tag_key successful_response_code"
                " enable_health_endpoint"
            ).split(),
            "-isplunk": (
                "success_header splunk_token store_token_in_metadata splunk_token_key tag_key"
                " add_remote_addr remote_addr_key"
            ).split(),
            "-ielasticsearch": "tag_key meta_key hostname version".split(),
            "-iopentelemetry": (
                "profiles_support encode_profiles_as_log tag_key tag_from_uri"
                " successful_response_code raw_traces logs_metadata_key logs_body_key"
            ).split(),
            "-isyslog": (
                "mode path unix_perm buffer_chunk_size buffer_max_size parser receive_buffer_size"
                " raw_message_key source_address_key format"
            ).split(),
            "-itcp": (
                "format separator parser chunk_size buffer_size source_address_key workers"
            ).split(),
        },
        network={
            "input": (
                "net.share_port net.backlog net.io_timeout net.accept_timeout"
                " net.accept_timeout_log_error net.keepalive"
            ).split(),
            "output": (
                "net.dns.mode net.dns.resolver net.dns.prefer_ipv4 net.dns.prefer_ipv6"
                " net.keepalive net.keepalive_idle_timeout net.tcp_keepalive net.tcp_keepalive_time"
                " net.tcp_keepalive_interval net.tcp_keepalive_probes net.io_timeout"
                " net.connect_timeout net.connect_timeout_log_error net.source_address"
                " net.keepalive_max_recycle net.max_worker_connections net.proxy_env_ignore"
            ).split(),
        },
        http_server=(
            "http_server.http2 http_server.idle_timeout http_server.buffer_max_size"
            " http_server.buffer_chunk_size http_server.max_connections http_server.workers"
            " http_server.ingress_queue_event_limit http_server.ingress_queue_byte_limit"
            " http2 buffer_max_size buffer_chunk_size max_connections workers"
        ).split(),
        oauth2=_OAUTH2.split(),
        lowest_when_bounded="TLSv1.1",
    )
}
