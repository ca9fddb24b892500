"""The properties of the plugins that only some scenarios need; `properties.py` explains how.

Each list is that of 5.1.1's own error, and what the source of the releases before it has of it.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

PLUGINS: Final = {
    "-oes": """
        index type suppress_type_name http_user http_passwd http_api_key:4.0 compress:2.0
        cloud_id cloud_auth upstream:5.1 aws_auth aws_region aws_sts_endpoint aws_role_arn
        aws_external_id aws_service_name:2.2 aws_profile:2.2 logstash_format logstash_prefix
        logstash_prefix_separator:2.2 logstash_prefix_key logstash_dateformat time_key
        time_key_format time_key_nanos include_tag_key tag_key buffer_size path pipeline
        generate_id write_operation id_key replace_dots current_time_index trace_output
        trace_error
    """,
    "-oopensearch": """
        index type suppress_type_name http_user http_passwd aws_auth aws_region
        aws_profile:2.2 aws_sts_endpoint aws_role_arn aws_external_id aws_service_name:2.2
        logstash_format logstash_prefix logstash_prefix_separator:2.2 logstash_prefix_key
        logstash_dateformat time_key time_key_format time_key_nanos include_tag_key tag_key
        buffer_size path pipeline generate_id write_operation id_key replace_dots
        current_time_index trace_output trace_error compress:2.2
    """,
    "-osplunk": """
        compress http_user http_passwd http_buffer_size http_debug_bad_request event_key
        event_host event_source event_sourcetype event_sourcetype_key event_index
        event_index_key event_field splunk_token splunk_send_raw auto_extract_timestamp:5.1
        channel
    """,
    "-oloki": """
        uri:2.2 tenant_id tenant_id_key tenant_id_key_error_handling:5.0 labels
        structured_metadata:3.2 structured_metadata_map_keys:3.2 auto_kubernetes_labels
        drop_single_key label_keys remove_keys line_format label_map_path:2.0 http_user
        http_passwd buffer_size:3.2 bearer_token:2.2 header:2.2 compress:2.2
    """,
    "-oopentelemetry": """
        add_label http2:3.2 grpc:3.2 proxy http_user http_passwd aws_auth:4.2
        aws_service:4.2 aws_region:4.2 aws_sts_endpoint:4.2 aws_role_arn:4.2
        aws_external_id:4.2 aws_profile:4.2 header uri::2.0 metrics_uri:2.0
        grpc_metrics_uri:3.2 batch_size:2.0 compress:2.0 logs_max_resources:4.0
        logs_max_scopes:4.0 logs_uri:2.0 grpc_logs_uri:3.2 logs_body_key:3.0
        logs_body_key_attributes:3.0 traces_uri:2.0 grpc_traces_uri:3.2 profiles_uri:4.0
        grpc_profiles_uri:4.0 log_response_payload logs_metadata_key:3.2
        logs_observed_timestamp_metadata_key:3.0 logs_timestamp_metadata_key:3.0
        logs_severity_text_metadata_key:3.0 logs_severity_number_metadata_key:3.0
        logs_trace_flags_metadata_key:3.0 logs_span_id_metadata_key:3.0
        logs_trace_id_metadata_key:3.0 logs_attributes_metadata_key:3.0
        logs_instrumentation_scope_metadata_key:3.0 logs_resource_metadata_key:3.0
        logs_span_id_message_key:3.0 logs_trace_id_message_key:3.0
        logs_severity_text_message_key:3.0 logs_severity_number_message_key:3.0
    """,
    "-oinfluxdb": """
        database bucket org sequence_tag uri http_user http_passwd http_token http_header
        auto_tags tag_keys add_integer_suffix:3.2
    """,
    "-odatadog": """
        compress header:3.2 apikey dd_service dd_source dd_tags dd_hostname:3.2 proxy
        include_tag_key tag_key dd_message_key provider json_date_key
    """,
    "-okafka-rest": """
        message_key time_key topic url_path partition time_key_format include_tag_key
        tag_key avro_http_header
    """,
    "-ologdna": """
        logdna_host logdna_port logdna_endpoint:3.2 api_key hostname mac ip tags file app
        exclude_promoted_keys:4.2
    """,
    "-onrlogs": "base_uri api_key license_key compress",
    "-oslack": "webhook",
    "-oskywalking": "auth_token svc_name svc_inst_name",
    "-oprometheus_remote_write": """
        add_label proxy http_user http_passwd compression:2.2 aws_auth:2.2 aws_service:2.2
        aws_region:2.2 aws_sts_endpoint:2.2 aws_role_arn:2.2 aws_external_id:2.2
        aws_profile:2.2 header uri log_response_payload
    """,
    "-oforward": """
        time_as_integer retain_metadata_in_forward_mode:2.2 shared_key self_hostname
        empty_shared_key send_options require_ack_response username password unix_path
        upstream tag compress fluentd_compat:2.0 add_option:2.2
    """,
    "-ogelf": """
        mode gelf_tag_key:3.2 gelf_short_message_key gelf_timestamp_key gelf_host_key
        gelf_full_message_key gelf_level_key packet_size compress
    """,
    "-osyslog": """
        mode syslog_format syslog_maxsize syslog_severity_key syslog_severity_preset:2.0
        syslog_facility_key syslog_facility_preset:2.0 syslog_hostname_key
        syslog_hostname_preset:2.0 syslog_appname_key syslog_appname_preset:2.0
        syslog_procid_key syslog_procid_preset:2.0 syslog_msgid_key syslog_msgid_preset:2.0
        syslog_sd_key syslog_message_key allow_longer_sd_id:2.2
    """,
    "-otcp": "format json_date_format json_date_key raw_message_key:2.0",
    "-owebsocket": "uri format json_date_format json_date_key header:3.0",
    "-onats": "",
    "-iforward": """
        tag_prefix shared_key:3.0 self_hostname:3.0 security.users:3.0 unix_path unix_perm
        buffer_chunk_size buffer_max_size empty_shared_key:3.2 workers:5.1
    """,
    "-imqtt": "payload_key:2.2 buffer_size:3.2",
    "-iprometheus_remote_write": """
        http2::5.0 buffer_max_size::5.0 buffer_chunk_size::5.0 uri tag_from_uri
        successful_response_code
    """,
    "-ifluentbit_metrics": "scrape_interval scrape_on_start",
}
